"""The report of one run, in every form."""

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from .._base import json_encoding
from ..runs.run_folder import Run
from ..runs.storage.atomic_files import write_files
from .findings.finding import Finding
from .findings.rules import interpret
from .verdict import verdict

if TYPE_CHECKING:
    from rich.console import Console


class Report:
    """The report of a run.

    - `report()` prints it; `console` is the rich console to print on, by default standard output; `full` adds the
      tables of conditions, kernel and time;
    - `report.html()`: a self-contained page; `report.json()`: the keys of `summary.json`, and `verdict`, `findings` and
      `predictions`;
    - `report.verdict`: the outcome in words; `report.findings`: what the figures mean, the most severe first.

    Notebooks display the page.
    """

    def __init__(self, run: Run):
        self.run = run

    def __call__(self, console: "Console | None" = None, full: bool = False) -> None:
        from .console import print_report

        print_report(self.run, console, full)

    @property
    def findings(self) -> list[Finding]:
        return interpret(self.run)

    @property
    def verdict(self) -> str:
        return verdict(self.run)

    def html(self) -> str:
        from .html import render  # and with it matplotlib

        return render(self.run)

    def json(self) -> str:
        predictions = [
            {"start": p.start, "end": p.end, **dict(zip(("before", "predicted", "observed"), p.losses, strict=True))}
            for p in self.run.history.predictions
        ]
        said = {"verdict": self.verdict, "findings": self.findings, "predictions": predictions}
        return json_encoding.encode({**msgspec.to_builtins(self.run.summary), **said}, indent=2).decode().rstrip("\n")

    def save(self, folder: str | Path) -> Path:
        """Write `report.html` to a folder; an older one is replaced atomically.

        **Returns:** the path of the page. **Raises:** `RunFolderError` if it cannot be written.
        """
        return write_page(self.html(), Path(folder) / "report.html")

    def _repr_html_(self) -> str:
        """In a sandboxed frame, which isolates its style and blocks scripts."""
        frame = 'width="100%" height="800" style="border: 0" sandbox=""'
        return f'<iframe title="pinnkit report" {frame} srcdoc="{escape(self.html(), quote=True)}"></iframe>'


def write_page(page: str, path: str | Path) -> Path:
    """Write a page to `path` atomically. **Raises:** `RunFolderError` if it cannot be written."""
    path = Path(path)
    write_files(path.parent, {path.name: page.encode()})
    return path
