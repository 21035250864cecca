"""How each entry of the results of a traced function depends on its arguments, proved from the trace.

Every entry of every value has one of four levels. It is `KNOWN` if it is the same for all arguments, `STEADY` if it
depends on steady arguments only, `SMOOTH` if it depends on the other ones through analytic operations, and `BROKEN` if
it depends on them through a comparison, a rounding or any other operation. The levels up to `SMOOTH` are proved, except
at singularities of analytic operations, such as a root of zero; `BROKEN` means that there is no proof.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .interpreter import interpret
from .jaxpr import evaluate
from .primitives import ANALYTIC, MOVING
from .program import Program

KNOWN, STEADY, SMOOTH, BROKEN = 0, 1, 2, 3

_SUMS = {"reduce_sum": "axes", "reduce_prod": "axes", "cumsum": "axis", "cumprod": "axis"}

_ANALYTIC_FUNCTIONS = {1: (jnp.sinc, jax.nn.softplus), 2: (jnp.hypot, jnp.logaddexp, jnp.logaddexp2)}
"""By number of arguments: functions that compare to avoid overflow or cancellation and are analytic nevertheless, with
one singularity, that of the distance from the origin at the origin."""


class Dependence(NamedTuple):
    """The `levels` of all entries, and the `value` at the given arguments, the same for all of them where `KNOWN`."""

    levels: np.ndarray
    value: np.ndarray

    @property
    def is_known(self) -> np.ndarray:
        return self.levels == KNOWN


def dependence(function: Callable[..., Any], arguments: Sequence[Any], levels: Sequence[int]) -> list[Dependence]:
    """How each output of `function` depends on arguments of these levels.

    - `arguments`: arrays or numbers at which all its values are finite.
    """
    closed = jax.make_jaxpr(function)(*arguments)
    inputs = [Dependence(np.full(np.shape(a), k), np.asarray(a)) for a, k in zip(arguments, levels, strict=True)]
    return interpret(
        closed.jaxpr,
        [_constant(const) for const in closed.consts],
        inputs,
        _results,
        lambda value, aval: _constant(value),
        lambda eqn, operands: is_analytic_function(eqn),
    )


def _constant(value: Any) -> Dependence:
    value = np.asarray(value)
    return Dependence(np.zeros(value.shape, int), value)


def _results(eqn: Any, operands: Sequence[Dependence]) -> list[Dependence]:
    values = [np.asarray(v) for v in evaluate(eqn, [jnp.asarray(operand.value) for operand in operands])]
    highest = max((int(operand.levels.max(initial=KNOWN)) for operand in operands), default=KNOWN)
    if highest == KNOWN:
        return [_constant(value) for value in values]
    if eqn.primitive.name in MOVING:
        moved = evaluate(eqn, [jnp.asarray(operand.levels) for operand in operands])
        return [Dependence(np.asarray(level), value) for level, value in zip(moved, values, strict=True)]
    return [Dependence(_levels(eqn, operands, highest, value.shape), value) for value in values]


def _levels(eqn: Any, operands: Sequence[Dependence], highest: int, shape: tuple[int, ...]) -> np.ndarray:
    """The levels of a result of which not all is known, for an operation that does more than move entries."""
    name, levels = eqn.primitive.name, [operand.levels for operand in operands]
    if name in ("gather", "dynamic_slice") and all((each == KNOWN).all() for each in levels[1:]):
        indices = [jnp.asarray(operand.value) for operand in operands[1:]]
        moved = np.asarray(evaluate(eqn, [jnp.asarray(levels[0]), *indices])[0])
        return np.where((moved >= KNOWN) & (moved <= BROKEN), moved, BROKEN)  # out of bounds a fill value stands
    if name == "select_n":
        return _chosen(operands, shape)
    if name in _SUMS:
        return _summed(eqn, levels[0])
    if name == "convert_element_type" and jnp.issubdtype(eqn.params["new_dtype"], jnp.inexact):
        return levels[0]
    is_smooth = name in ANALYTIC or name == "dot_general" or is_analytic_function(eqn)
    if not is_smooth:
        return np.full(shape, STEADY if highest == STEADY else BROKEN)
    if name == "dot_general" or any(each.shape not in (shape, ()) for each in levels):
        return np.full(shape, highest)
    together = np.maximum.reduce([np.broadcast_to(each, shape) for each in levels])
    if name == "mul":
        for operand in operands:
            together = np.where((operand.levels == KNOWN) & (operand.value == 0), KNOWN, together)
    return together


def _chosen(operands: Sequence[Dependence], shape: tuple[int, ...]) -> np.ndarray:
    """The levels of a choice: of the chosen case if the choice is known, else of all cases and of the choice."""
    which, *cases = operands
    every = np.maximum.reduce([case.levels for case in cases])
    picked = np.choose(np.broadcast_to(which.value.astype(int), shape), [case.levels for case in cases])
    changing = np.maximum(every, np.where(which.levels == STEADY, STEADY, BROKEN))
    return np.where(which.levels == KNOWN, picked, changing)


def _summed(eqn: Any, levels: np.ndarray) -> np.ndarray:
    axes = eqn.params[_SUMS[eqn.primitive.name]]
    if isinstance(axes, tuple):
        return levels.max(axis=axes, initial=KNOWN)
    along = np.flip(levels, axes) if eqn.params.get("reverse") else levels
    found = np.maximum.accumulate(along, axis=axes)
    return np.flip(found, axes) if eqn.params.get("reverse") else found


def is_analytic_function(eqn: Any) -> bool:
    """Whether an equation calls, unchanged, one of the functions that compare inside but have no kink."""
    if (inner := _inside(eqn)) is None:
        return False
    avals = tuple((v.aval.shape, v.aval.dtype, v.aval.weak_type) for v in inner.jaxpr.invars)
    return any(inner == known for known in _known_functions(avals))


@functools.cache
def _known_functions(avals: tuple[tuple[tuple[int, ...], Any, bool], ...]) -> list[Program | None]:
    arguments = [jax.ShapeDtypeStruct(shape, dtype, weak_type=weak) for shape, dtype, weak in avals]
    functions = _ANALYTIC_FUNCTIONS.get(len(avals), ())
    return [_inside(jax.make_jaxpr(function)(*arguments).jaxpr.eqns[0]) for function in functions]


def _inside(eqn: Any) -> Program | None:
    """The program of the function that an equation calls; None if it calls none."""
    inner = eqn.params.get("jaxpr", eqn.params.get("call_jaxpr"))
    return None if inner is None else Program(getattr(inner, "jaxpr", inner))
