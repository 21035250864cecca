"""Derivatives of expressions, and jumps between one-sided values."""

import functools
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from .._base.arguments import check_whole
from .._base.errors import InputError, InputTypeError
from .field import Field, array_of
from .symbols import current_frame, partial_p


def jump(coordinate: str, there: float, order: int) -> list[Array]:
    """Every field less itself at `coordinate` = `there`, and the derivatives by that coordinate up to `order`."""
    coordinates = current_frame().coordinates
    orders = [tuple(k * (name == coordinate) for name in coordinates) for k in range(order + 1)]
    here = [Field(name, index) for name in current_frame().fields for index in orders]
    return [field.value - field(**{coordinate: there}).value for field in here]


# Derivatives of expressions.


def partial(expression: Any, coordinate: str, order: int = 1) -> Any:
    """∂ⁿ(expression)/∂(coordinate)ⁿ, for any expression of fields, coordinates and coefficients.

    The derivative is total: of a field elsewhere it follows the point, by the chain rule.

    **Raises:** `ValueError` for a coordinate that the domain does not have, or an order < 1; `TypeError` for a
    coordinate that is not given by its name.
    """
    coordinates = current_frame().coordinates
    if not isinstance(coordinate, str):
        raise InputTypeError(f"`partial` takes the name of a coordinate, as in `partial(u, '{coordinates[0]}')`")
    if coordinate not in coordinates:
        raise InputError(f"`partial` by unknown coordinate '{coordinate}'; the coordinates are {list(coordinates)}")
    check_whole(order=order)
    for _ in range(order):
        if isinstance(expression, Field) and expression.is_here:
            expression = expression.d(coordinate)
        else:
            expression = partial_p.bind(jnp.asarray(array_of(expression), float), coordinate=coordinate)
    return expression


def grad(expression: Any, over: Sequence[str] | None = None) -> Float[Array, "*m d"]:
    """The partial derivatives in the space coordinates (or in `over`), along a new last axis."""
    return jnp.stack([array_of(partial(expression, name)) for name in _over(over)], axis=-1)


def div(vector: Any, over: Sequence[str] | None = None) -> Array:
    """Σᵢ ∂vᵢ/∂xᵢ over the space coordinates (or `over`); `vector` has one component for each."""
    names = _over(over)
    components = list(vector)
    if len(components) != len(names):
        raise InputError(f"`div` of {len(components)} component(s) over the coordinates {list(names)}")
    return sum((array_of(partial(v, name)) for v, name in zip(components, names, strict=True)), start=jnp.zeros(()))


def laplacian(expression: Any, over: Sequence[str] | None = None) -> Array:
    """Σᵢ ∂²(expression)/∂xᵢ² over the space coordinates (or `over`)."""
    return functools.reduce(jnp.add, (array_of(partial(expression, name, 2)) for name in _over(over)))


def _over(names: Sequence[str] | None) -> tuple[str, ...]:
    over = current_frame().space if names is None else tuple(names)
    if not over:
        raise InputError("`grad`, `div` and `laplacian` need a coordinate; of time, write it as in `over=('t',)`")
    return over
