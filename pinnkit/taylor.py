r"""All wanted derivatives of a function in one pass: truncated multivariate Taylor propagation.

A value that depends on the point is carried as its Taylor coefficients $c_\alpha = \partial^\alpha f / \alpha!$
over a downward closed set of multi-indices (the channels), and every operation of the function's jaxpr is
replaced by the one on truncated series: linear operations act on each channel, products convolve, and a
scalar function composes through the powers of the increment. Coefficients that vanish are not carried at
all, so the first layer of a network costs nothing and a second derivative costs what a hand-written forward
pass costs. An operation without a rule of its own is differentiated by nested `jax.jvp`.

Griewank & Walther, *Evaluating Derivatives*, 2nd ed., SIAM 2008, chapter 13.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.core import Tracer
from jaxtyping import Array, Float

from ._jaxpr import called, evaluate, read

Index: TypeAlias = tuple[int, ...]
"""A multi-index: the order of differentiation in each coordinate."""

Series: TypeAlias = dict[Index, Array]
"""Taylor coefficients by multi-index; a coefficient that is not there is zero."""


def derivatives(
    function: Callable[[Float[Array, " d"]], Float[Array, " *m"]],
    x: Float[Array, " d"],
    wanted: Iterable[Index],
) -> dict[Index, Float[Array, " *m"]]:
    r"""The derivatives $\partial^\alpha f(x)$ for every multi-index $\alpha$ in `wanted`.

    **Arguments:**

    - `function`: any JAX-traceable function of one point;
    - `x`: the point, shape `(d,)`;
    - `wanted`: multi-indices of length `d`; the zero index is the value.
    """
    wanted = tuple(wanted)
    channels = downward_closure(wanted, len(x))
    closed = jax.make_jaxpr(function)(x)
    seed: Series = {channels[0]: x}
    for axis, unit in enumerate(np.eye(len(x), dtype=x.dtype)):
        if (index := _unit_index(axis, len(x))) in channels:
            seed[index] = jnp.asarray(unit)
    (result,) = _propagate(closed.jaxpr, closed.consts, [seed], channels)
    series = result if isinstance(result, dict) else {channels[0]: result}
    zero = jnp.zeros_like(series[channels[0]])
    return {index: _factorial(index) * series[index] if index in series else zero for index in wanted}


def downward_closure(indices: Iterable[Index], dimension: int) -> tuple[Index, ...]:
    """Every multi-index below one of `indices`, lowest order first; the zero index is always there."""
    below = {(0,) * dimension}
    for index in indices:
        below.update(itertools.product(*(range(order + 1) for order in index)))
    return tuple(sorted(below, key=lambda index: (sum(index), index)))


def _propagate(jaxpr: Any, consts: Sequence[Any], inputs: Sequence[Any], channels: Sequence[Index]) -> list[Any]:
    values = dict(zip((*jaxpr.constvars, *jaxpr.invars), (*consts, *inputs), strict=True))
    for eqn in jaxpr.eqns:
        operands = [read(atom, values) for atom in eqn.invars]
        values.update(zip(eqn.outvars, _apply(eqn, operands, channels), strict=True))
    return [read(atom, values) for atom in jaxpr.outvars]


def _apply(eqn: Any, operands: list[Any], channels: Sequence[Index]) -> list[Any]:
    if not any(isinstance(operand, dict) for operand in operands):
        return evaluate(eqn, operands)
    if (inner := called(eqn)) is not None:
        return _propagate(*inner, operands, channels)
    if not all(jnp.issubdtype(out.aval.dtype, jnp.inexact) for out in eqn.outvars):
        return evaluate(eqn, [_value(operand, channels) for operand in operands])
    if (rule := _RULES.get(eqn.primitive.name)) is not None:
        return [rule(eqn, operands, channels)]
    return _by_nested_jvp(eqn, operands, channels)


def _value(operand: Any, channels: Sequence[Index]) -> Any:
    return operand[channels[0]] if isinstance(operand, dict) else operand


# Operations that are linear in all their series operands taken together.


def _add(eqn: Any, operands: list[Any], channels: Sequence[Index]) -> Series:
    left, right = (_as_series(operand, channels) for operand in operands)
    shape = eqn.outvars[0].aval.shape
    sign = -1 if eqn.primitive.name == "sub" else 1
    out = {index: jnp.broadcast_to(term, shape) for index, term in left.items()}
    for index, term in right.items():
        out[index] = out[index] + sign * term if index in out else jnp.broadcast_to(sign * term, shape)
    return out


def _linear(eqn: Any, operands: list[Any], channels: Sequence[Index]) -> Series:
    """Every channel on its own; constants belong to the value."""
    series = [_as_series(operand, channels) for operand in operands]
    present = [index for index in channels if any(index in terms for terms in series)]
    return {
        index: evaluate(eqn, [terms.get(index, jnp.zeros_like(terms[channels[0]])) for terms in series])[0]
        for index in present
    }


def _select(eqn: Any, operands: list[Any], channels: Sequence[Index]) -> Series:
    which = _value(operands[0], channels)
    cases = [_as_series(operand, channels) for operand in operands[1:]]
    present = [index for index in channels if any(index in terms for terms in cases)]
    return {
        index: lax.select_n(which, *(terms.get(index, jnp.zeros_like(terms[channels[0]])) for terms in cases))
        for index in present
    }


def _as_series(operand: Any, channels: Sequence[Index]) -> Series:
    return operand if isinstance(operand, dict) else {channels[0]: jnp.asarray(operand)}


# Products.


def _bilinear(eqn: Any, operands: list[Any], channels: Sequence[Index]) -> Series:
    left, right = (_as_series(operand, channels) for operand in operands)
    return _convolve(left, right, channels, lambda a, b: evaluate(eqn, (a, b))[0])


def _divide(eqn: Any, operands: list[Any], channels: Sequence[Index]) -> Series:
    numerator, denominator = operands
    if not isinstance(denominator, dict):
        return {index: term / denominator for index, term in numerator.items()}
    reciprocal = _compose(_powers(-1.0), denominator, channels)
    return _convolve(_as_series(numerator, channels), reciprocal, channels, lambda a, b: a * b)


def _convolve(left: Series, right: Series, channels: Sequence[Index], product: Callable) -> Series:
    out: Series = {}
    for (a, left_term), (b, right_term) in itertools.product(left.items(), right.items()):
        index = tuple(i + j for i, j in zip(a, b, strict=True))
        if index in channels:
            term = product(left_term, right_term)
            out[index] = out[index] + term if index in out else term
    return out


def _square(series: Series, channels: Sequence[Index]) -> Series:
    """`series` times itself, each mixed product formed once."""
    out: Series = {}
    for (a, first), (b, second) in itertools.combinations_with_replacement(series.items(), 2):
        index = tuple(i + j for i, j in zip(a, b, strict=True))
        if index in channels:
            term = first * second if a == b else 2 * (first * second)
            out[index] = out[index] + term if index in out else term
    return out


# Scalar functions, through their derivatives at the value.

Derivatives: TypeAlias = Callable[[Array, int], list[Any]]
"""`(z, order)` to the derivatives of a scalar function at `z` from 0 to `order`; a zero may be the number 0."""


def _compose(function: Derivatives, series: Series, channels: Sequence[Index]) -> Series:
    """f(z + h) = Σ f⁽ᵏ⁾(z) hᵏ / k!, with h the series less its value."""
    zero = channels[0]
    increment = {index: term for index, term in series.items() if index != zero}
    powers = [increment]
    while powers[-1]:
        last = _square(increment, channels) if len(powers) == 1 else None
        powers.append(_convolve(powers[-1], increment, channels, jnp.multiply) if last is None else last)
    coefficients = function(series[zero], len(powers) - 1)
    out: Series = {zero: coefficients[0]}
    for order, power in enumerate(powers[:-1], 1):
        if isinstance(coefficients[order], int):
            continue
        scale = coefficients[order] / math.factorial(order) if order > 1 else coefficients[order]
        for index, term in power.items():
            out[index] = out[index] + scale * term if index in out else scale * term
    return out


def _elementwise(function: Derivatives) -> Callable[[Any, list[Any], Sequence[Index]], Series]:
    return lambda eqn, operands, channels: _compose(function, operands[0], channels)


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
    """The polynomial with these coefficients, lowest first; what vanishes is not computed."""
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


def _power_rule(eqn: Any, operands: list[Any], channels: Sequence[Index]) -> Any:
    base, exponent = operands
    if isinstance(exponent, dict) or np.ndim(exponent) or isinstance(exponent, Tracer):
        return _by_nested_jvp(eqn, operands, channels)[0]
    return _compose(_powers(float(exponent)), base, channels)


_LINEAR = (
    "neg copy copy_p convert_element_type reshape squeeze expand_dims broadcast_in_dim transpose slice rev reduce_sum "
    "concatenate stack pad real imag"
).split()
_RULES: dict[str, Callable[[Any, list[Any], Sequence[Index]], Any]] = {
    **dict.fromkeys(_LINEAR, _linear),
    **dict.fromkeys(("add", "sub", "add_any"), _add),
    **dict.fromkeys(("mul", "dot_general"), _bilinear),
    "div": _divide,
    "select_n": _select,
    "tanh": _elementwise(_polynomial_in_value(jnp.tanh, (1.0, 0.0, -1.0))),
    "logistic": _elementwise(_polynomial_in_value(jax.nn.sigmoid, (0.0, 1.0, -1.0))),
    "exp": _elementwise(_cycle(jnp.exp)),
    "sin": _elementwise(_cycle(jnp.sin, jnp.cos, lambda z: -jnp.sin(z), lambda z: -jnp.cos(z))),
    "cos": _elementwise(_cycle(jnp.cos, lambda z: -jnp.sin(z), lambda z: -jnp.cos(z), jnp.sin)),
    "log": _elementwise(_logarithm),
    "sqrt": _elementwise(_powers(0.5)),
    "rsqrt": _elementwise(_powers(-0.5)),
    "square": _elementwise(_powers(2.0)),
    "integer_pow": lambda eqn, operands, channels: _compose(_powers(float(eqn.params["y"])), operands[0], channels),
    "pow": _power_rule,
}


def _by_nested_jvp(eqn: Any, operands: list[Any], channels: Sequence[Index]) -> list[Any]:
    """Any operation at all: differentiate s ↦ operation(Σ c_α s^α) at s = 0."""
    dimension = len(channels[0])

    def operation(s: Sequence[Array]) -> list[Any]:
        return evaluate(eqn, [_sum(operand, s) if isinstance(operand, dict) else operand for operand in operands])

    dtype = next(operand[channels[0]].dtype for operand in operands if isinstance(operand, dict))
    origin = [jnp.zeros((), dtype)] * dimension
    out: list[Series] = [{} for _ in eqn.outvars]
    for index in channels:
        derivative = operation
        for axis, order in enumerate(index):
            for _ in range(order):
                derivative = _along(derivative, axis)
        for series, value in zip(out, derivative(origin), strict=True):
            series[index] = value / _factorial(index)
    return out


def _along(function: Callable, axis: int) -> Callable:
    def derivative(s: Sequence[Array]) -> list[Any]:
        moved = lambda step: function([*s[:axis], s[axis] + step, *s[axis + 1 :]])
        return jax.jvp(moved, (jnp.zeros_like(s[axis]),), (jnp.ones_like(s[axis]),))[1]

    return derivative


def _sum(series: Series, s: Sequence[Array]) -> Array:
    total = None
    for index, term in series.items():
        for factor, order in zip(s, index, strict=True):
            for _ in range(order):
                term = term * factor
        total = term if total is None else total + term
    assert total is not None  # noqa: S101  a series always has its value
    return total


def _factorial(index: Index) -> int:
    return math.prod(math.factorial(order) for order in index)


def _unit_index(axis: int, dimension: int) -> Index:
    return tuple(int(i == axis) for i in range(dimension))
