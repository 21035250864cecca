"""The tables of a report as text, for the console and for the page."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from .._base.numbers import ABSENT, condition_number, count, number, percent, size
from ..diagnostics.linear_theory import FEWEST_PREDICTIONS, GOOD, RECENT, is_trusted, trust
from ..diagnostics.record import LEADING_MODES, Diagnostics
from ..runs.run_folder import Run
from ..runs.summary import SpectrumSummary, Summary
from .coefficients import coefficient_interval, coefficient_value
from .data_fit import correlation_rows, data_rows
from .levels import kernels_compare

MOST_ROWS = 12
"""Most rows of one condition in a table."""

DRIFT = "drift ‖K−K₀‖/‖K₀‖"


@dataclass(frozen=True)
class Table:
    """Rows of text: a name in the first column, figures in the others. A header may have line breaks."""

    title: str
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]


def error_table(run: Run) -> Table:
    """Errors against the reference per field; no rows without a reference."""
    s, greatest = run.summary, run.summary.max_error or {}
    figures = (s.relative_l2, s.relative_to_spread, greatest, s.relative_to_range)
    rows = [(name, *(number((figure or {}).get(name)) for figure in figures)) for name in greatest]
    rows = [(*row[:3], with_unit(s, row[0], row[3]), row[4]) for row in rows]
    return Table("Result", ("field", "relative L2 error", "rel. to spread", "max error", "rel. to range"), rows)


def ending(run: Run) -> str:
    """Why and when the run stopped, and the step of its best parameters."""
    s = run.summary
    kept = "" if s.kept_step == s.steps else f"; best parameters: step {s.kept_step:,}"
    return f"{s.ending}, after {count(s.steps, 'step')}{kept}"


def loss_table(run: Run) -> Table:
    """Losses, and given or estimated coefficients."""
    s = run.summary
    rows = [
        ("training loss", number(s.loss)),
        ("validation loss", number(s.validation_loss)),
        *(row for name in s.coefficients for row in _coefficient_rows(s, name)),
        *correlation_rows(s),
        *data_rows(s),
    ]
    return Table("Loss", ("", "value"), rows)


def with_unit(summary: Summary, name: str, value: str) -> str:
    """A value of a field or coefficient with its unit, if it has one."""
    unit = summary.declared.units.get(name)
    return f"{value} {unit}" if unit and value != ABSENT else value


def _coefficient_rows(summary: Summary, name: str) -> Iterator[tuple[str, str]]:
    yield f"coefficient {name}", with_unit(summary, name, coefficient_value(summary, name))
    if name in summary.coefficient_intervals:
        yield f"{name}, uncertainty", coefficient_interval(summary, name)


def condition_table(run: Run) -> Table:
    """Per condition: points, mean squared residual (initial, final, on validation points), weight."""
    h, s = run.history, run.summary
    rows = [
        (
            name,
            number(s.points[name]),
            number(float(h.losses[name][0]) if h.losses[name].size else None),
            number(s.losses[name]),
            number(s.validation_losses[name]),
            number(s.weights[name]),
        )
        for name in h.conditions
    ]
    rows += [(name, "", "", "", number(value), "hard") for name, value in s.hard.items()]
    header = ("condition", "points", "mean squared\nresidual: initial", "final", "validation", "weight")
    return Table("Conditions", header, rows)


def check_table(run: Run) -> Table:
    """Every declared condition on dense points: its residual relative to its own terms, and where it is largest."""
    rows, coordinates = [], _coordinates(run)
    for name, check in run.summary.conditions.items():
        for i, row in enumerate(check.rows[:MOST_ROWS]):
            imposed = "prior" if check.prior else "hard" if row.hard else "soft"
            imposed += "" if check.holds else ", violated"
            label = name if len(check.rows) == 1 else f"{name} [{i + 1}]"
            at = ", ".join(f"{row.at[x]:.3g}" if x in row.at else ABSENT for x in coordinates)
            rows.append((label, imposed, number(row.relative), number(row.scale), number(row.largest), at))
    units = run.summary.declared.units
    place = f"at {', '.join(f'{name} ({units[name]})' if name in units else name for name in coordinates)}"
    header = ("condition", "imposed", "residual\n/ terms", "size of\nterms", "largest\nresidual", place)
    return Table("Checks", header, rows)


def term_table(run: Run) -> Table:
    """The size of each term of each equation: rms over the region of its condition, and relative to the largest."""
    rows = []
    for name, check in run.summary.conditions.items():
        for i, row in enumerate(check.rows[:MOST_ROWS]):
            condition = name if len(check.rows) == 1 else f"{name} [{i + 1}]"
            largest = max(row.terms.values(), default=0.0)
            for term, value in row.terms.items():
                rows.append((condition, term, number(value), number(value / largest if largest > 0 else None)))
    return Table("Terms", ("condition", "term", "rms", "/ largest"), rows)


def _coordinates(run: Run) -> list[str]:
    """The coordinates of the points where residuals are largest."""
    checks = run.summary.conditions.values()
    return list(dict.fromkeys(name for check in checks for row in check.rows for name in row.at))


def kernel_table(run: Run) -> Table:
    """The initial and the final training kernel; the final one alone if the two are not comparable."""
    if not kernels_compare(run):
        figures = _kernel_figures(run.summary.spectrum.final)
        del figures[DRIFT]
        return Table("Kernel", ("training kernel", "final"), list(figures.items()))
    before, after = (_kernel_figures(s) for s in (run.summary.spectrum.initial, run.summary.spectrum.final))
    rows = [(name, before[name], after[name]) for name in before]
    if run.history.diagnostics:
        first, last = (_alignments(run.history.diagnostics[i]) for i in (0, -1))
        rows += [(name, first[name], last[name]) for name in first]
    return Table("Kernel", ("training kernel", "initial", "final"), rows)


def kernel_line(run: Run) -> str:
    """The final training kernel in a line."""
    s = run.summary.spectrum.final
    kappa = condition_number(s.condition_number, s.condition_number_is_lower_bound)
    rank = f"{s.numerical_rank} of {s.modes} modes resolvable"
    return f"λ_max {number(s.largest_eigenvalue)}, {rank}, condition number {kappa}, {s.slow_modes} slow"


def record_table(record: Diagnostics) -> Table:
    """The training kernel of one snapshot."""
    figures = {**_kernel_figures(SpectrumSummary.of(record)), **_alignments(record)}
    return Table("Kernel", ("training kernel", "value"), list(figures.items()))


def block_table(record: Diagnostics) -> Table:
    """Per condition: points, weight, trace and spectrum of its block."""
    rows = [
        (
            name,
            number(record.points[name]),
            number(record.weights[name]),
            number(record.weights[name] * record.block_traces[name]),
            number(block.largest_eigenvalue),
            f"{block.numerical_rank} of {block.size}",
        )
        for name, block in record.blocks.items()
    ]
    header = ("block", "points", "weight", "weighted trace", "λ_max", "resolvable modes")
    return Table("Blocks", header, rows)


def mode_table(record: Diagnostics) -> Table:
    """Leading modes: eigenvalue, share of the residual, variation; the other modes in two groups."""
    share, rank = record.residual_share, record.numerical_rank
    count = min(rank, LEADING_MODES)
    rows = [
        (str(i + 1), number(float(record.eigenvalues[i])), percent(share[i]), str(record.mode_frequencies[i]))
        for i in range(count)
    ]
    hidden = f"< {number(record.spectrum.hidden_below)}"
    rows.append((f"{rank - count} further", "", percent(share[count:rank].sum()), ""))
    rows.append((f"{record.modes - rank} unresolvable", hidden, percent(share[rank:].sum()), ""))
    return Table("Modes", ("mode", "eigenvalue", "share of ‖r‖²", "variation"), rows)


def hidden_modes(record: Diagnostics) -> str:
    """What is known of the modes that are not resolvable, in words."""
    rank = record.numerical_rank
    unresolvable, bound = record.modes - rank, number(record.spectrum.hidden_below)
    if not unresolvable:
        return f"All {record.modes} modes are resolvable."
    share = percent(float(record.residual_share[rank:].sum()))
    return (
        f"{rank} of {record.modes} modes are resolvable; {unresolvable} unresolvable ones, with eigenvalues < {bound}, "
        f"hold {share} of ‖r‖²."
    )


def score(run: Run) -> str:
    """How accurate linear theory was in this run, in words."""
    predictions = run.history.predictions
    if not predictions:
        return "No predictions: linear theory needs first-order steps and at least two kernel snapshots."
    errors = [prediction.error for prediction in predictions]
    good, diverging = (
        sum(prediction.is_good for prediction in predictions),
        sum(prediction.diverges for prediction in predictions),
    )
    share = trust(predictions)
    if share is None:
        future = f"Extrapolation needs at least {FEWEST_PREDICTIONS} predictions"
    else:
        verb = "can" if is_trusted(predictions) else "cannot"
        recent = min(RECENT, len(predictions))
        future = (
            f"The last {recent} were accurate over {percent(share)} of their steps, so linear theory {verb} be "
            f"extrapolated"
        )
    diverged = f" {diverging} diverged, because the steps were longer than the theory allows." if diverging else ""
    return (
        f"Linear theory predicted the loss at the next kernel snapshot with a median error of "
        f"{percent(median(errors))}; {good} of {count(len(errors), 'prediction')} "
        f"{'was' if len(errors) == 1 else 'were'} accurate (within {percent(GOOD)}).{diverged} {future}."
    )


def prediction_table(run: Run) -> Table:
    """Predicted and observed loss at each kernel snapshot after the first."""
    rows = []
    for prediction in run.history.predictions:
        before, predicted, observed = map(number, prediction.losses)
        error = percent(prediction.error)
        outcome = ("diverges", observed, ABSENT) if prediction.diverges else (predicted, observed, error)
        rows.append((f"{prediction.start:,} to {prediction.end:,}", before, *outcome))
    return Table("Predictions", ("steps", "loss before", "predicted", "observed", "error"), rows)


def race_table(run: Run) -> Table:
    """Per candidate of the automatic procedure: when it began, and what it took and left beside what was predicted."""
    rows = [
        (
            attempt.candidate,
            *map(number, (attempt.began, attempt.predicted_seconds, attempt.seconds)),
            *map(number, (attempt.before, attempt.predicted_loss)),
            "failed" if attempt.relative_loss is None else number(attempt.relative_loss),
        )
        for attempt in run.history.attempts
    ]
    return Table("Race", ("candidate", "began s", "predicted s", "took s", "loss before", "predicted", "left"), rows)


def race_score(run: Run) -> str:
    """How well seconds and losses of the attempts were predicted; empty without a prediction."""
    seconds = [(each.seconds, each.predicted_seconds) for each in run.history.attempts]
    losses = [(each.relative_loss, each.predicted_loss) for each in run.history.attempts]
    known = lambda pairs: [abs(math.log10(found / predicted)) for found, predicted in pairs if found and predicted]
    if not known(seconds):
        return ""
    score = f"Predicted seconds were off by a factor of {10 ** median(known(seconds)):.2g} (median)"
    return f"{score}, predicted losses by {median(known(losses)):.2g} powers of ten." if known(losses) else f"{score}."


def phase_table(run: Run) -> Table:
    """Per phase: steps, wall time (including kernel snapshots), peak memory so far, final losses."""
    h, s = run.history, run.summary
    rows = []
    for i, stage in enumerate(h.phases):
        is_last = i == len(h.phases) - 1
        end, at = (s.steps, s.seconds.total) if is_last else (h.phases[i + 1].step, h.phases[i + 1].seconds)
        memory = s.peak_memory_bytes if is_last else h.phases[i + 1].memory
        taken = np.flatnonzero((h.step >= stage.step) & (h.step < end))
        checks = [check for check in h.checks if stage.step < check.step <= end]
        loss = float(h.loss[taken[-1]]) if taken.size else None
        rows.append(
            (
                stage.name,
                number(end - stage.step),
                number(at - stage.seconds),
                size(memory),
                number(loss),
                number(checks[-1].validation_loss if checks else None),
            )
        )
    return Table("Phases", ("phase", "steps", "seconds", "peak memory", "training loss", "validation loss"), rows)


def time_table(run: Run) -> Table:
    """Wall time by activity, and peak memory."""
    t = run.summary.seconds
    other = max(t.total - t.compile - t.train - t.diagnostics, 0.0)
    parts = {"compilation": t.compile, "training steps": t.train, "kernel diagnostics": t.diagnostics}
    rows = [(name, f"{seconds:.2f} s") for name, seconds in {**parts, "other": other, "total": t.total}.items()]
    return Table("Time and memory", ("", "value"), [*rows, ("peak memory", size(run.summary.peak_memory_bytes))])


def setting_table(run: Run) -> Table:
    """The settings of the run; nested tables are flattened."""
    rows = [row for key, value in run.config.items() if key != "command" for row in _flattened(key, value)]
    return Table("Settings", ("setting", "value"), rows)


def _kernel_figures(s: SpectrumSummary) -> dict[str, str]:
    return {
        "largest eigenvalue λ_max": number(s.largest_eigenvalue),
        "noise floor": number(s.noise_floor),
        "resolvable modes": f"{s.numerical_rank} of {s.modes}",
        "condition number": condition_number(s.condition_number, s.condition_number_is_lower_bound),
        "effective rank": number(s.effective_rank),
        "effective dimension": number(s.effective_dimension),
        "spectral bias ln(λ_max/λ_min)": number(s.spectral_bias),
        "slow modes": f"{s.slow_modes} of {s.modes}",
        DRIFT: number(s.kernel_drift),
        "stable learning rate 2/λ_max": number(s.stable_learning_rate),
    }


def _alignments(record: Diagnostics) -> dict[str, str]:
    return {
        "alignment with K₀": number(record.kernel_alignment),
        "alignment with r rᵀ": number(record.residual_alignment),
    }


def _flattened(key: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flattened(f"{key}.{name}", inner)
    else:
        yield key, _plain(value)


def _plain(value: Any) -> str:
    """A setting as a reader writes it: lists without brackets, six digits."""
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value)) or ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    return ABSENT if value is None else str(value)
