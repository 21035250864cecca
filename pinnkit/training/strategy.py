"""A training schedule: a sequence of phases."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .._base.arguments import is_number
from .._base.errors import InputError, InputTypeError
from ..equations.problem import Problem
from ..optimizers.traits import traits_of
from ..samplers.counts import counts_of_rows, point_counts
from ..samplers.sampler import AbstractSampler
from ..samplers.space_filling import QuasiRandom
from ..weighting.noise import with_noise
from ..weighting.rule import AbstractWeighting
from .phase import MOST_ROWS, Phase
from .schedule import normalised


@dataclass(frozen=True)
class Strategy:
    """Phases one after the other on points from one sampler.

    The steps and the budget of the caller are divided among the phases by their shares, scaled to add up to 1; the last
    phase also gets what the others leave.

    - `rows_per_parameter`: residuals per parameter of the network if the caller gives no number of points, up to
      `MOST_ROWS` in total; with fewer, second-order methods overfit them;
    - `settings`: arguments that it was made with, for the settings of the run.

    **Raises:** `ValueError` without phases, for shares that leave nothing for the phases without one, and where a
    weighting remembers points that the sampler draws anew.
    """

    name: str
    phases: tuple[Phase, ...]
    sampler: AbstractSampler = QuasiRandom(redraw=10)
    rows_per_parameter: float = 0.0
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.phases:
            raise InputError(f"strategy '{self.name}' has no phases")
        if wrong := [type(phase).__name__ for phase in self.phases if not isinstance(phase, Phase)]:
            raise InputTypeError(f"strategy '{self.name}' is made of phases, got {wrong[0]}")
        if not isinstance(self.sampler, AbstractSampler):
            raise InputTypeError(f"the sampler of strategy '{self.name}' is one, got {type(self.sampler).__name__}")
        if not is_number(self.rows_per_parameter) or self.rows_per_parameter < 0:
            raise InputError(f"`rows_per_parameter` is a finite number ≥ 0, got {self.rows_per_parameter!r}")
        try:
            normalised([phase.share for phase in self.phases])
        except InputError as error:
            raise InputError(f"strategy '{self.name}': {error}") from None
        if self.sampler.redraw is not None and (bound := [rule for rule in self._rules if rule.remembers_points]):
            raise InputError(
                f"{type(bound[0]).__name__} remembers points, and strategy '{self.name}' draws them anew every "
                f"{self.sampler.redraw} steps; give it a sampler with `redraw=None`"
            )

    @property
    def _rules(self) -> list[AbstractWeighting]:
        return [phase.weighting for phase in self.phases if phase.weighting is not None]

    def check(self, problem: Problem) -> None:
        """**Raises:** `ProblemError` for a problem to which one of its weightings does not apply."""
        for rule in self._rules:
            rule.check(problem)

    def check_optimizers(self, params: Any, precision: str) -> None:
        """**Raises:** `ValueError` where an optimizer needs what `precision`, sampler or weightings do not give."""
        for phase in self.phases:
            needs = traits_of(phase.optimizer, params)
            if needs.needs_double and precision == "single":
                raise InputError(
                    f"phase '{phase.name}' needs precision 'double': rounding in single precision would spoil its steps"
                )
            subtracts = f"phase '{phase.name}' of strategy '{self.name}' subtracts gradients of different steps, so its"
            if needs.needs_fixed and self.sampler.redraw is not None:
                raise InputError(
                    f"{subtracts} points must not move, and {type(self.sampler).__name__} draws them anew every "
                    f"{self.sampler.redraw} steps; leave out `sampler`, or give one with `redraw=None`"
                )
            if needs.needs_fixed and phase.weighting is not None:
                raise InputError(
                    f"{subtracts} weights must not change, and {type(phase.weighting).__name__} changes them; leave "
                    f"out `weighting`, or give it to an earlier phase"
                )

    def for_data(self, problem: Problem, params: Any) -> "Strategy":
        """The strategy with data weighted by their noise, in phases whose weights may change (see `NoiseWeighting`)."""
        is_fixed = lambda phase: traits_of(phase.optimizer, params).needs_fixed
        phases = [replace(each, weighting=with_noise(each.weighting, problem, is_fixed(each))) for each in self.phases]
        return replace(self, phases=tuple(phases))

    def counts(self, problem: Problem, parameters: int) -> dict[str, int]:
        """Points of each condition for a number of parameters; no fewer than usual."""
        usual, rows = point_counts(problem), self.rows_per_parameter * parameters
        if rows > MOST_ROWS:
            return usual
        return {name: max(n, usual[name]) for name, n in counts_of_rows(problem, max(rows, 1)).items()}
