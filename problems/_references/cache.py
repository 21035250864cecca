"""Reference solutions on disk: computed once, then read from the user's cache folder.

A file holds plain arrays and is named after the function that computes them, with a hash of its arguments, of its
module and of the modules in this folder: when any of these changes, the solution is computed again. Files that were
not used for longest are removed beyond 1 GiB. A folder that cannot be written only costs time.
"""

import contextlib
import functools
import hashlib
import inspect
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import platformdirs

MOST_BYTES = 2**30


def on_disk(kind):
    """Keep what a function computes, a dict of arrays, and return it as `kind(**arrays)`.

    The last four results of a function are also kept in memory.
    """

    def decorate(compute):
        @functools.lru_cache(maxsize=4)
        @functools.wraps(compute)
        def kept(*args, **kwargs):
            arguments = inspect.signature(compute).bind(*args, **kwargs)
            arguments.apply_defaults()
            path = folder() / f"{_name(compute)}-{_digest(compute, arguments.arguments)}.npz"
            arrays = _read(path)
            if arrays is None:
                arrays = compute(*args, **kwargs)
                _write(path, arrays)
            return kind(**arrays)

        return kept

    return decorate


def folder():
    return Path(platformdirs.user_cache_dir("pinnkit")) / "references"


def _name(compute):
    return f"{compute.__module__.rpartition('.')[2]}-{compute.__name__}"


def _digest(compute, arguments):
    """A hash of all that determines the result."""
    sources = [Path(inspect.getfile(compute)), *sorted(Path(__file__).parent.glob("*.py"))]
    texts = [repr(sorted(arguments.items())).encode(), *(source.read_bytes() for source in sources)]
    return hashlib.sha256(b"\0".join(texts)).hexdigest()[:20]


def _read(path):
    """The arrays of a file; None if it is missing or damaged."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            found = dict(arrays)
        os.utime(path)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    return found


def _write(path, arrays):
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, **arrays)
            os.replace(part, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.remove(part)
        _forget(path.parent)


def _forget(place):
    """Remove the files that were not used for longest until the others fit."""
    used = sorted(((file.stat().st_mtime, file) for file in place.glob("*.npz")), reverse=True)
    total = 0
    for _, file in used:
        total += file.stat().st_size
        if total > MOST_BYTES:
            file.unlink(missing_ok=True)
