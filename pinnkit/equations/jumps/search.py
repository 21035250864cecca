"""The search for places where an expression jumps along a coordinate.

Along lines parallel to the coordinate the places where switches change are bracketed and bisected, and the values on
both sides are compared, with smooth fields in place of the solution. Lines go through random points of the region,
through every cell that switches cut it into parallel to the axes, and through places where a level has another sign.
"""

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..._base.tracing.series import Index
from ...geometry.domain import AbstractDomain
from ...geometry.region import AbstractRegion
from ..symbols import Symbol
from ..trace import Equation
from .switches import Switch, levels_of, steps_of

NODES = 257
"""Points of each line; between them the levels of switches are followed to their extrema."""

LINES = 32
"""Lines through random points of the region; more go through every cell that axis-parallel switches cut it into."""

MOST_LINES, MOST_CELLS = 256, 1024

MOST_ENTRIES, MOST_SOUGHT = 256, 32
"""Entries of a switch that are followed, and levels of one sign whose other sign is sought."""

MARGIN = 1e-5
"""Share of the region next to its ends that is left out: a jump there is one of the boundary."""

ASIDE, FARTHER = 1e-9, 1e3
"""Distance at which the two sides are compared, as a share of the extent of the region, and by what factor it is also
increased: unless there is a jump, the difference increases too."""

LEAST_JUMP = 1e-7
"""Relative jump that rounding cannot make."""

POLE = 300.0
"""A value that grows by more than this factor from the larger distance to the smaller one has a pole, not a jump."""

BLOCK, MOST_BRACKETS, MOST_NUMBERS = 4096, 1024, 2**25

AMPLITUDES = (1.0, 1e-3, 1e-2, 0.1, 10.0, 1e2, 1e3, 1e4, 1e6)
"""Sizes of the smooth fields with which switches that depend on fields are tried."""


class Suspect(NamedTuple):
    """An expression that is differentiated by a coordinate, with its switches."""

    expression: Any
    coordinate: str
    switches: tuple[Switch, ...]


class Found(NamedTuple):
    """What a search found.

    - `jumps`: whether there is a jump, else it is not known whether there is one;
    - `switch`: the operation it is at; `point`: where, by coordinates.
    """

    jumps: bool
    switch: Switch
    point: Mapping[str, float]


class Seen(NamedTuple):
    """At points: the expression (n, m), and the levels (n, l) and steps (n, s) of its switches."""

    values: Float[np.ndarray, "n m"]
    levels: Float[np.ndarray, "n l"]
    steps: Float[np.ndarray, "n s"]

    @property
    def codes(self) -> Float[np.ndarray, "n k"]:
        """What changes where a switch does: the signs of levels, and steps."""
        return np.concatenate([self.levels > 0, self.steps], axis=1)


