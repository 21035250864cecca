"""`pinnkit launch`: a command in several processes on this machine."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Annotated, Any

from cyclopts import Parameter

from .._base.errors import InputError
from .errors import FAILED, INTERRUPTED, LOST, fail
from .options import Whole

ALIVE_FOR, LOOK = 5.0, 0.1
"""Seconds in which processes end after a signal, and between two looks at them."""

TOLD = 2000
"""Characters of the errors of another process than the first that are shown."""


def launch(
    *command: Annotated[str, Parameter(allow_leading_hyphen=True, help="`solve` with its options.")],
    processes: Annotated[Whole, Parameter(("-n", "--processes"), help="Number of processes.")] = 2,
    restarts: Annotated[Whole, Parameter(help="Most restarts after a process was lost.")] = 3,
) -> int:
    """Solve in several processes on this machine, which share the points: a trial of what a cluster does.

    As in

    pinnkit launch -n 2 solve burgers --strategy ntk-adam --steps 1e4

    If a process is lost, the others end, and all resume from the newest checkpoint.
    """
    if not command or command[0] != "solve":
        raise InputError(f"`launch` starts `solve`, as in `pinnkit launch -n 2 solve poisson_2d`; got {list(command)}")
    if processes < 1:
        raise InputError(f"`-n` is a number of processes ≥ 1, got {processes}")
    if restarts < 0:
        raise InputError(f"`--restarts` is a number ≥ 0, got {restarts}")
    resumed = [*(word for word in command if word not in ("--resume", "--overwrite")), "--resume"]
    for attempt in range(restarts + 1):
        with tempfile.TemporaryDirectory(prefix="pinnkit-") as folder:
            team = _Team(resumed if attempt else command, processes, Path(folder))
            try:
                status, lost = team.wait()
            except KeyboardInterrupt:
                team.end(signal.SIGINT)
                return fail("interrupted", INTERRUPTED)
        if lost is None:
            return status
        what = f"process {lost} of {processes} was lost ({_cause(team.processes[lost].returncode)})"
        if attempt < restarts:
            fail(f"{what}; resuming, restart {attempt + 1} of {restarts}", FAILED)
        else:
            fail(f"{what}, after {restarts} restart(s)", FAILED)
    return FAILED


class _Team:
    """The processes of one attempt; the first one has the terminal."""

    def __init__(self, command: Sequence[str], count: int, folder: Path):
        port = _free_port()
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        self._errors = [folder / f"{index}" for index in range(count)]
        self.processes = list[subprocess.Popen[Any]]()
        for index in range(count):
            joining = ["--coordinator", f"127.0.0.1:{port}", "--processes", str(count), "--index", str(index)]
            line = [sys.executable, "-m", "pinnkit.cli", *command, *joining]
            own = cores[index::count] if len(cores) >= count else []
            with self._errors[index].open("wb") as errors:
                process = _begin(line, None if index == 0 else errors, own)
            self.processes.append(process)

    def wait(self) -> tuple[int, int | None]:
        """The status when all have ended, and the number of a process that was lost; the others end with it."""
        while True:
            states = [process.poll() for process in self.processes]
            ended = [index for index, state in enumerate(states) if state]
            if ended or all(state == 0 for state in states):
                break
            time.sleep(LOOK)
        if not ended:
            return 0, None
        time.sleep(LOOK)  # the one that was lost first may not be the one that was seen first
        statuses = [process.poll() for process in self.processes]
        lost = [index for index, status in enumerate(statuses) if status and _is_lost(status)]
        self.end(signal.SIGTERM)
        if lost:  # one that was ended by a signal, rather than one that ended because it missed the other
            return FAILED, min(lost, key=lambda index: statuses[index] in (LOST, -signal.SIGABRT))
        index = ended[0]
        if index:  # what the first one says is on the terminal
            told = self._errors[index].read_text(errors="replace")[-TOLD:].strip()
            print(told or f"pinnkit: process {index} ended", file=sys.stderr, flush=True)
        return int(self.processes[index].returncode), None

    def end(self, number: int) -> None:
        """End the processes that are left: first with this signal, then at once."""
        left = [process for process in self.processes if process.poll() is None]
        for process in left:
            process.send_signal(number)
        until = time.monotonic() + ALIVE_FOR
        for process in left:
            try:
                process.wait(max(until - time.monotonic(), 0.0))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _begin(line: Sequence[str], errors: IO[bytes] | None, cores: Sequence[int]) -> "subprocess.Popen[Any]":
    """A process of a team on cores of its own."""
    before = os.sched_getaffinity(0) if cores else None
    try:
        if cores:  # which children inherit, and XLA and BLAS respect
            os.sched_setaffinity(0, cores)
        out = None if errors is None else subprocess.DEVNULL
        return subprocess.Popen(line, stdout=out, stderr=errors)  # noqa: S603  pinnkit itself
    finally:
        if before is not None:
            os.sched_setaffinity(0, before)


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _is_lost(status: int) -> bool:
    """Whether a process was ended from outside, or because another one was."""
    return status < 0 or status in (LOST, 128 + signal.SIGTERM)


def _cause(status: int) -> str:
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"
