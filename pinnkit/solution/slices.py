"""A solution on the part of its domain that a picture shows."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float

from .._base.errors import InputError
from ..drawing.style import limits
from ..equations.problem import Problem
from ..geometry.domain import TIME_NAMES, AbstractDomain
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
    - `titles`, `units`: of the names that have any;
    - `places`: coordinates that follow from a free one that is no coordinate, such as an arc length.
    """

    free: dict[str, Float[np.ndarray, " n"]]
    fixed: list[dict[str, float]]
    values: dict[str, np.ndarray]
    reference: dict[str, np.ndarray]
    titles: dict[str, str]
    units: dict[str, str]
    places: dict[str, Float[np.ndarray, " n"]] = field(default_factory=dict)

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
        columns |= {name: np.tile(axis, len(self.fixed)) for name, axis in self.places.items()}
        for name in self.fixed[0]:
            columns[name] = np.repeat([values[name] for values in self.fixed], mesh[0].size)
        references = {f"{name}_reference": values for name, values in self.reference.items()}
        return {**columns, **{name: values.ravel() for name, values in {**self.values, **references}.items()}}


def slices(problem: Problem, fields: Fields, field: str | None, fixed: Mapping[str, Any]) -> list[Slices]:
    """The slices of a solution: `fields` evaluates it at points, `fixed` are values of some coordinates.

    Three coordinates in space give three of them, the planes through the middle of the domain.

    **Raises:** `InputError` for unknown names, or if more than two coordinates remain.
    """
    domain = problem.domain
    check_names(problem, field, fixed)
    free, tables = [name for name in domain.coordinates if name not in fixed], tables_of(fixed)
    if len(free) == 3 and set(free) == set(domain.space) and len(tables) == 1:
        middle = {name: float(domain.lower[i] + domain.upper[i]) / 2 for i, name in enumerate(domain.coordinates)}
        cuts = [{cut: middle[cut], **tables[0]} for cut in reversed(free)]
        return [_over(problem, fields, field, [cut]) for cut in cuts]
    if len(free) == 3 and not fixed:
        tables = tables_of(spread(domain, next((name for name in free if name not in domain.space), free[-1])))
    elif len(free) not in NODES:
        raise InputError(
            f"a picture shows one or two coordinates; {len(free)} of {', '.join(domain.coordinates)} are free: "
            + (f"fix others, as in `plot({free[-1]}=0.5)`" if free else "leave one of them out")
        )
    return [_over(problem, fields, field, tables)]


def _over(problem: Problem, fields: Fields, field: str | None, tables: list[dict[str, float]]) -> Slices:
    """The slices at fixed coordinates."""
    domain = problem.domain
    free = {name: i for i, name in enumerate(domain.coordinates) if name not in tables[0]}
    axes = {name: np.linspace(domain.lower[i], domain.upper[i], NODES[len(free)]) for name, i in free.items()}
    points = np.concatenate([_grid(domain.coordinates, axes, table) for table in tables])
    shape = (len(tables), *(len(axis) for axis in axes.values()))
    names = list(problem.field_sizes) if field is None else [field]
    found, reference = fields(points), problem.evaluate_reference(points) or {}
    parts = lambda given: dict(components(given, [name for name in names if name in given], shape))
    return Slices(axes, tables, parts(found), parts(reference), problem.titles, dict(problem.units))


def check_names(problem: Problem, field: str | None, fixed: Mapping[str, Any]) -> None:
    """**Raises:** `InputError` for a field or coordinates that the problem does not have."""
    coordinates = problem.domain.coordinates
    if unknown := sorted(set(fixed) - set(coordinates)):
        raise InputError(f"`plot` fixes unknown coordinate(s) {unknown}; there are {list(coordinates)}")
    if field is not None and field not in problem.field_sizes:
        raise InputError(f"problem '{problem.name}' has no field '{field}'; there are {list(problem.field_sizes)}")


def spread(domain: AbstractDomain, name: str) -> dict[str, np.ndarray]:
    """Values of a coordinate: initial, middle and final time; otherwise not the ends, where values are often known."""
    axis = domain.coordinates.index(name)
    low, high = domain.lower[axis], domain.upper[axis]
    return {name: np.linspace(low, high, TIMES) if name in TIME_NAMES else np.linspace(low, high, TIMES + 2)[1:-1]}


def tables_of(fixed: Mapping[str, Any]) -> list[dict[str, float]]:
    """The fixed coordinates of each slice; values broadcast against each other."""
    if not fixed:
        return [{}]
    points, _ = points_at(tuple(fixed), fixed, "a picture")
    return [dict(zip(fixed, row, strict=True)) for row in points.tolist()]


def _grid(names: tuple[str, ...], axes: Mapping[str, np.ndarray], fixed: Mapping[str, float]) -> np.ndarray:
    mesh = np.meshgrid(*(axes[name] if name in axes else np.array([fixed[name]]) for name in names), indexing="ij")
    return np.stack([axis.ravel() for axis in mesh], axis=-1)


def components(
    fields: Mapping[str, np.ndarray], names: list[str], shape: tuple[int, ...]
) -> Iterator[tuple[str, np.ndarray]]:
    """The components of fields by name, as `u` or `v[0]`, each in this shape."""
    for name in names:
        values = fields[name]
        if values.ndim == 1:
            yield name, values.reshape(shape)
            continue
        for i in range(values.shape[1]):
            yield f"{name}[{i}]", values[:, i].reshape(shape)
