"""The boundary of a solid: what set operations leave of curves.

A curve keeps intervals of its parameter, whose ends are found to rounding. Of an interval that may hold an end, as the
level functions of the other primitives tell, halves are looked at until it is short.
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from .pieces import NODES, WEIGHTS, Pieces
from .solid import Patches, Solid, Where

FIRST, HALVINGS = 16, 12
"""Intervals of a parameter at first, and halvings of those that may hold an end."""

ROUNDING, SHORTEST = 2.0**-53, 1e-14
"""Width of an interval that holds an end at which bisection stops, and of one that is left out."""

COARSE = 5
"""Halvings after which curves that run beside a surface are left alone."""

MARGIN = 1.1
"""By how much the reach of an interval is larger than the distance of its ends from its middle."""


def trimmed_curves(solid: Solid, patches: Patches, where: Where | None = None) -> Pieces:
    """The pieces of curves that bound a solid, and lie `where` they should."""
    curves = Curves(solid, patches, np.arange(len(patches)), np.zeros((len(patches), 0)), where)
    if len(solid.leaves) == 1 and not curves.is_selective:
        number, code = curves.chart, np.ones(len(patches))
        first, last = np.zeros(len(patches)), np.ones(len(patches))
    else:
        number, first, last, code = curves.runs()
    return _even(solid, patches, number, first, last, code)


def parts_named(solid: Solid, patches: Patches, number: np.ndarray, code: np.ndarray) -> np.ndarray:
    """The names of the parts of charts with these numbers, from the codes of points on them (see `Curves`)."""
    marks = (np.abs(code).astype(int) - 1).tolist()
    names = [
        solid.leaves[patches.owner[i]].marks[mark - 1].name if mark else patches.names[i]
        for i, mark in zip(number.tolist(), marks, strict=True)
    ]
    return np.array(names, dtype=object)


@dataclasses.dataclass(frozen=True)
class Curves:
    """Curves on the boundaries of primitives: those of charts, along their last parameter.

    The code of a point is the side of the solid, 1 or −1, times 1 plus the number of the mark that names it; 0 where
    the curve does not bound the solid.

    - `chart`: the number of the chart of each; `before`: its first parameters, of which curves of the plane have none;
    - `where`: which points belong to the part that is sought.
    """

    solid: Solid
    patches: Patches
    chart: np.ndarray
    before: Float[np.ndarray, "m k"]
    where: Where | None

    @property
    def is_selective(self) -> bool:
        """Whether parts of the boundary are told apart by functions of coordinates."""
        return self.where is not None or self.solid.is_marked

    def runs(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Intervals of the last parameter that bound the solid: numbers of curves in ascending order, starts, ends, and
        codes.
        """
        number, first, last = self._intervals()
        middle = (first + last) / 2
        sign = self._code(number, middle)
        is_new = np.flatnonzero((np.diff(number) != 0) | (np.diff(sign) != 0))
        is_cut = number[is_new] == number[is_new + 1]
        low, high = middle[is_new[is_cut]], middle[is_new[is_cut] + 1]
        own, before = number[is_new[is_cut]], sign[is_new[is_cut]]
        wide = np.arange(len(own))
        while len(wide):
            half = (low[wide] + high[wide]) / 2
            same = self._code(own[wide], half) == before[wide]
            low[wide], high[wide] = np.where(same, half, low[wide]), np.where(same, high[wide], half)
            wide = wide[high[wide] - low[wide] > ROUNDING]
        ends, starts = last[is_new].copy(), first[is_new + 1].copy()
        ends[is_cut] = starts[is_cut] = high
        starts, ends = np.append(0.0, starts), np.append(ends, 1.0)
        rows = np.append(0, is_new + 1)
        kept = (sign[rows] != 0) & (ends - starts > SHORTEST)
        return number[rows][kept], starts[kept], ends[kept], sign[rows][kept].astype(float)

    def _at(self, number: np.ndarray, s: Float[np.ndarray, " n"]) -> tuple[np.ndarray, np.ndarray]:
        return self.patches.at(self.chart[number], np.column_stack([self.before[number], s]))

    def _code(self, number: np.ndarray, s: Float[np.ndarray, " n"]) -> np.ndarray:
        x, normals = self._at(number, s)
        found = self.solid.sides(x, normals, self.patches.owner[self.chart[number]])
        return found * self._part(number, x) if self.is_selective else found

    def _part(self, number: np.ndarray, x: Float[np.ndarray, "n d"]) -> np.ndarray:
        """The part that points belong to: 1 plus the number of a mark; 0 outside of `where`."""
        part = 1 + self.solid.marked(x, self.patches.owner[self.chart[number]])
        return part if self.where is None else np.where(self.where(x), part, 0)

    def _is_open(self, number: np.ndarray, first: np.ndarray, last: np.ndarray, is_fine: bool) -> np.ndarray:
        """Whether intervals may hold a crossing with another primitive, or an end of `where`."""
        places = [self._at(number, at)[0] for at in ((first + last) / 2, first, last)]
        is_met = self.solid.is_met(places, self.patches.owner[self.chart[number]], MARGIN, is_fine)
        if not self.is_selective:
            return is_met
        ends = [self._part(number, x) for x in places]
        return is_met | (ends[0] != ends[1]) | (ends[0] != ends[2])

    def _intervals(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Numbers of curves with intervals of their parameter, short where they may hold an end."""
        count = 16 * FIRST if self.is_selective else FIRST
        edges = np.linspace(0.0, 1.0, count + 1)
        number = np.repeat(np.arange(len(self.chart)), count)
        first, last = np.tile(edges[:-1], len(self.chart)), np.tile(edges[1:], len(self.chart))
        alone, zero = np.arange(len(self.chart)), np.zeros(len(self.chart))
        done = [np.stack([alone, zero, zero]), np.stack([alone, zero + 1, zero + 1])]  # an end may be next to them
        for halving in range(HALVINGS):
            is_open = self._is_open(number, first, last, halving >= COARSE)
            done.append(np.stack([number, first, last])[:, ~is_open])
            number, first, last = number[is_open], first[is_open], last[is_open]
            middle = (first + last) / 2
            number, first, last = np.tile(number, 2), np.append(first, middle), np.append(middle, last)
        done.append(np.stack([number, first, last]))
        number, first, last = np.concatenate(done, axis=1)
        order = np.lexsort([first, number])
        return number[order].astype(int), first[order], last[order]


def _even(
    solid: Solid, patches: Patches, number: np.ndarray, first: np.ndarray, last: np.ndarray, code: np.ndarray
) -> Pieces:
    """Pieces with their measures, cut into shorter ones where the parametrisation is not even."""
    counts = np.ceil((last - first) * patches.chart.even_parts).astype(int)
    place = np.concatenate([np.arange(count) for count in counts]) if len(counts) else np.zeros(0)
    columns = (number, first, np.sign(code), counts, parts_named(solid, patches, number, code))
    number, start, sign, counts_of, named = (np.repeat(v, counts) for v in columns)
    width = np.repeat((last - first), counts) / counts_of
    start = start + place * width
    s = start[:, None] + width[:, None] * (NODES + 0.5)
    density = patches.density(np.repeat(number, len(NODES)), s.reshape(-1, 1)).reshape(s.shape)
    return Pieces(patches, number, start, start + width, sign, width * (density @ WEIGHTS), named)
