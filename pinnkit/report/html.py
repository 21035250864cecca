"""The report as one self-contained page."""

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jinja2
import numpy as np
from matplotlib.figure import Figure

from .._base.numbers import printable
from ..runs.run_folder import Run
from . import data_figures, figures, pictures, tables
from .findings.rules import interpret
from .levels import kernels_compare
from .svg import to_svg
from .verdict import verdict


@dataclass(frozen=True)
class Picture:
    """A figure on the page: its SVG and its caption."""

    svg: str
    caption: str
    wide: bool = False


SECTIONS = {
    "result": "Result",
    "interpretation": "Interpretation",
    "solution": "Solution",
    "training": "Training",
    "predictions": "Predictions",
    "kernel": "Kernel",
    "time": "Time",
    "settings": "Settings",
}


def render(run: Run) -> str:
    """The page of a run."""
    records = run.history.diagnostics
    return fill(
        "report.html",
        summary=run.summary,
        sections=SECTIONS.items(),
        verdict=verdict(run),
        ending=tables.ending(run),
        findings=interpret(run),
        command=_command(run.config),
        decisions=[str(decision) for decision in run.history.decisions],
        tables=_tables(run),
        race_score=tables.race_score(run),
        score=tables.score(run),
        modes=[(record.step, tables.mode_table(record)) for record in (*records[:1], *records[1:][-1:])],
        training=list(_training(run)),
        predictions=list(_predictions(run)),
        kernel=list(_kernel(run)),
        solution=list(_solution(run)),
        coordinates=run.snapshot.coordinates,
    )


def fill(template: str, **values: Any) -> str:
    """A page from its template; strings are escaped, and stripped of characters that cannot be printed."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("pinnkit.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: printable(value) if type(value) is str else value,  # pictures are Markup
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**values)


def _tables(run: Run) -> dict[str, tables.Table]:
    records = run.history.diagnostics
    made = {
        "error": tables.error_table(run),
        "loss": tables.loss_table(run),
        "condition": tables.condition_table(run),
        "check": tables.check_table(run),
        "kernel": tables.kernel_table(run),
        "prediction": tables.prediction_table(run),
        "decay": tables.decay_table(run),
        "race": tables.race_table(run),
        "phase": tables.phase_table(run),
        "time": tables.time_table(run),
        "setting": tables.setting_table(run),
    }
    if records:
        made["block"] = tables.block_table(records[-1])
    return made


def _command(config: Any) -> str:
    """How to repeat the run: its command line, or the call if it was started from Python."""
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
    yield picture(
        "losses", figures.plot_losses, history, "Loss, and unweighted mean squared residual of each condition."
    )
    if any(check.relative_l2 for check in history.checks):
        yield picture("errors", figures.plot_errors, history, "Relative L2 error on the test grid.")
    if history.coefficients:
        yield picture("coefficients", data_figures.plot_coefficients, history, "Course of the unknown coefficients.")
    yield picture("weights", figures.plot_weights, history, "Loss weight of each condition.")
    if np.isfinite(history.learning_rate).any():
        caption = "Learning rate, and 2/λ_max at each kernel snapshot, the stability limit of gradient descent."
        yield picture("rate", figures.plot_learning_rate, history, caption)


def _predictions(run: Run) -> Iterator[Picture]:
    if run.history.predictions:
        caption = "Loss at each kernel snapshot, and its prediction by linear theory from the previous snapshot."
        yield picture("predictions", figures.plot_predictions, run.history, caption)
        caption = "Remaining share of each mode since the previous snapshot; faster modes to the right."
        yield picture("decays", figures.plot_decays, run.history, caption)


def _kernel(run: Run) -> Iterator[Picture]:
    records = run.history.diagnostics
    if not records:
        return
    hidden = "Marks on the dashed line: eigenvalues below the noise floor, known only to be at most twice the floor."
    history, course = run.history, " during training"
    if not kernels_compare(run):
        history, course = dataclasses.replace(run.history, diagnostics=records[-1:]), " after training"
    yield picture("spectrum", figures.plot_spectrum, history, f"Spectrum of the training kernel{course}. {hidden}")
    if len(history.diagnostics) > 2:
        caption = "Drift of the unweighted kernel from initialisation, and alignment with it."
        yield picture("drift", figures.plot_drift, history, caption)
    caption = f"Spectra of the diagonal blocks, one for each condition,{course}."
    yield picture("blocks", figures.plot_blocks, history, caption, wide=len(history.conditions) > 1)


def _solution(run: Run) -> Iterator[Picture]:
    snapshot = run.snapshot
    if pictures.can_plot(snapshot):
        others = ", reference and error" if snapshot.reference else ""
        is_scattered = not pictures.is_grid(snapshot)
        scattered = "Solution against reference at scattered points"
        caption = scattered if is_scattered else f"Solution{others} on the test grid"
        wide = bool(snapshot.reference) or len(snapshot.coordinates) == 3
        yield picture("solution", pictures.plot_solution, snapshot, f"{caption}.", wide=wide)
    if pictures.can_plot_slices(snapshot):
        caption = "Solution at five times" + ("; reference dashed." if snapshot.reference else ".")
        yield picture("slices", pictures.plot_slices, snapshot, caption)
    for name, plot, data, caption, wide in data_figures.pictures_of_data(run):
        yield picture(name, plot, data, caption, wide)


def picture(name: str, plot: Callable[[Any], Figure], data: Any, caption: str, wide: bool = False) -> Picture:
    """A figure for the page; `name` must be unique on it."""
    return Picture(to_svg(plot(data), name), caption, wide)
