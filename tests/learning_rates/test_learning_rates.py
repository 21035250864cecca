"""Learning rates from the kernel on residuals whose kernel is known."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from pinnkit import MLP, ConstantLearningRate, NTKLearningRate, Phase, QuasiRandom, StableLearningRate, scale_by_soap
from pinnkit.learning_rates.rule import StepContext
from pinnkit.networks.adapters import as_functional
from pinnkit.optimizers.momentum import moments_of
from pinnkit.residuals.functions import ResidualFunctions
from pinnkit.samplers.counts import point_counts
from pinnkit.training.state import TrainState
from pinnkit.training.step import take_step
from pinnkit.weighting.fixed import fixed_weights
from problems.elliptic.poisson_1d import poisson_1d
from problems.elliptic.poisson_1d_multiscale import poisson_1d_multiscale
from problems.elliptic.poisson_2d import poisson_2d
from problems.hyperbolic.wave_1d import wave_1d
from problems.parabolic.burgers import burgers

pytestmark = pytest.mark.usefixtures("x64")


def descend(optimizer, rate, residual, params, steps):
    """Losses and rates of `steps` steps −η d."""
    (losses, rates), _ = descend_with_states(optimizer, rate, residual, params, steps)
    return np.asarray(losses), np.asarray(rates)


def descend_with_states(optimizer, rate, residual, params, steps):
    """The same, and the states of the learning rate."""
    loss, moments = lambda params: 0.5 * jnp.sum(residual(params) ** 2), moments_of(optimizer)

    def step(carry, i):
        params, opt_state, rate_state = carry
        direction, opt_state = optimizer.update(jax.grad(loss)(params), opt_state, params)
        context = StepContext(
            push=lambda v: jax.jvp(residual, (params,), (v,))[1],
            pull=lambda a: jax.vjp(residual, params)[1](a)[0],
            opt_state=opt_state,
            progress=i / steps,
            b1=None if moments is None else moments.b1,
        )
        eta, rate_state = rate.update(direction, context, rate_state)
        moved = jax.tree.map(lambda p, d: p - eta * d, params, direction)
        return (moved, opt_state, rate_state), ((loss(params), eta), rate_state)

    start = params, optimizer.init(params), rate.init(params, jax.random.key(0))
    return jax.jit(lambda start: jax.lax.scan(step, start, jnp.arange(steps))[1])(start)


def ill_conditioned(scale=1.0):
    A = jnp.asarray(np.diag(np.geomspace(1, 1e-3, 12)) @ np.random.default_rng(0).normal(size=(12, 12))) * scale
    return lambda p: A @ p - scale, A


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_gradient_descent_gets_its_rate_from_the_largest_eigenvalue(scale):
    residual, A = ill_conditioned(scale)
    losses, rates = descend(optax.identity(), StableLearningRate(safety=1.0), residual, jnp.zeros(12), 300)
    np.testing.assert_allclose(rates[-1], 1 / np.linalg.norm(A, 2) ** 2, rtol=0.02)
    assert np.all(np.diff(losses) <= 1e-12 * losses[0])


def test_the_rate_of_gradient_descent_tracks_a_growing_kernel():
    """r = p³ − 8 from p = 0.9: the kernel 9p⁴ grows 24-fold on the way to p = 2."""
    losses, _ = descend(optax.identity(), StableLearningRate(), lambda p: p**3 - 8.0, jnp.full(1, 0.9), 200)
    assert np.max(losses) <= losses[0] and losses[-1] < 1e-12


def test_a_jump_of_the_kernel_is_detected_from_gradients_alone():
    """Beyond p = 1 the curvature is a hundred times larger; the next planned measurement is far away."""
    residual = lambda p: jnp.where(p < 1, p - 1.001, -0.001 + 30 * (p - 1))
    losses, rates = descend(optax.identity(), StableLearningRate(growth=1.9), residual, jnp.full(1, -3.0), 200)
    assert np.max(losses) <= losses[0] and losses[-1] < 1e-12
    assert rates[-1] < 0.01 * rates[10]


def test_the_largest_eigenvalue_is_measured_rarely_if_it_does_not_change():
    residual, _ = ill_conditioned()
    rate = StableLearningRate()
    _, states = descend_with_states(optax.identity(), rate, residual, jnp.zeros(12), 1000)
    measured = int(np.sum(np.asarray(states.left) == np.asarray(states.interval) - 1))
    assert measured <= 30


def losses_of_gradient_descent(problem, seeds, steps, points, width, depth):
    """Losses of every step for networks of all seeds, on points that are redrawn every 10 steps."""
    sampler = QuasiRandom(redraw=10)
    phase = Phase("gradient-descent", optax.identity(), StableLearningRate())
    networks = [MLP(problem.domain, 1, width, depth, seed=seed) for seed in seeds]
    models = [as_functional(network, problem.domain.dimension) for network in networks]
    residuals = ResidualFunctions(problem, models[0])
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *[residuals.initial_params(m.params) for m in models])
    layouts = sampler.init(problem, point_counts(problem, points), 0)

    def losses(params):
        rate_state = phase.learning_rate.init(params, jax.random.key(1))
        weights = fixed_weights(tuple(problem.conditions), None)
        state = TrainState(params, params, (), layouts, weights, (), rate_state, jax.random.key(0), step=jnp.asarray(0))
        step = lambda state, progress: take_step(phase, residuals, sampler, state, progress)
        return jax.lax.scan(step, state, jnp.linspace(0, 1, steps))[1].loss

    return np.asarray(jax.jit(lambda stacked: jax.lax.map(losses, stacked))(stacked))


def growth(losses):
    """Largest loss of every run relative to its first; NaN if one is not finite."""
    return np.max(losses / losses[:, :1], axis=1)


def test_gradient_descent_never_diverges_on_poisson_with_two_scales():
    losses = losses_of_gradient_descent(poisson_1d_multiscale, range(5), 250, 64, 16, 2)
    assert np.all(growth(losses) <= 2)


@pytest.mark.slow
@pytest.mark.parametrize(("width", "depth"), [(16, 2), (64, 3)])
@pytest.mark.parametrize(
    "problem", [poisson_1d, poisson_1d_multiscale, poisson_2d, burgers, wave_1d], ids=lambda p: p.name
)
def test_gradient_descent_never_diverges(problem, width, depth):
    losses = losses_of_gradient_descent(problem, range(5), 1500, 100, width, depth)
    assert np.all(growth(losses) <= 2)
    assert np.all(np.median(losses[:, -50:], axis=1) < 1.05 * losses[:, 0])  # every batch has a loss of its own


def test_the_first_rate_for_adam_is_proportional_to_an_exact_line_search():
    """Adam's first direction is sign(g); along it the best step is Σ|g| / ‖J sign g‖²."""
    residual, A = ill_conditioned()
    rate = NTKLearningRate(0.3, window=1, cosine=False)
    losses, rates = descend(optax.scale_by_adam(), rate, residual, jnp.zeros(12), 1)
    gradient = A.T @ residual(jnp.zeros(12))
    best = jnp.sum(jnp.abs(gradient)) / jnp.sum((A @ jnp.sign(gradient)) ** 2)
    np.testing.assert_allclose(rates[0], 0.3 * best, rtol=1e-6)


