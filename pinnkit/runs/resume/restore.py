"""The state that a run resumes from."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...equations.problem import Problem
from ..storage.atomic_files import RunFolderError, reason_of
from ..storage.checkpoint_folder import checkpoints, newest_intact, read_checkpoint
from ..storage.manifest import Manifest
from .checkpointing import CheckpointWarning
from .fingerprint import Identity, difference, plain, problem_identity, reconciled, versions
from .state import RunState


def restore(folder: Path, identity: Identity) -> tuple[RunState, Path]:
    """The state of the newest intact checkpoint of a run, and its path; warns of newer ones that are damaged.

    **Raises:** `RunFolderError` if there is none, or if its problem, settings or version differ.
    """
    place, manifest, damaged = newest_intact(folder)
    ours, others = identity.versions, manifest.versions
    own, other = ours["pinnkit"], others.get("pinnkit")
    if own != other:
        raise RunFolderError(f"the run in '{folder}' was begun with pinnkit {other}; this is {own}, which cannot go on")
    changed = ", ".join(f"{name} {others.get(name)}" for name in ours if others.get(name) != ours[name])
    advice = f"it was begun with {changed}; " * bool(changed) + "resume it with what it was begun with"
    begun = {"problem": reconciled(manifest.problem, identity.problem, not changed), "settings": manifest.settings}
    for name, table in {**begun, "network": manifest.network}.items():
        if (found := difference(folder, table, getattr(identity, name), advice)) is not None:
            raise RunFolderError(found)
    if damaged:
        warnings.warn(f"{damaged[0]}; going on from '{place.name}'", CheckpointWarning, stacklevel=3)
    if changed:
        text = f"the run in '{folder}' was begun with {changed}: its end will not be the same to the last bit"
        warnings.warn(text, CheckpointWarning, stacklevel=3)
    try:
        state = RunState.of(read_checkpoint(place)[0])
    except (KeyError, ValueError, TypeError) as error:
        begun_with = f" (it was begun with {changed})" if changed else ""
        raise RunFolderError(f"checkpoint '{place}' cannot be read: {reason_of(error)}{begun_with}") from error
    return state.of_other_versions if changed else state, place


def saved(folder: Path) -> Manifest | None:
    """The manifest of the newest intact checkpoint in a folder; None if nothing has been saved there yet.

    **Raises:** `RunFolderError` if there are checkpoints but none is intact.
    """
    return newest_intact(folder)[1] if checkpoints(folder) else None


def check_same(folder: Path, manifest: Manifest, problem: Problem, given: Mapping[str, Any]) -> None:
    """**Raises:** `RunFolderError` if a run solves another problem or had other settings than those given."""
    begun = reconciled(manifest.problem, now := problem_identity(problem), manifest.versions == versions())
    settings = {name: plain(value) for name, value in given.items()}
    for one, other in ((begun, now), ({name: manifest.settings.get(name) for name in settings}, settings)):
        if (found := difference(folder, one, other)) is not None:
            raise RunFolderError(found)


def nothing_saved(folder: Path) -> str:
    """The warning if a run that should be resumed starts from the beginning."""
    return f"nothing is saved in '{folder}' yet: beginning from the start"
