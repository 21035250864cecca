"""Pieces of charts that bound a solid."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from .charts import Numbers, namespace
from .series import legendre
from .solid import Patches
from .tables import located_in_rows

NODES, WEIGHTS = (part / 2 for part in np.polynomial.legendre.leggauss(16))
"""Gauss points of the interval [-1/2, 1/2], and their weights."""


@dataclasses.dataclass(frozen=True)
class Pieces:
    """Pieces of charts of one kind that bound a solid.

    - `number`: of the chart; `first`, `last`: the interval of its first parameter;
    - `sign`: 1, or −1 if the outward normal of the solid is opposite to that of the chart; `measure`: of the piece;
    - `names`: of the parts;
    - `ends`: on surfaces, where up to k intervals of the second parameter start and end, as Legendre series of the
      first one over its interval; None for curves.
    """

    patches: Patches
    number: np.ndarray
    first: Float[np.ndarray, " p"]
    last: Float[np.ndarray, " p"]
    sign: Float[np.ndarray, " p"]
    measure: Float[np.ndarray, " p"]
    names: np.ndarray
    ends: Float[np.ndarray, "p k 2 g"] | None = None

    def __len__(self) -> int:
        return len(self.number)

    def chosen(self, rows: np.ndarray) -> "Pieces":
        """Some of the pieces."""
        tables: dict[str, Any] = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)[1:]}
        return dataclasses.replace(self, **{name: own if own is None else own[rows] for name, own in tables.items()})

    def at(self, row: Numbers, unit: Numbers) -> tuple[Numbers, Numbers]:
        """Points of these pieces for points of the unit cube, uniform if they are, and outward normals of the solid."""
        xp = namespace(unit)
        first, last, sign, number = (
            xp.asarray(table)[row] for table in (self.first, self.last, self.sign, self.number)
        )
        parameters = (first + unit[:, 0] * (last - first))[:, None]
        if self.ends is not None:
            starts, lengths = self._intervals(row, unit[:, 0])
            interval, share = located_in_rows(unit[:, 1], xp.cumsum(lengths, axis=-1))
            own = lambda table: xp.take_along_axis(table, interval[:, None], axis=-1)
            parameters = xp.concat([parameters, own(starts) + share[:, None] * own(lengths)], axis=-1)
        x, normals = self.patches.at(number, parameters)
        return x, sign[:, None] * normals

    def _intervals(self, row: Numbers, share: Numbers) -> tuple[Numbers, Numbers]:
        """Where the intervals of the second parameter start, and their lengths: shape `(n, k)`."""
        xp, ends = namespace(share), namespace(share).asarray(self.ends)[row]
        series = legendre(share, ends.shape[-1])
        start, end = (xp.clip((ends[:, :, i] * series[:, None, :]).sum(axis=-1), 0.0, 1.0) for i in (0, 1))
        return start, xp.maximum(end - start, 0.0)

    def nodes(self) -> tuple[Float[np.ndarray, "n d"], Float[np.ndarray, "n d"], Float[np.ndarray, " n"]]:
        """Points, outward normals and weights by which functions are integrated over the pieces (Gauss)."""
        row, share = np.repeat(np.arange(len(self)), len(NODES)), np.tile(NODES + 0.5, len(self))
        width = (self.last - self.first)[row]
        parameters, weights = (self.first[row] + share * width)[:, None], np.tile(WEIGHTS, len(self)) * width
        if self.ends is not None:
            starts, lengths = self._intervals(row, share)
            at, interval = np.nonzero(lengths)
            start, length = starts[at, interval][:, None], lengths[at, interval][:, None]
            across = (start + length * (NODES + 0.5)).ravel()
            weights = (weights[at][:, None] * length * WEIGHTS).ravel()
            at = np.repeat(at, len(NODES))
            parameters, row = np.column_stack([parameters[at], across]), row[at]
        number = self.number[row]
        x, normals = self.patches.at(number, parameters)
        return x, self.sign[row][:, None] * normals, weights * self.patches.density(number, parameters)


def enclosed(pieces: Sequence[Pieces]) -> float:
    """The area or volume inside closed curves or surfaces, by the divergence theorem."""
    total = 0.0
    for own in pieces:
        x, normals, weights = own.nodes()
        total += float(weights @ (x * normals).sum(axis=-1)) / x.shape[-1]
    return total
