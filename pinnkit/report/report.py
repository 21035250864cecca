"""The report of one run, in every form."""

import os
import tempfile
from pathlib import Path

import msgspec
from rich.console import Console

from ..run import Run, RunFolderError
from .console import print_report
from .html import render
from .interpretation import Finding, interpret


class Report:
    """What a run says.

    - `report()` prints it; `console` is the rich console to print on, by default standard output;
    - `report.html()`: a page that needs no network; `report.json()`: the text of `summary.json`;
    - `report.findings`: what the figures of the run mean, the gravest first.
    """

    def __init__(self, run: Run):
        self.run = run

    def __call__(self, console: Console | None = None) -> None:
        print_report(self.run, console)

    @property
    def findings(self) -> list[Finding]:
        return interpret(self.run)

    def html(self) -> str:
        return render(self.run)

    def json(self) -> str:
        return msgspec.json.format(msgspec.json.encode(self.run.summary), indent=2).decode()

    def save(self, folder: Path) -> Path:
        """Write `report.html` to a folder, replacing an older one only once the new one is complete.

        **Returns:** the path of the page. **Raises:** `RunFolderError` if it cannot be written.
        """
        return write_page(self.html(), folder / "report.html")

    def _repr_html_(self) -> str:
        return self.html()


def write_page(page: str, path: Path) -> Path:
    """Write a page to `path` in one go. **Raises:** `RunFolderError` if it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        try:
            with open(handle, "w", encoding="utf-8") as file:
                file.write(page)
            Path(name).chmod(0o644)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise RunFolderError(f"cannot write the report to '{path}': {error.strerror or error}") from error
    return path
