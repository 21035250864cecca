"""The manifest of a checkpoint."""

import hashlib
import re
from pathlib import Path
from typing import Any

import msgspec

from .atomic_files import RunFolderError, read_file, reason_of

CHECKPOINTS, MANIFEST, STATE = "checkpoints", "manifest.json", "state"

FORMAT = 1
"""Of the tree that is stored; another one is refused."""

NAME = re.compile(r"(\d{1,18})(?:\.(\d{1,9}))?")

_SUM = re.compile(r"[0-9a-f]{16}")


class DamagedCheckpointError(RunFolderError):
    """Files of a checkpoint are not those that were written."""


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands beside the state.

    - `format`: `FORMAT` of who wrote it; `step`: steps taken; `finished`: whether nothing was left to be trained;
    - `problem`, `settings`, `network`, `versions`: what run it belongs to (see `identity`);
    - `files`: SHA-256 sums by path below the checkpoint.
    """

    format: int
    step: int
    finished: bool
    problem: dict[str, Any]
    settings: dict[str, Any]
    network: dict[str, Any]
    versions: dict[str, str]
    files: dict[str, str]

    def encoded(self) -> bytes:
        """The one way to write it: a line with its own sum, and the content."""
        content = msgspec.json.format(msgspec.json.encode(self, order="sorted"), indent=1)
        return hashlib.sha256(content).hexdigest().encode() + b"\n" + content

    @classmethod
    def read(cls, path: Path) -> "Manifest":
        """**Raises:** `DamagedCheckpointError`, or `RunFolderError` for another format."""
        try:
            written, _, content = read_file(path).partition(b"\n")
        except OSError as error:
            raise DamagedCheckpointError(f"its {MANIFEST} cannot be read ({reason_of(error)})") from error
        if written != hashlib.sha256(content).hexdigest().encode():
            raise DamagedCheckpointError(f"its {MANIFEST} has changed")
        try:
            found = msgspec.json.decode(content)["format"]
            if found != FORMAT:
                raise RunFolderError(
                    f"checkpoint '{path.parent}' has format {found!r}, and this pinnkit reads format {FORMAT}; "
                    "continue it with the version that wrote it"
                )
            return msgspec.json.decode(content, type=cls)
        except (msgspec.DecodeError, KeyError, TypeError) as error:
            raise DamagedCheckpointError(f"its {MANIFEST} is none") from error


def is_sum(value: Any) -> bool:
    """Whether a value stands for something that cannot be shown in a line."""
    return isinstance(value, str) and _SUM.fullmatch(value) is not None
