"""Traced equations.

An equation is a plain function whose arguments are named after what it depends on. It is traced once, with symbols in
place of the fields, coordinates and coefficients. The trace shows which derivatives it needs; `Equation` then evaluates
it from their values. A derivative of an expression, `partial(flux, "x")`, is the total derivative on the jet space of
the fields: with flux = F(x, u, u_x, ...) it is F_x + F_u u_x + F_{u_x} u_xx + ..., one forward-mode pass through the
expression itself.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._base.errors import InputError, InputTypeError
from .._base.tracing.dependence import is_analytic_function
from .._base.tracing.interpreter import interpret
from .._base.tracing.jaxpr import evaluate, inner_jaxprs
from .._base.tracing.primitives import COPYING, RESHAPING
from .field import Field, array_of
from .symbols import Frame, Symbol, bind_symbol, elsewhere_p, frame_in_force, partial_p, symbol_p

FieldValue = Callable[[Symbol, tuple[Array, ...]], Array]
"""`(symbol, point)` to the value of a field elsewhere; the coordinates of the point are arrays of one shape."""


@dataclass(frozen=True, eq=False)
class Node:
    """One operation of a traced equation: `inputs` are nodes or constants, `output` is the number of a result.

    Nodes are compared and hashed by identity.
    """

    eqn: Any
    inputs: tuple[Any, ...]
    output: int

    @property
    def operands(self) -> tuple[Any, ...]:
        """The inputs whose values are needed; a derivative is computed from its expression instead."""
        return () if self.eqn.primitive is partial_p else self.inputs


def in_order(
    root: Any, is_known: Callable[[Node], bool], inputs: Callable[[Node], Sequence[Any]] = lambda node: node.inputs
) -> Iterator[Node]:
    """The unknown nodes that `root` depends on, inputs first; without recursion, since equations may be long."""
    waiting = [(root, False)]
    while waiting:
        node, is_ready = waiting.pop()
        if not isinstance(node, Node) or is_known(node):
            continue
        if is_ready:
            yield node
        else:
            waiting.append((node, True))
            waiting.extend((child, False) for child in reversed(inputs(node)))


class Equation:
    """A traced residual: what it depends on, and its value from that.

    - `derivatives`: for each field the multi-indices needed at the condition's own point;
    - `fields`: number of components of each field;
    - `symbols`: all symbols it depends on but fields elsewhere; `elsewhere`: those, in a fixed order;
    - `points`: by the `place` of such a symbol the nodes of its coordinates;
    - `size`: number of rows;
    - `output`: the node that is its value.
    """

    def __init__(self, residual: Callable[..., Any], frame: Frame, arguments: Sequence[str]):
        token = frame_in_force.set(frame)
        try:
            closed = jax.make_jaxpr(lambda: _as_vector(residual(**_arguments(arguments, frame))))()
        finally:
            frame_in_force.reset(token)
        self._closed, self._coordinates = closed, frame.coordinates
        self._needs_of: dict[Node, frozenset[Symbol]] = {}
        self._places: dict[tuple[int, ...], int] = {}
        self.points: list[tuple[Any, ...]] = []
        self.fields = frame.fields
        (self.output,) = flatten(closed.jaxpr, closed.consts, ())
        self.size: int = closed.out_avals[0].shape[0]
        needs = self.needs(self.output)
        self.elsewhere = tuple(sorted(symbol for symbol in needs if symbol.kind == "elsewhere"))
        self.symbols = needs.difference(self.elsewhere)
        self.derivatives = {
            name: tuple(sorted({s.orders for s in self.symbols if s.kind == "field" and s.name == name}))
            for name in frame.fields
        }

    def __call__(self, values: Mapping[Symbol, Array], field_value: FieldValue) -> Float[Array, " m"]:
        """The residual from the values of `symbols`, and of fields elsewhere."""
        return self.value(self.output, dict(values), field_value)

    @property
    def text(self) -> str:
        """The trace and its constants: the same for the same equation, except for addresses in memory."""
        constants = [f"{np.asarray(c).dtype} {np.asarray(c).tolist()}" for c in _constants(self._closed)]
        return "\n".join([str(self._closed.jaxpr), *constants])

    @property
    def displaced(self) -> frozenset[str]:
        """The coordinates along which fields are evaluated at other points than the condition's own."""
        return frozenset(
            name
            for point in self.points
            for name, coordinate in zip(self._coordinates, point, strict=True)
            if not _is_coordinate(coordinate, name)
        )

    def nodes(self, root: Any = None) -> Iterator[Node]:
        """The nodes of the equation, or those that `root` depends on, inputs first."""
        seen: set[Node] = set()
        for node in in_order(self.output if root is None else root, seen.__contains__):
            seen.add(node)
            yield node

    def needs(self, node: Any) -> frozenset[Symbol]:
        """The symbols that the value of `node` depends on."""
        known = self._needs_of
        for each in in_order(node, known.__contains__):
            needs = frozenset().union(*(known[child] for child in each.inputs if isinstance(child, Node)))
            if each.eqn.primitive is symbol_p:
                needs = frozenset([each.eqn.params["symbol"]])
            elif each.eqn.primitive is elsewhere_p:
                needs |= {self.symbol_of(each)}
            elif each.eqn.primitive is partial_p:
                needs |= {self.derivative(symbol, each.eqn.params["coordinate"]) for symbol in needs}
            known[each] = needs
        return known[node] if isinstance(node, Node) else frozenset()

    def symbol_of(self, node: Node) -> Symbol:
        """The symbol of a node that is a field elsewhere."""
        key = tuple(map(id, node.inputs))
        if key not in self._places:
            self._places[key] = len(self.points)
            self.points.append(node.inputs)
        return Symbol("elsewhere", node.eqn.params["name"], node.eqn.params["index"], self._places[key])

    def derivative(self, symbol: Symbol, coordinate: str) -> Symbol:
        """The symbol that the derivative of another one needs."""
        if symbol.kind in ("normal", "column"):
            raise InputError(
                f"`partial` of an expression with '{symbol.name}', which is known at the points only, not between them"
            )
        if symbol.kind != "field":
            return symbol
        axis = self._coordinates.index(coordinate)
        return symbol._replace(orders=tuple(n + (i == axis) for i, n in enumerate(symbol.orders)))

    def value(self, node: Any, values: dict[Symbol, Array], field_value: FieldValue) -> Any:
        """The value of a node from those of the symbols it needs."""
        return self.evaluator(values, field_value)(node)

    def evaluator(self, values: dict[Symbol, Array], field_value: FieldValue) -> Callable[[Any], Any]:
        """A function from nodes to their values that carries out each operation once."""
        memo: dict[tuple[int, ...], list[Any]] = {}
        key = lambda node: (id(node.eqn), *map(id, node.inputs))
        read = lambda node: memo[key(node)][node.output] if isinstance(node, Node) else node

        def evaluated(node: Any) -> Any:
            for each in in_order(node, lambda each: key(each) in memo, lambda each: each.operands):
                memo[key(each)] = self._apply(each, list(map(read, each.operands)), values, field_value)
            return read(node)

        return evaluated

    def _apply(
        self, node: Node, operands: list[Any], values: dict[Symbol, Array], field_value: FieldValue
    ) -> list[Any]:
        params = node.eqn.params
        if node.eqn.primitive is symbol_p:
            return [values[params["symbol"]]]
        if node.eqn.primitive is partial_p:
            return [self._total_derivative(node.inputs[0], params["coordinate"], values, field_value)]
        if node.eqn.primitive is elsewhere_p:
            return [field_value(self.symbol_of(node), tuple(jnp.asarray(x) for x in operands))]
        return evaluate(node.eqn, operands)

    def _total_derivative(
        self, node: Any, coordinate: str, values: dict[Symbol, Array], field_value: FieldValue
    ) -> Array:
        names = sorted(symbol for symbol in self.needs(node) if symbol.kind != "elsewhere")
        function = lambda *point: self.value(node, dict(zip(names, point, strict=True)), field_value)
        if not names:
            return jnp.zeros_like(function())
        rates = [self._rate(name, coordinate, values) for name in names]
        return jax.jvp(function, [values[name] for name in names], rates)[1]

    def _rate(self, symbol: Symbol, coordinate: str, values: dict[Symbol, Array]) -> Array:
        if symbol.kind == "field":
            return values[self.derivative(symbol, coordinate)]
        rate = 1.0 if symbol == Symbol("coordinate", coordinate) else 0.0
        return jnp.full_like(values[symbol], rate)


