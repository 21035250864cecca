"""Whether data have errors: given ones, or a difference from the reference."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from ..equations.problem import Problem
from ..equations.symbols import Symbol

EXACT = 1e-6
"""Data that differ from the reference by less, relative to their own size, are exact values."""


def has_noise(problem: Problem) -> bool:
    """Whether some measured values have errors, as `sigma` or the reference says; False if neither does."""
    return any(bool(condition.sigma) or _differs(problem, name) for name, condition in problem.measured.items())


def _differs(problem: Problem, name: str) -> bool:
    """Whether the reference leaves a part of a condition at data that takes values of fields only."""
    equation, region = problem.equation(name), problem.conditions[name].on
    kinds = {symbol.kind for symbol in equation.symbols}
    known = None if region.given is None else problem.evaluate_reference(region.given)
    if known is None or kinds - {"field", "column", "coordinate"} or equation.elsewhere:
        return False
    if any(s.kind == "field" and (any(s.orders) or s.name not in known) for s in equation.symbols):
        return False
    places = region.points(jnp.zeros((region.least, 0)))
    coordinates = dict(zip(problem.domain.coordinates, jnp.asarray(places.coordinates).T, strict=True))
    of_kind: Mapping[str, Mapping[str, object]] = {"field": known, "column": places.columns, "coordinate": coordinates}
    values: dict[Symbol, object] = {s: jnp.asarray(of_kind[s.kind][s.name]) for s in equation.symbols}
    residual = jax.vmap(lambda own: equation(own, lambda symbol, point: point[0]))(values)
    size = max(float(np.abs(np.asarray(column)).max()) for column in places.columns.values())
    return bool(np.abs(np.asarray(residual)).max() > EXACT * size)
