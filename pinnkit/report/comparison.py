"""Several runs side by side: tables of their figures, and their curves in common pictures."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from rich.console import Console
from rich.text import Text

from .._base.errors import InputError
from .._base.numbers import condition_number, number, printable, size
from ..drawing.style import (
    Curve,
    draw_curves,
    label,
    legend,
    log_axis,
    looks,
    new_axes,
    positive_of,
    styled,
    whole_numbers,
)
from ..runs.run_folder import Run
from . import tables
from .coefficients import coefficient
from .console import make_console, rich_table
from .findings.rules import interpret
from .html import fill
from .levels import kernels_compare
from .picture import Picture, picture
from .side_by_side import can_draw, differences, plot_solutions
from .svg import to_svg
from .tables import Table
from .verdict import verdict


class Comparison:
    """A comparison of two or more runs.

    - `runs`: the runs by name;
    - `Comparison(runs)()` prints the tables; `.html()` is a page with the curves in common pictures, `.save(path)`
      writes it.

    **Raises:** `InputError` for fewer than two runs.
    """

    def __init__(self, runs: Mapping[str, Run]):
        if len(runs) < 2:
            raise InputError(f"a comparison needs two or more runs, got {len(runs)}")
        self.runs = dict(runs)

    @classmethod
    def load(cls, folders: Sequence[str | Path]) -> "Comparison":
        """A comparison of run folders, named by the last part of their paths, or by the whole paths if these coincide.

        **Raises:** `RunFolderError` for a folder without a run; `InputError` for fewer than two folders, or if one is
        given twice.
        """
        places = [Path(folder).resolve() for folder in folders]
        if len(set(places)) < len(places):
            raise InputError("a run cannot be compared with itself: one folder is given twice")
        short = [place.name for place in places]
        names = short if len(set(short)) == len(short) else [str(folder) for folder in folders]
        return cls({name: Run.load(folder) for name, folder in zip(names, folders, strict=True)})

    def __call__(self, console: Console | None = None) -> None:
        console = console or make_console()
        console.print(Text(printable(self.verdict)))
        for table in (self.result_table(), self.condition_table(), self.kernel_table(), self.setting_table()):
            if table.rows:
                console.print()
                console.print(rich_table(table))

    @property
    def verdict(self) -> str:
        """The run with the smallest error, or why the runs cannot be ranked."""
        if found := differences(self.runs):
            return f"The runs solve different problems: {'; '.join(found)}."
        errors = {name: max((run.summary.relative_l2 or {}).values(), default=None) for name, run in self.runs.items()}
        known = {name: error for name, error in errors.items() if error is not None}
        if len(known) < len(errors):
            return (
                "Not every run has a reference. If the loss weights differ, compare mean squared residuals, not losses."
            )
        best = min(known, key=known.__getitem__)
        others = [f"{number(error)} in {name}" for name, error in known.items() if name != best]
        return f"{best} has the smallest relative L2 error: {number(known[best])}, against {', '.join(others)}."

    def result_table(self) -> Table:
        """Errors, losses and cost."""
        rows: dict[str, Callable[[Run], str]] = {
            "problem": lambda r: r.summary.problem,
            "strategy": lambda r: r.summary.strategy,
            "seed": lambda r: str(r.summary.seed),
        }
        for name in self._names(lambda run: run.summary.relative_l2 or {}):
            rows[f"relative L2 error {name}"] = lambda r, name=name: number((r.summary.relative_l2 or {}).get(name))
        for name in self._names(lambda run: run.summary.coefficient_intervals):
            rows[f"coefficient {name}"] = lambda r, name=name: coefficient(r.summary, name)
        rows |= {
            "validation loss": lambda r: number(r.summary.validation_loss),
            "steps": lambda r: number(r.summary.steps),
            "stopped": lambda r: r.summary.ending,
            "parameters": lambda r: number(r.summary.parameters),
            "points": lambda r: number(sum(r.summary.points.values())),
            "seconds": lambda r: number(r.summary.seconds.total),
            "peak memory": lambda r: size(r.summary.peak_memory_bytes),
        }
        return self._table("Result", rows)

    def condition_table(self) -> Table:
        """Mean squared residual of every condition on validation points, without weights."""
        names = self._names(lambda run: run.summary.validation_losses)
        return self._table(
            "Conditions",
            {f"mean squared residual {n}": lambda r, n=n: number(r.summary.validation_losses.get(n)) for n in names},
        )

    def kernel_table(self) -> Table:
        """The final training kernels."""
        final = lambda run: run.summary.spectrum.final
        rows: dict[str, Callable[[Run], str]] = {
            "largest eigenvalue λ_max": lambda r: number(final(r).largest_eigenvalue),
            "resolvable modes": lambda r: f"{final(r).numerical_rank} of {final(r).modes}",
            "condition number": lambda r: condition_number(
                final(r).condition_number, final(r).condition_number_is_lower_bound
            ),
            "effective dimension": lambda r: number(final(r).effective_dimension),
            "drift": lambda r: number(final(r).kernel_drift if kernels_compare(r) else None),
        }
        return self._table("Final kernel", rows)

    def setting_table(self) -> Table:
        """The settings that differ between the runs."""
        settings = {name: {row[0]: row[1] for row in tables.setting_table(run).rows} for name, run in self.runs.items()}
        keys = dict.fromkeys(key for table in settings.values() for key in table)
        rows = [(key, *(settings[name].get(key, "–") for name in self.runs)) for key in keys]
        return Table("Settings", ("setting", *self.runs), [row for row in rows if len(set(row[1:])) > 1])

    @property
    def best(self) -> set[tuple[str, int]]:
        """The cells of the tables with the smallest error, residual, loss or time: names of rows and columns from 1.

        Empty if the runs solve different problems; equal figures are not marked.
        """
        if differences(self.runs):
            return set()
        errors = {
            f"relative L2 error {name}": [(run.summary.relative_l2 or {}).get(name) for run in self.runs.values()]
            for name in self._names(lambda run: run.summary.relative_l2 or {})
        }
        residuals = {
            f"mean squared residual {name}": [run.summary.validation_losses.get(name) for run in self.runs.values()]
            for name in self._names(lambda run: run.summary.validation_losses)
        }
        seconds = {"seconds": [run.summary.seconds.total for run in self.runs.values()]}
        found = set[tuple[str, int]]()
        for name, values in (errors | residuals | seconds).items():
            known = [np.inf if value is None or np.isnan(value) else value for value in values]
            if np.isfinite(min(known)) and known.count(min(known)) == 1:
                found.add((name, 1 + known.index(min(known))))
        return found

    def html(self) -> str:
        """The page."""
        problems = dict.fromkeys(run.summary.problem for run in self.runs.values())
        return fill(
            "comparison.html",
            title=", ".join(problems),
            runs=list(self.runs),
            verdict=self.verdict,
            tables={
                "result": self.result_table(),
                "condition": self.condition_table(),
                "kernel": self.kernel_table(),
                "setting": self.setting_table(),
            },
            best=self.best,
            solutions=list(self._solutions()),
            course=list(self._course()),
            kernel=[Picture(to_svg(plot_spectra(self.runs), "spectra"), "Spectra of the final training kernels.")],
            interpretations=[(name, verdict(run), interpret(run)) for name, run in self.runs.items()],
        )

    def save(self, path: str | Path) -> Path:
        """Write the page. **Raises:** `RunFolderError` if it cannot be written."""
        from .report import write_page

        return write_page(self.html(), path)

    def _solutions(self):
        if can_draw(self.runs):
            caption = "The solutions on one scale, and below them the errors, if there is a reference."
            yield picture("solutions", plot_solutions, self.runs, caption, wide=True)

    def _course(self):
        by_step, by_time = (plot_validation_loss(self.runs, by) for by in ("step", "seconds"))
        yield Picture(to_svg(by_step, "validation-step"), "Validation loss, with the loss weights of each run.")
        yield Picture(to_svg(by_time, "validation-seconds"), "Validation loss against wall time.")
        if any(check.relative_l2 for run in self.runs.values() for check in run.history.checks):
            yield Picture(
                to_svg(plot_errors(self.runs), "errors"),
                "Relative L2 error against wall time, of the field with the largest.",
            )

    def _names(self, get: Callable[[Run], Mapping[str, object]]) -> list[str]:
        return list(dict.fromkeys(name for run in self.runs.values() for name in get(run)))

    def _table(self, title: str, rows: Mapping[str, Callable[[Run], str]]) -> Table:
        return Table(
            title, ("", *self.runs), [(name, *(get(run) for run in self.runs.values())) for name, get in rows.items()]
        )


@styled
def plot_validation_loss(runs: Mapping[str, Run], by: str = "step") -> Figure:
    """Validation loss of each run, against `step` or `seconds`."""
    figure, ax = new_axes("wall time in seconds" if by == "seconds" else "step", "validation loss")
    curves = [
        Curve(
            name,
            [getattr(check, by) for check in run.history.checks],
            [check.validation_loss for check in run.history.checks],
            color,
            f"o{dash}" if len(run.history.checks) < 3 else dash,
            1.4,
        )
        for (name, run), (color, dash) in zip(runs.items(), looks(), strict=False)
    ]
    draw_curves(figure, ax, curves)
    return figure


@styled
def plot_errors(runs: Mapping[str, Run]) -> Figure:
    """Relative L2 error of the worst field of each run, against wall time."""
    figure, ax = new_axes("wall time in seconds", "relative L2 error")
    curves = []
    for (name, run), (color, dash) in zip(runs.items(), looks(), strict=False):
        checks = [check for check in run.history.checks if check.relative_l2]
        errors = [max(check.relative_l2.values()) for check in checks]
        style = f"o{dash}" if len(checks) < 3 else dash
        curves.append(Curve(name, [check.seconds for check in checks], errors, color, style, 1.4))
    draw_curves(figure, ax, curves)
    return figure


@styled
def plot_spectra(runs: Mapping[str, Run]) -> Figure:
    """Resolvable eigenvalues of the final training kernel of each run."""
    figure, ax = new_axes("index of eigenvalue", "eigenvalue of training kernel")
    handles, names, drawn = [], [], [np.empty(0)]
    for (name, run), (color, dash) in zip(runs.items(), looks(), strict=False):
        if run.history.diagnostics:
            spectrum = run.history.diagnostics[-1].spectrum
            values = positive_of(spectrum.eigenvalues[spectrum.resolvable])
            handles += ax.plot(np.arange(1, values.size + 1), values, color=color, ls=dash, lw=1.4)
            names.append(label(name))
            drawn.append(values)
    log_axis(ax, np.concatenate(drawn))
    whole_numbers(ax)
    if names:
        legend(figure, handles, names)
    return figure
