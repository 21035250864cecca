"""The form G + ΦN of a field with prescribed values on faces."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Array
from numpy.polynomial import polynomial

from ..._base.types import Scalar
from .face_values import Datum, Pin, Point, derived

Bounds = tuple[Array, Array]


# G + Φ N.


def interpolated(network: Scalar, x: Point, bounds: Bounds, pins: Sequence[tuple[Pin, Datum | None]]) -> Scalar:
    """One output with all its pins satisfied. A term of the interpolation in which any of them is zero is zero."""
    axes = sorted({pin.axis for pin, _ in pins})
    by_axis = {axis: [(pin, datum) for pin, datum in pins if pin.axis == axis] for axis in axes}
    position = {axis: (x[axis] - bounds[0][axis]) / (bounds[1][axis] - bounds[0][axis]) for axis in axes}
    value = network
    for axis in axes:
        value = value * _vanishing([pin for pin, _ in by_axis[axis]], position[axis])
    for size in range(1, len(axes) + 1):
        for chosen in itertools.combinations(axes, size):
            for pinned in itertools.product(*(by_axis[axis] for axis in chosen)):
                together = [(pin, datum) for pin, datum in pinned if datum is not None]
                if len(together) < len(pinned):
                    continue
                blend = math.prod(
                    _blend(pin, [p for p, _ in by_axis[pin.axis]], position[pin.axis], bounds) for pin, _ in together
                )
                value = value + (-1) ** (size + 1) * blend * _corner(together, x, bounds)
    return value


def _vanishing(pins: Sequence[Pin], position: Scalar) -> Scalar:
    """ξᵐ (1 − ξ)ⁿ with m and n orders prescribed at the two ends, 1 at its maximum."""
    m, n = (sum(pin.side == side for pin in pins) for side in (0, 1))
    peak = (m / (m + n)) ** m * (n / (m + n)) ** n
    return position**m * (1 - position) ** n / peak if m and n else position**m if m else (1 - position) ** n


def _blend(pin: Pin, pins: Sequence[Pin], position: Scalar, bounds: Bounds) -> Scalar:
    """The Hermite polynomial that has the pin's derivative at its end and none of the others."""
    degree = len(pins)
    rows = [[_slope(k, p.order, p.side) for k in range(degree)] for p in pins]
    coefficients = np.linalg.solve(np.array(rows, float), np.eye(degree)[pins.index(pin)])
    value = sum(c * position**k for k, c in enumerate(np.round(coefficients, 12).tolist()) if c)
    return value * (bounds[1][pin.axis] - bounds[0][pin.axis]) ** pin.order


def _slope(power: int, order: int, at: int) -> float:
    """The derivative of ξ**power at 0 or 1."""
    return float(polynomial.polyval(at, polynomial.polyder([0.0] * power + [1.0], order)))


def _corner(together: Sequence[tuple[Pin, Datum]], x: Point, bounds: Bounds) -> Scalar:
    """What all these pins prescribe where their faces meet."""
    source, datum = max(together, key=lambda pair: pair[0].order)
    known = {pin.axis: bounds[pin.side][pin.axis] for pin, _ in together}
    point = [known[axis] if axis in known else x[axis] for axis in range(len(x))]
    return derived(datum, [(pin.axis, pin.order) for pin, _ in together if pin is not source])(point)
