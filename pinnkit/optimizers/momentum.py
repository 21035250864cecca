r"""The constants of Adam and SOAP, measured from steps of the optimizer.

Linear theory and the learning rate need the decay rates β₁, β₂ of the moments and ε. An optax transformation hides them
in its closure, and its state does not have them. So they are inferred from one step on two parameters, and accepted only
if they predict the next step. This also works inside `optax.chain`, and fails where another transformation changes the
steps.
"""

import functools
from typing import Any, NamedTuple

import jax
import numpy as np
import optax
from jaxtyping import Float

from .preconditioner import GRADIENT_DESCENT, Preconditioner, preconditioned_by_adam, preconditioned_by_soap
from .soap import SOAPState

_AT, _GRADIENTS = np.array([0.5, -0.7]), np.array([[1e6, 1e-8], [-3e5, 2e-8]])
"""Parameters, and the gradients of two steps: large enough that clipping shows, and small enough to measure ε."""

_DIGITS, _AGREES = 12, 1e-9


class Moments(NamedTuple):
    r"""The direction $\hat m / (\sqrt{\hat v} + \epsilon)$, with running means of gradients and of their squares."""

    b1: float
    b2: float
    eps: float


@functools.lru_cache(maxsize=64)
def moments_of(optimizer: optax.GradientTransformation) -> Moments | None:
    """The constants of Adam or SOAP; None for any other optimizer."""
    if _adam_in(_start(optimizer)) is None:
        return None
    directions, adam = _probed(optimizer)
    first, second = _GRADIENTS
    b1, b2 = (
        round(1 - float(moment["x"][0]) / size, _DIGITS)
        for moment, size in ((adam.mu, first[0]), (adam.nu, first[0] ** 2))
    )
    eps = max(float(first[1] / directions[0, 1] - first[1]), 0.0)
    if not (0 <= b1 < 1 and 0 < b2 < 1 and np.isfinite(eps)):
        return None
    mean = lambda b, one, two: (b * one + two) / (1 + b)
    expected = mean(b1, first, second) / (np.sqrt(mean(b2, first**2, second**2)) + eps)
    return Moments(float(b1), float(b2), eps) if np.allclose(directions[1], expected, rtol=_AGREES, atol=0) else None


@functools.lru_cache(maxsize=64)
def is_gradient_descent(optimizer: optax.GradientTransformation) -> bool:
    """Whether the directions of an optimizer are the gradients."""
    return not jax.tree.leaves(_start(optimizer)) and bool(np.array_equal(_probed(optimizer)[0], _GRADIENTS))


def has_theory(optimizer: optax.GradientTransformation) -> bool:
    """Whether linear theory applies to the steps of an optimizer."""
    return moments_of(optimizer) is not None or is_gradient_descent(optimizer)


def preconditioner_of(optimizer: optax.GradientTransformation, state: Any) -> Preconditioner | None:
    """The preconditioner of gradient descent, Adam or SOAP; None for other optimizers, and before the first gradient."""
    if is_gradient_descent(optimizer):
        return GRADIENT_DESCENT
    moments, inner = moments_of(optimizer), _inner(state)
    if moments is None:
        return None
    if isinstance(inner, SOAPState):
        return preconditioned_by_soap(inner, *moments)
    return preconditioned_by_adam(inner, *moments)


def _start(optimizer: optax.GradientTransformation) -> Any:
    """The abstract initial state for two parameters; None for an optimizer that needs a tree of another structure."""
    try:
        with jax.enable_x64(True):
            return jax.eval_shape(optimizer.init, {"x": _AT})
    except Exception:  # a user's optimizer may raise anything
        return None


def _probed(optimizer: optax.GradientTransformation) -> tuple[Float[np.ndarray, "2 2"], Any]:
    """The directions of two steps, and the moments after the first one."""
    with jax.ensure_compile_time_eval(), jax.enable_x64(True):
        update = jax.jit(lambda g, state: optimizer.update({"x": g}, state, {"x": _AT}))
        one, after = update(_GRADIENTS[0], optimizer.init({"x": jax.numpy.asarray(_AT)}))
        two, _ = update(_GRADIENTS[1], after)
        return np.stack([one["x"], two["x"]]), jax.tree.map(np.asarray, _adam_in(after))


def _adam_in(state: Any) -> optax.ScaleByAdamState | None:
    """The state of Adam; None if the optimizer has another state."""
    inner = _inner(state)
    adam = inner.adam if isinstance(inner, SOAPState) else inner
    return adam if isinstance(adam, optax.ScaleByAdamState) else None


def _inner(state: Any) -> Any:
    """The state of the only part of a chain that has one; None if there are several."""
    while type(state) is tuple:
        parts = [part for part in state if jax.tree.leaves(part)]
        if len(parts) != 1:
            return None
        state = parts[0]
    return state
