"""Problems by name, by module and by file."""

import contextlib
import difflib
import importlib
import importlib.metadata
import importlib.util
import itertools
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from .problem import Problem, ProblemError

GROUP = "pinnkit.problems"
"""The entry-point group through which packages offer problems."""

_numbers = itertools.count()


def problem_names() -> list[str]:
    """Names of the problems that installed packages offer."""
    return sorted({entry.name for entry in importlib.metadata.entry_points(group=GROUP)})


def find_problem(spec: str) -> Problem:
    """The problem that is meant by a name, by `module:name`, or by a file, `file.py` or `file.py:name`.

    **Raises:** `ProblemError`, in one line that says what there is.
    """
    place, separator, name = spec.rpartition(":")
    if spec.endswith(".py"):
        return _from_file(Path(spec), None)
    if separator and place.endswith(".py"):
        return _from_file(Path(place), name)
    if separator:
        return _from_module(place, name)
    return _from_entry_point(spec)


def _from_entry_point(name: str) -> Problem:
    entries = {entry.name: entry for entry in importlib.metadata.entry_points(group=GROUP)}
    if name not in entries:
        close = difflib.get_close_matches(name, entries, n=1)
        hint = f" Did you mean '{close[0]}'?" if close else ""
        raise ProblemError(
            f"there is no problem '{name}'.{hint} There are: {', '.join(sorted(entries)) or 'none'}; "
            "write a file as `file.py`, a module as `module:name`"
        )
    return _from_module(entries[name].module, entries[name].attr)


def _from_module(path: str, name: str) -> Problem:
    """A problem from a module; modules in the current folder are found too."""
    with _reported(f"module '{path}'", None), _importable(Path.cwd()):
        module = importlib.import_module(path)
    return _only(module, name, f"module '{path}'", path)


def _from_file(path: Path, name: str | None) -> Problem:
    if not path.is_file():
        raise ProblemError(f"there is no file '{path}'")
    module_spec = importlib.util.spec_from_file_location(f"_pinnkit_problem_{next(_numbers)}", path)
    if module_spec is None or module_spec.loader is None:
        raise ProblemError(f"'{path}' is not a Python file")
    module = importlib.util.module_from_spec(module_spec)
    sys.modules[module_spec.name] = module
    with _reported(f"'{path}'", path), _importable(path.resolve().parent):
        module_spec.loader.exec_module(module)
    return _only(module, name, f"'{path}'", str(path))


def _only(module: ModuleType, name: str | None, where: str, spec: str) -> Problem:
    """The problem called `name`, or the only one there is."""
    problems = {key: value for key, value in vars(module).items() if isinstance(value, Problem)}
    there_is = f"it defines {', '.join(problems)}" if problems else "it defines no problem"
    if name is not None:
        if name not in problems:
            raise ProblemError(f"{where} has no problem '{name}'; {there_is}")
        return problems[name]
    if not problems:
        raise ProblemError(f"{where} defines no problem; assign one at its top level, as in `name = Problem(...)`")
    if len({id(problem) for problem in problems.values()}) > 1:
        raise ProblemError(f"{where} defines several problems; say which: {', '.join(f'{spec}:{k}' for k in problems)}")
    return next(iter(problems.values()))


@contextlib.contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """`folder` on the path while something is imported."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(str(folder))


@contextlib.contextmanager
def _reported(where: str, path: Path | None) -> Iterator[None]:
    """Whatever goes wrong in somebody's code as one line, with the line of their file."""
    try:
        yield
    except (Exception, SystemExit) as error:
        message = (str(error).strip() or "no message").splitlines()[0]
        kind = "" if isinstance(error, ProblemError) else f"{type(error).__name__}: "
        raise ProblemError(f"{where}{_line_of(error, path)} cannot be read: {kind}{message}") from error


def _line_of(error: Any, path: Path | None) -> str:
    """Where in a file an error came from, as `, line 3`."""
    if path is None:
        return ""
    if isinstance(error, SyntaxError) and error.lineno is not None and error.filename == str(path):
        return f", line {error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f", line {lines[-1]}" if lines else ""
