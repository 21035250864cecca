"""Random weight factorization against the plain layers that it stands for."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from pinnkit import MLP, Box, FactorizedDense, ModifiedMLP, PirateNet, SeparableNetwork, Siren, factorize_weights
from pinnkit.networks.dense import Dense

from .parameters import moved

BOX = Box(x=(-1.0, 1.0), t=(0.0, 1.0))
POINT = (0.3, 0.8)

NETWORKS = {
    "MLP": lambda: MLP(BOX, 2, width=6, depth=2),
    "ModifiedMLP": lambda: ModifiedMLP(BOX, 2, width=6, depth=2),
    "PirateNet": lambda: PirateNet(BOX, 2, width=6, blocks=1),
    "Siren": lambda: Siren(BOX, 2, width=6, depth=2),
    "SeparableNetwork": lambda: SeparableNetwork(BOX, 2, width=6, depth=1, rank=5),
}


def layers(model, kind):
    nodes = jax.tree.leaves(model, is_leaf=lambda node: isinstance(node, kind))
    return [node for node in nodes if isinstance(node, kind)]


def multiplied_out(model):
    """Plain layers with the products of the factors."""

    def plain(layer):
        dense = Dense(*layer.direction.shape[::-1], None)
        values = jnp.exp(layer.scale)[:, None] * layer.direction, layer.bias
        return eqx.tree_at(lambda dense: (dense.weight, dense.bias), dense, values)

    is_factorized = lambda node: isinstance(node, FactorizedDense)
    return jax.tree.map(lambda node: plain(node) if is_factorized(node) else node, model, is_leaf=is_factorized)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_keeps_its_function_and_its_class(name, x64):
    model = moved(NETWORKS[name]())
    factorized = factorize_weights(model, mean=0.5, std=0.3)
    assert type(factorized) is type(model) and not layers(factorized, Dense)
    assert len(layers(factorized, FactorizedDense)) == len(layers(model, Dense)) > 0
    np.testing.assert_allclose(factorized(jnp.array(POINT)), model(jnp.array(POINT)), rtol=1e-12)


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_follow_from_those_of_the_products(name, x64):
    r"""∂f/∂V = diag(exp s) ∂f/∂W and ∂f/∂s_j = Σ_k W_jk ∂f/∂W_jk, also away from the initial factors."""
    model = moved(factorize_weights(NETWORKS[name]()))
    gradient = eqx.filter_grad(lambda model: model(jnp.array(POINT))[1])
    plain = multiplied_out(model)
    np.testing.assert_allclose(model(jnp.array(POINT)), plain(jnp.array(POINT)), rtol=1e-12)
    pairs = zip(layers(gradient(model), FactorizedDense), layers(gradient(plain), Dense), strict=True)
    for layer, (found, expected) in zip(layers(model, FactorizedDense), pairs, strict=True):
        scale = np.exp(layer.scale)[:, None]
        np.testing.assert_allclose(found.direction, scale * expected.weight, rtol=1e-10, atol=1e-13)
        np.testing.assert_allclose(found.scale, np.sum(layer.weight * expected.weight, axis=1), rtol=1e-10, atol=1e-13)
        np.testing.assert_allclose(found.bias, expected.bias, rtol=1e-10, atol=1e-13)


def test_scales_are_drawn_from_the_given_distribution():
    """The mean of n normal numbers has a standard error of σ / √n, their standard deviation one of σ / √(2n)."""
    (layer, _) = layers(factorize_weights(MLP(BOX, width=4000, depth=1), 0.5, 0.2), FactorizedDense)
    assert abs(np.mean(layer.scale) - 0.5) < 4 * 0.2 / 4000**0.5
    assert abs(np.std(layer.scale) - 0.2) < 4 * 0.2 / 8000**0.5
    constant = layers(factorize_weights(MLP(BOX, width=5, depth=1), -1.0, 0.0), FactorizedDense)
    assert all(np.all(layer.scale == -1.0) for layer in constant)


def test_layers_differ_and_seeds_repeat():
    model = MLP(BOX, width=6, depth=3)
    scales = lambda seed: [np.asarray(layer.scale) for layer in factorize_weights(model, seed=seed).hidden]
    assert not np.allclose(scales(0)[1], scales(0)[2]) and not np.allclose(scales(0)[1], scales(1)[1])
    for one, other in zip(scales(3), scales(3), strict=True):
        np.testing.assert_array_equal(one, other)


def test_precision_is_that_of_the_network():
    with jax.enable_x64(True):
        double = MLP(BOX, width=4, depth=1)
    for model, dtype in ((double, np.float64), (MLP(BOX, width=4, depth=1), np.float32)):
        assert {leaf.dtype for leaf in jax.tree.leaves(factorize_weights(model))} == {np.dtype(dtype)}


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: factorize_weights(MLP(BOX), mean=float("nan")), ValueError, "`mean` is a finite number"),
        (lambda: factorize_weights(MLP(BOX), std=-0.1), ValueError, "`std` is a finite number ≥ 0"),
        (lambda: factorize_weights(MLP(BOX), seed=1.5), ValueError, "`seed`"),
        (lambda: factorize_weights(factorize_weights(MLP(BOX))), TypeError, "dense layers of pinnkit.*got MLP"),
        (lambda: factorize_weights(nnx.Linear(2, 1, rngs=nnx.Rngs(0))), TypeError, "got Linear"),
        (lambda: factorize_weights(3), TypeError, "got int"),
    ],
)
def test_invalid_arguments_are_refused(build, error, message, as_for_users):
    with pytest.raises(error, match=message):
        build()
