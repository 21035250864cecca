"""Figures from products alone, against dense algebra and prescribed spectra."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from pinnkit.ntk import scalars as figures
from pinnkit.ntk.lanczos import leading_eigenpairs
from pinnkit.ntk.low_rank import nystrom
from pinnkit.ntk.protocol import DenseKernel, Kernel, as_kernel, ntk_diagonal, ntk_matvec, ntk_trace
from pinnkit.ntk.quadrature import spectral_density
from pinnkit.ntk.scalars import (
    compute_condition_number,
    effective_dimension,
    effective_rank,
    log_determinant,
    numerical_rank,
)
from pinnkit.ntk.spectrum_of import spectrum_of_kernel

from .test_spectrum import EPS, kernel_with, seeds

SPECTRA = {
    "geometric": np.geomspace(1, 1e-12, 90),
    "fast": np.geomspace(1, 1e-25, 90),
    "harmonic": 1 / np.arange(1.0, 91),
    "rank 8": np.append(np.geomspace(10, 1e-3, 8), np.zeros(92)),
    "repeated": np.repeat([5.0, 2.0, 1.0, 1e-3], [7, 12, 1, 60]),
    "cluster": np.append(1 + 1e-9 * np.arange(12), np.geomspace(0.5, 1e-6, 60)),
    "identity": np.ones(40),
    "zero": np.zeros(40),
}
spectra = pytest.mark.parametrize("name", SPECTRA)


class Counted:
    """A kernel that counts its products and their columns."""

    def __init__(self, matrix, epsilon=EPS, rounding=0.0):
        self.matrix, self.epsilon, self.rounding = matrix, epsilon, rounding
        self.rows, self.products, self.columns = len(matrix), 0, 0

    def matmat(self, vectors):
        self.products, self.columns = self.products + 1, self.columns + vectors.shape[1]
        return self.matrix @ vectors

    def diagonal(self):
        return self.matrix.diagonal()

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.matrix, dtype)


@spectra
def test_leading_eigenpairs_are_those_of_dense_algebra(name):
    values = np.sort(SPECTRA[name])[::-1]
    kernel = kernel_with(values)
    spectrum = leading_eigenpairs(kernel, 20)
    dense = spectrum_of_kernel(kernel)
    q = spectrum.eigenvectors
    assert (spectrum.size, spectrum.eigenvalues.size, spectrum.source) == (values.size, 20, "lanczos")
    assert (np.abs(spectrum.eigenvalues - dense.eigenvalues[:20]) <= spectrum.errors).all()
    assert (spectrum.errors <= 1e-10 * spectrum.eigenvalues + 2 * spectrum.noise_floor).all()
    assert_allclose(spectrum.noise_floor, dense.noise_floor, rtol=1e-12)
    assert_allclose(q.T @ q, np.eye(20), atol=1e-13)
    assert_allclose(kernel @ q, q * spectrum.eigenvalues, atol=2e-10 * values[0])
    assert_allclose(spectrum.trace, values.sum(), rtol=1e-12)
    assert (np.diff(spectrum.eigenvalues) <= 0).all()


@spectra
def test_figures_of_leading_eigenvalues_are_those_of_all_or_bounds(name):
    values = np.sort(SPECTRA[name])[::-1]
    spectrum, dense = leading_eigenpairs(kernel_with(values), 20), spectrum_of_kernel(kernel_with(values))
    rank, truth = spectrum.numerical_rank, dense.numerical_rank
    assert rank == min(truth, 20) and rank.is_lower_bound == (truth >= 20)
    if not truth:
        with pytest.raises(ValueError, match="kernel that is zero"):
            _ = spectrum.condition_number
        return
    assert spectrum.condition_number.is_lower_bound
    assert spectrum.condition_number <= max(dense.condition_number, dense.largest_eigenvalue / dense.noise_floor)
    assert spectrum.spectral_bias.is_lower_bound == rank.is_lower_bound
    assert spectrum.spectral_bias <= dense.spectral_bias + 1e-9
    if rank.is_lower_bound:
        for figure in (
            lambda: spectrum.effective_rank,
            spectrum.effective_dimension,
            lambda: spectrum.log_determinant(1.0),
        ):
            with pytest.raises(ValueError, match=f"needs more than 20 of {values.size} eigenvalues"):
                figure()
    else:
        assert_allclose(spectrum.effective_rank, dense.effective_rank, rtol=1e-10)
        assert_allclose(spectrum.effective_dimension(), dense.effective_dimension(), rtol=1e-8)
        assert_allclose(spectrum.log_determinant(1e-3), dense.log_determinant(1e-3), rtol=1e-8)


def test_products_are_few():
    geometric, rank_8 = Counted(kernel_with(np.geomspace(1, 1e-15, 200))), Counted(kernel_with(SPECTRA["rank 8"]))
    assert leading_eigenpairs(geometric, 20).numerical_rank == 20 and geometric.products <= 7
    assert leading_eigenpairs(rank_8, 20).numerical_rank == 8 and rank_8.products <= 3
    sketched = Counted(kernel_with(SPECTRA["fast"]))
    nystrom(sketched, 10)
    assert (sketched.products, sketched.columns) == (2, 40)
    sampled = Counted(kernel_with(SPECTRA["harmonic"]))
    spectral_density(sampled, probes=3, steps=15)
    assert (sampled.products, sampled.columns) == (15, 45)


@pytest.mark.parametrize("width", [1, 3, 12])
@pytest.mark.parametrize("name", ["geometric", "fast", "rank 8", "cluster", "zero"])
def test_narrow_blocks_find_the_same(name, width):
    values = np.sort(SPECTRA[name])[::-1]
    narrow = leading_eigenpairs(kernel_with(values), 20, width=width, steps=90 // width)
    assert (np.abs(narrow.eigenvalues - values[:20]) <= narrow.errors).all()
    assert (narrow.errors <= 1e-10 * narrow.eigenvalues + 2 * narrow.noise_floor).all()
    assert narrow.numerical_rank == leading_eigenpairs(kernel_with(values), 20).numerical_rank
    few = leading_eigenpairs(kernel_with(values), 20, width=width, steps=1)
    assert few.eigenvalues.shape == (20,)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 12])
def test_small_kernels_are_complete(n):
    kernel = kernel_with(np.geomspace(3, 0.1, n))
    for spectrum in (leading_eigenpairs(kernel, n), nystrom(kernel, n)):
        assert spectrum.is_complete and spectrum.numerical_rank == n and not spectrum.numerical_rank.is_lower_bound
        assert_allclose(spectrum.eigenvalues, np.geomspace(3, 0.1, n), rtol=1e-10)
        assert not spectrum.condition_number.is_lower_bound
    density = spectral_density(kernel, deflate=leading_eigenpairs(kernel, n))
    assert density.gauss.nodes.shape == (8, 0)
    assert_allclose(density.log_determinant(1.0), np.log1p(np.geomspace(3, 0.1, n)).sum(), rtol=1e-12)
    assert_allclose(spectral_density(kernel).estimate(np.ones_like), n, rtol=1e-12)


def test_what_has_not_converged_says_so():
    values = np.linspace(1, 0.5, 150)
    spectrum = leading_eigenpairs(kernel_with(values), 10, steps=1)
    assert (spectrum.errors > 0.05).all()
    assert (np.abs(spectrum.eigenvalues[:, None] - values).min(axis=1) <= spectrum.errors).all()
    assert " ± " in str(spectrum) and spectrum.condition_number.is_lower_bound
    assert spectrum.condition_number <= 2
    better = leading_eigenpairs(kernel_with(values), 10)
    assert (better.errors < 0.1 * spectrum.errors).all()


def test_stated_rounding_counts_in_every_method():
    kernel = Counted(kernel_with(np.geomspace(1, 1e-9, 60)), rounding=1e-4)
    for spectrum in (leading_eigenpairs(kernel, 40), nystrom(kernel, 40)):
        assert spectrum.noise_floor == 1e-4 and (spectrum.errors >= 1e-4).all()
        assert 20 <= spectrum.numerical_rank <= 27 and not spectrum.numerical_rank.is_lower_bound
    assert spectral_density(kernel).noise_floor == 1e-4
    assert numerical_rank(kernel) == 27


def test_single_precision_kernel_has_its_floor():
    kernel = kernel_with(SPECTRA["fast"])
    single = leading_eigenpairs(kernel.astype(np.float32), 40)
    assert single.dtype == "float32" and single.noise_floor >= 89 * np.finfo(np.float32).eps
    assert single.numerical_rank == spectrum_of_kernel(kernel.astype(np.float32)).numerical_rank
    assert (np.abs(single.eigenvalues - np.sort(SPECTRA["fast"])[::-1][:40]) <= single.errors).all()
    assert numerical_rank(Counted(kernel, epsilon=float(np.finfo(np.float32).eps))) == single.numerical_rank


@spectra
def test_nystrom_errors_are_bounds(name):
    values = np.sort(SPECTRA[name])[::-1]
    kernel = kernel_with(values)
    for seed in range(3):
        spectrum = nystrom(kernel, 20, seed=seed)
        nearest = np.abs(spectrum.eigenvalues[:, None] - values).min(axis=1)
        assert (nearest <= spectrum.errors).all()
        assert (spectrum.eigenvalues <= values[:20] + spectrum.noise_floor).all()
        assert_allclose(spectrum.eigenvectors.T @ spectrum.eigenvectors, np.eye(20), atol=1e-12)
        assert (np.diff(spectrum.eigenvalues) <= 0).all() and spectrum.source == "nystrom"


def test_nystrom_is_accurate_where_eigenvalues_fall_fast():
    values = np.geomspace(1, 1e-30, 100)
    spectrum = nystrom(kernel_with(values), 20)
    assert_allclose(spectrum.eigenvalues, values[:20], rtol=1e-3)
    rank_8 = nystrom(kernel_with(SPECTRA["rank 8"]), 20)
    assert rank_8.numerical_rank == 8 and not rank_8.numerical_rank.is_lower_bound


@settings(max_examples=15, deadline=None)
@given(seed=seeds, exponent=st.floats(-12, 12))
def test_nothing_depends_on_the_unit_of_the_kernel(seed, exponent):
    values = 10.0 ** np.random.default_rng(seed).uniform(-6, 0, 50)
    kernel, scale = kernel_with(values, seed), 10.0**exponent

    def everything(kernel):
        known = leading_eigenpairs(kernel, 10)
        density = spectral_density(kernel, deflate=known, steps=10)
        sketch = nystrom(kernel, 10)
        dimension = density.effective_dimension(1e-2, relative=True)
        return [
            known.numerical_rank,
            known.condition_number,
            known.spectral_bias,
            known.noise_floor / known.largest_eigenvalue,
            *known.eigenvalues / known.largest_eigenvalue,
            *sketch.eigenvalues / sketch.largest_eigenvalue,
            sketch.numerical_rank,
            density.effective_rank,
            dimension,
            dimension.standard_error,
        ]

    assert_allclose(everything(scale * kernel), everything(kernel), rtol=1e-9)


def test_a_density_completes_a_spectrum():
    values = np.geomspace(1, 1e-10, 100)
    kernel = kernel_with(values)
    known = leading_eigenpairs(kernel, 20)
    spectrum = dataclasses.replace(known, density=spectral_density(kernel, deflate=known))
    for estimate, truth in (
        (spectrum.effective_rank, effective_rank(values)),
        (spectrum.effective_dimension(1e-3), effective_dimension(values, 1e-3)),
        (spectrum.effective_dimension(1e-3, relative=True), effective_dimension(values, 1e-3, relative=True)),
        (spectrum.log_determinant(1e-2), log_determinant(values, 1e-2)),
    ):
        assert abs(estimate - truth) <= 3 * estimate.standard_error
        assert estimate.standard_error < 0.05 * abs(truth)
    assert "±" in str(spectrum).splitlines()[-1] and "≥ 20 of 100" in str(spectrum)


def test_figures_accept_any_kernel(monkeypatch):
    values = np.geomspace(1, 1e-6, 80)
    kernel = Counted(kernel_with(values))
    names = (effective_dimension, effective_rank, compute_condition_number, numerical_rank)
    dense = [function(kernel) for function in names]
    assert_allclose(dense, [function(values) for function in names], rtol=1e-8)
    assert kernel.products == 0
    monkeypatch.setattr(figures, "DENSE_ROWS", 50)
    estimate = effective_dimension(kernel)
    assert abs(estimate - dense[0]) <= 3 * estimate.standard_error and estimate.standard_error < 2
    assert_allclose(effective_rank(kernel), dense[1], rtol=1e-2)
    assert compute_condition_number(kernel).is_lower_bound and numerical_rank(kernel).is_lower_bound
    determinant = log_determinant(kernel, 1e-3)
    assert abs(determinant - np.log(values + 1e-3).sum()) <= 3 * determinant.standard_error < 15
    assert_allclose(effective_rank(Counted(kernel_with(SPECTRA["rank 8"]))), effective_rank(SPECTRA["rank 8"]))


def test_diagonal_trace_and_products():
    rng = np.random.default_rng(0)
    matrix = kernel_with(np.geomspace(1, 1e-3, 7))
    for kernel in (matrix, Counted(matrix), as_kernel(matrix)):
        assert_array_equal(ntk_diagonal(kernel), matrix.diagonal())
        assert_allclose(ntk_trace(kernel), matrix.trace(), rtol=1e-15)
        for shape in ((7,), (7, 3), (7, 1)):
            v = rng.standard_normal(shape)
            assert_allclose(ntk_matvec(kernel, v), matrix @ v, rtol=1e-14)
            assert ntk_matvec(kernel, v).shape == shape
    assert isinstance(as_kernel(matrix), Kernel) and not isinstance(matrix, Kernel)
    assert isinstance(as_kernel(matrix), DenseKernel) and as_kernel(matrix).rounding == 0.0
    assert as_kernel(np.eye(2, dtype=np.float32)).epsilon == np.finfo(np.float32).eps
    assert_array_equal(np.asarray(as_kernel(matrix)), matrix)


class Broken(Counted):
    def matmat(self, vectors):
        return np.full(vectors.shape, np.nan)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: leading_eigenpairs(np.eye(5), 6),
            "`k` must be a whole number, from 1 to 5, the rows of the kernel; got 6",
        ),
        (lambda: leading_eigenpairs(np.eye(5), 0), "`k` must be a whole number"),
        (lambda: leading_eigenpairs(np.eye(5), 2, steps=0), "`steps` must be a whole number, 1 or more; got 0"),
        (lambda: leading_eigenpairs(np.eye(5), 2, tolerance=0.0), "`tolerance` must be positive"),
        (lambda: leading_eigenpairs(np.eye(5), 2, width=6), "`width` must be a whole number, from 1 to 5"),
        (lambda: leading_eigenpairs(np.eye(5), 2, width=0), "`width` must be a whole number"),
        (lambda: leading_eigenpairs(np.zeros((0, 0)), 1), "at least one entry"),
        (lambda: leading_eigenpairs(np.ones((2, 3)), 1), "`kernel` must be square"),
        (lambda: leading_eigenpairs(np.diag([1.0, np.nan]), 1), "`kernel` holds 1 value.s. that are not finite"),
        (lambda: leading_eigenpairs(np.diag([1.0, -0.5]), 1), "positive semidefinite|none of them negative"),
        (lambda: leading_eigenpairs(np.array([[0.0, 1.0], [1.0, 0.0]]), 1), "must be positive semidefinite"),
        (lambda: leading_eigenpairs(np.triu(np.ones((3, 3))), 1), "`kernel` must be symmetric"),
        (lambda: leading_eigenpairs(Counted(np.zeros((0, 0))), 1), "at least one row"),
        (lambda: leading_eigenpairs(Broken(np.eye(3)), 1), "`kernel` has products that are not finite"),
        (lambda: nystrom(np.eye(5), 6), "`rank` must be a whole number, from 1 to 5"),
        (lambda: nystrom(np.array([[0.0, 1.0], [1.0, 0.0]]), 1), "must be positive semidefinite"),
        (lambda: spectral_density(np.eye(5), probes=1), "`probes` must be a whole number, 2 or more; got 1"),
        (lambda: spectral_density(np.eye(5), steps=0), "`steps` must be a whole number, 1 or more"),
        (lambda: spectral_density(np.array([[0.0, 1.0], [1.0, 0.0]])), "must be positive semidefinite"),
        (lambda: spectral_density(np.eye(5), deflate=leading_eigenpairs(np.eye(4), 2)), "of 5 rows; it has 4 rows"),
        (lambda: spectral_density(np.eye(5), deflate=spectrum_of_kernel(np.eye(5))), "5 rows and no eigenvectors"),
        (lambda: spectral_density(np.eye(5)).effective_dimension(-1.0), "`gamma` must be a finite number"),
        (lambda: spectral_density(np.eye(5)).log_determinant(0.0), "`shift` must be a finite positive number"),
        (lambda: spectral_density(np.eye(5)).log_determinant(1e-17), "below the noise floor"),
        (
            lambda: spectral_density(np.diag([1.0, 0.0])).estimate(lambda x: np.where(x > 0, x, np.inf)),
            "finite",
        ),
        (lambda: ntk_matvec(np.eye(5), np.ones(4)), r"`v` must have shape \(5,\) or \(5, k\); it has \(4,\)"),
        (lambda: ntk_matvec(np.eye(5), np.full(5, np.inf)), "`v` holds 5 value.s. that are not finite"),
        (lambda: ntk_trace(Counted(np.diag([1.0, -1.0]))), "none of them negative"),
    ],
)
def test_bad_input_is_one_clear_line(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
