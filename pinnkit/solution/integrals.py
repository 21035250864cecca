"""Integrals over regions that are made of boxes, by composite Gauss-Legendre quadrature."""

import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float

from .._base.errors import InputError
from ..geometry.points import Points
from ..geometry.region import Piece
from .grids import points_of

NODES = 8
"""Nodes on each panel of the composite rule; a rule with fewer nodes has one panel."""

MOST_NODES = 2**18
"""Most nodes of one integral; more nodes than that are not tried."""

TOLERANCE, ACCEPTED = 1e-12, 1e-6
"""Difference between two rules, relative to ∫|f|, at which refinement stops, and above which a warning is given."""


class QuadratureWarning(RuntimeWarning):
    """An integral has a larger error than 10⁻⁶ of ∫|f|, as where a solution has a sharp front."""


Integrand: TypeAlias = Callable[[Points], np.ndarray]
"""Values of shape `(n, *m)` at n points."""


def integral(integrand: Integrand, pieces: tuple[Piece, ...], fixed: Mapping[int, float]) -> Float[np.ndarray, " *m"]:
    """The integral over pieces, with some coordinates fixed (by axis); a piece off them contributes nothing.

    The number of nodes is doubled until two rules agree. Over a piece without free coordinates, its value.

    **Raises:** `InputError` for too many coordinates. Gives a `QuadratureWarning` for an inaccurate result.
    """
    total, size, error = np.zeros(()), 0.0, 0.0
    for piece in pieces:
        if (cut := _cut(piece, fixed)) is None:
            continue
        found = _refined(integrand, cut)
        total, size, error = total + found.value, size + found.absolute, error + found.error
    if error > ACCEPTED * size:
        warnings.warn(f"an integral has an error of about {error:.1e}", QuadratureWarning, stacklevel=3)
    return total


class _Integral(NamedTuple):
    """An integral, that of the absolute value, and the difference from the rule before."""

    value: np.ndarray
    absolute: float
    error: float


def _refined(integrand: Integrand, piece: Piece) -> _Integral:
    """The integral over a piece, with rules that are refined until two agree."""
    first, *finer = _counts(int(np.sum(piece.bounds[0] < piece.bounds[1])))
    found = _Integral(*_by_rule(integrand, piece, first), 0.0)
    for count in finer:
        value, absolute = _by_rule(integrand, piece, count)
        error = float(np.max(np.abs(value - found.value), initial=0.0))
        found = _Integral(value, absolute, error)
        if error <= TOLERANCE * absolute or not np.isfinite(absolute):
            break
    return found


def _cut(piece: Piece, fixed: Mapping[int, float]) -> Piece | None:
    """The part of a piece at fixed coordinates; None if it does not reach them."""
    low, high = (bound.copy() for bound in piece.bounds)
    for axis, value in fixed.items():
        if not low[axis] <= value <= high[axis]:
            return None
        low[axis] = high[axis] = value
    return Piece((low, high), piece.normal)


def _counts(dimension: int) -> Iterator[int]:
    """Increasing numbers of nodes along each coordinate."""
    if dimension == 0:
        yield 1
        return
    most = math.floor(MOST_NODES ** (1 / dimension) + 1e-9)
    if most < 4:
        raise InputError(
            f"an integral over {dimension} coordinates needs too many points; take the mean of `evaluate` at random "
            "points, or fix some coordinates"
        )
    count = min(NODES, most // 2)
    while count <= most:
        yield count
        count *= 2


def _by_rule(integrand: Integrand, piece: Piece, count: int) -> tuple[np.ndarray, float]:
    """The integral and that of the absolute value, with `count` nodes along each free coordinate."""
    low, high = piece.bounds
    rules = [_rule(a, b, count) if a < b else (np.array([a]), np.ones(1)) for a, b in zip(low, high, strict=True)]
    mesh = np.meshgrid(*(nodes for nodes, _ in rules), indexing="ij")
    points = np.stack([axis.ravel() for axis in mesh], axis=-1)
    weights = rules[0][1]
    for _, more in rules[1:]:
        weights = np.multiply.outer(weights, more)
    normals = None if piece.normal is None else np.broadcast_to(piece.normal, points.shape)
    values = integrand(points_of(points, normals))
    absolute = np.tensordot(weights.ravel(), np.abs(values), axes=1)
    return np.tensordot(weights.ravel(), values, axes=1), float(np.max(absolute, initial=0.0))


def _rule(low: float, high: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of a composite Gauss-Legendre rule on an interval."""
    panels, nodes = max(count // NODES, 1), min(count, NODES)
    z, w = np.polynomial.legendre.leggauss(nodes)
    edges = np.linspace(low, high, panels + 1)
    half = (high - low) / (2 * panels)
    middles = (edges[:-1] + edges[1:]) / 2
    return (middles[:, None] + half * z).ravel(), np.tile(half * w, panels)
