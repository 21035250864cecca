"""Common conditions in one short line each. `Condition` alone can state all of them, and everything else.

A `value` is a number or a function whose arguments are named as those of a condition: coordinates, fields.
"""

import csv
import functools
import inspect
import itertools
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from .._base.arguments import is_positive, is_whole
from .._base.errors import InputError
from ..geometry.box import Box
from ..geometry.domain import TIME_NAMES
from ..geometry.point_set import PointSet
from ..geometry.product import Product
from ..geometry.region import AbstractRegion
from .calculus import jump, partial
from .condition import Condition
from .field import array_of
from .mistakes import ProblemError
from .symbols import current_frame

Value = float | Callable[..., Any]

MEASURED = "_measured"
"""Ending of the names of data columns, after the name of their field."""


def dirichlet(on: AbstractRegion, value: Value = 0.0, field: str = "u") -> Condition:
    """The field has a value on a region, `u = value`. A vector field takes a list of values."""
    return _condition(on, lambda named: [_less(named[field], named(value))], field, value)


def neumann(on: AbstractRegion, value: Value = 0.0, field: str = "u") -> Condition:
    """The field has an outward slope on a boundary, `∂u/∂n = value`."""
    return _condition(on, lambda named: [_slope(named, field) - named(value)], field, "normal", value)


def robin(on: AbstractRegion, a: Value, b: Value, value: Value = 0.0, field: str = "u") -> Condition:
    """A mixture on a boundary, `a u + b ∂u/∂n = value`, as where heat is lost to the surroundings."""
    residual = lambda named: [named(a) * named[field] + named(b) * _slope(named, field) - named(value)]
    return _condition(on, residual, field, "normal", a, b, value)


def interface(on: AbstractRegion, first: str, second: str, k_first: Value = 1.0, k_second: Value = 1.0) -> Condition:
    """Two fields meet on a boundary with equal values and fluxes, `k_first ∂first/∂n = k_second ∂second/∂n`."""

    def residual(named: "_Named") -> list[Any]:
        fluxes = [named(k) * _slope(named, name) for k, name in ((k_first, first), (k_second, second))]
        return [named[first] - named[second], fluxes[0] - fluxes[1]]

    return _condition(on, residual, first, second, "normal", k_first, k_second)


def initial(domain: Box | Product, value: Value = 0.0, velocity: Value | None = None, field: str = "u") -> Condition:
    """The field, and its rate if `velocity` is given, when time begins."""
    time = [name for name in domain.coordinates if name in TIME_NAMES]
    if len(time) != 1:
        raise ProblemError(f"an initial condition needs one coordinate named t or time, got {list(domain.coordinates)}")

    def residual(named: "_Named") -> list[Any]:
        rate = [] if velocity is None else [_less(partial(named[field], time[0]), named(velocity))]
        return [_less(named[field], named(value)), *rate]

    return _condition(domain.start(time[0]), residual, field, value, velocity)


def periodic(domain: Box, coordinate: str, order: int = 0) -> Condition:
    """All fields, and their derivatives by `coordinate` up to `order`, agree on both faces of `coordinate`.

    An equation of order m in that coordinate takes `order` m − 1.

    **Raises:** `ValueError` for a coordinate that the domain does not have; `ProblemError` for another order.
    """
    if not isinstance(domain, Box):
        raise ProblemError(f"a periodic condition holds on faces of a `Box`, got {type(domain).__name__}")
    if not is_whole(order, 0):
        raise ProblemError(f"the `order` of a periodic condition is a whole number ≥ 0, got {order!r}")
    face, upper = domain.lower_face(coordinate), domain.upper[domain.coordinates.index(coordinate)]
    return Condition(lambda: jump(coordinate, upper, order), on=face)


def integral(
    domain: Box, value: Value, density: Callable[[Any], Any] | None = None, field: str = "u", nodes: int = 32
) -> Condition:
    """The integral over space, `∫ density(u) = value`, at every time if the domain has time.

    - `density`: a function of an array of values of the field, such as `lambda u: u**2`; by default the field itself;
    - `nodes`: of Gauss-Legendre quadrature along each space coordinate.
    """
    if not is_whole(nodes, 1) or nodes ** len(domain.space) > 2**16:
        raise ProblemError(f"an integral takes 1 to {2**16} nodes in all, got {nodes!r} for each of {domain.space}")
    axes = [domain.coordinates.index(name) for name in domain.space]
    unit, weight = np.polynomial.legendre.leggauss(nodes)
    low, span = domain.lower[axes], (domain.upper - domain.lower)[axes]
    grid = np.stack(np.meshgrid(*[unit] * len(axes), indexing="ij"), axis=-1).reshape(-1, len(axes))
    places = dict(zip(domain.space, (low + span * (grid + 1) / 2).T, strict=True))
    weights = np.prod(np.meshgrid(*(s / 2 * weight for s in span), indexing="ij"), axis=0).ravel()

    def residual(named: "_Named") -> list[Any]:
        values = named[field](**places).value
        return [jnp.tensordot(weights, values if density is None else density(values), axes=1) - named(value)]

    has_time = len(axes) < domain.dimension
    corner = dict(zip(domain.coordinates, domain.lower.tolist(), strict=True))
    return _condition(domain.lower_face(domain.space[0]) if has_time else PointSet(corner), residual, field, value)


