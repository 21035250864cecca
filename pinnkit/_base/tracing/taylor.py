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

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .interpreter import interpret
from .jaxpr import evaluate
from .series import Channel, Channels, Index, Operator, Series, as_series, carried, factorial
from .taylor_rules import series_of


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
    channels = Channels(indices, {name: _scaled(operator) for name, operator in operators.items()})
    closed = jax.make_jaxpr(function)(x)
    apply = lambda eqn, operands: series_of(eqn, operands, channels) if _vary(operands) else evaluate(eqn, operands)
    is_whole = lambda eqn, operands: not _vary(operands)
    (result,) = interpret(closed.jaxpr, closed.consts, [_seed(x, channels)], apply, is_whole=is_whole)
    series = as_series(result, channels)
    zero = jnp.zeros_like(series[channels.zero])
    found = {index: factorial(index) * series[index] if index in series else zero for index in wanted}
    return found | {name: series.get(name, zero) for name in operators}


def _scaled(operator: Operator) -> dict[Index, Any]:
    return {index: factorial(index) * coefficient for index, coefficient in operator.items()}


def _seed(x: Float[Array, " d"], channels: Channels) -> Series:
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


def _vary(operands: Sequence[Any]) -> bool:
    """Whether any operand depends on the point."""
    return any(isinstance(operand, dict) for operand in operands)


def _unit_index(axis: int, dimension: int) -> Index:
    return tuple(int(i == axis) for i in range(dimension))
