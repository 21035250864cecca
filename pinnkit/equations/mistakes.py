"""Mistakes in residuals, explained in one line: from the exception, with its place in the user's file.

A residual is traced with symbols in place of numbers. Code that needs numbers, such as `np.sin(x)` or `if x > 0`,
raises an exception of JAX, which says little about equations; the expression at fault shows what to write instead.
"""

import ast
import builtins
import linecache
import math
import os
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, NamedTuple

from .._base.errors import InputError, PinnkitError
from .._base.origin import is_of_library

PACKAGE = str(Path(__file__).parents[1]) + os.sep

_BRANCHES = "TracerBoolConversionError"

_NEEDS_NUMBERS = ("ConcretizationTypeError", "TracerArrayConversionError", "TracerIntegerConversionError")
"""Names of errors of JAX, which is not imported for them."""

_OWN = (PinnkitError, AttributeError, IndexError)
"""Errors that this package raises for invalid equations."""

_LONGEST = 60
"""Longer expressions are not quoted in full."""


class ProblemError(InputError):
    """A problem is invalid; the message says what is wrong with it, in one line."""


class Place(NamedTuple):
    """A place in the user's code; `expression` is None if its text is not known."""

    filename: str
    line: int
    expression: ast.expr | None = None
    frame: FrameType | None = None

    def __str__(self) -> str:
        return f"{Path(self.filename).name}, line {self.line}"


def explain(error: Exception, residual: Callable[..., Any], coordinates: Sequence[str]) -> str:
    """An exception of a residual as one line that ends in the place, as in `... (heat.py, line 12)`."""
    place = _place_of(error)
    message = None if place is None else _advice(error, place, coordinates)
    if place is None and (code := getattr(residual, "__code__", None)) is not None:
        place = Place(code.co_filename, code.co_firstlineno)
    return (message or _as_raised(error)) + ("" if place is None else f" ({place})")


def _as_raised(error: Exception) -> str:
    """Messages of this package speak for themselves; others need their type."""
    message = (str(error).strip() or "no message").splitlines()[0]
    frames = traceback.extract_tb(error.__traceback__)
    is_ours = bool(frames) and frames[-1].filename.startswith(PACKAGE)
    return message if is_ours and isinstance(error, _OWN) else f"{type(error).__name__}: {message}"


