"""Values that conditions prescribe on faces of the box, derived from the traced equations.

A condition prescribes a value on a face if its residual is provably affine in one number of one field there, with a
coefficient that is provably the same all over the face and not zero. The proof comes from the trace alone, without
declarations or samples; without a proof a condition prescribes nothing.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..._base.tracing.degrees import is_affine
from ..._base.tracing.dependence import KNOWN, SMOOTH, Dependence, dependence
from ..._base.types import Scalar
from ...geometry.domain import AbstractDomain
from ...geometry.reference_cube import from_unit
from ...geometry.region import SLACK, Face
from ..problem import Problem
from ..symbols import Symbol, partial_p
from ..trace import Equation

TOLERANCE = 1e-9
"""Relative difference above which the values of two conditions disagree at a corner."""

_SAMPLES = 16


class FaceValue(NamedTuple):
    """A prescribed value, ∂ᵒu/∂(axis)ᵒ of one output of the network on one face of the box."""

    condition: str
    row: int
    output: int
    axis: int
    side: int
    order: int


class Number(NamedTuple):
    """A number in an equation on a face that comes from a field: a derivative of one output of the network, on that
    face or on the opposite `side`.
    """

    output: int
    orders: tuple[int, ...]
    side: int


Point = Array | Sequence[Scalar]
"""Coordinates: an array, or a sequence of numbers, so that a known coordinate remains known in a trace."""

Datum = Callable[[Point], Scalar]
"""The prescribed value as a function of a point of the face."""


@dataclasses.dataclass(frozen=True)
class Rows:
    """The rows of a condition on one face, provably affine in the `numbers` that come from fields.

    - `slopes`, `constants`: of each row, with their dependence on the point of the face.
    """

    numbers: tuple[Number, ...]
    slopes: Dependence
    constants: Dependence

    def slope(self, row: int) -> dict[Number, float | None]:
        """The slope of a row in each number that it may depend on; None for a slope that varies over the face."""
        found: dict[Number, float | None] = {}
        for number, level, value in zip(self.numbers, self.slopes.levels[row], self.slopes.value[row], strict=True):
            before = found.get(number, 0.0)
            found[number] = None if before is None or level != KNOWN else before + float(value)
        return {number: slope for number, slope in found.items() if slope != 0.0}


def rows_of(problem: Problem, name: str, face: Face) -> Rows | None:
    """The rows of a condition on a face; None unless they are provably affine in fields on this face and the opposite
    one, and everything else in them is known.

    Double precision must be enabled.
    """
    equation = problem.equation(name)
    if not _is_known(problem, equation) or (fields := fields_on(problem, equation, face)) is None:
        return None
    box = box_of(problem, name)
    function = lambda v, x: equation_at(problem, equation, fields, v, _insert(box, face, x), face)
    numbers = numbers_of(problem, fields)
    zero, free = jnp.zeros(len(numbers)), jnp.asarray(np.delete(on_face(box, face)[-1], face.axis))
    if not is_affine(function, zero, free):
        return None
    return Rows(numbers, *dependence(lambda x: [jax.jacfwd(function)(zero, x), function(zero, x)], [free], [SMOOTH]))


def box_of(problem: Problem, name: str) -> AbstractDomain:
    """The domain of the fields in a condition, that of the problem if they differ."""
    return problem.field_domains.of(problem.equation(name)) or problem.domain


def on_face(box: AbstractDomain, face: Face | FaceValue) -> Float[np.ndarray, "n d"]:
    """Points of a face of a domain, two corners first; the same for both sides."""
    unit = np.random.default_rng(0).random((_SAMPLES, box.dimension))
    unit[:2] = [[0.0], [1.0]]
    x = from_unit(unit, box.bounds)
    x[:, face.axis] = box.bounds[face.side][face.axis]
    return x


class Prescription(NamedTuple):
    """The `face_values` that a condition prescribes, by rows that prescribe a value on each face.

    - `is_complete`: whether they are equivalent to the condition; `reason`: why they are not, if a row seems to
      prescribe a value but there is no proof.
    """

    face_values: tuple[FaceValue, ...] = ()
    is_complete: bool = False
    reason: str | None = None


def prescription_of(problem: Problem, name: str) -> Prescription:
    """The values that a condition provably prescribes."""
    region, box = problem.conditions[name].on, problem.field_domains.of(problem.equation(name))
    if box is None:  # fields that meet
        return Prescription()
    if (faces := region.faces_of(box.bounds)) is None:
        is_curved = region.flat_pieces is None
        elsewhere = (
            f"it holds on {'curves or edges of a shape' if is_curved else 'other than whole faces of the domain'}"
        )
        return Prescription(reason=elsewhere if region.has_normal else None)
    found = [rows_of(problem, name, face) for face in faces]
    if None in found:
        return Prescription()
    each = [
        [_pin(name, row, face, rows.slope(row)) for face, rows in zip(faces, found, strict=True) if rows is not None]
        for row in range(problem.equation(name).size)
    ]
    proved = [row for row in each if all(isinstance(face_value, FaceValue) for face_value in row)]
    reasons = [face_value for row in each for face_value in row if isinstance(face_value, str)]
    face_values = tuple(face_value for row in proved for face_value in row if isinstance(face_value, FaceValue))
    return Prescription(face_values, len(proved) == len(each), reasons[0] if reasons else None)


def _pin(name: str, row: int, face: Face, slopes: Mapping[Number, float | None]) -> FaceValue | str | None:
    """The value that a row prescribes on a face; the reason if there is no proof, None if it prescribes none."""
    if len(slopes) > 1 and None in slopes.values():
        return "which value it prescribes depends on the place"
    if len(slopes) != 1:
        return None
    ((number, slope),) = slopes.items()
    if number.side != face.side or any(order for axis, order in enumerate(number.orders) if axis != face.axis):
        return None
    if slope is None:
        return "the factor of the value it prescribes depends on the place; divide the equation by it"
    return FaceValue(name, row, number.output, face.axis, face.side, number.orders[face.axis])


def prescribed(problem: Problem, face_value: FaceValue) -> Datum:
    """The value of a face_value as a function of a point: the root of its row, which is affine."""
    equation, face = problem.equation(face_value.condition), _face_of(problem, face_value)
    fields = fields_on(problem, equation, face) or {}
    orders = tuple(face_value.order if axis == face_value.axis else 0 for axis in range(problem.domain.dimension))
    mine = Number(face_value.output, orders, face_value.side)
    direction = np.array([number == mine for number in numbers_of(problem, fields)], float)

    def datum(x: Point) -> Scalar:
        at = lambda v: equation_at(problem, equation, fields, v, x, face)[face_value.row]
        unit = jnp.asarray(direction, jnp.result_type(x[0]))
        constant, slope = jax.jvp(at, (jnp.zeros_like(unit),), (unit,))
        return -constant / slope

    return datum


def derived(function: Datum, orders: Sequence[tuple[int, int]]) -> Datum:
    """A derivative of a prescribed value; `orders` are pairs of an axis and an order."""
    for axis, order in orders:
        for _ in range(order):
            function = _partial(function, axis)
    return function


def _partial(function: Datum, axis: int) -> Datum:
    def derivative(x: Point) -> Scalar:
        moved = lambda value: function([*x[:axis], value, *x[axis + 1 :]])
        return jax.jvp(moved, (x[axis],), (jnp.ones_like(x[axis]),))[1]

    return derivative


def _face_of(problem: Problem, face_value: FaceValue) -> Face:
    """The face of a face_value, with the normal of the condition's region there."""
    bounds = box_of(problem, face_value.condition).bounds
    faces = problem.conditions[face_value.condition].on.faces_of(bounds) or ()
    return next(face for face in faces if (face.axis, face.side) == (face_value.axis, face_value.side))


