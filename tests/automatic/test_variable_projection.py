"""The output layer: which parameters it is, and that solving it is least squares on them."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from pinnkit import MLP, Box, Condition, Interval, ModifiedMLP, Problem, SineFeatures, Unknown
from pinnkit._base.linalg.least_squares import least_squares
from pinnkit.automatic.random_features.output_layer import OutputLayer
from pinnkit.automatic.random_features.variable_projection import VariableProjection
from pinnkit.networks.adapters import as_functional
from pinnkit.networks.linear_parameters import linear_leaves
from pinnkit.residuals.functions import ResidualFunctions
from pinnkit.samplers.counts import point_counts
from pinnkit.samplers.sampler import batch_of
from pinnkit.samplers.space_filling import QuasiRandom

line = Interval(x=(0.0, 1.0))


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def chosen_shapes(model, dimension=1):
    functional = as_functional(model, dimension)
    leaves = jax.tree.leaves(functional.params)
    return sorted(leaves[i].shape for i in linear_leaves(functional, dimension))


class TwoLinearLayers(eqx.Module):
    first: jax.Array
    second: jax.Array

    def __call__(self, x):
        return self.second @ (self.first @ x)


def test_output_layer_is_found_whatever_the_model():
    assert chosen_shapes(MLP(line, 2, 5, 2)) == [(2,), (2, 5)]
    assert chosen_shapes(ModifiedMLP(line, 1, 5, 2)) == [(1,), (1, 5)]
    assert chosen_shapes(SineFeatures(line, 1, 7)) == [(1,), (1, 7)]
    assert chosen_shapes(eqx.nn.MLP(1, 1, 4, 1, key=jax.random.key(0))) == [(1,), (1, 4)]
    flax_model = nnx.Sequential(nnx.Linear(1, 6, rngs=nnx.Rngs(0)), jnp.tanh, nnx.Linear(6, 1, rngs=nnx.Rngs(1)))
    assert chosen_shapes(flax_model) == [(1,), (6, 1)]


def test_of_two_layers_without_activation_the_last_one_is_taken():
    assert chosen_shapes(TwoLinearLayers(jnp.ones((3, 1)), jnp.ones((2, 3)))) == [(2, 3)]


def layer_of(problem, network, points=64):
    functional = as_functional(network, problem.domain.dimension)
    residuals = ResidualFunctions(problem, functional)
    batch = batch_of(problem, QuasiRandom().init(problem, point_counts(problem, points), 0))
    return OutputLayer(residuals, functional), residuals.initial_params(functional.params), batch


def steps_of(layer, *args, **options):
    return VariableProjection().steps(layer, *args, **options)


def decay(**coefficients):
    conditions = {
        "ode": Condition(lambda u, k: u.x + k * u, on=line.interior),
        "start": Condition(lambda u: u - 1, on=line.lower_face("x")),
    }
    return Problem("decay", line, conditions, coefficients=coefficients)


def test_a_linear_problem_is_solved_in_one_step():
    layer, params, batch = layer_of(decay(k=2.0), SineFeatures(line, 1, 24, 3.0))
    assert layer.is_linear and layer.size == 25
    ((found, seen),) = steps_of(layer, params, batch)
    assert layer.loss(found, batch, seen.weights) < 1e-20 * seen.loss


def test_the_solve_is_a_minimum_in_the_output_layer():
    """No direction in the output layer reduces the loss: agreement with NumPy's own least squares."""
    layer, params, batch = layer_of(decay(k=2.0), SineFeatures(line, 1, 3, 2.0))
    weights = {"ode": 1.0, "start": 5.0}
    ((found, _),) = steps_of(layer, params, batch, weights)
    best = layer.loss(found, batch, weights)
    jacobians, values = layer._linearize(params, batch)
    scales = {name: np.sqrt(weights[name] / values[name].size) for name in values}
    A = np.concatenate([scales[name] * jacobians[name] for name in values])
    b = np.concatenate([scales[name] * values[name] for name in values])
    residual = np.linalg.lstsq(A, -b, rcond=None)[1]
    np.testing.assert_allclose(best, 0.5 * residual[0], rtol=1e-9)


@pytest.fixture(scope="module")
def riccati():
    """u' = 1 + u²/4: u = 2 tan(x/2)."""
    return Problem(
        "riccati",
        line,
        {
            "ode": Condition(lambda u: u.x - 1 - u**2 / 4, on=line.interior),
            "start": Condition(lambda u: u, on=line.lower_face("x")),
        },
    )


