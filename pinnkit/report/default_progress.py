"""The progress of a fit that nobody set up: a line on a terminal or in a notebook, log messages elsewhere."""

import contextlib
import html
import logging
import sys
import time
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from .._base.devices import is_first
from .._base.interactive import in_notebook
from ..runs.callbacks import Callback, Progress, Start
from .console import make_console
from .progress import ConsoleProgress
from .progress_line import ProgressLine, outcome

if TYPE_CHECKING:
    from ..runs.summary import Summary

LOGGER = logging.getLogger("pinnkit")

SECONDS_BETWEEN_MESSAGES, SECONDS_BETWEEN_UPDATES = 10.0, 0.5
"""Least seconds between two messages in a log, and between two updates of a notebook."""


class LineProgress(Callback):
    """A display of the progress line; a context manager, so that it is removed even after an error."""

    def __init__(self) -> None:
        self._line = ProgressLine()

    def __enter__(self) -> "LineProgress":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def start(self, event: Start) -> None:
        self._line.start(event)
        self.show()

    def activity(self, text: str) -> None:
        self._line.activity(text)
        self.show()

    def progress(self, event: Progress) -> None:
        self._line.progress(event)
        self.show()

    def show(self) -> None:
        """Show the line where that is due."""

    def close(self) -> None:
        """Remove the line."""


class TerminalLine(LineProgress):
    """A line on a terminal, which a thread keeps up to date four times a second; the outcome remains."""

    def __init__(self, console: Console | None = None) -> None:
        super().__init__()
        self._console = console or make_console(stderr=True)
        self._live: Live | None = None

    def show(self) -> None:
        if self._live is None:
            render = lambda: Text(self._line.text, no_wrap=True, overflow="ellipsis")
            self._live = Live(console=self._console, get_renderable=render, transient=True)
            self._live.start()

    def end(self, summary: "Summary") -> None:
        self.close()
        with contextlib.suppress(OSError):  # a closed terminal must not end the fit
            self._console.print(Text(outcome(summary)), soft_wrap=True)

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


class NotebookLine(LineProgress):
    """A line in the output of a notebook's cell; the outcome remains."""

    def __init__(self) -> None:
        super().__init__()
        self._handle: Any = None
        self._shown_at = 0.0

    def show(self) -> None:
        if time.monotonic() - self._shown_at >= SECONDS_BETWEEN_UPDATES:
            self._display(self._line.text)

    def end(self, summary: "Summary") -> None:
        self._display(outcome(summary))

    def _display(self, text: str) -> None:
        from IPython.display import HTML, display  # pyright: ignore[reportMissingImports]

        self._shown_at = time.monotonic()
        page = HTML(f"<pre style='white-space: pre-wrap'>{html.escape(text)}</pre>")
        if self._handle is None:
            self._handle = display(page, display_id=True)
        else:
            self._handle.update(page)


class LogProgress(LineProgress):
    """Messages of the logger `pinnkit`, of level INFO: networks, phases, progress every ten seconds, the outcome."""

    def __init__(self) -> None:
        super().__init__()
        self._told_at, self._phase = -SECONDS_BETWEEN_MESSAGES, ""

    def start(self, event: Start) -> None:
        self._line.start(event)
        parameters = f"{event.parameters:,} parameters"
        LOGGER.info(
            "%s: strategy %s, %s, phases %s", event.problem, event.strategy, parameters, ", ".join(event.phases)
        )

    def progress(self, event: Progress) -> None:
        super().progress(event)
        is_due = time.monotonic() - self._told_at >= SECONDS_BETWEEN_MESSAGES
        if (is_due or event.phase != self._phase) and LOGGER.isEnabledFor(logging.INFO):
            self._told_at, self._phase = time.monotonic(), event.phase
            LOGGER.info("%s", self._line.text)

    def end(self, summary: "Summary") -> None:
        LOGGER.info("%s", outcome(summary))


@contextlib.contextmanager
def audience(progress: bool | None, callbacks: Sequence[Callback]) -> Generator[tuple[Callback, ...], None, None]:
    """The callbacks with the display; of several processes, the first one alone has any."""
    if not is_first():
        yield ()
        return
    with default_progress(progress, callbacks) as display:
        yield (*callbacks, display)


def default_progress(wanted: bool | None, callbacks: Sequence[Callback]) -> LineProgress:
    """The display of a fit.

    - `wanted`: True for a line, False for log messages alone; None decides: a line on a terminal and in a notebook,
      unless `callbacks` have a display of their own.
    """
    has_own = any(isinstance(callback, ConsoleProgress | LineProgress) for callback in callbacks)
    if wanted is False or (wanted is None and has_own):
        return LogProgress()
    if in_notebook():
        return NotebookLine()
    is_terminal = sys.stderr is not None and sys.stderr.isatty()
    return TerminalLine() if wanted or is_terminal else LogProgress()
