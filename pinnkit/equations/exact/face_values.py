"""Values that conditions prescribe on faces of the box, read off the traced equations.

A condition prescribes a value on a face if its residual is provably affine in one number of one field there, with a
coefficient that is provably the same all over the face and not zero. Nothing is declared, and nothing is judged by
samples: what cannot be proved from the trace prescribes nothing.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..._base.tracing.degrees import is_affine
from ..._base.tracing.dependence import KNOWN, SMOOTH, Dependence, dependence
from ..._base.types import Scalar
from ...geometry.region import SLACK, Face
from ..problem import Problem
from ..symbols import Symbol
from ..trace import Equation

TOLERANCE = 1e-9
"""Values of two conditions that differ by more than this share of their size do not meet at a corner."""

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
    """A number that an equation on a face takes from a field: a derivative of a component, there or on the opposite
    `side`, with the `output` of the network that it comes from.
    """

    field: str
    orders: tuple[int, ...]
    component: int
    output: int
    side: int


Point = Array | Sequence[Scalar]
"""Coordinates: an array, or one by one, so that what is known of one of them is not lost."""

Datum = Callable[[Point], Scalar]
"""The prescribed value as a function of a point of the face."""


class NotOnFaceError(Exception):
    """An equation takes a field where it cannot be shown to lie on the face or on the opposite one."""


@dataclasses.dataclass(frozen=True)
class Rows:
    """The rows of a condition on one face, provably affine in the `numbers` that they take from the fields.

    - `slopes`, `constants`: of each row, with how they depend on where on the face.
    """

    numbers: tuple[Number, ...]
    slopes: Dependence
    constants: Dependence

    def slope(self, row: int) -> dict[Number, float | None]:
        """The slope of a row in each number that it may depend on, None where it differs from place to place."""
        found: dict[Number, float | None] = {}
        for number, level, value in zip(self.numbers, self.slopes.levels[row], self.slopes.value[row], strict=True):
            before = found.get(number, 0.0)
            found[number] = None if before is None or level != KNOWN else before + float(value)
        return {number: slope for number, slope in found.items() if slope != 0.0}


def rows_of(problem: Problem, name: str, face: Face) -> Rows | None:
    """The rows of a condition on a face, None unless they are provably affine in fields there and opposite, and all
    else is known.

    Double precision must be in force.
    """
    equation = problem.equation(name)
    if not _is_known(problem, equation):
        return None
    try:
        numbers = (*_own_numbers(problem, equation, face), *_other_numbers(problem, equation, face))
    except NotOnFaceError:
        return None
    function = lambda v, x: _evaluate(problem, equation, numbers, v, _insert(problem, face, x), face)
    zero, free = jnp.zeros(len(numbers)), jnp.asarray(np.delete(on_face(problem, face)[-1], face.axis))
    if not is_affine(function, zero, free):
        return None
    return Rows(numbers, *dependence(lambda x: [jax.jacfwd(function)(zero, x), function(zero, x)], [free], [SMOOTH]))


def on_face(problem: Problem, face: Face | FaceValue) -> Float[np.ndarray, "n d"]:
    """Points of a face, two corners first; the same for both sides."""
    box = problem.domain
    unit = np.random.default_rng(0).random((_SAMPLES, box.dimension))
    unit[:2] = [[0.0], [1.0]]
    x = (1 - unit) * box.lower + unit * box.upper
    x[:, face.axis] = box.bounds[face.side][face.axis]
    return x


class Prescription(NamedTuple):
    """What a condition prescribes: `face_values`, of rows that prescribe a value on each face.

    - `is_complete`: whether they amount to the condition; `reason`: why other rows are not among them, where a row that
      looks like one is not proved.
    """

    face_values: tuple[FaceValue, ...] = ()
    is_complete: bool = False
    reason: str | None = None


def prescription_of(problem: Problem, name: str) -> Prescription:
    """What a condition provably prescribes."""
    region = problem.conditions[name].on
    if (faces := region.faces_of(problem.domain.bounds)) is None:
        elsewhere = "it holds on other than whole faces of the domain"
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
    """What a row prescribes on a face; None if it is of another kind, or why it is not proved."""
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
    numbers = (*_own_numbers(problem, equation, face), *_other_numbers(problem, equation, face))
    orders = tuple(face_value.order if axis == face_value.axis else 0 for axis in range(problem.domain.dimension))
    mine = np.array(
        [(n.output, n.orders, n.side) == (face_value.output, orders, face_value.side) for n in numbers], float
    )

    def datum(x: Point) -> Scalar:
        at = lambda v: _evaluate(problem, equation, numbers, v, x, face)[face_value.row]
        unit = jnp.asarray(mine, jnp.result_type(x[0]))
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


def _face_of(problem: Problem, face_value: FaceValue) -> Face:
    """The face of a face_value, with the normal that its condition sees there."""
    faces = problem.conditions[face_value.condition].on.faces_of(problem.domain.bounds) or ()
    return next(face for face in faces if (face.axis, face.side) == (face_value.axis, face_value.side))


def _is_known(problem: Problem, equation: Equation) -> bool:
    """Whether everything in an equation but fields is known beforehand."""
    return not any(
        symbol.kind == "column" or (symbol.kind == "coefficient" and symbol.name in problem.unknowns)
        for symbol in equation.symbols
    )


def first_outputs(problem: Problem) -> dict[str, int]:
    """The output of the network at which each field begins."""
    sizes = problem.field_sizes
    return dict(zip(sizes, np.cumsum([0, *sizes.values()]).tolist(), strict=False))


def _numbers(problem: Problem, field: str, orders: tuple[int, ...], side: int) -> list[Number]:
    first = first_outputs(problem)[field]
    return [Number(field, orders, k, first + k, side) for k in range(problem.field_sizes[field])]


def _own_numbers(problem: Problem, equation: Equation, face: Face) -> list[Number]:
    """What an equation takes from the fields at its own point."""
    symbols = sorted(symbol for symbol in equation.symbols if symbol.kind == "field")
    return [number for s in symbols for number in _numbers(problem, s.name, s.orders, face.side)]


def _other_numbers(problem: Problem, equation: Equation, face: Face) -> list[Number]:
    """What an equation takes from fields elsewhere, in the order in which it does.

    **Raises:** `NotOnFaceError` unless all these places provably lie on this face or opposite, and else where the
    equation's own point lies.
    """
    if not equation.looks_elsewhere:
        return []
    box, axis = problem.domain, face.axis
    fixed = Symbol("coordinate", box.coordinates[axis])
    for node in equation.elsewhere:
        varying = [s for s in equation.needs(node.inputs[axis]) if s.kind == "coordinate" and s != fixed]
        if varying or any(s.kind == "field" for s in equation.needs(node.inputs[axis])):
            raise NotOnFaceError
    if equation.displaced - {box.coordinates[axis]}:
        raise NotOnFaceError
    found, slack = list[Number](), SLACK * (box.upper - box.lower)[axis]

    def note(name: str, orders: tuple[int, ...], point: tuple[Array, ...]) -> Array:
        if any(np.ndim(p) for p in point):
            raise NotOnFaceError
        sides = [side for side in (0, 1) if abs(float(point[axis]) - box.bounds[side][axis]) <= slack]
        if not sides:
            raise NotOnFaceError
        found.extend(_numbers(problem, name, orders, sides[0]))
        return jnp.zeros(_shape(problem, name))

    own = _own_numbers(problem, equation, face)
    with jax.ensure_compile_time_eval():  # places are numbers, also while something else is traced
        x = jnp.asarray(on_face(problem, face)[-1])
        _evaluate(problem, equation, own, jnp.zeros(len(own)), x, face, note)
    expected = sorted((node.eqn.params["name"], node.eqn.params["index"]) for node in equation.elsewhere)
    if expected != sorted((n.field, n.orders) for n in found if n.component == 0):
        raise NotOnFaceError  # a derivative of an expression takes others
    return found


def _shape(problem: Problem, field: str) -> tuple[int, ...]:
    size = problem.field_sizes[field]
    return (size,) if size > 1 else ()


def _insert(problem: Problem, face: Face, free: Float[Array, " k"]) -> list[Scalar]:
    """The point of a face with these coordinates along it."""
    at = jnp.asarray(problem.domain.bounds[face.side][face.axis], free.dtype)
    return [*free[: face.axis], at, *free[face.axis :]]


def _evaluate(
    problem: Problem,
    equation: Equation,
    numbers: Sequence[Number],
    v: Float[Array, " k"],
    x: Point,
    face: Face,
    field_value: Callable[..., Array] | None = None,
) -> Float[Array, " m"]:
    """An equation at a point of a face from the `numbers` it takes, those at its own point first."""
    dtype = jnp.result_type(x[0])
    values: dict[Symbol, Array] = {Symbol("coordinate", n): x[i] for i, n in enumerate(problem.domain.coordinates)}
    values |= {Symbol("coefficient", name): jnp.asarray(value, dtype) for name, value in problem.constants.items()}
    values[Symbol("normal", "normal")] = jnp.asarray(face.direction * np.eye(len(x))[face.axis], dtype)
    parts = iter(_split(problem, numbers, v))
    for symbol in sorted(symbol for symbol in equation.symbols if symbol.kind == "field"):
        values[symbol] = next(parts)
    return equation(values, field_value or (lambda *_: next(parts)))


def _split(problem: Problem, numbers: Sequence[Number], v: Float[Array, " k"]) -> list[Array]:
    """The values of fields, each a number or a vector of its components."""
    size = lambda k: problem.field_sizes[numbers[k].field]
    starts = [k for k, number in enumerate(numbers) if number.component == 0]
    return [v[k : k + size(k)] if size(k) > 1 else v[k] for k in starts]
