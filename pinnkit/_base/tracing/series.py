"""Truncated Taylor series, and the operations on them that all rules are made of."""

import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

import jax.numpy as jnp
from jaxtyping import Array

Index: TypeAlias = tuple[int, ...]
"""A multi-index: the order of differentiation in each coordinate."""

Operator: TypeAlias = Mapping[Index, Any]
r"""A linear operator $\sum_\alpha c_\alpha \partial^\alpha$ with no term of order 0, by multi-index."""

Channel: TypeAlias = Index | int
"""The label of an entry of a series: a multi-index, or the number of an operator."""

Series: TypeAlias = dict[Channel, Any]
"""Taylor coefficients by multi-index and values of operators by number; missing entries are zero, and NumPy arrays are
known when the function is traced."""


def carried(wanted: Iterable[Index], operators: Iterable[Operator], dimension: int) -> tuple[Index, ...]:
    """The multi-indices of a pass: those below `wanted`, and those strictly below the terms of `operators`."""
    below = [_lowered(index, axis) for operator in operators for index in operator for axis in range(dimension)]
    return downward_closure((*wanted, *(index for index in below if min(index) >= 0)), dimension)


def downward_closure(indices: Iterable[Index], dimension: int) -> tuple[Index, ...]:
    """All multi-indices below one of `indices`, lowest order first, with the zero index in any case."""
    below = {(0,) * dimension}
    for index in indices:
        below.update(itertools.product(*(range(order + 1) for order in index)))
    return tuple(sorted(below, key=lambda index: (sum(index), index)))


def _lowered(index: Index, axis: int) -> Index:
    return tuple(order - (i == axis) for i, order in enumerate(index))


class Channels(NamedTuple):
    """The channels of a pass: multi-indices, lowest order first, and operators by number.

    The coefficients of `operators` multiply Taylor coefficients, not derivatives.
    """

    indices: tuple[Index, ...]
    operators: dict[int, dict[Index, Any]]

    @property
    def zero(self) -> Index:
        return self.indices[0]

    def reached(self, a: Channel, b: Channel) -> list[tuple[Channel, Any]]:
        """The channels that the product of the channels `a` and `b` contributes to, with its factors."""
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


def as_series(operand: Any, channels: Channels) -> Series:
    """A series itself, or a constant as one."""
    return operand if isinstance(operand, dict) else {channels.zero: jnp.asarray(operand)}


def value_of(operand: Any, channels: Channels) -> Any:
    """The value of a series, or of a constant."""
    return operand[channels.zero] if isinstance(operand, dict) else operand


def factorial(index: Index) -> int:
    """α! for a multi-index."""
    return math.prod(math.factorial(order) for order in index)


def convolve(left: Series, right: Series, channels: Channels, product: Callable[[Any, Any], Any]) -> Series:
    """The series of a bilinear `product` of two series."""
    out: Series = {}
    for (a, first), (b, second) in itertools.product(left.items(), right.items()):
        if reached := channels.reached(a, b):
            _spread_into(out, product(first, second), reached)
    return out


def _square(series: Series, channels: Channels) -> Series:
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


def compose(function: Derivatives, series: Series, channels: Channels) -> Series:
    """The series of a scalar function: f(z + h) = Σ f⁽ᵏ⁾(z) hᵏ / k!, with h the series less its value."""
    zero = channels.zero
    increment = {index: term for index, term in series.items() if index != zero}
    powers = [increment]
    while powers[-1]:
        last = _square(increment, channels) if len(powers) == 1 else None
        powers.append(convolve(powers[-1], increment, channels, jnp.multiply) if last is None else last)
    coefficients = function(series[zero], len(powers) - 1)
    out: Series = {zero: coefficients[0]}
    for order, power in enumerate(powers[:-1], 1):
        if isinstance(coefficients[order], int):
            continue
        scale = coefficients[order] / math.factorial(order) if order > 1 else coefficients[order]
        for index, term in power.items():
            out[index] = out[index] + scale * term if index in out else scale * term
    return out
