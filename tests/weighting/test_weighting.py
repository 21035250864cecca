"""Loss weights, against mathematics on models that are linear in their parameters."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from pinnkit import (
    CausalWeighting,
    Condition,
    DecayRateWeighting,
    FunctionalModel,
    GradientNormWeighting,
    LargestEigenvalueWeighting,
    NTKWeighting,
    Phase,
    PointSet,
    PointwiseNTKWeighting,
    Problem,
    ProblemError,
    QuantileWeighting,
    QuasiRandom,
    ReLoBRaLoWeighting,
    ResidualAttentionWeighting,
    Strategy,
    fit,
)
from pinnkit.residuals.forms import linearize, linearize_matrix_free
from pinnkit.residuals.functions import ResidualFunctions
from pinnkit.samplers.sampler import batch_of
from pinnkit.training.as_strategy import as_strategy
from pinnkit.weighting.fixed import fixed_weights
from pinnkit.weighting.largest_eigenvalue import largest_eigenvalue
from pinnkit.weighting.named import WEIGHTINGS

from ..problems_for_tests import LINE, PLANE, poisson

pytestmark = pytest.mark.usefixtures("x64")

NU, NV = 12, 7
RNG = np.random.default_rng(0)
PLACES = {"u": RNG.random((NU, 2)), "v": RNG.random((NV, 2))}
PARAMS = {"coefficients": {}, "network": {"u": RNG.standard_normal(3), "v": RNG.standard_normal(2)}}
# Of 12 and 14 eigenvalues 3 and 2 are not zero: quantile 0.95 lies between those.
KERNEL_RULES = (NTKWeighting(), LargestEigenvalueWeighting(), QuantileWeighting(q=0.95), DecayRateWeighting())


def features(x):
    """The features of u and v, by which their parameters are multiplied."""
    return {"u": jnp.stack([jnp.ones_like(x[0]), x[0], x[0] * x[1]]), "v": jnp.stack([jnp.ones_like(x[0]), x[1]])}


def problem():
    """u = 1 at some points, and `scale` (v, 2v) = `scale` (1, 6) at others."""
    at = {name: {"x": x[:, 0], "t": x[:, 1]} for name, x in PLACES.items()}
    return Problem(
        name="linear",
        domain=PLANE,
        fields={"u": 1, "v": 1},
        conditions={
            "u": Condition(lambda u: u - 1, on=PointSet(at["u"])),
            "v": Condition(lambda v, scale: [scale * (v - 1), scale * (2 * v - 6)], on=PointSet(at["v"], scale=1.0)),
        },
    )


def model():
    apply = lambda p, x: jnp.stack([p["u"] @ features(x)["u"], p["v"] @ features(x)["v"]])
    return FunctionalModel(PARAMS["network"], apply, lambda p: p)


@functools.cache
def linear():
    """Residuals of a model that is linear in its parameters, and a batch."""
    return ResidualFunctions(problem(), model()), batch_of(
        problem(), QuasiRandom().init(problem(), {"u": NU, "v": NV}, 0)
    )


def by_hand():
    """Jacobians and residuals of both conditions in NumPy, rows not scaled; the rows of one point are adjacent."""
    x, y = PLACES["u"].T
    J_u = np.stack([np.ones(NU), x, x * y], axis=1)
    phi = np.stack([np.ones(NV), PLACES["v"][:, 1]], axis=1)
    J_v = np.stack([phi, 2 * phi], axis=1).reshape(2 * NV, 2)
    u, v = PARAMS["network"]["u"], PARAMS["network"]["v"]
    return {"u": (J_u, J_u @ u - 1), "v": (J_v, J_v @ v - np.tile([1.0, 6.0], NV))}


@functools.cache
def compiled(rule):
    residuals, _ = linear()
    return jax.jit(lambda *args: rule.update(residuals, *args))


def updated(rule, batch, params=PARAMS, state=None):
    """Weights and state after an update, with unit weights before the first."""
    residuals, _ = linear()
    weights = {name: jnp.ones(len(points) if rule.per_point else ()) for name, points in batch.items()}
    return compiled(rule)(params, batch, rule.init(residuals, batch, weights) if state is None else state)


def sizes_by_hand(rule, J, r):
    """The size that a rule balances, from the Jacobian and the residual of a condition."""
    J, r = J / np.sqrt(len(r)), r / np.sqrt(len(r))
    K = J @ J.T
    return {
        NTKWeighting: lambda: np.trace(K),
        LargestEigenvalueWeighting: lambda: np.linalg.eigvalsh(K)[-1],
        QuantileWeighting: lambda: np.quantile(np.linalg.eigvalsh(K), rule.q),
        DecayRateWeighting: lambda: r @ K @ r / (r @ r),
        GradientNormWeighting: lambda: np.linalg.norm(J.T @ r),
    }[type(rule)]()


@pytest.mark.parametrize("rule", [*KERNEL_RULES, GradientNormWeighting()], ids=lambda rule: type(rule).__name__)
def test_rules_balance_their_sizes_and_keep_the_trace(rule):
    _, batch = linear()
    weights, _ = updated(rule, batch)
    exact = by_hand()
    balanced = {name: weights[name] * sizes_by_hand(rule, *exact[name]) for name in exact}
    np.testing.assert_allclose(balanced["u"], balanced["v"], rtol=1e-9)
    kept = rule if isinstance(rule, GradientNormWeighting) else NTKWeighting()
    total = {name: sizes_by_hand(kept, *exact[name]) for name in exact}
    np.testing.assert_allclose(sum(weights[name] * total[name] for name in total), sum(total.values()), rtol=1e-12)


def test_pointwise_rule_gives_all_points_equal_parts_of_the_trace():
    _, batch = linear()
    weights, _ = updated(PointwiseNTKWeighting(), batch)
    exact = {
        name: np.sum(J**2, axis=1).reshape(len(batch[name]), -1).mean(axis=1) for name, (J, _) in by_hand().items()
    }
    parts = np.concatenate([weights[name] * exact[name] for name in exact])
    np.testing.assert_allclose(parts, np.mean([exact[name].mean() for name in exact]), rtol=1e-12)


@pytest.mark.parametrize("rule", [*KERNEL_RULES, PointwiseNTKWeighting()], ids=lambda rule: type(rule).__name__)
def test_a_residual_scaled_by_c_gets_a_weight_scaled_by_the_inverse_square(rule):
    """The ratio between conditions, because normalisation changes both weights."""
    _, batch = linear()
    ratios = []
    for scale in (1.0, 30.0):
        points = dataclasses.replace(batch["v"], columns={"scale": jnp.full(NV, scale)})
        weights, _ = updated(rule, {**batch, "v": points})
        ratios.append(jnp.mean(weights["v"]) / jnp.mean(weights["u"]))
    np.testing.assert_allclose(ratios[1] / ratios[0], 30.0**-2, rtol=1e-9)


@pytest.mark.parametrize("name", WEIGHTINGS)
def test_weights_follow_their_points_and_conditions_in_any_order(name):
    _, batch = linear()
    weights, _ = updated(WEIGHTINGS[name](), batch)
    orders = {"v": np.random.default_rng(1).permutation(NV), "u": np.random.default_rng(2).permutation(NU)}
    shuffled = {name: jax.tree.map(lambda a, o=order: a[o], batch[name]) for name, order in orders.items()}
    again, _ = updated(WEIGHTINGS[name](), shuffled)
    for name, order in orders.items():
        expected = weights[name][order] if weights[name].ndim else weights[name]
        np.testing.assert_allclose(again[name], expected, rtol=1e-9)


def test_weights_of_points_enter_loss_residual_and_jacobian():
    residuals, batch = linear()
    rng = np.random.default_rng(3)
    weights = {"u": jnp.asarray(rng.random(NU)), "v": jnp.asarray(rng.random(NV))}
    rows = {"u": np.asarray(weights["u"]), "v": np.repeat(weights["v"], 2)}
    exact = by_hand()
    r = np.concatenate([np.sqrt(rows[k] / len(rows[k])) * exact[k][1] for k in exact])
    J = np.zeros((len(r), 5))
    J[:NU, :3] = np.sqrt(rows["u"] / NU)[:, None] * exact["u"][0]
    J[NU:, 3:] = np.sqrt(rows["v"] / (2 * NV))[:, None] * exact["v"][0]
    loss, losses = residuals.loss(PARAMS, batch, weights)
    np.testing.assert_allclose(loss, 0.5 * sum(np.mean(rows[k] * exact[k][1] ** 2) for k in exact), rtol=1e-13)
    np.testing.assert_allclose(losses["v"], np.mean(exact["v"][1] ** 2), rtol=1e-13)
    np.testing.assert_allclose(residuals.stacked(PARAMS, batch, weights), r, rtol=1e-12)
    step, free = (make(residuals, PARAMS, batch, weights) for make in (linearize, linearize_matrix_free))
    np.testing.assert_allclose(step.residual, r, rtol=1e-12)
    np.testing.assert_allclose(step.jacobian, J, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(free.push(jnp.arange(5.0)), J @ np.arange(5.0), rtol=1e-12)
    np.testing.assert_allclose(free.gradient, J.T @ r, rtol=1e-12)


@pytest.mark.parametrize("n, rank", [(40, 40), (5, 5), (40, 1), (40, 0)])
def test_largest_eigenvalue_is_that_of_the_matrix(n, rank):
    rng = np.random.default_rng(4)
    modes, _ = np.linalg.qr(rng.standard_normal((n, n)))
    K = (modes[:, :rank] * 0.5 ** np.arange(rank)) @ modes[:, :rank].T
    found = largest_eigenvalue(lambda a: K @ a, jnp.zeros(n), products=12)
    np.testing.assert_allclose(found, float(rank > 0), rtol=1e-9, atol=1e-14)


def test_an_eigenvalue_below_the_rounding_floor_is_replaced_by_the_floor():
    """The medians of both blocks are zero."""
    residuals, batch = linear()
    rule = QuantileWeighting(q=0.5)
    sizes, _ = jax.jit(lambda params: rule.balance(residuals, params, batch))(PARAMS)
    for name, (J, r) in by_hand().items():
        largest = np.linalg.svd(J / np.sqrt(len(r)), compute_uv=False)[0]
        np.testing.assert_allclose(sizes[name], (len(r) * np.finfo(float).eps * largest) ** 2, rtol=1e-9)


def test_average_is_unbiased_from_the_first_update():
    """Repeated updates with the same sizes give the same weights from the first one on."""
    _, batch = linear()
    first, state = updated(NTKWeighting(), batch)
    second, state = updated(NTKWeighting(), batch, state=state)
    for name in first:
        np.testing.assert_allclose(second[name], first[name], rtol=1e-12)
    assert state.updates == 2


def test_a_condition_that_depends_on_no_parameter_has_finite_weights():
    blind = Condition(lambda u, x: 0 * u + x, on=PLANE.interior)
    more = dataclasses.replace(problem(), conditions={**problem().conditions, "blind": blind})
    residuals = ResidualFunctions(more, model())
    batch = batch_of(more, QuasiRandom().init(more, {"u": NU, "v": NV, "blind": 4}, 0))
    for rule in (NTKWeighting(), QuantileWeighting()):
        update = jax.jit(lambda *args, rule=rule: rule.update(residuals, *args))
        weights, _ = update(PARAMS, batch, rule.init(residuals, batch, dict.fromkeys(batch, jnp.ones(()))))
        assert all(np.isfinite(weight) for weight in weights.values())


def path_of_params(steps):
    rng = np.random.default_rng(5)
    return [jax.tree.map(lambda a: a + 0.3 * rng.standard_normal(a.shape), PARAMS) for _ in range(steps)]


def residuals_along(path, residuals, batch):
    function = jax.jit(residuals)
    return [{name: np.asarray(r) for name, r in function(params, batch).items()} for params in path]


def test_relobralo_is_the_recurrence_of_its_paper():
    residuals, batch = linear()
    rule = ReLoBRaLoWeighting(alpha=0.7, temperature=0.8, memory=0.5, seed=2)
    path = path_of_params(6)
    losses = np.array([[np.mean(r["u"] ** 2), np.mean(r["v"] ** 2)] for r in residuals_along(path, residuals, batch)])
    lookback = [bool(jax.random.bernoulli(jax.random.fold_in(jax.random.key(2), t), 0.5)) for t in range(6)]
    assert {True, False} == set(lookback)

    def balanced(t, since):
        powers = np.exp(losses[t] / losses[since] / 0.8)
        return 2 * powers / powers.sum()

    expected, state = np.ones(2), None
    for t, params in enumerate(path):
        past = expected if lookback[t] else balanced(t, 0)
        expected = 0.7 * past + 0.3 * balanced(t, max(t - 1, 0))
        weights, state = updated(rule, batch, params, state)
        np.testing.assert_allclose([weights["u"], weights["v"]], expected, rtol=1e-12)
        np.testing.assert_allclose(sum(weights.values()), 2, rtol=1e-12)


def test_residual_attention_is_the_recurrence_of_its_paper():
    """With any learning rate: here it is 0.01, and weights are compared after division by their mean."""
    residuals, batch = linear()
    path = path_of_params(4)
    alpha, state = {name: np.zeros(len(points)) for name, points in batch.items()}, None
    for params, r in zip(path, residuals_along(path, residuals, batch), strict=True):
        weights, state = updated(ResidualAttentionWeighting(gamma=0.9), batch, params, state)
        for name in batch:
            size = np.sqrt(np.mean(r[name].reshape(len(batch[name]), -1) ** 2, axis=1))
            alpha[name] = 0.9 * alpha[name] + 0.01 * size / size.max()
            np.testing.assert_allclose(weights[name], alpha[name] ** 2 / np.mean(alpha[name] ** 2), rtol=1e-12)


def causal_by_hand(r, epsilon, slabs):
    slab = np.floor(PLACES["u"][:, 1] * slabs).astype(int)
    means = [np.mean(r[slab == s] ** 2) if (slab == s).any() else 0.0 for s in range(slabs)]
    return np.array([np.exp(-epsilon * sum(means[:s])) for s in slab])


def test_causal_weights_are_the_explicit_formula_times_the_weight_of_the_condition():
    _, batch = linear()
    weights, _ = updated(CausalWeighting(slabs=5, tolerances=(0.3,)), batch)
    traces, _ = updated(NTKWeighting(), batch)
    expected = causal_by_hand(by_hand()["u"][1], 0.3, 5)
    assert expected.min() < 0.9
    np.testing.assert_allclose(weights["u"], traces["u"] * expected / expected.mean(), rtol=1e-12)
    np.testing.assert_allclose(jnp.mean(weights["v"]), traces["v"], rtol=1e-12)


def test_causal_tolerance_increases_once_all_weights_are_near_one_until_the_last_one():
    _, batch = linear()
    rule = CausalWeighting(base=None, slabs=4, tolerances=(1e-9, 1e-8, 0.5), threshold=0.99)
    state, r = None, by_hand()["u"][1]
    for epsilon in (1e-9, 1e-8, 0.5, 0.5):
        weights, state = updated(rule, batch, state=state)
        expected = causal_by_hand(r, epsilon, 4)
        np.testing.assert_allclose(weights["u"], expected / expected.mean(), rtol=1e-12)
    assert state.memory == {"u": 2, "v": 2}


def test_causal_weights_need_time_and_a_base_that_weights_conditions():
    with pytest.raises(ProblemError, match="need a coordinate t or time; problem 'poisson' has x"):
        fit(poisson(), strategy="adam", weighting="causal", steps=1)
    with pytest.raises(ValueError, match="the base of CausalWeighting must weight conditions; PointwiseNTKWeighting"):
        CausalWeighting(base=PointwiseNTKWeighting())


def test_fixed_weights_default_to_one_and_are_checked():
    weights = fixed_weights(("a", "b"), {"b": 3.0})
    assert {name: float(weight) for name, weight in weights.items()} == {"a": 1.0, "b": 3.0}
    with pytest.raises(ProblemError, match=r"unknown condition\(s\) \['c'\].*'a', 'b'"):
        fixed_weights(("a", "b"), {"c": 1.0})
    with pytest.raises(ProblemError, match="finite number ≥ 0"):
        fixed_weights(("a",), {"a": float("nan")})


def test_a_name_overrides_the_weighting_of_every_phase():
    for name, rule in WEIGHTINGS.items():
        assert {type(phase.weighting) for phase in as_strategy("auto", "double", name).phases} == {rule}
    assert as_strategy("ssbroyden", "double").phases[1].weighting is None
    assert WEIGHTINGS.of(rule := NTKWeighting(every=3)) is rule
    with pytest.raises(ValueError, match="unknown weighting 'ntk'.* Choose one of trace, largest-eigenvalue"):
        WEIGHTINGS.of("ntk")
    with pytest.raises(TypeError, match=r"a weighting is a name .*got int"):
        as_strategy("adam", "double", 3)


def test_a_rule_that_remembers_points_rejects_a_sampler_that_redraws_them():
    phase = Phase("p", optax.sgd(0.1), weighting=ResidualAttentionWeighting())
    with pytest.raises(ValueError, match="remembers points, and strategy 's' draws.* every 7 steps.*redraw=None"):
        Strategy("s", (phase,), QuasiRandom(redraw=7))
    plain = Strategy("s", (Phase("p", optax.sgd(0.1)),), QuasiRandom(redraw=7))
    with pytest.raises(ValueError, match="remembers points"):
        as_strategy(plain, "double", "rba")
    assert as_strategy("adam", "double", "rba").sampler.redraw is None  # no sampler was given
    assert as_strategy("adam", "double", "trace").sampler.redraw == 10


@pytest.mark.slow
def test_weights_of_points_follow_the_points_that_are_drawn_and_end_as_means():
    """The state after a run has the last points and the parameters before the last step."""
    line = Problem("line", LINE, {"pde": Condition(lambda u, x: u.x - x, on=LINE.interior)})
    sigmoids = lambda p, x: jnp.tanh(p["a"] * x).sum(keepdims=True)
    network = FunctionalModel({"a": np.array([0.3, 0.7])}, sigmoids, lambda p: p)
    rule, sampler = PointwiseNTKWeighting(every=100), QuasiRandom(redraw=1)
    phases = (Phase("points", optax.sgd(0.1), weighting=rule, steps=3), Phase("means", optax.sgd(0.1), steps=2))
    run = fit(line, network, Strategy("s", phases[:1], sampler), points=6)
    residuals, batch = ResidualFunctions(line, network), batch_of(line, run.state.layouts)
    state = rule.init(residuals, batch, run.state.weights)
    expected = rule.update(residuals, run.state.previous, batch, state)[0]["pde"]
    np.testing.assert_allclose(run.state.weights["pde"], expected, rtol=1e-12)
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(run.history.weights["pde"][-1], np.mean(expected), rtol=1e-12)
    assert run.summary.weights["pde"] == pytest.approx(np.mean(expected))
    both = fit(line, network, Strategy("s", phases, sampler), points=6)
    assert both.state.weights["pde"].shape == ()
    np.testing.assert_allclose(both.history.weights["pde"][2:], np.mean(expected), rtol=1e-12)
