"""The number of points of each condition."""

import math
from collections.abc import Mapping

from .._base.arguments import is_whole
from ..equations.mistakes import ProblemError
from ..equations.problem import Problem

MOST = 2**24
"""Largest number of points of a condition: more hardly fit in memory, and redrawing is the better way to use more."""


def point_counts(problem: Problem, points: int | Mapping[str, int] | None = None) -> dict[str, int]:
    """Number of points of each condition.

    - `points`: a number for the conditions of full dimension (those of lower dimension get an eighth of it), a mapping
      from conditions to numbers, or None for the defaults. Finite sets keep all their points.

    **Raises:** `ProblemError` for an unknown condition, and for a number that is too small for its region.
    """
    named = dict(points) if isinstance(points, Mapping) else {}
    if unknown := sorted(set(named) - set(problem.conditions)):
        raise ProblemError(
            f"points are given for unknown condition(s) {unknown}; "
            f"problem '{problem.name}' has {list(problem.conditions)}"
        )
    full = points if points is not None and not isinstance(points, Mapping) else _DEFAULT[problem.domain.dimension > 1]
    if not is_whole(full, 1, MOST):
        raise ProblemError(f"a number of points must be a whole number from 1 to {MOST:,}, got {full!r}")
    counts = {}
    for name, condition in problem.conditions.items():
        region = condition.on
        share = full if region.dimension == problem.domain.dimension else max(region.least, round(full / 8))
        count = region.count if region.count is not None else named.get(name, share)
        if not is_whole(count, region.least, max(MOST, region.least)):
            raise ProblemError(
                f"condition '{name}' of problem '{problem.name}' needs {region.least} to {MOST:,} points, got {count!r}"
            )
        counts[name] = int(count)
    return counts


def counts_of_rows(problem: Problem, rows: float | int) -> dict[str, int]:
    """Number of points of each condition such that those of full dimension have `rows` residuals in total.

    Parts of the boundary of a shape have at least points of the same spacing as the interior.
    """
    interior = [name for name, c in problem.conditions.items() if c.on.dimension == problem.domain.dimension]
    full = math.ceil(rows / max(sum(problem.equation(name).size for name in interior), 1))
    spacing = lambda domain: (domain.measure / full) ** (1 / domain.dimension)
    counts = point_counts(problem, full)
    for name, condition in problem.conditions.items():
        own = problem.field_domains.of(problem.equation(name)) or problem.domain
        if condition.on.measure is not None and condition.on.count is None:
            even = math.ceil(condition.on.measure / spacing(own) ** condition.on.dimension)
            counts[name] = max(counts[name], min(even, full))
    return counts


_DEFAULT = {False: 128, True: 1500}  # interior points of problems with one coordinate, and with more
