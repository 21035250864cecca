"""Coefficients as text: no more digits than are known."""

import math

from .._base.numbers import ABSENT
from ..diagnostics.coefficient_interval import Withheld
from ..runs.summary import Summary

GIVEN, WITHHELD, MOST = 6, 3, 15
"""Significant digits of a given coefficient, of an unknown one without a finite interval, and at most."""

UNCERTAIN = 2
"""Significant digits of half the interval: the value ends with the last of them."""


def coefficient(summary: Summary, name: str) -> str:
    """A value; for an unknown coefficient also its interval, or the reason why there is none."""
    if name not in summary.coefficients:
        return ABSENT
    if name not in summary.coefficient_intervals:
        return coefficient_value(summary, name)
    return f"{coefficient_value(summary, name)} ({coefficient_interval(summary, name)})"


def coefficient_value(summary: Summary, name: str) -> str:
    """The value with the digits that are known."""
    value, interval = summary.coefficients[name], summary.coefficient_intervals.get(name)
    if interval is None:
        return f"{value:.{GIVEN}g}"
    if isinstance(interval, Withheld):
        return f"{value:.{WITHHELD}g}"
    return _rounded(value, *interval)


def coefficient_interval(summary: Summary, name: str) -> str:
    """The interval of an unknown coefficient, or the reason why there is none."""
    interval = summary.coefficient_intervals[name]
    if interval is Withheld.NOT_DETERMINED:
        return interval.value
    if isinstance(interval, Withheld):
        return f"{interval.value}, no interval"
    return f"95 %: {_rounded(interval[0], *interval)} to {_rounded(interval[1], *interval)}"


def _rounded(value: float, low: float, high: float) -> str:
    """Rounded to the decimal at which half the interval has `UNCERTAIN` digits."""
    half = (high - low) / 2
    if not (half > 0 and math.isfinite(half) and math.isfinite(value)):
        return f"{value:.{MOST if half == 0 else WITHHELD}g}"
    decimals = UNCERTAIN - 1 - math.floor(math.log10(half))
    if 0 < decimals <= MOST and abs(value) < 1e6:
        return f"{value:.{decimals}f}" if abs(value) >= 1e-4 else _significant(value, decimals)
    return _significant(value, decimals)


def _significant(value: float, decimals: int) -> str:
    digits = decimals + (math.floor(math.log10(abs(value))) if value else 0) + 1
    return f"{value:.{min(max(digits, 1), MOST)}g}"
