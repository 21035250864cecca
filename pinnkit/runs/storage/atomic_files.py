"""Files of a run folder: written together or not at all, summed, and by one process at a time."""

import contextlib
import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import BinaryIO

from ..._base.errors import InputError

SUMS = "SHA256SUMS"
"""The file with the sums of others; `sha256sum --check` reads it."""


class RunFolderError(InputError):
    """A folder cannot be read or written as a run; the message says why."""


def summed(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Files and their `SUMS`, which come last."""
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items())
    return {**files, SUMS: sums.encode()}


def open_file(path: Path) -> BinaryIO:
    """Open a regular file to be read; neither a link nor a pipe is followed or waited for. **Raises:** `OSError`."""
    if path.is_symlink():  # also where O_NOFOLLOW is not known
        raise OSError(errno.ELOOP, "it is a symbolic link, which is not followed")
    handle = os.open(path, os.O_RDONLY | _flags("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY", "O_CLOEXEC"))
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "it is no regular file")
    return open(handle, "rb")


def read_file(path: Path) -> bytes:
    """The content of a regular file. **Raises:** `OSError`."""
    with open_file(path) as file:
        return file.read()


def new_file(folder: Path, name: str) -> tuple[BinaryIO, Path]:
    """A new hidden file beside the one that it shall replace, with the permissions that the umask leaves.

    **Raises:** `OSError`.
    """
    path = folder / f".{name}-{secrets.token_hex(4)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _flags("O_NOFOLLOW", "O_BINARY", "O_CLOEXEC")
    return open(os.open(path, flags, 0o666), "wb"), path


def is_there(path: Path) -> bool:
    """Whether there is a file, a folder, or a link, wherever it leads."""
    return path.exists() or path.is_symlink()


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files to a folder: all are complete before any of them replaces what was there.

    **Raises:** `RunFolderError` if that cannot be done; what was there is as it was.
    """
    written = dict[str, Path]()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if blocked := [name for name in files if (folder / name).is_dir() and not (folder / name).is_symlink()]:
            raise IsADirectoryError(f"'{folder / blocked[0]}' is a folder")
        for name, data in files.items():
            file, written[name] = new_file(folder, name)
            with file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        for name in files:
            os.replace(written[name], folder / name)
    except (OSError, ValueError) as error:  # the latter for paths that cannot be
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
        lines = read_file(folder / SUMS).decode("ascii").splitlines()
        named = {name: found for found, name in (line.split("  ", 1) for line in lines)}
        if wrong := [name for name in named if name != os.path.basename(name) or name in ("", ".", "..")]:
            raise RunFolderError(f"the run in '{folder}' is damaged: {SUMS} names {wrong[0]!r}, which is not in it")
    except RunFolderError:
        raise
    except (OSError, ValueError) as error:
        raise RunFolderError(f"the run in '{folder}' is damaged: {SUMS}: {reason_of(error)}") from error
    files = {name: _part(folder, name) for name in named}
    for name, data in files.items():
        if hashlib.sha256(data).hexdigest() != named[name]:
            raise RunFolderError(f"the run in '{folder}' is damaged: {name} is not what was written")
    return files


def check_writable(folder: Path) -> None:
    """Make sure before a long run that its folder can be written; leaves no trace. **Raises:** `RunFolderError`."""
    try:
        with made_folders(folder):
            file, probe = new_file(folder, "pinnkit-write-test")
            file.close()
            probe.unlink()
    except (OSError, ValueError) as error:
        raise RunFolderError(f"cannot write to the output folder '{folder}': {reason_of(error)}") from error


def reason_of(error: BaseException) -> str:
    """What an error says, in one line."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error).strip()
    return (text or type(error).__name__).splitlines()[0]


@contextlib.contextmanager
def made_folders(folder: Path) -> Generator[None, None, None]:
    """Inside, the folder is there; what was made for it goes again if it stays empty."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            for path in missing:
                path.rmdir()


def _part(folder: Path, name: str) -> bytes:
    """One of the files of a run. **Raises:** `RunFolderError`."""
    try:
        return read_file(folder / name)
    except (OSError, ValueError) as error:
        raise RunFolderError(f"the run in '{folder}' is damaged: {name}: {reason_of(error)}") from error


def _flags(*names: str) -> int:
    """Those that this system knows."""
    return sum(getattr(os, name, 0) for name in names)
