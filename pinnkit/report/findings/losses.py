"""Rules about losses: non-finite values, overfitting, the precision limit, training that stopped too early."""

import math

from ..._base.numbers import count, number, percent, times
from ...runs.run_folder import Run
from ...runs.stop_reason import StopReason
from ..levels import ratio_of, rounding_loss, stopped_on_non_finite
from ..verdict import is_healthy
from .finding import Finding, Rule

OVERFITTING = 10.0
"""Validation loss over training loss; with few points, sampling alone causes factors of 2 to 3."""

STILL_FALLING = 0.5
"""A validation loss that halved in the last quarter of the steps was still falling."""

LIMITS = {StopReason.STEPS: "steps", StopReason.BUDGET: "budget"}
"""Arguments of `fit` that limit a run, by its stop reason."""


def not_finite(run: Run) -> Finding | None:
    if not stopped_on_non_finite(run):
        return None
    norms, detail = run.history.gradient_norm, run.summary.stop_detail or run.summary.ending
    last = f"; the last gradient norm was {number(norms[-1])}" if norms.size else ""
    return Finding(
        "problem",
        "Non-finite values",
        f"{detail[0].upper()}{detail[1:]}{last}.",
        "Look for divisions by zero, roots and logarithms in that condition; otherwise use a smaller learning rate or "
        "strategy 'auto'.",
    )


def overfitting(run: Run) -> Finding | None:
    training, validation_losses = run.summary.loss, run.summary.validation_loss
    if not (validation_losses > OVERFITTING * training and validation_losses > rounding_loss(run)) or is_healthy(run):
        return None
    excess = {k: ratio_of(run.summary.validation_losses[k], value) for k, value in run.summary.losses.items()}
    worst = max(excess, key=excess.__getitem__)
    where = f"; the ratio is largest for '{worst}' ({times(excess[worst])})"
    return Finding(
        "warning",
        "Overfitting: the equations hold at the training points only",
        f"The validation loss, {number(validation_losses)}, is {times(ratio_of(validation_losses, training))} the "
        f"training loss{where}.",
        "Use more points (`points`), or redraw them during training.",
    )


def too_few_points(run: Run) -> Finding | None:
    points, parameters = sum(run.summary.points.values()), run.summary.parameters
    if not points < parameters or (overfitting(run) is None and overfitting_later(run) is None):
        return None
    return Finding(
        "info",
        "Fewer points than parameters",
        f"{count(parameters, 'parameter')} can fit {count(points, 'point')} whatever the solution does between them.",
        f"Use at least {2 * parameters:,} points or a smaller network (`width`), or redraw the points during training.",
    )


def overfitting_later(run: Run) -> Finding | None:
    checks, kept = run.history.checks, run.summary.kept_step
    if not checks or kept >= checks[-1].step or run.config.get("network") == "SineFeatures":
        return None  # later steps, if any, trained another network
    at, least, last = checks[-1].step, run.summary.validation_loss, checks[-1].validation_loss
    training = float(run.history.loss[at - 1])
    if not last > OVERFITTING * max(least, training) or is_healthy(run):
        return None
    return Finding(
        "warning",
        "Overfitting: later steps fitted the training points only",
        f"From step {kept:,}, whose parameters are kept, to step {at:,} the validation loss rose from {number(least)} "
        f"to {number(last)}, with a training loss of {number(training)}.",
        "Use more points (`points`), or redraw them during training.",
    )


def precision_limit(run: Run) -> Finding | None:
    limit, loss, single = rounding_loss(run), run.summary.loss, run.summary.precision == "single"
    is_reached = 0 <= loss <= limit
    if not single and (not is_reached or is_healthy(run)):
        return None
    return Finding(
        "warning" if is_reached else "info",
        "The precision limit is reached" if is_reached else "The precision limit is not reached",
        f"The loss is {number(loss)}; in {run.summary.precision} precision, losses below about {number(limit)} are "
        f"rounding error of the residuals.",
        f"For a smaller loss{'' if is_reached else ' than that'}, use precision 'double'."
        if single
        else "Further steps cannot reduce it; rescale the equations, or accept this accuracy.",
    )


def still_falling(run: Run) -> Finding | None:
    checks = run.history.checks
    limit = LIMITS.get(run.summary.stop_reason)
    if limit is None or len(checks) < 2 or is_healthy(run):
        return None
    past = [c for c in checks if c.step <= 0.75 * checks[-1].step]
    ratio = ratio_of(checks[-1].validation_loss, past[-1].validation_loss) if past else math.inf
    if not ratio < STILL_FALLING or run.summary.validation_loss <= rounding_loss(run):
        return None
    return Finding(
        "info",
        "Still improving when it stopped",
        f"The validation loss fell by {percent(1 - ratio)} between steps {past[-1].step:,} and {checks[-1].step:,}; "
        f"then the run stopped ({run.summary.ending}).",
        f"Raise `{limit}` for a higher accuracy.",
    )


LOSS_RULES: tuple[Rule, ...] = (
    not_finite,
    overfitting,
    overfitting_later,
    too_few_points,
    precision_limit,
    still_falling,
)
