"""Learning rates from the kernel on residuals whose kernel is known."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from pinnkit import ConstantLearningRate, NTKLearningRate
from pinnkit.learning_rate import StepContext

pytestmark = pytest.mark.usefixtures("x64")


def descend(optimizer, rate, residual, params, steps):
    """Losses and rates of `steps` steps of −η d."""
    loss = lambda params: 0.5 * jnp.sum(residual(params) ** 2)

    def step(carry, i):
        params, opt_state, rate_state = carry
        direction, opt_state = optimizer.update(jax.grad(loss)(params), opt_state, params)
        context = StepContext(
            push=lambda v: jax.jvp(residual, (params,), (v,))[1],
            pull=lambda a: jax.vjp(residual, params)[1](a)[0],
            opt_state=opt_state,
            progress=i / steps,
        )
        eta, rate_state = rate.update(direction, context, rate_state)
        moved = jax.tree.map(lambda p, d: p - eta * d, params, direction)
        return (moved, opt_state, rate_state), (loss(params), eta)

    start = params, optimizer.init(params), rate.init(params, jax.random.key(0))
    _, (losses, rates) = jax.lax.scan(step, start, jnp.arange(steps))
    return np.asarray(losses), np.asarray(rates)


def ill_conditioned(scale=1.0):
    A = jnp.asarray(np.diag(np.geomspace(1, 1e-3, 12)) @ np.random.default_rng(0).normal(size=(12, 12))) * scale
    return lambda p: A @ p - scale, A


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_gradient_descent_gets_its_rate_from_the_largest_eigenvalue(scale):
    residual, A = ill_conditioned(scale)
    rate = NTKLearningRate(safety=1.0, cosine=False)
    losses, rates = descend(optax.identity(), rate, residual, jnp.zeros(12), 100)
    np.testing.assert_allclose(rates[-1], 1 / np.linalg.norm(A, 2) ** 2, rtol=1e-6)
    assert np.all(np.diff(losses) <= 1e-12 * losses[0])


def test_gradient_descent_follows_a_kernel_that_grows():
    """r = p³ − 8 from p = 0.1: the kernel 9p⁴ grows a hundred-thousandfold on the way to p = 2."""
    rate = NTKLearningRate(safety=0.5, cosine=False)
    losses, _ = descend(optax.identity(), rate, lambda p: p**3 - 8.0, jnp.full(1, 0.9), 200)
    assert losses[-1] < 1e-12


def test_first_rate_for_adam_is_the_share_of_an_exact_line_search():
    """Adam's first direction is sign(g); along it the best step is Σ|g| / ‖J sign g‖²."""
    residual, A = ill_conditioned()
    losses, rates = descend(optax.scale_by_adam(), NTKLearningRate(0.3, cosine=False), residual, jnp.zeros(12), 1)
    gradient = A.T @ residual(jnp.zeros(12))
    best = jnp.sum(jnp.abs(gradient)) / jnp.sum((A @ jnp.sign(gradient)) ** 2)
    np.testing.assert_allclose(rates[0], 0.3 * best, rtol=1e-6)


def test_rate_for_adam_does_not_depend_on_the_unit_of_the_loss():
    rates = [
        descend(
            optax.scale_by_adam(eps=0.0),
            NTKLearningRate(epsilon=0.0),
            ill_conditioned(c)[0],
            jnp.zeros(12),
            30,
        )[1]
        for c in (1.0, 1e4)
    ]
    np.testing.assert_allclose(rates[0], rates[1], rtol=1e-8)


def test_rate_for_adam_is_held_after_its_window():
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
