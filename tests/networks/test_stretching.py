"""Stretched coordinates: monotone maps of the box onto itself, with the period kept, and their inverse."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pinnkit.networks.stretching import SHARE, Bump, Stretching


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


BUMPS = [Bump(0, 0.3, 0.02), Bump(0, -0.9, 0.1), Bump(1, 0.0, 0.5)]


def slopes(stretching, z):
    return np.asarray(jax.vmap(jax.jacfwd(stretching))(jnp.asarray(z)))


@pytest.mark.parametrize("periodic", [(False, False), (True, False)])
def test_coordinates_are_mapped_onto_themselves_in_order(periodic):
    stretching = Stretching(periodic, BUMPS)
    line = np.linspace(-1, 1, 1001)
    z = np.column_stack([line, line])
    images = np.asarray(stretching.many(z))
    assert (np.diff(images, axis=0) > 0).all()
    np.testing.assert_allclose(images[-1] - images[0], 2.0, rtol=1e-14)
    np.testing.assert_allclose(slopes(stretching, z)[:, 0, 1], 0.0, atol=1e-15)


def test_share_of_the_resolution_goes_to_the_bump():
    """Half of a Cauchy density lies within its half width."""
    stretching = Stretching([False], [Bump(0, 0.0, 0.01)])
    ends = np.asarray(stretching.many(np.array([[-0.01], [0.01]])))[:, 0]
    np.testing.assert_allclose(ends[1] - ends[0], SHARE + 0.02 * (1 - SHARE), rtol=0.02)


def test_periodic_coordinates_stay_periodic_with_all_derivatives():
    stretching = Stretching([True], [Bump(0, 0.97, 0.05)])
    function = lambda t: stretching(jnp.array([t]))[0]
    for _ in range(4):
        function = jax.grad(function)
        left, right = float(function(-1.0)), float(function(1.0))
        np.testing.assert_allclose(left, right, rtol=1e-9)


def test_inverse_places_images_evenly():
    stretching = Stretching([False, True], BUMPS)
    even = np.random.default_rng(0).uniform(-1, 1, (200, 2))
    images = np.asarray(stretching.many(stretching.inverse(even)))
    shift = np.asarray(stretching.many(np.array([[-1.0, -1.0]])))[0] + 1
    np.testing.assert_allclose(images, even + shift, atol=1e-3)
    np.testing.assert_array_equal(Stretching([False, False]).inverse(even), even)


def test_no_bumps_is_the_identity():
    z = jnp.array([0.3, -0.8])
    np.testing.assert_array_equal(Stretching([False, True])(z), z)
