"""How operations act on truncated Taylor series."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.core import Tracer
from jaxtyping import Array

from .jaxpr import evaluate
from .primitives import BILINEAR, LINEAR
from .series import Channel, Channels, Derivatives, Index, Series, as_series, compose, convolve, factorial, value_of

Rule = Callable[[Any, list[Any], Channels], Series]
"""`(equation, operands, channels)` to the series of its result; operands are series, or arrays that are constant."""


def series_of(eqn: Any, operands: list[Any], channels: Channels) -> list[Any]:
    """The results of an operation of which at least one operand is a series."""
    name = eqn.primitive.name
    if not all(jnp.issubdtype(out.aval.dtype, jnp.inexact) for out in eqn.outvars):
        return evaluate(eqn, [value_of(operand, channels) for operand in operands])
    if name in _RULES:
        return [_RULES[name](eqn, operands, channels)]
    if name in LINEAR:
        return _linear(eqn, operands, channels)
    if name in BILINEAR:
        return [_bilinear(eqn, operands, channels)]
    return _by_nested_jvp(eqn, operands, channels)


# Operations that are linear in all their series operands taken together.


def _add(eqn: Any, operands: list[Any], channels: Channels) -> Series:
    left, right = (as_series(operand, channels) for operand in operands)
    shape = eqn.outvars[0].aval.shape
    sign = -1 if eqn.primitive.name == "sub" else 1
    out = {index: jnp.broadcast_to(term, shape) for index, term in left.items()}
    for index, term in right.items():
        out[index] = out[index] + sign * term if index in out else jnp.broadcast_to(sign * term, shape)
    return out


def _linear(eqn: Any, operands: list[Any], channels: Channels) -> list[Series]:
    """Every channel on its own; constants belong to the value."""
    series = [as_series(operand, channels) for operand in operands]
    part = _PARTS.get(eqn.primitive.name)
    out: list[Series] = [{} for _ in eqn.outvars]
    for index in channels.all:
        if part is not None and isinstance(known := series[0].get(index), np.ndarray):
            if (found := part(known, **eqn.params)).any():
                out[0][index] = found
        elif any(index in terms for terms in series):
            terms = [terms.get(index, jnp.zeros_like(terms[channels.zero])) for terms in series]
            for result, term in zip(out, evaluate(eqn, terms), strict=True):
                result[index] = term
    return out


def _slice(
    known: np.ndarray, start_indices: Sequence[int], limit_indices: Sequence[int], strides: Sequence[int] | None
) -> np.ndarray:
    steps = strides or len(start_indices) * [1]
    return known[tuple(slice(*bounds) for bounds in zip(start_indices, limit_indices, steps, strict=True))]


def _squeeze(known: np.ndarray, dimensions: Sequence[int]) -> np.ndarray:
    return np.squeeze(known, tuple(dimensions))


_PARTS: dict[str, Callable[..., np.ndarray]] = {"slice": _slice, "squeeze": _squeeze}
"""Operations that take a part, for series that are known when the function is traced; parts that are zero are not
carried."""


def _select(eqn: Any, operands: list[Any], channels: Channels) -> Series:
    which = value_of(operands[0], channels)
    cases = [as_series(operand, channels) for operand in operands[1:]]
    present = [index for index in channels.all if any(index in terms for terms in cases)]
    return {
        index: lax.select_n(which, *(terms.get(index, jnp.zeros_like(terms[channels.zero])) for terms in cases))
        for index in present
    }


# Products.


def _bilinear(eqn: Any, operands: list[Any], channels: Channels) -> Series:
    left, right = (as_series(operand, channels) for operand in operands)
    return convolve(left, right, channels, lambda a, b: evaluate(eqn, (a, b))[0])


def _multiply(eqn: Any, operands: list[Any], channels: Channels) -> Series:
    left, right = (as_series(operand, channels) for operand in operands)
    return convolve(left, right, channels, jnp.multiply)


def _dot(eqn: Any, operands: list[Any], channels: Channels) -> Series:
    """A constant times data is computed with the data first, so that a map over points keeps channels contiguous."""
    constant, data = operands
    (a, b), (batch, _) = eqn.params["dimension_numbers"]
    if isinstance(constant, dict) or batch or len(b) < data[channels.zero].ndim:
        return _bilinear(eqn, operands, channels)
    params = {**eqn.params, "dimension_numbers": ((b, a), ((), ()))}
    return {index: eqn.primitive.bind(term, constant, **params) for index, term in data.items()}


def _divide(eqn: Any, operands: list[Any], channels: Channels) -> Series:
    numerator, denominator = operands
    if not isinstance(denominator, dict):
        return {index: term / denominator for index, term in numerator.items()}
    reciprocal = compose(_powers(-1.0), denominator, channels)
    return convolve(as_series(numerator, channels), reciprocal, channels, lambda a, b: a * b)


# Scalar functions.


def _elementwise(function: Derivatives) -> Callable[[Any, list[Any], Channels], Series]:
    return lambda eqn, operands, channels: compose(function, operands[0], channels)


def _polynomial_in_value(function: Callable[[Array], Array], slope: Sequence[float]) -> Derivatives:
    """For y' = P(y): every derivative is a polynomial in y. `slope` has the coefficients of P, lowest first."""

    def evaluate(z: Array, order: int) -> list[Any]:
        y = function(z)
        out, polynomial = [y], np.polynomial.Polynomial([0.0, 1.0])
        for _ in range(order):
            polynomial = polynomial.deriv() * np.polynomial.Polynomial(slope)
            out.append(_horner(polynomial.coef.tolist(), y))
        return out

    return evaluate


