"""Following a fit from another terminal: a small file that it keeps up to date, and who reads it."""

import contextlib
import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from .._base import json_encoding
from ..runs.callbacks import Callback, Progress, Start
from ..runs.storage.atomic_files import RunFolderError, new_file, read_file, reason_of
from ..runs.summary import Summary
from .progress import ConsoleProgress, Kernel

if TYPE_CHECKING:
    from ..diagnostics.record import Diagnostics

LIVE = "live.json"

SECONDS_BETWEEN_WRITES = 0.5


class Live(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a fit stands.

    - `process`: its number; `start`: what was begun; `progress`: the last one, None while it compiles;
    - `kernel`: the last look; `ending`: why it stopped, None while it goes on.
    """

    process: int
    start: Start
    progress: Progress | None
    kernel: Kernel | None
    ending: str | None


class LiveFile(Callback):
    """Keeps `live.json` in a folder up to date, for `pinnkit watch`; the file goes when the fit is over.

    A file that cannot be written is no reason for a fit to fail.
    """

    def __init__(self, folder: str | Path):
        self._path = Path(folder) / LIVE
        self._made: list[Path] = []  # folders that were not there before
        self._start: Start | None = None
        self._progress: Progress | None = None
        self._kernel: Kernel | None = None
        self._written_at = -math.inf

    def start(self, event: Start) -> None:
        self._start = event
        self._write()

    def progress(self, event: Progress) -> None:
        self._progress = event
        if time.monotonic() - self._written_at >= SECONDS_BETWEEN_WRITES:
            self._write()

    def diagnostics(self, record: "Diagnostics") -> None:
        self._kernel = Kernel.of(record)

    def end(self, summary: Summary) -> None:
        self._write(summary.ending)

    def close(self) -> None:
        """Remove the file, and the folders made for it if nothing else came there."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
            for folder in self._made:
                folder.rmdir()

    def _write(self, ending: str | None = None) -> None:
        assert self._start is not None  # noqa: S101  `start` comes first
        live = Live(os.getpid(), self._start, self._progress, self._kernel, ending)
        self._written_at = time.monotonic()
        with contextlib.suppress(OSError):
            missing = [folder for folder in self._path.parents if not folder.exists()]
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._made += missing
            file, name = new_file(self._path.parent, LIVE)
            try:
                with file:
                    file.write(json_encoding.encode(live))
                os.replace(name, self._path)
            except OSError:
                os.unlink(name)


def read_live(folder: Path) -> Live | None:
    """How the fit in this folder stands; None where none is going on.

    **Raises:** `RunFolderError` for a damaged file.
    """
    try:
        return json_encoding.decode(read_file(folder / LIVE), Live)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise RunFolderError(f"cannot read '{folder / LIVE}': {reason_of(error)}") from error


def watch(
    folder: Path, display: ConsoleProgress, every: float = 1.0, sleep: Callable[[float], None] = time.sleep
) -> str:
    """Show a fit until it is over.

    **Returns:** how it ended, in a phrase. **Raises:** `RunFolderError` where no fit is going on.
    """
    live = read_live(folder)
    if live is None:
        if (folder / "summary.json").is_file():
            raise RunFolderError(f"the run in '{folder}' is over; `pinnkit report {folder}` prints it")
        raise RunFolderError(f"no fit is going on in '{folder}': there is no {LIVE}; `pinnkit solve` writes one")
    process = live.process
    with display:
        display.start(live.start)
        while live is not None and live.process == process and live.ending is None:
            if live.kernel is not None:
                display.kernel(live.kernel)
            if live.progress is not None:
                display.progress(live.progress)
            if not _is_alive(process):
                return f"process {process} is gone, and its fit was not finished"
            sleep(every)
            live = read_live(folder)
    return "the fit is over" if live is None or live.ending is None else f"stopped: {live.ending}"


def _is_alive(process: int) -> bool:
    if process <= 0:
        return False
    if os.name == "nt":  # where the signal 0 would be an interrupt
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):  # the latter for a number that no process can have
        return False
    except PermissionError:
        return True
    return True
