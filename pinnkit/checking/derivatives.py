"""The fields and derivatives that equations take."""

from collections.abc import Sequence

from ..equations.formulas.formula import FieldValue
from ..equations.formulas.rendering import Text
from ..equations.symbols import Symbol
from ..equations.terms import RowTerms
from ..equations.trace import Equation


def derivative_name(field: str, orders: Sequence[int], coordinates: Sequence[str]) -> str:
    """As in formulas: `u`, `u_xx`."""
    by = tuple(name for name, order in zip(coordinates, orders, strict=True) for _ in range(order))
    return Text()(FieldValue(field, None, by))


def derivatives_of(equation: Equation, coordinates: Sequence[str]) -> tuple[str, ...]:
    """The names of the fields and derivatives in an equation, at its point or elsewhere."""
    taken = {(s.name, s.orders) for s in (*equation.symbols, *equation.elsewhere) if s.kind in ("field", "elsewhere")}
    fields = list(equation.fields)
    ordered = sorted(taken, key=lambda each: (fields.index(each[0]), sum(each[1]), [-n for n in each[1]]))
    return tuple(derivative_name(name, orders, coordinates) for name, orders in ordered)


def rows_of(equation: Equation) -> list[frozenset[Symbol]]:
    """For each row of an equation the fields and derivatives that it takes, at its point or elsewhere."""
    terms = RowTerms(equation).rows
    needs = lambda row: (symbol for group in row for term in group for symbol in equation.needs(term.source))
    return [frozenset(symbol for symbol in needs(row) if symbol.kind in ("field", "elsewhere")) for row in terms]
