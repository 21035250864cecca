"""Rules about the training kernel: which part of the residual the steps reduce, and how fast."""

import math
from collections.abc import Sequence

import numpy as np

from ..._base.numbers import condition_number, number, of, percent, point, times
from ...diagnostics.linear_theory import RECENT, Prediction, Theory, is_trusted
from ...diagnostics.record import LARGEST_RESIDUALS, SLOW_SHARE, Diagnostics, ResidualShape, slow_resolvable
from ...runs.run_folder import Run
from ..levels import final_record, has_loss_left, is_first_order, left_of, ratio_of
from ..verdict import is_healthy
from .finding import Finding, Rule, listed

IMBALANCE = 10.0
"""Ratio of weighted kernel traces, hence of the rates at which first-order steps reduce two residuals. Traces on the
points of a snapshot are accurate to a few tens of percent."""

BALANCING = frozenset(
    "trace largest-eigenvalue quantile residual gradient-norm relobralo NTKWeighting LargestEigenvalueWeighting "
    "QuantileWeighting DecayRateWeighting GradientNormWeighting ReLoBRaLoWeighting".split()
)
"""Rules, by name or class, whose weights are relative to those of other conditions."""

STILL_HIGH = 5e-2
"""A mean squared residual above this share of its initial value has hardly been reduced."""

MAJORITY = 0.5
"""A group of modes matters if it holds more than this share of the squared residual."""

LEAST_HORIZON = 1000
"""A mode is slow if it is not reduced within as many further steps as the run took, or this number if it is larger."""

HOPELESS = 100.0
"""Condition number per step above which the slowest modes lose less than 1 %."""

FEWEST_POINTS = 50
"""Least number of points to locate a residual."""

CONCENTRATED = 0.8
"""Above this share of the mean squared residual at a twentieth of the points, the residual is local."""

NARROW = 0.1
"""Spread of a local residual relative to the extent of the domain, below which its position is reported."""

POOR = 0.5
"""Relative error above which predictions of the loss are useless."""

LARGE_DRIFT = 1.0
"""Relative drift of the kernel above which predictions from the initial one are invalid."""

FEW_DIMENSIONS = 0.01
"""Effective dimension per parameter below which most directions of parameter space are unused."""


def imbalanced_conditions(run: Run) -> Finding | None:
    """First-order steps reduce residuals at rates proportional to their traces."""
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
        f"{times(ratio_of(traces[strong], traces[name]))} that of '{name}', whose mean squared residual is still "
        f"{of(left_of(run, name), 'its initial value')}"
        for name in neglected
    ]
    verb = "is" if len(neglected) == 1 else "are"
    follow = any(np.ptp(run.history.weights[name]) > 0 for name in traces)
    return Finding(
        "warning",
        f"Imbalance between conditions: {listed([repr(name) for name in neglected])} {verb} neglected",
        f"The weighted kernel trace of '{strong}' is {listed(each)}.",
        "The loss weights lag behind: update them more often, or use strategy 'auto'."
        if follow
        else "Use strategy 'ntk-adam' or 'auto', whose loss weights balance the traces.",
    )


def nothing_to_balance(run: Run) -> Finding | None:
    """Weights that balance conditions, where hard constraints leave a single one in the loss."""
    asked = run.config.get("weighting")
    balances = asked in BALANCING if asked is not None else run.summary.strategy in ("ntk-adam", "ntk-soap")
    conditions = run.history.conditions
    if not balances or len(conditions) != 1 or not run.summary.hard:
        return None
    return Finding(
        "info",
        "There is nothing to balance",
        f"Only '{conditions[0]}' is left in the loss: {listed([repr(name) for name in run.summary.hard])} "
        f"{'is' if len(run.summary.hard) == 1 else 'are'} built into the network, so the loss weights have no effect.",
        "To train all conditions as soft constraints, use `constraints='soft'` (`--constraints soft`).",
    )


def ill_conditioning(run: Run) -> Finding | None:
    """Gradient descent needs about as many steps as the condition number to reduce the slowest mode by a factor e."""
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
        f"In another {steps:,} steps, gradient descent at rate 1/λ_max would hardly reduce {int(slow.sum())} of "
        f"{record.modes} modes; Adam improves this by a constant factor only.",
        "Use strategy 'auto' or 'gauss-newton', whose steps do not depend on the condition number.",
    )


