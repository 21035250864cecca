"""Set operations on closed surfaces."""

from typing import Any

import numpy as np
from jaxtyping import Float, Int

from ..._base.errors import InputError
from ..._base.lazy import imported
from .topology import at

Parts = dict[str, Int[np.ndarray, "m 3"]]
"""The faces of each part of a surface, directed outwards."""


def combined(
    operation: str, a: tuple[Float[np.ndarray, "n 3"], Parts], b: tuple[Float[np.ndarray, "k 3"], Parts]
) -> tuple[np.ndarray, np.ndarray, Parts] | None:
    """Vertices, faces and parts of the union, intersection or difference of two surfaces; None if it is empty.

    Faces keep the names of the parts that they come from. By manifold3d, with vertices in double precision.

    **Raises:** `InputError` for a surface that touches or intersects itself; `MissingPackageError` without the extra
    `geometry`.
    """
    manifold3d = imported("manifold3d", "geometry")
    first = int(manifold3d.Manifold.reserve_ids(len(a[1]) + len(b[1])))
    one, other = _solid(manifold3d, a, first), _solid(manifold3d, b, first + len(a[1]))
    found = {"|": lambda: one + other, "&": lambda: one ^ other, "-": lambda: one - other}[operation]()
    if found.is_empty():
        return None
    mesh, names = found.to_mesh64(), [*a[1], *b[1]]
    number = np.arange(len(mesh.vert_properties))
    number[mesh.merge_from_vert] = mesh.merge_to_vert
    faces = number[np.asarray(mesh.tri_verts, int)]
    ends = np.asarray(mesh.run_index, int) // 3
    parts = dict[str, list[np.ndarray]]()
    for begin, end, own in zip(ends[:-1], ends[1:], mesh.run_original_id, strict=True):
        if end > begin:
            parts.setdefault(names[int(own) - first], []).append(faces[begin:end])
    return np.asarray(mesh.vert_properties)[:, :3], faces, {name: np.concatenate(rows) for name, rows in parts.items()}


def _solid(manifold3d: Any, surface: tuple[np.ndarray, Parts], first: int) -> Any:
    vertices, parts = surface
    faces = np.concatenate(list(parts.values()))
    ends = np.cumsum([0, *map(len, parts.values())])
    mesh = manifold3d.Mesh64(
        vert_properties=np.ascontiguousarray(vertices),
        tri_verts=np.ascontiguousarray(faces, np.uint64),
        run_index=(3 * ends).astype(np.uint64),
        run_original_id=np.arange(first, first + len(parts), dtype=np.uint32),
    )
    found = manifold3d.Manifold(mesh)
    if found.status() != manifold3d.Error.NoError:
        place = f"from {at(vertices.min(axis=0))} to {at(vertices.max(axis=0))}"
        raise InputError(
            f"set operations take surfaces that do not touch or intersect themselves; that {place} does "
            f"({found.status().name})"
        )
    return found
