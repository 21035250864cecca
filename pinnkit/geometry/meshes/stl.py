"""Triangles of .stl files, in text or binary."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

HEADER = 80
"""Bytes before the number of triangles in a binary file."""

RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


class Triangles(NamedTuple):
    """Triangles with common corners, and those of each solid with a name."""

    points: Float[np.ndarray, "n 3"]
    faces: Int[np.ndarray, "m 3"]
    parts: dict[str, Int[np.ndarray, "k 3"]]


def read_stl(data: bytes) -> Triangles:
    """The triangles of a file, without those with an edge of length 0. **Raises:** `ValueError` for another file."""
    corners, names = _of_records(data) if _is_binary(data) else _of_text(data.decode())
    if not len(corners):
        raise ValueError("no triangles")
    points, number = np.unique(corners.reshape(-1, 3), axis=0, return_inverse=True)
    faces = number.reshape(-1, 3)
    kept = (faces != np.roll(faces, 1, axis=1)).all(axis=1)
    parts = {name: faces[kept & (names == name)] for name in dict.fromkeys(names.tolist()) if name}
    return Triangles(points, faces[kept], {name: rows for name, rows in parts.items() if len(rows)})


def _is_binary(data: bytes) -> bool:
    """By its length, as some binary files begin like those in text."""
    if len(data) < HEADER + 4:
        return False
    return len(data) == HEADER + 4 + RECORD.itemsize * int.from_bytes(data[HEADER : HEADER + 4], "little")


def _of_records(data: bytes) -> tuple[Float[np.ndarray, "m 3 3"], np.ndarray]:
    found = np.frombuffer(data, RECORD, offset=HEADER + 4)
    return found["corners"].astype(float), np.full(len(found), "")


def _of_text(text: str) -> tuple[Float[np.ndarray, "m 3 3"], np.ndarray]:
    name, names, corners = "", list[str](), list[list[float]]()
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["solid"]:
            name = " ".join(words[1:])
        elif words[:1] == ["facet"]:
            names.append(name)
        elif words[:1] == ["vertex"]:
            corners.append([float(word) for word in words[1:]])
    return np.array(corners).reshape(len(names), 3, 3), np.array(names)
