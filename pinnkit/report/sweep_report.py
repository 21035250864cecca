"""Several runs of one problem that differ by their seeds: mean and spread of their figures."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.text import Text

from .._base.errors import InputError
from .._base.numbers import count, number, printable
from ..runs.run_folder import Run
from .comparison import plot_errors, plot_validation_loss
from .console import make_console, rich_table
from .html import fill
from .picture import Picture, picture
from .side_by_side import can_draw, differences, plot_solutions
from .tables import Table
from .verdict import grade


class SweepReport:
    """The report of runs of one problem, by name.

    - `report()` prints the tables, `report.html()` is a page with the curves of all runs, `report.save(path)` writes
      it; `report.verdict` is the outcome in a sentence.

    **Raises:** `InputError` without runs, and for runs of different problems.
    """

    def __init__(self, runs: Mapping[str, Run]):
        if not runs:
            raise InputError("a report of several runs needs at least one")
        if found := differences(runs):
            raise InputError(f"the runs solve different problems: {'; '.join(found)}; use `pinnkit compare`")
        self.runs = dict(runs)

    def __call__(self, console: Console | None = None) -> None:
        console = console or make_console()
        console.print(Text(printable(self.verdict), style="bold"), Text())
        for table in (self.spread_table(), self.run_table()):
            console.print(rich_table(table), Text())

    @property
    def verdict(self) -> str:
        """How many runs had which outcome, and mean and spread of the error or of the validation loss."""
        grades = [grade(run).value for run in self.runs.values()]
        told = ", ".join(f"{grades.count(kind)} {kind}" for kind in dict.fromkeys(grades))
        names = [name for name in self._figures if name.startswith("relative L2")] or ["validation loss"]
        figures = [f"{name} {number(mean)} ± {number(spread)}" for name in names for mean, spread in [self._mean(name)]]
        return f"{count(len(self.runs), 'run')}: {told}; {', '.join(figures)} (mean ± standard deviation)."

    def spread_table(self) -> Table:
        """Mean, standard deviation (n − 1 in the denominator), smallest and largest value of each figure."""
        rows = []
        for name, values in self._figures.items():
            mean, spread = self._mean(name)
            rows.append((name, *map(number, (mean, spread, float(np.min(values)), float(np.max(values))))))
        return Table("Spread", ("", "mean", "spread", "smallest", "largest"), rows)

    def run_table(self) -> Table:
        """The figures of each run."""
        figures = self._figures
        rows = [
            (name, grade(run).value, *(number(float(values[i])) for values in figures.values()))
            for i, (name, run) in enumerate(self.runs.items())
        ]
        return Table("Runs", ("run", "outcome", *figures), rows)

    def html(self) -> str:
        """The page."""
        first = next(iter(self.runs.values())).summary
        return fill(
            "sweep.html",
            title=first.problem,
            declared=first.declared,
            strategy=first.strategy,
            verdict=self.verdict,
            tables={"spread": self.spread_table(), "run": self.run_table()},
            pictures_of_runs=list(self._pictures()),
        )

    def save(self, path: str | Path) -> Path:
        """Write the page. **Raises:** `RunFolderError` if it cannot be written."""
        from .report import write_page

        return write_page(self.html(), path)

    def _pictures(self) -> Iterator[Picture]:
        if can_draw(self.runs):
            yield picture("solutions", plot_solutions, self.runs, "Solutions on one scale.", wide=True)
        yield picture("validation", plot_validation_loss, self.runs, "Validation loss.")
        if any(check.relative_l2 for run in self.runs.values() for check in run.history.checks):
            yield picture("errors", plot_errors, self.runs, "Relative L2 error of the worst field against wall time.")

    @property
    def _figures(self) -> dict[str, np.ndarray]:
        """The figures of all runs, by name; those that any run lacks are left out."""
        summaries = [run.summary for run in self.runs.values()]
        first = summaries[0]
        read: dict[str, Callable[..., float]] = {
            **{f"relative L2 error {n}": lambda s, n=n: s.relative_l2[n] for n in first.relative_l2 or {}},
            **{f"coefficient {n}": lambda s, n=n: s.coefficients[n] for n in first.coefficient_intervals},
            "validation loss": lambda s: s.validation_loss,
            "steps": lambda s: s.steps,
            "seconds": lambda s: s.seconds.total,
        }
        return {name: np.array([get(summary) for summary in summaries], float) for name, get in read.items()}

    def _mean(self, figure: str) -> tuple[float, float]:
        values = self._figures[figure]
        return float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else float("nan")
