"""The boundary of a solid: what set operations leave of surfaces.

A surface is cut into columns of its first parameter. In each, the second one is trimmed as a curve at Gauss points of
the first, and the ends of its intervals are interpolated by polynomials. Columns are divided until these are exact
to rounding, which takes a graded sequence of them where an end has a kink or an infinite slope.
"""

import dataclasses
import itertools

import numpy as np
from jaxtyping import Float

from .pieces import Pieces
from .series import fit, gauss, legendre
from .solid import Patches, Solid, Where
from .trimming import FIRST, MARGIN, Curves, parts_named

ORDER, PARTS = 8, 4
"""Gauss points of a column, and the number of columns into which one is divided."""

NARROW = 1 / 64
"""The largest width of columns that hold an end."""

EXACT, NEGLIGIBLE = 1e-12, 1e-14
"""Errors of ends, and shares of a surface, that are accepted."""

(POINTS, WEIGHTS), SERIES = gauss(ORDER), fit(ORDER)
"""Gauss points of [0, 1], their weights, and the matrix from values at them to Legendre coefficients."""

DIVIDED = [legendre((k + POINTS) / PARTS, ORDER).T @ SERIES for k in range(PARTS)]
"""Matrices from the coefficients on an interval to those on each of its parts."""


def trimmed_surfaces(solid: Solid, patches: Patches, where: Where | None = None) -> Pieces:
    """The pieces of surfaces that bound a solid, and lie `where` they should."""
    columns, done = _first(solid, patches, where), list[Pieces]()
    while len(columns.number):
        is_free = columns.is_free()
        done.append(columns.chosen(is_free).whole())
        columns = columns.chosen(~is_free)
        is_narrow = columns.last - columns.first <= NARROW
        fitted, is_fit = columns.chosen(is_narrow).fitted()
        done += fitted
        left = np.ones(len(columns.number), bool)
        left[np.flatnonzero(is_narrow)[is_fit]] = False
        columns = columns.chosen(left).parts()
    return _joined(patches, done)


@dataclasses.dataclass(frozen=True)
class _Columns:
    """Columns of charts: intervals of the first parameter."""

    solid: Solid
    patches: Patches
    where: Where | None
    number: np.ndarray
    first: Float[np.ndarray, " n"]
    last: Float[np.ndarray, " n"]

    def chosen(self, rows: np.ndarray) -> "_Columns":
        return dataclasses.replace(self, number=self.number[rows], first=self.first[rows], last=self.last[rows])

    def parts(self) -> "_Columns":
        edges = self.first + np.linspace(0.0, 1.0, PARTS + 1)[:, None] * (self.last - self.first)
        edges[-1] = self.last
        number = np.tile(self.number, PARTS)
        return dataclasses.replace(self, number=number, first=edges[:-1].ravel(), last=edges[1:].ravel())

    def is_free(self) -> np.ndarray:
        """Whether no other primitive and no end of `where` may be met, so that a column is wholly in or out."""
        if self.where is not None or self.solid.is_marked:
            return np.zeros(len(self.number), bool)
        if len(self.solid.leaves) == 1:
            return np.ones(len(self.number), bool)
        row, across = np.repeat(np.arange(len(self.number)), FIRST), np.tile(np.arange(FIRST), len(self.number))
        first, width, number = self.first[row], (self.last - self.first)[row], self.number[row]
        cell = lambda u, v: np.column_stack([first + u * width, (across + v) / FIRST])
        shares = sorted(itertools.product((0.0, 0.5, 1.0), repeat=2), key=lambda share: share != (0.5, 0.5))
        places = [self.patches.at(number, cell(u, v))[0] for u, v in shares]  # that of the middle comes first
        is_met = self.solid.is_met(places, self.patches.owner[number], MARGIN, is_fine=False)
        return np.asarray(~is_met.reshape(-1, FIRST).any(axis=1))

    def whole(self) -> Pieces:
        """Those that bound the solid, if each is wholly in or out."""
        middle = np.column_stack([(self.first + self.last) / 2, np.full(len(self.number), 0.5)])
        x, normals = self.patches.at(self.number, middle)
        sign = self.solid.sides(x, normals, self.patches.owner[self.number])
        kept = np.flatnonzero(sign)
        ends = np.zeros((len(kept), 1, 2, ORDER))
        ends[:, :, 1, 0] = 1.0
        return self._pieces(kept, sign[kept], ends)

    def fitted(self) -> tuple[list[Pieces], np.ndarray]:
        """What columns keep, and for which of them it is exact; the others have no pieces."""
        n, width = len(self.number), self.last - self.first
        if not n:
            return [], np.zeros(0, bool)
        before = (self.first[:, None] + width[:, None] * POINTS).reshape(-1, 1)
        curves = Curves(self.solid, self.patches, np.repeat(self.number, ORDER), before, self.where)
        curve, starts, stops, codes = curves.runs()
        kinds = np.unique(codes)
        tables = [_in_rows(n * ORDER, codes == code, curve, starts, stops) for code in kinds]
        is_fit, is_small, pieces = np.ones(n, bool), np.ones(n, bool), list[Pieces]()
        for counts, ends in tables:
            series = _series(ends)
            error = np.abs(series[..., -2:]).sum(axis=-1).max(axis=(1, 2))
            is_fit &= ((error <= EXACT) | (error * width <= NEGLIGIBLE)) & (counts == counts[:, :1]).all(axis=1)
            is_small &= np.ptp(_moments(ends), axis=1).max(axis=1) * width <= NEGLIGIBLE
        for code, (counts, ends) in zip(kinds, tables, strict=True):
            constant = np.broadcast_to(ends[:, :1], ends.shape)  # of columns too narrow for more
            series = _series(np.where(is_fit[:, None, None, None], ends, constant))
            rows = np.flatnonzero((is_fit | is_small) & (counts[:, 0] > 0))
            divided = np.concatenate([series[rows] @ part for part in DIVIDED])  # on which points are even
            parts = self.chosen(rows).parts()
            pieces.append(parts._pieces(np.arange(len(divided)), np.full(len(divided), code), divided))
        return pieces, is_fit | is_small

    def _pieces(self, rows: np.ndarray, code: np.ndarray, ends: Float[np.ndarray, "p k 2 g"]) -> Pieces:
        number, first, last = self.number[rows], self.first[rows], self.last[rows]
        parameters = first[:, None] + (last - first)[:, None] * POINTS
        both = np.column_stack([parameters.ravel(), np.zeros(parameters.size)])
        density = self.patches.density(np.repeat(number, ORDER), both).reshape(-1, ORDER)
        values = ends @ legendre(POINTS, ORDER).T
        lengths = np.maximum(values[:, :, 1] - values[:, :, 0], 0.0).sum(axis=1)
        names = parts_named(self.solid, self.patches, number, code)
        measure = (last - first) * (density * lengths @ WEIGHTS)
        return Pieces(self.patches, number, first, last, np.sign(code).astype(float), measure, names, ends)


