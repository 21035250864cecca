"""Intervals of coefficients against classical least squares."""

import numpy as np
import pytest
import scipy.optimize

from pinnkit import Condition, Interval, PointSet, Problem, Unknown, fit
from pinnkit.intervals import _estimate

LINE = Interval(x=(0.0, 1.0))
NOISE = 0.02


def decay(seed, count=40):
    """u' = −k u with k = 2 and u(0) = 1 from noisy samples; the samples, and the problem."""
    x = np.linspace(0.05, 1, count)
    samples = np.exp(-2 * x) + NOISE * np.random.default_rng(seed).standard_normal(count)
    problem = Problem(
        name="decay",
        domain=LINE,
        coefficients={"k": Unknown(1.0, positive=True)},
        conditions={
            "pde": Condition(lambda u, k: u.x + k * u, on=LINE.interior),
            "start": Condition(lambda u: u - 1.0, on=LINE.start("x")),
            "data": Condition(lambda u, sample: u - sample, on=PointSet({"x": x}, sample=samples)),
        },
    )
    return x, samples, problem


DEEP = {"strategy": "gauss-newton", "steps": 150, "width": 8, "depth": 1, "weights": {"pde": 100.0}}


@pytest.mark.parametrize("options", [pytest.param({}, marks=pytest.mark.slow), DEEP], ids=["auto", "deep"])
def test_intervals_are_those_of_least_squares_on_the_known_solution(options):
    """With the equation and the start fulfilled u = exp(−kx), and k is found by fitting this to the samples."""
    x, samples, problem = decay(0)
    solution = fit(problem, **options)
    (k,), covariance = scipy.optimize.curve_fit(lambda x, k: np.exp(-k * x), x, samples, p0=[1.0])
    low, high = solution.summary.coefficient_intervals["k"]
    assert solution.coefficients["k"] == pytest.approx(k, rel=3e-3)
    assert np.sqrt(low * high) == pytest.approx(solution.coefficients["k"], rel=1e-9)  # symmetric in the logarithm
    half = 1.96 * np.sqrt(covariance[0, 0])
    assert 0.6 * half < (high - low) / 2 < 1.7 * half


def test_estimates_are_those_of_a_linear_model():
    rng = np.random.default_rng(0)
    A = rng.standard_normal((4000, 3))
    r = 0.1 * rng.standard_normal(4000)
    expected = 0.1 * np.sqrt(np.linalg.inv(A.T @ A).diagonal())
    found = [_estimate(A, r, i).error for i in range(3)]
    np.testing.assert_allclose(found, expected, rtol=0.05)
    np.testing.assert_allclose(_estimate(A * [1e6, 1, 1e-6], r, 0).error, found[0] / 1e6, rtol=1e-9)


def test_leverage_makes_up_for_what_a_fit_absorbs():
    """Residuals of a fit are smaller than errors; over many draws the estimated variance is right."""
    rng = np.random.default_rng(0)
    A = rng.standard_normal((12, 6))
    projector = np.eye(12) - A @ np.linalg.pinv(A)
    variances = [_estimate(A, projector @ rng.standard_normal(12), 0).error ** 2 for _ in range(3000)]
    assert np.mean(variances) == pytest.approx(np.linalg.inv(A.T @ A)[0, 0], rel=0.05)


def test_what_the_residuals_do_not_determine_has_no_interval():
    rng = np.random.default_rng(0)
    column = rng.standard_normal((50, 1))
    assert _estimate(np.hstack([column, column]), rng.standard_normal(50), 0) is None
    assert _estimate(np.hstack([0 * column, column]), rng.standard_normal(50), 0) is None


def test_given_coefficients_have_no_interval():
    problem = Problem(
        name="p",
        domain=LINE,
        coefficients={"nu": 1.0},
        conditions={"pde": Condition(lambda u, nu: nu * u.xx, on=LINE.interior)},
    )
    assert fit(problem, strategy="adam", steps=1, points=8, width=4, depth=1).summary.coefficient_intervals == {}
