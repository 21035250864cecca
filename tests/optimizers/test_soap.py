"""SOAP against Adam, its own definition, and rotations."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from pinnkit import scale_by_soap

pytestmark = pytest.mark.usefixtures("x64")


def directions(optimizer, gradients):
    """Every direction, and the last state."""
    step = lambda state, g: optimizer.update(g, state)[::-1]
    first = jax.tree.map(lambda g: g[0], gradients)
    state, found = jax.jit(lambda gradients: jax.lax.scan(step, optimizer.init(first), gradients))(gradients)
    return found, state


def random_gradients(*shape, steps=25, seed=0):
    rng = np.random.default_rng(seed)
    return jnp.asarray(rng.normal(size=(steps, *shape)) * np.geomspace(1, 10, shape[-1]))


def test_vectors_and_matrices_that_are_too_large_get_adam():
    gradients = {"bias": random_gradients(4), "weight": random_gradients(5, 3), "scale": random_gradients(1)[:, 0]}
    found, _ = directions(scale_by_soap(largest=4), gradients)
    expected, _ = directions(optax.scale_by_adam(b1=0.95, b2=0.95), gradients)
    for name in gradients:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-10)


def test_first_direction_is_that_of_adam():
    gradients = random_gradients(4, 3)
    found, _ = directions(scale_by_soap(), gradients)
    np.testing.assert_allclose(found[0], np.sign(gradients[0]), rtol=1e-6)


def test_directions_rotate_with_the_gradients():
    """Directions do not depend on the axes: U G Vᵀ gives U D Vᵀ (after the first step, which is that of Adam)."""
    rng = np.random.default_rng(1)
    U, V = (jnp.asarray(np.linalg.qr(rng.normal(size=(4, 4)))[0]) for _ in range(2))
    gradients = random_gradients(4, 4)
    plain, _ = directions(scale_by_soap(every=4), gradients)
    turned, _ = directions(scale_by_soap(every=4), U @ gradients @ V.T)
    np.testing.assert_allclose(turned[1:], U @ plain[1:] @ V.T, atol=1e-7)


def test_bases_are_orthonormal_and_become_eigenvectors_of_the_running_means():
    _, state = directions(scale_by_soap(every=1, b2=1 - 1e-9), random_gradients(5, 3, steps=200))
    (basis,) = state.bases
    for vectors, matrix in ((basis.left_vectors, basis.left), (basis.right_vectors, basis.right)):
        np.testing.assert_allclose(vectors.T @ vectors, np.eye(len(matrix)), atol=1e-12)
        rotated = vectors.T @ matrix @ vectors
        np.testing.assert_allclose(rotated, np.diag(np.diag(rotated)), atol=1e-5 * np.trace(matrix))
        assert np.all(np.diff(np.diag(rotated)) <= 1e-6 * np.trace(matrix))
