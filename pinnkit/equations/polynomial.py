"""Polynomials in the derivatives of fields, and expansions of a traced equation in them."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .._base.tracing.primitives import COPYING, MOVING
from .._base.tracing.series import Channel, Index
from .object_arrays import contracted, filled, mapped, moved
from .symbols import Symbol, partial_p, symbol_p
from .trace import Equation, Node, in_order

ENTRIES, TERMS = 64, 64
"""Larger arrays and longer polynomials are not expanded."""

Monomial = tuple[int, ...]
"""A product of atoms, by number in ascending order."""

AtPoint = Callable[[str, Channel], Array]
"""`(field, channel)` to a derivative of the field, or the value of an operator on it, at the condition's own point."""


class Polynomial(dict[Monomial, float]):
    """Coefficients by monomial; missing monomials have the coefficient zero."""

    def __add__(self, other: "Polynomial") -> "Polynomial":
        total = {monomial: self.get(monomial, 0.0) + other.get(monomial, 0.0) for monomial in self | other}
        return Polynomial({monomial: c for monomial, c in total.items() if c})

    def __mul__(self, other: "Polynomial") -> "Polynomial":
        total = Polynomial()
        for a, first in self.items():
            for b, second in other.items():
                total += Polynomial({tuple(sorted(a + b)): first * second})
        return total

    @property
    def leading(self) -> float:
        """The coefficient of the first monomial."""
        return self[min(self)]


class Atom(NamedTuple):
    """One entry of a symbol, or of a node that is not expanded."""

    source: Any
    entry: int

    @property
    def derivative(self) -> Index | None:
        """The multi-index of a field's derivative; None for anything else."""
        is_field = isinstance(self.source, Symbol) and self.source.kind == "field"
        return self.source.orders if is_field and any(self.source.orders) else None


class Expansion:
    """The entries of an equation's nodes as polynomials in atoms; None for a node that is too large."""

    def __init__(self, equation: Equation):
        self._equation = equation
        self.atoms: list[Atom] = []
        self._numbers: dict[Any, int] = {}
        self._known: dict[Node, Any] = {}

    def __call__(self, node: Any) -> Any:
        if not isinstance(node, Node):
            return filled(np.shape(node), map(constant, np.ravel(node))) if np.size(node) <= ENTRIES else None
        for each in in_order(node, self._known.__contains__):
            self._known[each] = self._expand(each)
        return self._known[node]

    def depends_on_fields(self, atom: Atom) -> bool:
        """Whether the value of an atom depends on fields, here or elsewhere."""
        return any(symbol.kind in ("field", "elsewhere") for symbol in self._symbols(atom))

    def derivatives_in(self, atom: Atom) -> set[Index]:
        """The multi-indices of all field values that an atom depends on."""
        return {symbol.orders for symbol in self._symbols(atom) if symbol.kind == "field"}

    def of_rows(self) -> Iterable[Polynomial]:
        """The rows of the equation."""
        rows = self(self._equation.output)
        if rows is None:
            rows = self._taken(self._equation.output, (self._equation.size,))
        return rows.flat

    def value(self, polynomial: Polynomial, values: Mapping[Symbol, Array]) -> Any:
        """The value of a polynomial whose atoms do not depend on fields; a Python number if it has no atoms."""
        total: Any = 0.0
        for monomial, coefficient in polynomial.items():
            term: Any = coefficient
            for number in monomial:
                source, entry = self.atoms[number]
                is_symbol = isinstance(source, Symbol)
                array = values[source] if is_symbol else self._equation.value(source, dict(values), _no_field)
                term = term * jnp.ravel(array)[entry]
            total = total + term
        return total

    def is_known(self, polynomial: Polynomial, values: Mapping[Symbol, Any]) -> bool:
        """Whether the value of a polynomial follows from those of some symbols."""
        return all(
            symbol in values
            for monomial in polynomial
            for number in monomial
            for symbol in self._symbols(self.atoms[number])
        )

    def _symbols(self, atom: Atom) -> frozenset[Symbol]:
        return frozenset([atom.source]) if isinstance(atom.source, Symbol) else self._equation.needs(atom.source)

    def _expand(self, node: Node) -> Any:
        shape, dtype = node.eqn.outvars[node.output].aval.shape, node.eqn.outvars[node.output].aval.dtype
        if math.prod(shape) > ENTRIES:
            return None
        if node.eqn.primitive is symbol_p:
            return self._taken(node.eqn.params["symbol"], shape)
        inputs = [self(child) for child in node.inputs]
        rule = _RULES.get(node.eqn.primitive.name) if jnp.issubdtype(dtype, jnp.floating) else None
        if node.eqn.primitive is partial_p and inputs[0] is not None:
            result = mapped(lambda entry: self._derivative(entry, node.eqn), inputs[0])
        elif rule is None or any(entries is None for entries in inputs):
            result = None
        else:
            result = rule(node, inputs)
        too_long = result is None or any(len(entry) > TERMS for entry in result.flat)
        return self._taken(node, shape) if too_long else result

    def _taken(self, source: Any, shape: tuple[int, ...]) -> np.ndarray:
        """A symbol or node that is not expanded."""
        atoms = (self._atom(source, entry) for entry in range(math.prod(shape)))
        return filled(shape, (Polynomial({(atom,): 1.0}) for atom in atoms))

    def _atom(self, source: Any, entry: int, key: Any = None) -> int:
        key = (source, entry) if key is None else key
        if key not in self._numbers:
            self._numbers[key] = len(self.atoms)
            self.atoms.append(Atom(source, entry))
        return self._numbers[key]

    def _derivative(self, polynomial: Polynomial, eqn: Any) -> Polynomial:
        """By the product rule; `eqn` is the differentiation."""
        total = Polynomial()
        for monomial, coefficient in polynomial.items():
            for place, number in enumerate(monomial):
                rest = Polynomial({monomial[:place] + monomial[place + 1 :]: coefficient})
                total += rest * self._derivative_of_atom(number, eqn)
        return total

    def _derivative_of_atom(self, number: int, eqn: Any) -> Polynomial:
        source, entry = self.atoms[number]
        coordinate = eqn.params["coordinate"]
        if not isinstance(source, Symbol):
            node = Node(eqn, (source,), 0)
            return Polynomial({(self._atom(node, entry, ("partial", number, coordinate)),): 1.0})
        if source.kind == "field":
            return Polynomial({(self._atom(self._equation.derivative(source, coordinate), entry),): 1.0})
        return constant(float(source == Symbol("coordinate", coordinate)))


