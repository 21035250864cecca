"""Checkpoints: the state of a run on disk, by orbax, under a manifest of SHA-256 sums.

A checkpoint is a folder `checkpoints/<step>` that holds what orbax wrote, and `manifest.json`: what run it belongs to
and the sum of every file. It is written under another name, brought to the disk, and renamed, so one that has its name
is complete; what happened to it afterwards, the sums tell.
"""

import contextlib
import errno
import hashlib
import logging
import os
import shutil
import stat
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .atomic_files import RunFolderError, open_file, reason_of
from .manifest import CHECKPOINTS, MANIFEST, NAME, STATE, DamagedCheckpointError, Manifest

if TYPE_CHECKING:
    import orbax.checkpoint as ocp

ROOM = 1.1, 50_000
"""Bytes on disk for each byte of a tree, and besides, at most."""

Tree = dict[str, Any]
"""Nested dicts and lists of arrays."""

_OF_DISKS = (
    errno.ENOSPC,
    errno.EFBIG,
    errno.EDQUOT,
    errno.EROFS,
    errno.EACCES,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EEXIST,
    errno.EIO,
)

_UNFINISHED = ".writing-"


def write_checkpoint(folder: Path, tree: Tree, manifest: Callable[[dict[str, str]], Manifest], step: int) -> Path:
    """Write a checkpoint below `folder`, all of it or nothing; no array of the tree may be empty.

    - `manifest`: from the sums of the files.

    **Returns:** where it is. **Raises:** `RunFolderError` if it cannot be written; what was there is as it was.
    """
    import orbax.checkpoint as ocp  # slow to import

    place = _own(folder)
    unfinished = place / f"{_UNFINISHED}{step}"
    try:
        place.mkdir(parents=True, exist_ok=True)
        _clear(unfinished)
        unfinished.mkdir()
        _make_sure_of_room(unfinished / "room", tree)
        with _said_once(), _checkpointer() as checkpointer:
            checkpointer.save(unfinished.resolve() / STATE, args=ocp.args.PyTreeSave(tree))
        _write_through(unfinished / MANIFEST, manifest(_sums(unfinished, to_disk=True)).encoded())
        for inner in [path for path in unfinished.rglob("*") if path.is_dir()]:
            _to_disk(inner)
        _to_disk(unfinished)
        final = _free_name(place, step)
        os.rename(unfinished, final)
        _to_disk(place)
    except Exception as error:  # orbax raises whatever its storage layers raise
        shutil.rmtree(unfinished, ignore_errors=True)
        raise RunFolderError(f"cannot write a checkpoint to '{folder}': {_reason(error)}") from error
    return final


def read_checkpoint(place: Path) -> tuple[Tree, Manifest]:
    """A checkpoint whose every file is what was written, as NumPy arrays.

    **Raises:** `DamagedCheckpointError` for any other, and `RunFolderError` for another format.
    """
    manifest = check(place)
    import orbax.checkpoint as ocp  # slow to import

    try:
        with _checkpointer() as checkpointer:
            path = place.resolve() / STATE
            shape = checkpointer.metadata(path).item_metadata
            import jax

            arguments = jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), dict(shape.tree))
            tree = checkpointer.restore(path, args=ocp.args.PyTreeRestore(restore_args=arguments))
    except Exception as error:  # orbax raises whatever its storage layers raise
        raise DamagedCheckpointError(f"it cannot be read ({reason_of(error)})") from error
    return tree, manifest


