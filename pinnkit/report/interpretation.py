"""What the figures of a run mean: rules from a run to findings, and a verdict in a sentence.

Every rule is a function from a run to a `Finding` or None. Its reason quotes figures of that run only, and its
thresholds are constants with a word on why.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..diagnostics import LARGEST_RESIDUALS, SLOW_SHARE, Diagnostics, ResidualShape, slow_resolvable
from ..history import DOUBT
from ..prediction import Theory
from ..run import Run
from ..stop_reason import StopReason
from .numbers import condition_number, number, percent, times

IMBALANCE = 10.0
"""Weighted kernel traces this far apart: first-order steps reduce one residual that much faster than another. Traces on
the points of a look are known within a few tens of percent."""

STILL_HIGH = 5e-2
"""A mean square that kept more than this share of its first value has hardly been trained."""

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

AT_ROUNDING = 10.0
"""A loss within this factor of what rounding alone makes of it comes down no further."""

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

ACCURATE = 1e-3
"""A relative error below this cannot be seen in a plot."""

ROUGH = 5e-2
"""A relative error above this shows in a plot; what is above is not a solution."""

CONVERGED = 1e-6
"""Held-out loss over first training loss: residuals are 1e-3 of what they were, on points never trained on."""

STILL_FALLING = 0.5
"""A held-out loss that lost half its value in the last quarter of the steps was still going down."""

LIMITS = {StopReason.STEPS: "steps", StopReason.BUDGET: "budget"}
"""Arguments that ended a run, by its stop reason."""

FIRST_ORDER = ("adam", "ntk-adam", "soap", "gradient-descent", "optax")
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
        return f"The run broke down {after}: {summary.ending}. {_kept(run)} were kept."
    error = _error(run)
    if error is None:
        ratio = _held_out_ratio(run)
        if not math.isfinite(ratio):
            return f"The run ended {after} without a reference to compare with."
        rest = "Came to rest" if summary.stop_reason is StopReason.STALLED else "Not converged"
        return (
            f"{'Converged' if ratio <= CONVERGED else rest} {after}: the loss on held-out points is "
            f"{number(summary.held_out_loss)}, {number(ratio)} of the first training loss. Without a reference the "
            f"error is unknown.{_coefficients(run)}"
        )
    if error <= ACCURATE:
        state = "Solved"
    elif error <= ROUGH:
        state = "Solved roughly"
    else:
        state = "Not solved"
    worst = _worst_field(run)
    field = f" in {worst}" if len(summary.relative_l2 or {}) > 1 else ""
    return f"{state}: the relative L2 error{field} is {number(error)} {after}.{_coefficients(run)}"


def not_finite(run: Run) -> Finding | None:
    if not _stopped_on_non_finite(run):
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


def imbalanced_conditions(run: Run) -> Finding | None:
    """First-order steps reduce residuals at rates that are as far apart as their traces."""
    record = _final(run)
    if record is None or not _is_first_order(run) or is_healthy(run):
        return None
    traces = {name: record.weights[name] * record.block_traces[name] for name in record.block_traces}
    strong = max(traces, key=traces.__getitem__)
    far = [name for name, trace in traces.items() if _ratio(traces[strong], trace) > IMBALANCE]
    neglected = sorted((name for name in far if _left_of(run, name) > STILL_HIGH), key=traces.__getitem__)
    if not neglected:
        return None
    each = [
        f"{times(_ratio(traces[strong], traces[name]))} that of '{name}', which kept {percent(_left_of(run, name))} of "
        f"its first mean square"
        for name in neglected
    ]
    verb = "is" if len(neglected) == 1 else "are"
    follow = any(np.ptp(run.history.weights[name]) > 0 for name in traces)
    return Finding(
        "warning",
        f"Imbalance between conditions: {_listed([repr(name) for name in neglected])} {verb} neglected",
        f"The weighted kernel trace of '{strong}' is {_listed(each)}.",
        "The loss weights of this run lag behind: let them follow more often, or use strategy 'auto'."
        if follow
        else "Use strategy 'ntk-adam' or 'auto', whose loss weights even out the traces.",
    )


def ill_conditioning(run: Run) -> Finding | None:
    """First-order steps, as many as the condition number, reduce the slowest mode by a factor e."""
    record = _final(run)
    if record is None or not _is_first_order(run) or not _has_loss_left(run) or is_healthy(run):
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
    record = _final(run)
    if record is None or not record.numerical_rank or not _is_first_order(run):
        return None
    if not _has_loss_left(run) or is_healthy(run):
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
    record = _final(run)
    if record is None or not record.numerical_rank or not _has_loss_left(run) or is_healthy(run):
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
    record = _final(run)
    if record is None or not _has_loss_left(run) or is_healthy(run):
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


def overfitting(run: Run) -> Finding | None:
    training, held_out = run.summary.loss, run.summary.held_out_loss
    if not (held_out > OVERFITTING * training and held_out > _rounding_loss(run)) or _held_out_ratio(run) <= CONVERGED:
        return None
    excess = {k: _ratio(run.summary.held_out[k], value) for k, value in run.summary.losses.items()}
    worst = max(excess, key=excess.__getitem__)
    where = f", most of all for '{worst}' ({times(excess[worst])} its training value)"
    return Finding(
        "warning",
        "Overfitting: the fit does not hold between the points",
        f"The loss on held-out points, {number(held_out)}, is {times(_ratio(held_out, training))} the training "
        f"loss{where}.",
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
    at, least, last = checks[-1].step, run.summary.held_out_loss, checks[-1].held_out_loss
    training = float(run.history.loss[at - 1])
    if not last > OVERFITTING * max(least, training) or _held_out_ratio(run) <= CONVERGED:
        return None
    return Finding(
        "warning",
        "Overfitting: later steps fitted the points, not what lies between them",
        f"From step {kept:,}, whose parameters are kept, to step {at:,} the loss on held-out points rose from "
        f"{number(least)} to {number(last)}; the training loss was {number(training)} then.",
        "Use more points (`points`), or points that are redrawn during training.",
    )


def precision_limit(run: Run) -> Finding | None:
    limit, loss, single = _rounding_loss(run), run.summary.loss, run.summary.precision == "single"
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
    drift, passages = run.summary.spectrum.final.kernel_drift, run.history.passages
    is_off = passages[-1].error > POOR if passages else drift > LARGE_DRIFT
    if not (_is_first_order(run) and is_off) or is_healthy(run):
        return None
    score = f"; the last prediction of the loss was {percent(passages[-1].error)} off" if passages else ""
    return Finding(
        "info",
        "The kernel is still moving",
        f"‖K − K₀‖ / ‖K₀‖ = {number(drift)}{score}.",
        "Do not trust predictions from a spectrum of this run; its last one describes the end only.",
    )


def few_dimensions(run: Run) -> Finding | None:
    dimension, parameters = run.summary.spectrum.final.effective_dimension, run.summary.parameters
    if not 0 < dimension < FEW_DIMENSIONS * parameters or not _is_first_order(run) or is_healthy(run):
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
    record, passages = _final(run), run.history.passages
    rate = run.summary.learning_rate
    if record is None or record.theory is None or rate is None or is_healthy(run) or not _has_loss_left(run):
        return None
    if not passages or passages[-1].end != record.step or not all(passage.is_good for passage in passages[-2:]):
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
        f"The last predictions of the loss were within {percent(max(p.error for p in passages[-2:]))}. At rate "
        f"{number(rate)} the loss {course.format(number(record.theory.loss), number(aim))}.",
        "Raise `steps` or `budget` accordingly, or use strategy 'auto'." if steps else "Use strategy 'auto'.",
    )


def still_falling(run: Run) -> Finding | None:
    checks = run.history.checks
    limit = LIMITS.get(run.summary.stop_reason)
    if limit is None or len(checks) < 2 or is_healthy(run):
        return None
    past = [c for c in checks if c.step <= 0.75 * checks[-1].step]
    left = _ratio(checks[-1].held_out_loss, past[-1].held_out_loss) if past else math.inf
    if not left < STILL_FALLING or run.summary.held_out_loss <= _rounding_loss(run):
        return None
    return Finding(
        "info",
        "It was still improving when it stopped",
        f"The held-out loss fell to {percent(left)} between steps {past[-1].step:,} and {checks[-1].step:,}; "
        f"the run stopped: {run.summary.ending}.",
        f"Raise `{limit}` if the accuracy does not suffice.",
    )


def lost_flux(run: Run) -> Finding | None:
    """What may be wrong with the problem, however small the residuals are."""
    doubts = [text.removeprefix(DOUBT) for text in run.history.decisions if text.startswith(DOUBT)]
    if not doubts:
        return None
    return Finding(
        "warning",
        "A flux condition may be lost at a jump",
        f"{doubts[0][0].upper()}{doubts[0][1:]}.",
        "Small residuals prove nothing there: see whether the solution reaches the jump; smooth it, or make the flux a "
        "field.",
    )


RULES: tuple[Callable[[Run], Finding | None], ...] = (
    not_finite,
    lost_flux,
    unstable_learning_rate,
    imbalanced_conditions,
    slow_residual,
    unreachable_residual,
    ill_conditioning,
    front,
    overfitting,
    overfitting_later,
    too_few_points,
    precision_limit,
    steps_to_come,
    still_falling,
    few_dimensions,
    moving_kernel,
)


def is_healthy(run: Run) -> bool:
    """Whether the run has done what it should: no advice is needed."""
    if _stopped_on_non_finite(run):
        return False
    error, target = _error(run), run.config.get("target")
    if error is not None:
        return error <= ACCURATE
    return _held_out_ratio(run) <= CONVERGED or (target is not None and run.summary.held_out_loss <= target)


def slow_modes(record: Diagnostics, steps: int) -> np.ndarray:
    """Modes that so many steps at rate 1/λ_max hardly move, those that rounding hides among them."""
    return slow_resolvable(record.spectrum, steps) | ~record.spectrum.resolvable


def _coefficients(run: Run) -> str:
    """A sentence on what was looked for."""
    found = []
    for name, interval in run.summary.coefficient_intervals.items():
        known = "not determined" if interval is None else f"95 %: {number(interval[0])} to {number(interval[1])}"
        found.append(f"{name} = {run.summary.coefficients[name]:.6g} ({known})")
    return f" Found: {', '.join(found)}." if found else ""


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


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


def _is_first_order(run: Run) -> bool:
    return bool(run.history.phases) and run.history.phases[-1].name in FIRST_ORDER


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
    return run.summary.stop_reason is StopReason.NOT_FINITE


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
    """The loss below which residuals are rounding error: as measured, or from their first size."""
    measured = run.summary.rounding_loss
    if measured is not None:
        return AT_ROUNDING * measured
    return (ROUNDING * float(np.finfo(float).eps)) ** 2 * _first_loss(run)


def _ratio(value: float, reference: float) -> float:
    return value / reference if reference > 0 else math.inf if value > 0 else math.nan
