"""Ctrl-C at a prompt or in a notebook: the fit ends and returns what it has."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from .._base.interactive import is_interactive

ADVICE = "ending the fit after the present work; press Ctrl-C again to stop at once"


class Interruption:
    """In an interactive session, the first interrupt ends the fit, and the second raises `KeyboardInterrupt`.

    Until `ends` has set what ends the fit, the first one raises `KeyboardInterrupt` as well. Nothing changes elsewhere,
    in other threads and where somebody else handles the signal.
    """

    def __init__(self) -> None:
        self._old: Any = None
        self._end: Callable[[], None] | None = None

    def ends(self, end: Callable[[], None]) -> None:
        """Set the function that ends the fit."""
        self._end = end

    def __enter__(self) -> "Interruption":
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and is_interactive() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._old = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._old is not None:
            signal.signal(signal.SIGINT, self._old)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        end, self._end = self._end, None
        if end is None:
            raise KeyboardInterrupt
        end()
        print(f"{os.linesep}pinnkit: {ADVICE}", file=sys.stderr, flush=True)
