"""What a traced function does with its weights: every product of a weight with data, found and opened up."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from ..._base.tracing.interpreter import interpret
from ..._base.tracing.jaxpr import evaluate
from ..._base.tracing.primitives import RESHAPING
from ..._base.tracing.program import Program
from ..._base.types import Arrays


class Product(NamedTuple):
    """One product of a leaf with data: which leaf, the axes of it that are summed over, the shape of the result."""

    leaf: int
    contracted: tuple[int, ...]
    shape: tuple[int, ...]
    dtype: Any


class _View(NamedTuple):
    """A weight on its way to a product: `value` has its axes in the order `axes` (None: an axis of size 1).

    `scales` holds a vector for some axes of the view; the weight is `value` times all of them.
    """

    leaf: int
    value: Any
    axes: tuple[int | None, ...]
    scales: tuple[tuple[int, Array], ...] = ()


class _Spread(NamedTuple):
    """An array that is constant along all axes but `axis` (None: along all)."""

    value: Array
    axis: int | None


class Tape:
    """Runs a program and notes what happens to its weights.

    - `candidates`: leaves to follow; `shifts`: what to add to the result of each product, None to find the products;
    - `products`, `data`: the products in the order of their appearance, and the vectors that meet the weight in them;
    - `otherwise`: leaves that were used in another way.
    """

    def __init__(self, candidates: set[int], shifts: Arrays | None):
        self._candidates, self._shifts = candidates, shifts
        self.products: list[Product] = []
        self.data: list[Array] = []
        self.otherwise: set[int] = set()

    def run(self, program: Program, constants: Arrays, leaves: Arrays, point: Arrays) -> Array:
        views = [
            _View(i, leaf, tuple(range(leaf.ndim))) if i in self._candidates else leaf for i, leaf in enumerate(leaves)
        ]
        (output,) = interpret(program.jaxpr, constants, [*views, *point], self._apply)
        return self._plain(output)

    def _apply(self, eqn: Any, operands: list[Any]) -> list[Any]:
        views = [operand for operand in operands if isinstance(operand, _View)]
        rule = _RULES.get(eqn.primitive.name)
        if len(views) == 1 and rule is not None:
            result = rule(self, eqn, operands)
            if result is not None:
                return [result]
        spread = _spread(eqn, operands) if not views else None
        return [spread] if spread is not None else evaluate(eqn, [self._plain(operand) for operand in operands])

    def _plain(self, operand: Any) -> Any:
        """The array itself; from here on a view is lost."""
        if isinstance(operand, _View):
            self.otherwise.add(operand.leaf)
            value = operand.value
            for axis, vector in operand.scales:
                value = value * _along(vector, axis, value.ndim)
            return value
        return operand.value if isinstance(operand, _Spread) else operand

    def transpose(self, eqn: Any, operands: list[Any]) -> _View:
        (view,) = operands
        order = tuple(eqn.params["permutation"])
        scales = tuple((order.index(axis), vector) for axis, vector in view.scales)
        return _View(view.leaf, jnp.transpose(view.value, order), tuple(view.axes[i] for i in order), scales)

    def reshape(self, eqn: Any, operands: list[Any]) -> _View | None:
        """Axes of size 1 come and go; no other change of shape is followed."""
        view, shape = operands[0], eqn.outvars[0].aval.shape
        kept = [i for i, size in enumerate(view.value.shape) if size != 1]
        places = [i for i, size in enumerate(shape) if size != 1]
        if [view.value.shape[i] for i in kept] != [shape[i] for i in places]:
            return None
        if any(axis not in kept for axis, _ in view.scales):
            return None
        axes: list[int | None] = [None] * len(shape)
        for place, axis in zip(places, kept, strict=True):
            axes[place] = view.axes[axis]
        scales = tuple((places[kept.index(axis)], vector) for axis, vector in view.scales)
        return _View(view.leaf, view.value.reshape(shape), tuple(axes), scales)

    def convert(self, eqn: Any, operands: list[Any]) -> _View | None:
        (view,) = operands
        dtype = eqn.params["new_dtype"]
        if not jnp.issubdtype(dtype, jnp.floating):
            return None
        return view._replace(value=view.value.astype(dtype))

    def scale(self, eqn: Any, operands: list[Any]) -> _View | None:
        """A weight times a vector along one of its axes, as in factorised weights."""
        first, second = operands
        if eqn.primitive.name == "div" and isinstance(second, _View):
            return None
        view, other = (first, second) if isinstance(first, _View) else (second, first)
        spread = _as_spread(other, eqn.outvars[0].aval.shape)
        if spread is None or view.value.shape != eqn.outvars[0].aval.shape:
            return None
        axis = 0 if spread.axis is None else spread.axis
        vector = jnp.moveaxis(spread.value, axis, 0).reshape(spread.value.shape[axis], -1)[:, 0]
        vector = 1 / vector if eqn.primitive.name == "div" else vector
        return view._replace(scales=(*view.scales, (axis, vector)))

    def negate(self, eqn: Any, operands: list[Any]) -> _View:
        (view,) = operands
        return view._replace(scales=(*view.scales, (0, -jnp.ones(1, view.value.dtype))))

    def multiply(self, eqn: Any, operands: list[Any]) -> Array | None:
        """The product itself: data vectors and place of the shift are noted."""
        (left_axes, right_axes), (batch, _) = eqn.params["dimension_numbers"]
        if batch:
            return None
        first = isinstance(operands[0], _View)
        view, data = operands if first else operands[::-1]
        summed, met = (left_axes, right_axes) if first else (right_axes, left_axes)
        data = self._plain(data)
        for axis, vector in view.scales:
            if axis in summed:
                data = data * _along(vector, met[summed.index(axis)], data.ndim)
        free = [axis for axis in range(view.value.ndim) if axis not in summed]
        rest = [axis for axis in range(data.ndim) if axis not in met]
        order = np.argsort([_rank(view.axes[axis]) for axis in summed], kind="stable")
        vectors = jnp.transpose(data, (*rest, *(met[i] for i in order)))
        result = evaluate(eqn, (view.value, data) if first else (data, view.value))[0]
        # The result in the order: axes of the data, then those of the weight as they are in the leaf.
        offset, start = (0, len(free)) if first else (len(rest), 0)
        by_leaf = np.argsort([_rank(view.axes[axis]) for axis in free], kind="stable")
        forward = (*range(start, start + len(rest)), *(offset + i for i in by_leaf))
        count = math.prod(data.shape[axis] for axis in rest)
        contracted = tuple(sorted(view.axes[axis] for axis in summed if view.axes[axis] is not None))
        shape = (count, math.prod(view.value.shape[axis] for axis in free))
        self.products.append(Product(view.leaf, contracted, shape, result.dtype))
        self.data.append(vectors.reshape(count, -1))
        if self._shifts is not None:
            shift = self._shifts[len(self.products) - 1].reshape([result.shape[i] for i in forward])
            result = result + jnp.transpose(shift, np.argsort(forward).tolist())
        for axis, vector in view.scales:
            if axis in free:
                result = result * _along(vector, offset + free.index(axis), result.ndim)
        return result


_RULES: dict[str, Callable[[Tape, Any, list[Any]], Any]] = {
    "transpose": Tape.transpose,
    **dict.fromkeys(RESHAPING, Tape.reshape),
    "convert_element_type": Tape.convert,
    **dict.fromkeys(("mul", "div"), Tape.scale),
    "neg": Tape.negate,
    "dot_general": Tape.multiply,
}


def _spread(eqn: Any, operands: list[Any]) -> _Spread | None:
    """The result of an operation that repeats a vector along other axes."""
    if eqn.primitive.name not in RESHAPING:
        return None
    operand, out = operands[0], eqn.outvars[0].aval
    if len(operands) > 1 or not jnp.issubdtype(out.dtype, jnp.floating):
        return None
    value = operand.value if isinstance(operand, _Spread) else operand
    varying = [i for i, size in enumerate(jnp.shape(value)) if size != 1]
    if isinstance(operand, _Spread):
        varying = [operand.axis] if operand.axis is not None else []
    if len(varying) > 1:
        return None
    (result,) = evaluate(eqn, [value])
    if not varying:
        return _Spread(result, None)
    if eqn.primitive.name == "broadcast_in_dim":
        return _Spread(result, eqn.params["broadcast_dimensions"][varying[0]])
    size = value.shape[varying[0]]
    places = [i for i, n in enumerate(out.shape) if n != 1]
    return _Spread(result, places[0]) if len(places) == 1 and out.shape[places[0]] == size else None


def _as_spread(operand: Any, shape: tuple[int, ...]) -> _Spread | None:
    value = operand.value if isinstance(operand, _Spread) else operand
    sizes = jnp.shape(value)
    if not sizes:
        return _Spread(jnp.broadcast_to(value, (1,) * len(shape)), None)
    if isinstance(operand, _Spread):
        return operand
    varying = [i for i, size in enumerate(sizes) if size != 1]
    if len(sizes) != len(shape) or len(varying) > 1:
        return None
    return _Spread(operand, varying[0] if varying else None)


def _along(vector: Array, axis: int, ndim: int) -> Array:
    """A vector shaped to multiply along one of `ndim` axes."""
    return vector.reshape([-1 if i == axis else 1 for i in range(ndim)])


def _rank(axis: int | None) -> int:
    return -1 if axis is None else axis
