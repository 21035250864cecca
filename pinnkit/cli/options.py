"""Types of options, those that several commands share, and the options of `solve` that come from `Request`."""

import dataclasses
import inspect
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Group, Parameter

from .._base.errors import InputError
from ..request import Request

if TYPE_CHECKING:
    from ..equations.problem import Problem


SECONDS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "": 1.0}
"""Units of times."""

RUN, STOP, TRAINING, CHECKPOINTS, OUTPUT = (
    Group.create_ordered(name)
    for name in ("Problem and run folder", "When to stop", "Network and training", "Checkpoints", "Output")
)
"""The groups of options in the help of `solve`."""


def _whole(hint: Any, tokens: Sequence[Any]) -> int:
    """A whole number, also as `1e4`; cyclopts would round 1.5."""
    text = tokens[0].value
    try:
        return int(text)
    except ValueError:
        value = float(text)
        if not value.is_integer():
            raise InputError(f"{text!r} is not a whole number") from None
        return int(value)


def _seconds(hint: Any, tokens: Sequence[Any]) -> float:
    """Seconds, also as `90s`, `2m` or `1.5h`."""
    match = re.fullmatch(r"([0-9.eE+-]+?) *([a-z]*)", tokens[0].value)
    if match is None or match[2] not in SECONDS:
        raise InputError(f"{tokens[0].value!r} is not a time such as 90, 90s, 2m or 1.5h")
    return float(match[1]) * SECONDS[match[2]]


def flag(text: str, group: Group | str = "Parameters", name: Sequence[str] | None = None) -> Parameter:
    """An option without a value, and without a `--no-` form."""
    return Parameter(name, negative=(), help=text, group=group, show_default=False)


Whole = Annotated[int, Parameter(converter=_whole)]

Count = Annotated[int | None, Parameter(converter=_whole)]

ProblemName = Annotated[
    str, Parameter(help="A name (see `pinnkit problems`), `module:name`, `file.py` or `file.py:name`.")
]

Coefficients = Annotated[
    list[str] | None,
    Parameter("--set", negative=(), group=RUN, help="Value of a coefficient, as in `--set nu 0.02`; may be repeated."),
]

Continuation = Annotated[
    list[str] | None,
    Parameter(
        "--continuation",
        negative=(),
        group=RUN,
        help="Values of a coefficient to solve for in turn, as in `--continuation Re=100,400,1000`; may be repeated.",
    ),
]

Plain = Annotated[bool, flag("Plain output: no colours, no live display.", OUTPUT)]

Full = Annotated[bool, flag("Print the tables of conditions, kernel and time too.", OUTPUT)]

PageFile = Annotated[Path | None, Parameter(help="Write the page with pictures to this file instead.")]

Open = Annotated[bool, Parameter("--open", negative=(), show_default=False, help="Open the page in a browser.")]

STOPS = ("steps", "budget", "target")

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
    converter = _seconds if field.name == "budget" else _whole if kind is int else None
    group = STOP if field.name in STOPS else TRAINING
    help_text = text.format(names=_listed(names or ()))
    return Annotated[kind | None, Parameter(converter=converter, help=help_text, group=group)]


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


def continued(texts: Sequence[str]) -> dict[str, list[float]]:
    """The values of each coefficient. **Raises:** `InputError` for anything but numbers."""
    return dict(map(_values, texts))


def _values(text: str) -> tuple[str, list[float]]:
    name, separator, values = text.partition("=")
    try:
        return name, [float(value) for value in (values if separator else "").split(",")]
    except ValueError:
        raise InputError(f"values are given as `--continuation name=number,number`, got '{text}'") from None


def _setting(text: str) -> tuple[str, float]:
    name, separator, value = text.partition("=")
    try:
        return name, float(value if separator else "")
    except ValueError:
        raise InputError(f"a coefficient is set as `--set name number`, got '{text}'") from None


def joined_settings(tokens: Sequence[str]) -> list[str]:
    """The tokens of a command line with `--set name number` as `--set name=number`."""
    out = list[str]()
    for token in tokens:
        if len(out) > 1 and out[-2] == "--set" and "=" not in out[-1] and _is_number(token):
            out[-1] += f"={token}"
        else:
            out.append(token)
    return out


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def in_flags(message: str) -> str:
    """A message about arguments of `fit` in the words of the command line: `steps` as `--steps`."""
    names = "|".join([*_SETTINGS, "resume", "overwrite"])
    flag_of = lambda match: f"`--{match[1].replace('_', '-')}`"
    return re.sub(rf"`({names})=?`", flag_of, message)
