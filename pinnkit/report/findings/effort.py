"""Rules about the effort: time, steps, points, parameters; and the finding for a run that no rule explains."""

import math

import numpy as np

from ..._base.numbers import count, of, short
from ...runs.run_folder import Run
from ...runs.stop_reason import StopReason
from ..levels import is_first_order, worst_row
from ..verdict import Grade, grade, is_healthy
from .finding import Finding, Rule

FEW_PARAMETERS = {1: 100, 2: 400, 3: 800}
"""Parameters per component below which a network is small, by number of coordinates (the last entry: 3 or more). Sine
networks solve smooth problems with 128, 500 and 800."""

FEW_POINTS = {1: 50, 2: 300, 3: 800}
"""The same for the points of the condition with most points."""

FEW_STEPS = 1000
"""Hardly any network is trained in fewer first-order steps."""

JUMP, JUMPS = 10.0, 3
"""`JUMPS` increases of the training loss by the factor `JUMP` within one step are attributed to redrawn points."""


def too_little_time(run: Run) -> Finding | None:
    """A run that was cut short by its budget."""
    budget, skipped_work = run.config.get("budget"), run.history.skipped_work
    cut = run.summary.stop_reason is StopReason.BUDGET
    if budget is None or is_healthy(run) or not (cut or skipped_work):
        return None
    steps = count(run.summary.steps, "step")
    reasons = [f"the budget of {short(float(budget))} s ran out after {steps}"] if cut else []
    reasons += [f"{s.work} skipped: needs {short(s.needed)} s, {short(max(s.left, 0.0))} s left" for s in skipped_work]
    reason = "; ".join(reasons)
    next_step = min((s.sufficient_budget(budget) for s in skipped_work), default=0.0)
    enough = max(2 * budget, next_step)
    return Finding(
        "warning",
        "The time budget was too short",
        f"{reason[0].upper()}{reason[1:]}.",
        f"Use a `budget` of at least {_rounded_up(enough):,} s.",
    )


def too_few_steps(run: Run) -> Finding | None:
    steps = run.summary.steps
    if run.summary.stop_reason is not StopReason.STEPS or is_healthy(run) or run.config.get("steps") is None:
        return None
    if steps > FEW_STEPS or not is_first_order(run):
        return None
    return Finding(
        "warning",
        "Too few steps",
        f"The run stopped after {steps:,} first-order steps, as requested; training takes thousands.",
        f"Raise `steps` to at least {10 * FEW_STEPS:,}, or use strategy 'auto', which solves for the output layer.",
    )


def small_network(run: Run) -> Finding | None:
    fields = sum(v.shape[1] if v.ndim > 1 else 1 for v in run.snapshot.fields.values())
    few, parameters = fields * _at(FEW_PARAMETERS, run), run.summary.parameters
    if not parameters < few or _is_chosen(run) or is_healthy(run):
        return None
    return Finding(
        "warning",
        "The network is small",
        f"It has {count(parameters, 'parameter')}; a problem with {count(len(run.snapshot.coordinates), 'coordinate')} "
        f"and {count(fields, 'component')} usually needs at least {few:,}.",
        "Use a larger `width` and `depth`, or let pinnkit choose them.",
    )


def sparse_points(run: Run) -> Finding | None:
    """Too few points to represent the equation: by their number, or by jumps of the loss when they are redrawn."""
    few, most = _at(FEW_POINTS, run), max(run.summary.points.values(), default=0)
    jumps = _jumps(run)
    if is_healthy(run) or _is_chosen(run) or not (most < few or jumps >= JUMPS):
        return None
    reasons = [f"no condition has more than {count(most, 'point')}" if most < few else ""]
    reasons += [f"the training loss rose by a factor of more than {JUMP:g} in {jumps} steps" if jumps >= JUMPS else ""]
    reason = "; ".join(filter(None, reasons))
    return Finding(
        "warning",
        "Too few points",
        f"{reason[0].upper()}{reason[1:]}.",
        f"Use at least {max(few, 4 * most):,} `points`, or let pinnkit choose their number.",
    )


EFFORT_RULES: tuple[Rule, ...] = (too_little_time, too_few_steps, small_network, sparse_points)


def unexplained(run: Run) -> Finding:
    """The finding for a run that is not solved although no rule names a cause."""
    found, row = grade(run), worst_row(run)
    residual = f" The largest residual is {of(row[1].relative, 'its terms')} (in '{row[0]}')." if row else ""
    auto = run.summary.strategy == "auto"
    order = [
        "check signs, units and regions of all conditions on a case whose solution you know",
        *([] if auto else ["use strategy 'auto' without further arguments"]),
        *(["raise `budget`"] if run.config.get("budget") is not None else []),
        *(["raise `steps`"] if run.config.get("steps") is not None else []),
        "write the problem in units in which fields and coordinates are of order 1",
        "solve an easier version (larger viscosity, lower frequency, shorter time) and approach the hard one in steps",
        *(["use more points and a wider network", "use strategy 'gauss-newton'"] if auto else []),
        "try another `seed`",
    ]
    return Finding(
        "info" if found is Grade.ROUGH else "warning",
        "No rule identifies the cause",
        f"The run is {found.value} ({run.summary.ending}).{residual}",
        f"Try, in this order: {'; '.join(f'{i}. {text}' for i, text in enumerate(order, 1))}.",
    )


def _is_chosen(run: Run) -> bool:
    """Whether pinnkit chose network and points, as it does for sine networks."""
    return run.config.get("network") == "SineFeatures"


def _at(table: dict[int, int], run: Run) -> int:
    return table[min(len(run.snapshot.coordinates), max(table))]


def _jumps(run: Run) -> int:
    """Number of steps in which the training loss jumped, the first tenth of the steps left out."""
    loss = run.history.loss[len(run.history.loss) // 10 :]
    with np.errstate(over="ignore", invalid="ignore"):
        return int(np.sum(loss[1:] > JUMP * loss[:-1]))


def _rounded_up(seconds: float) -> int:
    """To two digits."""
    unit = 10 ** max(math.floor(math.log10(max(seconds, 1.0))) - 1, 0)
    return unit * math.ceil(seconds / unit)
