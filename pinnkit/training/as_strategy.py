"""The strategy that `fit` is given: a name, a `Strategy` or an optax optimizer."""

from dataclasses import replace

import jax.numpy as jnp
import optax

from .._base.arguments import check_positive
from .._base.errors import InputError, InputTypeError
from ..learning_rates.constant import ConstantLearningRate
from ..learning_rates.rule import AbstractLearningRate
from ..optimizers.traits import traits_of
from ..samplers.named import SAMPLERS
from ..samplers.sampler import AbstractSampler
from ..samplers.space_filling import QuasiRandom
from ..weighting.named import WEIGHTINGS
from ..weighting.rule import AbstractWeighting
from .named import STRATEGIES
from .phase import Phase
from .strategy import Strategy


def as_strategy(
    strategy: str | Strategy | optax.GradientTransformation,
    precision: str,
    weighting: str | AbstractWeighting | None = None,
    sampler: str | AbstractSampler | None = None,
    learning_rate: float | AbstractLearningRate | None = None,
) -> Strategy:
    """A strategy from its name, itself, or an optax optimizer (unit weights, its own learning rate).

    In single precision "auto" means "ntk-adam".

    - `weighting`: a rule or its name for all phases; None keeps those of the strategy. With a rule that remembers
      points, the first points are kept unless the strategy is a `Strategy` or a sampler is given;
    - `sampler`: a sampler or its name; None keeps the one of the strategy;
    - `learning_rate`: a number or a rule for all phases that have a learning rate; None keeps their own.

    **Raises:** `InputError` for an unknown name, and for a weighting that remembers points which are redrawn;
    `InputTypeError` for anything else, and for a learning rate where there is none.
    """
    has_points = isinstance(strategy, Strategy) or sampler is not None
    plan = _with_rate(_plan(strategy, precision), learning_rate)
    if sampler is not None:
        plan = replace(plan, sampler=SAMPLERS.of(sampler))
    if weighting is None:
        return plan
    rule = WEIGHTINGS.of(weighting)
    phases = tuple(replace(phase, weighting=rule) for phase in plan.phases)
    points = QuasiRandom(redraw=None) if rule.remembers_points and not has_points else plan.sampler
    return replace(plan, phases=phases, sampler=points)


def _plan(strategy: str | Strategy | optax.GradientTransformation, precision: str) -> Strategy:
    if isinstance(strategy, str):
        return STRATEGIES.create("ntk-adam" if strategy == "auto" and precision == "single" else strategy)
    if isinstance(strategy, Strategy):
        return strategy
    if isinstance(strategy, optax.GradientTransformation):
        return Strategy("optax", (Phase("optax", strategy),), QuasiRandom(redraw=_redraw_for(strategy)))
    raise InputTypeError(
        f"a strategy is a name ({', '.join(STRATEGIES)}), a `Strategy` or an optax optimizer; "
        f"got {type(strategy).__name__}"
    )


def _with_rate(plan: Strategy, rate: float | AbstractLearningRate | None) -> Strategy:
    """The strategy with another learning rate."""
    if rate is None:
        return plan
    if not isinstance(rate, AbstractLearningRate):
        check_positive(learning_rate=rate)
        rate = ConstantLearningRate(float(rate))
    if plan.name == "auto" or all(phase.learning_rate is None for phase in plan.phases):
        own = " of pinnkit; give it to the optimizer itself" if plan.name == "optax" else ""
        advice = "choose a first-order strategy such as 'adam', 'soap' or 'optax.adamw'"
        raise InputError(f"strategy '{plan.name}' has no learning rate{own or '; ' + advice}")
    own_rates = [phase if phase.learning_rate is None else replace(phase, learning_rate=rate) for phase in plan.phases]
    return replace(plan, phases=tuple(own_rates))


def _redraw_for(optimizer: optax.GradientTransformation) -> int | None:
    """Steps between two draws of points for an optimizer without a strategy; None where points must not change."""
    try:
        needs = traits_of(optimizer, {"x": jnp.zeros(1)})
    except Exception:  # an optimizer for parameters of a certain structure; `Strategy.check` has those
        return 10
    return None if needs.needs_fixed else 10
