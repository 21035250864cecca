"""Following a fit from another terminal: a small file that the fit keeps up to date, and its reader."""

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
from ..runs.storage.checkpoint_folder import checkpoints, newest_intact
from ..runs.summary import Summary
from .progress import ConsoleProgress, Kernel

if TYPE_CHECKING:
    from ..diagnostics.record import Diagnostics

LIVE = "live.json"

SECONDS_BETWEEN_WRITES = 0.5


class Live(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The state of a running fit.

    - `process`: its process id; `start`: its settings; `progress`: the latest event, None while it compiles;
    - `kernel`: the latest kernel snapshot; `ending`: why it stopped, None while it runs.
    """

    process: int
    start: Start
    progress: Progress | None
    kernel: Kernel | None
    ending: str | None


class LiveFile(Callback):
    """Keeps `live.json` in a folder up to date, for `pinnkit watch`; `close` removes it.

    The fit continues if the file cannot be written.
    """

    def __init__(self, folder: str | Path):
        self._path = Path(folder) / LIVE
        self._made: list[Path] = []  # folders created for the file
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
        """Remove the file, and the folders created for it unless they hold other files."""
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
    """The state of the fit in this folder; None if no fit is running.

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
    """Show the progress of a running fit until it ends.

    **Returns:** how it ended, in a phrase. **Raises:** `RunFolderError` if no fit is running in the folder.
    """
    live = read_live(folder)
    if live is None:
        if (folder / "summary.json").is_file():
            raise RunFolderError(f"the run in '{folder}' has ended; `pinnkit report {folder}` prints it")
        if (unfinished := interrupted_at(folder)) is not None:
            raise RunFolderError(f"no running fit in '{folder}': {unfinished}")
        raise RunFolderError(f"no running fit in '{folder}': it has no {LIVE}, which `pinnkit solve` writes")
    process = live.process
    with display:
        display.start(live.start)
        while live is not None and live.process == process and live.ending is None:
            if live.kernel is not None:
                display.kernel(live.kernel)
            if live.progress is not None:
                display.progress(live.progress)
            if not _is_alive(process):
                rest = interrupted_at(folder)
                return f"process {process} died before its fit was finished" + (f"; {rest}" if rest else "")
            sleep(every)
            live = read_live(folder)
    if live is not None and live.ending is not None:
        return f"stopped: {live.ending}"
    return interrupted_at(folder) or "the fit has ended"


def interrupted_at(folder: Path) -> str | None:
    """At which step a run was interrupted, and how to resume it; None without an unfinished run in the folder."""
    try:
        manifest = newest_intact(folder)[1] if checkpoints(folder) else None
    except RunFolderError:
        return None
    if manifest is None or manifest.finished:
        return None
    problem = manifest.problem.get("problem", "PROBLEM")
    return f"interrupted at step {manifest.step}; resume with `pinnkit solve {problem} -o {folder} --resume`"


def _is_alive(process: int) -> bool:
    if process <= 0:
        return False
    if os.name == "nt":  # signal 0 is an interrupt there
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):  # OverflowError: not a process id
        return False
    except PermissionError:
        return True
    return True
