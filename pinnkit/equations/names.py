"""The names in an equation: valid names, and the arguments of a residual."""

import inspect
import keyword
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .mistakes import ProblemError
from .symbols import Frame


def check_columns(columns: Iterable[str], kinds: Mapping[str, Iterable[str]], where: str) -> None:
    """Refuse a data column whose name is already used; `kinds` are the names in use."""
    taken = {name: kind for kind, names in kinds.items() for name in names}
    for column in columns:
        check_identifier(column, "data column")
        if column in taken:
            raise ProblemError(
                f"{where} has a data column '{column}' that shares its name with the {taken[column]}; rename the "
                f"column, for example to '{column}_measured'"
            )


def check_identifier(name: Any, kind: str) -> None:
    """Refuse a name that is not a valid argument name in Python, or that Python reads in another spelling."""
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
        raise ProblemError(f"{name!r} cannot name a {kind}: it must be usable as an argument's name")
    if (normal := unicodedata.normalize("NFKC", name)) != name:
        raise ProblemError(f"{name!a} cannot name a {kind}: Python reads it as {normal!a} in code; write that")


def arguments_of(function: Callable[..., Any], frame: Frame, where: str, kind: str) -> list[str]:
    """The known arguments of a function, a residual for example (`kind`); unknown ones must have a default."""
    known = [*frame.fields, *frame.coordinates, *frame.coefficients, *frame.columns]
    known += ["normal"] if frame.has_normal else []
    names = []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise ProblemError(f"{where}: its {kind} names its arguments one by one, not as '{parameter}'")
        if name in known:
            names.append(name)
        elif parameter.default is parameter.empty:
            hint = "; `normal` exists on boundaries only" if name == "normal" else ""
            raise ProblemError(f"{where}: its {kind} takes unknown argument '{name}'; there are {known}{hint}")
    return names
