"""How long a step is, from the eigenvalues of the kernel it moves through."""

import abc
import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import optax
from jaxtyping import Array

from ._checks import check_flag, check_positive, check_whole
from ._types import Key, Params, Scalar
from .errors import InputError


class StepContext(eqx.Module):
    """What a rate may look at.

    - `push`, `pull`: products $Jv$ and $J^\\top a$ with the Jacobian of the scaled residual at the current
      parameters, on trees of parameters;
    - `opt_state`: state of the optimizer after it has made the direction;
    - `b1`: decay of its momentum, None where it is not known;
    - `progress`: share of the phase that is over, between 0 and 1;
    """

    push: Callable[[Params], Array]
    pull: Callable[[Array], Params]
    opt_state: Any
    progress: Scalar
    b1: float | None = None


class AbstractLearningRate(eqx.Module):
    """A strategy for the learning rate. Updates are −η · direction."""

    @abc.abstractmethod
    def init(self, params: Params, key: Key) -> Any:
        """State before the first step."""

    @abc.abstractmethod
    def update(self, direction: Params, context: StepContext, state: Any) -> tuple[Scalar, Any]:
        """The rate for this step, and the next state."""


class ConstantLearningRate(AbstractLearningRate):
    """One rate throughout, with a cosine decay to zero where asked for."""

    value: float
    cosine: bool = False

    def __check_init__(self) -> None:
        check_positive(value=self.value)
        check_flag(cosine=self.cosine)

    def init(self, params: Params, key: Key) -> Any:
        return ()

    def update(self, direction: Params, context: StepContext, state: Any) -> tuple[Scalar, Any]:
        decay = cosine_decay(context.progress) if self.cosine else jnp.ones_like(context.progress)
        return self.value * decay, state


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


class Stability(eqx.Module):
    """- `probe`: a tree close to the leading eigenvector; `eigenvalue`: the largest one when last measured;
    - `gradient`: of the step before; `turned`: whether it was out of line with the one before itself;
    - `interval`, `left`: steps from one measurement to the next, and until then; `steps`: how many were taken.
    """

    probe: Params
    eigenvalue: Scalar
    gradient: Params
    turned: Array
    interval: Scalar
    left: Scalar
    steps: Scalar


class StableLearningRate(AbstractLearningRate):
    r"""$\eta = c/\lambda_{\max}(K)$ for gradient descent, which diverges above $2/\lambda_{\max}$.

    The eigenvalue is measured by power iteration, warm from last time. The interval between two measurements
    follows the growth of the eigenvalue: it is so long that at the same pace the eigenvalue would grow by `growth`. In
    the first steps, where it grows most, it is measured at each, and the rate grows linearly to its full length.

    Between them every gradient is compared with the one before, for free. One that turns against it (cosine below −½)
    or is twice as long may only come from other points; two of them in a row, or one that is ten times as long, come
    from a step that was too long for the curvature along it, and the eigenvalue is measured at once.

    - `safety`: c, below 2;
    - `growth`: factor by which the eigenvalue may grow between two measurements, below 2/c;
    - `longest`: most steps between two measurements; `warm_up`: number of first steps, at least 1;
    - `cosine`: whether the rate decays along a half cosine over the phase.
    """

    safety: float = 0.5
    growth: float = 1.5
    longest: int = 100
    warm_up: int = 10
    cosine: bool = False

    def __check_init__(self) -> None:
        check_positive(safety=self.safety, growth=self.growth)
        check_whole(longest=self.longest, warm_up=self.warm_up)
        check_flag(cosine=self.cosine)

    def init(self, params: Params, key: Key) -> Stability:
        leaves, tree = jax.tree.flatten(params)
        keys = jr.split(key, len(leaves))
        probe = [jr.normal(k, leaf.shape, leaf.dtype) for k, leaf in zip(keys, leaves, strict=True)]
        zero = jnp.zeros((), jnp.result_type(*leaves))
        none = optax.tree_utils.tree_zeros_like(params)
        return Stability(tree.unflatten(probe), zero, none, jnp.asarray(False), zero + 1, zero, zero)

    def update(self, direction: Params, context: StepContext, state: Stability) -> tuple[Scalar, Stability]:
        vdot = lambda a, b: jnp.asarray(optax.tree_utils.tree_vdot(a, b))
        before, after = vdot(state.gradient, state.gradient), vdot(direction, direction)
        turned = (vdot(direction, state.gradient) < -0.5 * jnp.sqrt(before * after)) | (after > 4 * before)
        is_due = (state.left <= 0) | (turned & state.turned) | (after > 100 * before)
        state = jax.lax.cond(is_due, lambda: self._measured(context, state), lambda: state)
        steps = state.steps + 1
        rate = self.safety / state.eigenvalue * jnp.minimum(steps / self.warm_up, 1.0)
        decay = cosine_decay(context.progress) if self.cosine else 1.0
        return rate * decay, Stability(
            state.probe, state.eigenvalue, direction, turned, state.interval, state.left - 1, steps
        )

    def _measured(self, context: StepContext, state: Stability) -> Stability:
        probe, eigenvalue = _power_iteration(state.probe, state.eigenvalue, context)
        grown = jnp.maximum(jnp.log(eigenvalue) - jnp.log(state.eigenvalue), 0)
        passed = jnp.maximum(state.interval - state.left, 1)
        wanted = passed * math.log(self.growth) / jnp.maximum(grown, math.log(self.growth) / self.longest)
        most = jnp.where(state.steps < self.warm_up, 1, jnp.minimum(2 * state.interval, self.longest))
        interval = jnp.clip(jnp.floor(wanted), 1, most)
        return Stability(probe, eigenvalue, state.gradient, state.turned, interval, interval, state.steps)


def cosine_decay(progress: Scalar) -> Scalar:
    """From 1 to 0 along half a cosine."""
    return 0.5 * (1 + jnp.cos(jnp.pi * jnp.clip(progress, 0, 1)))


def _power_iteration(probe: Params, eigenvalue: Scalar, context: StepContext) -> tuple[Params, Scalar]:
    """Leading eigenvector of the kernel in the space of parameters, and its eigenvalue, until that stands within 2 %.

    Starts from the last ones; one product is enough where the eigenvalue has not moved.
    """

    def step(carry: tuple[Params, Scalar, Scalar, Array]) -> tuple[Params, Scalar, Scalar, Array]:
        probe, eigenvalue, _, count = carry
        unit = optax.tree_utils.tree_scale(1 / optax.tree_utils.tree_norm(probe), probe)
        pushed = context.push(unit)
        return context.pull(pushed), jnp.vdot(pushed, pushed), eigenvalue, count + 1

    def is_moving(carry: tuple[Params, Scalar, Scalar, Array]) -> Array:
        _, eigenvalue, before, count = carry
        return (count == 0) | ((count < 30) & (jnp.abs(eigenvalue - before) > 0.02 * eigenvalue))

    start = probe, eigenvalue, eigenvalue, jnp.asarray(0)
    probe, eigenvalue, _, _ = jax.lax.while_loop(is_moving, step, start)
    return probe, eigenvalue
