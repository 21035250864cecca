"""The inside of closed curves, given as Legendre series, piece by piece."""

import dataclasses
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from .charts import AbstractChart, Numbers, dot, length, namespace, normalized
from .plane import AbstractPlanar
from .primitive import sign_changes
from .series import gauss, legendre, slope

NEAREST, STEPS = 4, 6
"""Pieces that may be the nearest to a point, and steps of Newton's method to the nearest point of each."""

EVEN = 8
"""Parts of a piece on which its parametrisation counts as even."""

DIRECTIONS = 360
"""Directions of lines for which the pieces that they touch are counted."""


class SeriesArc(AbstractChart):
    """A smooth curve by the Legendre series of its coordinates; its normal points to the right of its direction."""

    series: Float[np.ndarray, "*m 2 g"]
    slopes: Float[np.ndarray, "*m 2 g"]

    @property
    def even_parts(self) -> int:
        return EVEN

    def point(self, unit: Numbers) -> Numbers:
        return _sum(self.series, unit[..., 0])

    def normal(self, unit: Numbers) -> Numbers:
        return _right(normalized(_sum(self.slopes, unit[..., 0])))

    def density(self, unit: Numbers) -> Numbers:
        return length(_sum(self.slopes, unit[..., 0]))


@dataclasses.dataclass(frozen=True, eq=False)
class Loops:
    """Closed curves, those around the inside counterclockwise, those around holes clockwise.

    - `series`: of the pieces, in the order of each curve; `following`: the number of the piece after each.
    """

    series: Float[np.ndarray, "m 2 g"]
    following: Int[np.ndarray, " m"]

    @cached_property
    def slopes(self) -> Float[np.ndarray, "m 2 g"]:
        return slope(self.series)

    @cached_property
    def derivatives(self) -> Float[np.ndarray, "m 6 g"]:
        """Both coordinates, and their first and second derivatives."""
        return np.concatenate([self.series, self.slopes, slope(self.slopes)], axis=1)

    @cached_property
    def starts(self) -> Float[np.ndarray, "m 2"]:
        return _sum(self.series, np.zeros(len(self.series)))

    @cached_property
    def chords(self) -> Float[np.ndarray, "m 2"]:
        """From the start of each piece to that of the next."""
        return self.starts[self.following] - self.starts

    @cached_property
    def sag(self) -> Float[np.ndarray, " m"]:
        """How far each piece goes from its chord, at most."""
        along = np.linspace(0, 1, 17)
        points = _sum(self.series[:, None], np.tile(along, (len(self.series), 1)))
        across = _right(normalized(self.chords))
        return 1.1 * np.abs(dot(points - self.starts[:, None], across[:, None])).max(axis=1)

    @cached_property
    def normals(self) -> Float[np.ndarray, "m 2"]:
        """The mean of both normals where a piece starts, by whose side a point next to a corner is known."""
        end, start = (normalized(_sum(self.slopes, np.full(len(self.series), s))) for s in (1.0, 0.0))
        found = np.empty_like(start)
        found[self.following] = _right(end)
        return found + _right(start)

    @cached_property
    def crossed(self) -> int:
        """The number of pieces that a line crosses or touches, at most."""
        angles = np.pi * np.arange(DIRECTIONS) / DIRECTIONS
        across = np.stack([-np.sin(angles), np.cos(angles)], axis=-1)
        start, end = (dot(across[:, None], _sum(self.slopes, np.full(len(self.series), s))) for s in (0.0, 1.0))
        return min(len(self.series), 2 * int((start * end <= 0).sum(axis=1).max()) + 2)


