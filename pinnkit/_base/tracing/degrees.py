"""Which outputs of a traced function are affine in its argument: found from the trace, never from values.

Products of two factors that both depend on the argument, and operations that are not known to be linear, count as not
affine; so does `stop_gradient`, whose value is not what its derivative says. The answer "affine" is a proof; the answer
"not affine" is a lack of one.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from .jaxpr import called, read

CONSTANT, AFFINE, OTHER = 0, 1, 2

_LINEAR = frozenset(
    "neg copy copy_p convert_element_type reshape squeeze expand_dims broadcast_in_dim transpose rev reduce_sum add "
    "sub add_any concatenate stack pad real imag cumsum slice".split()
)

_LINEAR_IN_FIRST = frozenset("div gather dynamic_slice".split())

_BILINEAR = frozenset("mul dot_general conv_general_dilated".split())


def is_affine(function: Callable[..., Any], argument: Any, *known: Any) -> bool:
    """Whether every output of `function` is provably affine in its first argument, a tree of arrays or shapes.

    - `known`: further arguments; the answer holds whatever their values are.
    """
    return max(degrees(function, argument, *known), default=CONSTANT) <= AFFINE


def degrees(function: Callable[..., Any], argument: Any, *known: Any) -> list[int]:
    """For each output whether it is `CONSTANT` in the first argument, `AFFINE` in it, or `OTHER`."""
    closed = jax.make_jaxpr(function)(argument, *known)
    variables = len(jax.tree.leaves(argument))
    inputs = variables * [AFFINE] + (len(closed.in_avals) - variables) * [CONSTANT]
    return _propagate(closed.jaxpr, len(closed.consts) * [CONSTANT], inputs)


def _propagate(jaxpr: Any, constants: Sequence[int], inputs: Sequence[int]) -> list[int]:
    found = dict(zip((*jaxpr.constvars, *jaxpr.invars), (*constants, *inputs), strict=True))
    degree = lambda atom: CONSTANT if hasattr(atom, "val") else read(atom, found)
    for eqn in jaxpr.eqns:
        operands = [degree(atom) for atom in eqn.invars]
        if (inner := called(eqn)) is not None:
            results = _propagate(inner[0], len(inner[1]) * [CONSTANT], operands)
        else:
            results = len(eqn.outvars) * [_degree(eqn, operands)]
        found.update(zip(eqn.outvars, results, strict=True))
    return [degree(atom) for atom in jaxpr.outvars]


def _degree(eqn: Any, operands: Sequence[int]) -> int:
    name, highest = eqn.primitive.name, max(operands, default=CONSTANT)
    if highest == CONSTANT:
        return CONSTANT
    if name == "convert_element_type" and not jnp.issubdtype(eqn.params["new_dtype"], jnp.inexact):
        return OTHER  # it rounds
    if name in _LINEAR:
        return highest
    if name in _BILINEAR:
        return min(sum(operands), OTHER)
    if name in _LINEAR_IN_FIRST or name == "select_n":
        decisive = operands[1:] if name != "select_n" else operands[:1]
        return highest if max(decisive, default=CONSTANT) == CONSTANT else OTHER
    if name == "integer_pow" and eqn.params["y"] == 1:
        return highest
    return OTHER
