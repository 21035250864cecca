"""A solution on the part of its domain that a picture shows."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float

from .._base.errors import InputError
from ..drawing.style import limits
from ..equations.problem import Problem
from ..geometry.domain import TIME_NAMES
from .grids import points_at

NODES = {1: 401, 2: 161}
"""Points along each coordinate of a picture, by the number of coordinates that it shows."""

TIMES = 3
"""Values of a third coordinate at which a picture shows the fields if none are given."""

Fields: TypeAlias = Callable[[np.ndarray], dict[str, np.ndarray]]
"""The fields at points of shape `(n, d)`."""


@dataclass(frozen=True)
class Slices:
    """Components of fields over one or two free coordinates, for each of several values of the others.

    - `free`: names and values of the free coordinates; `fixed`: values of the others, one table for each slice;
    - `values`, `reference`: by component, of shape `(slices, *grid)`; `reference` has those with a reference;
    - `titles`, `units`: of the names that have any.
    """

    free: dict[str, Float[np.ndarray, " n"]]
    fixed: list[dict[str, float]]
    values: dict[str, np.ndarray]
    reference: dict[str, np.ndarray]
    titles: dict[str, str]
    units: dict[str, str]

    def only(self, number: int) -> "Slices":
        """One of the slices, without its reference."""
        values = {name: values[[number]] for name, values in self.values.items()}
        return dataclasses.replace(self, fixed=[self.fixed[number]], values=values, reference={})

    @property
    def scales(self) -> dict[str, tuple[float, float]]:
        """The smallest and the largest value of each component."""
        return {name: limits(values) for name, values in self.values.items()}

    @property
    def table(self) -> dict[str, np.ndarray]:
        """One row for each point: coordinates, components and their reference."""
        mesh = np.meshgrid(*self.free.values(), indexing="ij")
        columns = {name: np.tile(axis.ravel(), len(self.fixed)) for name, axis in zip(self.free, mesh, strict=True)}
        for name in self.fixed[0]:
            columns[name] = np.repeat([values[name] for values in self.fixed], mesh[0].size)
        references = {f"{name}_reference": values for name, values in self.reference.items()}
        return {**columns, **{name: values.ravel() for name, values in {**self.values, **references}.items()}}


def slices(problem: Problem, fields: Fields, field: str | None, fixed: Mapping[str, Any]) -> Slices:
    """The slices of a solution: `fields` evaluates it at points, `fixed` are values of some coordinates.

    **Raises:** `InputError` for unknown names, or if more than two coordinates remain.
    """
    domain = problem.domain
    if unknown := sorted(set(fixed) - set(domain.coordinates)):
        raise InputError(f"`plot` fixes unknown coordinate(s) {unknown}; there are {list(domain.coordinates)}")
    if field is not None and field not in problem.field_sizes:
        raise InputError(f"problem '{problem.name}' has no field '{field}'; there are {list(problem.field_sizes)}")
    free = [name for name in domain.coordinates if name not in fixed]
    if len(free) == 3 and not fixed:
        cut = next((name for name in free if name in TIME_NAMES), free[-1])
        axis = domain.coordinates.index(cut)
        fixed = {cut: _spread(domain.lower[axis], domain.upper[axis], cut in TIME_NAMES)}
        free.remove(cut)
    if len(free) not in NODES:
        raise InputError(
            f"a picture shows one or two coordinates; {len(free)} of {', '.join(domain.coordinates)} are free: "
            + (f"fix others, as in `plot({free[-1]}=0.5)`" if free else "leave one of them out")
        )
    span = {name: domain.coordinates.index(name) for name in free}
    axes = {name: np.linspace(domain.lower[i], domain.upper[i], NODES[len(free)]) for name, i in span.items()}
    tables = _tables(fixed)
    points = np.concatenate([_grid(domain.coordinates, axes, table) for table in tables])
    shape = (len(tables), *(len(axis) for axis in axes.values()))
    names = list(problem.field_sizes) if field is None else [field]
    found, reference = fields(points), problem.evaluate_reference(points) or {}
    components = lambda given: dict(_components(given, [name for name in names if name in given], shape))
    return Slices(axes, tables, components(found), components(reference), problem.titles, dict(problem.units))


def _spread(low: float, high: float, has_ends: bool) -> np.ndarray:
    """Values of a coordinate: initial, middle and final time; in space not the faces, where values are often known."""
    return np.linspace(low, high, TIMES) if has_ends else np.linspace(low, high, TIMES + 2)[1:-1]


def _tables(fixed: Mapping[str, Any]) -> list[dict[str, float]]:
    """The fixed coordinates of each slice; values broadcast against each other."""
    if not fixed:
        return [{}]
    points, _ = points_at(tuple(fixed), fixed, "a picture")
    return [dict(zip(fixed, row, strict=True)) for row in points.tolist()]


def _grid(names: tuple[str, ...], axes: Mapping[str, np.ndarray], fixed: Mapping[str, float]) -> np.ndarray:
    mesh = np.meshgrid(*(axes[name] if name in axes else np.array([fixed[name]]) for name in names), indexing="ij")
    return np.stack([axis.ravel() for axis in mesh], axis=-1)


def _components(
    fields: Mapping[str, np.ndarray], names: list[str], shape: tuple[int, ...]
) -> Iterator[tuple[str, np.ndarray]]:
    for name in names:
        values = fields[name]
        if values.ndim == 1:
            yield name, values.reshape(shape)
            continue
        for i in range(values.shape[1]):
            yield f"{name}[{i}]", values[:, i].reshape(shape)
