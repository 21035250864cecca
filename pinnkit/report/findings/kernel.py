"""Rules about what the kernel shows: which part of the residual the steps reach, and how fast."""

import math
from collections.abc import Sequence

import numpy as np

from ...diagnostics.linear_theory import RECENT, Prediction, Theory, is_trusted
from ...diagnostics.record import LARGEST_RESIDUALS, SLOW_SHARE, Diagnostics, ResidualShape, slow_resolvable
from ...runs.run_folder import Run
from ..levels import final_record, has_loss_left, is_first_order, left_of, ratio_of
from ..numbers import condition_number, number, percent, times
from ..verdict import is_healthy
from .finding import Finding, Rule, listed

IMBALANCE = 10.0
"""Weighted kernel traces this far apart: first-order steps reduce one residual that much faster than another. Traces on
the points of a look are known within a few tens of percent."""

STILL_HIGH = 5e-2
"""A mean square that kept more than this share of its first value has hardly been trained."""

MAJORITY = 0.5
"""Beyond half of the residual, a group of modes is what is left to do rather than a detail."""

LEAST_HORIZON = 1000
"""Steps ahead within which a mode must come down not to count as slow; longer runs look as far as they are long."""

HOPELESS = 100.0
"""Condition number per step beyond which the slowest modes lose less than a hundredth."""

FEWEST_POINTS = 50
"""Points that it takes to say where a residual is."""

CONCENTRATED = 0.8
"""More of the mean square than this at a twentieth of the points is local."""

NARROW = 0.1
"""A spread below this share of the domain is a place."""

POOR = 0.5
"""A prediction of the loss this far off says nothing."""

LARGE_DRIFT = 1.0
"""A kernel that moved by more than its own norm: predictions from the first one are void."""

FEW_DIMENSIONS = 0.01
"""Effective dimensions per parameter below which most directions of parameter space are idle."""


def imbalanced_conditions(run: Run) -> Finding | None:
    """First-order steps reduce residuals at rates that are as far apart as their traces."""
    record = final_record(run)
    if record is None or not is_first_order(run) or is_healthy(run):
        return None
    traces = {name: record.weights[name] * record.block_traces[name] for name in record.block_traces}
    strong = max(traces, key=traces.__getitem__)
    far = [name for name, trace in traces.items() if ratio_of(traces[strong], trace) > IMBALANCE]
    neglected = sorted((name for name in far if left_of(run, name) > STILL_HIGH), key=traces.__getitem__)
    if not neglected:
        return None
    each = [
        f"{times(ratio_of(traces[strong], traces[name]))} that of '{name}', which kept "
        f"{percent(left_of(run, name))} of its first mean square"
        for name in neglected
    ]
    verb = "is" if len(neglected) == 1 else "are"
    follow = any(np.ptp(run.history.weights[name]) > 0 for name in traces)
    return Finding(
        "warning",
        f"Imbalance between conditions: {listed([repr(name) for name in neglected])} {verb} neglected",
        f"The weighted kernel trace of '{strong}' is {listed(each)}.",
        "The loss weights of this run lag behind: let them follow more often, or use strategy 'auto'."
        if follow
        else "Use strategy 'ntk-adam' or 'auto', whose loss weights even out the traces.",
    )


def ill_conditioning(run: Run) -> Finding | None:
    """First-order steps, as many as the condition number, reduce the slowest mode by a factor e."""
    record = final_record(run)
    if record is None or not is_first_order(run) or not has_loss_left(run) or is_healthy(run):
        return None
    kappa, steps = record.condition_number, max(run.summary.steps, LEAST_HORIZON)
    if kappa is None or not float(kappa) > HOPELESS * steps:
        return None
    slow = slow_modes(record, steps)
    return Finding(
        "warning",
        "The training problem is ill-conditioned",
        f"The condition number of the training kernel is {condition_number(float(kappa), kappa.is_lower_bound)}. "
        f"Gradient descent at its stable rate would leave {int(slow.sum())} of {record.modes} modes nearly as they are "
        f"in another {steps:,} steps; Adam changes that by a factor, not by its nature.",
        "Use strategy 'auto' or 'gauss-newton', whose steps do not depend on the condition number.",
    )


