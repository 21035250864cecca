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

from .grid_fields import GridFields
from .history import History
from .storage.atomic_files import RunFolderError, is_there, read_files, reason_of, summed, write_files
from .summary import Summary

_DAMAGE = (EOFError, ValueError, KeyError, msgspec.DecodeError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True)
class Run:
    """Everything a report needs; nothing in it can execute.

    `config` are the settings of the run: a flat table of strings, numbers, booleans, and tables of these.
    """

    summary: Summary
    config: Mapping[str, Any]
    history: History
    snapshot: GridFields

    @property
    def files(self) -> dict[str, bytes]:
        """`summary.json`, `config.toml` and `history.npz`."""
        return {
            "summary.json": self.summary.encoded(),
            "config.toml": tomli_w.dumps(dict(self.config)).encode(),
            "history.npz": self.history.encoded(self.snapshot),
        }

    def save(self, folder: str | Path) -> None:
        """Write `files` and their SHA-256 sums; all are complete before any replaces an older one.

        **Raises:** `RunFolderError`.
        """
        write_files(Path(folder), summed(self.files))

    @classmethod
    def load(cls, folder: str | Path) -> "Run":
        """Read what `save` wrote. **Raises:** `RunFolderError` for anything else."""
        folder = Path(folder)
        if not is_there(folder / "summary.json"):
            raise RunFolderError(
                f"'{folder}' is not a run folder: it has no summary.json; `pinnkit solve ... --output` makes one"
            )
        files = read_files(folder)
        try:
            return cls(
                Summary.decoded(files["summary.json"]),
                tomllib.loads(files["config.toml"].decode()),
                *History.decoded(files["history.npz"]),
            )
        except _DAMAGE as error:
            raise RunFolderError(f"the run in '{folder}' is damaged: {reason_of(error)}") from error
