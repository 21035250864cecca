"""Shapes from geometries of shapely."""

from typing import Any

import numpy as np
from jaxtyping import Float

from .._base.errors import InputError, InputTypeError
from .._base.lazy import imported
from .shape import Shape
from .solids.plane import Polygonal
from .solids.solid import Leaf, Solid


def from_shapely(geometry: Any, *, coordinates: tuple[str, str] = ("x", "y")) -> Shape:
    """A polygon of shapely, with or without holes, or several of them, as a shape; "outer" and "hole" bound it.

    Circles of shapely, such as `Point(0, 0).buffer(1)`, are polygons; a `Disk` is exact.

    **Raises:** `InputTypeError` for another geometry; `InputError` for one that is empty, not finite or not valid, as
    when it crosses itself; `MissingPackageError` without the extra `geometry`.
    """
    shapely = imported("shapely", "geometry")
    if not isinstance(geometry, shapely.Polygon | shapely.MultiPolygon):
        raise InputTypeError(
            "a shape is made from a `Polygon` or a `MultiPolygon` of shapely, got "
            f"{getattr(geometry, 'geom_type', type(geometry).__name__)}"
        )
    if geometry.is_empty:
        raise InputError("the geometry of shapely is empty")
    if not np.isfinite(shapely.get_coordinates(geometry)).all():
        raise InputError("the geometry of shapely has vertices that are not finite")
    if not geometry.is_valid:
        raise InputError(
            f"the geometry of shapely is not valid: {shapely.is_valid_reason(geometry)}; `shapely.make_valid` may help"
        )
    polygons = [shapely.orient_polygons(part) for part in shapely.get_parts(geometry)]
    rings = [(own.exterior, "outer") for own in polygons]
    rings += [(ring, "hole") for own in polygons for ring in own.interiors]
    edges = [(*_edges(shapely.get_coordinates(ring)), name) for ring, name in rings]
    starts, ends = (np.concatenate([edge[side] for edge in edges]) for side in (0, 1))
    names = tuple(name for start, _, name in edges for _ in start)
    holes = sum(name == "hole" for _, name in rings)
    text = f"from_shapely({geometry.geom_type} with {len(starts)} vertices{f' and {holes} hole(s)' if holes else ''})"
    return Shape(Solid((Leaf.of(Polygonal(starts, ends, names)),)), tuple(coordinates), text)


def _edges(ring: Float[np.ndarray, "n 2"]) -> tuple[np.ndarray, np.ndarray]:
    """Starts and ends of the edges of a closed ring, without those of length 0."""
    kept = (ring[1:] != ring[:-1]).any(axis=1)
    return ring[:-1][kept], ring[1:][kept]
