"""The formulas of a traced equation."""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..._base.tracing.jaxpr import evaluate
from ..._base.tracing.primitives import COPYING, MOVING
from ..object_arrays import contracted, filled, mapped, moved
from ..symbols import Symbol, elsewhere_p, partial_p, symbol_p
from ..trace import Equation, Node, in_order
from .formula import (
    Call,
    FieldValue,
    Formula,
    Name,
    Number,
    Power,
    Quotient,
    Relation,
    derivative,
    power,
)

FUNCTIONS: dict[str, str] = {
    **{name: name for name in "exp log sin cos tan sinh cosh tanh sqrt cbrt sign floor ceil erf erfc max min".split()},
    **{name: f"arc{name[1:]}" for name in "asin acos atan asinh acosh atanh".split()},
    "log1p": "log1p",
    "expm1": "expm1",
    "abs": "abs",
    "logistic": "sigmoid",
    "atan2": "atan2",
    "lgamma": "lgamma",
}
"""Functions by the names of the primitives, which apply them to each entry."""

RELATIONS = {"lt": "<", "le": "≤", "gt": ">", "ge": "≥", "eq": "=", "ne": "≠"}

Rule = Callable[[Node, list[np.ndarray]], np.ndarray]


def formulas(equation: Equation, coordinates: Sequence[str]) -> list[Formula]:
    """One formula for each row of an equation."""
    return list(entries(equation.output, coordinates).flat)


def entries(source: Any, coordinates: Sequence[str]) -> np.ndarray:
    """The formulas of the entries of a node of a trace, or of a constant, in its shape."""
    known: dict[Node, np.ndarray] = {}
    read = lambda value: known[value] if isinstance(value, Node) else _constants(value)
    for node in in_order(source, known.__contains__):
        known[node] = _formulas(node, [read(value) for value in node.inputs], coordinates)
    return read(source)


def _formulas(node: Node, inputs: list[np.ndarray], coordinates: Sequence[str]) -> np.ndarray:
    eqn = node.eqn
    if eqn.primitive is symbol_p:
        return _symbols(eqn.params["symbol"], eqn.params["shape"], coordinates)
    if eqn.primitive is elsewhere_p:
        return _elsewhere(eqn.params, inputs, coordinates)
    if eqn.primitive is partial_p:
        return mapped(lambda entry: derivative(entry, eqn.params["coordinate"]), inputs[0])
    name: str = (
        eqn.params.get("name", eqn.primitive.name) if eqn.primitive.name in ("jit", "pjit") else eqn.primitive.name
    )
    rule = _RULES.get(name)
    if rule is not None:
        return rule(node, inputs)
    if not inputs:  # numbers that an operation such as `arange` makes
        return _constants(evaluate(eqn, [])[node.output])
    return _opaque(node, inputs, FUNCTIONS.get(name) or name, is_entrywise=name in FUNCTIONS)


def _symbols(symbol: Symbol, shape: tuple[int, ...], coordinates: Sequence[str]) -> np.ndarray:
    components = [None] if shape == () else range(shape[0])
    if symbol.kind != "field":
        return filled(shape, (Name(symbol.name, i) for i in components))
    names = _by_coordinate(symbol.orders, coordinates)
    return filled(shape, (FieldValue(symbol.name, i, names) for i in components))


def _elsewhere(params: Any, point: list[np.ndarray], coordinates: Sequence[str]) -> np.ndarray:
    names = _by_coordinate(params["index"], coordinates)
    components = [None] if params["shape"] == () else range(params["shape"][0])
    entries = list[Formula]()
    for place in zip(*(axis.flat for axis in point), strict=True):
        moved = [(name, x) for name, x in zip(coordinates, place, strict=True) if x != Name(name)]
        entries += [FieldValue(params["name"], i, names, tuple(moved)) for i in components]
    return filled(point[0].shape + tuple(params["shape"]), entries)


def _by_coordinate(orders: Sequence[int], coordinates: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name, order in zip(coordinates, orders, strict=True) for _ in range(order))


def _constants(value: Any) -> np.ndarray:
    array = np.asarray(value)
    return filled(array.shape, (Number(float(entry)) for entry in array.flat))


def _opaque(node: Node, inputs: list[np.ndarray], name: str, is_entrywise: bool) -> np.ndarray:
    """A function of its operands, entry by entry or as a whole."""
    shape = node.eqn.outvars[node.output].aval.shape
    if is_entrywise or all(entries.shape == shape for entries in inputs):
        return mapped(lambda *entries: Call(name, entries), *inputs)
    whole = tuple(entry for entries in inputs for entry in entries.flat)
    return filled(shape, itertools.repeat(Call(name, whole), math.prod(shape)))


def _sum(node: Node, inputs: list[np.ndarray]) -> np.ndarray:
    return np.asarray(inputs[0].sum(axis=tuple(node.eqn.params["axes"])), object)


def _contract(node: Node, inputs: list[np.ndarray]) -> np.ndarray:
    found = contracted(node, inputs)
    return _opaque(node, inputs, "dot", is_entrywise=False) if found is None else found


def _select(node: Node, inputs: list[np.ndarray]) -> np.ndarray:
    if len(inputs) != 3:
        return _opaque(node, inputs, "select", is_entrywise=False)
    which, where_false, where_true = inputs
    return mapped(lambda c, a, b: Call("where", (c, b, a)), which, where_false, where_true)


def _entrywise(function: Callable[..., Formula]) -> Rule:
    return lambda node, inputs: mapped(function, *inputs)


def _relation(sign: str) -> Rule:
    return _entrywise(lambda a, b: Relation(sign, a, b))


_RULES: dict[str, Rule] = {
    **dict.fromkeys(MOVING, moved),
    **dict.fromkeys(COPYING, lambda node, inputs: inputs[0]),
    **dict.fromkeys(("add", "add_any"), _entrywise(lambda a, b: a + b)),
    "sub": _entrywise(lambda a, b: a - b),
    "neg": _entrywise(lambda a: -a),
    "mul": _entrywise(lambda a, b: a * b),
    "div": _entrywise(lambda a, b: a / b),
    "square": _entrywise(lambda a: power(a, 2)),
    "integer_pow": lambda node, inputs: mapped(lambda a: power(a, node.eqn.params["y"]), *inputs),
    "pow": _entrywise(Power),
    "rsqrt": _entrywise(lambda a: Quotient(Number(1.0), Call("sqrt", (a,)))),
    "exp2": _entrywise(lambda a: Power(Number(2.0), a)),
    "reduce_sum": _sum,
    "dot_general": _contract,
    "select_n": _select,
    **{name: _relation(sign) for name, sign in RELATIONS.items()},
}