def _place_of(error: Exception) -> Place | None:
    """The innermost frame of the user's code, with the expression that was evaluated there."""
    found, trace = None, error.__traceback__
    while trace is not None:
        if not is_of_library(trace.tb_frame.f_code.co_filename):
            found = trace
        trace = trace.tb_next
    if found is None:
        return None
    filename, frame = found.tb_frame.f_code.co_filename, found.tb_frame
    spans = list(frame.f_code.co_positions())
    return Place(filename, found.tb_lineno, _expression(filename, *spans[found.tb_lasti // 2]), frame)


def _expression(
    filename: str, line: int | None, last: int | None, start: int | None, end: int | None
) -> ast.expr | None:
    """The expression on a span of a file; columns count bytes."""
    if line is None or last is None or start is None or end is None:
        return None
    if not linecache.getline(filename, line):
        return None
    lines = [linecache.getline(filename, number).encode() for number in range(line, last + 1)]
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][start:]
    try:
        return ast.parse(f"({b''.join(lines).decode()})", mode="eval").body
    except (SyntaxError, UnicodeDecodeError):
        return None


def _advice(error: Exception, place: Place, coordinates: Sequence[str]) -> str | None:
    """Advice on what to write instead; None for an exception without special advice."""
    node = place.expression
    if node is None:
        return _without_text(error)
    text, message = _quoted(node), str(error)
    if _is_of_jax(error, _BRANCHES, *_NEEDS_NUMBERS):
        return _on_numbers(error, node, place)
    if isinstance(error, IndexError) and "0-dimensional" in message and isinstance(node, ast.Subscript):
        return f"{text} takes an entry of a number: {_ONE_POINT}; write {_quoted(node.value)}"
    if isinstance(error, TypeError) and ("0-d array" in message or "unsized object" in message):
        return f"{text} needs a vector and has a number: {_ONE_POINT}"
    if isinstance(error, AttributeError) and "Tracer" in message and isinstance(node, ast.Attribute):
        return _on_attributes(node, coordinates)
    if isinstance(error, TypeError) and "Tracer' object is not callable" in message and isinstance(node, ast.Call):
        here = f"`u({coordinates[0]}=0.5)`"
        return f"{text} evaluates something that is not a field; only fields are taken elsewhere, as in {here}"
    if isinstance(error, NotImplementedError) and "'partial'" in message:
        return f"{text} differentiates a derivative with JAX; write `partial(expression, '{coordinates[0]}')` instead"
    if "__jax_array__" in message:
        return f"{text} takes arrays only; pass the value of a field, as in `u.value`"
    return None


_ONE_POINT = "a residual is a function of one point, where coordinates, coefficients and scalar fields are numbers"

_INSTEAD_OF_IF = "instead of `if`, and `&`, `|`, `~` instead of `and`, `or`, `not`"


def _is_of_jax(error: Exception, *names: str) -> bool:
    """Whether an error is one of JAX with one of these names."""
    return any(kind.__name__ in names and kind.__module__ == "jax.errors" for kind in type(error).__mro__)


def _without_text(error: Exception) -> str | None:
    if _is_of_jax(error, _BRANCHES):
        return f"it branches on a value; use `jnp.where(condition, a, b)` {_INSTEAD_OF_IF}"
    if _is_of_jax(error, *_NEEDS_NUMBERS):
        return "it needs numbers, but an equation is traced with symbols; use functions of `jax.numpy` alone"
    return None


def _on_numbers(error: Exception, node: ast.expr, place: Place) -> str:
    """Advice for an operation that needs a number and has a symbol."""
    text = _quoted(node)
    if isinstance(node, ast.Call) and (instead := _instead(node, place)) is not None:
        return f"{text} needs numbers, but an equation is traced with symbols; write {instead}"
    if _is_of_jax(error, _BRANCHES):
        tested = node.test if isinstance(node, ast.IfExp) else node
        choice = _short(f"jnp.where({ast.unparse(tested)}, a, b)", "jnp.where(condition, a, b)")
        return f"it branches on the value of {_quoted(tested)}; use {choice} {_INSTEAD_OF_IF}"
    return f"{text} needs numbers, but an equation is traced with symbols; write it with functions of `jax.numpy`"


def _instead(node: ast.Call, place: Place) -> str | None:
    """The call that takes symbols."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    arguments = ", ".join(ast.unparse(part) for part in [*node.args, *node.keywords])
    function = _resolved(node.func, place.frame)
    if function in (float, int, complex, bool):
        return f"{_short(arguments, 'the argument')} itself"
    if function in (max, min, abs, round, sum):
        name = {max: "maximum", min: "minimum"}.get(function, name)
    elif not _is_numeric(function):
        return None
    import jax.numpy as jnp
    import jax.scipy.special

    for module, alias in ((jnp, "jnp"), (jax.scipy.special, "jax.scipy.special")):
        if hasattr(module, _NAMES.get(name, name)):
            name = _NAMES.get(name, name)
            return _short(f"{alias}.{name}({arguments})", f"{alias}.{name}(...)")
    return "it with functions of `jax.numpy`"


_NAMES = {"fabs": "abs", "lgamma": "gammaln"}
"""Functions of `math` that JAX has under another name."""


def _is_numeric(function: Any) -> bool:
    """Whether a function belongs to `math`, NumPy or SciPy."""
    import numpy as np

    module = getattr(function, "__module__", None) or ""
    return isinstance(function, np.ufunc) or module.split(".")[0] in ("math", "cmath", "numpy", "scipy")


def _resolved(node: ast.expr, frame: FrameType | None) -> Any:
    """The object that a name or an attribute of a module stands for; None for anything else."""
    if frame is None:
        return None
    if isinstance(node, ast.Name):
        for names in (frame.f_locals, frame.f_globals, vars(builtins)):
            if node.id in names:
                return names[node.id]
    if isinstance(node, ast.Attribute):
        module = _resolved(node.value, frame)
        return getattr(module, node.attr, None) if isinstance(module, ModuleType) else None
    return None


def _on_attributes(node: ast.Attribute, coordinates: Sequence[str]) -> str:
    """`(u * u).x`, where only fields have derivatives by name."""
    inner, rest = ast.unparse(node.value), node.attr
    message = f"{_quoted(node)}: derivatives by name are those of fields; "
    names = [name for name in coordinates if rest.startswith(name)]
    if len(names) != 1 or (count := len(rest) / len(names[0])) != math.floor(count) or names[0] * int(count) != rest:
        return f"{message}of other expressions write `partial(expression, '{coordinates[0]}')`"
    order = "" if count == 1 else f", {int(count)}"
    return message + "write " + _short(f"partial({inner}, '{names[0]}'{order})", f"partial(..., '{names[0]}'{order})")


def _quoted(node: ast.expr) -> str:
    return _short(ast.unparse(node), "the expression")


def _short(text: str, otherwise: str) -> str:
    return f"`{text}`" if len(text) <= _LONGEST else (f"`{otherwise}`" if "(" in otherwise else otherwise)
