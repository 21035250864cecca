"""Periods that conditions declare, derived from the traced equations: fields equated on two opposite faces."""

import itertools
from collections.abc import Mapping, Sequence

from ..._base.tracing.dependence import KNOWN
from ..problem import Problem
from .face_values import Number, rows_of


def seams_of(problem: Problem, names: Sequence[str]) -> tuple[dict[int, int], tuple[str, ...]]:
    """Periodic axes with the highest order that is equated, and the conditions that declare them.

    An axis is periodic if every field is equated on its two faces with all derivatives up to one order less than the
    highest one in the equations: with fewer, the periodic continuation of a solution need not be smooth.
    """
    declaring = {name: found for name in names if (found := _equated(problem, name))}
    equated = set(itertools.chain(*declaring.values()))
    seams = {}
    for axis, coordinate in enumerate(problem.domain.coordinates):
        own, outputs = problem.field_domains.own, enumerate(problem.field_domains.outputs)
        declared = {i: _declared(equated, axis, i) for i, name in outputs if coordinate in own[name].coordinates}
        if not _is_common(problem, axis):
            continue
        if all(declared[i] >= max(order - 1, 0) for i, order in problem.highest_orders(axis).items() if i in declared):
            seams[axis] = max(declared.values())
    return seams, tuple(name for name, found in declaring.items() if all(axis in seams for axis, _, _ in found))


def _is_common(problem: Problem, axis: int) -> bool:
    """Whether the domains of all fields have the same extent along an axis."""
    ends = {(extent.lower[axis], extent.upper[axis]) for extent in problem.field_domains.extents.values()}
    return len(ends) == 1


def _declared(equated: set[tuple[int, int, int]], axis: int, output: int) -> int:
    """The order up to which all derivatives of an output are equated; −1 if its values are not."""
    return next(order for order in itertools.count() if (axis, output, order) not in equated) - 1


def _equated(problem: Problem, name: str) -> list[tuple[int, int, int]]:
    """(axis, output, order) of the numbers that the rows of a condition equate on two faces; empty unless all do."""
    box = problem.field_domains.of(problem.equation(name))
    faces = (None if box is None else problem.conditions[name].on.faces_of(box.bounds)) or ()
    found: list[tuple[int, int, int]] = []
    for face in faces:
        rows = rows_of(problem, name, face)
        if rows is None or not problem.equation(name).elsewhere:
            return []
        for row in range(problem.equation(name).size):
            if rows.constants.levels[row] != KNOWN or rows.constants.value[row] != 0:
                return []
            if slopes := rows.slope(row):
                if (pair := _pair(slopes, face.axis)) is None:
                    return []
                found.append(pair)
    return found


def _pair(slopes: Mapping[Number, float | None], axis: int) -> tuple[int, int, int] | None:
    """Axis, output and order of a number that a row equates on both sides."""
    if len(slopes) != 2 or None in slopes.values():
        return None
    (a, there), (b, here) = slopes.items()
    opposite = a._replace(side=b.side) == b and a.side != b.side and there == -(here or 0.0)
    return (axis, a.output, a.orders[axis]) if opposite and sum(a.orders) == a.orders[axis] else None
