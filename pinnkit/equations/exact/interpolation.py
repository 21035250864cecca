"""The form G + ΦN of a field with prescribed values on faces."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Array
from numpy.polynomial import polynomial

from ..._base.types import Scalar
from ...geometry.reference_cube import to_unit
from .face_values import Datum, FaceValue, Point, derived

Bounds = tuple[Array, Array]


# G + Φ N.


def interpolated(
    network: Scalar, x: Point, bounds: Bounds, face_values: Sequence[tuple[FaceValue, Datum | None]]
) -> Scalar:
    """One output that satisfies all its face values; terms of the interpolation with a zero value vanish."""
    axes = sorted({face_value.axis for face_value, _ in face_values})
    by_axis = {
        axis: [(face_value, datum) for face_value, datum in face_values if face_value.axis == axis] for axis in axes
    }
    position = {axis: to_unit(x[axis], (bounds[0][axis], bounds[1][axis])) for axis in axes}
    value = network
    for axis in axes:
        value = value * _vanishing([face_value for face_value, _ in by_axis[axis]], position[axis])
    for size in range(1, len(axes) + 1):
        for chosen in itertools.combinations(axes, size):
            for pinned in itertools.product(*(by_axis[axis] for axis in chosen)):
                together = [(face_value, datum) for face_value, datum in pinned if datum is not None]
                if len(together) < len(pinned):
                    continue
                blend = math.prod(
                    _blend(face_value, [p for p, _ in by_axis[face_value.axis]], position[face_value.axis], bounds)
                    for face_value, _ in together
                )
                value = value + (-1) ** (size + 1) * blend * _corner(together, x, bounds)
    return value


def _vanishing(face_values: Sequence[FaceValue], position: Scalar) -> Scalar:
    """ξᵐ (1 − ξ)ⁿ with m and n orders prescribed at the two ends, 1 at its maximum."""
    m, n = (sum(face_value.side == side for face_value in face_values) for side in (0, 1))
    peak = (m / (m + n)) ** m * (n / (m + n)) ** n
    return position**m * (1 - position) ** n / peak if m and n else position**m if m else (1 - position) ** n


def _blend(face_value: FaceValue, face_values: Sequence[FaceValue], position: Scalar, bounds: Bounds) -> Scalar:
    """The Hermite polynomial whose derivative is 1 for this face value and 0 for the others."""
    degree = len(face_values)
    rows = [[_slope(k, p.order, p.side) for k in range(degree)] for p in face_values]
    coefficients = np.linalg.solve(np.array(rows, float), np.eye(degree)[face_values.index(face_value)])
    value = sum(c * position**k for k, c in enumerate(np.round(coefficients, 12).tolist()) if c)
    return value * (bounds[1][face_value.axis] - bounds[0][face_value.axis]) ** face_value.order


def _slope(power: int, order: int, at: int) -> float:
    """The derivative of ξ**power at 0 or 1."""
    return float(polynomial.polyval(at, polynomial.polyder([0.0] * power + [1.0], order)))


def _corner(together: Sequence[tuple[FaceValue, Datum]], x: Point, bounds: Bounds) -> Scalar:
    """The value that these face values have in common where their faces meet."""
    source, datum = max(together, key=lambda pair: pair[0].order)
    known = {face_value.axis: bounds[face_value.side][face_value.axis] for face_value, _ in together}
    point = [known[axis] if axis in known else x[axis] for axis in range(len(x))]
    return derived(
        datum, [(face_value.axis, face_value.order) for face_value, _ in together if face_value is not source]
    )(point)
