"""Formulas as trees, with the arithmetic that reading a trace needs.

Only zeros, ones and signs are simplified, so that a formula looks like what was written.
"""

from dataclasses import dataclass


class Formula:
    """A formula; sums, differences, products and quotients of formulas are formulas."""

    def __add__(self, other: "Formula") -> "Formula":
        if is_number(self, 0.0):
            return other
        return self if is_number(other, 0.0) else Sum((*_terms(self), *_terms(other)))

    def __neg__(self) -> "Formula":
        match self:
            case Number(value):
                return Number(-value)
            case Negative(inner):
                return inner
            case Sum(terms):
                return Sum(tuple(-term for term in terms))
            case _:
                return Negative(self)

    def __sub__(self, other: "Formula") -> "Formula":
        return self + -other

    def __mul__(self, other: "Formula") -> "Formula":
        if is_number(self, 0.0) or is_number(other, 0.0):
            return Number(0.0)
        if isinstance(self, Negative) or isinstance(other, Negative):
            one, two = (part.inner if isinstance(part, Negative) else part for part in (self, other))
            product = one * two
            return product if isinstance(self, Negative) and isinstance(other, Negative) else -product
        (first, ours), (second, others) = _split(self), _split(other)
        number, factors = first * second, (*ours, *others)
        if not factors:
            return Number(number)
        size = abs(number)
        listed = factors if size == 1 else (Number(size), *factors)
        product = listed[0] if len(listed) == 1 else Product(listed)
        return Negative(product) if number < 0 else product

    def __truediv__(self, other: "Formula") -> "Formula":
        if is_number(other, 1.0) or is_number(self, 0.0):
            return self
        if isinstance(self, Negative):
            return -(self.inner / other)
        return Quotient(self, other)


@dataclass(frozen=True)
class Number(Formula):
    value: float


@dataclass(frozen=True)
class Name(Formula):
    """A coordinate, a coefficient, a data column or the component of a normal."""

    name: str
    component: int | None = None


@dataclass(frozen=True)
class FieldValue(Formula):
    """A field, its component and the coordinates of its derivative; elsewhere at a point, by coordinate."""

    name: str
    component: int | None
    derivative: tuple[str, ...]
    place: tuple[tuple[str, Formula], ...] = ()


@dataclass(frozen=True)
class Negative(Formula):
    inner: Formula


@dataclass(frozen=True)
class Sum(Formula):
    terms: tuple[Formula, ...]


@dataclass(frozen=True)
class Product(Formula):
    factors: tuple[Formula, ...]


@dataclass(frozen=True)
class Quotient(Formula):
    numerator: Formula
    denominator: Formula


@dataclass(frozen=True)
class Power(Formula):
    base: Formula
    exponent: Formula


@dataclass(frozen=True)
class Call(Formula):
    function: str
    arguments: tuple[Formula, ...]


@dataclass(frozen=True)
class Relation(Formula):
    """A comparison, by its sign."""

    sign: str
    left: Formula
    right: Formula


@dataclass(frozen=True)
class Derivative(Formula):
    """The total derivative of an expression."""

    inner: Formula
    coordinates: tuple[str, ...]


def is_number(formula: Formula, value: float) -> bool:
    return isinstance(formula, Number) and formula.value == value


def derivative(inner: Formula, coordinate: str) -> Formula:
    """The derivative of an expression; of a field or a derivative, the higher derivative."""
    match inner:
        case Derivative(expression, before):
            return Derivative(expression, (*before, coordinate))
        case FieldValue(name, component, before, ()):
            return FieldValue(name, component, (*before, coordinate))
        case Number():
            return Number(0.0)
        case _:
            return Derivative(inner, (coordinate,))


def power(base: Formula, exponent: float) -> Formula:
    return base if exponent == 1 else Power(base, Number(exponent))


def _terms(formula: Formula) -> tuple[Formula, ...]:
    return formula.terms if isinstance(formula, Sum) else (formula,)


def _split(formula: Formula) -> tuple[float, tuple[Formula, ...]]:
    """The number and the other factors of a product."""
    factors = formula.factors if isinstance(formula, Product) else (formula,)
    if isinstance(factors[0], Number):
        return factors[0].value, factors[1:]
    return 1.0, factors
