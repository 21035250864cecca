"""Corners of plane domains, from the ends of the curves that bound them."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from .solids.trimming import Pieces

TOGETHER = 1e-9
"""Share of the size of a domain within which ends of curves are one point."""

STRAIGHT = 1e-6
"""Angles that differ by less, in radians, are the same."""

STEP = 1e-3
"""Share of a piece of a curve at which its direction is compared with that at the end."""

BEHIND = 4096
"""Points on the line behind a corner at which membership in the domain is tested."""


class End(NamedTuple):
    """An end of a curve: its point, the unit vector from there along the curve, the outward normal, and whether the
    curve is straight there.
    """

    point: tuple[float, float]
    along: tuple[float, float]
    normal: tuple[float, float]
    is_straight: bool

    @property
    def is_first(self) -> bool:
        """Whether the domain is to the left of the curve, seen from the end."""
        return self.along[0] * self.normal[1] - self.along[1] * self.normal[0] < 0


class Corner(NamedTuple):
    """A corner of a plane domain.

    - `vertex`: its point; `bisector`: direction, in radians, of the bisector inside; `opening`: the angle inside;
    - `behind`: distance from the vertex to the domain against the bisector, infinite if it is not met again.
    """

    vertex: tuple[float, float]
    bisector: float
    opening: float
    behind: float

    @property
    def is_reentrant(self) -> bool:
        return self.opening > np.pi + STRAIGHT


def ends_of(pieces: Iterable[Pieces]) -> tuple[End, ...]:
    """The ends of curves, without those at which a piece goes straight on into another one."""
    found = [_ends(own, at, towards) for own in pieces for at, towards in (("first", "last"), ("last", "first"))]
    if not found:
        return ()
    points, along, normals, straight = (np.concatenate(each) for each in zip(*found, strict=True))
    goes_on = np.zeros(len(points), bool)
    for group in _together(points, float(np.ptp(points, axis=0).max())):
        goes_on[group] = (along[group] @ along[group].T < -np.cos(STRAIGHT)).any(axis=1)
    rows = (each[~goes_on].tolist() for each in (points, along, normals, straight))
    return tuple(End(tuple(x), tuple(v), tuple(n), flat) for x, v, n, flat in zip(*rows, strict=True))


def _ends(pieces: Pieces, at: str, towards: str) -> tuple[np.ndarray, ...]:
    s, other = getattr(pieces, at), getattr(pieces, towards)
    points, normals = pieces.patches.at(pieces.number, s[:, None])
    inside, turned = pieces.patches.at(pieces.number, (s + STEP * (other - s))[:, None])
    along = np.stack([-normals[:, 1], normals[:, 0]], axis=-1)
    along *= np.where((along * (inside - points)).sum(axis=1) >= 0, 1.0, -1.0)[:, None]
    return points, along, pieces.sign[:, None] * normals, np.abs(turned - normals).max(axis=1) <= TOGETHER


def _together(points: Float[np.ndarray, "n 2"], size: float) -> list[np.ndarray]:
    """The rows of points that are the same, up to rounding."""
    from scipy.spatial import KDTree  # slow to import

    near = KDTree(points).query_ball_point(points, TOGETHER * max(size, np.finfo(float).tiny))
    return [np.array(sorted(group)) for number, group in enumerate(near) if number == min(group)]


def meetings(ends: Sequence[End]) -> list[tuple[list[int], list[int]]]:
    """The numbers of the ends at each point where two curves meet: of the first curve, with the domain to its left,
    and of the last one. The same curve may be there several times; points where more curves meet are left out.
    """
    if not ends:
        return []
    points = np.array([end.point for end in ends])
    found = []
    for group in _together(points, float(np.ptp(points, axis=0).max())):
        first, last = ([int(i) for i in group if ends[i].is_first is side] for side in (True, False))
        if first and last and all(_is_one_direction([ends[i] for i in each]) for each in (first, last)):
            found.append((first, last))
    return found


def _is_one_direction(ends: Sequence[End]) -> bool:
    along = np.array([end.along for end in ends])
    return bool((along @ along[0] > 1 - STRAIGHT).all())


def corner_between(first: End, last: End, level: Callable[[np.ndarray], np.ndarray], size: float) -> Corner:
    """The corner where two curves meet.

    - `level`: negative inside the domain; `size`: its diameter.
    """
    start, end = (float(np.arctan2(own.along[1], own.along[0])) for own in (first, last))
    opening = (end - start) % (2 * np.pi)
    bisector = start + opening / 2
    steps = size * np.arange(1, BEHIND + 1) / BEHIND
    ray = np.array(first.point) - steps[:, None] * np.array([np.cos(bisector), np.sin(bisector)])
    met = steps[level(ray) < 0]
    return Corner(first.point, bisector, opening, float(met[0]) if met.size else np.inf)


def corners_of(ends: Sequence[End], level: Callable[[np.ndarray], np.ndarray], size: float) -> tuple[Corner, ...]:
    """The corners where curves meet at an angle."""
    found = (corner_between(ends[first[0]], ends[last[0]], level, size) for first, last in meetings(ends))
    return tuple(corner for corner in found if abs(corner.opening - np.pi) > STRAIGHT)