def _is_known(problem: Problem, equation: Equation) -> bool:
    """Whether everything in an equation except the fields is known before training."""
    return not any(
        symbol.kind == "column" or (symbol.kind == "coefficient" and symbol.name in problem.unknowns)
        for symbol in equation.symbols
    )


def fields_on(problem: Problem, equation: Equation, face: Face) -> dict[Symbol, int] | None:
    """The field symbols of an equation, at its own point and elsewhere, each with the side of the box it lies on.

    None unless all these points provably lie on this face or on the opposite one, with the other coordinates of the
    equation's own point.
    """
    axis, own = face.axis, {symbol: face.side for symbol in sorted(equation.symbols) if symbol.kind == "field"}
    if equation.displaced - {problem.domain.coordinates[axis]}:
        return None
    if any(_has_elsewhere(equation, node.inputs[0]) for node in equation.nodes() if node.eqn.primitive is partial_p):
        return None  # its derivative is another number
    sides = [_side_of(problem, equation, point[axis], face) for point in equation.points]
    there = {symbol: sides[symbol.place] for symbol in equation.elsewhere}
    return None if None in sides else own | {symbol: side for symbol, side in there.items() if side is not None}


def _side_of(problem: Problem, equation: Equation, coordinate: Any, face: Face) -> int | None:
    """The side of the box on which the coordinate across a face provably lies; None without a proof."""
    box = problem.field_domains.of(equation) or problem.domain
    own = Symbol("coordinate", box.coordinates[face.axis])
    needs = equation.needs(coordinate)
    if any(symbol.kind in ("field", "elsewhere", "coordinate") and symbol != own for symbol in needs):
        return None
    with jax.ensure_compile_time_eval():  # a number, even while something else is traced
        values = _known_values(problem, jnp.asarray(on_face(box, face)[-1]), face)
        place = np.asarray(equation.value(coordinate, values, _no_field))
    slack = SLACK * (box.upper - box.lower)[face.axis]
    sides = [side for side in (0, 1) if abs(place - box.bounds[side][face.axis]) <= slack] if not place.ndim else []
    return sides[0] if sides else None


