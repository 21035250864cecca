"""Equations written in fields.

An equation is a plain function whose argument names say what it needs. It is traced once, with symbols in place of
the fields, coordinates and coefficients it names. From the trace follows which derivatives it asks for; `Equation`
then evaluates it from their values. A derivative of an expression, `partial(flux, "x")`, is the total derivative on
the jet space of the fields: with flux = F(x, u, u_x, ...) it is F_x + F_u u_x + F_{u_x} u_xx + ..., one forward-mode
pass through the expression itself.
"""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._base.errors import InputError, InputTypeError
from .._base.tracing.dependence import is_analytic_function
from .._base.tracing.jaxpr import called, evaluate, read
from .._base.tracing.taylor import Index
from .field import Field, array_of
from .symbols import Frame, Symbol, bind_symbol, elsewhere_p, frame_in_force, partial_p, symbol_p

FieldValue = Callable[[str, Index, tuple[Array, ...]], Array]
"""`(name, index, coordinates)` to the derivative of a field there, coordinates being arrays of one shape."""


class Node(NamedTuple):
    """One operation of a traced equation: `inputs` are nodes or constants, `output` picks a result."""

    eqn: Any
    inputs: tuple[Any, ...]
    output: int

    @property
    def operands(self) -> tuple[Any, ...]:
        """The inputs whose values it is computed from; a derivative is computed from the expression itself."""
        return () if self.eqn.primitive is partial_p else self.inputs


def in_order(
    root: Any, is_known: Callable[[Node], bool], inputs: Callable[[Node], Sequence[Any]] = lambda node: node.inputs
) -> Iterator[Node]:
    """The nodes from `root` down that are not known yet, inputs first; equations may be long, so no recursion."""
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
    """A traced residual: what it needs, and its value from that.

    - `derivatives`: for each field the multi-indices needed at the condition's own point;
    - `fields`: number of components of each field;
    - `symbols`: everything else it depends on as well;
    - `size`: number of equations in it;
    - `output`: the node that is its value.
    """

    def __init__(self, residual: Callable[..., Any], frame: Frame, arguments: Sequence[str]):
        token = frame_in_force.set(frame)
        try:
            closed = jax.make_jaxpr(lambda: _as_vector(residual(**_arguments(arguments, frame))))()
        finally:
            frame_in_force.reset(token)
        self._closed, self._coordinates = closed, frame.coordinates
        self.fields = frame.fields
        self._needs_of: dict[int, tuple[Node, frozenset[Symbol]]] = {}  # with the node, so that its id stays its own
        (self.output,) = flatten(closed.jaxpr, closed.consts, ())
        self.size: int = closed.out_avals[0].shape[0]
        self.symbols = self.needs(self.output)
        self.derivatives = {
            name: tuple(sorted({s.orders for s in self.symbols if s.kind == "field" and s.name == name}))
            for name in frame.fields
        }

    def __call__(self, values: Mapping[Symbol, Array], field_value: FieldValue) -> Float[Array, " m"]:
        """The residual from the values of `symbols`."""
        return self.value(self.output, dict(values), field_value)

    @property
    def text(self) -> str:
        """The trace and its constants in full: the same for the same equation, but for addresses in memory."""
        constants = [f"{np.asarray(c).dtype} {np.asarray(c).tolist()}" for c in _constants(self._closed)]
        return "\n".join([str(self._closed.jaxpr), *constants])

    @property
    def looks_elsewhere(self) -> bool:
        """Whether it takes fields at other points than its own."""
        return bool(self.elsewhere)

    @property
    def displaced(self) -> frozenset[str]:
        """The coordinates along which it takes fields at other points than its own."""
        return frozenset(
            name
            for node in self.elsewhere
            for name, point in zip(self._coordinates, node.inputs, strict=True)
            if not _is_coordinate(point, name)
        )

    @functools.cached_property
    def elsewhere(self) -> list[Node]:
        """The nodes at which a field is taken at other points."""
        return [node for node in self.nodes() if node.eqn.primitive is elsewhere_p]

    def nodes(self, root: Any = None) -> Iterator[Node]:
        """The nodes of the equation, or those that `root` is made of, inputs first."""
        seen: set[int] = set()
        for node in in_order(self.output if root is None else root, lambda node: id(node) in seen):
            seen.add(id(node))
            yield node

    def needs(self, node: Any) -> frozenset[Symbol]:
        """What the value of `node` depends on."""
        known = self._needs_of
        for each in in_order(node, lambda each: id(each) in known):
            needs = frozenset().union(*(known[id(child)][1] for child in each.inputs if isinstance(child, Node)))
            if each.eqn.primitive is symbol_p:
                needs = frozenset([each.eqn.params["symbol"]])
            elif each.eqn.primitive is partial_p:
                needs |= {self.derivative(symbol, each.eqn.params["coordinate"]) for symbol in needs}
            known[id(each)] = each, needs
        return known[id(node)][1] if isinstance(node, Node) else frozenset()

    def derivative(self, symbol: Symbol, coordinate: str) -> Symbol:
        """What a symbol becomes when it is differentiated."""
        if symbol.kind in ("normal", "column"):
            raise InputError(
                f"`partial` of an expression with '{symbol.name}', which is known at the points only, not between"
            )
        if symbol.kind != "field":
            return symbol
        axis = self._coordinates.index(coordinate)
        return symbol._replace(orders=tuple(n + (i == axis) for i, n in enumerate(symbol.orders)))

    def value(self, node: Any, values: dict[Symbol, Array], field_value: FieldValue) -> Any:
        """The value of a node from those of the symbols it needs."""
        return self.evaluator(values, field_value)(node)

    def evaluator(self, values: dict[Symbol, Array], field_value: FieldValue) -> Callable[[Any], Any]:
        """A function from nodes to their values, each operation carried out once."""
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
            return [field_value(params["name"], params["index"], tuple(jnp.asarray(x) for x in operands))]
        return evaluate(node.eqn, operands)

    def _total_derivative(
        self, node: Any, coordinate: str, values: dict[Symbol, Array], field_value: FieldValue
    ) -> Array:
        needs = self.needs(node)
        primals = {symbol: values[symbol] for symbol in needs}
        tangents = {symbol: self._rate(symbol, coordinate, values) for symbol in needs}
        names = sorted(needs)
        function = lambda *point: self.value(node, dict(zip(names, point, strict=True)), field_value)
        if not names:
            return jnp.zeros_like(function())
        return jax.jvp(function, [primals[name] for name in names], [tangents[name] for name in names])[1]

    def _rate(self, symbol: Symbol, coordinate: str, values: dict[Symbol, Array]) -> Array:
        if symbol.kind == "field":
            return values[self.derivative(symbol, coordinate)]
        rate = 1.0 if symbol == Symbol("coordinate", coordinate) else 0.0
        return jnp.full_like(values[symbol], rate)


