"""`check`: a problem examined before anything is fitted."""

import base64
import functools
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from .._base import json_encoding
from .._base.numbers import ABSENT, number, percent
from ..diagnostics.problem_kernel import check_problem_and_seed
from ..equations.problem import Problem
from ..report.findings.finding import Finding
from ..report.tables import Table
from ..residuals.functions import Batch
from .derivatives import derivatives_of, rows_of
from .parts import Part, collocation_points, parts_of
from .reference import ReferenceResidual, reference_residuals
from .rules import Examined, findings

if TYPE_CHECKING:
    from rich.console import Console

    from ..drawing.picture import Picture

WIDTH = 80
"""Columns of the display, at most."""


@dataclass(frozen=True)
class ProblemCheck:
    """What `check` found; its display lists it, `check(problem).picture` draws it.

    - `parts`: of the domain, each with its measure, its number of collocation points and its conditions;
    - `points`: the collocation points with which `fit` starts by default, by condition;
    - `derivatives`: those that each condition takes; `reference`: what is left of each condition if the fields are
      those of the reference, where that is known;
    - `findings`: what looks wrong, the most severe first.
    """

    problem: Problem
    parts: tuple[Part, ...]
    points: Batch
    derivatives: dict[str, tuple[str, ...]]
    reference: dict[str, ReferenceResidual]
    findings: tuple[Finding, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing looks wrong: no finding is a problem or a warning."""
        return all(finding.severity == "info" for finding in self.findings)

    @functools.cached_property
    def picture(self) -> "Picture":
        """The domain with the points of each condition."""
        from ..drawing.domains import draw_points  # and with it matplotlib

        return draw_points(self.problem.domain, {k: np.asarray(own.coordinates) for k, own in self.points.items()})

    def __call__(self, console: "Console | None" = None) -> None:
        """Print it; `console` is a console of rich, by default standard output."""
        from rich.console import Group
        from rich.text import Text

        from ..report.console import finding_line, make_console, rich_table

        console = console or make_console()
        console.width = min(console.width, WIDTH)
        tables = (rich_table(table, "left") for table in (self._part_table, self._condition_table))
        console.print(Group(Text(repr(self.problem)), *(part for table in tables for part in (Text(), table)), Text()))
        for finding in self.findings:
            console.print(finding_line(finding))
        if self.is_sound:
            console.print(Text("Nothing looks wrong.", "bold"))

    def __repr__(self) -> str:
        from ..report.console import make_console

        console = make_console(plain=True)
        with console.capture() as capture:
            self(console)
        return capture.get().rstrip()

    def _repr_html_(self) -> str:
        picture = base64.b64encode(self.picture.png).decode()
        return f'<pre>{escape(repr(self))}</pre><img alt="collocation points" src="data:image/png;base64,{picture}">'

    def json(self) -> str:
        """Everything but the points as JSON."""
        return json_encoding.encode(self._record(), indent=2).decode()

    def _record(self) -> dict[str, Any]:
        conditions = {
            name: {"derivatives": taken, "points": len(self.points[name]), "reference": self._relative(name)}
            for name, taken in self.derivatives.items()
        }
        return {
            "problem": self.problem.name,
            "is_sound": self.is_sound,
            "parts": [part._asdict() for part in self.parts],
            "conditions": conditions,
            "findings": list(self.findings),
        }

    def _relative(self, condition: str) -> float | None:
        return self.reference[condition].row.relative if condition in self.reference else None

    @property
    def _part_table(self) -> Table:
        rows = [
            (
                part.name,
                number(part.measure),
                f"{part.points:,}",
                ", ".join(map(_on, part.conditions.items())) or ABSENT,
            )
            for part in self.parts
        ]
        return Table("Parts", ("part", "measure", "points", "conditions"), rows)

    @property
    def _condition_table(self) -> Table:
        """Conditions, and what the reference leaves of their terms."""
        rows = [
            (name, f"{len(self.points[name]):,}", number(self._relative(name)), ", ".join(taken))
            for name, taken in self.derivatives.items()
        ]
        return Table("Conditions", ("condition", "points", "reference", "derivatives"), rows)


def _on(condition: tuple[str, float]) -> str:
    name, share = condition
    return name if share == 1 else f"{name} ({percent(share)})"


def check(problem: Problem) -> ProblemCheck:
    """Examine a problem before anything is fitted.

    The collocation points are those with which `fit` starts by default. The reference is put into every condition:
    JAX differentiates it where it consists of functions that JAX has, too; otherwise finite differences do.

    **Returns:** what was found; it prints itself. **Raises:** `InputTypeError` unless it is a `Problem`.
    """
    check_problem_and_seed(problem, 0)
    points = collocation_points(problem)
    equations = {name: problem.equation(name) for name in problem.conditions}
    found = Examined(
        problem,
        parts_of(problem, points),
        {name: [] if name in problem.priors else rows_of(equation) for name, equation in equations.items()},
        reference_residuals(problem),
    )
    taken = {name: derivatives_of(equation, problem.domain.coordinates) for name, equation in equations.items()}
    return ProblemCheck(problem, found.parts, points, taken, found.reference, findings(found))
