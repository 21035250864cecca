"""What a call of `fit` asks for: one checked object, from which the identity and the settings of the run follow."""

import dataclasses
import functools
import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ._base.arguments import check_flag, is_number, is_positive, is_whole
from ._base.errors import InputError, InputTypeError
from .automatic.choices import Choices
from .samplers.named import SAMPLERS
from .training.named import STRATEGIES
from .weighting.named import WEIGHTINGS

if TYPE_CHECKING:
    import optax

    from ._base.devices import Devices
    from ._base.types import Model
    from .equations.problem import Problem
    from .learning_rates.rule import AbstractLearningRate
    from .runs.callbacks import Callback
    from .runs.resume.checkpointing import Checkpoints
    from .samplers.sampler import AbstractSampler
    from .solution.solution import Solution
    from .training.strategy import Strategy
    from .weighting.rule import AbstractWeighting

DEFAULT_CHOICES = Choices()

MOST_STEPS = 2**31 - 1


def option(default: Any, kind: Any, text: str, names: Mapping[str, Any] | None = None) -> Any:
    """A field that is an option of the command line as well.

    - `kind`: the type of the option; `text`: its help, in which `{names}` stands for the `names` to choose from.
    """
    return dataclasses.field(default=default, metadata={"kind": kind, "text": text, "names": names})


