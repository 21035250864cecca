"""Errors as one line on standard error, and the exit status that belongs to each.

Invalid input, and errors in the user's own code, have status 2, the latter with file and line; any other error is a bug
of pinnkit and has status 1. A result that is less accurate than required has status 3; a process that misses another
one has status 75, and may be started again.
"""

import contextlib
import io
import os
import sys
from typing import Any

from cyclopts import CycloptsError

from .._base.errors import PinnkitError
from .options import in_flags

OK, FAILED, USAGE, INACCURATE, LOST, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 3, 75, 130, 141


def explain(error: Exception) -> int:
    """Print an error in one line: of the input, of the user's code, or of pinnkit. **Returns:** the exit status."""
    if _is_of_input(error):
        return fail(f"error: {in_flags(in_one_line(error))}", USAGE)
    if _has_lost_others(error):
        return fail("error: another process was lost", LOST)
    from .._base.origin import origin_of

    origin, text = origin_of(error), f"{type(error).__name__}: {in_one_line(error)}"
    if origin is not None and not origin.is_ours:
        return fail(f"error: {origin}: {text}; `--debug` shows the traceback", USAGE)
    advice = "this is a bug in pinnkit; please report it, with what `--debug` shows"
    return fail(f"error: {advice}: {text}", FAILED)


def fail(message: str, status: int) -> int:
    """Print a message. **Returns:** the status."""
    with contextlib.suppress(BrokenPipeError):
        print(f"pinnkit: {_printable(message)}", file=sys.stderr, flush=True)
    return status


def show_warning(message: Any, category: type[Warning], *where: Any, **options: Any) -> None:
    """A warning as one line on standard error, in place of `warnings.showwarning`."""
    print(f"pinnkit: warning: {_printable(in_one_line(message))}", file=sys.stderr)


def silence(stream: Any) -> None:
    """Discard further output, so that the interpreter does not complain about a closed pipe when it exits."""
    with contextlib.suppress(OSError, ValueError, io.UnsupportedOperation):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def in_one_line(error: Any) -> str:
    if isinstance(error, CycloptsError):
        error.verbose = False
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"'{error.filename}': {error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__


def _is_of_input(error: Exception) -> bool:
    """Whether an error is about invalid input, or about memory, disk space or permissions that the machine lacks."""
    if isinstance(error, CycloptsError | PinnkitError | MemoryError | OSError):
        return True
    return type(error).__name__ == "JaxRuntimeError" and "RESOURCE_EXHAUSTED" in str(error)


def _has_lost_others(error: Exception) -> bool:
    """Whether a computation that several processes share has failed, as it does when one of them ends."""
    if not any(word in str(error) for word in ("Gloo", "NCCL", "coordination service", "peer")):
        return False
    import jax

    return jax.distributed.is_initialized()


def _printable(text: str) -> str:
    from .._base.numbers import printable

    return printable(text)
