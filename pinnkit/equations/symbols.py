"""The primitives that stand for fields and their derivatives in a trace."""

import contextvars
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import ad, batching
from jaxtyping import Array

from .._base.tracing.series import Index


class Symbol(NamedTuple):
    """Something an equation depends on.

    - `kind`: "field" at the condition's own point, "elsewhere" for a field at another point, "coordinate",
      "coefficient", "normal" or "column";
    - `orders`: of differentiation, of fields only; `place`: the number of the other point in its equation.
    """

    kind: str
    name: str
    orders: Index = ()
    place: int = 0


class Frame(NamedTuple):
    """The names an equation is written in; `space`: the coordinates of `grad`, `div` and `laplacian`."""

    coordinates: tuple[str, ...]
    space: tuple[str, ...]
    fields: Mapping[str, int]
    coefficients: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    has_normal: bool = False


frame_in_force: contextvars.ContextVar[Frame] = contextvars.ContextVar("frame")


def current_frame() -> Frame:
    try:
        return frame_in_force.get()
    except LookupError:
        raise RuntimeError("fields and their derivatives exist only inside the equation of a condition") from None


# Three primitives stand for what an equation depends on; `Equation` replaces them by values.

symbol_p = Primitive("symbol")  # a field at the condition's own point, a coordinate, a coefficient, ...

elsewhere_p = Primitive("elsewhere")  # a field at other coordinates

partial_p = Primitive("partial")  # a derivative of an expression


@symbol_p.def_abstract_eval
def _(*, symbol: Symbol, shape: tuple[int, ...]) -> Any:
    return ShapedArray(shape, jnp.result_type(float))


@elsewhere_p.def_abstract_eval
def _(*point: Any, name: str, index: Index, shape: tuple[int, ...]) -> Any:
    return ShapedArray(point[0].shape + shape, jnp.result_type(float))


@partial_p.def_abstract_eval
def _(expression: Any, *, coordinate: str) -> Any:
    return ShapedArray(expression.shape, expression.dtype)


def _batch_partial(operands: Sequence[Any], axes: Sequence[Any], *, coordinate: str) -> tuple[Any, Any]:
    return partial_p.bind(*operands, coordinate=coordinate), axes[0]


def _batch_elsewhere(point: Sequence[Any], axes: Sequence[Any], **params: Any) -> tuple[Any, int]:
    size = next(x.shape[axis] for x, axis in zip(point, axes, strict=True) if axis is not None)
    spread = [
        jnp.broadcast_to(x, (size, *x.shape)) if axis is None else jnp.moveaxis(x, axis, 0)
        for x, axis in zip(point, axes, strict=True)
    ]
    return elsewhere_p.bind(*spread, **params), 0


def _differentiate_elsewhere(
    point: Sequence[Any], rates: Sequence[Any], *, name: str, index: Index, shape: tuple[int, ...]
) -> tuple[Any, Any]:
    value = elsewhere_p.bind(*point, name=name, index=index, shape=shape)
    total = jnp.zeros_like(value)
    for axis, rate in enumerate(rates):
        if not isinstance(rate, ad.Zero):
            raised = tuple(order + (i == axis) for i, order in enumerate(index))
            slope = elsewhere_p.bind(*point, name=name, index=raised, shape=shape)
            total += slope * jnp.expand_dims(rate, range(jnp.ndim(rate), slope.ndim))
    return value, total


ad.primitive_jvps[elsewhere_p] = _differentiate_elsewhere

batching.primitive_batchers[elsewhere_p] = _batch_elsewhere

batching.primitive_batchers[partial_p] = _batch_partial


def bind_symbol(kind: str, name: str, index: Index = (), shape: tuple[int, ...] = ()) -> Array:
    return symbol_p.bind(symbol=Symbol(kind, name, index), shape=shape)
