"""Charges outside of a plane domain: logarithms of the distances from them represent harmonic functions.

A function that is harmonic inside and smooth up to the boundary goes on beyond it, up to its singularities outside,
which charges must not leave behind them. Where the boundary is concave these are about half of its radius of curvature
away, between two parts of the boundary closer than these are to each other. So the distance of charges from a point of
the boundary is a share of the radius of the largest circle outside that touches the boundary there, and charges are as
dense as they are close.

Fairweather & Karageorghis, *The method of fundamental solutions for elliptic boundary value problems*, Adv. Comput.
Math. 9, 1998; Barnett & Betcke, *Stability and convergence of the method of fundamental solutions for Helmholtz
problems on analytic domains*, J. Comput. Phys. 227, 2008.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from ..geometry.curves import Boundary
from ..geometry.domain import AbstractDomain, Hole
from ..networks.singular_functions import Charge

FEWEST, DENSITY = 240, 4.0
"""Number of charges, and their density, in charges over their distance from the boundary, where that takes more."""

FARTHEST, NEAREST, SHARE, STEEPEST = 0.14, 0.01, 1 / 3, 0.5
"""Distances from the boundary: at most and at least, over the diameter of the domain; over the radius of the circle
that touches the boundary; and their slope along it.
"""

CLEAR = 0.9
"""Share of its distance that a charge must keep from all other parts of the boundary."""

SAMPLES, FLAT = 2048, 1e-9
"""Points of the boundary that are looked at, and the height over the diameter below which they lie on the tangent."""

ROUND = 1e-6
"""Relative distance from the rim of a round hole up to which a point is on it."""


def charges_around(domain: AbstractDomain, holes: Sequence[Hole] = ()) -> list[Charge]:
    """Charges along the boundary of a plane domain and around its corners.

    - `holes`: round ones, that need no charges since they have multipoles.
    """
    region, size = domain.boundary(), float(np.linalg.norm(domain.upper - domain.lower))
    if not isinstance(region, Boundary):
        return []
    unit = np.concatenate([(np.arange(count) + 0.5) / count for count in region.parts(SAMPLES)])
    x, normals = region.placed(unit[:, None])
    distance = _distances(x, normals, size)
    for corner in domain.corners:
        if corner.is_reentrant:  # close charges would imitate its own functions at the points of the boundary
            distance[np.linalg.norm(x - corner.vertex, axis=1) < FARTHEST / SHARE * size] = FARTHEST * size
    for hole in holes:
        is_rim = np.abs(np.linalg.norm(x - hole.center, axis=1) - hole.radius) <= ROUND * hole.radius
        x, normals, distance = x[~is_rim], normals[~is_rim], distance[~is_rim]
    spacing = sum(region.measures) / len(unit)
    needed = np.cumsum(DENSITY * spacing / distance)
    count = max(int(needed[-1]), FEWEST)
    rows = np.searchsorted(needed, needed[-1] * (np.arange(count) + 0.5) / count)
    found, away = [x[rows] + distance[rows, None] * normals[rows]], [distance[rows]]
    for corner in domain.corners:
        own = distance[np.argmin(np.linalg.norm(x - corner.vertex, axis=1))]
        turn = np.pi - corner.opening  # of the outward normal
        between = max(int(DENSITY * turn * count / needed[-1]), 0)
        angle = corner.bisector + np.pi + turn * ((np.arange(between) + 0.5) / max(between, 1) - 0.5)
        found.append(np.array(corner.vertex) + own * np.stack([np.cos(angle), np.sin(angle)], axis=-1))
        away.append(np.full(between, own))
    points, clear = np.concatenate(found), CLEAR * np.concatenate(away)
    return [Charge((x, y)) for x, y in points[domain.signed_distance(points) > clear].tolist()]


def _distances(x: Float[np.ndarray, "n 2"], normals: Float[np.ndarray, "n 2"], size: float) -> Float[np.ndarray, " n"]:
    """The distance of charges from each point of the boundary."""
    gaps = x - x[:, None]
    squares, heights = (gaps**2).sum(axis=-1), (gaps * normals[:, None]).sum(axis=-1)
    radius = np.where(heights > FLAT * size, squares / np.maximum(2 * heights, FLAT * size), np.inf).min(axis=1)
    own = np.clip(SHARE * radius, NEAREST * size, FARTHEST * size)
    return (own + STEEPEST * np.sqrt(squares)).min(axis=1)
