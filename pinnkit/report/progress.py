"""The progress of a running fit: a live display on a terminal, plain lines elsewhere."""

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from .._base.numbers import ABSENT, count, duration, number, printable
from ..runs.callbacks import Callback, Progress, Start
from .console import make_console
from .progress_line import covered, phase, time_left

if TYPE_CHECKING:
    from ..diagnostics.record import Diagnostics
    from ..runs.summary import Summary

SECONDS_BETWEEN_LINES = 2.0
"""Least seconds between two lines about steps in a log."""


@dataclass(frozen=True)
class Kernel:
    """The figures of a kernel snapshot that progress shows."""

    step: int
    largest_eigenvalue: float
    numerical_rank: int
    modes: int

    @classmethod
    def of(cls, record: "Diagnostics") -> "Kernel":
        return cls(record.step, record.spectrum.largest_eigenvalue, int(record.numerical_rank), record.modes)

    def __str__(self) -> str:
        rank = f"{self.numerical_rank} of {self.modes} modes resolvable"
        return f"λ_max {number(self.largest_eigenvalue)}, {rank}"


class ConsoleProgress(Callback):
    """Shows phase, step, losses, figures of the kernel, speed and time left; pass it in `callbacks`.

    - `plain`: print lines of text without colours, also on a terminal.

    Use it as a context manager, so that the display is removed even after an error:

    ```python
    with ConsoleProgress() as progress:
        solution = pinnkit.fit(problem, callbacks=[progress])
    ```
    """

    def __init__(self, console: Console | None = None, plain: bool = False):
        self._console = console or make_console(stderr=True, plain=plain)
        self._is_plain = plain or not self._console.is_terminal
        self._live: Live | None = None
        self._start: Start | None = None
        self._kernel: Kernel | None = None
        self._event: Progress | None = None
        self._printed_at = -SECONDS_BETWEEN_LINES
        self._began, self._activity, self._active_since = time.monotonic(), "", 0.0

    def __enter__(self) -> "ConsoleProgress":
        return self

    def __exit__(self, *exception: object) -> None:
        self._close()

    def start(self, event: Start) -> None:
        self._start = event
        points = ", ".join(f"{name} {n}" for name, n in event.points.items())
        phases = " → ".join(event.phases)
        self._print(f"{event.problem}: strategy {event.strategy} ({phases}), {event.precision} precision")
        self._print(f"{event.parameters:,} parameters, points: {points}")
        self.activity("compiling")

    def headline(self, text: str) -> None:
        """Print a line before anything is known of the fit."""
        self._print(text)

    def activity(self, text: str) -> None:
        """Show what is done while no step is taken, with a clock."""
        if self._is_plain and text != self._activity:
            self._print(f"{time.monotonic() - self._began:.1f} s  {text}")
        self._activity, self._active_since = text, time.monotonic()
        if not self._is_plain and self._live is None:
            live = Live(console=self._console, get_renderable=self._display, transient=True)
            live.start()
            self._live = live

    def progress(self, event: Progress) -> None:
        is_new_phase = self._event is None or self._event.phase != event.phase
        self._event, self._activity = event, ""
        if self._live is not None:
            return
        if is_new_phase:
            self._print(f"phase {phase(event)}")
        if is_new_phase or time.monotonic() - self._printed_at >= SECONDS_BETWEEN_LINES:
            self._printed_at = time.monotonic()
            self._print(self._line(event))

    def diagnostics(self, record: "Diagnostics") -> None:
        self.kernel(Kernel.of(record))

    def kernel(self, kernel: Kernel) -> None:
        """Show the figures of a kernel snapshot."""
        is_new = self._kernel is None or self._kernel.step != kernel.step
        self._kernel = kernel
        if self._live is None and is_new:
            self._print(f"step {kernel.step}  kernel: {kernel}")

    def end(self, summary: "Summary") -> None:
        self._close()
        steps, seconds = count(summary.steps, "step"), duration(summary.seconds.total)
        self._print(f"stopped: {summary.ending}, after {steps} and {seconds}")

    def _close(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _print(self, line: str) -> None:
        with contextlib.suppress(OSError):  # a closed pipe must not end the fit
            self._console.print(Text(printable(line)), soft_wrap=True)

    def _line(self, event: Progress) -> str:
        parts = [
            f"step {event.step}",
            *([] if event.covered is None else [covered(event.covered)]),
            *([] if event.fraction is None else [f"{100 * event.fraction:.0f} %"]),
            f"loss {number(event.loss)}",
            f"validation {number(event.validation_loss)}",
            *(f"{name} {number(value)}" for name, value in event.losses.items()),
            *(f"error {name} {number(value)}" for name, value in event.relative_l2.items()),
            *(f"{name} = {value:.4g}" for name, value in event.coefficients.items()),
            *([] if event.learning_rate is None else [f"rate {number(event.learning_rate)}"]),
            f"{number(event.steps_per_second)} steps/s",
            *([f"{left} left"] if (left := time_left(self._start, event)) else []),
        ]
        return "  ".join(parts)

    def _display(self) -> Group | Text:
        event, activity = self._event, Text()
        if self._activity:
            activity = Text(f"{self._activity} … {time.monotonic() - self._active_since:.0f} s", "dim")
        if event is None:
            return activity
        bar = Table.grid(padding=(0, 2))
        left = time_left(self._start, event)
        pace = f"{number(event.steps_per_second)} steps/s   {event.seconds:.0f} s" + (f", {left} left" if left else "")
        bar.add_row(
            Text(printable(phase(event)), "bold"),
            ProgressBar(None if event.fraction is None else 1.0, event.fraction or 0.0, width=24),
            Text("" if event.fraction is None else f"{100 * event.fraction:3.0f} %"),
            Text(f"step {event.step:,}   {pace}"),
        )
        figures = Table.grid(padding=(0, 2))
        validation_losses = f"{number(event.loss)}   validation {number(event.validation_loss)}"
        rows = {"loss": validation_losses, "mean r²": _pairs(event.losses), "error": _pairs(event.relative_l2)}
        rows["kernel"] = ABSENT if self._kernel is None else str(self._kernel)
        rows["rate"] = number(event.learning_rate)
        if event.coefficients:
            rows["coefficients"] = _pairs(event.coefficients)
        for name, text in rows.items():
            figures.add_row(Text(name, "dim"), Text(printable(text or ABSENT)))
        return Group(bar, figures, activity)


def _pairs(values: dict[str, float]) -> str:
    return "   ".join(f"{name} {number(value)}" for name, value in values.items())
