"""Value numbering: which results of a traced function are equal or proportional for all arguments.

Operations with equal operands get one number. A value is a factor times a number, and factors pass through linear
operations, so that $-4 W^\\top g$ and $W^\\top g$ are recognised as proportional. Equalities may be missed, but each
one that is reported holds (up to rounding, and unless something overflows).

Cocke & Schwartz, *Programming Languages and their Compilers*, 1970; the factors are an addition.
"""

import itertools
from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from .interpreter import interpret
from .jaxpr import evaluate
from .primitives import BILINEAR, LINEAR, MOVING


class Value(NamedTuple):
    """`factor` times the value with this number; exactly zero if the factor is 0."""

    factor: float
    number: int


def number_values(jaxpr: Any) -> list[Value]:
    """One `Value` for each result of `jaxpr`; results with equal numbers are proportional."""
    return _Numbering().run(jaxpr, [None] * (len(jaxpr.constvars) + len(jaxpr.invars)))


def evaluate_once(jaxpr: Any, inputs: Sequence[Any]) -> list[Any]:
    """The results of `jaxpr` for its constants and arguments; of proportional values only one is computed."""
    numbering = _Numbering()
    return [numbering.array(value) for value in numbering.run(jaxpr, inputs)]


class _Numbering:
    """The table of numbers, and the rules of operations.

    With arrays as inputs, operations are carried out; with None, they are only numbered.
    """

    def __init__(self):
        self._numbers: dict[Hashable, int] = {}
        self._count = itertools.count()
        self._avals: dict[int, Any] = {}
        self._uniform: set[int] = set()
        self._arrays: dict[int, tuple[float, Any]] = {}

    def array(self, value: Value) -> Any:
        """The array of a value: the one computed for its number, times the factor."""
        aval = self._avals[value.number]
        if not value.factor or value.number in self._uniform:
            return jnp.full(aval.shape, value.factor, aval.dtype)
        factor, array = self._arrays[value.number]
        return array if factor == value.factor else array * (value.factor / factor)

    def new(self, aval: Any, key: Hashable = None, factor: float = 1.0) -> Value:
        """A value with the number of `key`; without a key, with a new number."""
        number = self._numbers.get(key) if key is not None else None
        if number is None:
            number = next(self._count)
            self._avals[number] = aval
            if key is not None:
                self._numbers[key] = number
        return Value(factor, number)

    def uniform(self, value: float, aval: Any) -> Value:
        """An array whose entries all equal `value`."""
        one = self.new(aval, ("uniform", aval.shape, str(aval.dtype)), value)
        self._uniform.add(one.number)
        return one

    def run(self, jaxpr: Any, inputs: Sequence[Any]) -> list[Value]:
        """Number a jaxpr, and carry it out if `inputs`, its constants and arguments, are arrays rather than None."""
        variables, constants = (*jaxpr.constvars, *jaxpr.invars), len(jaxpr.constvars)
        values = [self._keep(self.new(var.aval), array) for var, array in zip(variables, inputs, strict=True)]
        carried_out = any(array is not None for array in inputs)

        def apply(eqn: Any, operands: list[Value]) -> list[Value]:
            results = self._apply(eqn, operands)
            if carried_out and not all(map(self._is_known, results)):
                arrays = evaluate(eqn, [self.array(operand) for operand in operands])
                results = [self._keep(result, array) for result, array in zip(results, arrays, strict=True)]
            return results

        return interpret(jaxpr, values[:constants], values[constants:], apply, self._constant)

    def _keep(self, value: Value, array: Any) -> Value:
        if array is not None and value.factor:
            self._arrays.setdefault(value.number, (value.factor, array))
        return value

    def _is_known(self, value: Value) -> bool:
        return not value.factor or value.number in self._uniform or value.number in self._arrays

    def _constant(self, value: Any, aval: Any) -> Value:
        array = np.asarray(value)
        floating = jnp.issubdtype(array.dtype, jnp.floating) and array.size > 0
        if floating and np.isfinite(array.flat[0]) and (array == array.flat[0]).all():
            return self.uniform(float(array.flat[0]), aval)
        return self._keep(self.new(aval, ("constant", array.shape, str(array.dtype), array.tobytes())), value)

    def _apply(self, eqn: Any, operands: list[Value]) -> list[Value]:
        name = eqn.primitive.name
        if len(eqn.outvars) == 1 and jnp.issubdtype(eqn.outvars[0].aval.dtype, jnp.floating):
            if name in ("add", "sub", "add_any"):
                return [self._sum(eqn, operands)]
            if name in BILINEAR or name == "div" or (name in LINEAR and len(operands) == 1):
                return [self._product(eqn, operands)]
        key = self._key(eqn)
        return [self.new(var.aval, (*key, tuple(operands), place)) for place, var in enumerate(eqn.outvars)]

    def _sum(self, eqn: Any, operands: list[Value]) -> Value:
        left, right = operands
        if eqn.primitive.name == "sub":
            right = Value(-right.factor, right.number)
        aval = eqn.outvars[0].aval
        if left.number == right.number:
            return Value(left.factor + right.factor, left.number)
        for one, other in ((left, right), (right, left)):
            if one.factor == 0 and self._avals[other.number].shape == aval.shape:
                return other
        first, second = sorted((left, right), key=lambda value: value.number)
        if first.factor == 0:
            return self.new(aval, ("add", aval.shape, first, second))
        ratio = second.factor / first.factor
        return self.new(aval, ("add", aval.shape, first.number, second.number, ratio), first.factor)

    def _product(self, eqn: Any, operands: list[Value]) -> Value:
        """The value of an operation that is linear in each operand; a divisor counts as its reciprocal."""
        name, out = eqn.primitive.name, eqn.outvars[0].aval
        factors = [value.factor for value in operands]
        if name == "div":
            if not factors[1]:
                return self.new(out)
            factors[1] = 1 / factors[1]
        factor = float(np.prod(factors)) * (-1.0 if name == "neg" else 1.0)
        uniform = [value.number in self._uniform for value in operands]
        if not factor or (all(uniform) and (name in MOVING or name in ("neg", "mul", "div", "convert_element_type"))):
            return self.uniform(factor, out)
        if name in ("neg", "copy"):
            return Value(factor, operands[0].number)
        if name in ("mul", "div"):
            for position in range(1 if name == "div" else 2):
                if uniform[1 - position] and self._avals[operands[position].number].shape == out.shape:
                    return Value(factor, operands[position].number)
        numbers = [value.number for value in operands]
        return self.new(out, (*self._key(eqn), tuple(sorted(numbers) if name == "mul" else numbers)), factor)

    def _key(self, eqn: Any) -> tuple[Hashable, ...]:
        """The operation and its parameters; unique if the parameters cannot be hashed."""
        parameters = tuple(sorted(eqn.params.items(), key=lambda item: item[0]))
        try:
            hash(parameters)
        except TypeError:
            return (eqn.primitive, next(self._count))
        return eqn.primitive, parameters, tuple(str(var.aval) for var in eqn.outvars)
