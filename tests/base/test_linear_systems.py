"""Damped linear systems against NumPy, on matrices with a prescribed spectrum."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pinnkit._base.linalg.conjugate_gradients import conjugate_gradients
from pinnkit._base.linalg.damped import STRIPS, lower_gram, solve_damped
from pinnkit._base.linalg.nystrom import nystrom

pytestmark = pytest.mark.usefixtures("x64")
EPS = np.finfo(float).eps


def with_spectrum(eigenvalues, seed=0):
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(len(eigenvalues),) * 2))
    return jnp.asarray((q * eigenvalues) @ q.T)


@pytest.mark.parametrize("shape", [(13, 5), (1, 3), (STRIPS - 1, 20)])
def test_lower_gram_is_the_lower_triangle_of_the_product(shape):
    A = jnp.asarray(np.random.default_rng(0).normal(size=shape))
    np.testing.assert_allclose(np.tril(lower_gram(A)), np.tril(A @ A.T), atol=shape[1] * EPS * np.sum(A**2))


def test_solve_damped_reads_the_lower_triangle_only():
    A = with_spectrum(np.geomspace(1, 1e-6, 20))
    b = jnp.arange(20.0)
    spoiled = jnp.tril(A) + np.triu(np.full_like(A, np.nan), 1)
    np.testing.assert_allclose(
        solve_damped(spoiled, jnp.asarray(1e-3), b), np.linalg.solve(A + 1e-3 * np.eye(20), b), rtol=1e-10
    )


def test_nystrom_is_exact_at_the_rank_and_bounded_by_the_tail_beyond():
    """The bound is that of Frangella, Tropp & Udell, proposition 2.2, for 12 probes and k = 6."""
    low = with_spectrum(np.r_[np.geomspace(1, 1e-3, 6), np.zeros(34)])
    found = nystrom(lambda v: low @ v, 40, 6, jnp.float64)
    np.testing.assert_allclose((found.vectors * found.values) @ found.vectors.T, low, atol=1e-12)
    decaying = with_spectrum(2.0 ** -np.arange(40))
    found = nystrom(lambda v: decaying @ v, 40, 12, jnp.float64)
    error = decaying - (found.vectors * found.values) @ found.vectors.T
    eigenvalues = np.linalg.eigvalsh(error)
    assert eigenvalues[0] > -1e-13  # an approximation from below
    assert eigenvalues[-1] < (1 + 12 / 5) * 2.0**-6 + 2 * np.e**2 * 12 / 35 * 2.0**-5


def test_the_preconditioner_is_the_inverse_of_its_formula():
    found = nystrom(lambda v: with_spectrum(2.0 ** -np.arange(20)) @ v, 20, 5, jnp.float64)
    U, values, lam = np.asarray(found.vectors), np.asarray(found.values), jnp.asarray(1e-3)
    P = (U * (values + lam) / (values[-1] + lam)) @ U.T + np.eye(20) - U @ U.T
    v = jnp.arange(20.0)
    np.testing.assert_allclose(P @ found.precondition(lam, v), v, atol=1e-12)


def test_preconditioning_saves_iterations_and_agrees_with_a_direct_solve():
    A, lam = with_spectrum(2.0 ** -np.arange(60)), jnp.asarray(1e-5)
    b = jnp.asarray(np.random.default_rng(1).normal(size=60))
    product = lambda v: A @ v + lam * v
    sketch = nystrom(lambda v: A @ v, 60, 30, jnp.float64)

    @jax.jit
    def solve(b, preconditioned):
        precondition = lambda v: jnp.where(preconditioned, sketch.precondition(lam, v), v)
        return conjugate_gradients(product, b, precondition, 1e-10, 500)

    plain, fast = solve(b, False), solve(b, True)
    expected = np.linalg.solve(A + lam * np.eye(60), b)
    np.testing.assert_allclose(fast.value, expected, atol=1e-8 * np.abs(expected).max())
    assert np.linalg.norm(product(fast.value) - b) < 2e-10 * np.linalg.norm(b)
    assert fast.iterations < plain.iterations / 3
    assert solve(0 * b, True).iterations == 0
