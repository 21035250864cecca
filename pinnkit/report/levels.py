"""How far a run got: its figures relative to their initial values, to rounding and to the terms of the equations."""

import math
from typing import NamedTuple

import numpy as np

from ..diagnostics.coefficient_interval import Withheld
from ..diagnostics.condition_check import SMALL, ConditionCheck, RowCheck
from ..diagnostics.record import Diagnostics
from ..runs.run_folder import Run
from ..runs.stop_reason import StopReason

TINY_LOSS = 1e-8
"""Ratio of loss to initial loss (residuals reduced by 1e-4) below which no remedy is needed."""

ROUNDING = 100.0
"""Residuals below this multiple of eps times their initial size are rounding error, amplified by derivatives."""

AT_ROUNDING = 10.0
"""A loss within this factor of the loss due to rounding alone cannot fall further."""

NOISE = 0.3
"""A row that compares with measured values, which may be noisy, is satisfied below this share of its largest term."""

FIRST_ORDER = ("adam", "ntk-adam", "soap", "ntk-soap", "gradient-descent", "optax")
"""Phases in which the eigenvalues of the kernel determine the progress of each mode."""


def is_first_order(run: Run) -> bool:
    return bool(run.history.phases) and run.history.phases[-1].name in FIRST_ORDER


def final_record(run: Run) -> Diagnostics | None:
    return run.history.diagnostics[-1] if run.history.diagnostics else None


def stopped_on_non_finite(run: Run) -> bool:
    return run.summary.stop_reason is StopReason.NOT_FINITE


class WorstError(NamedTuple):
    """The largest of all relative errors against the reference; `kind` names it in words."""

    value: float
    field: str
    kind: str


def worst_error(run: Run) -> WorstError | None:
    """None without a reference, or if the reference is zero."""
    summary = run.summary
    kinds = {
        "the relative L2 error": summary.relative_l2,
        "the L2 error relative to the spread of the reference": summary.relative_to_spread,
        "the largest error relative to the range of the reference": summary.relative_to_range,
    }
    errors = [WorstError(v, name, kind) for kind, found in kinds.items() for name, v in (found or {}).items()]
    return max(errors, key=lambda e: math.inf if math.isnan(e.value) else e.value, default=None)


def violated(run: Run) -> list[str]:
    """Conditions that are not finite, and hard constraints that do not hold."""
    return [name for name, check in run.summary.conditions.items() if not check.holds]


def is_small(check: ConditionCheck) -> bool:
    """Whether the largest row of a condition is small relative to its own terms."""
    return check.prior or check.worst.relative <= (NOISE if check.measured else SMALL)


def worst_row(run: Run) -> tuple[str, RowCheck] | None:
    """The condition and the row that is largest relative to its own terms, of equations."""
    rows = [(name, check.worst) for name, check in run.summary.conditions.items() if check.is_equation]
    return max(rows, key=lambda found: math.inf if math.isnan(found[1].relative) else found[1].relative, default=None)


def zero_ratio(run: Run) -> float:
    """The validation loss over that of a zero network, of equations: measured values may have noise."""
    s, checks = run.summary, run.summary.conditions
    others = sum(0.5 * w * s.validation_losses[name] for name, w in s.weights.items() if not checks[name].is_equation)
    zero = sum(0.5 * w * checks[name].zero for name, w in s.weights.items() if checks[name].is_equation)
    return ratio_of(max(s.validation_loss - others, 0.0), zero)


def first_loss(run: Run) -> float:
    return float(run.history.loss[0]) if run.history.loss.size else math.nan


def left_of(run: Run, condition: str) -> float:
    """The final mean squared residual of a condition over its initial value."""
    first = run.history.losses[condition]
    return ratio_of(run.summary.losses[condition], float(first[0])) if first.size else math.nan


def has_loss_left(run: Run) -> bool:
    return ratio_of(run.summary.loss, first_loss(run)) > TINY_LOSS


def rounding_loss(run: Run) -> float:
    """The loss below which residuals are rounding error: measured, or estimated from the initial loss."""
    measured = run.summary.rounding_loss
    if measured is not None:
        return AT_ROUNDING * measured
    return (ROUNDING * float(np.finfo(float).eps)) ** 2 * first_loss(run)


def kernels_compare(run: Run) -> bool:
    """Whether the initial and the final kernel can be compared.

    They cannot after a linear solve for the output layer: it does not train the sine features, but scales their
    derivatives by orders of magnitude.
    """
    return run.config.get("network") != "SineFeatures"


def freedoms(run: Run) -> list[str]:
    """Changes of the solution that no residual answers to, in words; where smooth changes were not examined, those of
    coefficients that have no interval because the residuals do not determine them.
    """
    if run.summary.determinacy is not None:
        return run.summary.determinacy.freedoms
    intervals = run.summary.coefficient_intervals
    return [f"{name} can take other values" for name, found in intervals.items() if found is Withheld.NOT_DETERMINED]


def is_undetermined(run: Run) -> bool:
    """Whether the conditions were found not to determine the solution."""
    return bool(freedoms(run))


def correction(run: Run) -> float:
    """The estimated error from the linearised equations, of the worst field; 0 if it is unknown.

    It is unknown with a prior: the linearised equations alone would follow the noise.
    """
    if any(check.prior for check in run.summary.conditions.values()):
        return 0.0
    return 0.0 if run.summary.determinacy is None else run.summary.determinacy.largest_distance


def ratio_of(value: float, reference: float) -> float:
    return value / reference if reference > 0 else math.inf if value > 0 else math.nan
