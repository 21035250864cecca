"""Points of a shape for comparisons and pictures, with triangles in the plane."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from .domain import Evaluation
from .solids.pieces import Pieces
from .solids.solid import Solid

APART = 0.5
"""Distance of the points inside from the boundary, by that of points from each other."""


def triangulated(solid: Solid, pieces: Sequence[Pieces], area: float) -> Evaluation:
    """A grid, with an area to each point, inside a plane shape and points on its boundary, with Delaunay triangles."""
    from scipy.spatial import Delaunay  # slow to import

    step = np.sqrt(area)
    axes = [np.arange(low + step / 2, high, step) for low, high in zip(*solid.bounds, strict=True)]
    grid = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=-1)
    inside = grid[solid.level(grid) < -APART * step]
    rim = np.concatenate([_along(own, step) for own in pieces])
    _, first = np.unique(np.round(rim / (1e-6 * step)), axis=0, return_index=True)
    points = np.concatenate([inside, rim[np.sort(first)]])
    triangles = Delaunay(points).simplices
    triangles = triangles[solid.level(points[triangles].mean(axis=1)) < 0]
    return Evaluation(points, (len(points),), triangles)


def _along(pieces: Pieces, step: float) -> Float[np.ndarray, "n 2"]:
    """Points on curves, no further apart than `step`, the ends of the pieces among them."""
    counts = np.ceil(pieces.measure / step).astype(int) + 1
    share = np.concatenate([np.linspace(0, 1, count) for count in counts])
    first, last, number = (np.repeat(value, counts) for value in (pieces.first, pieces.last, pieces.number))
    return pieces.patches.at(number, (first + share * (last - first))[:, None])[0]
