"""A field and its derivatives by name, as an equation sees them while it is traced."""

import contextvars
import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import ad, batching
from jaxtyping import Array, Float

from ._checks import check_whole, is_whole
from ._types import TIME_NAMES
from .errors import InputError, InputTypeError
from .taylor import Index


class Symbol(NamedTuple):
    """Something an equation depends on; `orders` of differentiation are those of fields."""

    kind: str  # "field", "coordinate", "coefficient", "normal" or "column"
    name: str
    orders: Index = ()


class Frame(NamedTuple):
    """The names an equation is written in."""

    coordinates: tuple[str, ...]
    fields: Mapping[str, int]
    coefficients: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    has_normal: bool = False

    @property
    def space(self) -> tuple[str, ...]:
        return tuple(name for name in self.coordinates if name not in TIME_NAMES)


frame_in_force: contextvars.ContextVar[Frame] = contextvars.ContextVar("frame")


def _current_frame() -> Frame:
    try:
        return frame_in_force.get()
    except LookupError:
        raise RuntimeError("fields and their derivatives exist only inside the equation of a condition") from None


# Three primitives stand for what an equation needs; `Equation` gives them their values.

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


@jax.tree_util.register_pytree_node_class
class Field:
    """A field at one point, as an equation sees it: a value that knows its derivatives by name.

    `u.x`, `u.xt`, `u.xxx` are derivatives by coordinate names written one after the other;
    `u.d("theta", 2)` spells them out. `u(x=0.0)` is the field elsewhere: coordinates that are not named
    keep their values, and arrays of coordinates give arrays of values. Its derivatives by name are those of the field,
    evaluated there: `u(x=1 - x).x` is u'(1 − x), whereas `partial(u(x=1 - x), "x")` is −u'(1 − x). A vector field has
    components `v[0]`, `v[1]`, which are fields again. Arithmetic and `jax.numpy` functions take a field like an array;
    for the few functions of `jax.lax` that do not, `u.value` is the array itself.
    """

    __array_priority__ = 1000  # operators of NumPy arrays leave the operation to the field

    def __init__(
        self,
        name: str,
        index: Index,
        component: int | None = None,
        point: tuple[Array, ...] | None = None,
        value: Any = None,
    ):
        self._name, self._index, self._component, self._point = name, index, component, point
        self.value = self._bind() if value is None else value

    def _bind(self) -> Array:
        size = _current_frame().fields[self._name]
        shape = () if size == 1 else (size,)
        if self._point is None:
            value = bind_symbol("field", self._name, self._index, shape)
        else:
            value = elsewhere_p.bind(*self._point, name=self._name, index=self._index, shape=shape)
        return value if self._component is None else value[..., self._component]

    def __call__(self, *unnamed: Any, **coordinates: Any) -> "Field":
        frame = _current_frame()
        if unnamed:
            raise InputTypeError(
                f"a field elsewhere names its coordinates, as in `{self._name}({frame.coordinates[0]}=0.5)`"
            )
        if unknown := sorted(set(coordinates) - set(frame.coordinates)):
            raise InputTypeError(
                f"field '{self._name}' is evaluated at unknown coordinate(s) {unknown}; "
                f"the coordinates are {list(frame.coordinates)}"
            )
        here = self._point or tuple(bind_symbol("coordinate", name) for name in frame.coordinates)
        dtype = jnp.result_type(float)
        there = {name: array_of(x) for name, x in coordinates.items()}
        point = [jnp.asarray(there.get(name, x), dtype) for name, x in zip(frame.coordinates, here, strict=True)]
        return Field(self._name, self._index, self._component, tuple(jnp.broadcast_arrays(*point)))

    @property
    def is_here(self) -> bool:
        """Whether it is taken at the condition's own point."""
        return self._point is None

    def d(self, *spec: str | int) -> "Field":
        """The derivative by coordinate names, each followed by its order where that is not one."""
        coordinates = _current_frame().coordinates
        index = list(self._index)
        for name, order in _pairs(spec):
            if name not in coordinates:
                raise AttributeError(
                    f"field '{self._name}' has no derivative in '{name}'; the coordinates are {list(coordinates)}"
                )
            index[coordinates.index(name)] += order
        return Field(self._name, tuple(index), self._component, self._point)

    def __getattr__(self, attribute: str) -> "Field":
        if attribute.startswith("_"):  # protocols of Python and NumPy; no coordinate is called so
            raise AttributeError(attribute)
        coordinates = _current_frame().coordinates
        readings = list(itertools.islice(_readings(attribute, coordinates), 2))
        if len(readings) == 1:
            return self.d(*readings[0])
        if not readings:
            raise AttributeError(
                f"field '{self._name}' has no derivative '{attribute}'; a derivative is named by coordinates "
                f"out of {list(coordinates)}, one after the other"
            )
        raise AttributeError(
            f"'{self._name}.{attribute}' can be read as {' or '.join('.'.join(r) for r in readings)}; "
            f"write `{self._name}.d(...)` instead"
        )

    def __getitem__(self, component: int) -> "Field":
        size = len(self)
        if not isinstance(component, int) or not -size <= component < size:
            raise IndexError(f"field '{self._name}' has components 0 to {size - 1}, not {component!r}")
        return Field(self._name, self._index, component % size, self._point)

    def __len__(self) -> int:
        size = _current_frame().fields[self._name]
        if size == 1 or self._component is not None:
            raise InputTypeError(f"field '{self._name}' is a number at each point: it has no components")
        return size

    def __iter__(self) -> Iterator["Field"]:
        return (self[component] for component in range(len(self)))

    def __jax_array__(self) -> Array:
        return self.value

    def __repr__(self) -> str:
        coordinates = _current_frame().coordinates
        orders = "".join(name * order for name, order in zip(coordinates, self._index, strict=True))
        return f"Field({self._name}{'.' + orders if orders else ''})"

    def tree_flatten(self) -> tuple[tuple[Any, Any], tuple[str, Index, int | None]]:
        return (self.value, self._point), (self._name, self._index, self._component)

    @classmethod
    def tree_unflatten(cls, aux: tuple[str, Index, int | None], children: tuple[Any, Any]) -> "Field":
        field = object.__new__(cls)
        field._name, field._index, field._component = aux
        field.value, field._point = children
        return field


