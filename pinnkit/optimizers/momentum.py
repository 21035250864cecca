r"""How an optimizer makes steps of gradients, found from the steps that it makes.

Linear theory and the learning rate need the constants of Adam: the decays β₁, β₂ of its moments, and ε. They are in the
optimizer and nowhere in its state, so they are read off a step of two numbers, and count only where the next step is
what they predict. This sees through `optax.chain` and finds whatever else is in it.
"""

import functools
from typing import Any, NamedTuple

import jax
import numpy as np
import optax
from jaxtyping import Float

from .preconditioner import GRADIENT_DESCENT, Preconditioner
from .soap import SOAPState, preconditioned_by_adam, preconditioned_by_soap

_AT, _GRADIENTS = np.array([0.5, -0.7]), np.array([[1e6, 1e-8], [-3e5, 2e-8]])
"""Parameters, and gradients of two steps: large enough to be clipped, small enough to measure ε."""

_DIGITS, _AGREES = 12, 1e-9


class Moments(NamedTuple):
    r"""The direction $\hat m / (\sqrt{\hat v} + \epsilon)$, with running means of gradients and of their squares."""

    b1: float
    b2: float
    eps: float


@functools.lru_cache(maxsize=64)
def moments_of(optimizer: optax.GradientTransformation) -> Moments | None:
    """The constants of Adam, or of SOAP; None for any other optimizer."""
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
    """Whether directions are gradients."""
    return not jax.tree.leaves(_start(optimizer)) and bool(np.array_equal(_probed(optimizer)[0], _GRADIENTS))


def has_theory(optimizer: optax.GradientTransformation) -> bool:
    """Whether linear theory covers its steps."""
    return moments_of(optimizer) is not None or is_gradient_descent(optimizer)


def preconditioner_of(optimizer: optax.GradientTransformation, state: Any) -> Preconditioner | None:
    """Of gradient descent, Adam and SOAP; None for other optimizers, and before the first gradient."""
    if is_gradient_descent(optimizer):
        return GRADIENT_DESCENT
    moments, inner = moments_of(optimizer), _inner(state)
    if moments is None:
        return None
    if isinstance(inner, SOAPState):
        return preconditioned_by_soap(inner, *moments)
    return preconditioned_by_adam(inner, *moments)


def _start(optimizer: optax.GradientTransformation) -> Any:
    """The abstract first state for two parameters; None for an optimizer that wants other ones."""
    try:
        with jax.enable_x64(True):
            return jax.eval_shape(optimizer.init, {"x": _AT})
    except Exception:  # whatever an optimizer of somebody's own raises
        return None


def _probed(optimizer: optax.GradientTransformation) -> tuple[Float[np.ndarray, "2 2"], Any]:
    """The directions of two steps, and the moments after the first."""
    with jax.ensure_compile_time_eval(), jax.enable_x64(True):
        update = jax.jit(lambda g, state: optimizer.update({"x": g}, state, {"x": _AT}))
        one, after = update(_GRADIENTS[0], optimizer.init({"x": jax.numpy.asarray(_AT)}))
        two, _ = update(_GRADIENTS[1], after)
        return np.stack([one["x"], two["x"]]), jax.tree.map(np.asarray, _adam_in(after))


def _adam_in(state: Any) -> optax.ScaleByAdamState | None:
    """The state of Adam where an optimizer has no other."""
    inner = _inner(state)
    adam = inner.adam if isinstance(inner, SOAPState) else inner
    return adam if isinstance(adam, optax.ScaleByAdamState) else None


def _inner(state: Any) -> Any:
    """Of a chain of which one part has a state, that state."""
    while type(state) is tuple:
        parts = [part for part in state if jax.tree.leaves(part)]
        if len(parts) != 1:
            return None
        state = parts[0]
    return state
