"""Kernel-space Gauss-Newton and Levenberg-Marquardt on problems with known answers."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from pinnkit import gauss_newton, levenberg_marquardt
from pinnkit.linearization import Linearization

pytestmark = pytest.mark.usefixtures("x64")


def linearized(residual, params):
    r, J = residual(params), jax.jacfwd(residual)(params)
    return Linearization(residual=r, jacobian=J, sizes={"all": len(r)}, unravel=lambda v: v)


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


def test_gauss_newton_converges_quadratically_where_the_residual_vanishes():
    residual = lambda p: jnp.array([p[0] ** 2 + p[1] ** 2 - 2, jnp.exp(p[0] - 1) + p[1] ** 3 - 2])
    _, _, losses = minimise(gauss_newton(1e-8), residual, jnp.array([1.3, 0.8]), 6)
    norms = np.sqrt(2 * losses)
    assert norms[-1] < 1e-14
    assert all(b <= 2 * a**2 + 1e-15 for a, b in zip(norms[1:-1], norms[2:], strict=True))


def test_levenberg_marquardt_never_increases_the_loss_and_finds_the_minimum():
    found, _, losses = minimise(levenberg_marquardt(), rosenbrock, jnp.array([-1.2, 1.0]), 40)
    np.testing.assert_allclose(found, [1.0, 1.0], atol=1e-10)
    assert np.all(np.diff(losses) <= 0)


def test_a_step_into_the_undefined_is_rejected():
    residual = lambda p: jnp.log(p) + 3.0
    found, _, losses = minimise(levenberg_marquardt(), residual, jnp.ones(1), 30)
    np.testing.assert_allclose(found, np.exp(-3.0), rtol=1e-10)
    assert np.isfinite(losses).all()


def test_parameters_stay_where_no_step_helps():
    found, state, _ = minimise(levenberg_marquardt(), lambda p: jnp.array([1.0 + 0 * p[0]]), jnp.ones(1), 1)
    np.testing.assert_array_equal(found, 1.0)
    assert not state.accepted


def test_gauss_newton_chains_with_a_line_search_of_optax():
    searched = optax.chain(gauss_newton(1e-8), optax.scale_by_backtracking_linesearch(20, decrease_factor=0.5))
    found, _, losses = minimise(searched, rosenbrock, jnp.array([-1.2, 1.0]), 30)
    np.testing.assert_allclose(found, [1.0, 1.0], atol=1e-8)
    assert np.all(np.diff(losses) <= 1e-20)
