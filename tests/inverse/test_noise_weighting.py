"""Weights of data in training: they fall while the misfit is noise, and rise when it is more."""

import jax.numpy as jnp
import numpy as np
import pytest

import pinnkit
from pinnkit import Condition, FunctionalModel, Interval, NTKWeighting, PointSet, Problem, QuasiRandom
from pinnkit.residuals.functions import ResidualFunctions
from pinnkit.samplers.sampler import batch_of
from pinnkit.training.named import STRATEGIES
from pinnkit.weighting.noise import FACTOR, LEAST, NoiseWeighting

pytestmark = pytest.mark.usefixtures("x64")

LINE = Interval(x=(0.0, 1.0))
PLACES = np.linspace(0, 1, 100)
NOISE = 0.1 * np.random.default_rng(0).standard_normal(100)


def line(values, sigma=None):
    """u = a + b x at values, and u'' = 0; parameters (a, b)."""
    problem = Problem(
        name="line",
        domain=LINE,
        conditions={
            "pde": Condition(lambda u: u.xx, on=LINE.interior),
            "data": Condition(lambda u, sample: u - sample, on=PointSet({"x": PLACES}, sample=values), sigma=sigma),
        },
    )
    model = FunctionalModel(jnp.zeros(2), lambda p, x: (p[0] + p[1] * x[0])[None], lambda p: p)
    residuals = ResidualFunctions(problem, model)
    return residuals, batch_of(problem, QuasiRandom().init(problem, {"pde": 4, "data": 100}, 0))


def factors(residuals, batch, network, updates, rule=None):
    """The factor of the data after each update at the same parameters."""
    rule = NoiseWeighting() if rule is None else rule
    params = {"coefficients": {}, "network": jnp.asarray(network)}
    state, found = rule.init(residuals, batch, {"pde": jnp.asarray(3.0), "data": jnp.asarray(2.0)}), []
    for _ in range(updates):
        weights, state = rule.update(residuals, params, batch, state)
        assert weights["pde"] == 3.0
        found.append(float(weights["data"]) / 2.0)
    return found


@pytest.mark.parametrize("sigma", [None, 0.1])
def test_noise_loses_weight_down_to_a_bound(sigma):
    found = factors(*line(1.0 + NOISE, sigma), [1.0, 0.0], 10)
    assert found[0] == 1 / FACTOR and found[-1] == pytest.approx(LEAST)
    assert np.all(np.diff(found) <= 0)


@pytest.mark.parametrize("sigma", [None, 0.1])
def test_a_misfit_that_is_no_noise_keeps_its_weight(sigma):
    assert factors(*line(PLACES + NOISE, sigma), [0.0, 0.0], 3) == [1.0, 1.0, 1.0]


def test_weight_returns_when_the_misfit_grows():
    residuals, batch = line(PLACES + NOISE, 0.1)
    rule, at = NoiseWeighting(), lambda network: {"coefficients": {}, "network": jnp.asarray(network)}
    state = rule.init(residuals, batch, {"pde": jnp.asarray(1.0), "data": jnp.asarray(1.0)})
    for network in ([0.0, 1.0], [0.0, 1.0], [0.0, 0.0]):
        weights, state = rule.update(residuals, at(network), batch, state)
    assert float(weights["data"]) == 1 / FACTOR


def test_the_rule_for_exact_data_goes_on_inside():
    residuals, batch = line(1.0 + NOISE, 0.1)
    params = {"coefficients": {}, "network": jnp.asarray([1.0, 0.0])}
    first = {"pde": jnp.asarray(1.0), "data": jnp.asarray(1.0)}
    inner, outer = NTKWeighting(every=20), NoiseWeighting(inner=NTKWeighting(every=20))
    alone, _ = inner.update(residuals, params, batch, inner.init(residuals, batch, first))
    both, _ = outer.update(residuals, params, batch, outer.init(residuals, batch, first))
    np.testing.assert_allclose(both["pde"], alone["pde"])
    np.testing.assert_allclose(both["data"], alone["data"] / FACTOR)


def test_strategies_weigh_data_where_weights_may_change():
    problem, params = line(1.0 + NOISE)[0].problem, {"x": jnp.zeros(2)}
    rules = {
        name: [phase.weighting for phase in STRATEGIES.create(name).for_data(problem, params).phases]
        for name in ("adam", "ntk-adam", "gauss-newton", "lbfgs")
    }
    assert isinstance(rules["adam"][0], NoiseWeighting) and rules["adam"][0].inner is None
    assert isinstance(rules["ntk-adam"][0].inner, NTKWeighting)
    assert isinstance(rules["gauss-newton"][0], NoiseWeighting)
    assert isinstance(rules["lbfgs"][0], NoiseWeighting) and rules["lbfgs"][1] is None
    exact = line(1.0 + NOISE, 0.0)[0].problem
    assert STRATEGIES.create("adam").for_data(exact, params).phases[0].weighting is None


@pytest.mark.slow
def test_a_trained_network_reports_noise_and_course():
    problem = line(1.0 + PLACES + NOISE)[0].problem
    solution = pinnkit.fit(problem, strategy="gauss-newton", steps=60, width=6, depth=1, points=20, progress=False)
    assert solution.summary.data["data"].sigma == pytest.approx(0.1, rel=0.2)
    assert solution.summary.weights["data"] < 1.0
