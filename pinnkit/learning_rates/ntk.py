"""A learning rate from the largest eigenvalue of the kernel."""

import equinox as eqx
import jax
import jax.numpy as jnp
import optax

from .._base.arguments import check_flag, check_positive, check_whole
from .._base.errors import InputError
from .._base.types import Key, Params, Scalar
from .constant import cosine_decay
from .rule import AbstractLearningRate, StepContext


class MeasuredRate(eqx.Module):
    """- `mean_log`: mean logarithm of the rates measured so far; `measured`: their number."""

    mean_log: Scalar
    measured: Scalar


class NTKLearningRate(AbstractLearningRate):
    r"""The rate for Adam and SOAP from the curvature of the kernel along the step.

    Their direction is $d = P^{-1} \hat m$ with a preconditioner P and the bias-corrected momentum $\hat m$. The
    curvature along it is the Rayleigh quotient $\rho = \|Jd\|^2 / d^\top P d = \|Jd\|^2 / d^\top \hat m$ of the
    preconditioned kernel, whatever P is, and $\eta = c/\rho$. It is averaged in log space over the first `window`
    steps, while the rate grows linearly to its full length, and then held: later the quotient follows the rate instead
    of telling it (the smaller the steps, the smaller the gradients and P, the larger ρ), and a rate that goes on
    following it collapses.

    - `safety`: c;
    - `window`: steps over which the rate is measured;
    - `cosine`: whether the rate decays along a half cosine over the phase.

    **Raises:** `ValueError` if the optimizer is neither Adam nor SOAP.

    Cohen et al., *Adaptive gradient methods at the edge of stability*, 2022, on why ρ follows η.
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
                f"`NTKLearningRate` is for Adam and SOAP alone, got an optimizer with the state "
                f"{type(context.opt_state).__name__}; for gradient descent take `StableLearningRate`"
            )
        mu, count = (optax.tree_utils.tree_get(context.opt_state, name) for name in ("mu", "count"))
        return jax.tree.map(lambda m: m / (1 - b1 ** count.astype(m.dtype)), mu)