def _arguments(names: Sequence[str], frame: Frame) -> dict[str, Any]:
    """The values of the arguments of an equation, by name."""
    origin = (0,) * len(frame.coordinates)
    out: dict[str, Any] = {}
    for name in names:
        if name in frame.fields:
            out[name] = Field(name, origin)
        elif name in frame.coordinates:
            out[name] = bind_symbol("coordinate", name)
        elif name in frame.coefficients:
            out[name] = bind_symbol("coefficient", name)
        elif name == "normal":
            out[name] = bind_symbol("normal", name, shape=(len(frame.coordinates),))
        else:
            out[name] = bind_symbol("column", name)
    return out


def _as_vector(residual: Any) -> Array:
    parts = list(residual) if isinstance(residual, list | tuple) else [residual]
    arrays: list[Any] = [array_of(part) for part in parts]
    for array in arrays:
        if array is None or not hasattr(array, "dtype") and not isinstance(array, int | float):
            raise InputTypeError(f"it returns {type(array).__name__}; an equation returns its residual, a number")
        shape = jnp.shape(array)
        if len(shape) > 1:
            raise InputError(
                f"its residual has shape {shape}; one point's residual is a number, or a vector (shape (m,)) "
                "for m equations"
            )
    vector = jnp.concatenate([jnp.atleast_1d(jnp.asarray(array)) for array in arrays])
    if not jnp.issubdtype(vector.dtype, jnp.floating):
        raise InputTypeError(f"its residual is of type {vector.dtype}; it must be a real floating-point number")
    if not vector.size:
        raise InputError("its residual is empty")
    return vector


