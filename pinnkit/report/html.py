"""The report as one page that needs nothing else."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jinja2
import numpy as np
from matplotlib.figure import Figure

from ..run import Run
from . import figures, tables
from .interpretation import interpret, verdict
from .svg import to_svg


@dataclass(frozen=True)
class Picture:
    """A figure on the page: its SVG and what is to be seen in it."""

    svg: str
    caption: str
    wide: bool = False


def render(run: Run) -> str:
    """The page of a run."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("pinnkit.report", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    records = run.history.diagnostics
    return environment.get_template("template.html").render(
        summary=run.summary,
        verdict=verdict(run),
        ending=tables.ending(run),
        findings=interpret(run),
        command=_command(run.config),
        decisions=run.history.decisions,
        tables=_tables(run),
        modes=[(record.step, tables.mode_table(record)) for record in (*records[:1], *records[1:][-1:])],
        training=list(_training(run)),
        kernel=list(_kernel(run)),
        solution=_solution(run),
        coordinates=run.snapshot.coordinates,
    )


def _tables(run: Run) -> dict[str, tables.Table]:
    records = run.history.diagnostics
    made = {
        "error": tables.error_table(run),
        "loss": tables.loss_table(run),
        "condition": tables.condition_table(run),
        "kernel": tables.kernel_table(run),
        "phase": tables.phase_table(run),
        "time": tables.time_table(run),
        "setting": tables.setting_table(run),
    }
    if records:
        made["block"] = tables.block_table(records[-1])
    return made


def _command(config: Any) -> str:
    """How to make the run again: the command line, or the call where there was none."""
    if "command" in config:
        return config["command"]
    names = ("strategy", "steps", "budget", "target", "seed", "precision", "points", "sampler", "width", "depth")
    given = [f"{name}={_plain(config[name])}" for name in names if config.get(name) is not None]
    return f"pinnkit.fit({', '.join([str(config.get('problem', 'problem')), *given])})"


def _plain(value: Any) -> str:
    return repr(dict(value)) if hasattr(value, "items") else repr(value)


def _training(run: Run) -> Iterator[Picture]:
    history = run.history
    if not history.step.size:
        return
    yield _picture("losses", figures.plot_losses, history, "Loss, and mean squares of the residuals without weights.")
    if any(check.relative_l2 for check in history.checks):
        yield _picture("errors", figures.plot_errors, history, "Error against the reference on the test grid.")
    yield _picture("weights", figures.plot_weights, history, "Weight of each condition in the loss.")
    if np.isfinite(history.learning_rate).any():
        caption = "Learning rate, and 2/λ_max at each look at the kernel. The bound is that of plain gradient descent."
        yield _picture("rate", figures.plot_learning_rate, history, caption)


def _kernel(run: Run) -> Iterator[Picture]:
    if not run.history.diagnostics:
        return
    hidden = "Marks on the dashed line are eigenvalues that rounding hides; they are at most twice as large."
    caption = f"Spectrum of the training kernel as training goes on. {hidden}"
    yield _picture("spectrum", figures.plot_spectrum, run.history, caption)
    caption = "Spectra of the diagonal blocks, one per condition, at the end, each over its own noise floor."
    yield _picture("blocks", figures.plot_blocks, run.history, caption)


def _solution(run: Run) -> Picture | None:
    if not figures.can_plot(run.snapshot):
        return None
    caption = "The solution on the test grid."
    if run.snapshot.reference:
        caption = "The solution on the test grid, its reference and their difference."
    return _picture("solution", figures.plot_solution, run.snapshot, caption, wide=bool(run.snapshot.reference))


def _picture(name: str, plot: Callable[[Any], Figure], data: Any, caption: str, wide: bool = False) -> Picture:
    return Picture(to_svg(plot(data), name), caption, wide)