@dataclasses.dataclass(frozen=True, eq=False)
class Request:
    """The arguments of `fit`, which documents them; see `checked`, `identity` and `config`.

    It can be imported, and its fields listed, without JAX.
    """

    problem: "Problem"
    model: "Model | None" = None
    strategy: "str | Strategy | optax.GradientTransformation" = option(
        "auto", str, "Training schedule: {names}; auto by default.", STRATEGIES
    )
    learning_rate: "float | AbstractLearningRate | None" = option(
        None, float, "Learning rate in place of that of the strategy, of its first-order phases."
    )
    steps: int | None = option(None, int, "Stop after this number of steps, also as 1e4.")
    budget: float | None = option(
        None, float, "Stop after this time in seconds, also as 2m or 1.5h, which includes writing the report."
    )
    target: float | None = option(None, float, "Stop when the validation loss reaches this value.")
    seed: int = option(0, int, "Random seed; 0 by default.")
    precision: str = option(
        "double", Literal["double", "single"], "Double by default; single is for first-order training on accelerators."
    )
    points: int | Mapping[str, int] | None = option(
        None, int, "Number of interior collocation points; conditions on the boundary get a share."
    )
    sampler: "str | AbstractSampler | None" = option(
        None, str, "Sampler of the collocation points: {names}; that of the strategy by default.", SAMPLERS
    )
    weights: Mapping[str, float] | None = None
    weighting: "str | AbstractWeighting | None" = option(
        None, str, "Rule for the loss weights in place of the strategy's: {names}.", WEIGHTINGS
    )
    width: int | None = option(None, int, "Width of the hidden layers of the built-in network.")
    depth: int | None = option(None, int, "Number of hidden layers of the built-in network.")
    constraints: str | Sequence[str] | None = option(
        None,
        Literal["hard", "soft"],
        "hard: build conditions into the network where possible; soft: penalise all of them. Hard by default.",
    )
    devices: "Devices | None" = option(None, int, "Number of devices that share the points; all by default.")
    choices: Choices = DEFAULT_CHOICES
    start: "Solution | None" = None
    continuation: Mapping[str, Sequence[float]] | None = None
    callbacks: "Sequence[Callback]" = ()
    checkpoints: "Checkpoints | str | Path | None" = None
    resume: "str | Path | None" = None
    progress: bool | None = None

    def checked(self) -> "Request":
        """This request, with the last values of a continuation.

        **Raises:** `InputError` or `InputTypeError` for the first invalid argument.
        """
        from .diagnostics.problem_kernel import check_problem_and_seed
        from .ntk.output_kernel import checked_dtype
        from .weighting.fixed import fixed_weights

        check_limits(self.steps, self.budget, self.target)
        check_problem_and_seed(self.problem, self.seed)
        checked_dtype(self.precision)
        check_callbacks(self.callbacks)
        check_model(self.model)
        _check_choices(self.choices)
        if self.progress is not None:
            check_flag(progress=self.progress)
        _check_weights(self.weights, next(iter(self.problem.conditions)))
        _check_constraints(self.constraints)
        _check_start(self.start, self.problem)
        _check_continuation(self.continuation)
        _ = self.saving, self.plan  # which are checked when they are made
        fixed_weights(tuple(self.problem.conditions), self.weights)
        if self.choices != DEFAULT_CHOICES and not self.is_automatic:
            raise InputError(
                "`choices` applies to the automatic procedure only: keep the strategy 'auto' and give no network, "
                f"points or weights; got {self.choices}"
            )
        return self.at({name: values[-1] for name, values in (self.continuation or {}).items()})

    @property
    def values_before(self) -> list[dict[str, float]]:
        """The values of a continuation before the last ones."""
        columns = {name: list(values) for name, values in (self.continuation or {}).items()}
        count = max(map(len, columns.values()), default=1) - 1
        return [{name: float(values[i]) for name, values in columns.items()} for i in range(count)]

    def at(self, values: Mapping[str, float]) -> "Request":
        """The same with other values of coefficients."""
        return dataclasses.replace(self, problem=self.problem.with_coefficients(**values))

    @functools.cached_property
    def saving(self) -> "Checkpoints | None":
        """Where and when to save the state; None without checkpoints."""
        from .runs.resume.checkpointing import Checkpoints

        checkpoints, resume = self.checkpoints, self.resume
        for name, value in (("checkpoints", checkpoints), ("resume", resume)):
            if value is not None and not isinstance(value, str | os.PathLike | Checkpoints):
                raise InputTypeError(f"`{name}` is the path of a run folder, got {value!r}")
        if isinstance(resume, Checkpoints):
            raise InputTypeError(
                "`resume` is the path of a run folder; say when to save with `checkpoints=Checkpoints(...)`"
            )
        folder = resume if checkpoints is None else checkpoints
        if folder is None:
            return None
        saving = folder if isinstance(folder, Checkpoints) else Checkpoints(folder)
        if resume is not None and Path(resume).resolve() != Path(saving.folder).resolve():
            raise InputError(f"a run is resumed in its own folder, '{resume}'; got checkpoints in '{saving.folder}'")
        return saving

    @functools.cached_property
    def plan(self) -> "Strategy":
        """The training schedule, with the rule and the sampler that replace its own."""
        from .training.as_strategy import as_strategy

        plan = as_strategy(self.strategy, self.precision, self.weighting, self.sampler, self.learning_rate)
        plan.check(self.problem)
        return plan

    @property
    def wanted(self) -> str | Sequence[str]:
        """The constraints to build into the network: "hard", "soft" or names."""
        if self.constraints is None:
            return "hard" if self.model is None else "soft"
        return self.constraints

    @property
    def is_automatic(self) -> bool:
        """Whether network, points and weights are chosen by the automatic procedure."""
        given = (
            self.model,
            self.learning_rate,
            self.width,
            self.depth,
            self.points,
            self.sampler,
            self.weights,
            self.weighting,
        )
        is_open = all(setting is None for setting in given)
        return self.plan.name == "auto" and is_open and self.steps != 0 and _has_interior(self.problem)

    def identity(self) -> dict[str, Any]:
        """The settings that a resumed run must share, as numbers and text that are the same in every process."""
        from .runs.resume.fingerprint import plain
        from .runs.storage.weights_file import encode_params

        passed_over = ("problem", "model", "callbacks", "checkpoints", "resume", "start", "progress", "devices")
        names = [field.name for field in dataclasses.fields(self) if field.name not in passed_over]
        model = None if self.model is None else type(self.model).__name__
        start = None if self.start is None else hashlib.sha256(encode_params(self.start.params, {})).hexdigest()
        return {**{name: plain(getattr(self, name)) for name in names}, "model": model, "start": start}

    def config(self, described: Mapping[str, Any], points: Mapping[str, int]) -> dict[str, Any]:
        """The settings of a finished run, without those that were left open, for `config.toml`.

        - `described`: the network; `points`: the number of points of each condition.
        """
        from .runs.resume.fingerprint import plain, versions

        named = lambda value: value if value is None or isinstance(value, str) else type(value).__name__
        asked = {"weighting": named(self.weighting), "sampler": named(self.sampler)}
        asked |= {"learning_rate": plain(self.learning_rate), "optimizer": plain(self.plan.settings) or None}
        asked |= {"steps": self.steps, "budget": self.budget, "target": self.target}
        before = self.continuation and {name: list(map(float, values)) for name, values in self.continuation.items()}
        asked |= {"continuation": before or None}
        return {
            "problem": self.problem.name,
            "strategy": self.plan.name,
            "seed": self.seed,
            "precision": self.precision,
            **described,
            "constraints": self.wanted if isinstance(self.wanted, str) else tuple(self.wanted),
            **{name: value for name, value in asked.items() if value is not None},
            "points": dict(points),
            "coefficients": self.problem.constants,
            "versions": versions(),
        }


