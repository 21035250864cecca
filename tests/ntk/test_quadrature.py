"""Spectral densities and traces of functions by stochastic Lanczos quadrature, against prescribed spectra."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pinnkit.ntk.lanczos import leading_eigenpairs
from pinnkit.ntk.quadrature import spectral_density
from pinnkit.ntk.scalars import (
    effective_rank,
)

from .test_matrix_free import SPECTRA, spectra
from .test_spectrum import kernel_with


def functions(largest):
    return {
        "trace": lambda x: x,
        "effective dimension": lambda x: x / (x + 1e-2 * largest) if largest else 0 * x,
        "log-determinant": lambda x: np.log(x + 0.1),
    }


@spectra
@pytest.mark.parametrize("deflated", [False, True])
def test_traces_of_functions_lie_within_standard_errors(name, deflated):
    values = SPECTRA[name]
    kernel = kernel_with(values)
    deflate = leading_eigenpairs(kernel, 12) if deflated else None
    density = spectral_density(kernel, probes=20, steps=values.size, deflate=deflate)
    assert_allclose(density.trace, values.sum(), rtol=1e-12)
    assert_allclose(density.estimate(np.ones_like), values.size, rtol=1e-12)
    assert_allclose(density.gauss.weights.sum(axis=1), values.size - density.known.size, rtol=1e-12)
    for function in functions(values.max()).values():
        estimate = density.estimate(function)
        assert abs(estimate - function(values).sum()) <= 3.5 * estimate.standard_error + 1e-12 * values.size


@pytest.mark.slow
def test_standard_error_is_honest():
    """Over 200 seeds the errors, in standard errors, have the quantiles of a normal variable."""
    values = np.geomspace(1, 1e-4, 25)
    kernel = kernel_with(values)
    deflate = leading_eigenpairs(kernel, 4)
    for known in (None, deflate):
        ratios = []
        for seed in range(200):
            density = spectral_density(kernel, probes=6, steps=12, deflate=known, seed=seed)
            estimates = {name: density.estimate(f) for name, f in functions(1.0).items()}
            ratios.append([(e - functions(1.0)[k](values).sum()) / e.standard_error for k, e in estimates.items()])
        ratios = np.abs(np.array(ratios))
        assert ((ratios < 2).mean(axis=0) > 0.9).all() and ((ratios < 3).mean(axis=0) > 0.97).all()
        assert ((ratios < 1).mean(axis=0) < 0.85).all()  # nor are they exaggerated


def test_standard_error_covers_a_quadrature_with_too_few_steps():
    values = np.linspace(1, 1e-3, 120)
    kernel, expected = kernel_with(values), np.sum(values / (values + 1e-4))
    ratios = []
    for seed in range(15):
        estimate = spectral_density(kernel, steps=6, seed=seed).effective_dimension(1e-4)
        ratios.append(abs(estimate - expected) / estimate.standard_error)
    assert max(ratios) < 3


def test_rules_of_gauss_and_radau_enclose_the_limit():
    values = np.linspace(1, 1e-3, 60)
    kernel = kernel_with(values)
    limit = spectral_density(kernel, steps=60)
    for steps in (1, 2, 5, 10):
        density = spectral_density(kernel, steps=steps)
        for function in (lambda x: x / (x + 1e-2), lambda x: np.log(x + 1e-2)):
            low, exact, high = (rule.sums(function) for rule in (density.radau, limit.gauss, density.gauss))
            assert (low <= exact + 1e-10).all() and (exact <= high + 1e-10).all()
        assert_allclose(density.radau.nodes[:, 0], 0.0, atol=1e-12)
        assert_allclose(density.gauss.sums(lambda x: x), limit.gauss.sums(lambda x: x), rtol=1e-12)


def test_deflation_reduces_the_standard_error():
    values = np.geomspace(1, 1e-8, 100)
    kernel = kernel_with(values)
    plain = spectral_density(kernel, steps=60)
    deflated = spectral_density(kernel, steps=60, deflate=leading_eigenpairs(kernel, 20))
    assert deflated.known.size == 20 and deflated.gauss.nodes.shape[1] <= 60
    for figure in (lambda d: d.estimate(lambda x: x), lambda d: d.effective_rank):
        assert figure(deflated).standard_error < 0.2 * figure(plain).standard_error
    assert_allclose(deflated.effective_rank, effective_rank(values), rtol=1e-2)


def test_pairs_that_have_not_converged_are_not_deflated():
    kernel = kernel_with(np.linspace(1, 0.5, 150))
    rough = leading_eigenpairs(kernel, 10, steps=1)
    assert spectral_density(kernel, deflate=rough).known.size == (rough.errors <= 0.01 * rough.eigenvalues).sum() == 0


def test_breakdown_leaves_exact_rules():
    """A kernel with r distinct eigenvalues exhausts the Krylov space of any vector in r steps."""
    kernel = kernel_with(np.repeat([4.0, 1.0, 0.0], [3, 10, 30]))
    density = spectral_density(kernel, steps=40)
    assert density.gauss.nodes.shape == (8, 3)
    assert_allclose(density.gauss.nodes, np.tile([0.0, 1.0, 4.0], (8, 1)), atol=1e-12)
    assert_allclose(density.radau.sums(np.exp), density.gauss.sums(np.exp), rtol=1e-12)
    known = leading_eigenpairs(kernel, 14)
    exact = spectral_density(kernel, deflate=known).estimate(lambda x: x)
    assert_allclose(exact, 22, rtol=1e-12)
    assert exact.standard_error < 1e-12


def test_one_probe_that_breaks_down_does_not_stop_the_others():
    matrix = np.diag(np.append(np.zeros(30), np.geomspace(1, 0.1, 30)))
    density = spectral_density(matrix, probes=2, steps=60)
    assert np.isfinite(density.gauss.nodes).all() and (density.gauss.weights >= 0).all()
    assert_allclose(density.gauss.weights.sum(axis=1), 60, rtol=1e-12)


def test_counts_and_curve_follow_the_eigenvalues():
    values = np.repeat([1.0, 1e-2, 1e-4, 0.0], [5, 20, 25, 30])
    kernel = kernel_with(values)
    density = spectral_density(kernel, probes=60, deflate=leading_eigenpairs(kernel, 5))
    for value, count in ((0.5, 5), (1e-3, 25), (1e-6, 50), (0.0, 50)):
        assert abs(density.count_above(value) - count) <= 3 * density.count_above(value).standard_error + 1e-9
    counts, errors = density.cumulative(np.array([1e-6, 1e-3, 2.0]))
    assert (np.abs(counts - [30, 55, 80]) <= 3 * errors + 1e-9).all() and (np.diff(counts) >= 0).all()
    grid, heights, errors = density.curve(400, width=0.3)
    area = np.trapezoid(heights, np.log(grid))
    assert_allclose(area, density.count_above(0.0), rtol=1e-2)
    assert (heights >= 0).all() and (errors >= 0).all()
    peak = heights[np.abs(np.log(grid)) < 0.3].max()
    assert_allclose(peak, 5 / (0.3 * np.sqrt(2 * np.pi)), rtol=1e-2)
    with pytest.raises(ValueError, match="`value` must be a finite number"):
        density.count_above(-1.0)
    with pytest.raises(ValueError, match="2 `points` or more"):
        density.curve(1)
    with pytest.raises(ValueError, match="kernel that is zero"):
        spectral_density(np.zeros((5, 5))).curve()
