"""Fields in an equation, with derivatives by name."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .._base.arguments import is_whole
from .._base.errors import InputTypeError
from .._base.tracing.series import Index
from .symbols import bind_symbol, current_frame, elsewhere_p


@jax.tree_util.register_pytree_node_class
class Field:
    """A field at one point in an equation: a value with derivatives by name.

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
        size = current_frame().fields[self._name]
        shape = () if size == 1 else (size,)
        if self._point is None:
            value = bind_symbol("field", self._name, self._index, shape)
        else:
            value = elsewhere_p.bind(*self._point, name=self._name, index=self._index, shape=shape)
        return value if self._component is None else value[..., self._component]

    def __call__(self, *unnamed: Any, **coordinates: Any) -> "Field":
        frame = current_frame()
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
        """Whether it is evaluated at the condition's own point."""
        return self._point is None

    def d(self, *spec: str | int) -> "Field":
        """The derivative by coordinate names, each followed by its order where that is not one."""
        coordinates = current_frame().coordinates
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
        coordinates = current_frame().coordinates
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
        size = current_frame().fields[self._name]
        if size == 1 or self._component is not None:
            raise InputTypeError(f"field '{self._name}' is a number at each point: it has no components")
        return size

    def __iter__(self) -> Iterator["Field"]:
        return (self[component] for component in range(len(self)))

    def __jax_array__(self) -> Array:
        return self.value

    def __repr__(self) -> str:
        coordinates = current_frame().coordinates
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
    """A derivative by name that is hidden by another attribute of fields; None if all are available."""
    meanings = [name for name in dir(Field) if not name.startswith("_")] + ["value"]
    hidden = [name for name in coordinates if name.startswith("_")]
    hidden += [name for name in meanings if any(_readings(name, coordinates))]
    return hidden[0] if hidden else None


def array_of(expression: Any) -> Array:
    """The value of a field; any other expression itself."""
    return expression.value if isinstance(expression, Field) else expression