def check_limits(steps: Any, budget: Any, target: Any) -> None:
    """**Raises:** `InputError` for an invalid limit of a fit."""
    if steps is not None and not is_whole(steps, 0, MOST_STEPS):
        raise InputError(f"`steps` is a whole number from 0 to 2³¹ − 1, got {steps!r}")
    for name, value in (("budget", budget), ("target", target)):
        if value is not None and not is_positive(value):
            raise InputError(f"`{name}` is a finite number > 0, got {value!r}")


def check_model(model: Any) -> None:
    """**Raises:** `InputTypeError` for another argument of `fit` in place of a model; the message names it."""
    from .equations.problem import Problem
    from .samplers.sampler import AbstractSampler
    from .training.strategy import Strategy
    from .weighting.rule import AbstractWeighting

    if isinstance(model, Problem):
        raise InputTypeError("a second problem was given where a model goes")
    if isinstance(model, Strategy | str):
        what = f"the name '{model}'" if isinstance(model, str) else f"the strategy '{model.name}'"
        raise InputTypeError(f"{what} was given where a model goes; write `strategy=` before it")
    if isinstance(model, AbstractWeighting | AbstractSampler):
        name = "weighting" if isinstance(model, AbstractWeighting) else "sampler"
        raise InputTypeError(f"a {name} was given where a model goes; write `{name}=` before it")


def check_callbacks(callbacks: Any) -> None:
    """**Raises:** `InputTypeError` for anything but a list of callbacks."""
    from .runs.callbacks import Callback

    if not isinstance(callbacks, Sequence):
        raise InputTypeError(f"`callbacks` is a list of callbacks; got {type(callbacks).__name__}")
    if wrong := [callback for callback in callbacks if not isinstance(callback, Callback)]:
        given = f"the class {wrong[0].__name__}" if isinstance(wrong[0], type) else type(wrong[0]).__name__
        raise InputTypeError(f"a callback is a `pinnkit.Callback`, got {given}")


def _check_choices(choices: Any) -> None:
    if not isinstance(choices, Choices):
        raise InputTypeError(f"`choices` is a `Choices`, got {type(choices).__name__}")


def _check_weights(weights: Any, condition: str) -> None:
    """**Raises:** `InputTypeError` for anything but numbers by condition, such as `condition`."""
    if weights is not None and not isinstance(weights, Mapping):
        raise InputTypeError(
            f"`weights` has a number for each condition, as in `{{'{condition}': 10.0}}`; got {type(weights).__name__} "
            "(a rule is given as `weighting=`)"
        )


def _check_constraints(constraints: Any) -> None:
    if constraints is not None and not isinstance(constraints, str | Sequence):
        raise InputTypeError(
            f"`constraints` is 'hard', 'soft' or names of conditions; got {type(constraints).__name__}"
        )


def _check_start(start: Any, problem: "Problem") -> None:
    from .automatic.warm_start import WarmStart
    from .solution.solution import Solution

    if start is None:
        return
    if not isinstance(start, Solution):
        raise InputTypeError(f"`start` is a `Solution`, as `fit` and `load` return it; got {type(start).__name__}")
    WarmStart(start.problem, start.run.config, start.params).check(problem)


def _check_continuation(continuation: Any) -> None:
    if continuation is None:
        return
    if not isinstance(continuation, Mapping) or not continuation:
        raise InputTypeError(
            f"`continuation` has values for each coefficient, as in `{{'Re': [100, 400, 1000]}}`; got {continuation!r}"
        )
    lengths = set[int]()
    for name, values in continuation.items():
        is_list = hasattr(values, "__len__") and not isinstance(values, str | Mapping)
        if not is_list or not len(values) or not all(map(is_number, values)):
            raise InputError(f"`continuation` of '{name}' is a list of finite numbers, got {values!r}")
        lengths.add(len(values))
    if len(lengths) > 1:
        raise InputError(f"`continuation` has as many values for each coefficient, got {sorted(lengths)}")


def _has_interior(problem: "Problem") -> bool:
    """Whether there is an equation on a region of full dimension."""
    return any(condition.on.dimension == problem.domain.dimension for condition in problem.conditions.values())
