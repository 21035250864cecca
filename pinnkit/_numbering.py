"""Which results of a traced function are equal, or multiples of each other, whatever its arguments are.

Value numbering: operations with equal operands get one number. A value is a factor times a number, and factors
pass through linear operations, so that $-4 W^\\top g$ and $W^\\top g$ are seen to be proportional. What is not
recognised counts as different: the answer may miss an equality, but never claims one that does not hold.

Cocke & Schwartz, *Programming Languages and their Compilers*, 1970; the factors are ours.
"""

import itertools
from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from ._jaxpr import called


class Value(NamedTuple):
    """`factor` times the value with this number; a factor of 0 is exactly zero."""

    factor: float
    number: int


_LINEAR_IN_ALL = ("mul", "dot_general")
_LINEAR_IN_FIRST = (
    "neg copy reshape squeeze expand_dims broadcast_in_dim transpose slice rev reduce_sum convert_element_type".split()
)


def number_values(jaxpr: Any) -> list[Value]:
    """One `Value` for each result of `jaxpr`; equal numbers mean proportional results."""
    numbering = _Numbering()
    inputs = [numbering.new(atom.aval.shape) for atom in (*jaxpr.constvars, *jaxpr.invars)]
    return numbering.run(jaxpr, inputs)


class _Numbering:
    """The table of what has been computed, and the rules."""

    def __init__(self):
        self._numbers: dict[Hashable, int] = {}
        self._count = itertools.count()
        self._shapes: dict[int, tuple[int, ...]] = {}
        self._uniform: set[int] = set()

    def new(self, shape: tuple[int, ...], key: Hashable = None, factor: float = 1.0) -> Value:
        """The number of a key, a fresh one where there is no key."""
        number = self._numbers.get(key) if key is not None else None
        if number is None:
            number = next(self._count)
            self._shapes[number] = shape
            if key is not None:
                self._numbers[key] = number
        return Value(factor, number)

    def uniform(self, value: float, aval: Any) -> Value:
        """An array that has one value everywhere."""
        one = self.new(aval.shape, ("uniform", aval.shape, str(aval.dtype)), value)
        self._uniform.add(one.number)
        return one

    def run(self, jaxpr: Any, inputs: Sequence[Value]) -> list[Value]:
        values = dict(zip((*jaxpr.constvars, *jaxpr.invars), inputs, strict=True))
        read = lambda atom: self._constant(atom.val, atom.aval) if hasattr(atom, "val") else values[atom]
        for eqn in jaxpr.eqns:
            operands = [read(atom) for atom in eqn.invars]
            values.update(zip(eqn.outvars, self._apply(eqn, operands), strict=True))
        return [read(atom) for atom in jaxpr.outvars]

    def _constant(self, value: Any, aval: Any) -> Value:
        array = np.asarray(value)
        if array.size and jnp.issubdtype(array.dtype, jnp.floating) and (array == array.flat[0]).all():
            return self.uniform(float(array.flat[0]), aval)
        return self.new(array.shape, ("constant", array.shape, str(array.dtype), array.tobytes()))

    def _apply(self, eqn: Any, operands: list[Value]) -> list[Value]:
        if (inner := called(eqn)) is not None:
            jaxpr, consts = inner
            return self.run(jaxpr, [*(self._constant(c, jnp.asarray(c).aval) for c in consts), *operands])
        out, name = eqn.outvars[0].aval, eqn.primitive.name
        if len(eqn.outvars) == 1 and jnp.issubdtype(out.dtype, jnp.floating):
            if name in ("add", "sub", "add_any"):
                return [self._sum(eqn, operands)]
            if name in (*_LINEAR_IN_ALL, *_LINEAR_IN_FIRST, "div"):
                return [self._product(eqn, operands)]
        return [
            self.new(var.aval.shape, (*self._key(eqn), tuple(operands), position))
            for position, var in enumerate(eqn.outvars)
        ]

    def _sum(self, eqn: Any, operands: list[Value]) -> Value:
        left, right = operands
        if eqn.primitive.name == "sub":
            right = Value(-right.factor, right.number)
        shape = eqn.outvars[0].aval.shape
        if left.number == right.number:
            return Value(left.factor + right.factor, left.number)
        for one, other in ((left, right), (right, left)):
            if one.factor == 0 and self._shapes[other.number] == shape:
                return other
        first, second = sorted((left, right), key=lambda value: value.number)
        if first.factor == 0:
            return self.new(shape, ("add", shape, first, second))
        return self.new(shape, ("add", shape, first.number, second.number, second.factor / first.factor), first.factor)

    def _product(self, eqn: Any, operands: list[Value]) -> Value:
        """Operations that are linear in every operand; the divisor counts as its reciprocal."""
        name, out = eqn.primitive.name, eqn.outvars[0].aval
        factors = [value.factor for value in operands]
        if name == "div":
            if not factors[1]:
                return self.new(out.shape)
            factors[1] = 1 / factors[1]
        factor = float(np.prod(factors)) * (-1.0 if name == "neg" else 1.0)
        uniform = [value.number in self._uniform for value in operands]
        if not factor or (all(uniform) and name not in ("dot_general", "reduce_sum")):
            return self.uniform(factor, out)
        if name in ("neg", "copy"):
            return Value(factor, operands[0].number)
        if name in ("mul", "div"):
            for position in range(1 if name == "div" else 2):
                if uniform[1 - position] and self._shapes[operands[position].number] == out.shape:
                    return Value(factor, operands[position].number)
        numbers = [value.number for value in operands]
        return self.new(out.shape, (*self._key(eqn), tuple(sorted(numbers) if name == "mul" else numbers)), factor)

    def _key(self, eqn: Any) -> tuple[Hashable, ...]:
        """Operation and parameters; unique where the parameters cannot be compared."""
        parameters = tuple(sorted(eqn.params.items(), key=lambda item: item[0]))
        try:
            hash(parameters)
        except TypeError:
            return (eqn.primitive, next(self._count))
        return eqn.primitive, parameters, tuple(str(var.aval) for var in eqn.outvars)
