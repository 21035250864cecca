"""Least squares against matrices with known solutions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pinnkit._base.linalg import least_squares as module

EPS = np.finfo(float).eps


@pytest.fixture(params=["host", "device"])
def least_squares(request):
    """By LAPACK, and by the linear algebra of JAX."""
    with jax.enable_x64(True):
        place = np.asarray if request.param == "host" else jnp.asarray
        yield lambda A, b: module.least_squares(place(A), place(b))


def with_singular_values(values, rows, seed=0):
    rng = np.random.default_rng(seed)
    left, _ = np.linalg.qr(rng.standard_normal((rows, len(values))))
    right, _ = np.linalg.qr(rng.standard_normal((len(values), len(values))))
    return left * np.asarray(values) @ right.T


def test_well_conditioned_system_is_solved_to_rounding(least_squares):
    A = with_singular_values(np.linspace(1, 10, 30), 80)
    x = np.random.default_rng(1).standard_normal(30)
    found = least_squares(A, A @ x)
    np.testing.assert_allclose(found.x, x, atol=1e3 * EPS * np.abs(x).max())


def test_residual_is_orthogonal_to_the_columns(least_squares):
    A = with_singular_values(np.geomspace(1, 1e-3, 20), 60)
    b = np.random.default_rng(2).standard_normal(60)
    found = least_squares(A, b)
    r = b - A @ found.x
    assert np.linalg.norm(A.T @ r) < 1e-10 * np.linalg.norm(A, 2) * np.linalg.norm(b)
    np.testing.assert_allclose(found.residual_norm, np.linalg.norm(r))


def test_residual_reaches_what_a_gram_matrix_alone_could_not(least_squares):
    """Singular values down to 1e-12 are squared to 1e-24 in the Gram matrix, far below rounding."""
    A = with_singular_values(np.geomspace(1, 1e-12, 40), 100)
    b = A @ np.random.default_rng(3).standard_normal(40)
    found = least_squares(A, b)
    assert found.residual_norm < 1e-9 * np.linalg.norm(b)


def test_rank_deficient_and_zero_columns_give_a_solution(least_squares):
    A = with_singular_values(np.ones(10), 50)
    A = np.column_stack([A, A[:, :3], np.zeros(50)])
    b = A[:, :10] @ np.arange(10.0)
    found = least_squares(A, b)
    assert found.residual_norm < 1e-12 * np.linalg.norm(b)
    assert np.isfinite(found.x).all() and found.x[-1] == 0


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_scaled_columns_do_not_matter(scale, least_squares):
    A = with_singular_values(np.linspace(1, 2, 12), 40)
    x = np.arange(1.0, 13.0)
    scales = np.geomspace(1, scale, 12)
    found = least_squares(A * scales, A @ x)
    np.testing.assert_allclose(found.x * scales, x, rtol=1e-10)


def test_what_is_not_finite_is_refused(least_squares):
    with pytest.raises(ValueError, match="not finite"):
        least_squares(np.array([[np.nan, 1.0]]), np.ones(1))
