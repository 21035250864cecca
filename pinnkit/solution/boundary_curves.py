"""A solution, or an expression of it, along the boundary of a domain in the plane."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from .._base.errors import InputError
from ..equations.problem import Problem
from ..geometry.points import Points
from ..geometry.region import AbstractRegion
from .grids import points_of
from .slices import Slices, check_names, components, spread, tables_of

COUNT = 401
"""Points along a boundary, about."""

ARC = "arc length"

EXPRESSION = "expression"
"""The name of the values of an expression."""

Values: TypeAlias = Callable[[Points, AbstractRegion], dict[str, np.ndarray]]
"""Values by name at points of a region, which have normals."""


def along_boundary(
    problem: Problem,
    values: Values,
    field: str | Callable[..., Any] | None,
    along: AbstractRegion | str,
    fixed: Mapping[str, Any],
) -> Slices:
    """Values over the arc length of a part of the boundary, counterclockwise around the domain, for fixed values of the
    other coordinates; without these, at three times.

    - `values`: of all fields, with their references, or of the expression `field`;
    - `along`: the name of a part or of a condition, or a region.

    **Raises:** `InputError` for a region that does not consist of curves, and for fixed coordinates in space.
    """
    domain = problem.domain
    check_names(problem, None if callable(field) else field, fixed)
    region = _region(problem, along)
    trace, others = region.traced(COUNT), [name for name in domain.coordinates if name not in domain.space]
    if trace is None:
        raise InputError(
            f"a picture along the boundary needs curves in the plane; a {type(region).__name__} over "
            f"{', '.join(region.coordinates)} does not consist of them"
        )
    if not fixed and len(others) == 1:
        fixed = spread(domain, others[0])
    if set(fixed) != set(others):
        raise InputError(f"a picture along the boundary fixes {others or 'no coordinates'}; got {sorted(fixed)}")
    tables, is_known = tables_of(fixed), np.isfinite(trace.places).all(axis=1)
    rows = np.concatenate([_rows(domain.coordinates, domain.space, trace.places, table) for table in tables])
    normals = np.tile(
        _rows(domain.coordinates, domain.space, trace.normals, dict.fromkeys(others, 0.0)), (len(tables), 1)
    )
    kept, shape = np.tile(is_known, len(tables)), (len(tables), len(trace.arc))
    spreading = lambda found: {name: _filled(each, kept) for name, each in found.items()}
    found = spreading(values(points_of(rows[kept], normals[kept]), region))
    found = {field: found[field]} if isinstance(field, str) else found
    reference = spreading(problem.evaluate_reference(rows[kept]) or {})
    parts = lambda given: dict(components(given, [name for name in found if name in given], shape))
    places = dict(zip(domain.space, trace.places.T, strict=True))
    return Slices({ARC: trace.arc}, tables, parts(found), parts(reference), problem.titles, dict(problem.units), places)


def _region(problem: Problem, along: AbstractRegion | str) -> AbstractRegion:
    if not isinstance(along, str):
        return along
    if along in problem.domain.parts:
        return problem.domain.boundary(along)
    if along in problem.conditions:
        return problem.conditions[along].on
    raise InputError(
        f"problem '{problem.name}' has no part or condition '{along}'; its boundary has the parts "
        f"{list(problem.domain.parts)}"
    )


def _rows(
    names: tuple[str, ...], space: tuple[str, ...], places: np.ndarray, others: Mapping[str, float]
) -> np.ndarray:
    known = dict(zip(space, places.T, strict=True))
    return np.stack([known[name] if name in known else np.full(len(places), others[name]) for name in names], axis=-1)


def _filled(values: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Values with rows of NaN where none are kept."""
    found = np.full((len(kept), *values.shape[1:]), np.nan)
    found[kept] = values
    return found if found.ndim < 3 else found.reshape(len(found), -1)
