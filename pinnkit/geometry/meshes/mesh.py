"""Domains that are meshes."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from ..._base.errors import InputError, InputTypeError
from ..creases import Crease, creases_of
from ..domain import MANY, Evaluation, Hole, Part, Triangulation, check_coordinate, checked_points
from ..movable import AbstractMovable, bracketed
from ..predicates import selection
from ..product import Product
from ..region import SLACK
from ..sampling import sobol
from .blocks import Blocks, filled
from .refinement import triangles_for
from .simplices import Simplices
from .surface import Surface
from .topology import KINDS, cavities, cell_measures, check_cells, check_closed, outer_facets, rows_of

NAMELESS = "boundary"
"""The part of what belongs to no other."""

NAMES = ("x", "y", "z")


class Mesh(AbstractMovable):
    """A domain made of triangles in the plane or tetrahedra in space, or the inside of closed triangles in space.

    `Mesh.read("part.msh")` reads one from a file. The boundary is what belongs to one cell only. Boundaries, normals,
    measures and distances are exact for the mesh, which is a polygon or a polyhedron: where the part that it stands for
    is curved, a solution can be no better than the mesh.

    - `points`: the vertices, shape `(n, 2)` or `(n, 3)`; those of no cell are left out;
    - `cells`: numbers of the vertices of each cell: shape `(m, 3)`, or `(m, 4)` for tetrahedra;
    - `parts`: by name, edges of shape `(k, 2)` or faces of shape `(k, 3)` of the boundary, as numbers of vertices; what
      belongs to none of them is "boundary";
    - `coordinates`: x, y and z by default.

    **Raises:** `InputError` for vertices that are not finite, cells without an inside, cells that overlap at a common
    side, a surface that is not closed, and parts that are not on the boundary.
    """

    def __init__(
        self,
        points: Any,
        cells: Any,
        parts: Mapping[str, Any] | None = None,
        *,
        coordinates: tuple[str, ...] | None = None,
    ):
        vertices, self.cells, kept = _checked(points, cells)
        self.vertices, d = vertices, vertices.shape[1]
        self.coordinates = tuple(coordinates or NAMES[:d])
        for name in self.coordinates:
            check_coordinate(name)
        if len(set(self.coordinates)) != d or len(self.coordinates) != d:
            raise InputError(
                f"a mesh with vertices of {d} coordinates needs as many different names, got {coordinates}"
            )
        self.lower, self.upper = vertices.min(axis=0), vertices.max(axis=0)
        if self.is_hollow:
            check_closed(vertices, self.cells)
            self.surface = Surface(vertices, self.cells).directed_outwards()
            self.cells = self.surface.facets
        else:
            check_cells(vertices, self.cells)
            self.surface = Surface(vertices, outer_facets(vertices, self.cells))
        self.names, self.number = _numbered(self.surface.facets, parts or {}, kept)
        self._text = f"Mesh({len(self.cells)} {'faces' if self.is_hollow else _plural(KINDS[self.cells.shape[1]])})"

    @classmethod
    def read(cls, path: str | Path, *, group: str | None = None, coordinates: tuple[str, ...] | None = None) -> "Mesh":
        """The mesh of a file: .msh, .vtu, .stl and what else meshio reads.

        Physical groups and named sets of edges (in the plane) or faces (in space) are the parts of the boundary. Meshes
        of triangles that lie in a plane along two coordinates are plane; triangles elsewhere are a closed surface.

        - `group`: the physical group of the cells that are the domain; all cells by default.

        **Raises:** `InputError` for a file that cannot be read, an unknown group, curved cells and other cells than
        triangles and tetrahedra; `MissingPackageError` without the extra `geometry`; otherwise as a `Mesh`.
        """
        from .reading import read_mesh

        found = read_mesh(Path(path), group)
        mesh = cls(found.points, found.cells, found.parts, coordinates=coordinates or found.coordinates)
        mesh._text = f"Mesh.read({Path(path).name!r}{'' if group is None else f', group={group!r}'})"
        return mesh

    def __repr__(self) -> str:
        return self._text

    @property
    def is_hollow(self) -> bool:
        """Whether it is given by a closed surface rather than by cells."""
        return self.cells.shape[1] == self.vertices.shape[1]

    # Set operations, in space.

    def __or__(self, other: "Mesh") -> "Mesh":
        return self._combined("|", other)

    def __and__(self, other: "Mesh") -> "Mesh":
        return self._combined("&", other)

    def __sub__(self, other: "Mesh") -> "Mesh":
        return self._combined("-", other)

    def _combined(self, operation: str, other: "Mesh") -> "Mesh":
        from .set_operations import combined

        if not isinstance(other, Mesh) or self.dimension == 2:
            raise InputTypeError(
                f"set operations of a mesh take another mesh in space, got {self!r} {operation} {other!r}; "
                "plane meshes and exact shapes are combined in the program that makes the mesh"
            )
        if self.coordinates != other.coordinates:
            raise InputError(
                f"set operations take domains with the same coordinates, got {list(self.coordinates)} and "
                f"{list(other.coordinates)}"
            )
        text = f"{self!r} {operation} {bracketed(other)}"
        faces = lambda mesh: {name: mesh._facets_of(name) for name in mesh.names}
        found = combined(operation, (self.vertices, faces(self)), (other.vertices, faces(other)))
        if found is None:
            raise InputError(f"the mesh {text} is empty: its set operations leave nothing")
        return self._with(Mesh(*found, coordinates=self.coordinates), text)

    # Other names and places.

    def named(self, name: str | None = None, **names: str) -> "Mesh":
        """The mesh with other names of the parts of its boundary.

        - `name`: of all of it; or `names`: new ones by present ones, as in `mesh.named(boundary="wall")`.

        **Raises:** `InputError` for a name that no part has.
        """
        if unknown := sorted(set(names) - set(self.names)):
            raise InputError(f"{self!r} has no part(s) {unknown} to be named; its parts are {list(self.names)}")
        new = [name or names.get(own, own) for own in self.names]
        for value in new:
            if not isinstance(value, str) or not value:
                raise InputError(f"a part of a boundary is named by a text, got {value!r}")
        facets = {own: self.surface.facets[[new[i] == own for i in self.number]] for own in new}
        return self._with(Mesh(self.vertices, self.cells, facets, coordinates=self.coordinates), repr(self))

    def moved(self, rotation: np.ndarray, scale: float, shift: np.ndarray, text: str) -> "Mesh":
        vertices = scale * self.vertices @ rotation.T + shift
        facets = {name: self._facets_of(name) for name in self.names}
        return self._with(Mesh(vertices, self.cells, facets, coordinates=self.coordinates), f"{bracketed(self)}.{text}")

    def over(
        self, *, parameters: Mapping[str, tuple[float, float]] | None = None, **bounds: tuple[float, float]
    ) -> Product:
        """The mesh with time, as in `mesh.over(t=(0.0, 1.0))`, and with parameters of the equations."""
        return Product(self, parameters=parameters, **bounds)

    # What a domain answers.

    @property
    def creases(self) -> tuple[Crease, ...]:
        return self._creases

    @cached_property
    def _creases(self) -> tuple[Crease, ...]:
        return creases_of(self.surface) if self.dimension == 3 else ()

    @property
    def interior(self) -> Simplices | Blocks:
        """The mesh without its boundary."""
        return self._interior

    @cached_property
    def _interior(self) -> Simplices | Blocks:
        if self.is_hollow:
            return filled(self.surface, self.coordinates)
        sizes = np.abs(cell_measures(self.vertices[self.cells]))
        return Simplices(self.coordinates, self.vertices, {"interior": (self.cells, sizes)})

    def boundary(self, *parts: Part) -> Simplices:
        """The whole boundary, or its parts with the given names, or the edges or faces at whose centers functions of
        coordinates are true, or that it has in common with a neighbour.

        **Raises:** `InputError` for an unknown name, a function that selects nothing, and a domain that shares none.
        """
        names = tuple(part for part in parts if isinstance(part, str))
        if unknown := [name for name in names if name not in self.names]:
            raise InputError(f"the boundary of {self!r} has no part '{unknown[0]}'; its parts are {list(self.names)}")
        taken = np.isin(self.number, [self.names.index(name) for name in (names if parts else self.names)])
        rows = {name: np.flatnonzero(self._is(name)) for name in self.names if not parts or name in names}
        for number, part in enumerate(part for part in parts if not isinstance(part, str)):
            sought = selection(self, part)
            chosen = sought.where(self.surface.corners.mean(axis=1))
            if not chosen.any():
                raise InputError(sought.nothing)
            for name in self.names:
                own = np.flatnonzero(chosen & ~taken & self._is(name))
                if own.size:
                    rows[f"{name} (selected{f' {number + 1}' if number else ''})"] = own
            taken = taken | chosen
        sizes, normals = self.surface.measures, self._normals
        return Simplices(
            self.coordinates,
            self.vertices,
            {name: (self.surface.facets[own], sizes[own]) for name, own in rows.items()},
            {name: normals[own] for name, own in rows.items()},
        )

    @property
    def parts(self) -> dict[str, float]:
        """The names of the parts of the boundary, with their lengths or areas."""
        return {name: float(self.surface.measures[self._is(name)].sum()) for name in self.names}

    @property
    def measure(self) -> float:
        """The area or volume."""
        return self.surface.enclosed

    @property
    def holes(self) -> tuple[Hole, ...]:
        """Balls in what the mesh surrounds, if their center lies in it; holes through a solid are not known."""
        return self._holes

    @cached_property
    def _holes(self) -> tuple[Hole, ...]:
        return tuple(Hole(tuple(center.tolist()), radius) for center, radius in cavities(self.surface))

    def signed_distance(self, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
        """The distance to the boundary of the mesh, negative inside."""
        points = checked_points(self, points)
        distance = self.surface.distance(points)
        return np.where(self.surface.is_inside(points), -distance, distance)

    def contains(self, points: Float[np.ndarray, "n d"]) -> Bool[np.ndarray, " n"]:
        """Which points lie in the mesh or on its boundary, up to rounding."""
        points, slack = checked_points(self, points), SLACK * float((self.upper - self.lower).max())
        inside = self.surface.is_inside(points)
        inside[~inside] = np.isfinite(self.surface.distance(points[~inside], within=slack))
        return inside

    def evaluation(self, count: int = MANY) -> Evaluation:
        """In the plane the mesh itself, refined or coarsened to about `count` vertices; points inside in space."""
        if self.vertices.shape[1] == 3:
            found = self.interior.placed(sobol(3, count))
            return Evaluation(found[0] if isinstance(found, tuple) else found)
        points, triangles = triangles_for(self.vertices, self.cells, self.surface, count)
        return Evaluation(points, (len(points),), triangles)

    @property
    def triangulation(self) -> Triangulation | None:
        """The vertices and the cells; None for the inside of a surface."""
        return None if self.is_hollow else Triangulation(self.vertices, self.cells)

    def _is(self, name: str) -> Bool[np.ndarray, " m"]:
        return self.number == self.names.index(name)

    def _facets_of(self, name: str) -> Int[np.ndarray, "k d"]:
        return self.surface.facets[self._is(name)]

    @cached_property
    def _normals(self) -> Float[np.ndarray, "m d"]:
        sizes = self.surface.measures[:, None]
        return self.surface.directed / np.where(sizes > 0, sizes, 1.0)

    @staticmethod
    def _with(mesh: "Mesh", text: str) -> "Mesh":
        mesh._text = text
        return mesh


def _checked(points: Any, cells: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices that cells have, the cells by their numbers, and the new number of each given vertex, or −1."""
    try:
        vertices, numbers = np.asarray(points, float), np.asarray(cells)
    except (TypeError, ValueError):
        raise InputError("the points and the cells of a mesh are arrays of numbers") from None
    if vertices.ndim != 2 or vertices.shape[1] not in (2, 3):
        raise InputError(f"the points of a mesh have the shape (n, 2) or (n, 3), got {vertices.shape}")
    most = vertices.shape[1] + 1
    if numbers.ndim != 2 or not len(numbers) or not 3 <= numbers.shape[1] <= most or numbers.dtype.kind not in "iu":
        raise InputError(
            f"the cells of a mesh in {vertices.shape[1]} coordinates are numbers of vertices, of shape (m, 3)"
            f"{' for triangles or (m, 4) for tetrahedra' if most == 4 else ''}; got {numbers.dtype} {numbers.shape}"
        )
    numbers = numbers.astype(int)
    if numbers.min() < 0 or numbers.max() >= len(vertices):
        raise InputError(
            f"the cells of a mesh are made of vertices 0 to {len(vertices) - 1}, got {numbers.min()} to {numbers.max()}"
        )
    used = np.unique(numbers)
    wrong = used[~np.isfinite(vertices[used]).all(axis=1)]
    if wrong.size:
        raise InputError(
            f"{wrong.size} vertices of the mesh are not finite, such as vertex {wrong[0]}: {vertices[wrong[0]]}"
        )
    kept = np.full(len(vertices), -1)
    kept[used] = np.arange(len(used))
    return vertices[used], kept[numbers], kept


