"""A tangent kernel with its factors computed and its products compiled."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Float

from ..._base.arguments import as_double
from ..._base.devices import on_host
from ..._base.errors import InputError
from . import tiles as blocks
from .factors import Factorisation


class Prepared:
    """A part as it is computed: traced, planned, its points cut into chunks of equal size."""

    def __init__(
        self,
        name: str,
        factorisation: Factorisation,
        points: list[np.ndarray],
        scale: float,
        traced: bool,
        memory: int,
    ):
        self.name, self.factorisation, self.scale, self.traced = name, factorisation, scale, traced
        self.program, self.plan = factorisation.program, factorisation.plan
        self._points, self.count = points, len(points[0])
        self.outputs = 1 if traced else self.plan.outputs
        self.tile = blocks.tile_size(self.plan, self.count)
        tiles = memory // 32 // max(self.tile * self.plan.entries_per_point, 1)
        tiles = min(tiles, math.isqrt(memory // 32) // (self.tile * self.outputs), math.ceil(self.count / self.tile))
        if tiles < 1:
            needed = 32 * self.tile * max(self.plan.entries_per_point, self.tile * self.outputs**2)
            raise InputError(
                f"`memory` of {memory} bytes does not hold a tile of {self.tile} points of '{name}'; "
                f"give at least {needed}"
            )
        chunks = math.ceil(self.count / (tiles * self.tile))
        self._size = blocks.filled(self.tile, math.ceil(self.count / chunks))

    @property
    def dtype(self) -> np.dtype:
        return self.program.jaxpr.outvars[0].aval.dtype

    @property
    def bytes(self) -> int:
        """Size of all factors."""
        return 8 * self.count * self.plan.entries_per_point

    def rows(self) -> Iterator[tuple[int, slice]]:
        """Number and rows of each chunk."""
        for k, start in enumerate(range(0, self.count, self._size)):
            stop = min(start + self._size, self.count)
            yield k, slice(start * self.outputs, stop * self.outputs)

    def padded(self, chunk: int) -> list[np.ndarray]:
        """The points of a chunk; the last point fills it up."""
        indices = np.arange(chunk * self._size, (chunk + 1) * self._size).clip(max=self.count - 1)
        return [leaf[indices] for leaf in self._points]

    def check_finite(self, rows: Float[np.ndarray, " r"]) -> None:
        """Say where a derivative is not finite, from a number for each row."""
        bad = ~np.isfinite(rows).reshape(self.count, -1).all(axis=1)
        if bad.any():
            raise InputError(
                f"the derivative of '{self.name}' by the parameters is not finite at {bad.sum()} of {self.count} "
                f"point(s), the first of them x = {self._points[0][np.argmax(bad)].tolist()}: it overflows or is "
                f"undefined there"
            )

    def as_rows(self, values: Any) -> np.ndarray:
        """Values of each output at each point as those of rows."""
        array = on_host(values).astype(np.float64)
        return array.sum(axis=1) if self.traced else array.ravel()

    def spread(self, rows: Float[np.ndarray, "r k"]) -> Float[np.ndarray, "n m j"]:
        """Coefficients of rows as those of outputs; if traced, each output has columns of its own."""
        k, m = rows.shape[1], self.plan.outputs
        values = np.zeros((self._size, self.outputs, k))
        values.reshape(-1, k)[: len(rows)] = rows
        if not self.traced:
            return values
        return (values[..., None] * np.eye(m)[:, None]).reshape(self._size, m, k * m)

    def gathered(self, values: Float[np.ndarray, "n m j"]) -> Float[np.ndarray, "r k"]:
        """The transpose of `spread`."""
        n, m, columns = values.shape
        if not self.traced:
            return values.reshape(n * m, columns)
        return np.einsum("nmkm->nk", values.reshape(n, m, columns // m, m))


def checked(name: str, columns: ArrayLike, rows: int) -> Float[np.ndarray, "n k"]:
    """Vectors as columns in float64."""
    if np.ndim(columns) not in (1, 2) or np.shape(columns)[0] != rows:
        raise InputError(f"`{name}` must have shape ({rows},) or ({rows}, k); it has {np.shape(columns)}")
    return as_double(name, columns, ndim=np.ndim(columns))[0].reshape(rows, -1)
