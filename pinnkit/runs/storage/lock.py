"""One process writes a run folder at a time."""

import contextlib
from collections.abc import Generator
from pathlib import Path

from filelock import FileLock, Timeout

from .atomic_files import RunFolderError, made_folders, reason_of

LOCK = ".lock"


@contextlib.contextmanager
def locked(folder: Path) -> Generator[None, None, None]:
    """Inside, no other process writes a run to this folder, and nor does this one from elsewhere in it.

    A folder that was not there goes again if nothing came into it.

    **Raises:** `RunFolderError` where another one does.
    """
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(made_folders(folder))
            lock = FileLock(folder / LOCK, timeout=0, is_singleton=True)
            lock.acquire()
        except Timeout:
            raise RunFolderError(
                f"another fit is writing to '{folder}'; wait until it is over, or choose another folder"
            ) from None
        except (OSError, ValueError) as error:
            raise RunFolderError(f"cannot write to '{folder}': {reason_of(error)}") from error
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                if lock.lock_counter == 1:
                    (folder / LOCK).unlink(missing_ok=True)
            lock.release()
