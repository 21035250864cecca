"""The report as one self-contained page."""

import functools
from collections.abc import Iterator
from typing import Any

import jinja2

from .._base.numbers import printable
from ..runs.run_folder import Run
from . import data_figures, maps, pictures, tables
from .course import kernel_pictures, prediction_pictures, training_pictures
from .findings.rules import interpret
from .picture import Picture, picture
from .prose import formula, prose
from .verdict import Grade, grade, verdict

SECTIONS = {
    "problem": "Problem",
    "result": "Result",
    "interpretation": "Interpretation",
    "solution": "Solution",
    "training": "Training",
    "predictions": "Predictions",
    "kernel": "Kernel",
    "time": "Time",
    "settings": "Settings",
}


TONES = {
    **dict.fromkeys((Grade.SOLVED, Grade.CONVERGED), "good"),
    **dict.fromkeys((Grade.ROUGH, Grade.UNCONVERGED, Grade.UNDETERMINED), "fair"),
    **dict.fromkeys((Grade.UNSOLVED, Grade.VIOLATED, Grade.BROKEN_DOWN), "bad"),
}
"""The colour of the verdict."""

MOST_RESIDUALS = 3
"""Most residuals whose maps are drawn: the largest."""


def render(run: Run) -> str:
    """The page of a run."""
    records = run.history.diagnostics
    return fill(
        "report.html",
        summary=run.summary,
        sections=SECTIONS.items(),
        verdict=_beside_badge(verdict(run), grade(run)),
        grade=grade(run).value,
        tone=TONES[grade(run)],
        when=run.summary.date.replace("T", " ").replace("+00:00", " UTC"),
        ending=tables.ending(run),
        findings=interpret(run),
        command=_command(run.config),
        decisions=[str(decision) for decision in run.history.decisions],
        tables=_tables(run),
        race_score=tables.race_score(run),
        score=tables.score(run),
        modes=list(_modes(run)),
        hidden=tables.hidden_modes(records[-1]) if records else "",
        training=list(training_pictures(run)),
        predictions=list(prediction_pictures(run)),
        kernel=list(kernel_pictures(run)),
        solution=list(_solution(run)),
        is_drawn=pictures.can_plot(run.snapshot),
        coordinates=run.snapshot.coordinates,
    )


def _beside_badge(words: str, found: Grade) -> str:
    """The verdict without the state that the badge beside it names."""
    state, colon, rest = words.partition(": ")
    return f"{rest[0].upper()}{rest[1:]}" if colon and rest and state.lower() == found.value else words


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
    environment.filters |= {"prose": prose, "formula": formula}
    return environment.get_template(template).render(**values)


def _tables(run: Run) -> dict[str, tables.Table]:
    records = run.history.diagnostics
    made = {
        "error": tables.error_table(run),
        "loss": tables.loss_table(run),
        "condition": tables.condition_table(run),
        "check": tables.check_table(run),
        "term": tables.term_table(run),
        "kernel": tables.kernel_table(run),
        "prediction": tables.prediction_table(run),
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


def _solution(run: Run) -> Iterator[Picture]:
    """The fields, and where and when they are accurate."""
    snapshot = run.snapshot
    if pictures.is_single(snapshot):
        yield from _single(run)
    elif pictures.can_plot(snapshot):
        others = ", reference and error" if snapshot.reference else ""
        scattered = "Solution against reference at scattered points"
        caption = f"Solution{others} on the test grid" if pictures.is_grid(snapshot) else scattered
        wide = bool(snapshot.reference) or len(snapshot.coordinates) == 3
        yield picture("solution", pictures.plot_solution, snapshot, f"{caption}.", wide=wide)
    if pictures.can_plot_slices(snapshot):
        caption = "Solution at five times" + ("; reference dashed." if snapshot.reference else ".")
        yield picture("slices", pictures.plot_slices, snapshot, caption)
    if maps.can_plot_error_in_time(snapshot):
        caption = "Error at each time, relative to the size of the reference over all times."
        yield picture("error-in-time", maps.plot_error_in_time, snapshot, caption)
    if maps.can_plot_points(snapshot):
        yield from _places(run)
    if maps.can_plot_histogram(snapshot):
        caption = "Sizes of errors (relative to the rms of the reference) and residuals (to the largest term)."
        yield picture("histogram", maps.plot_histogram, snapshot, caption)
    for name, plot, data, caption, wide in data_figures.pictures_of_data(run):
        yield picture(name, plot, data, caption, wide)


def _single(run: Run) -> Iterator[Picture]:
    captions = {
        "solution": "Solution on the test grid.",
        "reference": "Reference, on the scale of the solution.",
        "error": "Solution − reference, on a scale of its own.",
    }
    for what in captions if run.snapshot.reference else ("solution",):
        plot = functools.partial(pictures.plot_single, what=what)
        is_wide = what == "solution" and pictures.has_time(run.snapshot)
        yield picture(what, plot, run.snapshot, captions[what], wide=is_wide)


def _places(run: Run) -> Iterator[Picture]:
    snapshot = run.snapshot
    view = ", seen along the third coordinate" if len(snapshot.coordinates) == maps.MOST_DRAWN else ""
    for i, name in enumerate(maps.worst_residuals(snapshot, MOST_RESIDUALS)):
        plot = functools.partial(maps.plot_residual, condition=name)
        caption = f"Final residual of {name} relative to the largest term of its equation{view}."
        yield picture(f"residual-{i}", plot, snapshot, caption)
    if snapshot.collocation:
        yield picture("points", maps.plot_points, snapshot, f"Final collocation points{view}.")


def _modes(run: Run) -> Iterator[Picture]:
    """The eigenvectors of the last kernel snapshot."""
    record = run.history.diagnostics[-1] if run.history.diagnostics else None
    if record is not None and record.eigenvectors:
        described = "; ".join(f"{v.mode + 1}: {record.mode_frequencies[v.mode]}" for v in record.eigenvectors)
        caption = f"Eigenvectors at step {record.step:,}, with eigenvalue and share of the residual. {described}."
        plot = functools.partial(maps.plot_modes, titles=run.snapshot.titles)
        yield picture("modes", plot, record, caption, wide=True)
