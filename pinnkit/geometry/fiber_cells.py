r"""Integrals over the inside of a shape, coordinate by coordinate.

The last coordinate runs over the intervals that the shape cuts from a line, whose ends are found to rounding. As
functions of the coordinates before, these ends are smooth except where the line meets other surfaces than its
neighbours do: at these places, found by bisection, panels end. There intervals may shrink to nothing like a square
root, as at the sides of a circle; the substitution x = −cos θ on each panel makes such functions smooth.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float

from .._base.errors import InputError
from .cells import SMOOTH, AbstractCell, Rule, gauss
from .solids.solid import Solid

SAMPLES, PER_LEAF = {2: 512, 3: 64}, 9
"""Places at which the surfaces that a line crosses are determined, by dimension; as many more for each primitive."""

BISECTIONS, MOST_CHANGES = 60, 64

SAME = 1e-13
"""Share of the size of a solid below which crossings coincide."""

Surfaces: TypeAlias = tuple[Any, ...]
"""The numbers of the surfaces that a line, or a plane, meets, in order."""

Key: TypeAlias = Callable[[Float[np.ndarray, " n"]], list[Surfaces]]
"""From values of a coordinate to the surfaces there."""


class Intervals(NamedTuple):
    """Intervals on lines.

    - `row`: the line of each; `start`, `end`: of its last coordinate; `surfaces`: the numbers of those that it ends on.
    """

    row: np.ndarray
    start: Float[np.ndarray, " m"]
    end: Float[np.ndarray, " m"]
    surfaces: np.ndarray


@dataclasses.dataclass(frozen=True)
class FiberCell(AbstractCell):
    """The inside of a solid."""

    solid: Solid

    @property
    def dimension(self) -> int:
        return self.solid.dimension

    @property
    def panels(self) -> int:
        if self.dimension == 2:
            return sum(max(1, len(key)) for _, _, key in self._outer)
        return sum(sum(max(1, len(each)) for each in key) for _, _, key in self._outer)

    def cut(self, fixed: Mapping[int, float]) -> "FiberCell":
        if fixed:
            raise InputError("an integral over a shape fixes time and parameters only, no coordinates of the shape")
        return self

    def rule(self, count: int) -> Rule:
        columns, weights = _joined([_cosine(low, high, count) for low, high, _ in self._outer])
        columns = columns[:, None]
        if self.dimension == 3:
            columns, weights = self._planes(columns, weights, count)
        found = self._intervals(columns)
        z, w = gauss(0.0, 1.0, count, SMOOTH)
        length = found.end - found.start
        last = found.start[:, None] + length[:, None] * z
        points = np.hstack([np.repeat(columns[found.row], len(z), axis=0), last.reshape(-1, 1)])
        return Rule(points, (weights[found.row][:, None] * length[:, None] * w).ravel(), None)

    def _planes(
        self, x: Float[np.ndarray, "n 1"], weights: Float[np.ndarray, " n"], count: int
    ) -> tuple[Float[np.ndarray, "m 2"], Float[np.ndarray, " m"]]:
        """Nodes and weights in the first two coordinates, from those in the first."""
        columns, found = list[np.ndarray](), list[np.ndarray]()
        for place, weight in zip(x, weights, strict=True):
            y, own = _joined([_cosine(low, high, count) for low, high, _ in self._panels(1, self._lines(place))])
            columns.append(np.column_stack([np.repeat(place, len(y)), y]))
            found.append(weight * own)
        return np.concatenate(columns), np.concatenate(found)

    @functools.cached_property
    def _outer(self) -> list[tuple[float, float, Surfaces]]:
        """The panels of the first coordinate."""
        return list(self._panels(0, self._lines(np.empty(0)) if self.dimension == 2 else self._sections))

    def _lines(self, before: Float[np.ndarray, " k"]) -> Key:
        def key(x: Float[np.ndarray, " n"]) -> list[Surfaces]:
            found = self._intervals(np.column_stack([np.tile(before, (len(x), 1)), x]))
            ends = np.searchsorted(found.row, np.arange(len(x) + 1))
            surfaces = [tuple(map(tuple, found.surfaces[a:b].tolist())) for a, b in zip(ends, ends[1:], strict=False)]
            return list(surfaces)

        return key

    def _sections(self, x: Float[np.ndarray, " n"]) -> list[Surfaces]:
        """The changes along the second coordinate, at values of the first."""
        places = self._samples(1)
        found = list[Surfaces]()
        for value in x:
            keys = self._lines(np.array([value]))(places)
            found.append(tuple(key for before, key in zip([(), *keys], keys, strict=False) if key != before and key))
        return found

    def _panels(self, axis: int, key: Key) -> Iterator[tuple[float, float, Surfaces]]:
        """The intervals of a coordinate on which the surfaces are the same, with these; empty ones are left out."""
        edges, keys = _changes(key, self._samples(axis))
        for low, high, own in zip(edges, edges[1:], keys, strict=False):
            if own and high - low > SAME * self.solid.size:
                yield low, high, own

    def _samples(self, axis: int) -> Float[np.ndarray, " n"]:
        low, high = (bound[axis] for bound in self.solid.bounds)
        unit = np.eye(self.dimension)[axis]
        extents = [np.clip([-leaf.extent(-unit), leaf.extent(unit)], low, high) for leaf in self.solid.leaves]
        inner = [np.linspace(a, b, PER_LEAF + 2)[1:-1] for a, b in extents]
        return np.unique(np.concatenate([np.linspace(low, high, SAMPLES[self.dimension] + 1), *inner]))

    def _intervals(self, columns: Float[np.ndarray, "n k"]) -> Intervals:
        """The intervals of the last coordinate that lie inside."""
        (low, high), n = (bound[-1] for bound in self.solid.bounds), len(columns)
        unit, slack = np.eye(self.dimension)[-1], SAME * self.solid.size
        low, high = low - slack, high + slack
        origin = np.column_stack([columns, np.full(n, low)])
        crossed = np.clip(self.solid.crossings(origin, unit + 0 * origin), 0.0, high - low)
        order = np.argsort(crossed, axis=1, kind="stable")
        places = np.column_stack([np.zeros(n), np.take_along_axis(crossed, order, axis=1), np.full(n, high - low)])
        for j in range(1, order.shape[1]):  # surfaces that coincide have one number
            same = places[:, j + 1] - places[:, j] <= slack
            order[same, j] = np.minimum(order[same, j], order[same, j - 1])
        middle = (places[:, 1:] + places[:, :-1]) / 2
        inside = self.solid.level(origin[:, None, :] + middle[:, :, None] * unit) < 0
        is_short = np.diff(places, axis=1) <= slack
        for j in range(inside.shape[1]):
            inside[:, j] = np.where(is_short[:, j], inside[:, j - 1] if j else False, inside[:, j])
        padded = np.pad(inside, ((0, 0), (1, 1)))
        row, first = np.nonzero(~padded[:, :-1] & padded[:, 1:])
        _, last = np.nonzero(padded[:, :-1] & ~padded[:, 1:])
        number = np.pad(order, ((0, 0), (1, 1)), constant_values=-1)
        surfaces = np.stack([number[row, first], number[row, last]], axis=1)
        return Intervals(row, low + places[row, first], low + places[row, last], surfaces)


def _cosine(low: float, high: float, count: int) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Nodes and weights on a panel, for functions that may be like a square root at its ends."""
    angle, weights = gauss(0.0, np.pi, count, SMOOTH)
    half = (high - low) / 2
    return low + half * 2 * np.sin(angle / 2) ** 2, weights * half * np.sin(angle)


def _joined(rules: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    nodes, weights = zip(*rules, strict=True) if rules else ([np.empty(0)], [np.empty(0)])
    return np.concatenate(nodes), np.concatenate(weights)


def _changes(key: Key, samples: Float[np.ndarray, " n"]) -> tuple[list[float], list[Surfaces]]:
    """Where a key changes, with both ends, and its values in between."""
    found = key(samples)
    edges, keys = [float(samples[0])], [found[0]]
    for low, high, last in zip(samples, samples[1:], found[1:], strict=False):
        place = float(low)
        for _ in range(MOST_CHANGES):
            if keys[-1] == last:
                break
            place, following = _next_change(key, place, float(high), keys[-1])
            edges.append(place)
            keys.append(following)
    return [*edges, float(samples[-1])], keys


def _next_change(key: Key, low: float, high: float, before: Surfaces) -> tuple[float, Surfaces]:
    """The first place above `low` at which bisection finds another key, and that key."""
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        if key(np.array([middle]))[0] == before:
            low = middle
        else:
            high = middle
    return high, key(np.array([high]))[0]
