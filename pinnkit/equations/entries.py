"""The problems that installed packages offer by entry points; none is imported."""

import ast
import importlib.metadata
import importlib.util
import json
import os
import sys
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from .._base.origin import GROUP

PACKAGE = __name__.partition(".")[0]


def problem_descriptions() -> dict[str, str]:
    """The first line of the docstring of each module that offers a problem, by the name of the problem, sorted."""
    return {name: _description(entry) for name, entry in sorted(entries().items())}


def entries() -> dict[str, importlib.metadata.EntryPoint]:
    """Entry points by name; if two packages offer the same name, the first on the path has it."""
    found = dict[str, importlib.metadata.EntryPoint]()
    for package in importlib.metadata.distributions(path=path_without_here()):
        for entry in package.entry_points.select(group=GROUP):
            found.setdefault(entry.name, entry)
    return found


def path_without_here() -> list[str]:
    """The path without the working directory, which Python adds for `python -m` and `python -c`."""
    here = os.path.realpath(os.getcwd())
    return [place for place in sys.path if os.path.realpath(place or ".") != here]


def home_of(entry: importlib.metadata.EntryPoint) -> str | None:
    """The folder in which the module of an entry point is installed; None for this package, and if it is not found."""
    package, top = entry.dist, entry.module.partition(".")[0]
    if top == PACKAGE:
        return None
    places = list[str]()
    if package is not None:
        places.append(str(package.locate_file("")))
        about = json.loads(package.read_text("direct_url.json") or "{}")
        if about.get("dir_info", {}).get("editable") and about["url"].startswith("file:"):
            root = url2pathname(urlsplit(about["url"]).path)
            places += [root, os.path.join(root, "src")]
    return next((place for place in [*places, *path_without_here()] if is_in(top, place)), None)


def is_in(top: str, folder: str) -> bool:
    """Whether a folder has a module or package of this name; a folder without `__init__.py` does not count."""
    spec = PathFinder.find_spec(top, [folder])
    return spec is not None and spec.origin is not None


def _description(entry: importlib.metadata.EntryPoint) -> str:
    spec = _spec(entry)
    if spec is None or spec.origin is None:
        return f"cannot be imported: no module '{entry.module}'"
    try:
        text = ast.get_docstring(ast.parse(Path(spec.origin).read_bytes()))
    except (OSError, SyntaxError, ValueError) as error:
        return f"cannot be read: {type(error).__name__}"
    return (text or "").partition("\n")[0]


def _spec(entry: importlib.metadata.EntryPoint) -> ModuleSpec | None:
    """Where the module of an entry point is, without importing it or, for other packages, what contains it."""
    names, home = entry.module.split("."), home_of(entry)
    if names[0] == PACKAGE:
        return importlib.util.find_spec(entry.module)
    places = path_without_here() if home is None else [home]
    for number in range(1, len(names)):
        parent = PathFinder.find_spec(".".join(names[:number]), places)
        if parent is None or parent.submodule_search_locations is None:
            return None
        places = list(parent.submodule_search_locations)
    return PathFinder.find_spec(entry.module, places)
