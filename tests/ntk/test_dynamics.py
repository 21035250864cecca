"""Predictions against gradient descent itself, and against exact arithmetic."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from pinnkit.ntk import (
    compute_mode_coefficients,
    compute_mode_decay_factors,
    compute_ntk_spectrum,
    detect_spectral_bias,
    estimate_convergence_rate,
    estimate_epochs_to_convergence,
    identify_slow_modes,
    predict_mode_errors,
    spectrum_of_jacobian,
    spectrum_of_kernel,
)

EIGENVALUES = np.array([10.0, 1.0, 1e-3])


@pytest.mark.parametrize("learning_rate", [0.01, 0.15, 0.199])
def test_prediction_agrees_with_gradient_descent_on_a_linear_model(learning_rate):
    rng = np.random.default_rng(0)
    jacobian = rng.standard_normal((5, 8))
    jacobian *= np.sqrt(10 / np.linalg.eigvalsh(jacobian @ jacobian.T)[-1])
    residual = rng.standard_normal(5)
    kernel = jacobian @ jacobian.T
    eigenvalues, eigenvectors = compute_ntk_spectrum(kernel)
    predicted = predict_mode_errors(
        initial_coeffs=compute_mode_coefficients(residual, eigenvectors),
        eigenvalues=eigenvalues,
        learning_rate=learning_rate,
        iteration=50,
    )
    theta = np.zeros(8)
    for _ in range(50):
        theta -= learning_rate * jacobian.T @ (residual + jacobian @ theta)
    assert_allclose(eigenvectors @ predicted, residual + jacobian @ theta, rtol=1e-9, atol=1e-13)


@given(
    rate=st.sampled_from([1e-18, 1e-12, 1e-6, 0.3, 0.999999, 1.0, 1.000001, 1.5, 1.999999, 2.0, 2.1]),
    iteration=st.integers(0, 200),
)
def test_decay_factors_agree_with_exact_arithmetic(rate, iteration):
    factor = compute_mode_decay_factors(np.array([1.0]), rate, iteration)[0]
    assert_allclose(factor, float((1 - Fraction(rate)) ** iteration), rtol=1e-12, atol=1e-300)


def test_decay_of_tiny_rates_is_not_lost_to_rounding():
    factor = compute_mode_decay_factors(np.array([1.0]), 1e-18, 10**18)
    assert_allclose(factor, np.exp(-1), rtol=1e-12)


def test_diverging_modes_overflow_without_warning_and_absent_ones_stay_absent():
    factors = compute_mode_decay_factors(np.array([10.0, 0.1]), 1.0, 10_001)
    assert factors[0] == -np.inf and factors[1] == pytest.approx(0, abs=1e-300)
    assert_array_equal(predict_mode_errors(np.array([0.0, 0.0]), np.array([10.0, 0.1]), 1.0, 10_001), [0, 0])


def test_unresolvable_modes_neither_move_nor_grow():
    noisy = np.array([1.0, 0.5, -1e-16, 1e-17])
    factors = compute_mode_decay_factors(noisy, 0.5, 10**6)
    assert_array_equal(factors[2:], 1.0)
    assert_array_equal(identify_slow_modes(noisy, 0.5, 0.99), [False, False, True, True])


def test_slow_modes_are_those_that_keep_more_than_the_threshold():
    assert_array_equal(identify_slow_modes(EIGENVALUES, 0.1), [False, False, True])
    assert_array_equal(identify_slow_modes(EIGENVALUES[::-1], 0.1), [True, False, False])
    assert_array_equal(identify_slow_modes(EIGENVALUES, 0.1, threshold=0.5), [False, True, True])
    assert_array_equal(identify_slow_modes(EIGENVALUES, 0.25, threshold=0.9), [True, False, True])
    exact = np.array([1.0, 1e-17 * 1.5, 1e-17 * 0.5])
    spectrum = spectrum_of_jacobian(np.diag(np.sqrt(exact)))
    assert_array_equal(identify_slow_modes(spectrum, 1.0, threshold=1 - 2**-53), [False, True, True])


def test_slow_modes_of_a_horizon_agree_with_the_decay_over_it():
    share, steps = 0.1, 500
    slow = identify_slow_modes(EIGENVALUES, 0.01, threshold=share ** (1 / steps))
    assert_array_equal(slow, np.abs(compute_mode_decay_factors(EIGENVALUES, 0.01, steps)) > share)


def test_rate_is_that_of_the_slowest_resolvable_mode():
    assert_allclose(estimate_convergence_rate(EIGENVALUES, 0.1), 1 - 1e-4, rtol=1e-15)
    assert_allclose(estimate_convergence_rate(np.append(EIGENVALUES, -1e-17), 0.1), 1 - 1e-4, rtol=1e-15)
    assert_allclose(estimate_convergence_rate(EIGENVALUES, 0.19999999), 0.9999999, rtol=1e-12)
    assert estimate_convergence_rate(EIGENVALUES, 0.3) == pytest.approx(2.0)


@given(exponent=st.floats(-9, 0), target=st.floats(1e-9, 0.999))
def test_epochs_are_the_least_number_of_steps_that_reach_the_target(exponent, target):
    learning_rate = 0.1 * 10.0**exponent

    def left(steps):
        return np.abs(compute_mode_decay_factors(EIGENVALUES, learning_rate, steps)).max()

    steps = estimate_epochs_to_convergence(EIGENVALUES, learning_rate, target_reduction=target)
    assert isinstance(steps, int) and steps >= 1
    assert left(steps) <= target * (1 + 1e-9)
    assert steps == 1 or left(steps - 1) >= target * (1 - 1e-9)


def test_horizon_is_finite_where_there_is_one_and_refused_where_not():
    assert estimate_epochs_to_convergence(np.array([2.0]), 0.5) == 1
    assert estimate_epochs_to_convergence(np.array([1.0, 1e-14]), 1e-12) == pytest.approx(4.6e26, rel=1e-2)
    assert estimate_epochs_to_convergence(np.array([1.0, 0.5, 0.0, -1e-17]), 1.0) == 7
    assert estimate_epochs_to_convergence(np.array([1.0]), 1.999) == pytest.approx(4603, abs=1)
    with pytest.raises(ValueError, match=r"`learning_rate` 0.2: it must be below 2/λ_max = 0.2$"):
        estimate_epochs_to_convergence(EIGENVALUES, 0.2)
    with pytest.raises(ValueError, match="no eigenvalue is above the noise floor"):
        estimate_epochs_to_convergence(np.zeros(3), 0.2)
    with pytest.raises(ValueError, match="too small for the range of float64"):
        estimate_epochs_to_convergence(np.array([1e-200]), 1e-200)


@given(exponent=st.integers(-12, 12))
def test_predictions_depend_on_the_product_of_rate_and_kernel_alone(exponent):
    scale = 10.0**exponent
    scaled = (EIGENVALUES * scale, 0.1 / scale)
    assert_allclose(
        compute_mode_decay_factors(*scaled, 100),
        compute_mode_decay_factors(EIGENVALUES, 0.1, 100),
        rtol=1e-10,
    )
    assert_array_equal(identify_slow_modes(*scaled), identify_slow_modes(EIGENVALUES, 0.1))
    assert estimate_epochs_to_convergence(*scaled) == estimate_epochs_to_convergence(EIGENVALUES, 0.1)
    assert_allclose(detect_spectral_bias(scaled[0]), detect_spectral_bias(EIGENVALUES), rtol=1e-10)


def test_spectral_bias_is_taken_over_the_resolvable_modes():
    assert_allclose(detect_spectral_bias(EIGENVALUES), np.log(1e4), rtol=1e-14)
    assert_allclose(detect_spectral_bias(np.append(EIGENVALUES, [0.0, -1e-16])), np.log(1e4), rtol=1e-14)
    assert detect_spectral_bias(np.array([3.0])) == 0
    with pytest.raises(ValueError, match="spectral bias of a kernel that is zero"):
        detect_spectral_bias(np.zeros(2))


def test_a_spectrum_brings_its_own_noise_floor():
    singular_values = np.geomspace(1, 1e-10, 6)
    resolved_by_jacobian = spectrum_of_jacobian(np.diag(singular_values))
    assert_allclose(detect_spectral_bias(resolved_by_jacobian), np.log(1e20), rtol=1e-12)
    assert_allclose(detect_spectral_bias(spectrum_of_kernel(np.diag(singular_values**2))), np.log(1e12), rtol=1e-12)
    assert_allclose(estimate_convergence_rate(resolved_by_jacobian, 1.0), 1.0)
    assert estimate_epochs_to_convergence(resolved_by_jacobian, 1.0) == pytest.approx(4.6e20, rel=1e-2)


def test_arguments_out_of_range_are_refused():
    for learning_rate in (0.0, -1.0, np.nan, np.inf):
        for function in (identify_slow_modes, estimate_convergence_rate, estimate_epochs_to_convergence):
            with pytest.raises(ValueError, match="`learning_rate` must be a finite positive number"):
                function(EIGENVALUES, learning_rate)
    with pytest.raises(ValueError, match="`iteration` must be a whole number"):
        compute_mode_decay_factors(EIGENVALUES, 0.1, -1)
    for threshold in (-0.1, 1.0, np.nan):
        with pytest.raises(ValueError, match="`threshold` must be"):
            identify_slow_modes(EIGENVALUES, 0.1, threshold)
    for target in (0.0, 1.0, -1.0, np.nan):
        with pytest.raises(ValueError, match="`target_reduction` must lie between 0 and 1"):
            estimate_epochs_to_convergence(EIGENVALUES, 0.1, target)
    for coefficients in (np.ones(2), np.array([1, 2, np.nan])):
        with pytest.raises(ValueError, match="`initial_coeffs` must hold one finite number for each of the 3"):
            predict_mode_errors(coefficients, EIGENVALUES, 0.1, 1)
    with pytest.raises(ValueError, match="`residuals` has 2 entries and the eigenvectors have 3"):
        compute_mode_coefficients(np.ones(2), np.eye(3))
