"""Formulas as text and as LaTeX."""

import abc
import math
from fractions import Fraction

from .formula import (
    Call,
    Derivative,
    FieldValue,
    Formula,
    Name,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Relation,
    Sum,
)

LOOSE, ADDED, MULTIPLIED, RAISED = range(4)
"""How tightly the surroundings of a formula bind: arguments, terms, factors, bases of powers."""

GREEK: dict[str, str] = dict(
    zip(
        "alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi rho sigma tau phi chi psi omega "
        "Gamma Delta Theta Lambda Xi Sigma Phi Psi Omega".split(),
        "αβγδεζηθκλμνξρστφχψωΓΔΘΛΞΣΦΨΩ",
        strict=True,
    )
)

_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")

_LATEX_FUNCTIONS = frozenset("exp log sin cos tan sinh cosh tanh max min arcsin arccos arctan".split())

_LATEX_SIGNS = {"≤": r"\le", "≥": r"\ge", "≠": r"\ne"}


class Renderer(abc.ABC):
    """Writes formulas; subclasses say what names, powers, quotients and derivatives look like."""

    space: str
    minus: str

    def __call__(self, formula: Formula, around: int = LOOSE) -> str:
        """The formula, in brackets if its surroundings bind more tightly than it does."""
        text, binding = self._write(formula)
        return self.bracketed(text) if binding < around else text

    def _write(self, formula: Formula) -> tuple[str, int]:
        match formula:
            case Number(value):
                text = self.number(abs(value))
                is_one_word = not any(mark in text for mark in " /^")
                return (self.minus + text, ADDED) if value < 0 else (text, RAISED if is_one_word else MULTIPLIED)
            case Name(name, component):
                return self.name(name, component), RAISED
            case FieldValue():
                return self.field(formula), RAISED
            case Negative(inner):
                return self.minus + self(inner, MULTIPLIED), ADDED
            case Sum(terms):
                return self._sum(terms), ADDED
            case Product(factors):
                return self.space.join(self(factor, MULTIPLIED) for factor in factors), MULTIPLIED
            case Quotient(numerator, denominator):
                return self.quotient(numerator, denominator)
            case Power(base, exponent):
                return self.power(base, exponent), MULTIPLIED
            case Relation(sign, left, right):
                return f"{self(left, ADDED)} {self.sign(sign)} {self(right, ADDED)}", LOOSE
            case Derivative(inner, coordinates):
                return self.derivative(inner, coordinates), MULTIPLIED
            case Call(function, arguments):
                return self.call(function, arguments), RAISED
            case _:
                raise AssertionError(f"a formula of an unknown kind: {formula!r}")

    def _sum(self, terms: tuple[Formula, ...]) -> str:
        first, *others = terms
        text = self(first, ADDED)
        for term in others:
            is_negative = isinstance(term, Negative) or (isinstance(term, Number) and term.value < 0)
            text += f" {self.minus} {self(-term, MULTIPLIED)}" if is_negative else f" + {self(term, MULTIPLIED)}"
        return text

    def number(self, value: float) -> str:
        """A number ≥ 0: multiples of π and π² by name, others with up to six digits."""
        if not math.isfinite(value):
            return str(value)
        if value == int(value) and value < 1e6:
            return str(int(value))
        for exponent in (1, 2):
            share = Fraction(value / math.pi**exponent).limit_denominator(12)
            if (
                share
                and share.numerator <= 100
                and math.isclose(value, float(share) * math.pi**exponent, rel_tol=1e-14)
            ):
                return self.of_pi(share, exponent)
        return self.scientific(f"{value:.6g}")

    @abc.abstractmethod
    def bracketed(self, text: str) -> str: ...

    @abc.abstractmethod
    def of_pi(self, share: Fraction, exponent: int) -> str: ...

    @abc.abstractmethod
    def scientific(self, digits: str) -> str: ...

    @abc.abstractmethod
    def name(self, name: str, component: int | None = None) -> str: ...

    @abc.abstractmethod
    def field(self, field: FieldValue) -> str: ...

    @abc.abstractmethod
    def quotient(self, numerator: Formula, denominator: Formula) -> tuple[str, int]: ...

    @abc.abstractmethod
    def power(self, base: Formula, exponent: Formula) -> str: ...

    @abc.abstractmethod
    def sign(self, sign: str) -> str: ...

    @abc.abstractmethod
    def derivative(self, inner: Formula, coordinates: tuple[str, ...]) -> str: ...

    @abc.abstractmethod
    def call(self, function: str, arguments: tuple[Formula, ...]) -> str: ...


