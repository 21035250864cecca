"""Creases: the straight edges of solids, at which solutions are singular."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from .meshes.surface import Surface

BLUNT, MOST = 0.2, 48
"""Angles inside that differ from π by less, in radians, are those of facets of a curved surface; the number of creases,
those with the largest angles inside.
"""

TOGETHER = 1e-6
"""Share of the size of a solid within which two creases lie on one line; and the same of their directions."""

LINES, STEPS, CLEAR = 33, 200, 0.02
"""Places along the line of a crease, and at each of them points behind it, at which membership in the solid is tested;
the distance over its size up to which there must be none.
"""


class Crease(NamedTuple):
    """A straight edge of a domain in space.

    - `vertex`: a point of it; `bisector`, `turned`: unit vectors across it, of which the first points inside;
    - `opening`: the angle inside; `behind`: the distance from its line to the domain against the bisector, infinite if
      it is not met again.
    """

    vertex: tuple[float, ...]
    bisector: tuple[float, ...]
    turned: tuple[float, ...]
    opening: float
    behind: float


def creases_of(surface: Surface) -> tuple[Crease, ...]:
    """The creases of a closed surface of triangles that are directed outwards; those on one line are one.

    Creases whose line goes on inside the solid are left out, as are those with the solid close behind them.
    """
    facets, m = surface.facets, len(surface.facets)
    sides = np.sort(np.concatenate([facets[:, [i, (i + 1) % 3]] for i in range(3)]), axis=1)
    _, group, counts = np.unique(sides, axis=0, return_inverse=True, return_counts=True)
    group = group.reshape(-1)
    order = np.argsort(group, kind="stable")
    pairs = order[counts[group[order]] == 2].reshape(-1, 2)
    normals = surface.directed / np.maximum(surface.measures, np.finfo(float).tiny)[:, None]
    one, other = (normals[pairs[:, i] % m] for i in range(2))
    middles = surface.corners.mean(axis=1)
    start, end = (surface.vertices[sides[pairs[:, 0], i]] for i in range(2))
    rises = ((middles[pairs[:, 1] % m] - start) * one).sum(axis=1)  # of the second facet above the first
    turn = np.arctan2(np.linalg.norm(np.cross(one, other), axis=1), (one * other).sum(axis=1))
    opening = np.pi + np.where(rises > 0, turn, -turn)
    sharp = np.flatnonzero((turn > BLUNT) & (turn < np.pi - BLUNT))
    found, lines = list[Crease](), list[tuple[np.ndarray, np.ndarray, np.ndarray]]()
    for row in sharp[np.argsort(-opening[sharp], kind="stable")]:
        if len(lines) == MOST:
            break
        along, bisector = (each / np.linalg.norm(each) for each in (end[row] - start[row], -one[row] - other[row]))
        own = start[row] - along * (start[row] @ along), along, bisector
        if any(_is_same(own, line, surface.size) for line in lines):
            continue
        lines.append(own)
        behind = _behind(start[row], along, bisector, surface)
        if behind > CLEAR * surface.size:
            vertex, inside, turned = (
                tuple(map(float, each)) for each in (start[row], bisector, np.cross(along, bisector))
            )
            found.append(Crease(vertex, inside, turned, float(opening[row]), behind))
    return tuple(found)


def _is_same(a: tuple[np.ndarray, ...], b: tuple[np.ndarray, ...], size: float) -> bool:
    (place, along, bisector), (other, direction, second) = a, b
    is_parallel = abs(along @ direction) > 1 - TOGETHER and bisector @ second > 1 - TOGETHER
    return bool(is_parallel and np.linalg.norm(place - other) <= TOGETHER * size)


def _behind(
    vertex: Float[np.ndarray, " 3"],
    along: Float[np.ndarray, " 3"],
    bisector: Float[np.ndarray, " 3"],
    surface: Surface,
) -> float:
    """The distance from the line of a crease to the solid against its bisector."""
    reach = (surface.vertices[np.unique(surface.facets)] - vertex) @ along
    places = vertex + np.linspace(reach.min(), reach.max(), LINES)[:, None] * along
    steps = surface.size * np.arange(1, STEPS + 1) / STEPS
    x = (places[:, None] - steps[:, None] * bisector).reshape(-1, 3)
    is_met = surface.is_inside(x)
    is_met[is_met] = surface.distance(x[is_met]) > TOGETHER * surface.size  # those on the surface may count as either
    is_met = is_met.reshape(LINES, STEPS).any(axis=0)
    return float(steps[np.argmax(is_met)]) if is_met.any() else np.inf
