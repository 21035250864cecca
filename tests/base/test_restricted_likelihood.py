"""Variances by restricted likelihood, and whether residuals are noise, in simulations."""

import numpy as np
import pytest
import scipy.stats

from pinnkit._base.linalg.restricted_likelihood import variance_ratio
from pinnkit._base.whiteness import DEVIATIONS, is_white, neighbour_correlation, neighbours


def spline(rng, n=40, unknowns=15, noise=0.3, strictness=1.0):
    """Values of a smooth vector, and equations, second differences, that it fulfils up to errors of `strictness`."""
    exact = np.linspace(-1, 1, unknowns) ** 3 - np.linspace(-1, 1, unknowns)
    second = np.diff(np.eye(unknowns), 2, axis=0)
    equations = np.repeat(second, 4, axis=0)
    values = np.eye(unknowns)[rng.integers(0, unknowns, n)]
    b = (
        -equations @ exact + strictness * rng.standard_normal(len(equations)),
        -values @ exact + noise * rng.standard_normal(n),
    )
    return (equations, values), b


def test_both_variances_are_found():
    """On average over draws; the mean of 200 estimates is within three of its standard errors."""
    rng, found = np.random.default_rng(0), []
    for _ in range(200):
        ratio = variance_ratio(*spline(rng, noise=0.3, strictness=0.03), least=1e-6)
        found.append((ratio.first / 0.03**2, ratio.second / 0.3**2))
    mean, error = np.mean(found, axis=0), np.std(found, axis=0) / np.sqrt(200)
    np.testing.assert_array_less(np.abs(mean - 1), 3 * error + 0.02)


def test_leverage_is_the_trace_of_the_hat_matrix():
    (A, B), b = spline(np.random.default_rng(1), strictness=0.03)
    ratio = variance_ratio((A, B), b, least=1e-6)
    hat = ratio.value * B @ np.linalg.solve(A.T @ A + ratio.value * B.T @ B, B.T)
    assert ratio.leverage == pytest.approx(np.trace(hat), rel=1e-9)


def test_without_noise_data_count_as_much_as_the_bounds_allow():
    A, b = spline(np.random.default_rng(2), noise=0.0, strictness=0.1)
    assert variance_ratio(A, b, least=1e-4).value == 1.0


def test_equations_that_hold_exactly_reach_the_least_ratio():
    A, b = spline(np.random.default_rng(3), noise=0.3, strictness=0.0)
    ratio = variance_ratio(A, b, least=1e-4)
    assert ratio.value == pytest.approx(1e-4)
    assert 0.2 < np.sqrt(ratio.second) < 0.4


def test_white_residuals_pass_as_often_as_they_should():
    """The statistic of independent residuals has a standard normal distribution."""
    rng = np.random.default_rng(0)
    points = rng.uniform(size=(200, 2))
    found = [neighbour_correlation(points, rng.standard_normal(200)) for _ in range(500)]
    assert scipy.stats.kstest(found, "norm").pvalue > 0.01
    assert is_white(points, 0.1 * rng.standard_normal(200), 0.1)


def test_what_varies_slowly_is_not_noise():
    points = np.random.default_rng(0).uniform(size=(200, 2))
    smooth = np.sin(3 * points[:, 0]) * points[:, 1]
    assert neighbour_correlation(points, smooth) > DEVIATIONS
    assert not is_white(points, smooth, 1.0)


def test_residuals_larger_than_sigma_are_not_noise_of_it():
    rng = np.random.default_rng(0)
    points, r = rng.uniform(size=(100, 1)), rng.standard_normal(100)
    assert is_white(points, r, 1.0)
    assert not is_white(points, r, 0.5)
    assert not is_white(points, r, 0.0)


def test_neighbours_are_the_nearest_other_points():
    points = np.array([[0.0, 0.0], [1.0, 0.0], [1.1, 0.0], [5.0, 1000.0]])
    assert neighbours(points).other.tolist() == [1, 2, 1, 2]
    assert neighbours(np.zeros((2, 2))).other.tolist() == [1, 0]  # at one place
