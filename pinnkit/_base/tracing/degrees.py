"""Which outputs of a traced function are affine in its argument, proved from the trace.

A product of two factors that both depend on the argument, and an operation that is not known to be linear, count as not
affine; so does `stop_gradient`, whose derivative is not that of its value. "Affine" is proved; "other" means that there
is no proof.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from .interpreter import interpret
from .primitives import BILINEAR, LINEAR, LINEAR_IN_FIRST

CONSTANT, AFFINE, OTHER = 0, 1, 2


def is_affine(function: Callable[..., Any], argument: Any, *known: Any) -> bool:
    """Whether every output of `function` is provably affine in its first argument, a tree of arrays or shapes.

    - `known`: further arguments; the answer holds for all their values.
    """
    return max(degrees(function, argument, *known), default=CONSTANT) <= AFFINE


def degrees(function: Callable[..., Any], argument: Any, *known: Any) -> list[int]:
    """For each output whether it is `CONSTANT` in the first argument, `AFFINE` in it, or `OTHER`, without a proof."""
    closed = jax.make_jaxpr(function)(argument, *known)
    variables = len(jax.tree.leaves(argument))
    inputs = variables * [AFFINE] + (len(closed.in_avals) - variables) * [CONSTANT]
    return interpret(closed.jaxpr, len(closed.consts) * [CONSTANT], inputs, _degrees, lambda value, aval: CONSTANT)


def _degrees(eqn: Any, operands: Sequence[int]) -> list[int]:
    return len(eqn.outvars) * [_degree(eqn, operands)]


def _degree(eqn: Any, operands: Sequence[int]) -> int:
    name, highest = eqn.primitive.name, max(operands, default=CONSTANT)
    if highest == CONSTANT:
        return CONSTANT
    if name == "convert_element_type" and not jnp.issubdtype(eqn.params["new_dtype"], jnp.inexact):
        return OTHER  # it rounds
    if name in LINEAR:
        return highest
    if name in BILINEAR:
        return min(sum(operands), OTHER)
    if name in LINEAR_IN_FIRST or name == "select_n":
        deciding = operands[1:] if name != "select_n" else operands[:1]
        return highest if max(deciding, default=CONSTANT) == CONSTANT else OTHER
    if name == "integer_pow" and eqn.params["y"] == 1:
        return highest
    return OTHER
