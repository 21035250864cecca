"""Names and packages that are imported when they are first used (PEP 562)."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from .errors import MissingPackageError


def lazy(
    package: str, modules: Mapping[str, str], subpackages: str = ""
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """`__getattr__` and `__dir__` for the `__init__` of a package.

    - `modules`: from a module, relative to the package, to the names that it provides, separated by spaces. No module
      directly in the package may be called as one of the names: importing it would put the module in place of the name;
    - `subpackages`: those that are attributes of the package, without an import of their own.
    """
    places = {name: module for module, names in modules.items() for name in names.split()}
    inside = subpackages.split()

    def get(name: str) -> Any:
        if name == "__all__":
            return sorted({*places, *inside})
        if name in inside:
            return import_module(f".{name}", package)
        if name not in places:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        value = getattr(import_module(f".{places[name]}", package), name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *places, *inside})

    return get, names


def imported(package: str, extra: str) -> Any:
    """An optional package. **Raises:** `MissingPackageError` with the extra of pinnkit that includes it."""
    try:
        return import_module(package)
    except ImportError as error:
        raise MissingPackageError(
            f"this needs {package}: install pinnkit with the extra, `pinnkit[{extra}]`"
        ) from error
