"""Built-in networks and embeddings."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pinnkit import MLP, Box, FourierFeatures, ModifiedMLP, Periodic, Rescale
from pinnkit.networks.adapters import as_functional
from pinnkit.ntk import compute_ntk

pytestmark = pytest.mark.usefixtures("x64")

BOX = Box(x=(-2.0, 4.0), t=(0.0, 1.0))


def test_rescale_maps_the_domain_to_the_cube():
    np.testing.assert_allclose(Rescale(BOX)(jnp.array([-2.0, 1.0])), [-1.0, 1.0])


@pytest.mark.parametrize("network", [MLP, ModifiedMLP])
def test_periodic_embedding_makes_a_network_periodic_with_all_derivatives(network):
    model = network(BOX, width=8, depth=2, embedding=Periodic(BOX, {"x": 6.0}))
    u = lambda x: model(jnp.array([x, 0.3]))[0]
    for derivative in (u, jax.grad(u), jax.grad(jax.grad(u))):
        np.testing.assert_allclose(derivative(-2.0), derivative(4.0), rtol=1e-12, atol=1e-12)


def test_fourier_features_have_the_kernel_they_sample():
    """E[cos B(x−y)] = exp(−σ²|x−y|²/2), to the sampling error of many features."""
    features = FourierFeatures(Rescale(BOX), count=20_000, scale=1.5)
    x, y = jnp.array([0.5, 0.2]), jnp.array([1.1, 0.4])
    distance = jnp.sum((Rescale(BOX)(x) - Rescale(BOX)(y)) ** 2)
    kernel = features(x) @ features(y) / 20_000
    np.testing.assert_allclose(kernel, jnp.exp(-(1.5**2) * distance / 2), atol=0.03)


@pytest.mark.parametrize("network", [MLP, ModifiedMLP])
def test_frequencies_and_bounds_are_not_trained(network):
    embedding = FourierFeatures(Rescale(BOX), count=5, scale=1.0)
    model = network(BOX, outputs=2, width=7, depth=2, embedding=embedding)
    trained = as_functional(model, 2)
    layers = [10 * 7 + 7, 7 * 7 + 7, 7 * 2 + 2] + ([2 * (10 * 7 + 7)] if network is ModifiedMLP else [])
    assert trained.size == sum(layers)
    assert isinstance(trained.merge(trained.params), eqx.Module)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: MLP(BOX, width=0), "≥ 1"),
        (lambda: Periodic(BOX, {"y": 1.0}), "unknown coordinate"),
        (lambda: Periodic(BOX, {"x": -1.0}), "positive"),
        (lambda: FourierFeatures(Rescale(BOX), 0, 1.0), "count ≥ 1"),
    ],
)
def test_what_cannot_be_meant_is_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize(
    "embedding",
    [Rescale(BOX), Periodic(BOX, {"x": 6.0}), FourierFeatures(Rescale(BOX), 3, 1.0)],
    ids=lambda embedding: type(embedding).__name__,
)
def test_embeddings_have_nothing_that_a_transformation_could_trace(embedding):
    model, x = MLP(BOX, 1, 4, 1, embedding=embedding), np.array([[0.1, 0.2], [0.3, 0.4]])
    assert jax.tree.leaves(embedding) == []
    np.testing.assert_allclose(eqx.filter_jit(compute_ntk)(model, jnp.asarray(x)), compute_ntk(model, x), rtol=1e-5)
