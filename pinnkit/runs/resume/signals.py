"""Termination signals: the first saves the state and ends the fit, the second ends the program at once."""

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from concurrent.futures import Future
from types import FrameType
from typing import Any, Protocol

SAVED_WITHIN, GRACE = 4.0, 1.0
"""Seconds after a signal in which the state is saved, and in which the program may then end by itself."""


class Interrupted(KeyboardInterrupt):
    """SIGINT was received; the message says where the state is saved."""


class Terminated(SystemExit):
    """SIGTERM or SIGHUP was received; the message says where the state is saved; the exit status is 128 + number."""

    def __init__(self, message: str, number: int):
        super().__init__(128 + number)
        self.message = message

    def __str__(self) -> str:
        return self.message


class Saves(Protocol):
    """Something that can save the state of a run."""

    @property
    def message(self) -> str:
        """Where the state is saved."""
        ...

    def save_latest(self) -> "Future[None] | None":
        """Write the newest state in the background, unless it is already saved."""
        ...


class Signals:
    """Handles SIGINT, SIGTERM and SIGHUP during a fit: the first saves the state and ends the fit, the second ends the
    program at once.

    Python runs handlers between its own instructions only, and a compiled stretch of steps may take minutes. So a
    separate thread is notified of the signal, saves the state, and ends the program if the fit does not end. Signals
    with other handlers are left alone, and so are all of them outside the main thread.
    """

    NAMES = ("SIGINT", "SIGTERM", "SIGHUP")

    def __init__(self, writer: Saves):
        self._writer, self._number, self._old = writer, None, dict[int, Any]()
        self._came, self._ender = 0, None
        if threading.current_thread() is not threading.main_thread():
            return
        for name in self.NAMES:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                self._old[number] = signal.signal(number, self._handle)
        if not self._old:
            return
        self._reading, self._writing = socket.socketpair()
        self._writing.setblocking(False)
        self._other = signal.set_wakeup_fd(self._writing.fileno(), warn_on_full_buffer=False)
        if self._other != -1:  # an event loop listens there
            signal.set_wakeup_fd(self._other)
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="pinnkit-signals", daemon=True)
        self._watcher.start()

    def close(self) -> int | None:
        """Restore the old handlers. **Returns:** the signal that was received, if any."""
        if not self._old:
            return None
        self._over.set()
        if self._other == -1:
            signal.set_wakeup_fd(-1)
        self._writing.close()
        self._watcher.join()
        if self._ender is not None:
            self._ender.join()
        self._reading.close()
        for number, handler in self._old.items():
            signal.signal(number, handler)
        return self._number

    def _handle(self, number: int, frame: FrameType | None) -> None:
        """The handler, which runs in the main thread between two instructions of Python."""
        if self._number is not None:
            _leave(number, "stopped at once")
        self._number = number
        raise KeyboardInterrupt

    def _watch(self) -> None:
        while came := self._reading.recv(1):
            if (number := came[0]) not in self._old:
                continue
            self._came += 1
            if self._came > 1:
                time.sleep(0.1)  # the main thread may be quicker
                _leave(number, "stopped at once")
            self._ender = threading.Thread(target=self._end, args=(number,), name="pinnkit-end", daemon=True)
            self._ender.start()

    def _end(self, number: int) -> None:
        """Save the state, and end the program if the main thread does not."""
        with contextlib.suppress(Exception):
            task = self._writer.save_latest()
            if task is not None:
                task.result(SAVED_WITHIN)
        if not self._over.wait(GRACE):
            _leave(number, str(stopped(number, self._writer.message)))


def stopped(number: int, message: str) -> BaseException:
    """The exception that ends a run after a signal; its message says where the state is saved."""
    text = f"stopped by {signal.Signals(number).name}; {message}"
    return Interrupted(text) if number == signal.SIGINT else Terminated(text, number)


def _leave(number: int, text: str) -> None:
    """End the program at once."""
    with contextlib.suppress(OSError, ValueError):
        if sys.stderr.isatty():
            os.write(2, b"\x1b[?25h\n")  # a live display hides the cursor
        os.write(2, f"pinnkit: {text}\n".encode(errors="replace"))
    os._exit(128 + number)