def _add_operators() -> None:
    """Give `Field` the operators of an array."""
    binary = (
        "add sub mul truediv floordiv mod divmod pow matmul "
        "radd rsub rmul rtruediv rfloordiv rmod rdivmod rpow rmatmul lt le gt ge eq ne"
    )
    conversions = "array bool float int complex index"  # refused by JAX, as those of any traced value are

    def forward(name: str) -> Callable[..., Array]:
        def operator(self: Field, *operands: Any) -> Array:
            return getattr(self.value, name)(*(o.value if isinstance(o, Field) else o for o in operands))

        return operator

    for name in (*binary.split(), "neg", "pos", "abs", "round", *conversions.split()):
        setattr(Field, f"__{name}__", forward(f"__{name}__"))


_add_operators()


def _pairs(spec: Sequence[str | int]) -> Iterator[tuple[str, int]]:
    """("x", 2, "t") → ("x", 2), ("t", 1)."""
    for position, item in enumerate(spec):
        if isinstance(item, str):
            following = spec[position + 1] if position + 1 < len(spec) else 1
            yield item, 1 if isinstance(following, str) else following
        elif position == 0 or not isinstance(spec[position - 1], str) or not is_whole(item, 1):
            raise InputTypeError(f"a derivative is coordinate names with orders ≥ 1 behind them, not {spec!r}")


def _readings(attribute: str, coordinates: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Every way to read `attribute` as coordinate names one after the other."""
    if not attribute:
        yield ()
    for name in coordinates:
        if attribute.startswith(name):
            yield from ((name, *rest) for rest in _readings(attribute[len(name) :], coordinates))


def reserved_reading(coordinates: Sequence[str]) -> str | None:
    """A derivative by name that a field could not give, since the name means something else on it; None if all can."""
    meanings = [name for name in dir(Field) if not name.startswith("_")] + ["value"]
    hidden = [name for name in coordinates if name.startswith("_")]
    hidden += [name for name in meanings if any(_readings(name, coordinates))]
    return hidden[0] if hidden else None


def jump(coordinate: str, there: float, order: int) -> list[Array]:
    """Every field less itself at `coordinate` = `there`, and the derivatives by that coordinate up to `order`."""
    coordinates = _current_frame().coordinates
    orders = [tuple(k * (name == coordinate) for name in coordinates) for k in range(order + 1)]
    here = [Field(name, index) for name in _current_frame().fields for index in orders]
    return [field.value - field(**{coordinate: there}).value for field in here]


# Derivatives of expressions.


def partial(expression: Any, coordinate: str, order: int = 1) -> Any:
    """∂ⁿ(expression)/∂(coordinate)ⁿ, for any expression of fields, coordinates and coefficients.

    The derivative is total: of a field elsewhere it follows the point, by the chain rule.

    **Raises:** `ValueError` for a coordinate that the domain does not have, or an order < 1; `TypeError` for a
    coordinate that is not given by its name.
    """
    coordinates = _current_frame().coordinates
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
    over = _current_frame().space if names is None else tuple(names)
    if not over:
        raise InputError("`grad`, `div` and `laplacian` need a coordinate; of time, write it as in `over=('t',)`")
    return over


def array_of(expression: Any) -> Array:
    return expression.value if isinstance(expression, Field) else expression
