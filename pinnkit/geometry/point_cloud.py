"""Domains that are known by points of them."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Array, Bool, Float

from .._base.arguments import check_positive
from .._base.errors import InputError
from .domain import MANY, AbstractDomain, Evaluation, Part, check_coordinate, checked_points
from .meshes.blocks import Blocks
from .points import Points
from .predicates import selection
from .product import Product
from .region import AbstractRegion, Bounds, shares
from .solids.charts import Numbers, namespace

NAMES = ("x", "y", "z")

BESIDE = 0.5
"""Share of the distance of a boundary point from the next one by which points outside still count as inside."""


class PointsWithNormals(AbstractRegion):
    """Given points of parts of a boundary with outward normals, shared out among the parts by their numbers.

    - `names`: of the parts; `sizes`: their numbers of points; `x`, `normals`: shape `(n, d)`, part by part.
    """

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    x: np.ndarray
    normals: np.ndarray
    coordinates: tuple[str, ...]
    dimension: int
    least: int
    count: int | None = None

    def __init__(self, coordinates: tuple[str, ...], parts: Mapping[str, tuple[np.ndarray, np.ndarray]]):
        self.names, self.coordinates = tuple(parts), coordinates
        self.sizes = tuple(len(x) for x, _ in parts.values())
        self.x, self.normals = (np.concatenate(rows) for rows in zip(*parts.values(), strict=True))
        self.dimension, self.least = len(coordinates) - 1, len(parts)

    @property
    def has_normal(self) -> bool:
        return True

    @property
    def place(self) -> str:
        return f"on {', '.join(self.names)}"

    @property
    def bounds(self) -> Bounds:
        return self.x.min(axis=0), self.x.max(axis=0)

    def parts(self, n: int) -> tuple[int, ...]:
        return shares(n, np.array(self.sizes))

    def points(self, unit: Float[Array, "n k"]) -> Points:
        x, normals = self.placed(unit)
        return Points(x.astype(unit.dtype), normals.astype(unit.dtype), {})

    def placed(self, unit: Numbers) -> tuple[Numbers, Numbers]:
        """The points that those of the unit cube choose, and outward normals, by NumPy or by JAX."""
        xp, counts = namespace(unit), self.parts(len(unit))
        sizes, before = np.repeat(self.sizes, counts), np.repeat(np.cumsum([0, *self.sizes[:-1]]), counts)
        row = before + xp.minimum((unit[:, 0] * sizes).astype(int), sizes - 1)
        return xp.asarray(self.x)[row], xp.asarray(self.normals)[row]


class PointCloud(AbstractDomain):
    """A domain that is known by points, such as those of a scan or of another program's mesh.

    Training points are chosen among these, each with the same weight. The signed distance is an estimate from the
    nearest boundary point and its normal, and so is what the domain contains: points count as outside if they are half
    the distance between neighbouring boundary points beyond the boundary.

    - `interior`: points inside, about uniform, shape `(n, d)` with one to three coordinates;
    - `boundary`: by the names of its parts, points and outward normals there, each of shape `(k, d)`; normals need not
      be of length 1;
    - `measure`: the length, area or volume; `measures`: by name those of parts of the boundary, NaN where unknown;
    - `coordinates`: x, y and z by default.

    **Raises:** `InputError` for points and normals that are not finite or do not belong together, and for interior
    points outside of the boundary.
    """

    def __init__(
        self,
        interior: Any,
        boundary: Mapping[str, tuple[Any, Any]],
        *,
        measure: float,
        measures: Mapping[str, float] | None = None,
        coordinates: Sequence[str] | None = None,
    ):
        self._inside = _rows("the interior", interior, None)
        d = self._inside.shape[1]
        self.coordinates = tuple(coordinates or NAMES[:d])
        for name in self.coordinates:
            check_coordinate(name)
        if not 1 <= d <= 3 or len(set(self.coordinates)) != d or len(self.coordinates) != d:
            raise InputError(f"points of {d} coordinates need as many different names, got {self.coordinates}")
        if not boundary:
            raise InputError("a point cloud needs its boundary, as in `boundary={'wall': (points, normals)}`")
        self._parts = {name: _with_normals(name, pair, d) for name, pair in boundary.items()}
        check_positive(measure=measure, **{f"measures[{name!r}]": value for name, value in (measures or {}).items()})
        if unknown := sorted(set(measures or ()) - set(self._parts)):
            raise InputError(f"`measures` has the unknown part(s) {unknown}; the parts are {list(self._parts)}")
        self._measure, self._measures = float(measure), dict(measures or {})
        every = np.concatenate([self._inside, *(x for x, _ in self._parts.values())])
        self.lower, self.upper = every.min(axis=0), every.max(axis=0)
        if len(outside := np.flatnonzero(~self.contains(self._inside))):
            first = ", ".join(f"{value:.4g}" for value in self._inside[outside[0]])
            raise InputError(
                f"{len(outside)} of {len(self._inside)} interior points of the point cloud lie outside of its "
                f"boundary, such as ({first}); do the normals point outwards?"
            )

    def __repr__(self) -> str:
        return f"PointCloud({len(self._inside)} points inside, {len(self._whole.x)} on the boundary)"

    @property
    def interior(self) -> Blocks:
        """The points inside."""
        return Blocks(self.coordinates, self._inside, 0 * self._inside, np.ones(len(self._inside)))

    def boundary(self, *parts: Part) -> PointsWithNormals:
        """All boundary points, or those of the parts with the given names, or where functions of coordinates are true,
        or on the boundary of a neighbour.

        **Raises:** `InputError` for an unknown name, a function that selects nothing, and a domain that shares none.
        """
        names = [part for part in parts if isinstance(part, str)]
        if unknown := [name for name in names if name not in self._parts]:
            raise InputError(f"the boundary of {self!r} has no part '{unknown[0]}'; its parts are {list(self._parts)}")
        chosen_by = [selection(self, part) for part in parts if not isinstance(part, str)]
        found = {name: own for name, own in self._parts.items() if not parts or name in names}
        for name, (x, normals) in self._parts.items() if chosen_by else ():
            chosen = np.any([own.where(x) for own in chosen_by], axis=0)
            if name not in names and chosen.any():
                found[f"{name} (selected)"] = (x[chosen], normals[chosen])
        if not found:
            raise InputError(chosen_by[0].nothing)
        return PointsWithNormals(self.coordinates, found)

    def over(
        self, *, parameters: Mapping[str, tuple[float, float]] | None = None, **bounds: tuple[float, float]
    ) -> Product:
        """The point cloud with time, as in `cloud.over(t=(0.0, 1.0))`, and with parameters of the equations."""
        return Product(self, parameters=parameters, **bounds)

    @property
    def parts(self) -> dict[str, float]:
        """The names of the parts of the boundary, with their measures as far as they are known, else NaN."""
        return {name: float(self._measures.get(name, np.nan)) for name in self._parts}

    @property
    def measure(self) -> float:
        return self._measure

    def signed_distance(self, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
        """The distance from the plane through the nearest boundary point along the boundary there, negative inside."""
        return self._nearest(checked_points(self, points))[0]

    @property
    def is_distance_exact(self) -> bool:
        return False

    def contains(self, points: Float[np.ndarray, "n d"]) -> Bool[np.ndarray, " n"]:
        """Which points lie inside, or outside by less than half the distance between neighbouring boundary points."""
        distance, gap = self._nearest(checked_points(self, points))
        return distance <= BESIDE * gap

    def evaluation(self, count: int = MANY) -> Evaluation:
        """The points inside and on the boundary, or some of them; with Delaunay triangles in the plane."""
        every = np.concatenate([self._inside, self._whole.x])
        points = np.unique(every[np.linspace(0, len(every) - 1, min(len(every), count)).astype(int)], axis=0)
        if len(self.coordinates) != 2:
            return Evaluation(points)
        from scipy.spatial import Delaunay  # slow to import

        triangles = Delaunay(points).simplices
        return Evaluation(points, (len(points),), triangles[self.contains(points[triangles].mean(axis=1))])

    @cached_property
    def _whole(self) -> PointsWithNormals:
        return PointsWithNormals(self.coordinates, self._parts)

    @cached_property
    def _tree(self) -> tuple[Any, Float[np.ndarray, " n"]]:
        """Boundary points for look-ups, and their distances from the next one; 0 on a line."""
        from scipy.spatial import KDTree  # slow to import

        tree: Any = KDTree(self._whole.x)
        gaps = tree.query(self._whole.x, k=2)[0][:, 1]
        return tree, np.where(np.isfinite(gaps) & (len(self.coordinates) > 1), gaps, 0.0)

    def _nearest(self, points: Float[np.ndarray, "n d"]) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
        """Signed distances of points, and the gap at the nearest boundary point."""
        tree, gaps = self._tree
        row = tree.query(points)[1]
        return ((points - self._whole.x[row]) * self._whole.normals[row]).sum(axis=1), gaps[row]


def _rows(what: str, given: Any, dimension: int | None) -> Float[np.ndarray, "n d"]:
    try:
        rows = np.asarray(given, float)
    except (TypeError, ValueError):
        raise InputError(f"{what} of a point cloud has points as rows of numbers, got {type(given).__name__}") from None
    if rows.ndim != 2 or not len(rows) or (dimension is not None and rows.shape[1] != dimension):
        raise InputError(f"{what} of a point cloud has points of shape (n, {dimension or 'd'}), got {rows.shape}")
    if not np.isfinite(rows).all():
        number = int(np.flatnonzero(~np.isfinite(rows).all(axis=1))[0])
        raise InputError(f"{what} of a point cloud has a row {number} that is not finite: {rows[number]}")
    return rows


def _with_normals(name: str, pair: Any, dimension: int) -> tuple[np.ndarray, np.ndarray]:
    try:
        given, directions = pair
    except (TypeError, ValueError):
        raise InputError(f"the part '{name}' of a point cloud is a pair `(points, normals)`") from None
    x, normals = (_rows(f"the part '{name}'", rows, dimension) for rows in (given, directions))
    lengths = np.linalg.norm(normals, axis=1)
    if len(x) != len(normals) or not (lengths > 0).all():
        raise InputError(
            f"the part '{name}' of a point cloud has {len(x)} points and {int((lengths > 0).sum())} normals that are "
            "not zero; it needs one for each"
        )
    return x, normals / lengths[:, None]