def _numbered(
    facets: Int[np.ndarray, "m d"], parts: Mapping[str, Any], kept: Int[np.ndarray, " n"]
) -> tuple[tuple[str, ...], Int[np.ndarray, " m"]]:
    """The names of the parts that are there, and the number of the part of each facet."""
    names, number = list[str](), np.full(len(facets), -1)
    for name, given in parts.items():
        chosen = np.asarray(given)
        if chosen.ndim != 2 or chosen.shape[1] != facets.shape[1] or chosen.dtype.kind not in "iu" or not len(chosen):
            raise InputError(
                f"the part '{name}' of a mesh has its {'edges' if facets.shape[1] == 2 else 'faces'} as numbers of "
                f"vertices, of shape (k, {facets.shape[1]}); got {chosen.dtype} {chosen.shape}"
            )
        rows = rows_of(facets, kept[chosen])
        if (rows < 0).any():
            raise InputError(
                f"the part '{name}' of a mesh has {(rows < 0).sum()} of {len(rows)} "
                f"{'edges' if facets.shape[1] == 2 else 'faces'} that are not on its boundary"
            )
        if (number[rows] >= 0).any():
            raise InputError(f"the part '{name}' of a mesh shares facets with '{names[number[rows].max()]}'")
        number[rows] = len(names)
        names.append(name)
    if (number < 0).any():
        own = names.index(NAMELESS) if NAMELESS in names else len(names)
        number[number < 0] = own
        names += [NAMELESS] if own == len(names) else []
    return tuple(names), number


def _plural(kind: str) -> str:
    return {"tetrahedron": "tetrahedra"}.get(kind, f"{kind}s")
