"""Residual adaptive networks against the formulas of the paper."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pinnkit import Box, FourierFeatures, Periodic, PirateNet, Rescale

from .parameters import moved

pytestmark = pytest.mark.usefixtures("x64")

BOX = Box(x=(-2.0, 4.0), t=(0.0, 1.0))
POINT = (0.7, 0.2)


def affine(layer, h):
    return np.asarray(layer.weight) @ h + np.asarray(layer.bias)


def by_the_paper(model, x):
    """The forward pass as the paper writes it, in NumPy."""
    h = np.asarray(model.embedding(x))
    U, V = (np.tanh(affine(encoder, h)) for encoder in model.encoders)
    for block in model.blocks:
        f = np.tanh(affine(block.layers[0], h))
        z = f * U + (1 - f) * V
        g = np.tanh(affine(block.layers[1], z))
        z = g * U + (1 - g) * V
        h = float(block.alpha) * np.tanh(affine(block.layers[2], z)) + (1 - float(block.alpha)) * h
    return affine(model.head, h)


def test_values_are_those_of_the_paper():
    model = moved(PirateNet(BOX, outputs=2, width=6, blocks=2))
    np.testing.assert_allclose(model(jnp.array(POINT)), by_the_paper(model, jnp.array(POINT)), rtol=1e-13)


def test_a_new_network_is_linear_in_its_embedding():
    model = PirateNet(BOX, outputs=3, width=8, blocks=4, seed=2)
    point = jnp.array(POINT)
    np.testing.assert_allclose(model(point), affine(model.head, model.embedding(point)), rtol=1e-14)


def test_at_first_only_the_head_and_the_weights_of_blocks_have_a_gradient():
    gradient = jax.grad(lambda model: model(jnp.array(POINT))[0])(PirateNet(BOX, width=8, blocks=2))
    assert all(block.alpha != 0 for block in gradient.blocks) and np.all(gradient.head.weight != 0)
    inner = [[block.layers for block in gradient.blocks], gradient.encoders]
    assert all(np.all(leaf == 0) for leaf in jax.tree.leaves(inner))


def test_blocks_have_the_size_of_the_embedding():
    embedding = FourierFeatures(Periodic(BOX, {"x": 6.0}), 5, 2.0)
    model = moved(PirateNet(BOX, width=7, blocks=1, embedding=embedding))
    assert [layer.weight.shape for layer in model.blocks[0].layers] == [(7, 10), (7, 7), (10, 7)]
    assert model.head.weight.shape == (1, 10)
    u = lambda x: model(jnp.array([x, 0.3]))[0]
    for derivative in (u, jax.grad(u), jax.grad(jax.grad(u))):
        np.testing.assert_allclose(derivative(-2.0), derivative(4.0), rtol=1e-11, atol=1e-11)


def test_the_default_embedding_has_as_many_features_as_the_width():
    assert [PirateNet(BOX, width=width, blocks=1).embedding.size for width in (8, 9, 1)] == [8, 10, 2]
    assert isinstance(PirateNet(BOX, width=8, embedding=Rescale(BOX)).embedding, Rescale)
