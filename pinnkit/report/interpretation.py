"""What the figures of a run mean: rules from a run to findings, and a verdict in a sentence.

Every rule is a function from a run to a `Finding` or None. Its reason quotes figures of that run only, and its
thresholds are constants with a word on why.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..diagnostics import SLOW_SHARE, Diagnostics, slow_resolvable
from ..run import Run
from .numbers import number, percent, times

IMBALANCE = 100.0
"""Weighted kernel traces this far apart: gradient descent reduces one residual that much faster than another."""

STILL_HIGH = 1e-2
"""A mean square that kept more than this share of its first value has not been trained."""

MAJORITY = 0.5
"""Beyond half of the residual, a group of modes is what is left to do rather than a detail."""

LEAST_HORIZON = 1000
"""Steps ahead within which a mode must come down not to count as slow; longer runs look as far as they are long."""

TINY_LOSS = 1e-8
"""A loss this far below its first value (residuals 1e-4 of theirs) needs no remedy."""

OVERFITTING = 10.0
"""Held-out over training loss; sampling alone makes factors of 2 to 3 with few points."""

ROUNDING = 100.0
"""Residuals within so many eps of their first size are rounding: derivatives of networks amplify it as much."""

LARGE_DRIFT = 1.0
"""A kernel that moved by more than its own norm: predictions from the first one are void."""

FEW_DIMENSIONS = 0.01
"""Effective dimensions per parameter below which most directions of parameter space are idle."""

ACCURATE = 1e-3
"""A relative error below this cannot be seen in a plot."""

ROUGH = 5e-2
"""A relative error above this shows in a plot; what is above is not a solution."""

CONVERGED = 1e-6
"""Held-out loss over first training loss: residuals are 1e-3 of what they were, on points never trained on."""

STILL_FALLING = 0.5
"""A held-out loss that lost half its value in the last quarter of the steps was still going down."""

FIRST_ORDER = ("adam", "ntk-adam", "gradient-descent", "optax")
"""Phases whose progress per mode is governed by eigenvalues of the kernel."""


@dataclass(frozen=True)
class Finding:
    """What a figure means, why it is said (with this run's figures), and what to do about it."""

    severity: Literal["info", "warning", "problem"]
    title: str
    reason: str
    action: str


def interpret(run: Run) -> list[Finding]:
    """All findings of a run, the gravest first."""
    found = [finding for rule in RULES if (finding := rule(run)) is not None]
    return sorted(found, key=lambda finding: ("problem", "warning", "info").index(finding.severity))


def verdict(run: Run) -> str:
    """How the run went, in words."""
    summary = run.summary
    after = f"after {summary.steps:,} steps and {number(summary.seconds.total)} s"
    if _stopped_on_non_finite(run):
        return f"The run broke down {after}: {summary.stop_reason}. {_kept(run)} were kept."
    error = _error(run)
    if error is None:
        ratio = _held_out_ratio(run)
        if not math.isfinite(ratio):
            return f"The run ended {after} without a reference to compare with."
        state = "Converged" if ratio <= CONVERGED else "Not converged"
        return (
            f"{state} {after}: the loss on held-out points is {number(summary.held_out_loss)}, "
            f"{number(ratio)} of the first training loss. Without a reference the error is unknown."
        )
    if error <= ACCURATE:
        state = "Solved"
    elif error <= ROUGH:
        state = "Solved roughly"
    else:
        state = "Not solved"
    worst = _worst_field(run)
    field = f" in {worst}" if len(summary.relative_l2 or {}) > 1 else ""
    return f"{state}: the relative L2 error{field} is {number(error)} {after}."


def not_finite(run: Run) -> Finding | None:
    if not _stopped_on_non_finite(run):
        return None
    norms = run.history.gradient_norm
    last = f"; the last gradient norm was {number(norms[-1])}" if norms.size else ""
    return Finding(
        "problem",
        "Values were not finite",
        f"{run.summary.stop_reason}{last}.",
        "Look for divisions by zero, roots and logarithms in that condition; else use a smaller learning rate "
        "or strategy 'auto'.",
    )


def imbalanced_conditions(run: Run) -> Finding | None:
    record = _final(run)
    if record is None:
        return None
    traces = {name: record.weights[name] * record.block_traces[name] for name in record.block_traces}
    strong, weak = max(traces, key=traces.__getitem__), min(traces, key=traces.__getitem__)
    ratio = traces[strong] / traces[weak] if traces[weak] > 0 else math.inf
    left = _left_of(run, weak)
    if not (ratio > IMBALANCE and left > STILL_HIGH):
        return None
    return Finding(
        "warning",
        f"Condition '{weak}' is neglected",
        f"The weighted kernel trace of '{strong}' is {times(ratio)} that of '{weak}', whose mean square is still "
        f"{percent(left)} of its first value.",
        "Use strategy 'ntk-adam' or 'auto', whose loss weights even out the traces.",
    )


def slow_residual(run: Run) -> Finding | None:
    """First-order steps that cannot reach what is left."""
    record = _final(run)
    is_first_order = bool(run.history.phases) and run.history.phases[-1][0] in FIRST_ORDER
    if record is None or not record.numerical_rank or not is_first_order or not _has_loss_left(run):
        return None
    steps = max(run.summary.steps, LEAST_HORIZON)
    slow = slow_resolvable(record.spectrum, steps)
    share = float(record.residual_share[slow].sum())
    if not share > MAJORITY:
        return None
    return Finding(
        "warning",
        "What is left of the residual lies in slow modes",
        f"{percent(share)} of ‖r‖² is in {int(slow.sum())} of {record.modes} modes of which gradient descent at rate "
        f"1/λ_max would leave more than {percent(SLOW_SHARE)} after another {steps:,} steps."
        f"{_largest_part(record, slow)}",
        "Use strategy 'gauss-newton' or 'auto', which reduce all resolvable modes alike, or Fourier features for "
        "fast variation.",
    )


def unreachable_residual(run: Run) -> Finding | None:
    """No step of any optimizer moves the residual in modes whose eigenvalue is zero."""
    record = _final(run)
    if record is None or not record.numerical_rank or not _has_loss_left(run):
        return None
    hidden = ~record.spectrum.resolvable
    share = float(record.residual_share[hidden].sum())
    if not share > MAJORITY:
        return None
    return Finding(
        "warning",
        "What is left of the residual is out of the network's reach",
        f"{percent(share)} of ‖r‖² is in {int(hidden.sum())} of {record.modes} modes whose eigenvalues are below the "
        f"noise floor {number(record.noise_floor)}: no change of the parameters moves them noticeably.",
        "Use a larger network (`width`), Fourier features for fast variation, or another initial network (`seed`).",
    )


def overfitting(run: Run) -> Finding | None:
    training, held_out = run.summary.loss, run.summary.held_out_loss
    if not (held_out > OVERFITTING * training and held_out > _rounding_loss(run)) or _held_out_ratio(run) <= CONVERGED:
        return None
    excess = {k: _ratio(run.summary.held_out[k], value) for k, value in run.summary.losses.items()}
    worst = max(excess, key=excess.__getitem__)
    where = f", most of all for '{worst}' ({times(excess[worst])} its training value)"
    return Finding(
        "warning",
        "The fit does not hold between the points",
        f"The loss on held-out points, {number(held_out)}, is {times(_ratio(held_out, training))} the training "
        f"loss{where}.",
        "Use more points (`points`), or points that are redrawn during training.",
    )


def overfitting_later(run: Run) -> Finding | None:
    checks, kept = run.history.checks, run.summary.kept_step
    if not checks or kept >= checks[-1].step or run.config.get("network") == "SineFeatures":
        return None  # later steps, where there are any, are those of another network
    at, least, last = checks[-1].step, run.summary.held_out_loss, checks[-1].held_out_loss
    training = float(run.history.loss[at - 1])
    if not last > OVERFITTING * max(least, training) or _held_out_ratio(run) <= CONVERGED:
        return None
    return Finding(
        "warning",
        "Later steps fitted the points, not what lies between them",
        f"From step {kept:,}, whose parameters are kept, to step {at:,} the loss on held-out points rose from "
        f"{number(least)} to {number(last)}; the training loss was {number(training)} then.",
        "Use more points (`points`), or points that are redrawn during training.",
    )


def precision_limit(run: Run) -> Finding | None:
    limit = _rounding_loss(run)
    if not 0 <= run.summary.loss <= limit:
        return None
    single = run.summary.precision == "single"
    return Finding(
        "warning" if single else "info",
        "Rounding limits the loss",
        f"The loss is {number(run.summary.loss)}; in {run.summary.precision} precision, figures below about "
        f"{number(limit)} are rounding error.",
        "Use precision 'double'." if single else "More steps cannot improve it; nothing to do.",
    )


def unstable_learning_rate(run: Run) -> Finding | None:
    rate, bound = run.summary.learning_rate, run.summary.spectrum.final.stable_learning_rate
    if run.summary.strategy != "gradient-descent" or rate is None or bound is None or not rate > bound:
        return None
    return Finding(
        "problem",
        "The learning rate exceeds the stable one",
        f"It ended at {number(rate)}; gradient descent diverges above 2/λ_max = {number(bound)}.",
        f"Use a learning rate below {number(bound)}, or let `NTKLearningRate` follow the kernel.",
    )


def kernel_drift(run: Run) -> Finding | None:
    drift = run.summary.spectrum.final.kernel_drift
    if not drift > LARGE_DRIFT:
        return None
    return Finding(
        "info",
        "The kernel moved far from its first value",
        f"‖K − K₀‖ / ‖K₀‖ = {number(drift)}: training left the linear regime.",
        "Do not predict this run from its first spectrum; read the last one.",
    )


def bounded_condition_number(run: Run) -> Finding | None:
    final = run.summary.spectrum.final
    if not final.condition_number_is_lower_bound or final.condition_number is None:
        return None
    return Finding(
        "info",
        "The condition number is known as a bound only",
        f"{final.numerical_rank} of {final.modes} modes stand above the noise floor {number(final.noise_floor)}, "
        f"so it exceeds {number(final.condition_number)}; how far, rounding hides.",
        "Compare kernels by rank, effective dimension or spectral bias instead.",
    )


def few_dimensions(run: Run) -> Finding | None:
    dimension, parameters = run.summary.spectrum.final.effective_dimension, run.summary.parameters
    if not 0 < dimension < FEW_DIMENSIONS * parameters:
        return None
    reaches_all = any(name not in FIRST_ORDER for name, _ in run.history.phases)
    return Finding(
        "info",
        "Few directions carry the training",
        f"The effective dimension is {number(dimension)}, with {parameters:,} parameters and "
        f"{run.summary.spectrum.final.modes} residuals.",
        "First-order steps move little else; the Gauss-Newton steps of this run reach the other modes too."
        if reaches_all
        else "First-order steps move little else; strategy 'gauss-newton' reaches the other modes too.",
    )


def still_falling(run: Run) -> Finding | None:
    checks = run.history.checks
    if run.summary.stop_reason not in ("steps", "budget") or len(checks) < 2 or converged(run):
        return None
    past = [c for c in checks if c.step <= 0.75 * checks[-1].step]
    left = _ratio(checks[-1].held_out_loss, past[-1].held_out_loss) if past else math.inf
    if not left < STILL_FALLING or run.summary.held_out_loss <= _rounding_loss(run):
        return None
    return Finding(
        "info",
        "It was still improving when it stopped",
        f"The held-out loss fell to {percent(left)} between steps {past[-1].step:,} and {checks[-1].step:,}; "
        f"the run ended for its {run.summary.stop_reason}.",
        f"Raise `{run.summary.stop_reason}` if the accuracy does not suffice.",
    )


def converged(run: Run) -> Finding | None:
    error, ratio = _error(run), _held_out_ratio(run)
    if _stopped_on_non_finite(run):
        return None
    if error is not None and error <= ACCURATE:
        reason = f"The relative L2 error is {number(error)}"
    elif error is None and ratio <= CONVERGED:
        reason = "There is no reference"
    else:
        return None
    return Finding(
        "info",
        "The fit converged",
        f"{reason}; the loss on held-out points is {number(run.summary.held_out_loss)}, "
        f"{number(ratio)} of the first training loss.",
        "Nothing to do.",
    )


RULES: tuple[Callable[[Run], Finding | None], ...] = (
    not_finite,
    unstable_learning_rate,
    imbalanced_conditions,
    slow_residual,
    unreachable_residual,
    overfitting,
    overfitting_later,
    precision_limit,
    converged,
    still_falling,
    bounded_condition_number,
    few_dimensions,
    kernel_drift,
)


def _largest_part(record: Diagnostics, modes: np.ndarray) -> str:
    """A sentence on the one of these modes that has most of the residual, if it is described."""
    i = int(np.argmax(np.where(modes, record.residual_share, -1.0)))
    if i not in record.mode_frequencies:
        return ""
    share = percent(float(record.residual_share[i]))
    return f" The largest part, {share}, is in mode {i + 1}: {record.mode_frequencies[i]}."


def _final(run: Run) -> Diagnostics | None:
    return run.history.diagnostics[-1] if run.history.diagnostics else None


def _kept(run: Run) -> str:
    kept = run.summary.kept_step
    return "The last finite parameters" if kept == run.summary.steps else f"The parameters of step {kept:,}"


def _stopped_on_non_finite(run: Run) -> bool:
    return run.summary.stop_reason.startswith("not finite")


def _error(run: Run) -> float | None:
    return max(run.summary.relative_l2.values()) if run.summary.relative_l2 else None


def _worst_field(run: Run) -> str:
    errors = run.summary.relative_l2 or {}
    return max(errors, key=errors.__getitem__)


def _first_loss(run: Run) -> float:
    return float(run.history.loss[0]) if run.history.loss.size else math.nan


def _left_of(run: Run, condition: str) -> float:
    first = run.history.losses[condition]
    return _ratio(run.summary.losses[condition], float(first[0])) if first.size else math.nan


def _has_loss_left(run: Run) -> bool:
    return _ratio(run.summary.loss, _first_loss(run)) > TINY_LOSS


def _held_out_ratio(run: Run) -> float:
    return _ratio(run.summary.held_out_loss, _first_loss(run))


def _rounding_loss(run: Run) -> float:
    """The loss at which residuals are rounding error."""
    eps = float(np.finfo(np.float32 if run.summary.precision == "single" else np.float64).eps)
    return (ROUNDING * eps) ** 2 * _first_loss(run)


def _ratio(value: float, reference: float) -> float:
    return value / reference if reference > 0 else math.inf if value > 0 else math.nan
