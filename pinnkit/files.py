"""Files of a run folder: written together or not at all, summed, and by one process at a time."""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from filelock import FileLock, Timeout

SUMS = "SHA256SUMS"
"""The file with the sums of others; `sha256sum --check` reads it."""

LOCK = ".lock"


class RunFolderError(ValueError):
    """A folder cannot be read or written as a run; the message says why."""


def summed(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Files and their `SUMS`, which come last."""
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items())
    return {**files, SUMS: sums.encode()}


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files to a folder: all are complete before any of them replaces what was there.

    **Raises:** `RunFolderError` if that cannot be done; what was there is as it was.
    """
    written = dict[str, str]()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if blocked := [name for name in files if (folder / name).is_dir()]:
            raise IsADirectoryError(f"'{folder / blocked[0]}' is a folder")
        for name, data in files.items():
            handle, written[name] = tempfile.mkstemp(dir=folder, prefix=f".{name}-")
            with open(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(written[name], 0o644)
        for name in files:
            os.replace(written[name], folder / name)
    except OSError as error:
        raise RunFolderError(f"cannot write to '{folder}': {reason_of(error)}") from error
    finally:
        for path in written.values():
            with contextlib.suppress(OSError):  # those that are in their place are not here any more
                os.unlink(path)


def read_files(folder: Path) -> dict[str, bytes]:
    """The files that have sums in a folder, each of them what was written.

    **Raises:** `RunFolderError` for any other folder.
    """
    try:
        lines = (folder / SUMS).read_text(encoding="ascii").splitlines()
        named = {name: found for found, name in (line.split("  ", 1) for line in lines)}
        if wrong := [name for name in named if name != os.path.basename(name) or name in ("", ".", "..")]:
            raise RunFolderError(f"the run in '{folder}' is damaged: {SUMS} names {wrong[0]!r}, which is not in it")
        files = {name: _read(folder / name) for name in named}
    except (OSError, ValueError) as error:
        if isinstance(error, RunFolderError):
            raise
        raise RunFolderError(f"the run in '{folder}' is damaged: {reason_of(error)}") from error
    for name, data in files.items():
        if hashlib.sha256(data).hexdigest() != named[name]:
            raise RunFolderError(f"the run in '{folder}' is damaged: {name} is not what was written")
    return files


def check_writable(folder: Path) -> None:
    """Make sure before a long run that its folder can be written; leaves no trace. **Raises:** `RunFolderError`."""
    try:
        with _made(folder):
            probe = folder / f".pinnkit-write-test-{os.getpid()}"
            probe.write_bytes(b"")
            probe.unlink()
    except OSError as error:
        raise RunFolderError(f"cannot write to the output folder '{folder}': {reason_of(error)}") from error


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Inside, no other process writes a run to this folder, and nor does this one from elsewhere in it.

    A folder that was not there goes again if nothing came into it.

    **Raises:** `RunFolderError` where another one does.
    """
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(_made(folder))
            lock = FileLock(folder / LOCK, timeout=0, is_singleton=True)
            lock.acquire()
        except Timeout:
            raise RunFolderError(
                f"another fit is writing to '{folder}'; wait until it is over, or choose another folder"
            ) from None
        except OSError as error:
            raise RunFolderError(f"cannot write to '{folder}': {reason_of(error)}") from error
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                if lock.lock_counter == 1:
                    (folder / LOCK).unlink(missing_ok=True)
            lock.release()


def reason_of(error: BaseException) -> str:
    """What an error says, in one line."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error).strip()
    return (text or type(error).__name__).splitlines()[0]


@contextlib.contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Inside, the folder is there; what was made for it goes again if it stays empty."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            for path in missing:
                path.rmdir()


def _read(path: Path) -> bytes:
    """A file of the folder itself, and no link to another."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    with open(handle, "rb") as file:
        return file.read()
