"""Where an error comes from: from pinnkit, or from code that was given to it."""

import functools
import os
import sysconfig
import traceback
from importlib.metadata import entry_points
from typing import NamedTuple

GROUP = "pinnkit.problems"
"""The entry-point group through which packages offer problems."""

_HERE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))

_OURS = (_HERE, os.path.join(os.path.dirname(_HERE), "problems"))

_PYTHON = tuple({os.path.realpath(sysconfig.get_paths()[name]) + os.sep for name in ("stdlib", "platstdlib")})

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
    offering = _offering()
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        origin = Origin(os.path.realpath(frame.f_code.co_filename), line)
        is_given = str(frame.f_globals.get("__name__", "")).partition(".")[0] in offering
        if origin.is_ours or is_given or not is_of_library(frame.f_code.co_filename):
            return origin
    return None


@functools.cache
def is_of_library(filename: str) -> bool:
    """Whether code belongs to this package, to Python or to an installed package."""
    if filename.startswith("<frozen"):
        return True
    path = os.path.realpath(filename)
    return path.startswith((_HERE + os.sep, *_PYTHON)) or bool(_INSTALLED & set(path.split(os.sep)))


def _offering() -> set[str]:
    """Top-level names of the packages that offer problems, whose errors are their own."""
    return {entry.module.partition(".")[0] for entry in entry_points(group=GROUP)}