def complementarity(on: AbstractRegion, first: Value, second: Value, smoothing: float = 1e-6) -> Condition:
    """`first ≥ 0`, `second ≥ 0` and one of them zero at each point, as where an obstacle is touched or not.

    Written as a + b − √(a² + b² + 2 smoothing²) = 0: then ab = smoothing².
    Fischer, *A special Newton-type optimization method*, Optimization 24, 1992.
    """
    if not is_positive(smoothing):
        raise ProblemError(f"the `smoothing` of a complementarity condition is a number > 0, got {smoothing!r}")

    def residual(named: "_Named") -> list[Any]:
        a, b = named(first), named(second)
        return [a + b - jnp.sqrt(a * a + b * b + 2 * smoothing**2)]

    return _condition(on, residual, first, second)


def smooth(on: AbstractRegion, field: str, order: int = 2) -> Condition:
    """A prior: the derivatives of a field of this order in space are small, as far as equations and data allow.

    For an unknown function; order 2 makes it a smoothing spline, whose smoothness is found from the data by cross-
    validation. The mean square of all its derivatives of this order counts, which does not depend on the axes.
    Wahba, *Spline models for observational data*, SIAM 1990.
    """
    if not is_whole(order, 1):
        raise ProblemError(f"the `order` of a smoothness prior is a whole number ≥ 1, got {order!r}")

    def residual(named: "_Named") -> list[Any]:
        space, rows = current_frame().space, list[Any]()
        for axes in itertools.combinations_with_replacement(space, order):
            times = math.factorial(order) / math.prod(math.factorial(axes.count(name)) for name in space)
            derivative = functools.reduce(partial, axes, named[field])
            rows.append(math.sqrt(times) * array_of(derivative))
        return rows

    return replace(_condition(on, residual, field), prior=True)


def data(
    path: str | os.PathLike[str],
    domain: Box,
    fields: Sequence[str] = ("u",),
    columns: Mapping[str, str] | None = None,
    sigma: float | None = None,
) -> Condition:
    """Fields have the values of a CSV file at its points: a header, then one point a line.

    - `columns`: from names of coordinates and fields to names in the header, where they differ;
    - `sigma`: standard deviation of the errors of the values, see `Condition`.

    **Raises:** `InputError` for a file that is missing, lacks a column, or holds something else than numbers.
    """
    names = {name: (columns or {}).get(name, name) for name in (*domain.coordinates, *fields)}
    if unknown := sorted(set(columns or {}) - set(names)):
        raise InputError(f"`columns` renames {unknown}; the coordinates and fields are {list(names)}")
    table = _read(Path(path), list(names.values()))
    places = {name: table[names[name]] for name in domain.coordinates}
    measured = {f"{field}{MEASURED}": table[names[field]] for field in fields}
    residual = lambda named: [_less(named[field], named[f"{field}{MEASURED}"]) for field in fields]
    return replace(_condition(PointSet(places, **measured), residual, *fields, *measured), sigma=sigma)


def _read(path: Path, names: list[str]) -> dict[str, np.ndarray]:
    """Columns of a CSV file."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header, *rows = [row for row in csv.reader(file) if row] or [[]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"'{path}' cannot be read as CSV: {error}") from None
    header = [name.strip() for name in header]
    if missing := [name for name in names if name not in header]:
        raise InputError(f"'{path}' has no column(s) {missing}; its header is {header}")
    if not rows:
        raise InputError(f"'{path}' has a header but no rows")
    return {
        name: np.array([_number(path, i, row, header.index(name)) for i, row in enumerate(rows, 1)]) for name in names
    }


def _number(path: Path, number: int, row: list[str], column: int) -> float:
    try:
        value = float(row[column])
    except (IndexError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        got = f"'{row[column]}'" if column < len(row) else "nothing"
        raise InputError(f"row {number} of '{path}' has {got} in column {column + 1}, which is no finite number")
    return value


class _Named(dict[str, Any]):
    """What a residual has got, by name; called with a value, the value at the point."""

    def __call__(self, value: Any) -> Any:
        return array_of(value(**{name: self[name] for name in _needs(value)}) if callable(value) else value)


def _condition(on: AbstractRegion, residual: Callable[[_Named], list[Any]], *needs: Any) -> Condition:
    """A condition whose residual takes the names in `needs` and those that the values in it take."""
    names = dict.fromkeys(name for need in needs for name in ([need] if isinstance(need, str) else _needs(need)))

    def wanted(**named: Any) -> list[Any]:
        return residual(_Named(named))

    parameters = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in names]
    wanted.__signature__ = inspect.Signature(parameters)  # pyright: ignore[reportFunctionMemberAccess]
    wanted.__qualname__ = residual.__qualname__
    return Condition(wanted, on=on)


def states(function: Callable[..., Condition], condition: Condition) -> bool:
    """Whether a condition was made by a function of this module, such as `data`."""
    residual = condition.residual
    name = f"{function.__qualname__}.<locals>"
    return getattr(residual, "__module__", "") == __name__ and residual.__qualname__.startswith(name)


def _needs(value: Any) -> list[str]:
    return list(inspect.signature(value).parameters) if callable(value) else []


def _less(field: Any, value: Any) -> Any:
    return array_of(field) - jnp.asarray(array_of(value) if not isinstance(value, list | tuple) else value, float)


def _slope(named: _Named, field: str) -> Any:
    """∂u/∂n over the space coordinates."""
    frame, normal, of = current_frame(), named["normal"], named[field]
    space = [(i, name) for i, name in enumerate(frame.coordinates) if name in frame.space]
    return sum((array_of(partial(of, name)) * normal[i] for i, name in space), start=jnp.zeros(()))
