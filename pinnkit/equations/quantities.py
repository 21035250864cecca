"""Units and labels of the names in a problem."""

from collections.abc import Iterable, Mapping
from typing import Any

from .._base.numbers import printable
from .mistakes import ProblemError


def checked_words(what: str, given: Any, known: Iterable[str], problem: str) -> dict[str, str]:
    """Words by name. **Raises:** `ProblemError` for unknown names and for anything but words.

    - `what`: "units" or "labels"; `known`: the names of the problem.
    """
    if not isinstance(given, Mapping):
        raise ProblemError(f"`{what}` of problem '{problem}' is a mapping from names to words; got {given!r}")
    known = list(known)
    if unknown := [name for name in given if name not in known]:
        raise ProblemError(f"`{what}` of problem '{problem}' has unknown name(s) {unknown}; there are {known}")
    for name, words in given.items():
        if not isinstance(words, str) or not words.strip() or printable(words) != words:
            raise ProblemError(f"`{what}` of '{name}' in problem '{problem}' is printable text, got {words!r}")
    return dict(given)


def title(name: str, units: Mapping[str, str], labels: Mapping[str, str]) -> str:
    """A name for an axis or a table, as in `temperature T (K)`."""
    named = f"{labels[name]} {name}" if name in labels else name
    return f"{named} ({units[name]})" if name in units else named
