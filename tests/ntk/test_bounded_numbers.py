"""Figures that are known up to a bound or an error, and print it."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pinnkit.ntk import (
    ConditionNumber,
    Spectrum,
    compute_condition_number,
    spectrum_of_eigenvalues,
)
from pinnkit.ntk.bounded_numbers import Estimate, NumericalRank, SpectralBias

from .test_spectrum import EPS, kernel_with


def test_condition_number_of_matrix_and_of_eigenvalues_agree():
    values = [1e-3, 100.0, 1.0, 7.0]
    assert_allclose(compute_condition_number(kernel_with(values)), 1e5, rtol=1e-9)
    assert_allclose(compute_condition_number(np.array(values)), 1e5, rtol=1e-14)
    assert_allclose(compute_condition_number(spectrum_of_eigenvalues(np.array(values))), 1e5, rtol=1e-14)


@pytest.mark.parametrize("noise", [0.0, 1e-17, -1e-16])
def test_noise_gives_a_lower_bound_and_never_a_clip_constant(noise):
    kappa = compute_condition_number(np.array([1.0, 0.1, noise]))
    assert kappa.is_lower_bound
    assert_allclose(kappa, 1 / (6 * EPS), rtol=1e-12)


def test_condition_number_prints_a_bound_as_a_bound():
    bound, number = ConditionNumber(4.5036e13, is_lower_bound=True), ConditionNumber(1234.5)
    assert str(bound) == repr(bound) == f"{bound}" == "> 4.50e+13"
    assert f"{bound:.1e}" == "> 4.5e+13" and f"{bound:.3g}" == "> 4.5e+13"
    assert f"{number:.2e}" == "1.23e+03" and str(number) == "1234.5" and not number.is_lower_bound
    assert bound > number and bound * 2 == 9.0072e13 and isinstance(bound, float)
    copy = pickle.loads(pickle.dumps(bound))  # noqa: S301
    assert copy == bound and copy.is_lower_bound


def test_a_condition_number_with_an_uncertainty_of_1_is_a_bound():
    def spectrum(smallest):
        return Spectrum(np.array([1.0, smallest]), 2, 1e-3, "as given", np.full(2, 1e-3), "float64", "kernel")

    kappa = spectrum(1e-2).condition_number
    assert not kappa.is_lower_bound and kappa == 100 and f"{kappa:.3g}" == "100"
    assert_allclose(kappa.relative_error, 0.101, rtol=1e-12)
    assert spectrum(1.01e-3).condition_number.relative_error < 1
    bound = spectrum(1.0005e-3).condition_number
    assert spectrum(1.0005e-3).numerical_rank == 2 and bound.is_lower_bound
    assert_allclose(bound, 0.999 / 2.0005e-3, rtol=1e-12)
    assert_allclose(spectrum(0.9e-3).condition_number, 0.999 / 2e-3, rtol=1e-12)


def test_figures_print_how_far_they_are_known():
    rank, least = NumericalRank(8), NumericalRank(20, is_lower_bound=True)
    assert (str(rank), f"{rank}", f"{least}", f"{least:,}", repr(least)) == ("8", "8", "≥ 20", "≥ 20", "≥ 20")
    assert rank == 8 and least + 1 == 21 and isinstance(least, int) and not rank.is_lower_bound
    assert (str(SpectralBias(2.5)), str(SpectralBias(12.34, is_lower_bound=True))) == ("2.5", "> 12.3")
    cases = {(12.345, 0.42): "12.3 ± 0.4", (123.4, 20.0): "123 ± 20", (1e-9, 2e-10): "1e-09 ± 2e-10"}
    for (value, error), text in cases.items():
        assert str(Estimate(value, error)) == text
    assert f"{Estimate(12.345, 0.42):.1e}" == "1.2e+01 ± 4.2e-01" and Estimate(2.0, 1.0) == 2.0
    for number in (least, SpectralBias(1.0, is_lower_bound=True), Estimate(2.0, 0.5), ConditionNumber(3.0, False, 0.1)):
        copy = pickle.loads(pickle.dumps(number))  # noqa: S301
        assert type(copy) is type(number) and vars(copy) == vars(number) and copy == number