class Brackets(NamedTuple):
    """Parts of lines along `axis` on which an entry of the codes changes."""

    axis: int
    points: Float[np.ndarray, "n d"]
    low: Float[np.ndarray, " n"]
    high: Float[np.ndarray, " n"]
    entries: np.ndarray

    def at(self, places: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n d"]:
        """The points of the lines at places along them."""
        return moved(self.points, self.axis, places)

    def some(self, most: int) -> "Brackets":
        """No more than `most`, evenly chosen among each entry."""
        order = np.argsort(_rank_within(self.entries), kind="stable")[:most]
        return Brackets(self.axis, self.points[order], self.low[order], self.high[order], self.entries[order])


def joined(*parts: Brackets) -> Brackets:
    """All brackets of several."""
    arrays = (np.concatenate([part[i] for part in parts]) for i in range(1, 5))
    return Brackets(parts[0].axis, *arrays)


class Search:
    """The search for jumps of one expression along its coordinate, on a region.

    - `kinds`: for each entry of the codes the number of its switch.
    """

    def __init__(
        self,
        equation: Equation,
        suspect: Suspect,
        region: AbstractRegion,
        domain: AbstractDomain,
        coefficients: Mapping[str, float],
    ):
        self._names, self._suspect = domain.coordinates, suspect
        self._axis = domain.coordinates.index(suspect.coordinate)
        self._random = np.random.default_rng(0)
        dimension = max(region.dimension, 1)
        unit = self._random.random((max(BLOCK, region.least), dimension))
        corners = np.array(list(itertools.islice(itertools.product((0.0, 1.0), repeat=dimension), 256)))
        unit[: len(corners)] = corners
        base = np.asarray(region.points(jnp.asarray(unit[:, : region.dimension])).coordinates)
        self._base = base[:: -(-len(base) // BLOCK)]
        self._low, self._high = region.bounds
        self._is_flat = (self._high - self._low <= 1e-9 * (domain.upper - domain.lower))[self._axis]
        at_point = _evaluation(equation, suspect, domain, coefficients)
        self._at = jax.jit(jax.vmap(at_point, (0, None, None)))
        _, levels, steps = jax.eval_shape(at_point, jnp.zeros(len(self._low)), 1.0, 0.0)
        self.kinds = [kind for part in (levels, steps) for kind, out in enumerate(part) for _ in range(out.size)]
        self._of_fields = np.array([suspect.switches[kind].depends_on_fields for kind in self.kinds], bool)

    def found(self) -> Found | None:
        """A jump, if possible one that does not depend on fields; else what is not known; None if nothing jumps."""
        if self._is_flat:
            return None
        jumps, resolved, unresolved = [], set(), set()
        of_fields = any(switch.depends_on_fields for switch in self._suspect.switches)
        for amplitude, offset in [(1.0, 2.0), *((size, 0.0) for size in (AMPLITUDES if of_fields else AMPLITUDES[:1]))]:
            points, kinds = self._changes(amplitude, offset)
            jumping, finite = self._compared(points, amplitude, offset)
            jumps += [(kinds[i], points[i]) for i in np.flatnonzero(jumping)]
            resolved.update(kinds[finite].tolist())
            unresolved.update(kinds[~finite].tolist())
            if any(not self._suspect.switches[kind].depends_on_fields for kind, _ in jumps):
                break
        for kind, point in sorted(jumps, key=lambda jump: self._suspect.switches[jump[0]].depends_on_fields):
            place = dict(zip(self._names, point.tolist(), strict=True))
            return Found(True, self._suspect.switches[kind], place)
        for kind in sorted(unresolved - resolved):
            return Found(False, self._suspect.switches[kind], {})
        return None

    def _seen(self, points: Float[np.ndarray, "n d"], amplitude: float, offset: float) -> Seen:
        """Everything at points, in blocks of one size: compiled once."""
        blocks = []
        for first in range(0, len(points), BLOCK):
            part = points[first : first + BLOCK]
            padded = np.concatenate([part, np.broadcast_to(part[:1], (BLOCK - len(part), part.shape[1]))])
            values, levels, steps = self._at(padded, amplitude, offset)
            stacked = (np.concatenate([np.zeros((BLOCK, 0)), *parts], axis=1) for parts in (levels, steps))
            blocks.append([np.asarray(array)[: len(part)] for array in (values, *stacked)])
        return Seen(*(np.concatenate(arrays) for arrays in zip(*blocks, strict=True)))

    def _changes(self, amplitude: float, offset: float) -> tuple[Float[np.ndarray, "n d"], np.ndarray]:
        """Points where switches change along the coordinate, and which."""
        lines = self._lines(amplitude, offset)
        if not len(lines):
            return lines, np.zeros(0, int)
        brackets, touching = self._brackets(self._axis, lines, amplitude, offset)
        places = self._bisected(brackets, amplitude, offset)
        points = np.concatenate([brackets.at(places), touching.at(touching.low)])
        entries = np.concatenate([brackets.entries, touching.entries])
        margin = MARGIN * (self._high - self._low)[self._axis]
        along = points[:, self._axis]
        inside = (along > self._low[self._axis] + margin) & (along < self._high[self._axis] - margin)
        return points[inside], np.asarray(self.kinds)[entries[inside].astype(int)]

    def _lines(self, amplitude: float, offset: float) -> Float[np.ndarray, "n d"]:
        """Points that lines along the coordinate go through."""
        low, high = self._low[self._axis], self._high[self._axis]
        inside = self._base[(self._base[:, self._axis] > low) & (self._base[:, self._axis] < high)]
        if len(self._names) == 1 or not len(inside):
            return inside[:1]
        few = inside[self._random.permutation(len(inside))[:LINES]]
        lines = [few, self._reached(amplitude, offset)]
        others = [axis for axis in range(len(self._names)) if axis != self._axis and self._low[axis] < self._high[axis]]
        middles = []
        for axis in others:
            brackets, _ = self._brackets(axis, few, amplitude, offset)
            cuts = np.unique(self._bisected(brackets, amplitude, offset).round(12))
            ends = np.concatenate([self._low[axis : axis + 1], cuts, self._high[axis : axis + 1]])
            middles.append(self._random.permutation((ends[1:] + ends[:-1]) / 2))
        if others:
            cells = self._combined(middles)
            points = np.repeat(few[:1], len(cells), axis=0)
            points[:, others] = cells
            lines.append(self._random.permutation(points))
        return np.concatenate(lines)[:MOST_LINES]

    def _combined(self, middles: list[Float[np.ndarray, " k"]]) -> Float[np.ndarray, "n a"]:
        """All combinations of values along axes, or as many of them as random ones where they are too many."""
        if math.prod(map(len, middles)) <= MOST_CELLS:
            return np.array(list(itertools.product(*middles)))
        return np.stack([self._random.choice(values, MOST_CELLS) for values in middles], axis=-1)

    def _reached(self, amplitude: float, offset: float) -> Float[np.ndarray, "n d"]:
        """For levels of one sign on random points: a point where it has the other, if a search finds one."""
        start = self._seen(self._base, amplitude, offset).levels
        found = [self._base[:0]]
        span = self._high - self._low
        one_sign = (start > 0).all(axis=0) | (start < 0).all(axis=0)
        for entry in np.flatnonzero(one_sign & ~self._of_fields[: start.shape[1]])[:MOST_SOUGHT]:
            best, radius = self._base[np.argmin(np.abs(start[:, entry]))], span / 2
            sign = np.sign(start[0, entry])
            for _ in range(12):
                trial = np.clip(best + radius * (2 * self._random.random(self._base.shape) - 1), self._low, self._high)
                level = sign * self._seen(trial, amplitude, offset).levels[:, entry]
                best, radius = trial[np.argmin(level)], radius / 3
                if level.min() < 0:
                    found.append(best[None])
                    break
        return np.concatenate(found)

    def _brackets(
        self, axis: int, lines: Float[np.ndarray, "n d"], amplitude: float, offset: float
    ) -> tuple[Brackets, Brackets]:
        """Where switches change along lines, and places where a level touches zero without a change of sign."""
        count = NODES if len(self._names) > 1 else 16 * NODES
        lines = lines[: max(1, MOST_NUMBERS // (count * len(self.kinds)))]
        nodes = np.linspace(self._low[axis], self._high[axis], count)
        points = moved(np.repeat(lines, count, axis=0), axis, np.tile(nodes, len(lines)))
        seen = self._seen(points, amplitude, offset)
        codes = seen.codes.reshape(len(lines), count, len(self.kinds))
        line, node, entry = np.nonzero(codes[:, 1:] != codes[:, :-1])
        changes = Brackets(axis, lines[line], nodes[node], nodes[node + 1], entry).some(MOST_BRACKETS)
        levels = seen.levels.reshape(len(lines), count, -1)
        size, same = np.abs(levels), (levels[:, 1:-1] > 0) == (levels[:, 2:] > 0)
        same &= (levels[:, 1:-1] > 0) == (levels[:, :-2] > 0)
        same &= ~self._of_fields[: levels.shape[2]]
        dips = same & (size[:, 1:-1] <= size[:, :-2]) & (size[:, 1:-1] <= size[:, 2:])
        line, node, entry = np.nonzero(dips & (size[:, 1:-1] < size.max(axis=1, keepdims=True)))
        dips = Brackets(axis, lines[line], nodes[node], nodes[node + 2], entry).some(MOST_BRACKETS)
        lowest, level = self._lowest(dips, amplitude, offset)
        largest = size.max(axis=(0, 1))[dips.entries]
        through, touching = level < 0, (level >= 0) & (level <= 1e-9 * largest)
        part = lambda which, low, high: Brackets(axis, dips.points[which], low[which], high[which], dips.entries[which])
        split = [part(through, dips.low, lowest), part(through, lowest, dips.high)]
        return joined(changes, *split), part(touching, lowest, lowest)

    def _lowest(
        self, dips: Brackets, amplitude: float, offset: float
    ) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
        """Where a level is closest to zero in each bracket, and its value there, < 0 beyond zero: by thirds."""
        low, high = dips.low.copy(), dips.high.copy()
        if not len(low):
            return low, low
        rows = np.arange(len(low))
        sign = np.where(self._seen(dips.at(low), amplitude, offset).levels[rows, dips.entries] > 0, 1.0, -1.0)
        level = lambda places: sign * self._seen(dips.at(places), amplitude, offset).levels[rows, dips.entries]
        for _ in range(80):
            left, right = (2 * low + high) / 3, (low + 2 * high) / 3
            is_left = level(left) < level(right)
            low, high = np.where(is_left, low, left), np.where(is_left, right, high)
        middle = (low + high) / 2
        return middle, level(middle)

    def _bisected(self, brackets: Brackets, amplitude: float, offset: float) -> Float[np.ndarray, " n"]:
        """Where the codes change, to rounding."""
        low, high = brackets.low.copy(), brackets.high.copy()
        if not len(low):
            return low
        rows, code = np.arange(len(low)), lambda places: self._seen(brackets.at(places), amplitude, offset).codes
        first = code(low)[rows, brackets.entries]
        for _ in range(60):
            middle = (low + high) / 2
            is_before = code(middle)[rows, brackets.entries] == first
            low, high = np.where(is_before, middle, low), np.where(is_before, high, middle)
        return (low + high) / 2

    def _compared(
        self, points: Float[np.ndarray, "n d"], amplitude: float, offset: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Whether the expression jumps at points, and whether it is finite on both sides."""
        if not len(points):
            return np.zeros(0, bool), np.zeros(0, bool)
        span = (self._high - self._low)[self._axis]
        rounding = 8 * np.finfo(float).eps * np.abs([self._low, self._high]).max()
        jumps, sizes = [], []
        for factor in (FARTHER, 1.0):
            aside = factor * max(ASIDE * span, rounding) * np.eye(len(self._names))[self._axis]
            sides = [self._seen(points + sign * aside, amplitude, offset).values for sign in (1, -1)]
            jumps.append(np.abs(sides[0] - sides[1]))
            sizes.append(np.maximum(*map(np.abs, sides)))
        finite = np.isfinite(sizes[1]).all(axis=1)
        with np.errstate(invalid="ignore"):
            persists = (jumps[1] > LEAST_JUMP * sizes[1]) & (jumps[1] > 0.5 * jumps[0])
            persists &= sizes[1] < POLE * sizes[0]
        return persists.any(axis=1) & finite, finite


def moved(points: Float[np.ndarray, "n d"], axis: int, places: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n d"]:
    """Points with another value of one coordinate."""
    points = points.copy()
    points[:, axis] = places
    return points


def _rank_within(entries: np.ndarray) -> np.ndarray:
    """The how-manieth of its value each entry is."""
    order = np.argsort(entries, kind="stable")
    ranks = np.empty(len(entries), int)
    starts = np.flatnonzero(np.concatenate([[True], np.diff(entries[order]) != 0])) if len(entries) else order
    ranks[order] = np.arange(len(entries)) - np.repeat(starts, np.diff(np.append(starts, len(entries))))
    return ranks


def _evaluation(
    equation: Equation, suspect: Suspect, domain: AbstractDomain, coefficients: Mapping[str, float]
) -> Callable[..., tuple[Array, list[Array], list[Array]]]:
    """The expression, levels and steps at a point, with smooth fields of a size."""
    needs = equation.needs(suspect.expression)
    fields = {name: _smooth_field(k, size, domain) for k, (name, size) in enumerate(equation.fields.items())}

    def at_point(x: Float[Array, " d"], amplitude: Any, offset: Any) -> tuple[Array, list[Array], list[Array]]:
        coordinates = tuple(x)
        field_value = lambda symbol, point: fields[symbol.name](symbol.orders, point, amplitude, offset)
        values = {Symbol("coordinate", name): x[i] for i, name in enumerate(domain.coordinates)}
        values |= {Symbol("coefficient", name): jnp.asarray(value, x.dtype) for name, value in coefficients.items()}
        values |= {s: field_value(s, coordinates) for s in needs if s.kind == "field"}
        value = equation.evaluator(values, field_value)
        levels = [_some(levels_of(switch, value)) for switch in suspect.switches]
        steps = [_some(steps_of(switch, value)) for switch in suspect.switches]
        return jnp.ravel(value(suspect.expression)), levels, steps

    return at_point


def _some(entries: Float[Array, " n"]) -> Float[Array, " k"]:
    return entries[:: -(-entries.size // MOST_ENTRIES) or 1]


def _smooth_field(number: int, size: int, domain: AbstractDomain) -> Callable[..., Array]:
    """A sum of three sines for each component, with all its derivatives; of amplitude 1 around an offset."""
    random = np.random.default_rng(number)
    spans = domain.upper - domain.lower
    waves = random.uniform(4.0, 9.0, (3, size, domain.dimension)) / spans
    phases, factors = random.uniform(0, 2 * np.pi, (3, size)), random.uniform(0.2, 1 / 3, (3, size))

    def value(index: Index, point: tuple[Array, ...], amplitude: Any, offset: Any) -> Array:
        shifted = jnp.stack(point, axis=-1)[..., None, None, :] - domain.lower
        angles = jnp.sum(waves * shifted, axis=-1) + phases + sum(index) * np.pi / 2
        slopes = factors * np.prod(waves ** np.asarray(index), axis=-1)
        total = amplitude * (jnp.sum(slopes * jnp.sin(angles), axis=-2) + (0.0 if any(index) else offset))
        return total if size > 1 else total[..., 0]

    return value
