"""Integrals over regions, by composite Gauss-Legendre quadrature on their cells."""

import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float

from .._base.errors import InputError
from ..geometry.cells import NODES, AbstractCell
from ..geometry.points import Points
from .grids import points_of

MOST_NODES = 2**18
"""Most nodes of one integral; more nodes than that are not tried."""

TOLERANCE, ACCEPTED = 1e-12, 1e-6
"""Difference between two rules, relative to ∫|f|, at which refinement stops, and above which a warning is given."""


class QuadratureWarning(RuntimeWarning):
    """An integral has a larger error than 10⁻⁶ of ∫|f|, as where a solution has a sharp front."""


Integrand: TypeAlias = Callable[[Points], np.ndarray]
"""Values of shape `(n, *m)` at n points."""


def integral(
    integrand: Integrand, cells: tuple[AbstractCell, ...], fixed: Mapping[int, float]
) -> Float[np.ndarray, " *m"]:
    """The integral over cells, with some coordinates fixed (by axis); a cell off them contributes nothing.

    The number of nodes is doubled until two rules agree. Over a cell without free coordinates, its value.

    **Raises:** `InputError` for too many coordinates. Gives a `QuadratureWarning` for an inaccurate result.
    """
    total, size, error = np.zeros(()), 0.0, 0.0
    for cell in cells:
        if (cut := cell.cut(fixed)) is None:
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


def _refined(integrand: Integrand, cell: AbstractCell) -> _Integral:
    """The integral over a cell, with rules that are refined until two agree."""
    first, *finer = _counts(cell)
    found = _Integral(*_by_rule(integrand, cell, first), 0.0)
    for count in finer:
        value, absolute = _by_rule(integrand, cell, count)
        error = float(np.max(np.abs(value - found.value), initial=0.0))
        found = _Integral(value, absolute, error)
        if error <= TOLERANCE * absolute or not np.isfinite(absolute):
            break
    return found


def _counts(cell: AbstractCell) -> Iterator[int]:
    """Increasing numbers of nodes along each coordinate of a panel."""
    if cell.dimension == 0:
        yield 1
        return
    most = math.floor((MOST_NODES / cell.panels) ** (1 / cell.dimension) + 1e-9)
    if most < 4:
        raise InputError(
            f"an integral over {cell.dimension} coordinates needs too many points; take the mean of `evaluate` at "
            "random points, or fix some coordinates"
        )
    count = min(NODES, most // 2)
    while count <= most:
        yield count
        count *= 2


def _by_rule(integrand: Integrand, cell: AbstractCell, count: int) -> tuple[np.ndarray, float]:
    """The integral and that of the absolute value, with `count` nodes along each free coordinate."""
    points, weights, normals = cell.rule(count)
    values = integrand(points_of(points, normals))
    absolute = np.tensordot(weights, np.abs(values), axes=1)
    return np.tensordot(weights, values, axes=1), float(np.max(absolute, initial=0.0))
