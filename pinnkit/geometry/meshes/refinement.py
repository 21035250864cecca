"""Triangles of about as many vertices as wanted."""

import numpy as np
from jaxtyping import Float, Int

from .box_tree import morton_order
from .surface import Surface

MOST = 4
"""Times as many vertices as wanted that a mesh may have before it is coarsened."""


def triangles_for(
    points: Float[np.ndarray, "n 2"], triangles: Int[np.ndarray, "m 3"], surface: Surface, count: int
) -> tuple[Float[np.ndarray, "k 2"], Int[np.ndarray, "l 3"]]:
    """Vertices and triangles of a plane mesh: each in four as long as there are too few, or some of the vertices.

    - `surface`: its boundary.
    """
    if len(points) > MOST * count:
        return _coarsened(points, surface, count)
    while 2 * len(points) < count:
        points, triangles = _halved(points, triangles)
    return points, triangles


def _halved(points: Float[np.ndarray, "n 2"], triangles: Int[np.ndarray, "m 3"]) -> tuple[np.ndarray, np.ndarray]:
    """Every triangle in four, by the middles of the edges."""
    sides = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]], axis=-1).reshape(-1, 2)
    edges, number = np.unique(sides, axis=0, return_inverse=True)
    (a, b, c), (ab, bc, ca) = triangles.T, len(points) + number.reshape(-1, 3).T
    corners = np.stack([[a, ab, ca], [ab, b, bc], [ca, bc, c], [ab, bc, ca]])
    return np.concatenate([points, points[edges].mean(axis=1)]), np.moveaxis(corners, 1, 2).reshape(-1, 3)


def _coarsened(points: Float[np.ndarray, "n 2"], surface: Surface, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Some of the vertices, with Delaunay triangles where their centers lie in the mesh."""
    from scipy.spatial import Delaunay  # slow to import

    chosen = points[morton_order(points)[np.linspace(0, len(points) - 1, count).astype(int)]]
    triangles = Delaunay(chosen).simplices
    return chosen, triangles[surface.is_inside(chosen[triangles].mean(axis=1))]
