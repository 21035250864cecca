"""The reference of a problem, a function of NumPy arrays, as a model that JAX differentiates."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.special
import numpy as np
from jaxtyping import Array, Float

from .._base.types import Params
from ..equations.problem import Problem
from ..networks.functional import FunctionalModel
from ..residuals.functions import ResidualFunctions

SAME = 1e-9
"""Relative difference between the values by NumPy and by JAX below which they are the same function."""


class TracedNumbers(np.lib.mixins.NDArrayOperatorsMixin):
    """An array of JAX to which functions of NumPy, and ufuncs of SciPy, apply: those that JAX has, too.

    By the protocols of NumPy for other arrays, NEP 13 and NEP 18.
    """

    def __init__(self, value: Any):
        self.value = value

    def __jax_array__(self) -> Array:
        return self.value

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        places = (place for place in (jnp, jax.scipy.special) if hasattr(place, ufunc.__name__))
        if method != "__call__" or options or (place := next(places, None)) is None:
            return NotImplemented
        return _wrapped(getattr(place, ufunc.__name__)(*_unwrapped(inputs)))

    def __array_function__(self, function: Any, types: Any, inputs: Any, options: Any) -> Any:
        same = getattr(jnp, function.__name__, None)
        return NotImplemented if same is None else _wrapped(same(*_unwrapped(inputs), **_unwrapped(options)))

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.value, name)
        return (lambda *inputs, **options: _wrapped(found(*inputs, **options))) if callable(found) else _wrapped(found)

    def __getitem__(self, index: Any) -> "TracedNumbers":
        return TracedNumbers(self.value[_unwrapped(index)])

    def __len__(self) -> int:
        return len(self.value)


def _wrapped(tree: Any) -> Any:
    return jax.tree.map(lambda leaf: TracedNumbers(leaf) if isinstance(leaf, jax.Array) else leaf, tree)


def _unwrapped(tree: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf.value if isinstance(leaf, TracedNumbers) else leaf, tree)


def traced_reference(
    problem: Problem, names: Sequence[str], points: Float[np.ndarray, "n d"]
) -> ResidualFunctions | None:
    """The residuals of the reference; None if JAX cannot differentiate it. To be called in double precision.

    - `names`: of the fields that it gives; the others are zero;
    - `points`: at which its values are compared with those by NumPy.
    """

    def apply(params: Params, x: Float[Array, " d"]) -> Float[Array, " m"]:
        named = {name: TracedNumbers(x[i : i + 1]) for i, name in enumerate(problem.domain.coordinates)}
        found = _by_field(problem, problem.call_reference(named))
        parts = [_unwrapped(found[name]) if name in names else 0.0 for name in problem.field_sizes]
        sizes = problem.field_sizes.values()
        return jnp.concatenate([jnp.broadcast_to(part, (1, m)).ravel() for part, m in zip(parts, sizes, strict=True)])

    residuals = _residuals(problem, apply)
    if residuals is None:
        return None
    expected = problem.evaluate_reference(points) or {}
    found = jax.jit(residuals.fields)(residuals.initial_params(jnp.zeros(())), points)
    pairs = [(np.asarray(found[name]), expected[name]) for name in names]
    is_same = lambda a, b: np.allclose(a, b, rtol=SAME, atol=SAME * np.nanmax(np.abs(b)), equal_nan=True)
    return residuals if all(is_same(a, b) for a, b in pairs) else None


def _residuals(problem: Problem, apply: Callable[..., Any]) -> ResidualFunctions | None:
    """The residuals of a function that may not be traceable."""
    try:
        return ResidualFunctions(problem, FunctionalModel(jnp.zeros(()), apply, lambda params: None))
    except Exception:  # whatever a reference does that needs numbers
        return None


def _by_field(problem: Problem, found: Any) -> dict[str, Any]:
    names = list(problem.field_sizes)
    return found if isinstance(found, dict) else dict(zip(names, [found] if len(names) == 1 else found, strict=True))
