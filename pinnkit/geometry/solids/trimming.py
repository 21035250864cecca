"""The boundary of a solid: what set operations leave of the charts of its primitives.

A curve keeps intervals of its parameter, whose ends are found to rounding. Of an interval that may hold an end, as the
level functions of the other primitives tell, halves are looked at until it is short.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from .solid import Patches, Solid, Where

FIRST, HALVINGS, BISECTIONS = 16, 12, 54
"""Intervals of a parameter at first, halvings of those that may hold an end, and of what holds one."""

UNEVEN = 256
"""Pieces of a parameter on which a parametrisation counts as even."""

NODES, WEIGHTS = (part / 2 for part in np.polynomial.legendre.leggauss(16))


@dataclasses.dataclass(frozen=True)
class Pieces:
    """Pieces of charts of one kind that bound a solid.

    - `number`: of the chart; `first`, `last`: the interval of its first parameter;
    - `sign`: 1, or −1 if the outward normal of the solid is opposite to that of the chart; `measure`: of the piece;
    - `names`: of the parts.
    """

    patches: Patches
    number: np.ndarray
    first: Float[np.ndarray, " p"]
    last: Float[np.ndarray, " p"]
    sign: Float[np.ndarray, " p"]
    measure: Float[np.ndarray, " p"]
    names: np.ndarray

    def chosen(self, rows: np.ndarray) -> "Pieces":
        """Some of the pieces."""
        rest = {f.name: getattr(self, f.name)[rows] for f in dataclasses.fields(self) if f.name != "patches"}
        return Pieces(self.patches, **rest)


def trimmed_curves(solid: Solid, patches: Patches, where: Where | None = None) -> Pieces:
    """The pieces of curves that bound a solid, and lie `where` they should."""
    state = _State(solid, patches, where)
    if len(solid.leaves) == 1 and where is None and not solid.leaves[0].marks:
        number, code = np.arange(len(patches)), np.ones(len(patches))
        first, last = np.zeros(len(patches)), np.ones(len(patches))
    else:
        number, first, last, code = _runs(state, *_intervals(state))
    return _even(solid, patches, number, first, last, code)


class _State:
    """The side of a solid at parameters of curves, times 1 plus the number of the mark that names the point; 0 where
    they do not bound it.
    """

    def __init__(self, solid: Solid, patches: Patches, where: Where | None):
        self.solid, self.patches, self.where = solid, patches, where
        self.is_selective = where is not None or any(leaf.marks for leaf in solid.leaves)

    def __call__(self, number: np.ndarray, s: Float[np.ndarray, " n"]) -> np.ndarray:
        x, normals = self.patches.at(number, s[:, None])
        found = self.solid.sides(x, normals, self.patches.owner[number])
        return found * self._part(number, x) if self.is_selective else found

    def _part(self, number: np.ndarray, x: Float[np.ndarray, "n d"]) -> np.ndarray:
        """The part that points belong to: 1 plus the number of a mark; 0 outside of `where`."""
        part = 1 + self.solid.marked(x, self.patches.owner[number])
        return part if self.where is None else np.where(self.where(x), part, 0)

    def is_open(self, number: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Whether intervals may hold a crossing with another primitive, or an end of `where`."""
        along = [at[:, None] for at in (first, (first + last) / 2, last)]
        places = [self.patches.at(number, at)[0] for at in along]
        reach = 0.55 * (last - first) * np.max([self.patches.density(number, at) for at in along], axis=0)
        is_met = self.solid.clearance(places, self.patches.owner[number]) <= reach  # half of the length, and a margin
        if not self.is_selective:
            return is_met
        ends = [self._part(number, x) for x in places]
        return is_met | (ends[0] != ends[1]) | (ends[1] != ends[2])


def _intervals(state: _State) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Numbers of charts with intervals of their parameters, short where they may hold an end."""
    count = 16 * FIRST if state.is_selective else FIRST
    edges = np.linspace(0.0, 1.0, count + 1)
    number = np.repeat(np.arange(len(state.patches)), count)
    first, last = np.tile(edges[:-1], len(state.patches)), np.tile(edges[1:], len(state.patches))
    done = list[np.ndarray]()
    for _ in range(HALVINGS):
        is_open = state.is_open(number, first, last)
        done.append(np.stack([number, first, last])[:, ~is_open])
        number, first, last = number[is_open], first[is_open], last[is_open]
        middle = (first + last) / 2
        number, first, last = np.tile(number, 2), np.append(first, middle), np.append(middle, last)
    done.append(np.stack([number, first, last]))
    number, first, last = np.concatenate(done, axis=1)
    order = np.lexsort([first, number])
    return number[order].astype(int), first[order], last[order]


def _runs(
    state: _State, number: np.ndarray, first: np.ndarray, last: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Neighbouring intervals of one state, joined; those that do not bound the solid are left out."""
    middle = (first + last) / 2
    sign = state(number, middle)
    is_new = np.flatnonzero((np.diff(number) != 0) | (np.diff(sign) != 0))
    is_cut = number[is_new] == number[is_new + 1]
    low, high = middle[is_new[is_cut]], middle[is_new[is_cut] + 1]
    own, before = number[is_new[is_cut]], sign[is_new[is_cut]]
    for _ in range(BISECTIONS):
        half = (low + high) / 2
        same = state(own, half) == before
        low, high = np.where(same, half, low), np.where(same, high, half)
    ends, starts = last[is_new].copy(), first[is_new + 1].copy()
    ends[is_cut] = starts[is_cut] = high
    starts, ends = np.append(0.0, starts), np.append(ends, 1.0)
    rows = np.append(0, is_new + 1)
    kept = (sign[rows] != 0) & (ends > starts)
    return number[rows][kept], starts[kept], ends[kept], sign[rows][kept].astype(float)


def _even(
    solid: Solid, patches: Patches, number: np.ndarray, first: np.ndarray, last: np.ndarray, code: np.ndarray
) -> Pieces:
    """Pieces with their measures, cut into shorter ones where the parametrisation is not even."""
    names = [
        solid.leaves[patches.owner[i]].marks[mark - 1].name if mark else patches.names[i]
        for i, mark in zip(number.tolist(), (np.abs(code).astype(int) - 1).tolist(), strict=True)
    ]
    counts = np.ones(len(number), int) if patches.chart.is_even else np.ceil((last - first) * UNEVEN).astype(int)
    place = np.concatenate([np.arange(count) for count in counts]) if len(counts) else np.zeros(0)
    columns = (number, first, np.sign(code), counts, np.array(names, dtype=object))
    number, start, sign, counts_of, named = (np.repeat(v, counts) for v in columns)
    width = np.repeat((last - first), counts) / counts_of
    start = start + place * width
    s = start[:, None] + width[:, None] * (NODES + 0.5)
    density = patches.density(np.repeat(number, len(NODES)), s.reshape(-1, 1)).reshape(s.shape)
    return Pieces(patches, number, start, start + width, sign, width * (density @ WEIGHTS), named)


def enclosed(pieces: Sequence[Pieces]) -> float:
    """The area inside closed curves, by the divergence theorem."""
    total = 0.0
    for own in pieces:
        s = own.first[:, None] + (own.last - own.first)[:, None] * (NODES + 0.5)
        number = np.repeat(own.number, len(NODES))
        x, normals = own.patches.at(number, s.reshape(-1, 1))
        flux = (x * normals).sum(axis=-1) * own.patches.density(number, s.reshape(-1, 1))
        total += float((own.sign * (own.last - own.first) * (flux.reshape(s.shape) @ WEIGHTS)).sum())
    return total / 2
