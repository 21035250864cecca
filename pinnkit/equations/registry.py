"""Problems by name, by module and by file.

A name belongs to an installed package: a `problems.py` in the working directory, for instance, is neither imported nor
an obstacle. Only `module:name` and files may be in the working directory.
"""

import contextlib
import importlib
import importlib.util
import itertools
import os
import sys
import traceback
from collections.abc import Generator, Mapping, Sequence
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .._base.errors import PinnkitError
from .._base.origin import origin_of
from .._base.words import did_you_mean
from .entries import entries, home_of, is_in, path_without_here
from .mistakes import ProblemError

if TYPE_CHECKING:
    from .problem import Problem

_numbers = itertools.count()


def check_problem(spec: str) -> None:
    """Look a problem up without importing it.

    **Raises:** `ProblemError` for an unknown name, and for a file that does not exist.
    """
    place, separator, _ = spec.rpartition(":")
    file = spec if spec.endswith(".py") else place
    if file.endswith(".py"):
        _check_file(Path(file))
    elif not separator:
        _check_name(spec, entries())


def find_problem(spec: str) -> "Problem":
    """The problem given by a name, by `module:name`, or by a file, `file.py` or `file.py:name`.

    **Raises:** `ProblemError` for an unknown name, and for what cannot be read.
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


def problem_record(name: str, description: str) -> dict[str, Any]:
    """A problem that can be found by name: name, description, fields, coordinates, coefficients and equations, the
    latter as text and LaTeX with where they hold. One that cannot be imported has an `error` instead.
    """
    try:
        problem = find_problem(name)
    except ProblemError as error:
        return {"name": name, "description": description, "error": str(error)}
    domain = problem.domain
    ranges = zip(domain.coordinates, domain.lower.tolist(), domain.upper.tolist(), strict=True)
    return {
        "name": name,
        "description": description,
        "fields": problem.field_sizes,
        "coordinates": {coordinate: [low, high] for coordinate, low, high in ranges},
        "coefficients": problem.constants,
        "unknown_coefficients": list(problem.unknowns),
        "equations": [
            {"condition": condition, **row._asdict()} for condition, rows in problem.statements.items() for row in rows
        ],
    }


def _from_entry_point(name: str) -> "Problem":
    _check_name(name, offered := entries())
    path, home = offered[name].module, home_of(offered[name])
    with _reported(f"module '{path}'", None), _on_path(path_without_here()):
        module = importlib.import_module(path) if home is None else _import_from(home, path)
    return _only(module, offered[name].attr, f"module '{path}'", path)


def _import_from(home: str, path: str) -> ModuleType:
    """Import a module from the folder `home`, even if another one of the same name is loaded.

    The other module stays usable where it was imported; `sys.modules` has the new one.
    """
    top = path.partition(".")[0]
    if not _lies_in(sys.modules.get(top), home):
        for name in [name for name in sys.modules if name == top or name.startswith(f"{top}.")]:
            del sys.modules[name]
    with _on_path([home, *sys.path]):
        return importlib.import_module(path)


def _lies_in(module: ModuleType | None, home: str) -> bool:
    """Whether a loaded module comes from a folder."""
    if module is None:
        return True
    spec, loaded = PathFinder.find_spec(module.__name__, [home]), getattr(module, "__spec__", None)
    places = lambda found: [found.origin, *(found.submodule_search_locations or ())]
    real = lambda found: {os.path.realpath(place) for place in places(found) if place is not None}
    return spec is not None and loaded is not None and bool(real(spec) & real(loaded))


def _check_name(name: str, offered: Mapping[str, object]) -> None:
    if name not in offered:
        raise ProblemError(
            f"there is no problem '{name}'.{did_you_mean(name, offered)} `pinnkit problems` lists all {len(offered)}; "
            "write a file as `file.py`, a module as `module:name`"
        )


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise ProblemError(f"there is no file '{path}'")


def _from_module(path: str, name: str) -> "Problem":
    """A problem from a module; modules in the working directory come first."""
    here = os.getcwd()
    is_here = is_in(path.partition(".")[0], here)
    with _reported(f"module '{path}'", None), _on_path([here, *sys.path]):
        module = _import_from(here, path) if is_here else importlib.import_module(path)
    return _only(module, name, f"module '{path}'", path)


def _from_file(path: Path, name: str | None) -> "Problem":
    _check_file(path)
    module_spec = importlib.util.spec_from_file_location(f"_pinnkit_problem_{next(_numbers)}", path)
    if module_spec is None or module_spec.loader is None:
        raise ProblemError(f"'{path}' is not a Python file")
    module = importlib.util.module_from_spec(module_spec)
    sys.modules[module_spec.name] = module
    with _reported(f"'{path}'", path), _on_path([str(path.resolve().parent), *sys.path]):
        module_spec.loader.exec_module(module)
    return _only(module, name, f"'{path}'", str(path))


def _only(module: ModuleType, name: str | None, where: str, spec: str) -> "Problem":
    """The problem called `name`, or the only one of the module."""
    from .problem import Problem

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
def _on_path(places: Sequence[str]) -> Generator[None, None, None]:
    """Import from other places; what the imported code adds to the path is kept."""
    before, own = list(sys.path), list(places)
    sys.path[:] = own
    try:
        yield
    finally:
        sys.path[:] = [*(place for place in sys.path if place not in own), *before]


@contextlib.contextmanager
def _reported(where: str, path: Path | None) -> Generator[None, None, None]:
    """Turn any error of a user's module into one line, with its place in their file."""
    try:
        yield
    except (Exception, SystemExit) as error:
        origin = origin_of(error)
        if origin is not None and origin.is_ours and origin.path != __file__ and not isinstance(error, PinnkitError):
            raise  # a bug in pinnkit
        message = (str(error).strip() or "no message").splitlines()[0]
        kind = "" if isinstance(error, ProblemError) else f"{type(error).__name__}: "
        raise ProblemError(f"{where}{_line_of(error, path)} cannot be read: {kind}{message}") from error


def _line_of(error: Any, path: Path | None) -> str:
    """The line of a file in which an error was raised, as `, line 3`."""
    if path is None:
        return ""
    is_it = lambda name: name is not None and os.path.realpath(name) == os.path.realpath(path)
    if isinstance(error, SyntaxError) and error.lineno is not None and is_it(error.filename):
        return f", line {error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if is_it(frame.filename)]
    return f", line {lines[-1]}" if lines else ""
