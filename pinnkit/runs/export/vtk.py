"""Fields on a tensor grid or on a mesh as files for ParaView and others."""

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from ..._base.errors import InputError
from ..._base.lazy import imported
from ...geometry.domain import TIME_NAMES

_CELLS = {1: "line", 2: "quad", 3: "hexahedron"}

SIMPLICES = {3: "triangle", 4: "tetra"}
"""Cells of a triangulation, by the number of their corners."""

_CORNERS = {
    1: ((0,), (1,)),
    2: ((0, 0), (1, 0), (1, 1), (0, 1)),
    3: ((0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)),
}
"""Of a cell, in the order of VTK."""


def write_vtk(path: Path, axes: Mapping[str, np.ndarray], fields: Mapping[str, np.ndarray]) -> Path:
    """Write fields of shape (axes..., [components]): one `.vtu`, or a `.pvd` with a `.vtu` for each time beside it.

    **Returns:** the file to open. **Raises:** `ImportError` without the extra `data`; `ValueError` for more than three
    coordinates besides time, or an axis with a single point; `OSError`.
    """
    names = list(axes)
    time = next((i for i, name in enumerate(names) if name in TIME_NAMES), None)
    space = [axes[name] for i, name in enumerate(names) if i != time]
    if not 1 <= len(space) <= 3 or min(len(axis) for axis in space) < 2:
        raise InputError(f"VTK takes one to three coordinates besides time with two points or more; got {names}")
    if time is None:
        return write_mesh(path, *_mesh(space), fields)
    last = {name: np.moveaxis(values, time, 0) for name, values in fields.items()}
    return write_mesh(path, *_mesh(space), last, axes[names[time]])


def write_mesh(
    path: Path,
    points: Float[np.ndarray, "n d"],
    cells: Int[np.ndarray, "m k"],
    kind: str,
    fields: Mapping[str, np.ndarray],
    times: Float[np.ndarray, " t"] | None = None,
) -> Path:
    """Write fields at the points of a mesh: one `.vtu`, or a `.pvd` with a `.vtu` for each time beside it.

    - `kind`: of the cells, by its name in meshio; `fields`: of shape ([times], points..., [components]).

    **Returns:** the file to open. **Raises:** `ImportError` without the extra `data`; `OSError`.
    """
    meshio = imported("meshio", "data")
    placed = np.pad(points, ((0, 0), (0, 3 - points.shape[1])))

    def write(file: Path, values: Mapping[str, np.ndarray]) -> None:
        data = {name: _column(v, len(points)) for name, v in values.items()}
        meshio.write(file, meshio.Mesh(placed, [(kind, cells)], point_data=data), file_format="vtu")

    path.parent.mkdir(parents=True, exist_ok=True)
    if times is None:
        file = path.with_suffix(".vtu")
        write(file, fields)
        return file
    folder = path.with_suffix("")
    folder.mkdir(exist_ok=True)
    root = ET.Element("VTKFile", type="Collection", version="0.1")
    collection = ET.SubElement(root, "Collection")
    for i, at in enumerate(times):
        file = folder / f"{i:05d}.vtu"
        write(file, {name: v[i] for name, v in fields.items()})
        ET.SubElement(collection, "DataSet", timestep=repr(float(at)), part="0", file=f"{folder.name}/{file.name}")
    index = path.with_suffix(".pvd")
    ET.ElementTree(root).write(index, encoding="utf-8", xml_declaration=True)
    return index


def _mesh(space: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, str]:
    """Points, the corners of each cell, and the kind of the cells."""
    shape = tuple(len(axis) for axis in space)
    points = np.stack([a.ravel() for a in np.meshgrid(*space, indexing="ij")], axis=-1)
    numbers = np.arange(points.shape[0]).reshape(shape)
    parts: list[Any] = [
        numbers[tuple(slice(c, n - 1 + c) for c, n in zip(corner, shape, strict=True))].ravel()
        for corner in _CORNERS[len(space)]
    ]
    return points, np.stack(parts, axis=-1), _CELLS[len(space)]


def _column(values: np.ndarray, count: int) -> np.ndarray:
    """Values at points; vectors of two components get a third, as VTK wants."""
    flat = values.reshape(count, -1)
    return flat[:, 0] if flat.shape[1] == 1 else np.pad(flat, ((0, 0), (0, max(3 - flat.shape[1], 0))))
