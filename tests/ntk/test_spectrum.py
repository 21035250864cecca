"""Spectra with prescribed eigenvalues, and what must not change them."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from pinnkit.ntk import (
    Spectrum,
    compute_condition_number,
    compute_ntk_spectrum,
    effective_dimension,
    effective_rank,
    ntk_spectral_filtering,
    numerical_rank,
    spectrum_of_eigenvalues,
    spectrum_of_jacobian,
    spectrum_of_kernel,
)
from pinnkit.ntk.lanczos import leading_eigenpairs
from pinnkit.ntk.low_rank import nystrom
from pinnkit.ntk.scalars import log_determinant

EPS = np.finfo(np.float64).eps
seeds = st.integers(0, 2**32 - 1)


def orthonormal(rng, rows, columns):
    return np.linalg.qr(rng.standard_normal((rows, columns)))[0]


def jacobian_with(eigenvalues, n, p, seed=0):
    """An n by p matrix J for which J Jᵀ has the given nonzero eigenvalues."""
    rng = np.random.default_rng(seed)
    singular_values = np.sqrt(eigenvalues)
    return orthonormal(rng, n, singular_values.size) * singular_values @ orthonormal(rng, p, singular_values.size).T


def kernel_with(eigenvalues, seed=0):
    q = orthonormal(np.random.default_rng(seed), len(eigenvalues), len(eigenvalues))
    kernel = q * np.asarray(eigenvalues) @ q.T
    return (kernel + kernel.T) / 2


def figures(spectrum: Spectrum) -> np.ndarray:
    """Everything that has no unit."""
    return np.array(
        [
            spectrum.numerical_rank,
            spectrum.condition_number,
            spectrum.spectral_bias,
            spectrum.effective_rank,
            spectrum.effective_dimension(relative=True),
            spectrum.noise_floor / spectrum.largest_eigenvalue,
        ]
    )


@pytest.mark.parametrize(("n", "p"), [(20, 300), (20, 20), (20, 25)])
def test_singular_values_resolve_a_condition_number_of_1e20(n, p):
    eigenvalues = np.geomspace(1e3, 1e-17, n)
    spectrum = spectrum_of_jacobian(jacobian_with(eigenvalues, n, p))
    assert spectrum.numerical_rank == n
    assert not spectrum.condition_number.is_lower_bound
    assert_allclose(spectrum.condition_number, 1e20, rtol=1e-4)
    assert_allclose(spectrum.eigenvalues, eigenvalues, rtol=1e-4)
    assert_allclose(spectrum.spectral_bias, np.log(1e20), rtol=1e-6)


def test_singular_values_resolve_more_than_the_kernel_matrix():
    jacobian = jacobian_with(np.geomspace(1, 1e-24, 25), 25, 100)
    from_jacobian, from_kernel = spectrum_of_jacobian(jacobian), spectrum_of_kernel(jacobian @ jacobian.T)
    assert (from_jacobian.numerical_rank, from_kernel.numerical_rank) == (25, 15)
    assert not from_jacobian.condition_number.is_lower_bound and from_kernel.condition_number.is_lower_bound
    assert from_kernel.condition_number < from_jacobian.condition_number


def test_rank_8_of_100_is_reported_as_such():
    eigenvalues = np.geomspace(10, 1e-3, 8)
    jacobian = jacobian_with(eigenvalues, 100, 400)
    for spectrum in (spectrum_of_jacobian(jacobian), spectrum_of_kernel(jacobian @ jacobian.T)):
        assert spectrum.numerical_rank == 8
        assert spectrum.resolvable.sum() == 8 and spectrum.resolvable[:8].all()
        assert spectrum.condition_number.is_lower_bound
        assert_allclose(spectrum.condition_number, 10 / (2 * spectrum.noise_floor), rtol=1e-12)
        assert_allclose(spectrum.spectral_bias, np.log(1e4), rtol=1e-10)
        assert_allclose(spectrum.effective_rank, eigenvalues.sum() ** 2 / (eigenvalues**2).sum(), rtol=1e-12)
    assert_allclose(spectrum_of_kernel(jacobian @ jacobian.T).noise_floor, 100 * EPS * 10, rtol=1e-12)
    assert_allclose(spectrum_of_jacobian(jacobian).noise_floor, (1 + 2**0.5) ** 2 * 400 * EPS**2 * 10, rtol=1e-12)


def test_fewer_parameters_than_points_leave_exact_zeros():
    jacobian = np.random.default_rng(0).standard_normal((30, 4))
    spectrum = spectrum_of_jacobian(jacobian, vectors=True)
    assert spectrum.eigenvalues.shape == (30,)
    assert spectrum.numerical_rank == 4 and not spectrum.eigenvalues[4:].any()
    assert spectrum.condition_number.is_lower_bound


@pytest.mark.parametrize(("n", "p"), [(12, 50), (12, 12), (12, 5)])
def test_eigenvectors_diagonalise_the_kernel(n, p):
    jacobian = np.random.default_rng(1).standard_normal((n, p))
    kernel = jacobian @ jacobian.T
    for spectrum in (spectrum_of_jacobian(jacobian, vectors=True), spectrum_of_kernel(kernel, vectors=True)):
        q = spectrum.eigenvectors
        assert q is not None
        assert_allclose(q.T @ q, np.eye(n), atol=1e-13)
        assert_allclose(q * spectrum.eigenvalues @ q.T, kernel, atol=1e-13 * kernel.max())
        assert (np.diff(spectrum.eigenvalues) <= 0).all()
    assert spectrum_of_jacobian(jacobian).eigenvectors is spectrum_of_kernel(kernel).eigenvectors is None


def test_compute_ntk_spectrum_is_descending_and_raw():
    kernel = kernel_with([5.0, 2.0, 1.0, 0.0, 0.0, 0.0])
    eigenvalues, eigenvectors = compute_ntk_spectrum(jnp.asarray(kernel))
    assert eigenvalues.dtype == eigenvectors.dtype == np.float64
    assert_allclose(eigenvalues, [5, 2, 1, 0, 0, 0], atol=1e-5)
    eigenvalues, eigenvectors = compute_ntk_spectrum(kernel)
    assert_allclose(kernel @ eigenvectors, eigenvectors * eigenvalues, atol=1e-14)
    assert_array_equal(eigenvalues, np.sort(eigenvalues)[::-1])
    assert eigenvalues[3:].any()


def test_float32_kernel_has_the_floor_of_float32():
    kernel = kernel_with(np.geomspace(1, 1e-12, 13))
    assert numerical_rank(kernel) == 13
    single = spectrum_of_kernel(kernel.astype(np.float32))
    assert single.noise_floor >= 13 * np.finfo(np.float32).eps * 0.99
    assert single.numerical_rank in (6, 7)
    assert_allclose(single.eigenvalues[:5], np.geomspace(1, 1e-4, 5), rtol=1e-3)
    values = np.geomspace(1, 1e-12, 13)
    assert numerical_rank(values) == 13 and numerical_rank(values.astype(np.float32)) == 6
    jacobian = jacobian_with(np.geomspace(1, 1e-24, 25), 25, 25)
    assert spectrum_of_jacobian(jacobian.astype(np.float32)).numerical_rank in (12, 13)
    assert numerical_rank(np.eye(3, dtype=int)) == 3


def test_float32_kernel_handed_over_in_float64_betrays_itself():
    jacobian = jacobian_with(np.geomspace(1, 1e-20, 60), 60, 200).astype(np.float32)
    kernel = jacobian @ jacobian.T
    upcast = kernel.astype(np.float64)
    spectrum = spectrum_of_kernel(upcast)
    rank = spectrum.numerical_rank
    assert numerical_rank(kernel) <= rank < 30
    assert (np.linalg.eigvalsh(upcast) > 60 * EPS).sum() > rank + 5  # what the dtype alone would let through
    assert_allclose(spectrum.eigenvalues, np.geomspace(1, 1e-20, 60), atol=2 * spectrum.noise_floor, rtol=1e-5)


def test_effective_rank_and_dimension_of_known_spectra():
    assert_allclose(effective_rank(np.full(6, 3.0)), 6, rtol=1e-14)
    assert_allclose(effective_rank(np.array([2.0, 1.0])), 9 / 5, rtol=1e-14)
    values = np.array([10.0, 1.0, 1e-3])
    assert_allclose(effective_dimension(values, 0.1), sum(v / (v + 0.1) for v in values), rtol=1e-14)
    assert_allclose(effective_dimension(values), sum(v / (v + 1e-4) for v in values), rtol=1e-14)
    assert_allclose(effective_dimension(values, relative=True), sum(v / (v + 1e-3) for v in values), rtol=1e-14)
    assert effective_dimension(values, gamma=0.0) == 3


def test_noise_does_not_count():
    values = np.array([1.0, 0.5, -1e-16, 3e-17, -1e-17])
    assert numerical_rank(values) == 2
    assert_allclose(effective_rank(values), 1.5**2 / 1.25, rtol=1e-14)
    assert 0 <= effective_dimension(values, 1e-17) <= 2
    assert effective_dimension(values, 0.0) == 2


@settings(max_examples=25, deadline=None)
@given(seed=seeds, exponent=st.floats(-12, 12))
def test_figures_do_not_depend_on_the_unit_of_the_kernel(seed, exponent):
    values = 10.0 ** np.random.default_rng(seed).uniform(-4, 0, 10)
    scale = 10.0**exponent
    for rows in (10, 14):
        jacobian = jacobian_with(values, rows, 30, seed)
        for make, matrix, factor in [
            (spectrum_of_jacobian, jacobian, np.sqrt(scale)),
            (spectrum_of_kernel, jacobian @ jacobian.T, scale),
            (spectrum_of_eigenvalues, values, scale),
        ]:
            assert_allclose(figures(make(factor * matrix)), figures(make(matrix)), rtol=1e-10)


@settings(max_examples=25, deadline=None)
@given(seed=seeds)
def test_figures_do_not_depend_on_the_order_of_points_or_parameters(seed):
    rng = np.random.default_rng(seed)
    values = 10.0 ** rng.uniform(-4, 0, 10)
    for n in (10, 14):
        jacobian = jacobian_with(values, n, 30, seed)
        rows, columns = rng.permutation(n), rng.permutation(30)
        shuffled = figures(spectrum_of_jacobian(jacobian[rows][:, columns]))
        assert_allclose(shuffled, figures(spectrum_of_jacobian(jacobian)), rtol=1e-10)
        kernel = jacobian @ jacobian.T
        shuffled = figures(spectrum_of_kernel(kernel[rows][:, rows]))
        assert_allclose(shuffled, figures(spectrum_of_kernel(kernel)), rtol=1e-10)
    assert_array_equal(
        figures(spectrum_of_eigenvalues(rng.permutation(values))), figures(spectrum_of_eigenvalues(values))
    )


@settings(max_examples=50, deadline=None)
@given(seed=seeds, gamma=st.floats(0, 1e6), relative=st.booleans())
def test_effective_dimension_lies_between_zero_and_the_rank(seed, gamma, relative):
    rng = np.random.default_rng(seed)
    values = 10.0 ** rng.uniform(-20, 3, 9) * rng.choice([1, 1e-18, -1e-18], 9)
    values[0] = 1e3
    assert 0 <= effective_dimension(values, gamma, relative=relative) <= numerical_rank(values) <= 9
    assert 1 <= effective_rank(values) <= numerical_rank(values)
    assert compute_condition_number(values) >= 1


def test_zero_kernel_has_rank_zero_and_no_condition_number():
    for spectrum in (
        spectrum_of_kernel(np.zeros((3, 3))),
        spectrum_of_jacobian(np.zeros((3, 5))),
        spectrum_of_eigenvalues(np.zeros(3)),
    ):
        assert (spectrum.numerical_rank, spectrum.effective_rank, spectrum.effective_dimension()) == (0, 0, 0)
        with pytest.raises(ValueError, match="condition number of a kernel that is zero"):
            _ = spectrum.condition_number
        with pytest.raises(ValueError, match="spectral bias of a kernel that is zero"):
            _ = spectrum.spectral_bias


@settings(max_examples=25, deadline=None)
@given(seed=seeds, dtype=st.sampled_from([np.float32, np.float64]))
def test_prescribed_eigenvalues_lie_within_the_errors(seed, dtype):
    exact = np.sort(10.0 ** np.random.default_rng(seed).uniform(-20, 0, 16))[::-1]
    jacobian = jacobian_with(exact, 16, 40, seed)
    for spectrum in (
        spectrum_of_jacobian(jacobian.astype(dtype)),
        spectrum_of_kernel((jacobian @ jacobian.T).astype(dtype)),
    ):
        assert (np.abs(spectrum.eigenvalues - exact) <= spectrum.errors).all()
        assert (spectrum.errors >= spectrum.noise_floor).all()
        assert_array_equal(spectrum.resolvable, spectrum.eigenvalues > spectrum.noise_floor)
        kappa, truth = spectrum.condition_number, exact[0] / exact[-1]
        if kappa.is_lower_bound:
            assert kappa <= truth and kappa.relative_error == np.inf
        else:
            assert kappa.relative_error < 1 and kappa / (1 + kappa.relative_error) <= truth
        assert spectrum.dtype == np.dtype(dtype).name


@settings(max_examples=25, deadline=None)
@given(seed=seeds)
def test_single_and_double_precision_agree_on_what_both_resolve(seed):
    exact = np.sort(10.0 ** np.random.default_rng(seed).uniform(-12, 2, 20))[::-1]
    double = jacobian_with(exact, 20, 50, seed)
    single = double.astype(np.float32)
    pairs = [
        (spectrum_of_jacobian(double), spectrum_of_jacobian(single)),
        (spectrum_of_kernel(double @ double.T), spectrum_of_kernel(single @ single.T)),
        (spectrum_of_jacobian(double), spectrum_of_kernel(single @ single.T)),
    ]
    for a, b in pairs:
        both = a.resolvable & b.resolvable
        assert b.numerical_rank <= a.numerical_rank and both.sum() == b.numerical_rank
        assert (np.abs(a.eigenvalues - b.eigenvalues) <= a.errors + b.errors)[both].all()


def test_stated_rounding_raises_the_floor():
    values = np.geomspace(1, 1e-9, 10)
    plain, stated = spectrum_of_kernel(kernel_with(values)), spectrum_of_kernel(kernel_with(values), rounding=3e-6)
    assert (plain.numerical_rank, stated.numerical_rank) == (10, 6)
    assert stated.noise_floor == 3e-6 and "stated" in stated.floor_origin and "n ε λ₁" in plain.floor_origin
    assert_array_equal(stated.errors, np.full(10, 3e-6))
    assert spectrum_of_kernel(kernel_with(values), rounding=1e-30).noise_floor == plain.noise_floor
    indefinite = kernel_with([1.0, 0.5, -1e-3])
    assert spectrum_of_kernel(indefinite, rounding=2e-3).numerical_rank == 2
    for rounding in (-1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="`rounding` must be a finite number"):
            spectrum_of_kernel(np.eye(2), rounding=rounding)


def test_floor_says_how_it_came_about():
    assert "singular values" in spectrum_of_jacobian(np.eye(3)).floor_origin
    assert spectrum_of_kernel(np.eye(3, dtype=np.float32)).floor_origin == "n ε λ₁ in float32"
    assert "most negative" in spectrum_of_eigenvalues(np.array([1.0, -1e-8])).floor_origin
    skew = np.eye(3) + 1e-10 * np.triu(np.ones((3, 3)), 1)
    assert "asymmetry" in spectrum_of_kernel(skew).floor_origin


def test_determinant_of_a_shifted_kernel():
    values = np.geomspace(10, 1e-3, 8)
    jacobian = jacobian_with(values, 20, 50)
    kernel = jacobian @ jacobian.T
    expected = np.linalg.slogdet(kernel + 1e-5 * np.eye(20))[1]
    for given_kernel in (kernel, spectrum_of_kernel(kernel), spectrum_of_jacobian(jacobian)):
        assert_allclose(log_determinant(given_kernel, 1e-5), expected, rtol=1e-8)
    for shift in (0.0, -1.0, np.nan):
        with pytest.raises(ValueError, match="`shift` must be a finite positive number"):
            log_determinant(kernel, shift)
    with pytest.raises(ValueError, match="below the noise floor"):
        log_determinant(kernel, 1e-15)


def test_unresolvable_eigenvalues_are_never_shown_as_values():
    jacobian = jacobian_with(np.geomspace(10, 1e-24, 30), 30, 60)
    kernel = jacobian @ jacobian.T
    spectra = [
        spectrum_of_jacobian(jacobian),
        spectrum_of_jacobian(jacobian.astype(np.float32)),
        spectrum_of_kernel(kernel),
        spectrum_of_kernel(kernel.astype(np.float32)),
        spectrum_of_kernel(kernel, rounding=20.0),
        spectrum_of_kernel(np.zeros((4, 4))),
        leading_eigenpairs(kernel, 25),
        leading_eigenpairs(kernel_with(1 / np.arange(1.0, 81)), 30, steps=1),
        nystrom(kernel, 20),
    ]
    for spectrum in spectra:
        text = str(spectrum)
        assert repr(spectrum) == text and f"{spectrum.numerical_rank} of {spectrum.size}" in text
        (line,) = re.findall(r"^eigenvalues: (.*)$", text, re.MULTILINE)
        words = line.split(", ")
        hidden = spectrum.eigenvalues.size - spectrum.numerical_rank
        if hidden:
            last = words.pop()
            count, bound = re.fullmatch(r"(\d+) (?:unresolvable \(< (\S+)\)|zeros)", last).groups()
            assert int(count) == hidden
            limit = 1.05 * float(bound) if bound else 0.0
            assert (spectrum.eigenvalues + spectrum.errors)[~spectrum.resolvable].max() <= limit
        shown = [float(re.search(r"(\S+)(?: ±.*)?$", word)[1]) for word in words]
        assert all((np.abs(spectrum.eigenvalues[spectrum.resolvable] / x - 1) < 6e-3).any() for x in shown)
        for value in spectrum.eigenvalues[~spectrum.resolvable & (spectrum.eigenvalues != 0)]:
            assert f"{value:.3g}" not in re.split(r"[ ,:()\n]", text)


def test_vectors_can_be_dropped():
    spectrum = spectrum_of_jacobian(np.eye(3), vectors=True)
    bare = spectrum.without_vectors()
    assert bare.eigenvectors is None and bare.eigenvalues is spectrum.eigenvalues and str(bare) == str(spectrum)


def test_filtering_projects_on_the_leading_modes():
    _, q = compute_ntk_spectrum(kernel_with([4.0, 3.0, 2.0, 1.0]))
    v = np.array([1.0, -2.0, 0.5, 3.0])
    filtered = ntk_spectral_filtering(gradient_vector=jnp.asarray(v), eigenvectors=q, k=2)
    assert filtered.dtype == np.float64
    assert_allclose(q.T @ filtered, [*(q.T @ v)[:2], 0, 0], atol=1e-14)
    assert_allclose(ntk_spectral_filtering(filtered, q, 2), filtered, atol=1e-14)
    assert_allclose(ntk_spectral_filtering(v, q, 4), v, atol=1e-14)
    for k in (0, 5, -1):
        with pytest.raises(ValueError, match="`k` must be a whole number from 1 to 4"):
            ntk_spectral_filtering(v, q, k)
    with pytest.raises(ValueError, match="`gradient_vector` has 3 entries and the eigenvectors have 4"):
        ntk_spectral_filtering(v[:3], q, 2)


def test_64_bit_arrays_of_jax_keep_their_precision_outside_the_context():
    values = np.geomspace(1, 1e-12, 13)
    with jax.enable_x64(True):
        double = jnp.asarray(values)
    assert numerical_rank(double) == 13
    assert_allclose(compute_condition_number(double), 1e12, rtol=1e-14)


@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        (np.ones((2, 3)), r"`kernel` must be square; it has shape \(2, 3\)"),
        (
            np.array([[1.0, 0.5], [0.0, 1.0]]),
            "`kernel` must be symmetric; it differs from its transpose by up to 5.00e-01",
        ),
        (
            np.array([[1.0, 2.0], [2.0, 1.0]]),
            "positive semidefinite up to rounding.*3.000e.00 .*smallest -1.000e.00",
        ),
        (np.array([[1.0, np.inf], [np.inf, 1.0]]), "`kernel` holds 2 value.s. that are not finite"),
        (np.zeros((0, 0)), "at least one entry"),
        (np.eye(2) * 1j, "`kernel` must hold real numbers"),
        (np.array([1.0, -0.5]), "`eigenvalues` must be positive semidefinite"),
        (np.array([1.0, np.nan]), "`eigenvalues` holds 1 value"),
        (np.array([]), "`eigenvalues` must be a vector with at least one entry"),
        (
            np.ones((2, 2, 2)),
            r"`eigenvalues` must be a vector with at least one entry; it has shape \(2, 2, 2\)",
        ),
    ],
)
def test_what_is_no_kernel_is_refused(kernel, message):
    with pytest.raises(ValueError, match=message):
        compute_condition_number(kernel)


def test_other_arguments_out_of_range_are_refused():
    for gamma in (-1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="`gamma` must be a finite number"):
            effective_dimension(np.ones(2), gamma)
    with pytest.raises(ValueError, match="`jacobian` must be a matrix"):
        spectrum_of_jacobian(np.ones((2, 1, 3)))