def slow_residual(run: Run) -> Finding | None:
    """A residual in modes that first-order steps reduce too slowly."""
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
        _spectral_bias(record) or "The remaining residual is in slow modes",
        f"{percent(share)} of ‖r‖² is in {int(slow.sum())} of {record.modes} modes that gradient descent at rate "
        f"1/λ_max would need more than {steps:,} further steps to reduce to {percent(SLOW_SHARE)}."
        f"{_seen_in(record)}{_largest_part(record, slow)}",
        "Use strategy 'auto', which adapts the bandwidth of the network, or 'gauss-newton', which reduces all "
        "resolvable modes alike; or Fourier features for high frequencies.",
    )


def unreachable_residual(run: Run) -> Finding | None:
    """A residual in modes with eigenvalue zero, which no optimizer can reduce."""
    record = final_record(run)
    if record is None or not record.numerical_rank or not has_loss_left(run) or is_healthy(run):
        return None
    hidden = ~record.spectrum.resolvable
    share = float(record.residual_share[hidden].sum())
    if not share > MAJORITY:
        return None
    return Finding(
        "warning",
        _spectral_bias(record) or "The network cannot represent the remaining residual",
        f"{percent(share)} of ‖r‖² is in {int(hidden.sum())} of {record.modes} modes with eigenvalues below the noise "
        f"floor {number(record.noise_floor)}, which no change of the parameters reduces noticeably."
        f"{_seen_in(record)}",
        "Use a larger network (`width`), Fourier features for high frequencies, or another initial network (`seed`).",
    )


def front(run: Run) -> Finding | None:
    """A residual that is concentrated at few points: in a boundary layer, at a front or in a corner."""
    record = final_record(run)
    if record is None or not has_loss_left(run) or is_healthy(run):
        return None
    shape = _largest_shape(record)
    if shape is None or shape.points < FEWEST_POINTS or not shape.concentration > CONCENTRATED:
        return None
    domain = {name: np.ptp(axis) for name, axis in zip(run.snapshot.coordinates, run.snapshot.axes, strict=True)}
    narrow = [name for name, spread in shape.spread.items() if spread < NARROW * domain.get(name, math.inf)]
    where = f", near {point({name: shape.place[name] for name in narrow})}" if narrow else ""
    return Finding(
        "warning",
        "A boundary layer or front is not resolved",
        f"{percent(shape.concentration)} of the mean squared residual of '{shape.condition}' is at "
        f"{percent(LARGEST_RESIDUALS)} of its points{where}.",
        "Place points where the residual is large (sampler 'residual-adaptive', or strategy 'auto') and use a network "
        "of higher bandwidth; check that the prescribed values are compatible there.",
    )


def unstable_learning_rate(run: Run) -> Finding | None:
    rate, bound = run.summary.learning_rate, run.summary.spectrum.final.stable_learning_rate
    if run.summary.strategy != "gradient-descent" or rate is None or bound is None or not rate > bound:
        return None
    return Finding(
        "problem",
        "The learning rate exceeds the stability limit",
        f"The final learning rate is {number(rate)}; gradient descent diverges above 2/λ_max = {number(bound)}.",
        f"Use a learning rate below {number(bound)}, or `NTKLearningRate`, which follows the kernel.",
    )


def moving_kernel(run: Run) -> Finding | None:
    drift, predictions = run.summary.spectrum.final.kernel_drift, run.history.predictions
    is_off = _mean_error(predictions) > POOR if predictions else drift > LARGE_DRIFT
    if not (is_first_order(run) and is_off) or is_healthy(run):
        return None
    error = percent(_mean_error(predictions)) if predictions else ""
    score = f"; recent predictions of the loss had an error of {error}" if predictions else ""
    return Finding(
        "info",
        "The kernel is still changing",
        f"‖K − K₀‖ / ‖K₀‖ = {number(drift)}{score}.",
        "Do not extrapolate from the spectra of this run; the last one describes its final state only.",
    )


def few_dimensions(run: Run) -> Finding | None:
    dimension, parameters = run.summary.spectrum.final.effective_dimension, run.summary.parameters
    if not 0 < dimension < FEW_DIMENSIONS * parameters or not is_first_order(run) or is_healthy(run):
        return None
    return Finding(
        "info",
        "Training uses few directions of parameter space",
        f"The effective dimension is {number(dimension)}, for {parameters:,} parameters and "
        f"{run.summary.spectrum.final.modes} residuals.",
        "First-order steps hardly reduce the other modes; strategy 'gauss-newton' reduces them too.",
    )


