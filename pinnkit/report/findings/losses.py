"""Rules about losses: what broke down, what was fitted to the points only, what rounding hides, what was cut short."""

import math

from ...runs.run_folder import Run
from ...runs.stop_reason import StopReason
from ..levels import ratio_of, rounding_loss, stopped_on_non_finite
from ..numbers import number, percent, times
from ..verdict import is_healthy
from .finding import Finding, Rule

OVERFITTING = 10.0
"""Validation over training loss; sampling alone makes factors of 2 to 3 with few points."""

STILL_FALLING = 0.5
"""A validation loss that lost half its value in the last quarter of the steps was still going down."""

LIMITS = {StopReason.STEPS: "steps", StopReason.BUDGET: "budget"}
"""Arguments that ended a run, by its stop reason."""


def not_finite(run: Run) -> Finding | None:
    if not stopped_on_non_finite(run):
        return None
    norms = run.history.gradient_norm
    last = f"; the last gradient norm was {number(norms[-1])}" if norms.size else ""
    return Finding(
        "problem",
        "Values were not finite",
        f"{run.summary.ending}{last}.",
        "Look for divisions by zero, roots and logarithms in that condition; else use a smaller learning rate "
        "or strategy 'auto'.",
    )


def overfitting(run: Run) -> Finding | None:
    training, validation_losses = run.summary.loss, run.summary.validation_loss
    if not (validation_losses > OVERFITTING * training and validation_losses > rounding_loss(run)) or is_healthy(run):
        return None
    excess = {k: ratio_of(run.summary.validation_losses[k], value) for k, value in run.summary.losses.items()}
    worst = max(excess, key=excess.__getitem__)
    where = f", most of all for '{worst}' ({times(excess[worst])} its training value)"
    return Finding(
        "warning",
        "Overfitting: the fit does not hold between the points",
        f"The validation loss, {number(validation_losses)}, is {times(ratio_of(validation_losses, training))} the "
        f"training loss{where}.",
        "Use more points (`points`), or points that are redrawn during training.",
    )


def too_few_points(run: Run) -> Finding | None:
    points, parameters = sum(run.summary.points.values()), run.summary.parameters
    if not points < parameters or (overfitting(run) is None and overfitting_later(run) is None):
        return None
    return Finding(
        "info",
        "There are fewer points than parameters",
        f"{points:,} points can be fitted by {parameters:,} parameters whatever lies between them.",
        f"Take at least {2 * parameters:,} points, a smaller network (`width`), or points that are redrawn.",
    )


def overfitting_later(run: Run) -> Finding | None:
    checks, kept = run.history.checks, run.summary.kept_step
    if not checks or kept >= checks[-1].step or run.config.get("network") == "SineFeatures":
        return None  # later steps, where there are any, are those of another network
    at, least, last = checks[-1].step, run.summary.validation_loss, checks[-1].validation_loss
    training = float(run.history.loss[at - 1])
    if not last > OVERFITTING * max(least, training) or is_healthy(run):
        return None
    return Finding(
        "warning",
        "Overfitting: later steps fitted the points, not what lies between them",
        f"From step {kept:,}, whose parameters are kept, to step {at:,} the loss on validation points rose from "
        f"{number(least)} to {number(last)}; the training loss was {number(training)} then.",
        "Use more points (`points`), or points that are redrawn during training.",
    )


def precision_limit(run: Run) -> Finding | None:
    limit, loss, single = rounding_loss(run), run.summary.loss, run.summary.precision == "single"
    is_reached = 0 <= loss <= limit
    if not single and (not is_reached or is_healthy(run)):
        return None
    return Finding(
        "warning" if is_reached else "info",
        "The precision limit is reached" if is_reached else "The precision limit is not what stopped it",
        f"The loss is {number(loss)}; in {run.summary.precision} precision, losses below about {number(limit)} are "
        f"rounding error of the residuals.",
        f"For a smaller loss{'' if is_reached else ' than that'} use precision 'double'."
        if single
        else "More steps cannot improve it; scale the equations, or accept it.",
    )


def still_falling(run: Run) -> Finding | None:
    checks = run.history.checks
    limit = LIMITS.get(run.summary.stop_reason)
    if limit is None or len(checks) < 2 or is_healthy(run):
        return None
    past = [c for c in checks if c.step <= 0.75 * checks[-1].step]
    left = ratio_of(checks[-1].validation_loss, past[-1].validation_loss) if past else math.inf
    if not left < STILL_FALLING or run.summary.validation_loss <= rounding_loss(run):
        return None
    return Finding(
        "info",
        "It was still improving when it stopped",
        f"The validation loss fell to {percent(left)} between steps {past[-1].step:,} and {checks[-1].step:,}; "
        f"the run stopped: {run.summary.ending}.",
        f"Raise `{limit}` if the accuracy does not suffice.",
    )


LOSS_RULES: tuple[Rule, ...] = (
    not_finite,
    overfitting,
    overfitting_later,
    too_few_points,
    precision_limit,
    still_falling,
)
