"""A finished run as data, and the folder it lives in."""

import tomllib
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import tomli_w

from .history import History, Snapshot
from .summary import Summary

_DAMAGE = (OSError, EOFError, ValueError, KeyError, msgspec.DecodeError, zipfile.BadZipFile, zlib.error)


class RunFolderError(ValueError):
    """A folder cannot be read or written as a run; the message says why."""


@dataclass(frozen=True)
class Run:
    """Everything a report needs; nothing in it can execute.

    `config` is what the run was asked for: a flat table of strings, numbers, booleans, and tables of these.
    """

    summary: Summary
    config: Mapping[str, Any]
    history: History
    snapshot: Snapshot

    def save(self, folder: Path) -> None:
        """Write `summary.json`, `config.toml` and `history.npz`. **Raises:** `RunFolderError`."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self.summary.save(folder / "summary.json")
            (folder / "config.toml").write_text(tomli_w.dumps(dict(self.config)), encoding="utf-8")
            self.history.save(folder / "history.npz", self.snapshot)
        except OSError as error:
            raise RunFolderError(f"cannot write the run to '{folder}': {error.strerror or error}") from error

    @classmethod
    def load(cls, folder: Path) -> "Run":
        """Read what `save` wrote. **Raises:** `RunFolderError` for anything else."""
        if not (folder / "summary.json").is_file():
            raise RunFolderError(
                f"'{folder}' is not a run folder: it has no summary.json; `pinnkit solve ... --output` makes one"
            )
        try:
            summary = Summary.load(folder / "summary.json")
            config = tomllib.loads((folder / "config.toml").read_text(encoding="utf-8"))
            history, snapshot = History.load(folder / "history.npz")
        except _DAMAGE as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise RunFolderError(f"the run in '{folder}' is damaged: {reason}") from error
        return cls(summary, config, history, snapshot)


def check_writable(folder: Path) -> None:
    """Make sure before a long run that its folder can be written; leaves no trace. **Raises:** `RunFolderError`."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".pinnkit-write-test"
        probe.write_bytes(b"")
        probe.unlink()
        for path in missing:
            path.rmdir()
    except OSError as error:
        raise RunFolderError(f"cannot write to the output folder '{folder}': {error.strerror or error}") from error
