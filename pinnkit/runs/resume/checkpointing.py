"""Checkpoints of a run: when they are written, and how, in the background."""

import os
import threading
import time
import warnings
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ..._base.arguments import is_positive, is_whole
from ..._base.errors import InputError, InputTypeError
from ..storage.atomic_files import RunFolderError
from ..storage.checkpoint_folder import checkpoints, newest_intact, remove_all_but, write_checkpoint
from ..storage.manifest import FORMAT, Manifest
from .fingerprint import Identity
from .signals import Signals, stopped
from .state import RunState

FIRST = 2.0
"""Seconds after which the first checkpoint is due."""


class CheckpointWarning(RuntimeWarning):
    """A checkpoint cannot be written, or is not the newest one."""


@dataclass(frozen=True)
class Checkpoints:
    """Where and when `fit` saves its state.

    - `folder`: a run folder; checkpoints are in its `checkpoints/`;
    - `every_seconds`, `every_steps`: whichever comes first; None for neither. Steps are counted at checks on validation
      points, because saving must not change what is computed;
    - `keep`: number of checkpoints to keep, the newest; at least two are needed to fall back on an older one;
    - `overwrite`: whether to discard an unfinished run in the folder.

    The state is saved at the end as well, where a fit fails, and on SIGINT, SIGTERM and SIGHUP.

    **Raises:** `InputError` or `InputTypeError` for invalid values.
    """

    folder: str | Path
    every_seconds: float | None = 60.0
    every_steps: int | None = None
    keep: int = 3
    overwrite: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.folder, str | os.PathLike) or not os.fspath(self.folder):
            raise InputTypeError(f"the `folder` of checkpoints is a path, got {self.folder!r}")
        if self.every_seconds is not None and not is_positive(self.every_seconds):
            raise InputError(f"`every_seconds` of checkpoints is a number > 0 or None, got {self.every_seconds!r}")
        if self.every_steps is not None and not is_whole(self.every_steps, 1):
            raise InputError(f"`every_steps` of checkpoints is a whole number > 0 or None, got {self.every_steps!r}")
        if not is_whole(self.keep, 1):
            raise InputError(f"`keep` is how many checkpoints are kept, a whole number > 0, got {self.keep!r}")


class CheckpointWriter:
    """Writes checkpoints of one run; a context manager around the fit.

    - `identity`: of the run, for the manifests;
    - `kept`: the checkpoint that the run resumes from, if any. Others are deleted when the first new one is written.
    """

    def __init__(self, plan: Checkpoints, identity: Identity, kept: Path | None = None):
        self.folder, self._plan, self._identity = Path(plan.folder), plan, identity
        self._kept = [] if kept is None else [kept]
        self._is_resumed = kept is not None
        self._latest: RunState | None = None
        self._saved: RunState | None = None
        self._failure: RunFolderError | None = None
        self._warned = ""
        self._due_at = time.monotonic() + min(FIRST, plan.every_seconds or FIRST)
        self._saved_step = 0
        self._lock = threading.Lock()
        self._worker = ThreadPoolExecutor(1, "pinnkit-checkpoint")
        self._task: Future[None] | None = None
        self._signals: Signals | None = None

    def __enter__(self) -> "CheckpointWriter":
        if not self._is_resumed:
            _check_free(self.folder, self._plan.overwrite)
        self._signals = Signals(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        try:
            if isinstance(error, KeyboardInterrupt) or (error is not None and self._has_something_to_lose):
                self.save_latest()
            self._wait()
        except KeyboardInterrupt:  # a signal comes only now
            self._wait()
        finally:
            self._worker.shutdown()
            number = None if self._signals is None else self._signals.close()
        self._tell()
        if number is not None:
            raise stopped(number, self.message) from None

    def offer(self, state: RunState) -> None:
        """Save this state if a checkpoint is due."""
        self._latest = state
        self._tell()
        steps, seconds = self._plan.every_steps, self._plan.every_seconds
        by_steps = steps is not None and state.step - self._saved_step >= steps
        by_time = seconds is not None and time.monotonic() >= self._due_at
        if by_steps or state.finished:
            self._wait()
        if by_steps or state.finished or (by_time and not self._is_busy):
            self.save_latest()

    def save_latest(self) -> "Future[None] | None":
        """Write the newest state in the background, unless it is already saved."""
        with self._lock:
            state = self._latest
            if state is None or state is self._saved:
                return self._task
            self._due_at = time.monotonic() + (self._plan.every_seconds or float("inf"))
            self._saved_step = state.step
            self._task = self._worker.submit(self._write, state)
            return self._task

    @property
    def message(self) -> str:
        """Where the state is saved, for messages at the end of a run."""
        if self._saved is None:
            return "nothing was saved yet" if self._failure is None else str(self._failure)
        return f"the state of step {self._saved.step} is in '{self.folder}', to be resumed"

    @property
    def _has_something_to_lose(self) -> bool:
        return self._latest is not None and self._latest.is_worth_keeping

    @property
    def _is_busy(self) -> bool:
        return self._task is not None and not self._task.done()

    def _write(self, state: RunState) -> None:
        """Write a state; runs in the background thread."""
        if state is self._saved:
            return
        about = {name: dict(table) for name, table in self._identity._asdict().items()}
        manifest = lambda sums: Manifest(FORMAT, state.step, state.finished, **about, files=sums)
        try:
            path = write_checkpoint(self.folder, state.tree, manifest, state.step)
        except RunFolderError as error:
            self._failure = error
            return
        self._saved, self._failure = state, None
        self._kept = [*self._kept, path][-self._plan.keep :]
        remove_all_but(self.folder, self._kept)

    def _wait(self) -> None:
        if self._task is not None:
            self._task.result()

    def _tell(self) -> None:
        """Warn of a failure, once for each message."""
        if self._failure is None:
            self._warned = ""
        elif str(self._failure) != self._warned:
            self._warned = str(self._failure)
            newest = (
                f"the newest is that of step {self._saved.step}" if self._saved is not None else "there is none yet"
            )
            warnings.warn(f"{self._failure}; {newest}", CheckpointWarning, stacklevel=2)


def _check_free(folder: Path, overwrite: bool) -> None:
    """**Raises:** `RunFolderError` if checkpoints of an unfinished run would be lost."""
    if not checkpoints(folder) or overwrite:
        return
    try:
        _, manifest, _ = newest_intact(folder)
    except RunFolderError:  # nothing can be continued
        return
    if manifest.step and not manifest.finished:
        raise RunFolderError(
            f"'{folder}' holds an unfinished run, at step {manifest.step}: `resume` it, `overwrite` it or choose "
            "another folder"
        )
