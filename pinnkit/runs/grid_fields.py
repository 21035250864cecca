"""The fields on the test grid, beside the reference."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from .data_points import DataPoints, pack_data_points, unpack_data_points
from .storage.named_arrays import Variable, Variables, variable, words

GRID = "grid/"
"""Prefix of these variables in the file of a history."""


@dataclass
class GridFields:
    """The solution on a test grid, for pictures: coordinates `(n, d)`, fields `(n,)` or `(n, m)`.

    `shape` is that of the tensor grid behind the rows, empty where the points form none. With `triangles` over the
    first two coordinates, its first entry is the number of their corners. `data` are the measured values by condition.
    """

    coordinates: tuple[str, ...]
    points: Float[np.ndarray, "n d"]
    shape: tuple[int, ...]
    fields: dict[str, np.ndarray]
    reference: dict[str, np.ndarray]
    triangles: Int[np.ndarray, "m 3"] = field(default_factory=lambda: np.zeros((0, 3), int))
    data: dict[str, DataPoints] = field(default_factory=dict)

    @property
    def axes(self) -> list[np.ndarray]:
        """The values of each coordinate on the grid."""
        return [np.unique(self.points[:, i]) for i in range(len(self.coordinates))]


def pack_grid_fields(snapshot: GridFields) -> Variables:
    """Fields go by their numbers: names of files in an archive cannot be whatever a field is called."""
    out: Variables = {
        "coordinate": words(snapshot.coordinates, "coordinate"),
        "points": Variable(("point", "coordinate"), snapshot.points),
        "triangles": Variable(("triangle", "corner"), snapshot.triangles),
        "shape": variable(np.array(snapshot.shape, int), "axis"),
        "field": words(list(snapshot.fields), "field"),
        **pack_data_points(snapshot.data),
    }
    for number, name in enumerate(snapshot.fields):
        for kind, fields in (("solution", snapshot.fields), ("reference", snapshot.reference)):
            if name in fields:
                values = fields[name]
                out[f"{kind}/{number}"] = Variable(("point", "component")[: values.ndim], values)
    return out


def unpack_grid_fields(variables: Mapping[str, Variable]) -> GridFields:
    names = variables["field"].values.tolist()
    numbered = lambda kind: ((name, variables.get(f"{kind}/{i}")) for i, name in enumerate(names))
    fields = lambda kind: {name: v.values for name, v in numbered(kind) if v is not None}
    return GridFields(
        coordinates=tuple(variables["coordinate"].values.tolist()),
        points=variables["points"].values,
        shape=tuple(variables["shape"].values.tolist()),
        fields=fields("solution"),
        reference=fields("reference"),
        triangles=variables["triangles"].values,
        data=unpack_data_points(variables),
    )
