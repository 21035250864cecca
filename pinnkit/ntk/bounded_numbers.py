"""Numbers that say how far they can be trusted, and print so."""

import math


class NumericalRank(int):
    """The number of eigenvalues above the rounding floor; printed as `≥ 20` if there may be more."""

    is_lower_bound: bool

    def __new__(cls, value: int, is_lower_bound: bool = False) -> "NumericalRank":
        number = super().__new__(cls, value)
        number.is_lower_bound = is_lower_bound
        return number

    def __format__(self, spec: str) -> str:
        return f"≥ {int(self):{spec}}" if self.is_lower_bound else format(int(self), spec)

    def __str__(self) -> str:
        return format(self, "")

    __repr__ = __str__


class ConditionNumber(float):
    r"""$\kappa = \lambda_{\max} / \lambda_{\min}$, or a lower bound for it, which prints as `> 4.50e+13`.

    A float in every other respect. `is_lower_bound` is true where the smallest eigenvalue is unknown or cannot
    be told from zero. `relative_error` is the relative uncertainty of a value, to first order in the errors of
    the two eigenvalues; always below 1, as a larger one makes it a bound. Formats apply to the number:
    `f"{kappa:.1e}"` gives `> 4.5e+13`.
    """

    is_lower_bound: bool
    relative_error: float

    def __new__(cls, value: float, is_lower_bound: bool = False, relative_error: float = 0.0) -> "ConditionNumber":
        number = super().__new__(cls, value)
        number.is_lower_bound = is_lower_bound
        number.relative_error = math.inf if is_lower_bound else relative_error
        return number

    def __format__(self, spec: str) -> str:
        return _format(self, spec, self.is_lower_bound, ".2e")

    def __str__(self) -> str:
        return format(self, "")

    __repr__ = __str__


class SpectralBias(float):
    r"""$\ln(\lambda_{\max} / \lambda_{\min})$ over the resolvable eigenvalues; `> 12.3` where some are not known."""

    is_lower_bound: bool

    def __new__(cls, value: float, is_lower_bound: bool = False) -> "SpectralBias":
        number = super().__new__(cls, value)
        number.is_lower_bound = is_lower_bound
        return number

    def __format__(self, spec: str) -> str:
        return _format(self, spec, self.is_lower_bound, ".3g")

    def __str__(self) -> str:
        return format(self, "")

    __repr__ = __str__


class Estimate(float):
    """A number known up to a `standard_error`; prints as `12.3 ± 0.4`. Formats apply to both."""

    standard_error: float

    def __new__(cls, value: float, standard_error: float = 0.0) -> "Estimate":
        number = super().__new__(cls, value)
        number.standard_error = standard_error
        return number

    def __format__(self, spec: str) -> str:
        spec = spec or _digits(float(self), self.standard_error)
        return f"{float(self):{spec}} ± {self.standard_error:{spec}}"

    def __str__(self) -> str:
        return format(self, "")

    __repr__ = __str__


def _format(number: float, spec: str, is_lower_bound: bool, spec_of_bounds: str) -> str:
    return f"> {float(number):{spec or spec_of_bounds}}" if is_lower_bound else format(float(number), spec)


def _digits(value: float, error: float) -> str:
    """Decimals down to the first digit of the error; exponents where the number is out of everyday range."""
    if not (error > 0 and 1e-4 <= max(abs(value), error) < 1e6):
        return ".3g"
    return f".{max(0, -math.floor(math.log10(error)))}f"
