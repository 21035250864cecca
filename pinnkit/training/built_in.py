"""The built-in training strategies: optimizer, weights, learning rate and points by name."""

import optax

from ..learning_rates.constant import ConstantLearningRate
from ..learning_rates.ntk import NTKLearningRate
from ..learning_rates.stable import StableLearningRate
from ..optimizers.levenberg_marquardt import levenberg_marquardt
from ..optimizers.quasi_newton import quasi_newton
from ..optimizers.soap import scale_by_soap
from ..samplers.residual_adaptive import ResidualAdaptive
from ..samplers.space_filling import QuasiRandom
from ..weighting.rule import AbstractWeighting
from ..weighting.trace import NTKWeighting
from .phase import Phase
from .strategy import Strategy


def adam(learning_rate: float = 1e-3, weighting: AbstractWeighting | None = None) -> Strategy:
    """Adam with a constant learning rate, and unit weights unless a weighting is given."""
    rate = ConstantLearningRate(learning_rate)
    return Strategy("adam", (Phase("adam", optax.scale_by_adam(), rate, weighting),))


def ntk_adam() -> Strategy:
    """Adam, with loss weights from the traces of the kernel and the learning rate from its curvature along the step."""
    return Strategy("ntk-adam", (_ntk_adam_phase(),))


def soap(learning_rate: float = 3e-3, weighting: AbstractWeighting | None = None) -> Strategy:
    """SOAP with a constant learning rate, and unit weights unless a weighting is given."""
    rate = ConstantLearningRate(learning_rate)
    return Strategy("soap", (Phase("soap", scale_by_soap(), rate, weighting),))


def ntk_soap() -> Strategy:
    """SOAP, with loss weights from the traces of the kernel and the learning rate from its curvature along the step."""
    return Strategy("ntk-soap", (Phase("ntk-soap", scale_by_soap(), NTKLearningRate(), NTKWeighting()),))


def gradient_descent() -> Strategy:
    """Gradient descent at a fixed fraction of the largest stable rate 2/λ_max, which is tracked as it changes."""
    return Strategy("gradient-descent", (Phase("gradient-descent", optax.identity(), StableLearningRate()),))


def gauss_newton() -> Strategy:
    """Levenberg-Marquardt, solved in the space of residuals or of parameters, whichever is smaller."""
    return Strategy("gauss-newton", (_gauss_newton_phase(),), rows_per_parameter=2.0)


def ssbroyden() -> Strategy:
    """NTK-weighted Adam, then self-scaled Broyden with the weights found by it, on points redrawn every 300 steps."""
    return _quasi_newton("ssbroyden")


def bfgs() -> Strategy:
    """As `ssbroyden`, with BFGS instead of self-scaled Broyden."""
    return _quasi_newton("bfgs")


def lbfgs() -> Strategy:
    """NTK-weighted Adam, then the L-BFGS of optax with the weights found by Adam, on fixed points.

    L-BFGS takes differences of gradients from different steps, so its points must not change.
    """
    optimizer = optax.chain(
        optax.scale_by_lbfgs(memory_size=20),
        optax.scale(-1.0),
        optax.scale_by_zoom_linesearch(25, initial_guess_strategy="one"),
    )
    phase = Phase("lbfgs", optimizer, steps=10_000, patience=3000)
    return Strategy("lbfgs", (_ntk_adam_phase(steps=500, share=0.1), phase), QuasiRandom(redraw=None), 2.0)


def auto() -> Strategy:
    """NTK-weighted Levenberg-Marquardt; half of the points are placed where the residual is large."""
    return Strategy("auto", (_gauss_newton_phase(NTKWeighting()),), ResidualAdaptive(), rows_per_parameter=2.0)


def _ntk_adam_phase(steps: int = 5000, share: float | None = None) -> Phase:
    return Phase("ntk-adam", optax.scale_by_adam(), NTKLearningRate(), NTKWeighting(), steps, share)


def _gauss_newton_phase(weighting: AbstractWeighting | None = None) -> Phase:
    optimizer = levenberg_marquardt()
    return Phase("gauss-newton", optimizer, None, weighting, steps=300, patience=100, check_every=10)


def _quasi_newton(member: str) -> Strategy:
    phase = Phase(member, quasi_newton(member), steps=10_000, patience=3000)
    return Strategy(member, (_ntk_adam_phase(steps=500, share=0.1), phase), QuasiRandom(redraw=300), 2.0)
