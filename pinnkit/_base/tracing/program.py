"""A traced function as a value that can be hashed and compared."""

from collections.abc import Callable, Hashable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Literal


class Program:
    """A traced function as a value: two programs are equal if they do the same operations on the same literals.

    So `jax.jit` with a program as a static argument compiles once for all closures with the same trace.
    Arrays that the function closes over are not part of it; they are `constants` of the trace.
    """

    def __init__(self, jaxpr: Any):
        self.jaxpr = jaxpr
        self._key = _fingerprint(jaxpr)
        self._hash = hash(self._key)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Program) and self._key == other._key


def trace(function: Callable[..., Any], *arguments: Any) -> tuple[Program, list[Any]]:
    """The program of `function` at arguments of these shapes, and the arrays it closes over."""
    closed = jax.make_jaxpr(function)(*arguments)
    return Program(closed.jaxpr), [c if isinstance(c, jax.Array) else jnp.asarray(c) for c in closed.consts]


def _fingerprint(jaxpr: Any) -> Hashable:
    """Everything that determines what a jaxpr computes, except the values of its constants; variables by position."""
    numbers: dict[Any, int] = {}

    def name(atom: Any) -> Hashable:
        if isinstance(atom, Literal):
            value = np.asarray(atom.val)
            return str(atom.aval), str(value.dtype), value.tobytes()
        return numbers.setdefault(atom, len(numbers)), str(atom.aval)

    def parameter(value: Any) -> Hashable:
        if hasattr(value, "eqns"):
            return _fingerprint(value)
        if hasattr(value, "jaxpr") and hasattr(value, "consts"):
            return _fingerprint(value.jaxpr), tuple(id(constant) for constant in value.consts)
        if isinstance(value, tuple | list):
            return tuple(parameter(item) for item in value)
        try:
            hash(value)
        except TypeError:
            return id(value)
        return value

    inputs = tuple(name(atom) for atom in (*jaxpr.constvars, *jaxpr.invars))
    equations = tuple(
        (
            eqn.primitive,
            tuple(name(atom) for atom in eqn.invars),
            tuple(name(atom) for atom in eqn.outvars),
            tuple((key, parameter(value)) for key, value in sorted(eqn.params.items())),
        )
        for eqn in jaxpr.eqns
    )
    return len(jaxpr.constvars), inputs, equations, tuple(name(atom) for atom in jaxpr.outvars)
