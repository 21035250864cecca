"""Functions in the names of a problem, traced: residuals of conditions, and expressions of any shape."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from .._base.errors import InputTypeError
from .field import array_of
from .mistakes import ProblemError, explain
from .names import arguments_of
from .symbols import Frame
from .trace import Equation


class Expression(NamedTuple):
    """A traced expression: its entries as rows of an equation, and its shape at one point."""

    equation: Equation
    shape: tuple[int, ...]


def traced(function: Callable[..., Any], frame: Frame, where: str, kind: str) -> Equation:
    """The equation of a function that returns a number or a vector; `where` and `kind` name it in errors.

    **Raises:** `ProblemError`.
    """
    return _reported(function, function, frame, where, kind)


def traced_expression(function: Any, frame: Frame, where: str) -> Expression:
    """An expression of fields, coordinates and coefficients, whose arguments say by their names what it needs.

    It returns a number, an array, or a list of them. **Raises:** `ProblemError`; `InputTypeError` for something that is
    not a function.
    """
    if not callable(function):
        name = next(iter(frame.fields))
        raise InputTypeError(
            f"{where} takes a function of fields, coordinates and coefficients, as in `lambda {name}: {name}**2`; "
            f"got {type(function).__name__}"
        )
    shape = ()

    def entries(**arguments: Any) -> Array:
        nonlocal shape
        value = _array(function(**arguments))
        shape = value.shape
        return value.ravel()

    equation = _reported(entries, function, frame, where, "expression")
    return Expression(equation, shape)


def _reported(traceable: Callable[..., Any], function: Callable[..., Any], frame: Frame, where: str, kind: str) -> Any:
    """The equation of `traceable`, which has the arguments of `function`; its exceptions are explained by that."""
    try:
        return Equation(traceable, frame, arguments_of(function, frame, where, kind))
    except ProblemError:
        raise
    except Exception as error:
        raise ProblemError(f"{where}: {explain(error, function, frame.coordinates)}") from error


def _array(value: Any) -> Array:
    """A value of an expression as one array of floating-point numbers."""
    if isinstance(value, list | tuple):
        return jnp.stack([_array(part) for part in value])
    return jnp.asarray(array_of(value), float)
