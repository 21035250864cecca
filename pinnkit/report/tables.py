"""The tables of a report as text, the same on the console and on the page."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..diagnostics import LEADING_MODES, Diagnostics
from ..run import Run
from ..summary import SpectrumSummary
from .numbers import ABSENT, condition_number, number, percent, size


@dataclass(frozen=True)
class Table:
    """Rows of text; the first column says what a row is about, the others hold figures."""

    title: str
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]


def error_table(run: Run) -> Table:
    """Errors against the reference per field; no rows without one."""
    relative, greatest = run.summary.relative_l2 or {}, run.summary.max_error or {}
    rows = [(name, number(relative.get(name)), number(error)) for name, error in greatest.items()]
    return Table("Result", ("field", "relative L2 error", "max error"), rows)


def ending(run: Run) -> str:
    """Why and when it stopped, and which parameters were kept."""
    s = run.summary
    kept = "" if s.kept_step == s.steps else f"; the parameters are those of step {s.kept_step:,}"
    return f"{s.stop_reason}, after {s.steps:,} steps{kept}"


def loss_table(run: Run) -> Table:
    """Losses, and the coefficients that were looked for or given."""
    s = run.summary
    rows = [
        ("loss ½ Σ w mean(r²)", number(s.loss)),
        ("on held-out points", number(s.held_out_loss)),
        *((f"coefficient {name}", f"{value:.6g}") for name, value in s.coefficients.items()),
    ]
    return Table("Loss", ("", "value"), rows)


def condition_table(run: Run) -> Table:
    """Per condition: points, mean squares at the start, at the end and on held-out points, weight."""
    h, s = run.history, run.summary
    rows = [
        (
            name,
            number(s.points[name]),
            number(float(h.losses[name][0]) if h.losses[name].size else None),
            number(s.losses[name]),
            number(s.held_out[name]),
            number(s.weights[name]),
        )
        for name in h.conditions
    ]
    rows += [(name, "", "", "by construction", number(value), "") for name, value in s.exact.items()]
    header = ("condition", "points", "mean r² at start", "at end", "held out", "weight")
    return Table("Conditions", header, rows)


def kernel_table(run: Run) -> Table:
    """The training kernel before and after."""
    before, after = (_kernel_figures(s) for s in (run.summary.spectrum.initial, run.summary.spectrum.final))
    rows = [(name, before[name], after[name]) for name in before]
    if run.history.diagnostics:
        first, last = (_alignments(run.history.diagnostics[i]) for i in (0, -1))
        rows += [(name, first[name], last[name]) for name in first]
    return Table("Kernel", ("training kernel", "initial", "final"), rows)


def record_table(record: Diagnostics) -> Table:
    """The training kernel at one moment."""
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
    """Leading modes, where the residual is and how they vary."""
    share, rank = record.residual_share, record.numerical_rank
    count = min(rank, LEADING_MODES)
    rows = [
        (str(i + 1), number(float(record.eigenvalues[i])), percent(share[i]), str(record.mode_frequencies[i]))
        for i in range(count)
    ]
    hidden = f"{record.modes - rank} modes < {number(record.spectrum.hidden_below)}"
    rows.append(("further resolvable", f"{rank - count} modes", percent(share[count:rank].sum()), ""))
    rows.append(("not resolvable", hidden, percent(share[rank:].sum()), ""))
    return Table("Modes", ("mode", "eigenvalue", "share of ‖r‖²", "variation"), rows)


def phase_table(run: Run) -> Table:
    """Per phase: steps, wall time (with the looks at the kernel in it), losses at its end."""
    rows = [
        (name, number(steps), number(seconds), number(loss), number(held_out))
        for name, steps, seconds, loss, held_out in _phases(run)
    ]
    return Table("Phases", ("phase", "steps", "seconds", "loss at end", "held out"), rows)


def time_table(run: Run) -> Table:
    """Where the time went, and memory."""
    t = run.summary.seconds
    other = max(t.total - t.compile - t.train - t.diagnostics, 0.0)
    parts = {"compilation": t.compile, "training steps": t.train, "kernel diagnostics": t.diagnostics}
    rows = [(name, f"{seconds:.2f} s") for name, seconds in {**parts, "other": other, "total": t.total}.items()]
    return Table("Time and memory", ("", "value"), [*rows, ("peak memory", size(run.summary.peak_memory_bytes))])


def setting_table(run: Run) -> Table:
    """What the run was asked for, tables flattened."""
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
        "drift ‖K−K₀‖/‖K₀‖": number(s.kernel_drift),
        "stable learning rate 2/λ_max": number(s.stable_learning_rate),
    }


def _alignments(record: Diagnostics) -> dict[str, str]:
    return {
        "alignment with K₀": number(record.kernel_alignment),
        "alignment with r rᵀ": number(record.residual_alignment),
    }


def _phases(run: Run) -> Iterator[tuple[str, int, float | None, float | None, float | None]]:
    h = run.history
    starts = [first for _, first in h.phases]
    ends = [*starts[1:], run.summary.steps]
    elapsed = 0.0
    for (name, first), end in zip(h.phases, ends, strict=True):
        checks = [check for check in h.checks if first < check.step <= end]
        rows = np.flatnonzero((h.step >= first) & (h.step < end))
        seconds = checks[-1].seconds - elapsed if checks else None
        elapsed = checks[-1].seconds if checks else elapsed
        loss = float(h.loss[rows[-1]]) if rows.size else None
        yield name, end - first, seconds, loss, checks[-1].held_out_loss if checks else None


def _flattened(key: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flattened(f"{key}.{name}", inner)
    else:
        yield key, ABSENT if value is None else str(value)
