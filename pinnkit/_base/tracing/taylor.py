r"""All wanted derivatives of a function in one pass: truncated multivariate Taylor propagation.

A value that depends on the point is carried as its Taylor coefficients $c_\alpha = \partial^\alpha f / \alpha!$
over a downward closed set of multi-indices (the channels), and every operation of the function's jaxpr is
replaced by the one on truncated series: linear operations act on each channel, products convolve, and a
scalar function composes through the powers of the increment. Coefficients that vanish are not carried at
all, so the first layer of a network costs nothing and a second derivative costs what a hand-written forward
pass costs. An operation without a rule of its own is differentiated by nested `jax.jvp`.

A linear operator $P = \sum_\alpha c_\alpha \partial^\alpha$ is carried as one channel more, not as one for each
$\alpha$. Only what lies strictly below each $\alpha$ is needed beside it, for with $a_\alpha = \alpha!\, c_\alpha$

$$(fg)_P = f_P g_0 + f_0 g_P + \sum_\alpha a_\alpha \sum_{0 < \beta < \alpha} f_\beta g_{\alpha - \beta}$$

and $f(z)_P = f'(z_0) z_P$ plus the terms of Faà di Bruno's formula that have no $z_\alpha$. So a Laplacian in $d$
dimensions costs $d + 2$ channels and not $2d + 1$.

Griewank & Walther, *Evaluating Derivatives*, 2nd ed., SIAM 2008, chapter 13.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.core import Tracer
from jaxtyping import Array, Float

from .jaxpr import called, evaluate, read

Index: TypeAlias = tuple[int, ...]
"""A multi-index: the order of differentiation in each coordinate."""

Operator: TypeAlias = Mapping[Index, Any]
r"""A linear operator $\sum_\alpha c_\alpha \partial^\alpha$ with no term of order 0, by multi-index."""

Channel: TypeAlias = Index | int
"""What a series has entries for: a multi-index, or the number of an operator."""

Series: TypeAlias = dict[Channel, Any]
"""Arrays: Taylor coefficients by multi-index, and values of operators; an entry that is not there is zero. Those of
NumPy are known when the function is traced."""


def derivatives(
    function: Callable[[Float[Array, " d"]], Float[Array, " *m"]],
    x: Float[Array, " d"],
    wanted: Iterable[Index],
    operators: Mapping[int, Operator] | None = None,
) -> dict[Channel, Float[Array, " *m"]]:
    r"""The derivatives $\partial^\alpha f(x)$ for all multi-indices in `wanted`, and $Pf(x)$ for all `operators`.

    **Arguments:**

    - `function`: any JAX-traceable function of one point;
    - `x`: the point, shape `(d,)`;
    - `wanted`: multi-indices of length `d`; the zero index is the value;
    - `operators`: linear operators by number, one channel of the pass each; coefficients are numbers, or scalars
      that depend on the point.
    """
    wanted, operators = tuple(wanted), {} if operators is None else operators
    indices = carried(wanted, operators.values(), len(x))
    channels = _Channels(indices, {name: _scaled(operator) for name, operator in operators.items()})
    closed = jax.make_jaxpr(function)(x)
    (result,) = _propagate(closed.jaxpr, closed.consts, [_seed(x, channels)], channels)
    series = _as_series(result, channels)
    zero = jnp.zeros_like(series[channels.zero])
    found = {index: _factorial(index) * series[index] if index in series else zero for index in wanted}
    return found | {name: series.get(name, zero) for name in operators}


def carried(wanted: Iterable[Index], operators: Iterable[Operator], dimension: int) -> tuple[Index, ...]:
    """The multi-indices of a pass: those below `wanted`, and those strictly below what `operators` combine."""
    below = [_lowered(index, axis) for operator in operators for index in operator for axis in range(dimension)]
    return downward_closure((*wanted, *(index for index in below if min(index) >= 0)), dimension)


def downward_closure(indices: Iterable[Index], dimension: int) -> tuple[Index, ...]:
    """Every multi-index below one of `indices`, lowest order first; the zero index is always there."""
    below = {(0,) * dimension}
    for index in indices:
        below.update(itertools.product(*(range(order + 1) for order in index)))
    return tuple(sorted(below, key=lambda index: (sum(index), index)))


class _Channels(NamedTuple):
    """What is carried: Taylor coefficients by multi-index, lowest order first, and operators by number.

    The coefficients of `operators` multiply Taylor coefficients, not derivatives.
    """

    indices: tuple[Index, ...]
    operators: dict[int, dict[Index, Any]]

    @property
    def zero(self) -> Index:
        return self.indices[0]

    def reached(self, a: Channel, b: Channel) -> list[tuple[Channel, Any]]:
        """The channels that a product of the channels `a` and `b` counts in, and how much."""
        if self.zero in (a, b):
            return [(b if a == self.zero else a, 1)]
        if isinstance(a, int) or isinstance(b, int):
            return []
        index = tuple(i + j for i, j in zip(a, b, strict=True))
        own: list[tuple[Channel, Any]] = [(index, 1)] if index in self.indices else []
        return own + [(name, terms[index]) for name, terms in self.operators.items() if index in terms]

    @property
    def all(self) -> tuple[Channel, ...]:
        return (*self.indices, *self.operators)


def _scaled(operator: Operator) -> dict[Index, Any]:
    return {index: _factorial(index) * coefficient for index, coefficient in operator.items()}


def _seed(x: Float[Array, " d"], channels: _Channels) -> Series:
    """The point itself as a series. Its slopes are known: a coordinate taken from it varies along its own axis only."""
    units = [_unit_index(axis, len(x)) for axis in range(len(x))]
    seed: Series = {channels.zero: jnp.asarray(x)}
    for axis, index in enumerate(units):
        if index in channels.indices:
            seed[index] = np.eye(len(x), dtype=x.dtype)[axis]
    for name, operator in channels.operators.items():
        if any(index in operator for index in units):
            seed[name] = jnp.stack([jnp.asarray(operator.get(index, 0.0), x.dtype) for index in units])
    return seed


def _propagate(jaxpr: Any, consts: Sequence[Any], inputs: Sequence[Any], channels: _Channels) -> list[Any]:
    values = dict(zip((*jaxpr.constvars, *jaxpr.invars), (*consts, *inputs), strict=True))
    for eqn in jaxpr.eqns:
        operands = [read(atom, values) for atom in eqn.invars]
        values.update(zip(eqn.outvars, _apply(eqn, operands, channels), strict=True))
    return [read(atom, values) for atom in jaxpr.outvars]


def _apply(eqn: Any, operands: list[Any], channels: _Channels) -> list[Any]:
    if not any(isinstance(operand, dict) for operand in operands):
        return evaluate(eqn, operands)
    if (inner := called(eqn)) is not None:
        return _propagate(*inner, operands, channels)
    if not all(jnp.issubdtype(out.aval.dtype, jnp.inexact) for out in eqn.outvars):
        return evaluate(eqn, [_value(operand, channels) for operand in operands])
    if (rule := _RULES.get(eqn.primitive.name)) is not None:
        return [rule(eqn, operands, channels)]
    return _by_nested_jvp(eqn, operands, channels)


def _value(operand: Any, channels: _Channels) -> Any:
    return operand[channels.zero] if isinstance(operand, dict) else operand


# Operations that are linear in all their series operands taken together.


def _add(eqn: Any, operands: list[Any], channels: _Channels) -> Series:
    left, right = (_as_series(operand, channels) for operand in operands)
    shape = eqn.outvars[0].aval.shape
    sign = -1 if eqn.primitive.name == "sub" else 1
    out = {index: jnp.broadcast_to(term, shape) for index, term in left.items()}
    for index, term in right.items():
        out[index] = out[index] + sign * term if index in out else jnp.broadcast_to(sign * term, shape)
    return out


def _linear(eqn: Any, operands: list[Any], channels: _Channels) -> Series:
    """Every channel on its own; constants belong to the value."""
    series = [_as_series(operand, channels) for operand in operands]
    part = _PARTS.get(eqn.primitive.name)
    out: Series = {}
    for index in channels.all:
        if part is not None and isinstance(known := series[0].get(index), np.ndarray):
            if (found := part(known, **eqn.params)).any():
                out[index] = found
        elif any(index in terms for terms in series):
            terms = [terms.get(index, jnp.zeros_like(terms[channels.zero])) for terms in series]
            out[index] = evaluate(eqn, terms)[0]
    return out


def _slice(
    known: np.ndarray, start_indices: Sequence[int], limit_indices: Sequence[int], strides: Sequence[int] | None
) -> np.ndarray:
    steps = strides or len(start_indices) * [1]
    return known[tuple(slice(*bounds) for bounds in zip(start_indices, limit_indices, steps, strict=True))]


def _squeeze(known: np.ndarray, dimensions: Sequence[int]) -> np.ndarray:
    return np.squeeze(known, tuple(dimensions))


_PARTS: dict[str, Callable[..., np.ndarray]] = {"slice": _slice, "squeeze": _squeeze}
"""Operations that take a part, on what is known when the function is traced: parts that vanish are not carried."""


def _select(eqn: Any, operands: list[Any], channels: _Channels) -> Series:
    which = _value(operands[0], channels)
    cases = [_as_series(operand, channels) for operand in operands[1:]]
    present = [index for index in channels.all if any(index in terms for terms in cases)]
    return {
        index: lax.select_n(which, *(terms.get(index, jnp.zeros_like(terms[channels.zero])) for terms in cases))
        for index in present
    }


def _as_series(operand: Any, channels: _Channels) -> Series:
    return operand if isinstance(operand, dict) else {channels.zero: jnp.asarray(operand)}


# Products.


def _multiply(eqn: Any, operands: list[Any], channels: _Channels) -> Series:
    left, right = (_as_series(operand, channels) for operand in operands)
    return _convolve(left, right, channels, jnp.multiply)


def _dot(eqn: Any, operands: list[Any], channels: _Channels) -> Series:
    """Data come first in a product with a constant: mapped over points, all channels then lie point by point."""
    left, right = (_as_series(operand, channels) for operand in operands)
    (a, b), (batch, _) = eqn.params["dimension_numbers"]
    if isinstance(operands[0], dict) or batch or len(b) < right[channels.zero].ndim:
        return _convolve(left, right, channels, lambda a, b: evaluate(eqn, (a, b))[0])
    params = {**eqn.params, "dimension_numbers": ((b, a), ((), ()))}
    return {index: eqn.primitive.bind(term, operands[0], **params) for index, term in right.items()}


def _divide(eqn: Any, operands: list[Any], channels: _Channels) -> Series:
    numerator, denominator = operands
    if not isinstance(denominator, dict):
        return {index: term / denominator for index, term in numerator.items()}
    reciprocal = _compose(_powers(-1.0), denominator, channels)
    return _convolve(_as_series(numerator, channels), reciprocal, channels, lambda a, b: a * b)


def _convolve(left: Series, right: Series, channels: _Channels, product: Callable) -> Series:
    out: Series = {}
    for (a, first), (b, second) in itertools.product(left.items(), right.items()):
        if reached := channels.reached(a, b):
            _spread_into(out, product(first, second), reached)
    return out


def _square(series: Series, channels: _Channels) -> Series:
    """`series` times itself, each mixed product formed once."""
    out: Series = {}
    for (a, first), (b, second) in itertools.combinations_with_replacement(series.items(), 2):
        if reached := channels.reached(a, b):
            _spread_into(out, first * second if a == b else 2 * (first * second), reached)
    return out


def _spread_into(out: Series, term: Any, reached: Iterable[tuple[Channel, Any]]) -> None:
    for channel, factor in reached:
        part = term if isinstance(factor, int | float) and factor == 1 else factor * term
        out[channel] = out[channel] + part if channel in out else part


# Scalar functions, through their derivatives at the value.

Derivatives: TypeAlias = Callable[[Array, int], list[Any]]
"""`(z, order)` to the derivatives of a scalar function at `z` from 0 to `order`; a zero may be the number 0."""


def _compose(function: Derivatives, series: Series, channels: _Channels) -> Series:
    """f(z + h) = Σ f⁽ᵏ⁾(z) hᵏ / k!, with h the series less its value."""
    zero = channels.zero
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


def _elementwise(function: Derivatives) -> Callable[[Any, list[Any], _Channels], Series]:
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


def _arctangent(z: Array, order: int) -> list[Any]:
    angle = jnp.arctan(z)
    slope = lambda k: math.factorial(k - 1) * jnp.cos(angle) ** k * jnp.sin(k * (angle + jnp.pi / 2))
    return [angle, *(slope(k) for k in range(1, order + 1))]


def _power_rule(eqn: Any, operands: list[Any], channels: _Channels) -> Any:
    base, exponent = operands
    if isinstance(exponent, dict) or np.ndim(exponent) or isinstance(exponent, Tracer):
        return _by_nested_jvp(eqn, operands, channels)[0]
    return _compose(_powers(float(exponent)), base, channels)


_LINEAR = (
    "neg copy copy_p convert_element_type reshape squeeze expand_dims broadcast_in_dim transpose slice rev reduce_sum "
    "concatenate stack pad real imag"
).split()

_RULES: dict[str, Callable[[Any, list[Any], _Channels], Any]] = {
    **dict.fromkeys(_LINEAR, _linear),
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
    "integer_pow": lambda eqn, operands, channels: _compose(_powers(float(eqn.params["y"])), operands[0], channels),
    "pow": _power_rule,
}


def _by_nested_jvp(eqn: Any, operands: list[Any], channels: _Channels) -> list[Any]:
    """Any operation at all: differentiate s ↦ operation(Σ c_α s^α) at s = 0."""
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

    def derivative(s: Sequence[Array]) -> list[Any]:
        return evaluate(eqn, [_sum(operand, s) if isinstance(operand, dict) else operand for operand in operands])

    for axis, order in enumerate(index):
        for _ in range(order):
            derivative = _along(derivative, axis)
    dtype = next(term.dtype for operand in operands if isinstance(operand, dict) for term in operand.values())
    results = derivative([jnp.zeros((), dtype)] * len(index))
    return [value / _factorial(index) for value in results]


def _along(function: Callable, axis: int) -> Callable:
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


def _factorial(index: Index) -> int:
    return math.prod(math.factorial(order) for order in index)


def _lowered(index: Index, axis: int) -> Index:
    return tuple(order - (i == axis) for i, order in enumerate(index))


def _unit_index(axis: int, dimension: int) -> Index:
    return tuple(int(i == axis) for i in range(dimension))