def check(place: Path) -> Manifest:
    """The manifest of a checkpoint, if every file is what was written, and there are no others.

    **Raises:** `DamagedCheckpointError`, or `RunFolderError` for another format.
    """
    if place.is_symlink():
        raise DamagedCheckpointError("it is a symbolic link, which is not followed")
    manifest = Manifest.read(place / MANIFEST)
    try:
        found = _sums(place)
    except OSError as error:
        raise DamagedCheckpointError(f"it cannot be read ({reason_of(error)})") from error
    for path, expected in manifest.files.items():
        if found.get(path) != expected:
            raise DamagedCheckpointError(f"{path} {'has changed' if path in found else 'is missing'}")
    if others := sorted(set(found) - set(manifest.files)):
        raise DamagedCheckpointError(f"{others[0]} does not belong to it")
    return manifest


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints of a run folder, newest first.

    **Raises:** `RunFolderError` where they cannot be listed, or lie elsewhere.
    """
    place = _own(folder)
    try:
        found = [(match, path) for path in place.iterdir() if (match := NAME.fullmatch(path.name)) and path.is_dir()]
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise RunFolderError(f"cannot read the checkpoints in '{folder}': {reason_of(error)}") from error
    found.sort(key=lambda item: (int(item[0][1]), int(item[0][2] or 0)), reverse=True)
    return [path for _, path in found]


def newest_intact(folder: Path) -> tuple[Path, Manifest, list[str]]:
    """The newest checkpoint that is intact.

    **Returns:** where it is, its manifest, and a line for each damaged one that is newer.

    **Raises:** `RunFolderError` where none is.
    """
    damaged = list[str]()
    for place in checkpoints(folder):
        try:
            return place, check(place), damaged
        except DamagedCheckpointError as error:
            damaged.append(f"checkpoint '{place.name}' in '{folder}' is damaged: {error}")
    if not damaged:
        raise RunFolderError(f"there is no checkpoint in '{folder}' to continue from")
    others = f" (and {len(damaged) - 1} more)" if len(damaged) > 1 else ""
    raise RunFolderError(f"no checkpoint is intact: {damaged[0]}{others}")


def remove_all_but(folder: Path, kept: Iterable[Path]) -> None:
    """Remove checkpoints, and what was not finished; what cannot be removed stays."""
    names = {path.name for path in kept}
    with contextlib.suppress(OSError, RunFolderError):
        for path in _own(folder).iterdir():
            is_ours = path.name.startswith(_UNFINISHED) or NAME.fullmatch(path.name)
            if is_ours and path.name not in names and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)


def _checkpointer() -> "ocp.Checkpointer":
    """What reads and writes for this process alone: all processes have the whole state, and the first one writes it."""
    import jax
    import orbax.checkpoint as ocp

    own = jax.process_index()
    alone = ocp.options.MultiprocessingOptions(own, {own}, f"process-{own}") if jax.process_count() > 1 else None
    options: dict[str, Any] = {} if alone is None else {"multiprocessing_options": alone}
    return ocp.Checkpointer(ocp.PyTreeCheckpointHandler(**options), **options)


def _make_sure_of_room(path: Path, tree: Tree) -> None:
    """Fail here where a disk is full, a quota used up or a file too large: storage layers do it in many words.

    **Raises:** `OSError`.
    """
    import jax

    size = int(ROOM[0] * sum(leaf.nbytes for leaf in jax.tree.leaves(tree)) + ROOM[1])
    with path.open("wb") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            file.write(bytes(size))
    path.unlink()


@contextlib.contextmanager
def _said_once() -> Generator[None, None, None]:
    """Inside, orbax does not log its errors, which it raises as well."""
    logger, ours = logging.getLogger("absl"), lambda record: "orbax" not in record.pathname
    logger.addFilter(ours)
    try:
        yield
    finally:
        logger.removeFilter(ours)


def _reason(error: BaseException) -> str:
    """What the disk says, where orbax and its storage layers wrap it in what they say."""
    said = next((os.strerror(number) for number in _OF_DISKS if os.strerror(number) in str(error)), None)
    return said or reason_of(error)


def _own(folder: Path) -> Path:
    """Where checkpoints of a run folder are: in it, and nowhere else."""
    place = folder / CHECKPOINTS
    if place.is_symlink():
        raise RunFolderError(f"'{place}' is a symbolic link, and checkpoints do not leave their folder; remove it")
    return place


def _clear(path: Path) -> None:
    """Remove a folder, or a link in its place but not what it leads to."""
    if path.is_symlink():
        path.unlink()
    shutil.rmtree(path, ignore_errors=True)


def _sums(place: Path, to_disk: bool = False) -> dict[str, str]:
    """SHA-256 sums of the files below a checkpoint, but for the manifest; of what is no regular file, its kind."""
    sums = {}
    for path in sorted(place.rglob("*")):
        name, mode = path.relative_to(place).as_posix(), path.lstat().st_mode
        if stat.S_ISDIR(mode) or name == MANIFEST:
            continue
        if not stat.S_ISREG(mode):
            sums[name] = "no regular file"
            continue
        if to_disk:
            _to_disk(path)
        with open_file(path) as file:
            sums[name] = hashlib.file_digest(file, "sha256").hexdigest()  # pyright: ignore[reportArgumentType]
    return sums


def _free_name(place: Path, step: int) -> Path:
    """`<step>`, or `<step>.<number>` where that is taken."""
    taken = {path.name for path in place.iterdir()}
    names = [str(step), *(f"{step}.{k}" for k in range(1, len(taken) + 1))]
    return place / next(name for name in names if name not in taken)


def _write_through(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _to_disk(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk, where the system can."""
    with contextlib.suppress(PermissionError):  # Windows opens no folders
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