def _horner(coefficients: Sequence[float], y: Array) -> Any:
    """The polynomial with these coefficients, lowest first; zeros are not added."""
    *lower, value = coefficients
    for coefficient in reversed(lower):
        value = value * y
        value = value + coefficient if coefficient else value
    return value


def _cycle(*functions: Callable[[Array], Array]) -> Derivatives:
    return lambda z, order: [functions[k % len(functions)](z) for k in range(order + 1)]


def _powers(exponent: float) -> Derivatives:
    """Derivatives of z ↦ z**exponent."""

    def evaluate(z: Array, order: int) -> list[Any]:
        out, factor = [], 1.0
        for k in range(order + 1):
            out.append(factor * _power(z, exponent - k) if factor else 0)
            factor *= exponent - k
        return out

    return evaluate


def _power(z: Array, exponent: float) -> Array:
    return lax.integer_pow(z, int(exponent)) if float(exponent).is_integer() else z**exponent


def _logarithm(z: Array, order: int) -> list[Any]:
    return [jnp.log(z), *(_powers(-1.0)(z, order - 1) if order else ())]


def _arctangent(z: Array, order: int) -> list[Any]:
    angle = jnp.arctan(z)
    slope = lambda k: math.factorial(k - 1) * jnp.cos(angle) ** k * jnp.sin(k * (angle + jnp.pi / 2))
    return [angle, *(slope(k) for k in range(1, order + 1))]


def _power_rule(eqn: Any, operands: list[Any], channels: Channels) -> Series:
    base, exponent = operands
    if isinstance(exponent, dict) or np.ndim(exponent) or isinstance(exponent, Tracer):
        return _by_nested_jvp(eqn, operands, channels)[0]
    return compose(_powers(float(exponent)), base, channels)


_RULES: dict[str, Rule] = {
    **dict.fromkeys(("add", "sub", "add_any"), _add),
    "mul": _multiply,
    "dot_general": _dot,
    "div": _divide,
    "select_n": _select,
    "tanh": _elementwise(_polynomial_in_value(jnp.tanh, (1.0, 0.0, -1.0))),
    "logistic": _elementwise(_polynomial_in_value(jax.nn.sigmoid, (0.0, 1.0, -1.0))),
    "exp": _elementwise(_cycle(jnp.exp)),
    "sin": _elementwise(_cycle(jnp.sin, jnp.cos, lambda z: -jnp.sin(z), lambda z: -jnp.cos(z))),
    "cos": _elementwise(_cycle(jnp.cos, lambda z: -jnp.sin(z), lambda z: -jnp.cos(z), jnp.sin)),
    "log": _elementwise(_logarithm),
    "atan": _elementwise(_arctangent),
    "sqrt": _elementwise(_powers(0.5)),
    "rsqrt": _elementwise(_powers(-0.5)),
    "square": _elementwise(_powers(2.0)),
    "integer_pow": lambda eqn, operands, channels: compose(_powers(float(eqn.params["y"])), operands[0], channels),
    "pow": _power_rule,
}


# Any operation.


def _by_nested_jvp(eqn: Any, operands: list[Any], channels: Channels) -> list[Any]:
    """The series of any operation, from derivatives of s ↦ operation(Σ c_α s^α) at s = 0."""
    indices = [_restricted(operand, channels.indices) for operand in operands]
    found: dict[Channel, list[Array]] = {index: _coefficient(eqn, indices, index) for index in channels.indices}
    for name, operator in channels.operators.items():
        line = [_line(operand, channels.zero, name) for operand in operands]
        total = _coefficient(eqn, line, (1,))
        for index, factor in operator.items():
            if sum(index) > 1:
                below = [_restricted(operand, [i for i in channels.indices if i != index]) for operand in operands]
                terms = _coefficient(eqn, below, index)
                total = [a + factor * b for a, b in zip(total, terms, strict=True)]
        found[name] = total
    return [{channel: results[place] for channel, results in found.items()} for place in range(len(eqn.outvars))]


def _restricted(operand: Any, indices: Iterable[Channel]) -> Any:
    return {index: operand[index] for index in indices if index in operand} if isinstance(operand, dict) else operand


def _line(operand: Any, zero: Index, name: int) -> Any:
    """The value and its change along an operator as a series in one variable."""
    if not isinstance(operand, dict):
        return operand
    return {(0,): operand[zero]} | ({(1,): operand[name]} if name in operand else {})


def _coefficient(eqn: Any, operands: list[Any], index: Index) -> list[Array]:
    """The Taylor coefficient at `index` of each result of an operation on series in as many variables."""

    def value(s: Sequence[Array]) -> list[Any]:
        return evaluate(eqn, [_sum(operand, s) if isinstance(operand, dict) else operand for operand in operands])

    derivative: Callable[[Sequence[Array]], list[Any]] = value
    for axis, order in enumerate(index):
        for _ in range(order):
            derivative = _along(derivative, axis)
    dtype = next(term.dtype for operand in operands if isinstance(operand, dict) for term in operand.values())
    results = derivative([jnp.zeros((), dtype)] * len(index))
    return [value / factorial(index) for value in results]


def _along(function: Callable[[Sequence[Array]], list[Any]], axis: int) -> Callable[[Sequence[Array]], list[Any]]:
    def derivative(s: Sequence[Array]) -> list[Any]:
        moved = lambda step: function([*s[:axis], s[axis] + step, *s[axis + 1 :]])
        return jax.jvp(moved, (jnp.zeros_like(s[axis]),), (jnp.ones_like(s[axis]),))[1]

    return derivative


def _sum(series: dict[Index, Array], s: Sequence[Array]) -> Array:
    total = None
    for index, term in series.items():
        for factor, order in zip(s, index, strict=True):
            for _ in range(order):
                term = term * factor
        total = term if total is None else total + term
    assert total is not None  # noqa: S101  a series always has its value
    return total
