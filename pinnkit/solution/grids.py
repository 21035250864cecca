"""Points on grids, points given by their coordinates, and points of regions."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .._base.errors import InputError, InputTypeError
from ..geometry.domain import AbstractDomain
from ..geometry.points import Points
from ..geometry.region import AbstractRegion

Grid: TypeAlias = int | Mapping[str, int | Sequence[float] | np.ndarray]
"""Points along each coordinate, the same for all, or by name a number or the values themselves."""


GRID = 51
"""Points along each coordinate of a file for other programs."""


def axes_of(domain: AbstractDomain, grid: Grid) -> dict[str, np.ndarray]:
    """The values of each coordinate on a grid. **Raises:** `InputError` for an invalid grid."""
    names = domain.coordinates
    given = dict.fromkeys(names, grid) if not isinstance(grid, Mapping) else dict(grid)
    if set(given) != set(names):
        raise InputError(f"`grid` is a number, or one entry for each of {', '.join(names)}; got {sorted(given)}")
    out = {}
    for name, low, high in zip(names, domain.lower, domain.upper, strict=True):
        entry = given[name]
        if isinstance(entry, int | np.integer) and not isinstance(entry, bool):
            axis = np.linspace(low, high, int(entry)) if entry >= 2 else np.empty(0)
        else:
            axis = np.asarray(entry, float)
        if axis.ndim != 1 or axis.size < 1 or not np.isfinite(axis).all() or not (np.diff(axis) > 0).all():
            raise InputError(f"`grid` of '{name}' is a number of points ≥ 2 or increasing finite values; got {entry!r}")
        out[name] = axis
    return out


def points_at(names: Sequence[str], coordinates: Mapping[str, Any], whose: str) -> tuple[np.ndarray, tuple[int, ...]]:
    """Points of shape `(n, d)` and the shape that their coordinates broadcast to; `whose` names them in errors.

    **Raises:** `InputTypeError` unless exactly the coordinates `names` are given, with numbers.
    """
    if set(coordinates) != set(names):
        raise InputTypeError(f"{whose} is a function of {', '.join(names)}; got {sorted(coordinates)}")
    arrays = np.broadcast_arrays(*(_numbers(name, coordinates[name]) for name in names))
    return np.stack([array.ravel() for array in arrays], axis=-1), arrays[0].shape


def rows_of(names: Sequence[str], points: Any) -> Float[np.ndarray, "n d"]:
    """Points given as an array of rows, columns in the order of the coordinates. **Raises:** `InputError`."""
    rows = _numbers("points", points)
    if rows.ndim == 1 and len(names) == 1:
        rows = rows[:, None]
    if rows.ndim != 2 or rows.shape[1] != len(names):
        raise InputError(
            f"`points` is an array of shape (n, {len(names)}) with the columns {', '.join(names)}; got {rows.shape}"
        )
    return rows


def points_of(rows: Float[np.ndarray, "n d"], normals: Float[np.ndarray, "n d"] | None = None) -> Points:
    """Points of a condition in double precision, on the host."""
    points: Any = Points
    return points(rows, normals, {})


def finite(region: AbstractRegion) -> Points:
    """The points of a region that is a finite set, in double precision."""
    with jax.enable_x64(True):
        return region.points(jnp.zeros((region.count or 0, region.dimension)))


def constant_normal(region: AbstractRegion) -> Float[np.ndarray, " d"] | None:
    """The normal of a region that has the same everywhere; None for others."""
    pieces = region.flat_pieces or ()
    return pieces[0].normal if len(pieces) == 1 else None


def _numbers(name: str, values: Any) -> np.ndarray:
    try:
        return np.asarray(values, float)
    except (TypeError, ValueError):
        raise InputTypeError(f"`{name}` is a number or an array of numbers, got {type(values).__name__}") from None