def slow_residual(run: Run) -> Finding | None:
    """First-order steps that cannot reach what is left."""
    record = final_record(run)
    if record is None or not record.numerical_rank or not is_first_order(run):
        return None
    if not has_loss_left(run) or is_healthy(run):
        return None
    steps = max(run.summary.steps, LEAST_HORIZON)
    slow = slow_modes(record, steps)
    share = float(record.residual_share[slow].sum())
    hidden = float(record.residual_share[~record.spectrum.resolvable].sum())
    if not share > MAJORITY or hidden > MAJORITY:
        return None
    return Finding(
        "warning",
        _spectral_bias(record) or "What is left of the residual lies in slow modes",
        f"{percent(share)} of ‖r‖² is in {int(slow.sum())} of {record.modes} modes of which gradient descent at rate "
        f"1/λ_max would leave more than {percent(SLOW_SHARE)} after another {steps:,} steps."
        f"{_seen_in(record)}{_largest_part(record, slow)}",
        "Use strategy 'auto', which chooses the bandwidth of the network by this, or 'gauss-newton', which reduces all "
        "resolvable modes alike; or Fourier features for fast variation.",
    )


def unreachable_residual(run: Run) -> Finding | None:
    """No step of any optimizer moves the residual in modes whose eigenvalue is zero."""
    record = final_record(run)
    if record is None or not record.numerical_rank or not has_loss_left(run) or is_healthy(run):
        return None
    hidden = ~record.spectrum.resolvable
    share = float(record.residual_share[hidden].sum())
    if not share > MAJORITY:
        return None
    return Finding(
        "warning",
        _spectral_bias(record) or "What is left of the residual is out of the network's reach",
        f"{percent(share)} of ‖r‖² is in {int(hidden.sum())} of {record.modes} modes whose eigenvalues are below the "
        f"noise floor {number(record.noise_floor)}: no change of the parameters moves them noticeably."
        f"{_seen_in(record)}",
        "Use a larger network (`width`), Fourier features for fast variation, or another initial network (`seed`).",
    )


