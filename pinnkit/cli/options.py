"""Types of options, those that several commands share, and the options of `solve` that come from `Request`."""

import dataclasses
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from .._base.errors import InputError
from ..request import Request

if TYPE_CHECKING:
    from ..equations.problem import Problem


def _whole(hint: Any, tokens: Sequence[Any]) -> int:
    return int(tokens[0].value)  # cyclopts would round 1.5


def flag(text: str) -> Parameter:
    """An option without a value, and without a `--no-` form."""
    return Parameter(negative=(), help=text)


Whole = Annotated[int, Parameter(converter=_whole)]

Count = Annotated[int | None, Parameter(converter=_whole)]

ProblemName = Annotated[
    str, Parameter(help="A name (see `pinnkit problems`), `module:name`, `file.py` or `file.py:name`.")
]

Coefficients = Annotated[
    list[str] | None,
    Parameter("--set", negative=(), help="Value of a coefficient, as in `--set nu=0.02`; may be repeated."),
]

Plain = Annotated[bool, flag("Plain output: no colours, no live display.")]

PageFile = Annotated[Path | None, Parameter(help="Write the page with pictures to this file instead.")]

Open = Annotated[bool, Parameter("--open", negative=(), help="Open the page in a browser.")]

_SETTINGS = {field.name: field for field in dataclasses.fields(Request) if field.metadata}


def with_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command whose `**settings` become options, one for each option of `Request`; all are None by default."""
    signature = inspect.signature(command)
    own = [p for p in signature.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    settings = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_annotation(field))
        for name, field in _SETTINGS.items()
    ]
    command.__signature__ = signature.replace(parameters=[*own, *settings])  # pyright: ignore[reportFunctionMemberAccess]
    return command


def _annotation(field: dataclasses.Field[Any]) -> Any:
    kind, text, names = (field.metadata[key] for key in ("kind", "text", "names"))
    converter = _whole if kind is int else None
    return Annotated[kind | None, Parameter(converter=converter, help=text.format(names=_listed(names or ())))]


def _listed(names: Sequence[str] | Mapping[str, Any]) -> str:
    *others, last = names or ("",)
    return f"{', '.join(others)} or {last}" if others else last


def check_names(settings: Mapping[str, Any]) -> None:
    """**Raises:** `InputError` for the unknown name of a strategy, a sampler or a weighting."""
    for name, value in settings.items():
        names = _SETTINGS[name].metadata["names"]
        if names is not None and value not in names:
            raise names.unknown(value)


def find(spec: str, settings: Sequence[str] | None) -> "Problem":
    """A problem, with the coefficients set on the command line."""
    from ..equations.registry import find_problem

    problem, values = find_problem(spec), dict(map(_setting, settings or ()))
    changed = problem.with_coefficients(**values)
    if problem.reference is not None and changed.reference is None:
        print("pinnkit: note: no reference for these coefficients, so errors are unknown", file=sys.stderr)
    return changed


def _setting(text: str) -> tuple[str, float]:
    name, separator, value = text.partition("=")
    try:
        return name, float(value if separator else "")
    except ValueError:
        raise InputError(f"a coefficient is set as `--set name=number`, got '{text}'") from None
