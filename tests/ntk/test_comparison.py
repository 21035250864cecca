"""Drift and alignment of kernels, against closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from pinnkit.ntk.comparison import kernel_alignment, kernel_drift, residual_alignment

EPS = np.finfo(np.float64).eps
N = 12
CLOSE = 100 * N * EPS

seeds = st.integers(0, 2**32 - 1)


def random_kernel(rng, rank=N):
    features = rng.standard_normal((N, rank))
    return features @ features.T


def projector(rng, *ranks):
    """Projectors onto orthogonal subspaces of these dimensions, all of them orthogonal to the constants."""
    columns = np.column_stack([np.ones(N), rng.standard_normal((N, sum(ranks)))])
    Q = np.linalg.qr(columns)[0][:, 1:]
    return [q @ q.T for q in np.split(Q, np.cumsum(ranks)[:-1], axis=1)]


@given(seeds, st.floats(1e-3, 1e3))
def test_a_kernel_times_c_has_drift_c_minus_1_and_alignment_1(seed, c):
    K = random_kernel(np.random.default_rng(seed))
    assert_allclose(kernel_drift(c * K, K), abs(c - 1), rtol=CLOSE, atol=CLOSE)
    for centred in (True, False):
        assert_allclose(kernel_alignment(c * K, K, centred), 1.0, rtol=CLOSE)


@pytest.mark.parametrize("scale", [1e-300, 1e-12, 1e12, 1e300])
def test_drift_and_alignment_have_no_unit(scale):
    rng = np.random.default_rng(0)
    K, L, r = random_kernel(rng), random_kernel(rng), rng.standard_normal(N)
    assert_allclose(kernel_drift(scale * K, scale * L), kernel_drift(K, L), rtol=CLOSE)
    assert_allclose(kernel_alignment(scale * K, L), kernel_alignment(K, L), rtol=CLOSE)
    assert_allclose(residual_alignment(scale * K, -r / scale), residual_alignment(K, r), rtol=CLOSE)


@pytest.mark.parametrize("centred", [True, False])
def test_orthogonal_projectors_are_not_aligned_and_nested_ones_by_the_root_of_their_ranks(centred):
    P, Q = projector(np.random.default_rng(1), 2, 4)
    assert_allclose(kernel_alignment(P, Q, centred), 0.0, atol=CLOSE)
    assert_allclose(kernel_alignment(P, P + Q, centred), np.sqrt(2 / 6), rtol=CLOSE)
    assert_allclose(kernel_drift(P + Q, P), np.sqrt(4 / 2), rtol=CLOSE)


def test_rank_one_kernels_are_aligned_by_the_squared_cosine_of_their_vectors():
    a, b = np.random.default_rng(2).standard_normal((2, N))
    cosine = lambda a, b: a @ b / np.linalg.norm(a) / np.linalg.norm(b)
    A, B = np.outer(a, a), np.outer(b, b)
    assert_allclose(kernel_alignment(A, B, centred=False), cosine(a, b) ** 2, rtol=CLOSE)
    assert_allclose(kernel_alignment(A, B), np.corrcoef(a, b)[0, 1] ** 2, rtol=CLOSE)


@given(seeds)
def test_alignment_is_symmetric_and_between_0_and_1(seed):
    rng = np.random.default_rng(seed)
    K, L = random_kernel(rng, 3), random_kernel(rng)
    for centred in (True, False):
        alignment = kernel_alignment(K, L, centred)
        assert_allclose(alignment, kernel_alignment(L, K, centred), rtol=CLOSE)
        assert -CLOSE <= alignment <= 1 + CLOSE


@given(seeds)
def test_alignment_is_the_same_for_permuted_points_and_for_rotated_features(seed):
    rng = np.random.default_rng(seed)
    K, L, order = random_kernel(rng), random_kernel(rng), rng.permutation(N)
    permuted = kernel_alignment(K[np.ix_(order, order)], L[np.ix_(order, order)])
    assert_allclose(permuted, kernel_alignment(K, L), rtol=CLOSE)


def test_centred_alignment_does_not_see_what_is_the_same_at_all_points():
    rng = np.random.default_rng(3)
    features, K = rng.standard_normal((N, 3)), random_kernel(rng)
    shifted = features + rng.standard_normal(3)  # another bias
    alignment = kernel_alignment(features @ features.T, K)
    assert_allclose(kernel_alignment(shifted @ shifted.T, K), alignment, rtol=CLOSE)
    assert_allclose(kernel_alignment(K + 100.0, K), 1.0, rtol=100 * CLOSE)
    assert kernel_alignment(K + 100.0, K, centred=False) < 0.9


def test_groups_are_centred_on_their_own():
    rng = np.random.default_rng(4)
    groups = np.repeat([7, 3], [5, N - 5])
    features, K = rng.standard_normal((N, 3)), random_kernel(rng)
    shifted = features + np.where(groups[:, None] == 7, [1.0, 2.0, 3.0], [-9.0, 0.0, 5.0])
    alignment = kernel_alignment(features @ features.T, K, groups=groups)
    assert_allclose(kernel_alignment(shifted @ shifted.T, K, groups=groups), alignment, rtol=CLOSE)
    block = np.s_[:5, :5]
    alone = np.zeros_like(K)
    alone[block] = K[block]
    L = random_kernel(rng)
    expected = kernel_alignment(K[block], L[block])
    other = np.where(alone != 0, L, 0.0)
    assert_allclose(kernel_alignment(alone, other, groups=groups), expected, rtol=CLOSE)


@given(seeds)
def test_residual_alignment_is_that_of_its_rank_one_kernel(seed):
    rng = np.random.default_rng(seed)
    K, r, groups = random_kernel(rng), rng.standard_normal(N), rng.permutation(np.arange(N) % 3)
    for options in ({"centred": False}, {"centred": True}, {"groups": groups}):
        expected = kernel_alignment(K, np.outer(r, r), **options)
        assert_allclose(residual_alignment(K, r, **options), expected, rtol=CLOSE, atol=CLOSE)


def test_residual_alignment_of_a_mode_is_its_share_of_the_norm_of_the_kernel():
    rng = np.random.default_rng(5)
    eigenvalues, modes = np.linalg.eigh(random_kernel(rng))
    for value, mode in zip(eigenvalues, modes.T, strict=True):
        expected = value / np.linalg.norm(eigenvalues)
        alignment = residual_alignment((modes * eigenvalues) @ modes.T, mode, centred=False)
        assert_allclose(alignment, expected, rtol=CLOSE, atol=CLOSE)


K, ONES = random_kernel(np.random.default_rng(6)), np.ones((N, N))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kernel_drift(K, K[:, :5]), r"`kernel` must be of shape \(12, 5\); it has shape \(12, 12\)"),
        (lambda: kernel_drift(K, 0 * K), "`initial` is zero"),
        (lambda: kernel_drift(np.full_like(K, np.inf), K), "not finite"),
        (lambda: kernel_alignment(K, K[:5, :5]), r"`second` must be of shape \(12, 12\)"),
        (lambda: kernel_alignment(K[:5], K[:5]), r"`first` must be of shape \(5, 5\)"),
        (lambda: kernel_alignment(ONES[0], K), "`first` must be a matrix"),
        (lambda: kernel_alignment(K, 0 * K, centred=False), "`second` is zero: it has no alignment"),
        (lambda: kernel_alignment(0.3 * ONES, K), "`first` is zero when centred, up to rounding"),
        (lambda: kernel_alignment(np.float32(0.3) * ONES.astype(np.float32), K), "`first` is zero when centred"),
        (lambda: kernel_alignment(K, K, groups=np.arange(N)), "is zero when centred"),
        (lambda: kernel_alignment(K, K, groups=np.arange(2)), "`groups` must have an entry for each of 12 rows"),
        (lambda: residual_alignment(K, np.arange(5.0)), r"`kernel` must be of shape \(5, 5\)"),
        (lambda: residual_alignment(K, np.full(N, 0.1)), "`residual` is zero when centred"),
        (lambda: residual_alignment(0 * K, np.ones(N), centred=False), "`kernel` is zero"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
