"""Names of strategies: the built-in ones, and those that installed packages add through entry points.

Names are known without importing what they stand for, so that the command line lists them at once.
"""

import contextlib
import importlib
import importlib.metadata
import os
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from .errors import InputError, InputTypeError
from .words import did_you_mean

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Registry(Mapping[str, Callable[[], T]], Generic[T]):
    """From a name to a class or function that is called without arguments.

    - `kind`: what is named, such as "sampler";
    - `base`: the class of which all are instances, as "module:attribute";
    - `built_in`: from names to "module:attribute", in the order in which they are listed;
    - `group`: the entry-point group in which installed packages add names. A built-in name keeps its meaning.

    `registry[name]` imports what the name stands for and nothing else.
    """

    kind: str
    base: str
    built_in: Mapping[str, str]
    group: str

    def create(self, name: str) -> T:
        """What a name stands for, with default settings.

        **Raises:** `InputError` for an unknown name, and for an entry point that cannot be loaded or makes something
        else.
        """
        if name in self.built_in:
            return _attribute(self.built_in[name])()
        if name not in (entries := self._entries()):
            raise self.unknown(name)
        base, place = _attribute(self.base), self._place(entries[name])
        with _reported(f"{place} cannot be used"):
            made = entries[name].load()()
        if not isinstance(made, base):
            raise InputError(f"{place} makes an object of type {type(made).__name__}, not an `{base.__name__}`")
        return made

    def unknown(self, name: str) -> InputError:
        """The error for a name that nothing has."""
        stem = name.lower().replace("_", "").replace("-", "")
        by_class = [key for key, place in self.built_in.items() if place.partition(":")[2].lower().startswith(stem)]
        hint = did_you_mean(name, self) or (f" Did you mean '{by_class[0]}'?" if len(by_class) == 1 else "")
        return InputError(f"unknown {self.kind} '{name}'.{hint} Choose one of {', '.join(self)}")

    def of(self, value: str | T) -> T:
        """A strategy from its name; anything that is one already is returned as it is.

        **Raises:** `InputError` as `create` does; `InputTypeError` for an object of another type.
        """
        if isinstance(value, str):
            return self.create(value)
        base = _attribute(self.base)
        if not isinstance(value, base):
            raise InputTypeError(
                f"a {self.kind} is a name ({', '.join(self)}) or an `{base.__name__}`; got {type(value).__name__}"
            )
        return value

    def __getitem__(self, name: str) -> Callable[[], T]:
        if name in self.built_in:
            return _attribute(self.built_in[name])
        entry = self._entries()[name]
        with _reported(f"{self._place(entry)} cannot be used"):
            return entry.load()

    def __iter__(self) -> Iterator[str]:
        return iter([*self.built_in, *sorted(self._entries())])

    def __len__(self) -> int:
        return len(self.built_in) + len(self._entries())

    def __contains__(self, name: object) -> bool:
        return name in self.built_in or name in self._entries()

    def _entries(self) -> dict[str, importlib.metadata.EntryPoint]:
        """Entry points of installed packages, without built-in names; the first package on the path has a name."""
        found = dict[str, importlib.metadata.EntryPoint]()
        for package in importlib.metadata.distributions(path=_installed_path()):
            for entry in package.entry_points.select(group=self.group):
                if entry.name not in self.built_in:
                    found.setdefault(entry.name, entry)
        return found

    def _place(self, entry: importlib.metadata.EntryPoint) -> str:
        package = entry.dist.name if entry.dist is not None else "unknown"
        return f"{self.kind} '{entry.name}' of package '{package}' ({entry.value})"


def _attribute(place: str) -> Any:
    """What "module:attribute" names."""
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


def _installed_path() -> list[str]:
    """The path without the working directory, which Python adds for `python -m` and `python -c`."""
    here = os.path.realpath(os.getcwd())
    return [place for place in sys.path if os.path.realpath(place or ".") != here]


@contextlib.contextmanager
def _reported(what: str) -> Generator[None, None, None]:
    """Any failure of somebody else's code, in one line."""
    try:
        yield
    except (Exception, SystemExit) as error:
        message = (str(error).strip() or "no message").splitlines()[0]
        raise InputError(f"{what}: {type(error).__name__}: {message}") from error
