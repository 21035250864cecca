"""One functional form for models of every kind."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from flax import nnx
from numpy.testing import assert_allclose, assert_array_equal

from pinnkit.networks.adapters import as_functional
from pinnkit.networks.functional import FunctionalModel, cast, output_size

POINT = jnp.array([0.3, -0.7])


class Network(nnx.Module):
    """Written for one point and for a batch alike, with state that is no parameter."""

    def __init__(self):
        rngs = nnx.Rngs(0)
        self.first = nnx.Linear(2, 4, rngs=rngs)
        self.norm = nnx.BatchNorm(4, rngs=rngs)
        self.dropout = nnx.Dropout(0.5, rngs=rngs)
        self.last = nnx.Linear(4, 3, rngs=rngs)

    def __call__(self, x):
        return self.last(self.dropout(self.norm(self.first(x))))


class ForBatches(Network):
    def __call__(self, x):
        return super().__call__(jnp.concatenate([x[:, 0:1], x[:, 1:2]], axis=1))


class Scale(nnx.Module):
    def __init__(self):
        self.scale = nnx.Param(jnp.array(2.0))


class ScalarOfPoint(Scale):
    def __call__(self, x):
        return self.scale * x[0]


class VectorOfBatch(Scale):
    def __call__(self, x):
        return self.scale * x[:, 0]


class EquinoxWithHeldArray(eqx.Module):
    linear: eqx.nn.Linear
    dropout: eqx.nn.Dropout
    shift: np.ndarray

    def __call__(self, x, key=None):
        return self.dropout(self.linear(x), key=key) + self.shift


def equinox_model():
    return EquinoxWithHeldArray(eqx.nn.Linear(2, 3, key=jr.key(0)), eqx.nn.Dropout(0.5), np.ones(3))


def pair():
    return (lambda key: {"w": jr.normal(key, (3, 2))}, lambda params, x: params["w"] @ x)


@pytest.mark.parametrize("model", [Network(), ForBatches(), equinox_model(), pair()], ids=lambda m: type(m).__name__)
def test_every_kind_becomes_a_function_of_one_point(model):
    functional = as_functional(model, 2)
    output = functional.apply(functional.params, POINT)
    assert output.shape == (3,) and output_size(functional, 2) == 3
    assert functional.size == sum(leaf.size for leaf in jax.tree.leaves(functional.params))
    batch = jax.vmap(functional.apply, (None, 0))(functional.params, jnp.stack([POINT, 2 * POINT]))
    assert_allclose(batch[0], output, rtol=1e-6)


@pytest.mark.parametrize("model", [ScalarOfPoint(), VectorOfBatch()], ids=lambda m: type(m).__name__)
def test_output_without_an_axis_gets_one(model):
    functional = as_functional(model, 2)
    assert_allclose(functional.apply(functional.params, POINT), [0.6], rtol=1e-6)


def test_both_ways_of_writing_give_the_same_values():
    one, other = as_functional(Network(), 2), as_functional(ForBatches(), 2)
    assert_allclose(one.apply(one.params, POINT), other.apply(other.params, POINT), rtol=1e-6)


def test_flax_module_is_evaluated_without_dropout_and_left_as_it_was():
    model = Network()
    functional = as_functional(model, 2)
    outputs = [functional.apply(functional.params, POINT) for _ in range(3)]
    assert_array_equal(outputs[0], outputs[1])
    hidden = (model.first(POINT) - model.norm.mean[...]) / jnp.sqrt(model.norm.var[...] + model.norm.epsilon)
    assert_allclose(outputs[0], model.last(hidden), rtol=1e-5)
    assert functional.size == 2 * 4 + 4 + 2 * 4 + 4 * 3 + 3
    assert not model.dropout.deterministic and not model.norm.use_running_average


def test_equinox_module_holds_its_numpy_arrays_and_drops_nothing():
    model = equinox_model()
    functional = as_functional(model, 2)
    assert functional.size == 3 * 2 + 3
    assert_allclose(functional.apply(functional.params, POINT), model.linear(POINT) + 1, rtol=1e-6)


@pytest.mark.parametrize("model", [Network(), equinox_model()], ids=lambda m: type(m).__name__)
def test_merge_gives_back_the_users_kind_with_new_parameters(model):
    functional = as_functional(model, 2)
    doubled = jax.tree.map(lambda leaf: 2 * leaf, functional.params)
    merged = functional.merge(doubled)
    assert type(merged) is type(model)
    again = as_functional(merged, 2)
    assert_allclose(again.apply(again.params, POINT), functional.apply(doubled, POINT), rtol=1e-6)
    assert_allclose(merged(POINT), functional.apply(doubled, POINT), rtol=1e-6)


def test_pair_is_initialised_with_the_key():
    init, _ = pair()
    assert_array_equal(as_functional(pair(), 2, key=jr.key(7)).params["w"], init(jr.key(7))["w"])
    assert_array_equal(as_functional(pair(), 2).params["w"], init(jr.key(0))["w"])
    assert as_functional(pair(), 2).merge("parameters") == "parameters"


def test_functional_form_of_a_functional_model_is_itself():
    functional = as_functional(Network(), 2)
    again = as_functional(functional, 2)
    assert isinstance(again, FunctionalModel)
    assert_array_equal(again.apply(again.params, POINT), functional.apply(functional.params, POINT))


def test_double_parameters_stay_double():
    with jax.enable_x64(True):
        for model in (Network(), equinox_model(), pair()):
            functional = as_functional(model, 2)
            params = cast(functional.params, jnp.float64)
            assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {np.dtype(np.float64)}
            assert functional.apply(params, jnp.asarray(POINT, jnp.float64)).dtype == np.float64


@pytest.mark.parametrize("model", [Network(), equinox_model(), pair()], ids=lambda m: type(m).__name__)
def test_wrong_number_of_coordinates_is_refused(model):
    with pytest.raises(ValueError, match=r"does not accept points with 5 coordinate\(s\): "):
        as_functional(model, 5)


def test_what_is_no_model_is_refused():
    with pytest.raises(TypeError, match="a model is an `nnx.Module`.*got function"):
        as_functional(lambda x: x, 2)
    with pytest.raises(ValueError, match="has no trainable parameters"):
        as_functional((lambda key: {}, lambda params, x: x), 2)
    with pytest.raises(ValueError, match=r"it returns shape \(2, 2\) for one point"):
        as_functional((lambda key: jnp.ones(2), lambda w, x: jnp.outer(w, x)), 2)
