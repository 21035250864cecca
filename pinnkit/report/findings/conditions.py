"""Rules about declared conditions: violated, badly scaled, unsatisfied, or contradicted by the reference."""

import math
from typing import NamedTuple

from ..._base.numbers import number, of, percent, point
from ...diagnostics.condition_check import SMALL, RowCheck
from ...runs.decisions import Doubt
from ...runs.run_folder import Run
from ..levels import NOISE, is_small, violated, worst_error
from ..verdict import Grade, grade, is_healthy
from .finding import Finding, Rule, listed

UNSEEN = 1e-4
"""Scaling is poor if a relative residual of 1 in a row adds as little to the loss as this one in another row."""

AMPLIFIED = 10.0
"""A solution that is roughly right may have an error of this multiple of its largest relative residual."""

MOST_NAMED = 4
"""Most rows named in a sentence."""


class _Row(NamedTuple):
    """A row of a condition in the loss; `seen` squared is the loss due to a residual as large as its terms."""

    condition: str
    number: int | None
    check: RowCheck
    is_large: bool
    seen: float

    def __str__(self) -> str:
        return f"'{self.condition}'" if self.number is None else f"row {self.number} of '{self.condition}'"


def violated_condition(run: Run) -> Finding | None:
    """A hard constraint that does not hold, or a condition that is not finite, however small the loss."""
    names, conditions = violated(run), run.summary.conditions
    if not names:
        return None
    parts = [f"'{name}' {_violation(conditions[name].rows)}" for name in names[:MOST_NAMED]]
    built_in = [name for name in names if any(row.hard for row in conditions[name].rows)]
    where = listed([repr(name) for name in built_in or names])
    action = (
        f"Train with `constraints='soft'`, or check the values and the region of {where}."
        if built_in
        else f"Look for divisions by zero, roots and logarithms in {where}."
    )
    subject = "A condition does" if len(names) == 1 else "Conditions do"
    title = f"{subject} not hold: {listed([repr(name) for name in names])}"
    return Finding("problem", title, f"{'; '.join(parts)}.", action)


def poor_scaling(run: Run) -> Finding | None:
    """Rows with terms so small, or weights so low, that the loss hardly depends on them."""
    rows = _rows(run)
    if is_healthy(run) or not rows:
        return None
    most = max(rows, key=lambda row: row.seen)
    unseen = sorted((row for row in rows if row.is_large and row.seen < UNSEEN * most.seen), key=lambda row: row.seen)
    if not unseen:
        return None
    parts = [
        f"{row} has terms of size {number(row.check.scale)} and a residual of {of(row.check.relative, 'that')}"
        for row in unseen[:MOST_NAMED]
    ]
    reason = "; ".join(parts)
    part = (unseen[0].seen / most.seen) ** 2
    return Finding(
        "warning",
        f"Poor scaling: the loss hardly depends on {listed([str(row) for row in unseen[:MOST_NAMED]])}",
        f"{reason[0].upper()}{reason[1:]}. A residual as large as its terms in {unseen[0]} adds only {number(part)} "
        f"times as much to the loss as one in {most}, with terms of size {number(most.check.scale)}.",
        f"Divide each row by the size of its terms ({_sizes(run, unseen[0].condition)}), or write the problem in "
        "units in which all fields and coordinates are of order 1.",
    )


def disagreement(run: Run) -> Finding | None:
    """Small residuals everywhere, but a large error."""
    error, checks = worst_error(run), run.summary.conditions
    if error is None or grade(run) not in (Grade.ROUGH, Grade.UNSOLVED) or not checks:
        return None
    if not all(is_small(check) for check in checks.values()):
        return None
    name = max(checks, key=lambda name: checks[name].worst.relative)
    if grade(run) is Grade.ROUGH and error.value < AMPLIFIED * checks[name].worst.relative:
        return None
    return Finding(
        "warning",
        "All conditions are satisfied, but the solution differs from the reference",
        f"{error.kind[0].upper()}{error.kind[1:]} is {number(error.value)} in '{error.field}', although no residual "
        f"exceeds {of(checks[name].worst.relative, 'its terms')} (largest in '{name}').",
        "Check that the reference solves this problem and that the conditions determine its solution; look for "
        "coefficients that jump under a derivative, and for length or time scales much finer than the spacing of the "
        "points.",
    )


def unsatisfied_conditions(run: Run) -> Finding | None:
    """Rows that are large relative to their own terms, and the points where they are largest."""
    if is_healthy(run) or grade(run) is Grade.BROKEN_DOWN:
        return None
    large = {name: check.worst for name, check in run.summary.conditions.items() if check.holds and not is_small(check)}
    if not large:
        return None
    names = sorted(large, key=lambda name: -large[name].relative)[:MOST_NAMED]
    parts = [
        f"the residual of '{name}' is {of(large[name].relative, 'its terms')}, at most {number(large[name].largest)} "
        f"(at {point(large[name].at)})"
        for name in names
    ]
    reason = "; ".join(parts)
    return Finding(
        "info",
        f"Not satisfied: {listed([repr(name) for name in names])}",
        f"{reason[0].upper()}{reason[1:]}.",
        f"A condition counts as satisfied below {percent(SMALL)} of its terms, {percent(NOISE)} for measured values.",
    )


def lost_flux(run: Run) -> Finding | None:
    """A jump at which the equations do not imply continuity of the flux."""
    doubts = [decision.text for decision in run.history.decisions if isinstance(decision, Doubt)]
    if not doubts:
        return None
    return Finding(
        "warning",
        "A flux condition may be lost at a jump",
        f"{doubts[0][0].upper()}{doubts[0][1:]}.",
        "Small residuals prove nothing there. Check the solution near the jump; smooth the jump, or make the flux a "
        "field of its own.",
    )


CONDITION_RULES: tuple[Rule, ...] = (
    violated_condition,
    lost_flux,
    poor_scaling,
    disagreement,
    unsatisfied_conditions,
)


def _violation(rows: tuple[RowCheck, ...]) -> str:
    """What the row does that is not finite, or else the built-in row with the largest residual."""
    size = lambda row: math.inf if math.isnan(row.largest) else row.largest
    row = max(rows, key=lambda row: (not math.isfinite(row.largest), row.hard, size(row)))
    if not math.isfinite(row.largest):
        return f"is not finite at {point(row.at)}"
    built = "is built into the network, but " if row.hard else ""
    return f"{built}its residual is {number(row.largest)} at {point(row.at)}, with terms of size {number(row.scale)}"


def _rows(run: Run) -> list[_Row]:
    """The rows of all conditions in the loss."""
    out = []
    for name, weight in run.summary.weights.items():
        check = run.summary.conditions[name]
        limit = math.inf if check.prior else NOISE if check.measured else SMALL
        for i, row in ((i, row) for i, row in enumerate(check.rows) if not row.hard):
            number = i + 1 if len(check.rows) > 1 else None
            seen = math.sqrt(weight / len(check.rows)) * row.scale
            out.append(_Row(name, number, row, not row.relative <= limit, seen))
    return [row for row in out if math.isfinite(row.seen) and row.seen > 0]


def _sizes(run: Run, condition: str) -> str:
    rows = run.summary.conditions[condition].rows[:MOST_NAMED]
    return f"of '{condition}': {', '.join(number(row.scale) for row in rows)}"
