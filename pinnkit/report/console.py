"""The report on the console: the outcome on half a screen, or everything; at most 100 columns wide."""

from typing import TYPE_CHECKING, Any, Literal

from rich.box import SIMPLE_HEAD
from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from .._base.numbers import printable

if TYPE_CHECKING:
    from ..diagnostics.record import Diagnostics
    from ..runs.run_folder import Run
    from .findings.finding import Finding
    from .tables import Table

WIDTH = 100

GAP = 4
"""Columns between two tables side by side."""

MARKS = {"problem": ("✗", "bold red"), "warning": ("!", "bold yellow"), "info": ("·", "cyan")}


class _Console(Console):
    """If the reader closes the pipe, raise BrokenPipeError instead of letting rich exit."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def make_console(stderr: bool = False, plain: bool = False) -> Console:
    """A console that prints names literally, and lines of `WIDTH` columns to files; `plain`: without colours."""
    console = _Console(
        stderr=stderr,
        markup=False,
        emoji=False,
        highlight=False,
        no_color=plain or None,
        force_terminal=False if plain else None,
    )
    if not console.is_terminal or console.width > WIDTH:
        console.width = WIDTH
    return console


def print_report(run: "Run", console: Console | None = None, full: bool = False) -> None:
    """Print the report of a run: the outcome, or all tables too."""
    console = console or make_console()
    console.print(Group(*_outcome(run, console), *(_details(run, console) if full else ())))


def print_diagnostics(record: "Diagnostics", console: Console | None = None) -> None:
    """Print one kernel snapshot: its figures, its leading modes, its blocks."""
    from . import tables

    console = console or make_console()
    for table in (tables.record_table(record), tables.mode_table(record), tables.block_table(record)):
        console.print(rich_table(table), Text())


def print_table(table: "Table") -> None:
    """Print a table of words, all columns aligned to the left."""
    make_console().print(rich_table(table, justify="left"))


def _outcome(run: "Run", console: Console) -> list[Any]:
    """Verdict, findings, errors and losses, and a line on the kernel."""
    from . import tables
    from .findings.rules import interpret
    from .verdict import verdict

    s = run.summary
    settings = f"{s.strategy} · {s.precision} precision · seed {s.seed} · {s.parameters:,} parameters · {s.device}"
    errors, losses = tables.error_table(run), tables.loss_table(run)
    findings = [finding_line(finding) for finding in interpret(run)]
    return [
        Text(),
        Text.assemble((printable(s.problem), "bold"), "   ", (printable(settings), "dim")),
        Text(printable(verdict(run)), "bold"),
        *findings,
        Text(),
        *(_beside(console, errors, losses) if errors.rows else [rich_table(losses)]),
        Text(),
        Text.assemble(("Stopped: ", "dim"), printable(tables.ending(run))),
        Text.assemble(("Kernel: ", "dim"), tables.kernel_line(run)),
    ]


def _details(run: "Run", console: Console) -> list[Any]:
    """The tables of conditions, kernel and time."""
    from . import tables

    return [
        Text(),
        rich_table(tables.condition_table(run)),
        Text(),
        rich_table(tables.check_table(run)),
        Text(),
        *((rich_table(terms), Text()) if (terms := tables.term_table(run)).rows else ()),
        *_beside(console, tables.kernel_table(run), tables.time_table(run)),
        *([Text(), Text(tables.score(run))] if run.history.predictions else []),
    ]


def rich_table(table: "Table", justify: Literal["left", "right"] = "right") -> RichTable:
    """A table for the console; cells are printed literally."""
    out = RichTable(box=SIMPLE_HEAD, header_style="bold", padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for i, name in enumerate(table.header):
        heading = "\n".join(map(printable, name.split("\n")))
        out.add_column(
            Text(heading), justify="left" if i == 0 else justify, vertical="bottom", no_wrap=i == 0, overflow="fold"
        )
    for row in table.rows:
        out.add_row(*(Text(printable(cell)) for cell in row))
    return out


def _beside(console: Console, left: "Table", right: "Table") -> list[RenderableType]:
    """Two tables side by side, or one above the other on a narrow console."""

    parts = rich_table(left), rich_table(right)
    if sum(console.measure(part).maximum for part in parts) + GAP <= console.width:
        return [Columns(parts, padding=(0, GAP))]
    return [parts[0], Text(), parts[1]]


def finding_line(finding: "Finding") -> RichTable:
    """A finding with its mark."""
    mark, style = MARKS[finding.severity]
    out = RichTable.grid(padding=(0, 1))
    title, reason, action = map(printable, (finding.title, finding.reason, finding.action))
    text = Text.assemble((title, "bold"), f". {reason} ", (action, "italic"))
    out.add_row(Text(mark, style), text)
    return out