def test_a_nonlinear_problem_converges_quadratically(riccati):
    layer, params, batch = layer_of(riccati, SineFeatures(line, 1, 24, 3.0))
    steps = list(steps_of(layer, params, batch, most=10, enough=1e-22))
    losses = [seen.loss for _, seen in steps]
    assert not layer.is_linear and all(after < before for before, after in zip(losses[:-1], losses[1:], strict=True))
    x = jnp.linspace(0, 1, 7)[:, None]
    u = layer._residuals.fields(steps[-1][0], x)["u"]
    np.testing.assert_allclose(u, 2 * np.tan(x[:, 0] / 2), atol=1e-9)


def test_what_is_to_be_exact_ends_with_a_fine_step(riccati, monkeypatch):
    layer, params, batch = layer_of(riccati, SineFeatures(line, 1, 24, 3.0))
    taken = []
    solve = lambda *given: taken.append(given[2]) or least_squares(*given)
    monkeypatch.setattr("pinnkit.automatic.random_features.variable_projection.least_squares", solve)
    left = []
    for enough in (1e-6, 1e-16):
        taken.clear()
        steps = list(steps_of(layer, params, batch, most=10, enough=enough))
        left.append(layer.loss(steps[-1][0], batch, steps[-1][1].weights) / steps[0][1].loss)
        assert taken.count(2) == (0 if enough == 1e-6 else 1), taken
    assert left[0] <= 1e-6 and left[1] <= 1e-16


def test_unknown_coefficients_are_found_together_with_the_output_layer():
    problem = Problem(
        "rate",
        line,
        {
            **decay(k=Unknown(1.0)).conditions,
            "end": Condition(lambda u: u - jnp.exp(-2.0), on=line.upper_face("x")),
        },
        coefficients={"k": Unknown(1.0)},
    )
    layer, params, batch = layer_of(problem, SineFeatures(line, 1, 24, 3.0))
    assert not layer.is_linear  # k u is a product of two unknowns
    *_, (found, _) = steps_of(layer, params, batch, most=15, enough=1e-22)
    np.testing.assert_allclose(layer._residuals.coefficients(found)["k"], 2.0, rtol=1e-8)


def test_periodic_features_keep_their_frequencies():
    box = Box(x=(-1.0, 1.0), t=(0.0, 1.0))
    network = SineFeatures(box, 1, 40, (9.0, 4.0), periodic=("x",))
    waves = np.asarray(network.frequency)[:, 0] / np.pi
    np.testing.assert_array_equal(waves, np.round(waves))
    assert np.abs(waves).max() == 3 and np.abs(network.frequency[:, 1]).max() <= 4.0
    trained = eqx.tree_at(lambda n: n.head.weight, network, jnp.ones((1, 40)))
    np.testing.assert_allclose(trained(jnp.array([-1.0, 0.3])), trained(jnp.array([1.0, 0.3])), atol=1e-12)
    gradient = jax.grad(lambda n: trained_at(n))(trained)
    assert np.all(np.asarray(gradient.frequency)[:, 0] == 0) and np.any(np.asarray(gradient.frequency)[:, 1] != 0)


def trained_at(network):
    return network(jnp.array([0.2, 0.4]))[0]


def test_residual_by_channels_is_that_by_the_network():
    """Two fields and products of derivatives; a shift of the output layer moves both ways alike, Jacobians too."""
    box = Box(x=(0.0, 1.0), y=(0.0, 2.0))
    flow = Problem(
        "flow",
        box,
        {
            "momentum": Condition(lambda u, v, x: [u * u.x + v * u.y - 0.1 * u.xx, x * v.yy + u**3], on=box.interior),
            "inlet": Condition(lambda u, v: u * v - 1, on=box.boundary("x")),
        },
        fields=("u", "v"),
    )
    layer, params, batch = layer_of(flow, SineFeatures(box, 2, 9, 3.0), 20)
    shift = np.random.default_rng(0).standard_normal(layer.size)
    direct, by_channels = layer.by_network(params, batch), layer.by_channels(params, batch)
    for one, other in zip(direct.linearize(shift), by_channels.linearize(shift), strict=True):
        for name in flow.conditions:
            np.testing.assert_allclose(one[name], other[name], atol=1e-12 * np.abs(other[name]).max())
    for name, r in direct.values(shift).items():
        np.testing.assert_allclose(r, by_channels.values(shift)[name], atol=1e-12 * np.abs(r).max())
    assert layer.uses_channels


def test_fields_elsewhere_are_seen_through_the_network():
    delayed = Problem("delayed", line, {"pde": Condition(lambda u, x: u.x * u - u(x=x / 2), on=line.interior)})
    layer, params, batch = layer_of(delayed, SineFeatures(line, 1, 9, 3.0), 20)
    assert not layer.uses_channels
    losses = [step.loss for _, step in steps_of(layer, params, batch)]
    assert losses == sorted(losses, reverse=True)
