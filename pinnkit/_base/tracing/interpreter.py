"""The interpreter of traced functions: one loop for every meaning that operations can be given."""

from collections.abc import Callable, Sequence
from typing import Any

from jax.extend.core import Literal

from .jaxpr import called

Apply = Callable[[Any, list[Any]], Sequence[Any]]
"""`(equation, operands)` to the results of one operation."""


def interpret(
    jaxpr: Any,
    consts: Sequence[Any],
    inputs: Sequence[Any],
    apply: Apply,
    constant: Callable[[Any, Any], Any] = lambda value, aval: value,
    is_whole: Callable[[Any, Sequence[Any]], bool] = lambda eqn, operands: False,
) -> list[Any]:
    """The outputs of `jaxpr`, with `apply` in place of its operations and functions that it calls inlined.

    **Arguments:**

    - `consts`, `inputs`: what stands for its constants and arguments;
    - `constant`: from a literal, or a constant of a called function, and its abstract value to what stands for it;
    - `is_whole`: which calls `apply` takes as one operation, by equation and operands.
    """
    values = dict(zip((*jaxpr.constvars, *jaxpr.invars), (*consts, *inputs), strict=True))

    def read(atom: Any) -> Any:
        return constant(atom.val, atom.aval) if isinstance(atom, Literal) else values[atom]

    for eqn in jaxpr.eqns:
        operands = [read(atom) for atom in eqn.invars]
        inner = called(eqn)
        if inner is None or is_whole(eqn, operands):
            results = apply(eqn, operands)
        else:
            function, values_of_constants = inner
            pairs = zip(values_of_constants, function.constvars, strict=True)
            known = [constant(value, var.aval) for value, var in pairs]
            results = interpret(function, known, operands, apply, constant, is_whole)
        values.update(zip(eqn.outvars, results, strict=True))
    return [read(atom) for atom in jaxpr.outvars]