def test_rate_for_soap_is_the_rayleigh_quotient_of_its_preconditioned_kernel():
    """With P = (V ⊗ U) diag(√v̂ + ε) (V ⊗ U)ᵀ as an explicit matrix."""
    rng = np.random.default_rng(0)
    A = jnp.asarray(rng.normal(size=(20, 12)))
    residual = lambda W: A @ W.ravel() - 1.0
    optimizer, W = scale_by_soap(b1=0.95, b2=0.9, eps=1e-3), jnp.zeros((4, 3))
    state = optimizer.init(W)
    for _ in range(7):
        (basis,), nu = state.bases, state.adam.nu
        gradient = jax.grad(lambda W: 0.5 * jnp.sum(residual(W) ** 2))(W)
        d, state = optimizer.update(gradient, state, W)
        nu = 0.9 * nu + 0.1 * basis.rotate(gradient) ** 2
        last, W = W, W - 0.01 * d
    Q = jnp.kron(basis.left_vectors, basis.right_vectors)
    P = Q @ jnp.diag(jnp.sqrt(nu.ravel() / (1 - 0.9**7)) + 1e-3) @ Q.T
    d = d.ravel()
    context = StepContext(lambda v: A @ v.ravel(), lambda a: (A.T @ a).reshape(4, 3), state, jnp.asarray(0.0), 0.95)
    rate = NTKLearningRate(safety=1.0, window=1, cosine=False)
    eta, _ = rate.update(d.reshape(4, 3), context, rate.init(last, jax.random.key(0)))
    np.testing.assert_allclose(eta, (d @ P @ d) / jnp.sum((A @ d) ** 2), rtol=1e-10)


def test_a_rate_from_momentum_is_an_error_with_gradient_descent():
    with pytest.raises(ValueError, match="`StableLearningRate`"):
        descend(optax.identity(), NTKLearningRate(), lambda p: p, jnp.ones(2), 1)


def test_rate_for_adam_does_not_depend_on_the_scale_of_the_loss():
    rates = [
        descend(
            optax.scale_by_adam(eps=0.0),
            NTKLearningRate(),
            ill_conditioned(c)[0],
            jnp.zeros(12),
            30,
        )[1]
        for c in (1.0, 1e4)
    ]
    np.testing.assert_allclose(rates[0], rates[1], rtol=1e-8)


def test_rate_for_adam_is_constant_after_its_window():
    residual, _ = ill_conditioned()
    _, rates = descend(optax.scale_by_adam(), NTKLearningRate(window=10, cosine=False), residual, jnp.zeros(12), 30)
    assert len(np.unique(rates[:10])) == 10
    np.testing.assert_array_equal(rates[9:], rates[9])


def test_cosine_decays_to_zero():
    _, rates = descend(
        optax.scale_by_adam(), ConstantLearningRate(0.1, cosine=True), lambda p: p - 1, jnp.zeros(2), 100
    )
    np.testing.assert_allclose(rates[[0, 50]], [0.1, 0.05])
    assert rates[-1] < 1e-4