def _first(solid: Solid, patches: Patches, where: Where | None) -> _Columns:
    is_alone = len(solid.leaves) == 1 and where is None and not solid.is_marked
    count = max(1 if is_alone else FIRST, patches.chart.even_parts)
    edges, number = np.linspace(0.0, 1.0, count + 1), np.repeat(np.arange(len(patches)), count)
    return _Columns(solid, patches, where, number, np.tile(edges[:-1], len(patches)), np.tile(edges[1:], len(patches)))


def _in_rows(
    count: int, own: np.ndarray, curve: np.ndarray, starts: np.ndarray, stops: np.ndarray
) -> tuple[np.ndarray, Float[np.ndarray, "n points k 2"]]:
    """Intervals of curves in ascending order, as a table filled up with empty ones; and their counts `(n, points)`."""
    row = curve[own]
    counts = np.bincount(row, minlength=count)
    place = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    table = np.zeros((count, max(1, counts.max(initial=0)), 2))
    table[row, place] = np.stack([starts[own], stops[own]], axis=-1)
    return counts.reshape(-1, ORDER), table.reshape(-1, ORDER, *table.shape[1:])


def _series(ends: Float[np.ndarray, "n points k 2"]) -> Float[np.ndarray, "n k 2 series"]:
    return np.einsum("npkb,pj->nkbj", ends, SERIES)


def _moments(ends: Float[np.ndarray, "n points k 2"]) -> Float[np.ndarray, "n points 3"]:
    """By which sets of intervals are told apart."""
    powers = ends[..., None] ** np.arange(1, 4)
    return (powers[..., 1, :] - powers[..., 0, :]).sum(axis=2)


def _joined(patches: Patches, parts: list[Pieces]) -> Pieces:
    """All pieces, by chart and first parameter."""
    most = max(own.ends.shape[1] for own in parts if own.ends is not None)
    padded = lambda ends: np.pad(ends, [(0, 0), (0, most - ends.shape[1]), (0, 0), (0, 0)])
    names = ("number", "first", "last", "sign", "measure", "names")
    tables = {name: np.concatenate([getattr(own, name) for own in parts]) for name in names}
    found = Pieces(patches, **tables, ends=np.concatenate([padded(own.ends) for own in parts]))
    return found.chosen(np.lexsort([found.first, found.number]))
