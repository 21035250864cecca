"""The fields on the test grid, beside the reference."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from ..diagnostics.condition_check import Scattered
from .data_points import DataPoints, pack_data_points, unpack_data_points
from .storage.named_arrays import Variable, Variables, variable, words

GRID = "grid/"
"""Prefix of these variables in the file of a history."""


@dataclass
class GridFields:
    """The solution on a test grid, for pictures: coordinates `(n, d)`, fields `(n,)` or `(n, m)`.

    `shape` is that of the tensor grid behind the rows, empty where the points form none. With `triangles` over the
    first two coordinates, its first entry is the number of their corners. Besides these, by condition: `collocation`,
    its final points, `residuals` at points that fill the domain evenly, and `data`, the measured values. `titles` are
    names with their labels and units.
    """

    coordinates: tuple[str, ...]
    points: Float[np.ndarray, "n d"]
    shape: tuple[int, ...]
    fields: dict[str, np.ndarray]
    reference: dict[str, np.ndarray]
    triangles: Int[np.ndarray, "m 3"] = field(default_factory=lambda: np.zeros((0, 3), int))
    collocation: dict[str, Float[np.ndarray, "k d"]] = field(default_factory=dict)
    residuals: dict[str, Scattered] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
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
    return {**out, **_pack_points(snapshot)}


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
        collocation={name: variables[f"collocation/{i}"].values for i, name in _numbered(variables, "collocation")},
        residuals={
            name: Scattered(variables[f"residual_points/{i}"].values, variables[f"residual/{i}"].values)
            for i, name in _numbered(variables, "residual")
        },
        titles=dict(zip(variables["titled"].values.tolist(), variables["title"].values.tolist(), strict=True)),
        data=unpack_data_points(variables),
    )


def _pack_points(snapshot: GridFields) -> Variables:
    """Points by the number of their condition."""
    at = lambda i, points: Variable((f"collocation_point_{i}", "coordinate"), points)
    out: Variables = {
        "collocation": words(list(snapshot.collocation), "collocation"),
        "residual": words(list(snapshot.residuals), "residual"),
        "titled": words(list(snapshot.titles), "titled"),
        "title": words(list(snapshot.titles.values()), "titled"),
        **{f"collocation/{i}": at(i, points) for i, points in enumerate(snapshot.collocation.values())},
    }
    for i, found in enumerate(snapshot.residuals.values()):
        out[f"residual_points/{i}"] = Variable((f"residual_point_{i}", "coordinate"), found.points)
        out[f"residual/{i}"] = Variable((f"residual_point_{i}", f"row_{i}"), found.values)
    return out


def _numbered(variables: Mapping[str, Variable], kind: str) -> list[tuple[int, str]]:
    return list(enumerate(variables[kind].values.tolist()))
