"""Conditions at given points, with values measured or prescribed there."""

from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._base.errors import InputError
from .points import Points
from .region import AbstractRegion, Bounds


class PointSet(AbstractRegion):
    """Given points: `PointSet({"x": xs, "t": ts}, u_measured=us)`.

    The mapping contains all coordinates of the domain, in its order; each keyword is a data column that an
    equation on these points may use by its name. Arrays are one-dimensional, of one length; numbers are repeated.

    **Raises:** `ValueError` for arrays that are empty, not finite, or of different lengths.
    """

    coordinates: tuple[str, ...]
    dimension: int
    count: int | None
    least: int
    values: np.ndarray
    data: dict[str, np.ndarray]

    def __init__(self, coordinates: Mapping[str, object], **columns: object):
        arrays = {name: _column(name, values) for name, values in {**coordinates, **columns}.items()}
        if not coordinates:
            raise InputError("a point set needs the coordinates of its points, as in `PointSet({'x': xs})`")
        if both := sorted(set(coordinates) & set(columns)):
            raise InputError(f"the names {both} are given both as coordinates and as data columns")
        lengths = {name: array.size for name, array in arrays.items() if array.ndim}
        if len(set(lengths.values())) > 1:
            raise InputError(f"the arrays of a point set must have one length, got {lengths}")
        n = next(iter(lengths.values()), 1)
        arrays = {name: np.broadcast_to(array, (n,)) for name, array in arrays.items()}
        self.coordinates = tuple(coordinates)
        self.values = np.stack([arrays[name] for name in coordinates], axis=-1)
        self.data = {name: arrays[name] for name in columns}
        self.dimension, self.count, self.least = 0, n, n

    @property
    def bounds(self) -> Bounds:
        return self.values.min(axis=0), self.values.max(axis=0)

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.data)

    @property
    def given(self) -> Float[np.ndarray, "n d"]:
        return self.values

    def points(self, unit: Float[Array, "n k"]) -> Points:
        columns = {name: jnp.asarray(values, unit.dtype) for name, values in self.data.items()}
        return Points(jnp.asarray(self.values, unit.dtype), None, columns)


def _column(name: str, values: object) -> np.ndarray:
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise InputError(f"'{name}' of a point set must hold numbers, got {type(values).__name__}") from None
    if array.ndim > 1 and array.size == max(array.shape):
        array = array.ravel()
    if array.ndim > 1 or array.size == 0:
        raise InputError(f"'{name}' of a point set must be a non-empty vector, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise InputError(f"'{name}' of a point set has {np.sum(~np.isfinite(array))} value(s) that are not finite")
    return array
