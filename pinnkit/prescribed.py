"""What conditions prescribe: values on faces of the box, and periods, read off the traced equations.

A condition prescribes a value if its residual is provably affine in one number of one field, and a period if it equates
a number on two opposite faces. Nothing is declared.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ._types import Scalar
from .affine import is_affine
from .domains.box import Faces
from .equation import Equation, FieldValue
from .fields import Symbol
from .problem import Problem

TOLERANCE = 1e-9
"""Values of two conditions that differ by more than this share of their size do not meet at a corner."""

_SAMPLES = 16


class Pin(NamedTuple):
    """A prescribed value, ∂ᵒu/∂(axis)ᵒ of one output of the network on one face of the box."""

    condition: str
    row: int
    output: int
    axis: int
    side: int
    order: int


Point = Array | Sequence[Scalar]
"""Coordinates: an array, or one by one, so that what is known of one of them is not lost."""

Datum = Callable[[Point], Scalar]
"""The prescribed value as a function of a point of the face."""


def on_face(problem: Problem, axis: int, side: int) -> Float[np.ndarray, "n d"]:
    """Points of a face, two corners first; the same for both sides."""
    box = problem.domain
    unit = np.random.default_rng(0).random((_SAMPLES, box.dimension))
    unit[:2] = [[0.0], [1.0]]
    x = (1 - unit) * box.lower + unit * box.upper
    x[:, axis] = (box.lower, box.upper)[side][axis]
    return x


class _ElsewhereError(Exception):
    """An equation evaluates a field at other points."""


def _elsewhere(*_: Any) -> Array:
    raise _ElsewhereError


def pins_of(problem: Problem, name: str) -> tuple[Pin, ...]:
    """The pins that amount to a condition; none if it is of another kind."""
    region, equation = problem.conditions[name].on, problem.equation(name)
    if not isinstance(region, Faces) or not _is_known(problem, equation):
        return ()
    try:
        entries = _entries(problem, equation)
        rows = [_targets(problem, equation, entries, axis, side) for axis, side in region.faces]
    except _ElsewhereError:
        return ()
    pins = []
    for (axis, side), targets in zip(region.faces, rows, strict=True):
        for row, target in enumerate(targets):
            if target is None:
                return ()
            output, orders = target
            if any(order for i, order in enumerate(orders) if i != axis):
                return ()
            pins.append(Pin(name, row, output, axis, side, orders[axis]))
    return tuple(pins)


def _is_known(problem: Problem, equation: Equation) -> bool:
    """Whether everything in an equation but fields is known beforehand."""
    return not any(
        symbol.kind == "column" or (symbol.kind == "coefficient" and symbol.name in problem.unknowns)
        for symbol in equation.symbols
    )


def _entries(problem: Problem, equation: Equation) -> list[tuple[Symbol, int, int]]:
    """Every number an equation takes from the fields: symbol, component, and output of the network."""
    first, out = 0, []
    for field, size in problem.field_sizes.items():
        symbols = [s for s in equation.symbols if s.kind == "field" and s.name == field]
        out += [(symbol, component, first + component) for symbol in sorted(symbols) for component in range(size)]
        first += size
    return out


def _targets(
    problem: Problem, equation: Equation, entries: Sequence[tuple[Symbol, int, int]], axis: int, side: int
) -> Sequence[tuple[int, tuple[int, ...]] | None]:
    """For each row of an equation the one number it prescribes on a face, as output and orders; else None."""
    x = on_face(problem, axis, side)
    at = lambda x: lambda v: _rows(problem, equation, entries, v, x, axis, side)
    zero = jnp.zeros(len(entries))
    if not entries or not is_affine(at(jnp.asarray(x[0])), zero):
        return equation.size * [None]
    slopes = np.asarray(jax.vmap(lambda x: jax.jacfwd(at(x))(zero))(jnp.asarray(x)))
    out: list[tuple[int, tuple[int, ...]] | None] = []
    for row in range(equation.size):
        present = np.flatnonzero(slopes[:, row].any(axis=0))
        clear = present.size == 1 and _never_vanishes(slopes[:, row, present[0]])
        symbol, _, output = entries[present[0]] if clear else (None, 0, 0)
        out.append(None if symbol is None else (output, symbol.orders))
    return out


def _never_vanishes(slopes: Float[np.ndarray, " n"]) -> bool:
    """Whether a coefficient has one sign and is nowhere close to zero, on the samples."""
    sizes = np.abs(slopes)
    return bool(np.all(np.sign(slopes) == np.sign(slopes[0])) and sizes.min() > TOLERANCE * sizes.max())


def _rows(
    problem: Problem,
    equation: Equation,
    entries: Sequence[tuple[Symbol, int, int]],
    v: Float[Array, " k"],
    x: Point,
    axis: int,
    side: int,
    field_value: FieldValue = _elsewhere,
) -> Float[Array, " m"]:
    """An equation on a face as a function of the numbers it takes from the fields."""
    values = _known_values(problem, x, axis, side)
    for symbol in {symbol for symbol, _, _ in entries}:
        mine = jnp.stack([v[k] for k, entry in enumerate(entries) if entry[0] == symbol])
        values[symbol] = mine if problem.field_sizes[symbol.name] > 1 else mine[0]
    return equation(values, field_value)


def _known_values(problem: Problem, x: Point, axis: int, side: int) -> dict[Symbol, Array]:
    dtype = jnp.result_type(x[0])
    values = {Symbol("coordinate", name): x[i] for i, name in enumerate(problem.domain.coordinates)}
    values |= {Symbol("coefficient", name): jnp.asarray(value, dtype) for name, value in problem.constants.items()}
    normal = jnp.asarray((2 * side - 1) * np.eye(len(x))[axis], dtype)
    return {**values, Symbol("normal", "normal"): normal}


def prescribed(problem: Problem, pin: Pin) -> Datum:
    """The value of a pin as a function of a point: the root of its row, which is affine."""
    equation = problem.equation(pin.condition)
    entries = _entries(problem, equation)
    orders = tuple(pin.order if axis == pin.axis else 0 for axis in range(problem.domain.dimension))
    mine = next(k for k, (s, _, output) in enumerate(entries) if output == pin.output and s.orders == orders)

    def datum(x: Point) -> Scalar:
        at = lambda v: _rows(problem, equation, entries, v, x, pin.axis, pin.side)[pin.row]
        unit = jnp.asarray(np.eye(len(entries))[mine], jnp.result_type(x[0]))
        constant, slope = jax.jvp(at, (jnp.zeros_like(unit),), (unit,))
        return -constant / slope

    return datum


def derived(function: Datum, orders: Sequence[tuple[int, int]]) -> Datum:
    """A derivative of a prescribed value, of so many orders along each of these axes."""
    for axis, order in orders:
        for _ in range(order):
            function = _partial(function, axis)
    return function


def _partial(function: Datum, axis: int) -> Datum:
    def derivative(x: Point) -> Scalar:
        moved = lambda value: function([*x[:axis], value, *x[axis + 1 :]])
        return jax.jvp(moved, (x[axis],), (jnp.ones_like(x[axis]),))[1]

    return derivative


# Periodicity.


def seams_of(problem: Problem, names: Sequence[str]) -> tuple[dict[int, int], tuple[str, ...]]:
    """Periodic axes with the highest order that is equated, and the conditions that say so.

    An axis is periodic if the values of every field are equated on its two faces.
    """
    box, outputs = problem.domain, sum(problem.field_sizes.values())
    said = {name: found for name in names if (found := list(_equated(problem, name)))}
    every = [entry for found in said.values() for entry in found]
    seams = {
        axis: max(order for a, _, order in every if a == axis)
        for axis in range(box.dimension)
        if len({output for a, output, order in every if a == axis and order == 0}) == outputs
    }
    return seams, tuple(name for name, found in said.items() if all(axis in seams for axis, _, _ in found))


class _Value(NamedTuple):
    """A number that a row takes from the fields: field, derivative, component and output, and on which face."""

    name: str
    orders: tuple[int, ...]
    component: int
    output: int
    here: bool


class _Call(NamedTuple):
    """A field elsewhere: which, and where."""

    name: str
    orders: tuple[int, ...]
    point: Float[np.ndarray, " d"]


def _equated(problem: Problem, name: str) -> Iterator[tuple[int, int, int]]:
    """(axis, output, order) of what each row of a condition equates on two faces; nothing unless every row does."""
    region, equation = problem.conditions[name].on, problem.equation(name)
    if not isinstance(region, Faces) or not _is_known(problem, equation) or len({a for a, _ in region.faces}) > 1:
        return
    axis, side = region.faces[0]
    x, opposite = on_face(problem, axis, side)[-1], on_face(problem, axis, 1 - side)[-1]
    entries, calls, found = _entries(problem, equation), list[_Call](), []
    slopes = _sides(problem, equation, entries, x, axis, side, calls)
    if slopes is None:
        return
    firsts = dict(zip(problem.field_sizes, itertools.accumulate(problem.field_sizes.values(), initial=0), strict=False))
    values = [_Value(s.name, s.orders, component, output, here=True) for s, component, output in entries]
    for call in calls:
        here, there = (np.allclose(call.point, point, rtol=1e-14, atol=0) for point in (x, opposite))
        if not (here or there):
            return
        first, size = firsts[call.name], problem.field_sizes[call.name]
        values += [_Value(call.name, call.orders, k, first + k, here=here) for k in range(size)]
    for row in slopes:
        if np.count_nonzero(row) != 2 or row.sum():
            return
        a, b = (values[k] for k in np.flatnonzero(row))
        if a._replace(here=b.here) != b or a.here == b.here or any(k for i, k in enumerate(a.orders) if i != axis):
            return
        found.append((axis, a.output, a.orders[axis]))
    yield from found


def _sides(
    problem: Problem,
    equation: Equation,
    entries: Sequence[tuple[Symbol, int, int]],
    x: Float[np.ndarray, " d"],
    axis: int,
    side: int,
    calls: list[_Call],
) -> Float[np.ndarray, "m k"] | None:
    """Slopes of an equation in the fields at its own point, then elsewhere; None unless it is linear, homogeneous."""

    def rows(both: tuple[Array, Array]) -> Float[Array, " m"]:
        own, other = both
        taken = 0

        def field_value(name: str, index: tuple[int, ...], point: tuple[Array, ...]) -> Array:
            nonlocal taken
            size = problem.field_sizes[name]
            part = other[taken : taken + size]
            taken += size
            return jnp.broadcast_to(part if size > 1 else part[0], point[0].shape + ((size,) if size > 1 else ()))

        return _rows(problem, equation, entries, own, jnp.asarray(x), axis, side, field_value)

    def note(name: str, index: tuple[int, ...], point: tuple[Array, ...]) -> Array:
        if any(np.ndim(p) for p in point):
            raise _ElsewhereError
        calls.append(_Call(name, index, np.array([float(p) for p in point])))
        size = problem.field_sizes[name]
        return jnp.zeros((size,) if size > 1 else ())

    zero = jnp.zeros(len(entries))
    try:
        constant = _rows(problem, equation, entries, zero, jnp.asarray(x), axis, side, note)
    except (_ElsewhereError, jax.errors.ConcretizationTypeError, TypeError):
        return None
    both = zero, jnp.zeros(sum(problem.field_sizes[call.name] for call in calls))
    if not calls or np.any(np.asarray(constant)) or not is_affine(rows, both):
        return None
    return np.concatenate(jax.jacfwd(rows)(both), axis=1)