def _has_elsewhere(equation: Equation, node: Any) -> bool:
    return any(symbol.kind == "elsewhere" for symbol in equation.needs(node))


def _no_field(*_: Any) -> Array:
    raise AssertionError("the coordinates of a point do not depend on fields")


def numbers_of(problem: Problem, fields: Mapping[Symbol, int]) -> tuple[Number, ...]:
    """The components of all fields of an equation."""
    sizes = problem.field_sizes
    first = dict(zip(sizes, np.cumsum([0, *sizes.values()]).tolist(), strict=False))
    return tuple(
        Number(first[symbol.name] + k, symbol.orders, side)
        for symbol, side in fields.items()
        for k in range(sizes[symbol.name])
    )


def _insert(box: AbstractDomain, face: Face, free: Float[Array, " k"]) -> list[Scalar]:
    """The point of a face with these coordinates along it."""
    at = jnp.asarray(box.bounds[face.side][face.axis], free.dtype)
    return [*free[: face.axis], at, *free[face.axis :]]


def equation_at(
    problem: Problem, equation: Equation, fields: Mapping[Symbol, int], v: Float[Array, " k"], x: Point, face: Face
) -> Float[Array, " m"]:
    """An equation at a point of a face from the numbers `v` that its `fields` have there."""
    sizes, start = problem.field_sizes, 0
    values = _known_values(problem, x, face)
    for symbol in fields:
        size = sizes[symbol.name]
        values[symbol] = v[start : start + size] if size > 1 else v[start]
        start += size
    return equation(values, lambda symbol, point: values[symbol])


def _known_values(problem: Problem, x: Point, face: Face) -> dict[Symbol, Array]:
    """The values of coordinates, given coefficients and the normal at a point of a face."""
    dtype = jnp.result_type(x[0])
    values: dict[Symbol, Array] = {Symbol("coordinate", n): x[i] for i, n in enumerate(problem.domain.coordinates)}
    values |= {Symbol("coefficient", name): jnp.asarray(value, dtype) for name, value in problem.constants.items()}
    values[Symbol("normal", "normal")] = jnp.asarray(face.direction * np.eye(len(x))[face.axis], dtype)
    return values