def _no_field(*where: Any) -> Array:
    raise AssertionError("the coefficient of an operator does not depend on fields")


def constant(value: Any) -> Polynomial:
    return Polynomial({(): float(value)} if value else {})


# Operations on arrays of polynomials; None for a result that is not expanded.


def _divide(node: Node, inputs: list[np.ndarray]) -> np.ndarray | None:
    numerator, denominator = inputs
    if any(entry.keys() != {()} for entry in denominator.flat):
        return None
    return mapped(lambda a, b: a * constant(1 / b[()]), numerator, denominator)


def _power(node: Node, inputs: list[np.ndarray]) -> np.ndarray | None:
    exponent = node.eqn.params.get("y", 2)
    return mapped(lambda entry: math.prod([entry] * exponent, start=constant(1)), *inputs) if exponent > 0 else None


def _sum(node: Node, inputs: list[np.ndarray]) -> np.ndarray:
    axes = tuple(node.eqn.params["axes"])
    moved = np.moveaxis(inputs[0], axes, range(len(axes)))
    shape = moved.shape[len(axes) :]
    columns = moved.reshape(-1, math.prod(shape)).T
    return filled(shape, (sum(column, start=Polynomial()) for column in columns))


_RULES: dict[str, Callable[[Node, list[np.ndarray]], np.ndarray | None]] = {
    **dict.fromkeys(MOVING, moved),
    **dict.fromkeys(COPYING, lambda node, inputs: inputs[0]),
    **dict.fromkeys(("add", "add_any"), lambda node, inputs: mapped(lambda a, b: a + b, *inputs)),
    "sub": lambda node, inputs: mapped(lambda a, b: a + b * constant(-1), *inputs),
    "neg": lambda node, inputs: mapped(lambda a: a * constant(-1), *inputs),
    "mul": lambda node, inputs: mapped(lambda a, b: a * b, *inputs),
    "div": _divide,
    **dict.fromkeys(("square", "integer_pow"), _power),
    "reduce_sum": _sum,
    "dot_general": contracted,
}