def flatten(jaxpr: Any, consts: Sequence[Any], inputs: Sequence[Any]) -> list[Any]:
    """The outputs of a jaxpr as nodes, with calls inlined except those of functions known to be analytic."""

    def nodes(eqn: Any, operands: list[Any]) -> list[Node]:
        _refuse_inner_symbols(eqn)
        return [Node(eqn, tuple(operands), output) for output in range(len(eqn.outvars))]

    return interpret(jaxpr, consts, inputs, nodes, is_whole=lambda eqn, operands: is_analytic_function(eqn))


def _is_coordinate(node: Any, name: str) -> bool:
    """Whether a node is the coordinate `name` of the equation's own point, perhaps repeated."""
    while isinstance(node, Node) and node.eqn.primitive.name in RESHAPING | COPYING:
        if not jnp.issubdtype(node.eqn.outvars[0].aval.dtype, jnp.floating):
            return False  # a whole number
        (node,) = node.inputs
    is_symbol = isinstance(node, Node) and node.eqn.primitive is symbol_p
    return is_symbol and node.eqn.params["symbol"] == Symbol("coordinate", name)


def _constants(closed: Any) -> list[Any]:
    """The constants of a jaxpr and of all jaxprs inside it, such as that of a compiled function it calls."""
    inner = [jaxpr for eqn in closed.eqns for jaxpr in inner_jaxprs(eqn)]
    return [*getattr(closed, "consts", ()), *itertools.chain(*map(_constants, inner))]


def _refuse_inner_symbols(eqn: Any) -> None:
    for inner in inner_jaxprs(eqn):
        for equation in inner.eqns:
            if equation.primitive in (symbol_p, elsewhere_p, partial_p):
                raise InputError(
                    f"a field or derivative is taken inside `{eqn.primitive.name}`; take it outside and pass its value"
                )
            _refuse_inner_symbols(equation)
