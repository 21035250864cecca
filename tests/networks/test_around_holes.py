"""Features around the holes of a domain."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pinnkit import Annulus, Box, Disk, SineFeatures
from pinnkit.networks.embeddings import AroundHoles, Rescale

pytestmark = pytest.mark.usefixtures("x64")

TWO = Disk(1.0) - Disk(0.2, x=0.3, y=0.1) - Disk(0.3, x=-0.4, y=0.0)


def test_holes_are_what_a_shape_surrounds():
    assert [hole.radius for hole in TWO.holes] == pytest.approx([0.2, 0.3], rel=1e-14)
    np.testing.assert_allclose([hole.center for hole in TWO.holes], [(0.3, 0.1), (-0.4, 0.0)], atol=1e-15)
    assert TWO.over(t=(0.0, 1.0)).holes == TWO.holes
    filled = (Disk(1.0) - Disk(0.2)) | Disk(0.25)
    assert filled.holes == Disk(1.0).holes == (Disk(1.0) - Disk(0.1, x=3.0, y=0.0)).holes == ()
    assert isinstance(SineFeatures(Box(x=(0.0, 1.0), y=(0.0, 1.0))).embedding, Rescale)


def test_features_of_a_hole_are_the_inverse_point_and_the_logarithm():
    embedding = AroundHoles(Annulus(0.5, 2.0).over(t=(0.0, 1.0)))
    far = np.sqrt(8.0)
    found = embedding(jnp.array([0.6, 0.8, 0.25]))
    np.testing.assert_allclose(found[:3], [0.3, 0.4, -0.5], rtol=1e-15)
    np.testing.assert_allclose(found[3:5], [0.3, 0.4], rtol=1e-14)
    np.testing.assert_allclose(found[5], (0 - np.log(0.5 * far) / 2) / (np.log(far / 0.5) / 2), rtol=1e-14)


def test_multipoles_and_logarithms_are_represented():
    """Those of both holes and a smooth function, by least squares at points inside, on others."""
    x = np.asarray(TWO.interior.placed(np.random.default_rng(0).random((3000, 2))))
    z = x @ np.array([1, 1j])
    values = (
        np.log(np.abs(z - 0.3 - 0.1j)) + (0.3 / (z + 0.4)).real + ((0.2 / (z - 0.3 - 0.1j)) ** 2).imag + np.sin(z).real
    )
    network = SineFeatures(TWO, width=600, bandwidth=3.0)
    features = np.asarray(jax.vmap(lambda x: jnp.sin(network.frequency @ network.embedding(x) + network.phase))(x))
    coefficients, *_ = np.linalg.lstsq(features[:2000], values[:2000], rcond=1e-14)
    assert np.abs(features[2000:] @ coefficients - values[2000:]).max() < 1e-7
