"""Coefficients are printed with the digits that are known."""

import msgspec
import pytest

from pinnkit.diagnostics.coefficient_interval import Withheld
from pinnkit.report.coefficients import coefficient

from .synthetic import make_run


@pytest.mark.parametrize(
    ("value", "interval", "text"),
    [
        (2.0513456, (1.9871, 2.1156), "2.051 (95 %: 1.987 to 2.116)"),
        (0.199512, (0.1904, 0.2086), "0.1995 (95 %: 0.1904 to 0.2086)"),
        (1234567.0, (1200000.0, 1270000.0), "1.235e+06 (95 %: 1.2e+06 to 1.27e+06)"),
        (123.456, (100.0, 147.0), "123 (95 %: 100 to 147)"),
        (-3.21e-7, (-3.4e-7, -3.0e-7), "-3.21e-07 (95 %: -3.4e-07 to -3e-07)"),
        (9.8696044, (9.86960438, 9.86960442), "9.869604400 (95 %: 9.869604380 to 9.869604420)"),
        (0.2421234, Withheld.MOVING, "0.242 (still moving, no interval)"),
        (1.4140856, Withheld.NOT_DETERMINED, "1.41 (not determined)"),
    ],
)
def test_digits_follow_the_uncertainty(value, interval, text):
    summary = make_run(coefficients={"k": value}, coefficient_intervals={"k": interval}).summary
    assert coefficient(summary, "k") == text


def test_given_coefficients_and_absent_ones():
    summary = make_run(coefficients={"k": 0.0031830988}).summary
    assert coefficient(summary, "k") == "0.0031831"
    assert coefficient(summary, "q") == "–"


@pytest.mark.parametrize("interval", [(1.5, 2.5), *Withheld])
def test_intervals_are_kept(interval):
    summary = make_run(coefficients={"k": 2.0}, coefficient_intervals={"k": interval}).summary
    assert msgspec.json.decode(summary.encoded(), type=type(summary)) == summary
