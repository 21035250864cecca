"""The additive terms of the rows of an equation: the scale of its residual."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .._base.tracing.jaxpr import evaluate
from .._base.tracing.primitives import COPYING, MOVING
from .formulas.formula import Formula, Number
from .formulas.reading import entries
from .symbols import Symbol, partial_p
from .trace import Equation, FieldValue, Node

MOST_TERMS = 64
"""Most terms of a row; longer sums are not separated further."""

MOST_ENTRIES = 4096
"""Largest array whose entries are followed through operations that move them."""


class Term(NamedTuple):
    """One entry of a node of the trace, or of a constant, with its sign in the sum."""

    source: Any
    entry: int
    sign: float


class RowTerms:
    """The terms of the rows of an equation.

    - `rows`: groups of terms by row. A group is one term, or all terms of a row without derivatives, since values less
      an offset, as in `T**4 - T0**4`, have the size of their difference;
    - `orders`: the highest order of differentiation in each row.
    """

    def __init__(self, equation: Equation):
        self._equation = equation
        terms = [self._terms(row) for row in range(equation.size)]
        self.orders = [max((self._order(term) for term in row), default=0) for row in terms]
        self.rows = [self._grouped(row, order) for row, order in zip(terms, self.orders, strict=True)]

    def __call__(self, values: Mapping[Symbol, Array], field_value: FieldValue) -> list[Array]:
        """The values of the groups of each row at a point."""
        value = lambda term: term.sign * jnp.ravel(self._value(term.source, values, field_value))[term.entry]
        return [jnp.stack([jnp.asarray(sum(map(value, group))) for group in row]) for row in self.rows]

    def formulas(self, coordinates: Sequence[str]) -> list[list[Formula]]:
        """The formulas of the groups of each row."""
        return [[_added(group, coordinates) for group in row] for row in self.rows]

    def _value(self, source: Any, values: Mapping[Symbol, Array], field_value: FieldValue) -> Any:
        return self._equation.value(source, dict(values), field_value)

    def _terms(self, row: int) -> list[Term]:
        rest, found = [Term(self._equation.output, row, 1.0)], list[Term]()
        while rest:
            term = rest.pop()
            parts = None if len(rest) + len(found) >= MOST_TERMS else self._parts(term)
            if parts is None:
                found.append(term)
            else:
                rest.extend(parts)
        return found

    def _parts(self, term: Term) -> list[Term] | None:
        """The summands of a term; None if it is not a sum."""
        node, entry, sign = term
        if not isinstance(node, Node):
            return None
        name, inputs = node.eqn.primitive.name, node.inputs
        if name in ("add", "add_any", "sub"):
            signs = (sign, -sign if name == "sub" else sign)
            return [Term(x, entry if np.prod(_shape(x)) > 1 else 0, s) for x, s in zip(inputs, signs, strict=True)]
        if name == "neg":
            return [Term(inputs[0], entry, -sign)]
        if name in COPYING and jnp.issubdtype(node.eqn.invars[0].aval.dtype, jnp.floating):
            return [Term(inputs[0], entry, sign)]
        if name in MOVING:
            return [Term(*place, sign) for place in _moved(node, entry)] or None
        if name == "reduce_sum" and _entries(node) <= MOST_ENTRIES:
            return [Term(inputs[0], number, sign) for number in _summed(node, entry)]
        if node.eqn.primitive is partial_p:
            return self._differentiated(term)
        return None

    def _differentiated(self, term: Term) -> list[Term] | None:
        """The derivative of a sum is the sum of derivatives."""
        node, entry, sign = term
        inner = node.inputs[0]
        if not isinstance(inner, Node) or inner.eqn.primitive.name not in ("add", "add_any", "sub", "neg"):
            return None
        if any(_shape(x) != _shape(inner) for x in inner.inputs):
            return None
        signs = {"sub": (1.0, -1.0), "neg": (-1.0,)}.get(inner.eqn.primitive.name, (1.0, 1.0))
        return [Term(Node(node.eqn, (x,), 0), entry, s * sign) for x, s in zip(inner.inputs, signs, strict=True)]

    def _grouped(self, terms: list[Term], order: int) -> list[list[Term]]:
        if order == 0:
            return [[term] for term in terms]
        plain = [term for term in terms if self._order(term) == 0]
        return [[term] for term in terms if self._order(term) > 0] + ([plain] if plain else [])

    def _order(self, term: Term) -> int:
        """The highest order of differentiation in a term, including fields elsewhere."""
        needs = self._equation.needs(term.source)
        return max((sum(symbol.orders) for symbol in needs if symbol.kind in ("field", "elsewhere")), default=0)


def _added(terms: Sequence[Term], coordinates: Sequence[str]) -> Formula:
    found: Formula = Number(0.0)
    for term in terms:
        formula = entries(term.source, coordinates).flat[term.entry]
        found = found - formula if term.sign < 0 else found + formula
    return found


def _shape(source: Any) -> tuple[int, ...]:
    return source.eqn.outvars[source.output].aval.shape if isinstance(source, Node) else np.shape(source)


def _entries(node: Node) -> int:
    return sum(math.prod(_shape(x)) for x in node.inputs)


def _moved(node: Node, entry: int) -> Iterator[tuple[Any, int]]:
    """Where an entry of an operation that only moves entries comes from."""
    sizes = [math.prod(_shape(x)) for x in node.inputs]
    if sum(sizes) > MOST_ENTRIES:
        return
    starts = np.cumsum([0, *sizes])
    numbers = [
        np.arange(a, a + n, dtype=float).reshape(_shape(x)) for a, n, x in zip(starts, sizes, node.inputs, strict=False)
    ]
    number = int(np.ravel(np.asarray(evaluate(node.eqn, numbers)[node.output]))[entry])
    which = int(np.searchsorted(starts, number, side="right")) - 1
    yield node.inputs[which], number - int(starts[which])


def _summed(node: Node, entry: int) -> list[int]:
    """The entries that a sum over axes adds up."""
    shape, axes = _shape(node.inputs[0]), tuple(node.eqn.params["axes"])
    numbers = np.moveaxis(np.arange(math.prod(shape)).reshape(shape), axes, range(len(axes)))
    return numbers.reshape(math.prod(shape[axis] for axis in axes), -1)[:, entry].tolist()