class Text(Renderer):
    """Formulas on one line: `c T_t − k T_xx`."""

    space, minus = " ", "−"

    def bracketed(self, text: str) -> str:
        return f"({text})"

    def of_pi(self, share: Fraction, exponent: int) -> str:
        pi = "π" if exponent == 1 else "π²"
        above = pi if share.numerator == 1 else f"{share.numerator} {pi}"
        return above if share.denominator == 1 else f"{above}/{share.denominator}"

    def scientific(self, digits: str) -> str:
        return digits.replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")

    def name(self, name: str, component: int | None = None) -> str:
        own = GREEK.get(name, "n" if name == "normal" else name)
        return own if component is None else f"{own}[{component}]"

    def field(self, field: FieldValue) -> str:
        own = self.name(field.name, field.component)
        own += "_" + "".join(map(self.name, field.derivative)) if field.derivative else ""
        place = ", ".join(f"{self.name(name)} = {self(x)}" for name, x in field.place)
        return f"{own}({place})" if place else own

    def quotient(self, numerator: Formula, denominator: Formula) -> tuple[str, int]:
        return f"{self(numerator, MULTIPLIED)}/{self(denominator, RAISED)}", MULTIPLIED

    def power(self, base: Formula, exponent: Formula) -> str:
        if isinstance(exponent, Number) and exponent.value == int(exponent.value) and abs(exponent.value) < 100:
            return self(base, RAISED) + str(int(exponent.value)).translate(_SUPERSCRIPTS)
        return f"{self(base, RAISED)}^{self(exponent, RAISED)}"

    def sign(self, sign: str) -> str:
        return sign

    def derivative(self, inner: Formula, coordinates: tuple[str, ...]) -> str:
        return f"∂{''.join(map(self.name, coordinates))}({self(inner)})"

    def call(self, function: str, arguments: tuple[Formula, ...]) -> str:
        listed = ", ".join(map(self, arguments))
        return f"|{listed}|" if function == "abs" else f"{function}({listed})"


class Latex(Renderer):
    r"""Formulas in LaTeX: `c\, T_{t} - k\, T_{xx}`."""

    space, minus = r"\, ", "-"

    def bracketed(self, text: str) -> str:
        return rf"\left({text}\right)"

    def of_pi(self, share: Fraction, exponent: int) -> str:
        pi = r"\pi" if exponent == 1 else r"\pi^{2}"
        above = pi if share.numerator == 1 else rf"{share.numerator}\, {pi}"
        return above if share.denominator == 1 else rf"\frac{{{above}}}{{{share.denominator}}}"

    def scientific(self, digits: str) -> str:
        mantissa, _, exponent = digits.partition("e")
        return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else mantissa

    def name(self, name: str, component: int | None = None) -> str:
        stem, _, index = name.partition("_")
        if name in GREEK:
            own = f"\\{name}"
        elif stem in GREEK and index.isalnum():
            own = rf"\{stem}_{{\mathrm{{{index}}}}}"
        elif name == "normal":
            own = "n"
        else:
            escaped = name.replace("_", r"\_")
            own = name if len(name) == 1 else rf"\mathrm{{{escaped}}}"
        return own if component is None else f"{{{own}}}_{{{component}}}"

    def field(self, field: FieldValue) -> str:
        parts = [*map(str, [] if field.component is None else [field.component])]
        names = "".join(map(self.name, field.derivative))
        index = ", ".join([*parts, *([names] if names else [])])
        own = f"{{{self.name(field.name)}}}_{{{index}}}" if index else self.name(field.name)
        place = ", ".join(f"{self.name(name)} = {self(x)}" for name, x in field.place)
        return rf"{own}\left({place}\right)" if place else own

    def quotient(self, numerator: Formula, denominator: Formula) -> tuple[str, int]:
        return rf"\frac{{{self(numerator)}}}{{{self(denominator)}}}", RAISED

    def power(self, base: Formula, exponent: Formula) -> str:
        return rf"{{{self(base, RAISED)}}}^{{{self(exponent)}}}"

    def sign(self, sign: str) -> str:
        return _LATEX_SIGNS.get(sign, sign)

    def derivative(self, inner: Formula, coordinates: tuple[str, ...]) -> str:
        return rf"\partial_{{{''.join(map(self.name, coordinates))}}} {self.bracketed(self(inner))}"

    def call(self, function: str, arguments: tuple[Formula, ...]) -> str:
        listed = ", ".join(map(self, arguments))
        if function == "abs":
            return rf"\left|{listed}\right|"
        if function == "sqrt":
            return rf"\sqrt{{{listed}}}"
        name = f"\\{function}" if function in _LATEX_FUNCTIONS else rf"\operatorname{{{function}}}"
        return f"{name}{self.bracketed(listed)}"
