"""Linear theory of first-order steps against the steps themselves."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinnkit import FunctionalModel, StableLearningRate, fit
from pinnkit.diagnostics.diagnostician import Diagnostician
from pinnkit.diagnostics.linear_theory import Prediction, Theory, decay, is_trusted, trust
from pinnkit.learning_rates.constant import ConstantLearningRate
from pinnkit.optimizers.preconditioner import GRADIENT_DESCENT, preconditioned_by_adam, preconditioned_by_soap
from pinnkit.optimizers.soap import scale_by_soap
from pinnkit.training.phase import Phase
from pinnkit.training.strategy import Strategy

from ..problems_for_tests import poisson
from ..residuals.test_linearization import linearized, prepared


def plain_theory(rates):
    """Of gradient descent, with one of every mode."""
    return Theory(np.array(rates), np.ones(len(rates)), 0.0, np.zeros(len(rates)), 0)


@given(
    st.lists(st.floats(0, 3), min_size=1, max_size=6),
    st.lists(st.sampled_from([0.01, 0.5, 1.0, 0.7]), min_size=1, max_size=30),
)
def test_decay_is_the_product_over_the_steps(rates, lengths):
    rates, lengths = np.array(rates), np.array(lengths)
    expected = np.prod(1 - lengths[:, None] * rates, axis=0)
    np.testing.assert_allclose(decay(rates, lengths), expected, rtol=1e-10, atol=1e-300)


def test_decay_of_tiny_rates_does_not_cancel():
    np.testing.assert_allclose(1 - decay(np.array([1e-14]), np.ones(10**5)), 1e-9, rtol=1e-6)


def test_steps_to_a_loss_are_the_least_that_reach_it():
    theory = plain_theory([1.0, 0.1, 0.01])
    steps = theory.steps_to(0.1, 0.5)
    losses = [0.5 * np.sum(theory.after(np.full(n, 0.5)) ** 2) for n in (steps - 1, steps)]
    assert losses[0] > 0.1 >= losses[1]
    assert theory.steps_to(theory.loss, 0.5) == 0


@pytest.mark.parametrize(("rates", "rate"), [([1.0, 0.0], 0.5), ([1.0, 0.1], 2.5)])
def test_there_is_no_number_of_steps_where_a_mode_does_not_come_down(rates, rate):
    assert plain_theory(rates).steps_to(0.1, rate) is None


def test_momentum_is_followed_step_by_step():
    """Adam's running mean with P = 1, on a quadratic whose modes are the coordinates."""
    rates, beta, age = np.array([3.0, 1.0, 0.01]), 0.9, 7
    c, m = np.array([1.0, -2.0, 0.5]), np.array([0.3, 0.1, -0.2])
    lengths = np.linspace(0.5, 0.1, 40)
    predicted = Theory(rates, c, beta, np.sqrt(rates) * m, age).after(lengths)
    theta = np.zeros(3)  # r = c + √λ θ, so the gradient is √λ r
    for s, rate in enumerate(lengths, age + 1):
        m = beta * m + (1 - beta) * np.sqrt(rates) * (c + np.sqrt(rates) * theta)
        theta = theta - rate * m / (1 - beta**s)
    np.testing.assert_allclose(predicted, c + np.sqrt(rates) * theta, rtol=1e-10)


def test_momentum_is_stable_beyond_two_over_the_rate():
    rates, steps = np.array([10.0, 0.1]), 3000
    theory = Theory(rates, np.ones(2), 0.9, np.zeros(2), 100)
    assert np.all(np.abs(theory.after(np.full(steps, 1.0))) < 1e-6)
    assert theory.steps_to(1e-10, 1.0) < steps
    assert theory.steps_to(1e-10, 4.0) is None  # 2 (1 + β)/(1 − β) = 38 < 40


def test_error_compares_with_the_larger_loss():
    one = np.ones(1)
    assert Prediction(0, 1, one, one, np.sqrt(0.8) * one, one).error == pytest.approx(0.2)
    assert Prediction(0, 1, one, one, one, np.sqrt(0.8) * one).error == pytest.approx(0.2)
    assert Prediction(0, 1, one, one, 0 * one, 0 * one).error == 0.0
    assert Prediction(0, 1, one, one, np.inf * one, one).error == 1.0


LINEAR = Strategy(
    "mine",
    (Phase("gradient-descent", optax.identity(), ConstantLearningRate(1e-4)),),
)


def linear_network():
    """u = Σ c_k sin πkx: residuals are affine in c, so the kernel is constant and theory exact."""
    apply = lambda c, x: (c @ jnp.sin(jnp.pi * jnp.arange(1, 5) * x[0]))[None]
    return FunctionalModel(jnp.zeros(4), apply, lambda c: c)


def test_theory_is_exact_where_the_kernel_is_constant():
    """Training on the points of the looks: all of them, for 384 rows are not reached."""
    run = fit(poisson(), linear_network(), LINEAR, steps=300, points=40, sampler="uniform").history
    assert [p.end for p in run.predictions] == [10, 18, 32, 56, 100, 178, 300]
    assert max(p.error for p in run.predictions) < 0.2  # training and looks have points of their own
    prediction = run.predictions[-1]
    assert prediction.losses[0] == pytest.approx(run.diagnostics[-2].theory.loss)


