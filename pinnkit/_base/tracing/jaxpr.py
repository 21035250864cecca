"""The parts of JAX's intermediate form: an operation carried out, a function called, programs inside a program."""

from collections.abc import Iterator, Sequence
from typing import Any

import jax

_CALLS = {"jit": "jaxpr", "closed_call": "call_jaxpr", "remat2": "jaxpr"}


def evaluate(eqn: Any, operands: Sequence[Any]) -> list[Any]:
    """The results of one equation of a jaxpr."""
    result = eqn.primitive.bind(*operands, **eqn.primitive.get_bind_params(eqn.params))
    return list(result) if eqn.primitive.multiple_results else [result]


def called(eqn: Any) -> tuple[Any, Sequence[Any]] | None:
    """The jaxpr and constants of an equation that only calls a function, which may be inlined; None for any other."""
    key = _CALLS.get(eqn.primitive.name)
    if key is None:
        return None
    inner = eqn.params[key]
    return getattr(inner, "jaxpr", inner), getattr(inner, "consts", ())


def inner_jaxprs(eqn: Any) -> Iterator[Any]:
    """The jaxprs, closed or not, among the parameters of an equation: branches, bodies of loops, called functions."""
    is_jaxpr = lambda value: hasattr(value, "eqns")
    return filter(is_jaxpr, jax.tree.leaves(list(eqn.params.values()), is_leaf=is_jaxpr))
