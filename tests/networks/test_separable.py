"""Separable networks against products that are known."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pinnkit import MLP, Box, FourierFeatures, Interval, Periodic, Rescale, SeparableNetwork

from .parameters import moved

pytestmark = pytest.mark.usefixtures("x64")

BOX = Box(x=(-1.0, 1.0), y=(-1.0, 1.0), t=(-1.0, 1.0))
PLANE = Box(x=(-1.0, 1.0), t=(-1.0, 1.0))


def sines(model, axis, waves, phases):
    """The model with the factors sin(wave · x + phase) of one coordinate."""
    size = len(waves)
    values = jnp.array(waves)[:, None], jnp.array(phases), jnp.eye(size), jnp.zeros(size)
    layers = lambda model: (model.factors[axis].hidden[0], model.factors[axis].head)
    where = lambda model: [leaf for layer in layers(model) for leaf in (layer.weight, layer.bias)]
    return eqx.tree_at(where, model, list(values))


def test_products_of_known_factors():
    """sin(x + t) = sin x cos t + cos x sin t, and sin x cos t − cos x sin t = sin(x − t)."""
    model = SeparableNetwork(PLANE, 2, width=2, depth=1, rank=2, activation=jnp.sin)
    model = sines(model, 0, [1.0, 1.0], [0.0, np.pi / 2])
    model = sines(model, 1, [1.0, 1.0], [np.pi / 2, 0.0])
    heads = jnp.array([[1.0, 1.0], [1.0, -1.0]])
    model = eqx.tree_at(lambda model: model.head.weight, model, heads)
    x, t = 0.7, -0.4
    np.testing.assert_allclose(model(jnp.array([x, t])), [np.sin(x + t), np.sin(x - t)], rtol=1e-14)
    hessian = jax.hessian(lambda x: model(x)[0])(jnp.array([x, t]))
    np.testing.assert_allclose(hessian, np.full((2, 2), -np.sin(x + t)), rtol=1e-13)


def test_values_on_a_grid_have_the_rank_of_the_network():
    """Products of three columns, and the bias: a matrix of rank four."""
    model = moved(SeparableNetwork(PLANE, width=9, depth=2, rank=3))
    grid = jnp.asarray(PLANE.grid(12))
    singular = np.linalg.svd(jax.vmap(model)(grid).reshape(12, 12), compute_uv=False)
    assert singular[4] < 1e-14 * singular[0] < singular[3]


def test_a_factor_depends_on_its_own_coordinate_only():
    """The logarithmic derivative of a single product by one coordinate is the same wherever the others are."""
    model = moved(SeparableNetwork(BOX, width=5, depth=1, rank=1))
    model = eqx.tree_at(lambda model: model.head.bias, model, jnp.zeros(1))
    slope = jax.grad(lambda x: jnp.log(jnp.abs(model(x)[0])))
    np.testing.assert_allclose(slope(jnp.array([0.2, 0.5, -0.3]))[0], slope(jnp.array([0.2, -0.9, 0.8]))[0], rtol=1e-11)


@pytest.mark.parametrize("dimension", [1, 2, 5, 20])
def test_new_networks_have_outputs_of_order_one_in_any_dimension(dimension):
    domain = Box(**{f"x{a}": (0.0, 3.0) for a in range(dimension)})
    x = 3 * np.random.default_rng(0).random((50, dimension))
    model = SeparableNetwork(domain, outputs=200, width=8, depth=1, rank=16)
    assert 0.05 < np.sqrt(np.mean(jax.vmap(model)(x) ** 2)) < 2
    for factor in model.factors:
        np.testing.assert_allclose(factor.head.bias**2, 1 - 1 / dimension, rtol=1e-14)


@pytest.mark.slow
def test_each_coordinate_has_its_own_embedding():
    embeddings = {
        "x": Periodic(Interval(x=(-1.0, 1.0)), {"x": 2.0}),
        "t": FourierFeatures(Rescale(Interval(t=(-1.0, 1.0))), 4, 2.0),
    }
    model = moved(SeparableNetwork(BOX, width=6, depth=2, rank=5, embeddings=embeddings))
    assert [factor.embedding.size for factor in model.factors] == [2, 1, 8]
    u = lambda x: model(jnp.array([x, 0.2, 0.3]))[0]
    for derivative in (u, jax.grad(u), jax.grad(jax.grad(u))):
        np.testing.assert_allclose(derivative(-1.0), derivative(1.0), rtol=1e-11, atol=1e-11)


def test_factors_start_from_different_weights():
    models = [SeparableNetwork(BOX, width=6, depth=1, seed=seed) for seed in (0, 1)]
    weights = [np.asarray(factor.hidden[0].weight) for model in models for factor in model.factors]
    assert len({array.tobytes() for array in weights}) == 6


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: SeparableNetwork(BOX, rank=0), ValueError, "`rank` is a whole number ≥ 1, got 0"),
        (lambda: SeparableNetwork(BOX, embeddings={"z": Rescale(PLANE)}), ValueError, r"unknown coordinate.*'z'"),
        (lambda: SeparableNetwork(BOX, embeddings={"x": Rescale(PLANE)}), ValueError, "'x' takes more coordinates"),
        (lambda: SeparableNetwork(BOX, embeddings={"x": 3}), TypeError, "'x' is of type int"),
        (lambda: SeparableNetwork(BOX, embeddings=Rescale(BOX)), TypeError, "maps names of coordinates"),
        (lambda: SeparableNetwork(BOX)(jnp.zeros(2)), ValueError, r"3 coordinate\(s\), got an array of shape \(2,\)"),
    ],
)
def test_invalid_arguments_are_refused(build, error, message, as_for_users):
    with pytest.raises(error, match=message):
        build()


def test_in_one_dimension_it_has_the_functions_of_an_mlp():
    """A product of one factor, in front of the output layer."""
    model = SeparableNetwork(Interval(x=(0.0, 1.0)), width=4, depth=1, rank=3)
    (factor,) = model.factors
    assert isinstance(factor, MLP)
    np.testing.assert_allclose(model(jnp.array([0.3])), model.head(factor(jnp.array([0.3]))), rtol=1e-15)
