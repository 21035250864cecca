"""Regions that consist of segments, triangles or tetrahedra."""

import numpy as np
from jaxtyping import Array, Float, Int

from ..curves import located
from ..points import Points
from ..region import AbstractRegion, Bounds, shares
from ..solids.charts import Numbers, namespace
from .box_tree import morton_order


class Simplices(AbstractRegion):
    """Simplices, with outward normals if they are a boundary.

    Points are uniform by measure. They are shared out among the parts by measure, at least one to each. The first
    coordinate of the unit cube chooses the simplex, on a curve that visits neighbours one after the other, which keeps
    quasi-random points even; what is left of it is the first coordinate inside.

    - `names`, `measures`: of the parts; `vertices`: shape `(n, d)`;
    - `cells`: the numbers of the vertices of each simplex, part by part; `ends`: the running sums of their measures.
    """

    names: tuple[str, ...]
    measures: tuple[float, ...]
    vertices: np.ndarray
    cells: np.ndarray
    ends: np.ndarray
    normals: np.ndarray | None
    coordinates: tuple[str, ...]
    dimension: int
    least: int
    count: int | None

    def __init__(
        self,
        coordinates: tuple[str, ...],
        vertices: Float[np.ndarray, "n d"],
        parts: dict[str, tuple[Int[np.ndarray, "m k"], Float[np.ndarray, " m"]]],
        normals: dict[str, Float[np.ndarray, "m d"]] | None = None,
    ):
        """- `parts`: for each of them its simplices and their measures; `normals`: those of its simplices."""
        orders = {name: morton_order(vertices[cells].mean(axis=1)) for name, (cells, _) in parts.items()}
        self.names, self.coordinates = tuple(parts), coordinates
        self.measures = tuple(float(sizes.sum()) for _, sizes in parts.values())
        self.vertices = vertices
        self.cells = np.concatenate([cells[orders[name]] for name, (cells, _) in parts.items()])
        self.ends = np.cumsum(np.concatenate([sizes[orders[name]] for name, (_, sizes) in parts.items()]))
        self.normals = None if normals is None else np.concatenate([normals[name][orders[name]] for name in parts])
        self.dimension, self.least, self.count = self.cells.shape[1] - 1, len(parts), None

    def __repr__(self) -> str:
        return f"Simplices({', '.join(self.names)}; {', '.join(f'{measure:.6g}' for measure in self.measures)})"

    @property
    def place(self) -> str:
        return "inside the mesh" if self.normals is None else f"on {', '.join(self.names)}"

    @property
    def has_normal(self) -> bool:
        return self.normals is not None

    @property
    def measure(self) -> float:
        return sum(self.measures)

    @property
    def bounds(self) -> Bounds:
        used = self.vertices[self.cells.ravel()]
        return used.min(axis=0), used.max(axis=0)

    def parts(self, n: int) -> tuple[int, ...]:
        return shares(n, np.array(self.measures))

    def points(self, unit: Float[Array, "n k"]) -> Points:
        x, normals = self.placed(unit)
        return Points(x.astype(unit.dtype), None if normals is None else normals.astype(unit.dtype), {})

    def placed(self, unit: Numbers) -> tuple[Numbers, Numbers | None]:
        """The images of points of the unit cube, and outward normals, by NumPy or by JAX."""
        xp, counts = namespace(unit), self.parts(len(unit))
        before = np.repeat(np.cumsum([0.0, *self.measures[:-1]]), counts)
        share = (before + unit[:, 0] * np.repeat(self.measures, counts)) / sum(self.measures)
        row, first = located(share, self.ends)
        inside = xp.concat([first[:, None], unit[:, 1:]], axis=-1)
        corners = xp.asarray(self.vertices)[xp.asarray(self.cells)[row]]
        x = corners[:, -1]
        for axis in range(self.dimension - 1, -1, -1):  # from an edge on, each simplex from that of one dimension less
            away = inside[:, axis, None] ** (1 / (self.dimension - axis))
            x = (1 - away) * corners[:, axis] + away * x
        return x, None if self.normals is None else xp.asarray(self.normals)[row]
