"""Sinusoidal networks: the distribution of their layers, and closed forms."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from pinnkit import Box, Interval, Periodic, Siren
from pinnkit.networks.adapters import as_functional

from .parameters import moved

pytestmark = pytest.mark.usefixtures("x64")

LINE, BOX = Interval(x=(0.0, 2.0)), Box(x=(-1.0, 1.0), t=(0.0, 1.0))


def arguments_of_sines(model, x):
    """ω (W h + b) of each hidden layer at one point."""
    h, found = model.embedding(x), []
    for layer, frequency in zip(model.hidden, model.frequencies, strict=True):
        found.append(frequency * (layer.weight @ h + layer.bias))
        h = jnp.sin(found[-1])
    return found


@pytest.mark.parametrize("frequency", [3.0, 30.0])
def test_arguments_of_sines_are_normal_whatever_the_depth(frequency):
    """With the variance q' = 2 E sin² = 1 − exp(−2 q) after arguments with variance q, whose limit is 0.8.

    Biases add 2 / n; sampling errors at width n are a few times (2 / n)^(1/2).
    """
    width = 400
    model = Siren(LINE, 200, width, depth=8, frequency=frequency)
    x = jnp.linspace(0.0, 2.0, 101)[:, None]
    first, *later = jax.vmap(lambda x: jnp.stack(arguments_of_sines(model, x)))(x).swapaxes(0, 1)
    assert np.abs(first).max() <= 2 * frequency  # weights and biases up to 1
    variance = 2 * np.mean(np.sin(first) ** 2)
    for values in later:
        values = np.asarray(values).ravel()
        assert abs(np.mean(values)) < 0.1 and abs(stats.kurtosis(values)) < 0.5
        np.testing.assert_allclose(np.var(values), variance, rtol=3 * (2 / width) ** 0.5)
        variance = 1 - np.exp(-2 * variance)
    np.testing.assert_allclose(np.mean(jax.vmap(model)(x) ** 2), 0.8, rtol=3 * (2 / 200) ** 0.5)


def test_weights_are_uniform_within_the_bounds_of_the_paper():
    model = Siren(BOX, 2, 300, depth=3, frequency=7.0)
    first, *later = model.hidden
    bounds = [1 / 2, *len(later) * [(6 / 300) ** 0.5 / 7], (6 / 300) ** 0.5]
    for layer, bound in zip((first, *later, model.head), bounds, strict=True):
        weights = np.asarray(layer.weight).ravel() / bound
        assert np.abs(weights).max() <= 1
        assert stats.kstest(weights, stats.uniform(-1, 2).cdf).pvalue > 1e-3
    assert np.all(model.head.bias == 0) and not np.all(first.bias == 0)


def test_one_layer_is_a_sum_of_sines():
    """With u'' = −(ω w)² u for each sine; x in (0, 2) is z = x − 1."""
    model = moved(Siren(LINE, width=3, depth=1, frequency=4.0))
    (layer,), (frequency,) = model.hidden, model.frequencies
    waves = np.asarray(frequency * layer.weight[:, 0])
    phases, heights = np.asarray(frequency * layer.bias), np.asarray(model.head.weight[0])
    u = lambda x: model(jnp.array([x]))[0]
    sines = heights * np.sin(waves * (0.3 - 1) + phases)
    np.testing.assert_allclose(u(0.3), sines.sum() + model.head.bias[0], rtol=1e-13)
    np.testing.assert_allclose(jax.grad(jax.grad(u))(0.3), np.sum(-(waves**2) * sines), rtol=1e-12)


def test_frequencies_are_trained_if_wanted():
    trained, fixed = (Siren(BOX, width=5, depth=2, trained_frequency=flag) for flag in (True, False))
    functional = as_functional(fixed, 2)
    assert as_functional(trained, 2).size == functional.size + 2
    np.testing.assert_array_equal(trained(jnp.ones(2) / 2), fixed(jnp.ones(2) / 2))
    assert functional.merge(functional.params).frequencies == (3.0, 3.0)
    gradient = eqx.filter_grad(lambda model: model(jnp.ones(2) / 2)[0])(trained)
    assert np.all(gradient.frequencies != 0)


def test_an_embedding_makes_it_periodic():
    model = Siren(BOX, width=6, depth=2, embedding=Periodic(BOX, {"x": 2.0}))
    u = lambda x: model(jnp.array([x, 0.3]))[0]
    for derivative in (u, jax.grad(u), jax.grad(jax.grad(u))):
        np.testing.assert_allclose(derivative(-1.0), derivative(1.0), rtol=1e-11, atol=1e-11)