@pytest.mark.usefixtures("x64")
def test_two_steps_of_gradient_descent_are_predicted_exactly_on_a_linear_model_and_closely_on_a_network():
    line = poisson()
    residuals, params, batch, weights = prepared(line, points=24)
    take = Diagnostician(residuals, batch)
    plain = {name: float(weight) for name, weight in weights.items()}
    options = {"phase": "p", "horizon": 10, "preconditioner": GRADIENT_DESCENT}
    rate = 0.5 / take(params, plain, step=0, **options).spectrum.largest_eigenvalue
    step = linearized(residuals, params, batch, weights)
    moved = jax.tree.map(lambda p, g: p - 1e-3 * rate * g, params, step.unravel(step.gradient))
    prediction = take(moved, plain, step=1, learning_rates=np.full(2, 5e-4 * rate), **options).prediction
    _, predicted, actual = prediction.losses
    before = prediction.losses[0]
    np.testing.assert_allclose(before - predicted, before - actual, rtol=1e-2)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", ["adam", "soap"])
def test_two_steps_of_a_preconditioned_method_are_predicted(name):
    """Small steps from a state whose momentum is the gradient: the residual falls by η J P⁻¹ Jᵀ r."""
    residuals, params, batch, weights = prepared(poisson(), points=24)
    step = linearized(residuals, params, batch, weights)
    gradient = step.unravel(step.gradient)
    optimizer = optax.scale_by_adam() if name == "adam" else scale_by_soap(b1=0.95)
    state = optimizer.init(params)
    update = jax.jit(optimizer.update)
    for _ in range(60):
        direction, state = update(gradient, state, params)
    preconditioner = preconditioned_by_adam(state) if name == "adam" else preconditioned_by_soap(state)
    take = Diagnostician(residuals, batch)
    plain = {key: float(weight) for key, weight in weights.items()}
    options = {"phase": "p", "horizon": 10, "preconditioner": preconditioner}
    take(params, plain, step=0, **options)
    rate = 1e-7
    moved = jax.tree.map(lambda p, d: p - rate * d, params, direction)
    prediction = take(moved, plain, step=1, learning_rates=np.full(2, rate / 2), **options).prediction
    before, predicted, actual = prediction.losses
    assert before - actual > 0
    np.testing.assert_allclose(before - predicted, before - actual, rtol=1e-2)


def test_an_optimizer_that_has_seen_no_gradient_has_no_theory():
    params = {"w": jnp.ones((2, 2))}
    assert preconditioned_by_adam(optax.scale_by_adam().init(params)) is None
    assert preconditioned_by_soap(scale_by_soap().init(params)) is None


@pytest.fixture(scope="module")
def descent():
    phase = Phase("gradient-descent", optax.identity(), StableLearningRate())
    return fit(poisson(), strategy=Strategy("gradient-descent", (phase,)), steps=3000, width=16, depth=2, points=64)


def test_gradient_descent_is_predicted_within_a_tenth_after_its_transient(descent):
    errors = [prediction.error for prediction in descent.history.predictions if prediction.start >= 100]
    assert len(errors) >= 3
    assert np.median(errors) <= 0.1


def test_predictions_are_kept_with_the_run(descent, tmp_path):
    descent.save(tmp_path / "run")
    from pinnkit import Run

    loaded = Run.load(tmp_path / "run").history.predictions
    for before, after in zip(descent.history.predictions, loaded, strict=True):
        for field in dataclasses.fields(Prediction):
            np.testing.assert_array_equal(getattr(before, field.name), getattr(after, field.name))


def test_methods_of_second_order_make_no_predictions():
    run = fit(poisson(), strategy="gauss-newton", steps=12, width=8, depth=1, points=30).history
    assert run.predictions == []
    assert all(record.theory is None for record in run.diagnostics)


def prediction(start, end, error=0.0, growth=0.5):
    """Of one mode, whose predicted loss is this share of the one before, and so far off."""
    before, predicted = np.ones(1), np.full(1, np.sqrt(growth))
    return Prediction(start, end, np.ones(1), before, predicted, predicted * np.sqrt(1 - error))


def test_trust_follows_several_passages_by_their_steps():
    good, bad = 0.01, 0.6
    assert trust([prediction(0, 10, good), prediction(10, 1000, good)]) is None
    many = [prediction(0, 10, bad), prediction(10, 100, good), prediction(100, 1000, good)]
    assert trust(many) == pytest.approx(0.99) and is_trusted(many)
    long_bad = [prediction(0, 10, good), prediction(10, 100, good), prediction(100, 1000, bad)]
    assert trust(long_bad) == pytest.approx(0.1) and not is_trusted(long_bad)
    ended_badly = [*long_bad[:2], prediction(100, 900, good), prediction(900, 1000, bad)]
    assert is_trusted(ended_badly)  # a short prediction at the end is not the whole story
    old = [prediction(0, 10**6, bad), *(prediction(10**6 + 10 * i, 10**6 + 10 * i + 10, good) for i in range(5))]
    assert is_trusted(old)


def test_a_prediction_that_grows_diverges():
    assert prediction(0, 10, growth=1e74).diverges
    assert prediction(0, 10, growth=np.inf).diverges
    assert not prediction(0, 10, growth=2.0).diverges


@pytest.mark.usefixtures("x64")
def test_a_single_step_is_no_passage():
    residuals, params, batch, weights = prepared(poisson(), points=24)
    take = Diagnostician(residuals, batch)
    plain = {name: float(weight) for name, weight in weights.items()}
    options = {"phase": "p", "horizon": 10, "preconditioner": GRADIENT_DESCENT}
    take(params, plain, step=0, **options)
    assert take(params, plain, step=1, learning_rates=np.ones(1), **options).prediction is None