def _arguments(names: Sequence[str], frame: Frame) -> dict[str, Any]:
    """What the function gets for each name it asks for."""
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
    arrays = [array_of(part) for part in parts]
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
    """The outputs of a jaxpr as nodes, calls inlined but for functions that are known as a whole."""
    values = dict(zip((*jaxpr.constvars, *jaxpr.invars), (*consts, *inputs), strict=True))
    for eqn in jaxpr.eqns:
        operands = tuple(read(atom, values) for atom in eqn.invars)
        if (inner := called(eqn)) is not None and not is_analytic_function(eqn):
            results = flatten(*inner, operands)
        else:
            _refuse_inner_symbols(eqn)
            results = [Node(eqn, operands, output) for output in range(len(eqn.outvars))]
        values.update(zip(eqn.outvars, results, strict=True))
    return [read(atom, values) for atom in jaxpr.outvars]


def _is_coordinate(node: Any, name: str) -> bool:
    """Whether a node is the coordinate `name` of the equation's own point, perhaps repeated."""
    while isinstance(node, Node) and node.eqn.primitive.name in ("broadcast_in_dim", "convert_element_type", "reshape"):
        (node,) = node.inputs
    is_symbol = isinstance(node, Node) and node.eqn.primitive is symbol_p
    return is_symbol and node.eqn.params["symbol"] == Symbol("coordinate", name)


def _constants(closed: Any) -> list[Any]:
    """The constants of a jaxpr, and of those inside it, such as of a compiled function that is called."""
    found = list(getattr(closed, "consts", ()))
    for eqn in getattr(closed, "jaxpr", closed).eqns:
        inner = jax.tree.leaves(list(eqn.params.values()), is_leaf=lambda x: hasattr(x, "eqns") or hasattr(x, "jaxpr"))
        for jaxpr in inner:
            if hasattr(jaxpr, "eqns") or hasattr(jaxpr, "jaxpr"):
                found += _constants(jaxpr)
    return found


def _refuse_inner_symbols(eqn: Any) -> None:
    for inner in jax.tree.leaves(list(eqn.params.values()), is_leaf=lambda x: hasattr(x, "eqns")):
        for equation in getattr(inner, "eqns", ()):
            if equation.primitive in (symbol_p, elsewhere_p, partial_p):
                raise InputError(
                    f"a field or derivative is taken inside `{eqn.primitive.name}`; "
                    "take it before and hand the value in"
                )
            _refuse_inner_symbols(equation)
