"""Named bundles of optimizer, weights, learning rate and points."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import optax

from ._checks import check_whole, is_number
from ._types import Params
from .errors import InputError, InputTypeError
from .gauss_newton import levenberg_marquardt
from .learning_rate import AbstractLearningRate, ConstantLearningRate, NTKLearningRate, StableLearningRate
from .momentum import has_theory, preconditioner_of
from .prediction import Preconditioner
from .problem import Problem
from .quasi_newton import quasi_newton
from .samplers import AbstractSampler, QuasiRandom, ResidualAdaptive, as_sampler, counts_of_rows, point_counts
from .schedule import normalised
from .soap import scale_by_soap
from .traits import traits_of
from .weighting import WEIGHTINGS, AbstractWeighting, NTKWeighting

MOST_ROWS = 10_000
"""Residuals at most that a strategy asks for: larger networks get the usual number of points."""


@dataclass(frozen=True)
class Phase:
    """A stretch of training with one way to go.

    - `optimizer`: any optax transformation. With a `learning_rate` it gives the direction d and the
      parameters move by −η d; without one its updates are added as they are.
    - `weighting`: None keeps the weights there are, of points their means.
    - `steps`: the most it takes; where the caller gives `steps` or a `budget`, only the last phase may take more;
    - `share`: of the caller's steps or budget; None for an equal part of what the phases with a share leave;
    - `patience`: the phase ends when the validation loss has not fallen by a tenth in so many steps.
    - `check_every`: steps between two evaluations of the validation loss.

    What an optimizer needs (double precision, points and weights that do not change) is known from its state, also
    inside `optax.chain`: see `traits`.
    """

    name: str
    optimizer: optax.GradientTransformation
    learning_rate: AbstractLearningRate | None = None
    weighting: AbstractWeighting | None = None
    steps: int = 5000
    share: float | None = None
    patience: int | None = None
    check_every: int = 100

    @property
    def has_theory(self) -> bool:
        """Whether linear theory covers its steps: those of gradient descent, Adam and SOAP at rates that are known."""
        return self.learning_rate is not None and has_theory(self.optimizer)

    def preconditioner(self, opt_state: Any) -> Preconditioner | None:
        """Of the optimizer in this state, where linear theory covers its steps (see `prediction`)."""
        return preconditioner_of(self.optimizer, opt_state) if self.has_theory else None

    def __post_init__(self) -> None:
        kinds = (
            ("optimizer", self.optimizer, optax.GradientTransformation, "an optax transformation"),
            ("learning_rate", self.learning_rate, AbstractLearningRate | None, "an `AbstractLearningRate` or None"),
            ("weighting", self.weighting, AbstractWeighting | None, "an `AbstractWeighting` or None"),
        )
        for name, value, kind, wanted in kinds:
            if not isinstance(value, kind):
                raise InputTypeError(f"`{name}` of phase '{self.name}' is {wanted}, got {value!r}")
        check_whole(0, steps=self.steps)
        check_whole(check_every=self.check_every)
        if self.patience is not None:
            check_whole(patience=self.patience)
        if self.share is not None and (not is_number(self.share) or not 0 <= self.share <= 1):
            raise InputError(f"`share` of phase '{self.name}' is a number from 0 to 1 or None, got {self.share!r}")


@dataclass(frozen=True)
class Strategy:
    """Phases one after the other on points from one sampler.

    The caller's steps and budget are dealt out to the phases by their shares, scaled so that they add up to 1; the last
    phase gets what the others leave as well.

    - `rows_per_parameter`: residuals for each parameter of the network that there should be, where the caller gives no
      number of points, up to `MOST_ROWS` in all; with fewer, methods of second order overfit them.

    **Raises:** `ValueError` without phases, for shares that leave nothing for the phases without one, and where a
    weighting remembers points that the sampler draws anew.
    """

    name: str
    phases: tuple[Phase, ...]
    sampler: AbstractSampler = QuasiRandom(redraw=10)
    rows_per_parameter: float = 0.0

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

    def check_optimizers(self, params: Params, precision: str) -> None:
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

    def counts(self, problem: Problem, parameters: int) -> dict[str, int]:
        """Points of each condition for a network with so many parameters; no fewer than usual."""
        usual, rows = point_counts(problem), self.rows_per_parameter * parameters
        if rows > MOST_ROWS:
            return usual
        return {name: max(n, usual[name]) for name, n in counts_of_rows(problem, max(rows, 1)).items()}


def adam(learning_rate: float = 1e-3, weighting: AbstractWeighting | None = None) -> Strategy:
    """Adam at a constant rate; unit weights unless a weighting is given."""
    rate = ConstantLearningRate(learning_rate)
    return Strategy("adam", (Phase("adam", optax.scale_by_adam(), rate, weighting),))


def ntk_adam() -> Strategy:
    """Adam with loss weights from the traces of the kernel and the rate from its curvature along the step."""
    return Strategy("ntk-adam", (_ntk_adam_phase(),))


def soap() -> Strategy:
    """SOAP with loss weights from the traces of the kernel and the rate from its curvature along the step."""
    return Strategy("soap", (Phase("soap", scale_by_soap(), NTKLearningRate(), NTKWeighting()),))


def gradient_descent() -> Strategy:
    """Gradient descent at a fixed fraction of the largest stable rate 2/λ_max, followed as it changes."""
    return Strategy("gradient-descent", (Phase("gradient-descent", optax.identity(), StableLearningRate()),))


def gauss_newton() -> Strategy:
    """Levenberg-Marquardt in the space of residuals or of parameters, whichever is smaller."""
    return Strategy("gauss-newton", (_gauss_newton_phase(),), rows_per_parameter=2.0)


def ssbroyden() -> Strategy:
    """NTK-weighted Adam, then self-scaled Broyden with the weights it found, on points that stay for 300 steps."""
    return _quasi_newton("ssbroyden")


def bfgs() -> Strategy:
    """As `ssbroyden`, with BFGS."""
    return _quasi_newton("bfgs")


def lbfgs() -> Strategy:
    """NTK-weighted Adam, then L-BFGS of optax with the weights it found, on fixed points.

    L-BFGS subtracts gradients of different steps, so its points must not change.
    """
    optimizer = optax.chain(
        optax.scale_by_lbfgs(memory_size=20),
        optax.scale(-1.0),
        optax.scale_by_zoom_linesearch(25, initial_guess_strategy="one"),
    )
    phase = Phase("lbfgs", optimizer, steps=10_000, patience=3000)
    return Strategy("lbfgs", (_ntk_adam_phase(steps=500, share=0.1), phase), QuasiRandom(redraw=None), 2.0)


def auto() -> Strategy:
    """NTK-weighted Levenberg-Marquardt on points of which half are where the residual is large."""
    return Strategy("auto", (_gauss_newton_phase(NTKWeighting()),), ResidualAdaptive(), rows_per_parameter=2.0)


STRATEGIES: dict[str, Callable[[], Strategy]] = {
    "auto": auto,
    "adam": adam,
    "ntk-adam": ntk_adam,
    "gradient-descent": gradient_descent,
    "soap": soap,
    "gauss-newton": gauss_newton,
    "ssbroyden": ssbroyden,
    "bfgs": bfgs,
    "lbfgs": lbfgs,
}


def as_strategy(
    strategy: str | Strategy | optax.GradientTransformation,
    precision: str,
    weighting: str | AbstractWeighting | None = None,
    sampler: str | AbstractSampler | None = None,
) -> Strategy:
    """A strategy from its name, itself, or an optax optimizer (unit weights, its own learning rate).

    In single precision "auto" means "ntk-adam".

    - `weighting`: what all its phases shall weigh with, a rule or its name; None leaves that to the strategy. A rule
      that remembers points keeps the first ones, unless the strategy or the caller comes with a sampler;
    - `sampler`: which points, a sampler or its name; None leaves that to the strategy.

    **Raises:** `ValueError` for an unknown name, and for a weighting that remembers points which are drawn anew;
    `TypeError` for anything else.
    """
    is_own = isinstance(strategy, Strategy) or sampler is not None
    if isinstance(strategy, str):
        if strategy not in STRATEGIES:
            raise InputError(f"there is no strategy '{strategy}'; there are {', '.join(STRATEGIES)}")
        if strategy == "auto" and precision == "single":
            strategy = "ntk-adam"
        strategy = STRATEGIES[strategy]()
    elif isinstance(strategy, optax.GradientTransformation):
        strategy = Strategy("optax", (Phase("optax", strategy),), QuasiRandom(redraw=_redraw_for(strategy)))
    elif not isinstance(strategy, Strategy):
        raise InputTypeError(
            f"a strategy is a name ({', '.join(STRATEGIES)}), a `Strategy` or an optax optimizer; "
            f"got {type(strategy).__name__}"
        )
    if sampler is not None:
        strategy = replace(strategy, sampler=as_sampler(sampler))
    if weighting is None:
        return strategy
    rule = as_weighting(weighting)
    phases = tuple(replace(phase, weighting=rule) for phase in strategy.phases)
    sampler = QuasiRandom(redraw=None) if rule.remembers_points and not is_own else strategy.sampler
    return replace(strategy, phases=phases, sampler=sampler)


def _redraw_for(optimizer: optax.GradientTransformation) -> int | None:
    """Steps after which points are drawn anew for an optimizer that is given alone."""
    try:
        needs = traits_of(optimizer, {"x": jnp.zeros(1)})
    except Exception:  # it wants parameters of a certain kind; what it needs is checked with those
        return 10
    return None if needs.needs_fixed else 10


def as_weighting(weighting: str | AbstractWeighting) -> AbstractWeighting:
    """A rule from its name or itself.

    **Raises:** `ValueError` for an unknown name; `TypeError` for anything else.
    """
    if isinstance(weighting, AbstractWeighting):
        return weighting
    if not isinstance(weighting, str):
        raise InputTypeError(
            f"a weighting is a name ({', '.join(WEIGHTINGS)}) or an `AbstractWeighting`; got {type(weighting).__name__}"
        )
    if weighting not in WEIGHTINGS:
        raise InputError(f"there is no weighting '{weighting}'; there are {', '.join(WEIGHTINGS)}")
    return WEIGHTINGS[weighting]()


def _ntk_adam_phase(steps: int = 5000, share: float | None = None) -> Phase:
    return Phase("ntk-adam", optax.scale_by_adam(), NTKLearningRate(), NTKWeighting(), steps, share)


def _gauss_newton_phase(weighting: AbstractWeighting | None = None) -> Phase:
    optimizer = levenberg_marquardt()
    return Phase("gauss-newton", optimizer, None, weighting, steps=300, patience=100, check_every=10)


def _quasi_newton(member: str) -> Strategy:
    phase = Phase(member, quasi_newton(member), steps=10_000, patience=3000)
    return Strategy(member, (_ntk_adam_phase(steps=500, share=0.1), phase), QuasiRandom(redraw=300), 2.0)
