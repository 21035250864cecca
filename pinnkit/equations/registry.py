"""Problems by name, by module and by file.

A name is looked up in installed packages alone: what lies in the working directory, a `problems.py` for instance, is
neither run nor in the way. Only `module:name` and files may be of the working directory.
"""

import contextlib
import difflib
import importlib
import importlib.metadata
import importlib.util
import itertools
import json
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from .._base.errors import PinnkitError
from .._base.origin import GROUP, origin_of
from .mistakes import ProblemError
from .problem import Problem

_numbers = itertools.count()


def problem_names() -> list[str]:
    """Names of the problems that installed packages offer."""
    return sorted(_entries())


def find_problem(spec: str) -> Problem:
    """The problem that is meant by a name, by `module:name`, or by a file, `file.py` or `file.py:name`.

    **Raises:** `ProblemError`, in one line that says what there is.
    """
    importlib.invalidate_caches()  # files may be new
    place, separator, name = spec.rpartition(":")
    if spec.endswith(".py"):
        return _from_file(Path(spec), None)
    if separator and place.endswith(".py"):
        return _from_file(Path(place), name)
    if separator:
        return _from_module(place, name)
    return _from_entry_point(spec)


def _entries() -> dict[str, importlib.metadata.EntryPoint]:
    """What installed packages offer, by name; the first package on the path has a name."""
    found = dict[str, importlib.metadata.EntryPoint]()
    for package in importlib.metadata.distributions(path=_without_here()):
        for entry in package.entry_points.select(group=GROUP):
            found.setdefault(entry.name, entry)
    return found


def _without_here() -> list[str]:
    """The path without the working directory, which Python puts there for `python -m` and `python -c`."""
    here = os.path.realpath(os.getcwd())
    return [place for place in sys.path if os.path.realpath(place or ".") != here]


def _from_entry_point(name: str) -> Problem:
    entries = _entries()
    if name not in entries:
        close = difflib.get_close_matches(name, entries, n=1)
        hint = f" Did you mean '{close[0]}'?" if close else ""
        raise ProblemError(
            f"there is no problem '{name}'.{hint} There are: {', '.join(sorted(entries)) or 'none'}; "
            "write a file as `file.py`, a module as `module:name`"
        )
    path, home = entries[name].module, _home(entries[name])
    with _reported(f"module '{path}'", None), _on_path(_without_here()):
        module = importlib.import_module(path) if home is None else _import_from(home, path)
    return _only(module, entries[name].attr, f"module '{path}'", path)


def _home(entry: importlib.metadata.EntryPoint) -> str | None:
    """The folder in which the module of an entry point is installed; None where it is on the path of its own accord."""
    package, top = entry.dist, entry.module.partition(".")[0]
    places = list[str]()
    if package is not None:
        places.append(str(package.locate_file("")))
        about = json.loads(package.read_text("direct_url.json") or "{}")
        if about.get("dir_info", {}).get("editable") and about["url"].startswith("file:"):
            root = url2pathname(urlsplit(about["url"]).path)
            places += [root, os.path.join(root, "src")]
    return next((place for place in [*places, *_without_here()] if _is_in(top, place)), None)


def _is_in(top: str, folder: str) -> bool:
    """Whether a folder has a module or package of this name; a folder without `__init__.py` is none."""
    spec = PathFinder.find_spec(top, [folder])
    return spec is not None and spec.origin is not None


def _import_from(home: str, path: str) -> ModuleType:
    """Import a module that lies in `home`, though another one of the same name may be loaded.

    That other one is set aside: whoever has it keeps it, but the name stands for the one that was asked for last.
    """
    top = path.partition(".")[0]
    if not _lies_in(sys.modules.get(top), home):
        for name in [name for name in sys.modules if name == top or name.startswith(f"{top}.")]:
            del sys.modules[name]
    with _on_path([home, *sys.path]):
        return importlib.import_module(path)


def _lies_in(module: ModuleType | None, home: str) -> bool:
    """Whether a module that is loaded is the one of a folder."""
    if module is None:
        return True
    spec, loaded = PathFinder.find_spec(module.__name__, [home]), getattr(module, "__spec__", None)
    places = lambda found: [found.origin, *(found.submodule_search_locations or ())]
    real = lambda found: {os.path.realpath(place) for place in places(found) if place is not None}
    return spec is not None and loaded is not None and bool(real(spec) & real(loaded))


def _from_module(path: str, name: str) -> Problem:
    """A problem from a module; modules in the working directory come first."""
    here = os.getcwd()
    is_here = _is_in(path.partition(".")[0], here)
    with _reported(f"module '{path}'", None), _on_path([here, *sys.path]):
        module = _import_from(here, path) if is_here else importlib.import_module(path)
    return _only(module, name, f"module '{path}'", path)


def _from_file(path: Path, name: str | None) -> Problem:
    if not path.is_file():
        raise ProblemError(f"there is no file '{path}'")
    module_spec = importlib.util.spec_from_file_location(f"_pinnkit_problem_{next(_numbers)}", path)
    if module_spec is None or module_spec.loader is None:
        raise ProblemError(f"'{path}' is not a Python file")
    module = importlib.util.module_from_spec(module_spec)
    sys.modules[module_spec.name] = module
    with _reported(f"'{path}'", path), _on_path([str(path.resolve().parent), *sys.path]):
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
def _on_path(places: Sequence[str]) -> Iterator[None]:
    """Another path while something is imported; what is imported may add to it."""
    before, own = list(sys.path), list(places)
    sys.path[:] = own
    try:
        yield
    finally:
        sys.path[:] = [*(place for place in sys.path if place not in own), *before]


@contextlib.contextmanager
def _reported(where: str, path: Path | None) -> Iterator[None]:
    """Whatever goes wrong in somebody's code as one line, with the line of their file."""
    try:
        yield
    except (Exception, SystemExit) as error:
        origin = origin_of(error)
        if origin is not None and origin.is_ours and origin.path != __file__ and not isinstance(error, PinnkitError):
            raise  # a fault of pinnkit
        message = (str(error).strip() or "no message").splitlines()[0]
        kind = "" if isinstance(error, ProblemError) else f"{type(error).__name__}: "
        raise ProblemError(f"{where}{_line_of(error, path)} cannot be read: {kind}{message}") from error


def _line_of(error: Any, path: Path | None) -> str:
    """Where in a file an error came from, as `, line 3`."""
    if path is None:
        return ""
    is_it = lambda name: name is not None and os.path.realpath(name) == os.path.realpath(path)
    if isinstance(error, SyntaxError) and error.lineno is not None and is_it(error.filename):
        return f", line {error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if is_it(frame.filename)]
    return f", line {lines[-1]}" if lines else ""
