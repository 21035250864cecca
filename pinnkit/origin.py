"""Where an error comes from: from pinnkit, or from code that was given to it."""

import os
import sysconfig
import traceback
from importlib.metadata import entry_points
from typing import NamedTuple

GROUP = "pinnkit.problems"
"""The entry-point group through which packages offer problems."""

_HERE = os.path.dirname(os.path.realpath(__file__))
_OURS = (_HERE, os.path.join(os.path.dirname(_HERE), "problems"))
_PYTHON = tuple({os.path.realpath(sysconfig.get_paths()[name]) for name in ("stdlib", "platstdlib")})
_INSTALLED = {"site-packages", "dist-packages"}


class Origin(NamedTuple):
    """A line of the code that raised an error, or had a library raise it."""

    path: str
    line: int

    @property
    def is_ours(self) -> bool:
        """Whether it is a line of pinnkit."""
        return any(self.path.startswith(folder + os.sep) for folder in _OURS)

    def __str__(self) -> str:
        return f"{min(os.path.relpath(self.path), self.path, key=len)}, line {self.line}"


def origin_of(error: BaseException) -> Origin | None:
    """The innermost line of an error that is of no library."""
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        origin = Origin(os.path.realpath(frame.f_code.co_filename), line)
        if origin.is_ours or not _is_library(origin.path, str(frame.f_globals.get("__name__", ""))):
            return origin
    return None


def _is_library(path: str, module: str) -> bool:
    """Whether a file is of Python or of an installed package, other than those that offer problems."""
    if not os.path.isfile(path):  # code that is made at run time, or frozen
        return True
    if _INSTALLED & set(path.split(os.sep)):
        return module.partition(".")[0] not in {entry.module.partition(".")[0] for entry in entry_points(group=GROUP)}
    return path.startswith(tuple(folder + os.sep for folder in _PYTHON))
