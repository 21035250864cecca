"""Named bundles of optimizer, weights, learning rate and points."""

from collections.abc import Callable
from dataclasses import replace

import optax

from .._base.errors import InputError, InputTypeError
from ..learning_rates.constant import ConstantLearningRate
from ..learning_rates.ntk import NTKLearningRate
from ..learning_rates.stable import StableLearningRate
from ..optimizers.levenberg_marquardt import levenberg_marquardt
from ..optimizers.quasi_newton import quasi_newton
from ..optimizers.soap import scale_by_soap
from ..samplers.adaptive import ResidualAdaptive
from ..samplers.named import as_sampler
from ..samplers.sampler import AbstractSampler
from ..samplers.space_filling import QuasiRandom
from ..weighting.kernel import NTKWeighting
from ..weighting.rule import AbstractWeighting
from .phase import Phase
from .strategy import Strategy, as_weighting, redraw_for


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
        strategy = Strategy("optax", (Phase("optax", strategy),), QuasiRandom(redraw=redraw_for(strategy)))
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


def _ntk_adam_phase(steps: int = 5000, share: float | None = None) -> Phase:
    return Phase("ntk-adam", optax.scale_by_adam(), NTKLearningRate(), NTKWeighting(), steps, share)


def _gauss_newton_phase(weighting: AbstractWeighting | None = None) -> Phase:
    optimizer = levenberg_marquardt()
    return Phase("gauss-newton", optimizer, None, weighting, steps=300, patience=100, check_every=10)


def _quasi_newton(member: str) -> Strategy:
    phase = Phase(member, quasi_newton(member), steps=10_000, patience=3000)
    return Strategy(member, (_ntk_adam_phase(steps=500, share=0.1), phase), QuasiRandom(redraw=300), 2.0)
