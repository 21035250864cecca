"""Trained parameters on disk, by orbax."""

from pathlib import Path

import jax
import numpy as np

from ._types import Params
from .run import RunFolderError


def save_params(folder: Path, params: Params, step: int) -> None:
    """Write the leaves of `params` to `folder/checkpoints/<step>`, replacing what was there.

    **Raises:** `RunFolderError` if that cannot be written.
    """
    import orbax.checkpoint as ocp  # slow to import, and needed here only

    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(params)]
    try:
        with ocp.StandardCheckpointer() as checkpointer:
            checkpointer.save(_place(folder, step), leaves, force=True)
    except (OSError, ValueError) as error:
        raise RunFolderError(f"cannot write a checkpoint to '{folder}': {_first_line(error)}") from error


def restore_params(folder: Path, like: Params, step: int) -> Params:
    """Read what `save_params` wrote into the tree of `like`.

    **Raises:** `RunFolderError` if it is missing, damaged, or of other shapes than `like`.
    """
    import orbax.checkpoint as ocp  # slow to import, and needed here only

    leaves, tree = jax.tree.flatten(like)
    try:
        with ocp.StandardCheckpointer() as checkpointer:
            found = [np.asarray(leaf) for leaf in jax.tree.leaves(checkpointer.restore(_place(folder, step)))]
    except Exception as error:  # orbax raises whatever its storage layers raise
        raise RunFolderError(f"cannot read the checkpoint in '{folder}': {_first_line(error)}") from error
    if [leaf.shape for leaf in found] != [leaf.shape for leaf in leaves]:
        raise RunFolderError(
            f"the checkpoint in '{folder}' belongs to another model: its parameters have the shapes "
            f"{[leaf.shape for leaf in found]}, those of this one {[leaf.shape for leaf in leaves]}"
        )
    return tree.unflatten(found)


def _place(folder: Path, step: int) -> Path:
    return folder.resolve() / "checkpoints" / str(step)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
