"""Errors against a reference, in closed form."""

import numpy as np
import pytest

from pinnkit import Problem, ProblemError
from pinnkit.diagnostics.evaluation import ReferenceGrid, errors_of

from ..problems_for_tests import LINE, poisson

X = np.linspace(0, 1, 1001)


def one(values, reference):
    found = errors_of({"u": values}, {"u": reference})
    return [figure.get("u") for figure in found]


def test_an_offset_does_not_hide_an_error():
    rise = 2.6 * X
    relative, largest, of_spread, of_range = one(300 + rise + 0.16 * np.sin(np.pi * X), 300 + rise)
    assert relative < 5e-4 and largest == pytest.approx(0.16)
    assert of_range == pytest.approx(0.16 / 2.6)
    assert of_spread == pytest.approx(0.16 / np.sqrt(2) / (2.6 / np.sqrt(12)), rel=2e-3)


@pytest.mark.parametrize("factor", [1.0, 1e-9, 1e12])
def test_relative_errors_know_no_units(factor):
    reference = np.exp(X)
    np.testing.assert_allclose(
        one(factor * (reference + 0.01 * X), factor * reference)[::2],
        one(reference + 0.01 * X, reference)[::2],
        rtol=1e-9,
    )


def test_a_constant_reference_is_compared_with_its_size_and_one_that_vanishes_with_nothing():
    relative, largest, of_spread, of_range = one(300 + 0.3 * X, np.full_like(X, 300.0))
    assert relative == pytest.approx(1e-3 / np.sqrt(3), rel=1e-2) and largest == pytest.approx(0.3)
    assert of_spread is None and of_range is None
    assert one(0.1 * X, 0 * X) == [None, pytest.approx(0.1), None, None]


def test_points_without_a_reference_are_left_out():
    values, reference = np.where(X < 0.5, 1e9, np.sin(X)), np.where(X < 0.5, np.nan, np.sin(X))
    assert one(values, reference) == [0.0, 0.0, 0.0, 0.0]


def test_components_of_a_vector_share_one_error():
    reference = np.stack([np.sin(X), 0 * X], -1)
    found = one(reference + np.array([0.0, 0.01]), reference)
    assert found[0] == pytest.approx(0.01 / np.sqrt(np.mean(np.sin(X) ** 2)), rel=1e-6)
    assert found[3] == pytest.approx(0.01 / np.sin(1.0))


def test_a_reference_that_is_nan_somewhere_means_not_there_and_everywhere_is_refused():
    given = lambda f: Problem("p", LINE, poisson().conditions, reference=f)
    grid = ReferenceGrid.of(given(lambda x: np.where(x > 0.5, np.nan, x)))
    assert 0.45 < np.isnan(grid.reference["u"]).mean() < 0.55
    with pytest.raises(ProblemError, match="NaN at all 1001 points for field 'u'"):
        ReferenceGrid.of(given(lambda x: np.nan * x))
    with pytest.raises(ProblemError, match="NaN at all"):
        ReferenceGrid.of(given(lambda x: np.nan))
    with pytest.raises(ProblemError, match="infinite for field 'u' at x = 1"):
        ReferenceGrid.of(given(lambda x: np.where(x == 1.0, np.inf, np.nan)))
