"""A learning rate from the curvature of the kernel along the step."""

import equinox as eqx
import jax
import jax.numpy as jnp
import optax

from .._base.arguments import check_flag, check_positive, check_whole
from .._base.errors import InputError
from .._base.types import Key, Params, Scalar
from .cosine_decay import cosine_decay
from .rule import AbstractLearningRate, StepContext


class MeasuredRate(eqx.Module):
    """- `mean_log`: mean of the logarithms of the rates measured so far; `measured`: the number of these."""

    mean_log: Scalar
    measured: Scalar


class NTKLearningRate(AbstractLearningRate):
    r"""A learning rate for Adam and SOAP from the curvature of the kernel along the step.

    The direction of these optimizers is $d = P^{-1} \hat m$ with a preconditioner P and the bias-corrected momentum
    $\hat m$. The curvature along it is the Rayleigh quotient of the preconditioned kernel,
    $\rho = \|Jd\|^2 / d^\top P d = \|Jd\|^2 / d^\top \hat m$, for any P, and the rate is $\eta = c/\rho$. It is averaged
    in log space over the first `window` steps, during which the rate grows linearly to its full value, and then kept
    fixed: later the quotient depends on the rate rather than determining it (smaller steps give smaller gradients, a
    smaller P and a larger ρ), so a rate that keeps following it collapses.

    - `safety`: c;
    - `window`: number of steps over which the rate is measured;
    - `cosine`: whether the rate decays to zero along half a cosine over the phase.

    **Raises:** `InputError` if the optimizer is neither Adam nor SOAP.

    Cohen et al., *Adaptive gradient methods at the edge of stability*, 2022, on why ρ depends on η.
    """

    safety: float = 1.4
    window: int = 100
    cosine: bool = True

    def __check_init__(self) -> None:
        check_positive(safety=self.safety)
        check_whole(window=self.window)
        check_flag(cosine=self.cosine)

    def init(self, params: Params, key: Key) -> MeasuredRate:
        zero = jnp.zeros((), jnp.result_type(*jax.tree.leaves(params)))
        return MeasuredRate(zero, zero)

    def update(self, direction: Params, context: StepContext, state: MeasuredRate) -> tuple[Scalar, MeasuredRate]:
        measure = lambda: self._measured(direction, context, state)
        state = jax.lax.cond(state.measured < self.window, measure, lambda: state)
        rate = jnp.exp(state.mean_log) * state.measured / self.window
        return rate * (cosine_decay(context.progress) if self.cosine else 1.0), state

    def _measured(self, direction: Params, context: StepContext, state: MeasuredRate) -> MeasuredRate:
        pushed = context.push(direction)
        curvature = jnp.vdot(pushed, pushed) / optax.tree_utils.tree_vdot(direction, self._momentum(context))
        measured = state.measured + 1
        change = (jnp.log(self.safety / curvature) - state.mean_log) / measured
        return MeasuredRate(state.mean_log + change, measured)

    def _momentum(self, context: StepContext) -> Params:
        b1 = context.b1
        if b1 is None:
            raise InputError(
                f"`NTKLearningRate` needs Adam or SOAP, got an optimizer with the state "
                f"{type(context.opt_state).__name__}; use `StableLearningRate` for gradient descent"
            )
        mu, count = (optax.tree_utils.tree_get(context.opt_state, name) for name in ("mu", "count"))
        return jax.tree.map(lambda m: m / (1 - b1 ** count.astype(m.dtype)), mu)
