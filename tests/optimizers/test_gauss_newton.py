"""Kernel-space Gauss-Newton and Levenberg-Marquardt on problems with known answers."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from pinnkit import gauss_newton, levenberg_marquardt
from pinnkit.residuals.forms import Linearization

pytestmark = pytest.mark.usefixtures("x64")


def linearized(residual, params):
    r, J = residual(params), jax.jacfwd(residual)(params)
    return Linearization(residual=r, rows={"all": J}, unravel=lambda v: v)


def minimise(optimizer, residual, params, steps):
    loss = lambda params, linearize=None: 0.5 * jnp.sum(residual(params) ** 2)
    state, losses = optimizer.init(params), []

    @jax.jit
    def step(params, state):
        value, gradient = jax.value_and_grad(loss)(params)
        updates, state = optimizer.update(
            gradient,
            state,
            params,
            value=value,
            grad=gradient,
            value_fn=loss,
            linearize=lambda: linearized(residual, params),
        )
        return optax.apply_updates(params, updates), state, value

    for _ in range(steps):
        params, state, value = step(params, state)
        losses.append(float(value))
    return params, state, np.array([*losses, loss(params)])


def rosenbrock(p):
    return jnp.array([10 * (p[1] - p[0] ** 2), 1 - p[0]])


@pytest.mark.parametrize(("rows", "columns"), [(30, 8), (8, 30)])
@pytest.mark.parametrize("optimizer", [gauss_newton(1e-12), levenberg_marquardt(1e-12)])
def test_one_step_solves_linear_least_squares(rows, columns, optimizer):
    rng = np.random.default_rng(0)
    A, b = jnp.asarray(rng.normal(size=(rows, columns))), jnp.asarray(rng.normal(size=rows))
    found, _, _ = minimise(optimizer, lambda p: A @ p - b, jnp.zeros(columns), 1)
    np.testing.assert_allclose(found, np.linalg.lstsq(A, b)[0], atol=1e-8)


def test_gauss_newton_converges_quadratically_to_a_zero_residual():
    residual = lambda p: jnp.array([p[0] ** 2 + p[1] ** 2 - 2, jnp.exp(p[0] - 1) + p[1] ** 3 - 2])
    _, _, losses = minimise(gauss_newton(1e-8), residual, jnp.array([1.3, 0.8]), 6)
    norms = np.sqrt(2 * losses)
    assert norms[-1] < 1e-14
    assert all(b <= 2 * a**2 + 1e-15 for a, b in zip(norms[1:-1], norms[2:], strict=True))


def test_levenberg_marquardt_never_increases_the_loss_and_finds_the_minimum():
    found, _, losses = minimise(levenberg_marquardt(), rosenbrock, jnp.array([-1.2, 1.0]), 40)
    np.testing.assert_allclose(found, [1.0, 1.0], atol=1e-10)
    assert np.all(np.diff(losses) <= 0)


def test_a_step_to_an_undefined_loss_is_rejected():
    residual = lambda p: jnp.log(p) + 3.0
    found, _, losses = minimise(levenberg_marquardt(), residual, jnp.ones(1), 30)
    np.testing.assert_allclose(found, np.exp(-3.0), rtol=1e-10)
    assert np.isfinite(losses).all()


def test_parameters_do_not_change_if_no_step_reduces_the_loss():
    found, state, _ = minimise(levenberg_marquardt(), lambda p: jnp.array([1.0 + 0 * p[0]]), jnp.ones(1), 1)
    np.testing.assert_array_equal(found, 1.0)
    assert not state.accepted


def test_gauss_newton_chains_with_a_line_search_of_optax():
    searched = optax.chain(gauss_newton(1e-8), optax.scale_by_backtracking_linesearch(20, decrease_factor=0.5))
    found, _, losses = minimise(searched, rosenbrock, jnp.array([-1.2, 1.0]), 30)
    np.testing.assert_allclose(found, [1.0, 1.0], atol=1e-8)
    assert np.all(np.diff(losses) <= 1e-20)


def stepped(optimizer, residual, params, state):
    """One update, without a compilation."""
    loss = lambda params: 0.5 * jnp.sum(residual(params) ** 2)
    return optimizer.update(params, state, params, value_fn=loss, linearize=lambda: linearized(residual, params))


@pytest.mark.parametrize(("rows", "columns"), [(5, 9), (9, 5)])
@pytest.mark.parametrize("make", [gauss_newton, levenberg_marquardt])
def test_a_step_with_momentum_is_the_least_squares_solution_that_defines_it(rows, columns, make):
    rng = np.random.default_rng(0)
    A, b, previous = rng.normal(size=(rows, columns)), rng.normal(size=rows), 0.01 * rng.normal(size=columns)
    optimizer, params = make(0.1, momentum=0.8), jnp.zeros(columns)
    state = optimizer.init(params)._replace(step=jnp.asarray(previous))
    step, state = stepped(optimizer, lambda p: A @ p - b, params, state)
    lam = (0.1 + np.finfo(float).eps) * np.sum(A**2) / min(rows, columns)
    stacked = np.vstack([A, np.sqrt(lam) * np.eye(columns)])
    expected = np.linalg.lstsq(stacked, np.concatenate([b, np.sqrt(lam) * 0.8 * previous]))[0]
    np.testing.assert_allclose(step, expected, atol=1e-12)
    np.testing.assert_array_equal(state.step, step)


def test_momentum_continues_in_directions_that_the_current_points_do_not_determine():
    """Undamped, on a consistent system: Kaczmarz' projection plus μ times the null-space part of the last step."""
    A, b, previous = np.array([[1.0, 2.0, 0.0]]), np.array([3.0]), np.array([1.0, -1.0, 2.0])
    optimizer, params = gauss_newton(0.0, momentum=0.5), jnp.zeros(3)
    step, _ = stepped(optimizer, lambda p: A @ p - b, params, optimizer.init(params)._replace(step=previous))
    complement = np.eye(3) - A.T @ A / 5
    np.testing.assert_allclose(step, A[0] * 3 / 5 + 0.5 * complement @ previous, atol=1e-12)


def test_rejection_drops_the_momentum_and_no_step_increases_the_loss():
    """After a huge uphill step, the second attempt is that of Levenberg-Marquardt without momentum."""
    optimizer, plain, params = levenberg_marquardt(momentum=0.9), levenberg_marquardt(), jnp.array([-1.2, 1.0])
    spoiled = optimizer.init(params)._replace(step=jnp.array([0.0, 1e9]), damping=jnp.asarray(1e6))
    step, state = stepped(optimizer, rosenbrock, params, spoiled)
    assert state.accepted and state.attempts > 1
    assert jnp.sum(rosenbrock(params + step) ** 2) < jnp.sum(rosenbrock(params) ** 2)
    expected, _ = stepped(plain, rosenbrock, params, plain.init(params)._replace(damping=state.damping * 3))
    assert jnp.vdot(step, expected) > 0.99 * jnp.linalg.norm(step) * jnp.linalg.norm(expected)
    found, _, losses = minimise(optimizer, rosenbrock, params, 60)
    np.testing.assert_allclose(found, [1.0, 1.0], atol=1e-8)
    assert np.all(np.diff(losses) <= 0)


def test_an_invalid_momentum_raises_an_error():
    for make in (gauss_newton, levenberg_marquardt):
        with pytest.raises(ValueError, match=r"`momentum` is a number in \[0, 1\), got 1.0"):
            make(momentum=1.0)