def front(run: Run) -> Finding | None:
    """A residual that is large at few points, such as in a boundary layer, at a front or in a corner."""
    record = final_record(run)
    if record is None or not has_loss_left(run) or is_healthy(run):
        return None
    shape = _largest_shape(record)
    if shape is None or shape.points < FEWEST_POINTS or not shape.concentration > CONCENTRATED:
        return None
    domain = {name: np.ptp(axis) for name, axis in zip(run.snapshot.coordinates, run.snapshot.axes, strict=True)}
    narrow = [name for name, spread in shape.spread.items() if spread < NARROW * domain.get(name, math.inf)]
    where = f" They lie near {', '.join(f'{name} = {number(shape.place[name])}' for name in narrow)}." if narrow else ""
    return Finding(
        "warning",
        "A boundary layer or front is not resolved",
        f"{percent(shape.concentration)} of the mean square residual of '{shape.condition}' is at "
        f"{percent(LARGEST_RESIDUALS)} of its points.{where}",
        "Put points where the residual is (sampler 'residual-adaptive', or strategy 'auto'), and a network of higher "
        "bandwidth; check that prescribed values fit together there.",
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


def moving_kernel(run: Run) -> Finding | None:
    drift, predictions = run.summary.spectrum.final.kernel_drift, run.history.predictions
    is_off = _mean_error(predictions) > POOR if predictions else drift > LARGE_DRIFT
    if not (is_first_order(run) and is_off) or is_healthy(run):
        return None
    score = f"; recent predictions of the loss were {percent(_mean_error(predictions))} off" if predictions else ""
    return Finding(
        "info",
        "The kernel is still moving",
        f"‖K − K₀‖ / ‖K₀‖ = {number(drift)}{score}.",
        "Do not trust predictions from a spectrum of this run; its last one describes the end only.",
    )


def few_dimensions(run: Run) -> Finding | None:
    dimension, parameters = run.summary.spectrum.final.effective_dimension, run.summary.parameters
    if not 0 < dimension < FEW_DIMENSIONS * parameters or not is_first_order(run) or is_healthy(run):
        return None
    return Finding(
        "info",
        "Few directions carry the training",
        f"The effective dimension is {number(dimension)}, with {parameters:,} parameters and "
        f"{run.summary.spectrum.final.modes} residuals.",
        "First-order steps move little else; strategy 'gauss-newton' reaches the other modes too.",
    )


def steps_to_come(run: Run) -> Finding | None:
    """How far linear theory sees, while it has been right."""
    record, predictions = final_record(run), run.history.predictions
    rate = _usual_rate(run)
    if record is None or record.theory is None or rate is None or is_healthy(run) or not has_loss_left(run):
        return None
    if not predictions or predictions[-1].end != record.step or not is_trusted(predictions):
        return None
    aim = _aim(run, record.theory)
    steps = record.theory.steps_to(aim, rate)
    course = (
        "does not come down from {} to {}: part of the residual is in modes that do not move"
        if steps is None
        else f"comes down from {{}} to {{}} in about {number(steps)} further steps"
    )
    return Finding(
        "info",
        "How far it is, by linear theory",
        f"Recent predictions of the loss were {percent(_mean_error(predictions))} off. At rate {number(rate)} the loss "
        f"{course.format(number(record.theory.loss), number(aim))}.",
        "Raise `steps` or `budget` accordingly, or use strategy 'auto'." if steps else "Use strategy 'auto'.",
    )


KERNEL_RULES: tuple[Rule, ...] = (
    unstable_learning_rate,
    imbalanced_conditions,
    slow_residual,
    unreachable_residual,
    ill_conditioning,
    front,
    steps_to_come,
    few_dimensions,
    moving_kernel,
)


def _mean_error(predictions: Sequence[Prediction]) -> float:
    """Of the recent predictions, weighted by their steps."""
    recent = predictions[-RECENT:]
    return float(
        np.average([prediction.error for prediction in recent], weights=[prediction.steps for prediction in recent])
    )


def _usual_rate(run: Run) -> float | None:
    """The learning rate of the last phase: the last one, or the median where it has decayed at the end."""
    last, history = run.summary.learning_rate, run.history
    if last is None:
        return None
    rates = history.learning_rate[history.step >= history.phases[-1].step]
    rates = rates[np.isfinite(rates)]
    return max(last, float(np.median(rates))) if rates.size else last


def slow_modes(record: Diagnostics, steps: int) -> np.ndarray:
    """Modes that so many steps at rate 1/λ_max hardly move, those that rounding hides among them."""
    return slow_resolvable(record.spectrum, steps) | ~record.spectrum.resolvable


def _largest_shape(record: Diagnostics) -> ResidualShape | None:
    """Where most of the loss is: the shape of the residual of the condition with the largest weighted share."""
    shares = {name: record.weights[name] * record.block_losses.get(name, 0.0) for name in record.weights}
    if not record.shapes or not shares:
        return None
    worst = max(shares, key=shares.__getitem__)
    return max((s for s in record.shapes if s.condition == worst), key=lambda s: s.mean_square, default=None)


def _missing(record: Diagnostics) -> ResidualShape | None:
    """The residual where most of it is, if one frequency tells it."""
    shape = _largest_shape(record)
    return shape if shape is not None and any((shape.frequency.half_waves or {}).values()) else None


def _spectral_bias(record: Diagnostics) -> str | None:
    """A title that says what is missing."""
    shape = _missing(record)
    return None if shape is None else f"Spectral bias: variation with {shape.frequency} is missing"


def _seen_in(record: Diagnostics) -> str:
    shape = _missing(record)
    return "" if shape is None else f" The residual of '{shape.condition}' varies with {shape.frequency}."


def _aim(run: Run, theory: Theory) -> float:
    """The loss that was asked for, or else a tenth of the present one."""
    target = run.config.get("target")
    return 0.1 * theory.loss if target is None or target >= theory.loss else float(target)


def _largest_part(record: Diagnostics, modes: np.ndarray) -> str:
    """A sentence on the one of these modes that has most of the residual, if it is described."""
    i = int(np.argmax(np.where(modes, record.residual_share, -1.0)))
    if i not in record.mode_frequencies:
        return ""
    share = percent(float(record.residual_share[i]))
    return f" The largest part, {share}, is in mode {i + 1}: {record.mode_frequencies[i]}."