class Outlined(AbstractPlanar):
    """The inside of closed curves; `part`: the name of its boundary.

    Each piece turns by less than a right angle, and to one side.
    """

    loops: Loops
    part: str

    def level(self, x: Numbers) -> Numbers:
        """The distance to the nearest point, by Newton's method on the pieces with the nearest chords."""
        xp, loops = namespace(x), self.loops
        offset, along = x[..., None, :] - loops.starts, loops.chords
        share = xp.clip(dot(offset, along) / dot(along, along), 0.0, 1.0)
        nearest = xp.argsort(length(offset - share[..., None] * along) - loops.sag, axis=-1)[..., :NEAREST]
        table = xp.asarray(loops.derivatives)[nearest]
        s, point = xp.take_along_axis(share, nearest, axis=-1), x[..., None, :]
        for _ in range(STEPS):
            found = _sum(table, s)
            miss, velocity, bend = found[..., :2] - point, found[..., 2:4], found[..., 4:]
            speed = dot(velocity, velocity)
            change = speed + dot(miss, bend)
            s = xp.clip(s - dot(miss, velocity) / xp.where(change > 0.01 * speed, change, speed), 0.0, 1.0)
        found = _sum(table, s)
        miss, normal = point - found[..., :2], _right(normalized(found[..., 2:4]))
        joint = xp.asarray(loops.normals)
        normal = xp.where((s == 0)[..., None], joint[nearest], normal)
        normal = xp.where((s == 1)[..., None], joint[xp.asarray(loops.following)[nearest]], normal)
        distance = length(miss)
        best = xp.argmin(distance, axis=-1)[..., None]
        own = lambda table: xp.take_along_axis(table, best, axis=-1)[..., 0]
        return xp.where(own(dot(miss, normal)) < 0, -own(distance), own(distance))

    def crossings(self, origin: Numbers, direction: Numbers) -> Numbers:
        xp, loops = namespace(origin), self.loops
        across = xp.stack([-direction[..., 1], direction[..., 0]], axis=-1)[..., None, :]
        height = dot(loops.starts - origin[..., None, :], across)
        start, end = (dot(_sum(loops.slopes, np.full(len(loops.series), side)), across) for side in (0.0, 1.0))
        is_met = ((height < 0) != (height[..., loops.following] < 0)) | ((start < 0) != (end < 0))
        piece = xp.argsort(~is_met, axis=-1, stable=True)[..., : loops.crossed]
        series = xp.asarray(loops.series)[piece]
        heights, slopes = (
            (table * across[..., None]).sum(axis=-2) for table in (series, xp.asarray(loops.slopes)[piece])
        )
        offset = dot(origin[..., None, :], across)
        edges = xp.zeros_like(heights[..., 0])
        turn = xp.minimum(sign_changes(lambda s: _value(slopes, s), edges, edges + 1), 1.0)
        value = lambda s: _value(heights, s) - offset
        found = [sign_changes(value, edges, turn), sign_changes(value, turn, edges + 1)]
        speed = dot(direction, direction)[..., None]
        lines = [
            dot(_sum(series, xp.clip(s, 0.0, 1.0)) - origin[..., None, :], direction[..., None, :])
            / xp.where(speed > 0, speed, 1.0)
            for s in found
        ]
        times = [xp.where(s < np.inf, t, np.inf) for s, t in zip(found, lines, strict=True)]
        return xp.concat(times, axis=-1)

    def charts(self) -> dict[str, AbstractChart]:
        return {self.part: SeriesArc(self.loops.series, self.loops.slopes)}

    def extent(self, direction: Float[np.ndarray, " d"]) -> float:
        low = np.zeros(len(self.loops.series))
        along = (self.loops.slopes * direction[:, None]).sum(axis=1)
        turn = np.minimum(sign_changes(lambda s: _value(along, s), low, low + 1), 1.0)
        return float(max((_sum(self.loops.series, s) @ direction).max() for s in (low, turn)))


def area(series: Float[np.ndarray, "m 2 g"]) -> float:
    """The area inside a closed curve, positive if it is counterclockwise."""
    points, weights = gauss(series.shape[-1])
    s = np.tile(points, (len(series), 1))
    x, v = _sum(series[:, None], s), _sum(slope(series)[:, None], s)
    return float(((x[..., 0] * v[..., 1] - x[..., 1] * v[..., 0]) @ weights).sum()) / 2


def backwards(series: Float[np.ndarray, "m 2 g"]) -> Float[np.ndarray, "m 2 g"]:
    """A curve the other way round."""
    return series[::-1] * (-1.0) ** np.arange(series.shape[-1])


def _sum(series: Numbers, share: Numbers) -> Numbers:
    """Points of curves: shapes `(..., k, g)` and `(...)` to `(..., k)`."""
    basis = legendre(share, series.shape[-1])
    if namespace(share) is np:
        return np.einsum("...kg,...g->...k", series, basis)
    return (series * basis[..., None, :]).sum(axis=-1)


def _value(series: Numbers, share: Numbers) -> Numbers:
    return (series * legendre(share, series.shape[-1])).sum(axis=-1)


def _right(along: Numbers) -> Numbers:
    """Vectors turned clockwise by a right angle."""
    return namespace(along).stack([along[..., 1], -along[..., 0]], axis=-1)