def steps_to_come(run: Run) -> Finding | None:
    """The number of steps to a lower loss, while linear theory is accurate."""
    record, predictions = final_record(run), run.history.predictions
    rate = _usual_rate(run)
    if record is None or record.theory is None or rate is None or is_healthy(run) or not has_loss_left(run):
        return None
    if not predictions or predictions[-1].end != record.step or not is_trusted(predictions):
        return None
    aim = _aim(run, record.theory)
    steps = record.theory.steps_to(aim, rate)
    course = f"{number(record.theory.loss)} to {number(aim)}"
    forecast = (
        f"will not fall from {course}: part of the residual is in modes that do not change"
        if steps is None
        else f"falls from {course} in about {number(steps)} further steps"
    )
    return Finding(
        "info",
        "Estimated steps to go (linear theory)",
        f"Recent predictions of the loss had an error of {percent(_mean_error(predictions))}. At learning rate "
        f"{number(rate)} the loss {forecast}.",
        "Raise `steps` or `budget` accordingly, or use strategy 'auto'." if steps else "Use strategy 'auto'.",
    )


KERNEL_RULES: tuple[Rule, ...] = (
    unstable_learning_rate,
    imbalanced_conditions,
    nothing_to_balance,
    slow_residual,
    unreachable_residual,
    ill_conditioning,
    front,
    steps_to_come,
    few_dimensions,
    moving_kernel,
)


def _mean_error(predictions: Sequence[Prediction]) -> float:
    """Mean error of the recent predictions, weighted by their steps."""
    recent = predictions[-RECENT:]
    return float(
        np.average([prediction.error for prediction in recent], weights=[prediction.steps for prediction in recent])
    )


def _usual_rate(run: Run) -> float | None:
    """The learning rate of the last phase: its median, or the final rate if that is larger."""
    last, history = run.summary.learning_rate, run.history
    if last is None:
        return None
    rates = history.learning_rate[history.step >= history.phases[-1].step]
    rates = rates[np.isfinite(rates)]
    return max(last, float(np.median(rates))) if rates.size else last


def slow_modes(record: Diagnostics, steps: int) -> np.ndarray:
    """Modes that `steps` steps at rate 1/λ_max hardly reduce, including those below the noise floor."""
    return slow_resolvable(record.spectrum, steps) | ~record.spectrum.resolvable


def _largest_shape(record: Diagnostics) -> ResidualShape | None:
    """The shape of the residual of the condition with the largest share of the loss."""
    shares = {name: record.weights[name] * record.block_losses.get(name, 0.0) for name in record.weights}
    if not record.shapes or not shares:
        return None
    worst = max(shares, key=shares.__getitem__)
    return max((s for s in record.shapes if s.condition == worst), key=lambda s: s.mean_square, default=None)


def _missing(record: Diagnostics) -> ResidualShape | None:
    """The shape of the largest residual, if it has a dominant frequency."""
    shape = _largest_shape(record)
    return shape if shape is not None and any((shape.frequency.half_waves or {}).values()) else None


def _spectral_bias(record: Diagnostics) -> str | None:
    """A title with the missing frequency."""
    shape = _missing(record)
    return None if shape is None else f"Spectral bias: a component with {shape.frequency} is missing"


def _seen_in(record: Diagnostics) -> str:
    shape = _missing(record)
    return "" if shape is None else f" The residual of '{shape.condition}' has {shape.frequency}."


def _aim(run: Run, theory: Theory) -> float:
    """The target loss, or else a tenth of the present loss."""
    target = run.config.get("target")
    return 0.1 * theory.loss if target is None or target >= theory.loss else float(target)


def _largest_part(record: Diagnostics, modes: np.ndarray) -> str:
    """A sentence on the mode with most of the residual among `modes`, if its frequency is known."""
    i = int(np.argmax(np.where(modes, record.residual_share, -1.0)))
    if i not in record.mode_frequencies:
        return ""
    share = percent(float(record.residual_share[i]))
    return f" The largest part, {share}, is in mode {i + 1}: {record.mode_frequencies[i]}."
