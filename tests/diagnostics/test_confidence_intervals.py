"""Intervals of coefficients against classical least squares."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from pinnkit import BandWarning, Box, Choices, Condition, Interval, PointSet, Problem, Unknown, fit
from pinnkit.diagnostics.coefficient_interval import Withheld
from pinnkit.diagnostics.condition_check import ConditionCheck, RowCheck
from pinnkit.diagnostics.confidence_intervals import interval_half, reason_to_withhold
from pinnkit.diagnostics.data_fit import DataFit
from pinnkit.diagnostics.determinacy import Determinacy
from pinnkit.diagnostics.posterior import MOST_PARAMETERS, Spread

LINE, PLANE = Interval(x=(0.0, 1.0)), Box(x=(0.0, 1.0), t=(0.0, 1.0))
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
    found = Spread(A, r).deviations(np.eye(3))
    np.testing.assert_allclose(found, expected, rtol=0.05)
    np.testing.assert_allclose(Spread(A * [1e6, 1, 1e-6], r).deviations(np.eye(3))[0], found[0] / 1e6, rtol=1e-9)


def test_known_errors_give_the_covariance_of_least_squares():
    rng = np.random.default_rng(0)
    A, sigma = rng.standard_normal((50, 3)), rng.uniform(0.1, 1.0, 50)
    spread = Spread(A, rng.standard_normal(50)).with_errors(sigma)
    pseudo = np.linalg.pinv(A)
    np.testing.assert_allclose(spread.covariance(np.eye(3)), pseudo * sigma**2 @ pseudo.T, rtol=1e-9)
    gradients = rng.standard_normal((7, 3))
    expected = np.sqrt(np.diag(gradients @ pseudo * sigma**2 @ pseudo.T @ gradients.T))
    np.testing.assert_allclose(spread.deviations(gradients), expected, rtol=1e-9)


def test_leverage_makes_up_for_what_a_fit_absorbs():
    """Residuals of a fit are smaller than errors; over many draws the estimated variance is right."""
    rng = np.random.default_rng(0)
    A = rng.standard_normal((12, 6))
    projector = np.eye(12) - A @ np.linalg.pinv(A)
    first = np.eye(1, 6)
    variances = [Spread(A, projector @ rng.standard_normal(12)).covariance(first)[0, 0] for _ in range(3000)]
    assert np.mean(variances) == pytest.approx(np.linalg.inv(A.T @ A)[0, 0], rel=0.05)


def test_what_the_residuals_do_not_determine_has_no_interval():
    rng = np.random.default_rng(0)
    column = rng.standard_normal((50, 1))
    first = np.eye(1, 2)
    for A in (np.hstack([column, column]), np.hstack([0 * column, column])):
        assert interval_half(Spread(A, rng.standard_normal(50)), first, 1.96) is Withheld.NOT_DETERMINED


def test_the_step_to_come_is_that_of_least_squares():
    rng = np.random.default_rng(0)
    A, r = rng.standard_normal((50, 4)) * [1.0, 1e3, 1e-3, 1.0], rng.standard_normal(50)
    step = -np.linalg.lstsq(A, r, rcond=None)[0]
    np.testing.assert_allclose(Spread(A, r).steps(np.eye(4)), step, rtol=1e-9)


def test_there_is_no_interval_before_the_minimum():
    """Stopped after a step or two k is still far from 2; the interval would not reach there."""
    _, _, problem = decay(0)
    early = fit(problem, **{**DEEP, "steps": 2})
    assert abs(np.log(early.coefficients["k"] / 2)) > 0.1
    assert early.summary.coefficient_intervals["k"] is Withheld.MOVING
    assert "still moving, no interval" in early.report.verdict


def heat(seed, count=60):
    """u_t = a u_xx with a = 0.1 from noisy samples."""
    rng = np.random.default_rng(seed)
    x, t = rng.uniform(size=count), rng.uniform(size=count)
    samples = np.exp(-0.1 * np.pi**2 * t) * np.sin(np.pi * x) + NOISE * rng.standard_normal(count)
    return Problem(
        name="heat",
        domain=PLANE,
        coefficients={"a": Unknown(0.3, positive=True)},
        conditions={
            "pde": Condition(lambda u, a: u.t - a * u.xx, on=PLANE.interior),
            "start": Condition(lambda u, x: u - jnp.sin(np.pi * x), on=PLANE.start()),
            "walls": Condition(lambda u: u, on=PLANE.boundary("x")),
            "data": Condition(lambda u, sample: u - sample, on=PointSet({"x": x, "t": t}, sample=samples)),
        },
    )


QUICK = {"strategy": "gauss-newton", "depth": 1, "weights": {"pde": 100.0}}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "name", "true", "options"),
    [
        (lambda seed: decay(seed)[2], "k", 2.0, {"steps": 60, "width": 8, "points": 60}),
        (heat, "a", 0.1, {"steps": 80, "width": 12, "points": 150}),
    ],
    ids=["ode", "pde"],
)
def test_intervals_cover_the_true_value_as_often_as_they_say(make, name, true, options):
    """95 % of 50 draws of the noise, within what chance allows; few are withheld."""
    intervals = [fit(make(seed), **QUICK, **options).summary.coefficient_intervals[name] for seed in range(50)]
    known = [interval for interval in intervals if not isinstance(interval, Withheld)]
    covered = sum(low <= true <= high for low, high in known)
    assert len(known) >= 40
    assert 44 <= covered + len(intervals) - len(known) <= 50


def test_given_coefficients_have_no_interval():
    problem = Problem(
        name="p",
        domain=LINE,
        coefficients={"nu": 1.0},
        conditions={"pde": Condition(lambda u, nu: nu * u.xx, on=LINE.interior)},
    )
    assert fit(problem, strategy="adam", steps=1, points=8, width=4, depth=1).summary.coefficient_intervals == {}


def check_of(measured, relative):
    row = RowCheck(hard=False, rms=relative, largest=relative, at={}, scale=1.0, relative=relative)
    return ConditionCheck(measured=measured, holds=True, zero=1.0, rows=(row,))


def fit_of(correlation):
    return DataFit(1.0, False, 100, 98.0, 98.0, None, correlation)


CHECKS = {"pde": check_of(False, 1e-4), "data": check_of(True, 1e-2)}


@pytest.mark.parametrize(
    ("distance", "correlation", "reason"),
    [
        (1e-3, 0.0, None),
        (3e-2, 0.0, Withheld.FAR_FROM_SOLUTION),
        (math.nan, 0.0, Withheld.FAR_FROM_SOLUTION),
        (1e-3, 5.0, Withheld.NOT_NOISE),
    ],
)
def test_what_a_network_does_not_resolve_is_no_noise(distance, correlation, reason):
    determinacy = Determinacy([], 10, 4, 0.1, {"u": 1e-3, "v": distance})
    assert reason_to_withhold(determinacy, CHECKS, {"data": fit_of(correlation)}) is reason


def test_layers_that_are_not_examined_would_make_intervals_too_narrow():
    """Of a network that was trained with more parameters than are examined."""
    assert reason_to_withhold(None, CHECKS, {"data": fit_of(0.0)}, lacks_layers=True) is Withheld.TOO_LARGE
    options = {"strategy": "gauss-newton", "steps": 2, "points": 30, "progress": False}
    deep = fit(decay(0)[2], width=MOST_PARAMETERS // 2, depth=1, **options)
    assert deep.summary.coefficient_intervals["k"] in (Withheld.TOO_LARGE, Withheld.MOVING, Withheld.FAR_FROM_SOLUTION)


def test_residuals_of_nearly_exact_data_may_be_correlated():
    checks = CHECKS | {"data": check_of(True, 1e-4)}
    assert reason_to_withhold(None, checks, {"data": fit_of(5.0)}) is None


def test_a_fit_that_resolves_nothing_has_no_interval_and_warns_of_its_band():
    """Two sines for a solution that needs many."""
    x = np.linspace(0.0, 1.0, 200)
    samples = np.sin(20 * x) + 0.01 * np.random.default_rng(0).standard_normal(200)
    problem = Problem(
        name="oscillation",
        domain=LINE,
        coefficients={"k": Unknown(300.0, positive=True)},
        conditions={
            "pde": Condition(lambda u, k: u.xx + k * u, on=LINE.interior),
            "data": Condition(lambda u, sample: u - sample, on=PointSet({"x": x}, sample=samples)),
        },
    )
    solution = fit(problem, choices=Choices(unknowns=(8,), bandwidth=3.0), steps=10, progress=False)
    assert isinstance(solution.summary.coefficient_intervals["k"], Withheld)
    assert solution.summary.coefficient_covariance is None
    with pytest.warns(BandWarning, match="the band of 'oscillation' is too narrow"):
        solution.band(x=0.5)
