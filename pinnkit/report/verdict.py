"""The verdict on a run: a grade, and a sentence with the figures behind it."""

import enum
import math

from .._base.numbers import count, number, of, point, share
from ..diagnostics.determinacy import FAR
from ..runs.run_folder import Run
from ..runs.stop_reason import StopReason
from .coefficients import coefficient
from .levels import (
    WorstError,
    correction,
    freedoms,
    is_small,
    is_undetermined,
    stopped_on_non_finite,
    violated,
    worst_error,
    worst_row,
    zero_ratio,
)

ACCURATE = 1e-3
"""A relative error below this cannot be seen in a plot."""

ROUGH = 5e-2
"""A relative error above this is visible in a plot: the result is not a solution."""

CONVERGED = 1e-6
"""Validation loss relative to that of a zero network: residuals are a thousandth of those without a solution."""

NEGLIGIBLE = 1e-6
"""If all residuals are below this share of their own terms, the loss of a zero network does not matter."""


class Grade(enum.Enum):
    """The outcome of a run.

    - `SOLVED`, `ROUGH`, `UNSOLVED`: by the error against a reference;
    - `CONVERGED`, `UNCONVERGED`: by the residuals, without a reference;
    - `UNDETERMINED`: the conditions have more than one solution;
    - `VIOLATED`: a declared condition does not hold or is not finite; `BROKEN_DOWN`: training was not finite.
    """

    BROKEN_DOWN = "broken down"
    VIOLATED = "violated"
    UNDETERMINED = "not determined"
    SOLVED = "solved"
    ROUGH = "solved roughly"
    UNSOLVED = "not solved"
    CONVERGED = "converged"
    UNCONVERGED = "not converged"


def grade(run: Run) -> Grade:
    """The outcome by the figures of a run, whatever its stop reason."""
    if stopped_on_non_finite(run):
        return Grade.BROKEN_DOWN
    if violated(run):
        return Grade.VIOLATED
    error = worst_error(run)
    if error is not None and not (is_undetermined(run) and error.value > ACCURATE):
        return _by_error(error.value)
    if is_undetermined(run):
        return Grade.UNDETERMINED
    return Grade.CONVERGED if _is_converged(run) else Grade.UNCONVERGED


def is_healthy(run: Run) -> bool:
    """Whether the run reached its aim, so that no advice is needed."""
    found, target = grade(run), run.config.get("target")
    if found is Grade.UNCONVERGED:
        return target is not None and run.summary.validation_loss <= target
    return found in (Grade.SOLVED, Grade.CONVERGED)


def verdict(run: Run) -> str:
    """The outcome of the run in words."""
    summary, found = run.summary, grade(run)
    after = f"after {count(summary.steps, 'step')} and {number(summary.seconds.total)} s"
    if found is Grade.BROKEN_DOWN:
        return f"Training broke down {after} ({summary.ending}). {_kept(run)} were kept."
    if found is Grade.VIOLATED:
        return f"{_violations(run)} The result {after} is not a solution.{_coefficients(run)}"
    if found is Grade.UNDETERMINED:
        return f"Not determined: {_freedoms(run)}. The result {after} is one of many solutions.{_coefficients(run)}"
    if (error := worst_error(run)) is not None:
        return f"{_STATES[found]}: {_error(run, error)} {after}.{_coefficients(run)}"
    state = _STATES[found]
    if found is Grade.UNCONVERGED and summary.stop_reason is StopReason.STALLED:
        state = "Stopped improving"
    ratio = zero_ratio(run)
    relative = f", {of(ratio, 'that of a zero network')}" if math.isfinite(ratio) else ""
    unchecked = "" if summary.determinacy else " Whether the conditions determine the solution was not checked."
    return (
        f"{state} {after}: the validation loss is {number(summary.validation_loss)}{relative}.{_residuals(run)} "
        f"The error is unknown without a reference.{unchecked}{_coefficients(run)}"
    )


_STATES = {
    Grade.SOLVED: "Solved",
    Grade.ROUGH: "Solved roughly",
    Grade.UNSOLVED: "Not solved",
    Grade.CONVERGED: "Converged",
    Grade.UNCONVERGED: "Not converged",
}


def _freedoms(run: Run) -> str:
    """The changes of the solution that no residual detects."""
    return f"{'; '.join(freedoms(run))} (no residual changes)"


def _by_error(error: float) -> Grade:
    return Grade.SOLVED if error <= ACCURATE else Grade.ROUGH if error <= ROUGH else Grade.UNSOLVED


def _is_converged(run: Run) -> bool:
    """Whether residuals are small relative to those of a zero network, every row relative to its own terms, and the
    estimated error relative to the spread of the solution.
    """
    if correction(run) > FAR:
        return False
    checks, ratio = run.summary.conditions, zero_ratio(run)
    if not all(is_small(check) for check in checks.values()):
        return False
    fits_data = not math.isfinite(ratio) and any(check.measured for check in checks.values())
    return (
        ratio <= CONVERGED
        or fits_data
        or all(check.worst.relative <= NEGLIGIBLE for check in checks.values() if not check.prior)
    )


def _violations(run: Run) -> str:
    """The declared conditions that do not hold, the first one with its residual."""
    names, conditions = violated(run), run.summary.conditions
    size = lambda row: math.inf if math.isnan(row.largest) else row.largest
    row = max(conditions[names[0]].rows, key=lambda row: (not math.isfinite(row.largest), row.hard, size(row)))
    listed = ", ".join(f"'{name}'" for name in names)
    figure = number(row.largest) if math.isfinite(row.largest) else "not finite"
    subject = f"Condition {listed} does" if len(names) == 1 else f"Conditions {listed} do"
    return f"{subject} not hold: the residual of '{names[0]}' is {figure} at {point(row.at)}."


def _error(run: Run, worst: WorstError) -> str:
    """The relative L2 error; the worst error too if it falls into another grade."""
    fields = run.summary.relative_l2 or {}
    in_field = lambda name: f" in {name}" if len(run.summary.max_error or {}) > 1 else ""
    if not fields:
        return f"{worst.kind}{in_field(worst.field)} is {number(worst.value)}"
    name = max(fields, key=lambda name: math.inf if math.isnan(fields[name]) else fields[name])
    l2 = f"the relative L2 error{in_field(name)} is {number(fields[name])}"
    if math.isnan(worst.value) or _by_error(worst.value) is _by_error(fields[name]):
        return l2
    return f"{worst.kind}{in_field(worst.field)} is {number(worst.value)}, {l2}"


def _residuals(run: Run) -> str:
    """A sentence on the residual that is largest relative to its own terms."""
    if (found := worst_row(run)) is None:
        return ""
    name, row = found
    figure = share(row.relative) if math.isfinite(row.relative) else "not finite"
    return f" The largest residual relative to its terms is {figure} (in '{name}')."


def _coefficients(run: Run) -> str:
    """A sentence on the unknown coefficients."""
    found = [f"{name} = {coefficient(run.summary, name)}" for name in run.summary.coefficient_intervals]
    return f" Estimated: {', '.join(found)}." if found else ""


def _kept(run: Run) -> str:
    kept = run.summary.kept_step
    return "The last finite parameters" if kept == run.summary.steps else f"The parameters of step {kept:,}"
