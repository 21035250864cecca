"""Meshes of files."""

import contextlib
import io
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from ..._base.errors import InputError
from ..._base.lazy import imported
from .stl import read_stl
from .topology import rows_of

CORNERS = {"line": 2, "triangle": 3, "tetra": 4}
"""Corners of the cells that can be read."""

IGNORED = ("vertex", "line")
"""Cells that are none of a mesh in space."""

NAMES = ("x", "y", "z")

CURVED = {"line3", "triangle6", "tetra10"}
"""Curved cells that have a linear counterpart."""


class FileMesh(NamedTuple):
    """What a file says about a mesh: see `Mesh`."""

    points: Float[np.ndarray, "n d"]
    cells: Int[np.ndarray, "m k"]
    parts: dict[str, Int[np.ndarray, "k d"]]
    coordinates: tuple[str, ...]


def read_mesh(path: Path, group: str | None) -> FileMesh:
    """The mesh of a file, of all cells or of those of a group.

    **Raises:** `InputError` for a file that cannot be read, an unknown group, and cells that are no simplices.
    """
    if not path.is_file():
        raise InputError(f"there is no mesh file '{path}'")
    if path.suffix.lower() == ".stl":
        return _chosen(path, _read_stl(path), group)
    mesh = _read(path)
    kinds = {block.type for block in mesh.cells if block.type not in IGNORED}
    if other := sorted(kinds - {"triangle", "tetra"}):
        hint = "set their order to 1" if set(other) <= CURVED else "split them into triangles or tetrahedra"
        raise InputError(f"the mesh '{path}' has cells of the kind(s) {', '.join(other)}; {hint} in its program")
    if not kinds:
        raise InputError(f"the mesh '{path}' has neither triangles nor tetrahedra")
    own = "tetra" if "tetra" in kinds else "triangle"
    groups, cells = _groups(mesh, own), _numbers(mesh, own)
    points, coordinates = _plane(mesh.points, cells, own)
    if own == "triangle" and points.shape[1] == 3:
        return _chosen(path, FileMesh(points, cells, groups, coordinates), group)
    cells = cells if group is None else _group(path, groups, group)
    sides = _groups(mesh, "triangle" if own == "tetra" else "line")
    return FileMesh(points, cells, _on_boundary(cells, sides), coordinates)


def _chosen(path: Path, surface: FileMesh, group: str | None) -> FileMesh:
    """A surface, or the group of its triangles that is one."""
    if group is None:
        return surface
    return surface._replace(cells=_group(path, surface.parts, group), parts={})


def _group(path: Path, groups: dict[str, Int[np.ndarray, "m k"]], group: str) -> Int[np.ndarray, "m k"]:
    if group not in groups:
        raise InputError(f"the mesh '{path}' has no group '{group}' of cells; its groups are {sorted(groups)}")
    return groups[group]


def _read_stl(path: Path) -> FileMesh:
    try:
        return FileMesh(*read_stl(path.read_bytes()), NAMES)
    except ValueError as error:
        raise InputError(f"the mesh '{path}' cannot be read: it is no .stl file") from error


def _read(path: Path) -> Any:
    meshio, said = imported("meshio", "geometry"), io.StringIO()
    try:  # it prints what is wrong, and may leave the program
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            return meshio.read(path)
    except (Exception, SystemExit) as error:
        why = f"it is no {path.suffix} file"
        if "gmsh:physical" in str(error):
            why = "some of its cells are in no physical group; write it with `Mesh.SaveAll = 0`, the default of gmsh"
        elif isinstance(error, meshio.ReadError) and str(error):
            why = " ".join(str(error).split())
        raise InputError(f"the mesh '{path}' cannot be read: {why}") from error


def _numbers(mesh: Any, kind: str) -> Int[np.ndarray, "m k"]:
    blocks = [np.asarray(block.data, int) for block in mesh.cells if block.type == kind]
    return np.concatenate(blocks) if blocks else np.zeros((0, CORNERS[kind]), int)


def _groups(mesh: Any, kind: str) -> dict[str, Int[np.ndarray, "m k"]]:
    """The cells of a kind in each named set, or in each physical group of gmsh, called by its number without a name."""
    found = dict[str, list[np.ndarray]]()
    for name, rows in mesh.cell_sets.items():
        if not name.startswith("gmsh:"):
            for block, own in zip(mesh.cells, rows, strict=True):
                if block.type == kind and own is not None and len(own):
                    found.setdefault(name, []).append(np.asarray(block.data, int)[np.asarray(own, int)])
    if found:
        return {name: np.concatenate(rows) for name, rows in found.items()}
    names = {(int(tag), int(size)): name for name, (tag, size) in mesh.field_data.items()}
    for block, tags in zip(mesh.cells, mesh.cell_data.get("gmsh:physical", ()), strict=False):
        if block.type == kind:
            for tag in np.unique(tags[tags != 0]):
                name = names.get((int(tag), CORNERS[kind] - 1), str(tag))
                found.setdefault(name, []).append(np.asarray(block.data, int)[tags == tag])
    return {name: np.concatenate(rows) for name, rows in found.items()}


def _plane(points: Any, cells: Int[np.ndarray, "m k"], kind: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """The points and the names of their coordinates, without the one in which plane triangles do not extend."""
    points = np.asarray(points, float)
    names = NAMES[: points.shape[1]]
    if points.shape[1] == 2 or kind == "tetra":
        return points, names
    extent = np.ptp(points[np.unique(cells)], axis=0)
    if extent.min() > 0:
        return points, names
    flat = len(extent) - 1 - int(np.argmin(extent[::-1]))
    return np.delete(points, flat, axis=1), names[:flat] + names[flat + 1 :]


def _on_boundary(
    cells: Int[np.ndarray, "m k"], sides: dict[str, Int[np.ndarray, "n d"]]
) -> dict[str, Int[np.ndarray, "k d"]]:
    """The named sides that are on the boundary of the cells; those inside are interfaces, which bound nothing."""
    outer = _once(np.sort(np.concatenate([np.delete(cells, i, axis=1) for i in range(cells.shape[1])]), axis=1))
    found = {name: rows[rows_of(outer, rows) >= 0] for name, rows in sides.items()}
    return {name: rows for name, rows in found.items() if len(rows)}


def _once(facets: Int[np.ndarray, "m d"]) -> Int[np.ndarray, "n d"]:
    rows, counts = np.unique(facets, axis=0, return_counts=True)
    return rows[counts == 1]
