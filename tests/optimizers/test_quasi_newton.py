"""Quasi-Newton methods against closed forms, the direct update and scipy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from pinnkit import fit, quasi_newton
from pinnkit.optimizers.broyden import MEMBERS, Pair, next_inverse
from pinnkit.optimizers.quasi_newton import LARGEST_BYTES
from pinnkit.optimizers.wolfe import line_search
from problems.elliptic.poisson_1d import poisson_1d

pytestmark = pytest.mark.usefixtures("x64")
members = pytest.mark.parametrize("member", MEMBERS)


def quadratic(n, condition=1e3, seed=0):
    rng = np.random.default_rng(seed)
    Q, _ = np.linalg.qr(rng.normal(size=(n, n)))
    return jnp.asarray(Q * np.geomspace(1, condition, n) @ Q.T), jnp.asarray(rng.normal(size=n))


def rosenbrock(p):
    return jnp.sum(100 * (p[1:] - p[:-1] ** 2) ** 2 + (1 - p[:-1]) ** 2)


def minimise(optimizer, loss, params, steps, batches=None):
    """Parameters and states of every step; `loss` also takes a batch if batches are given."""
    batches = jnp.zeros(steps) if batches is None else batches
    loss_on = loss if loss.__code__.co_argcount == 2 else lambda params, batch: loss(params)

    def step(carry, batch):
        params, state = carry
        value_fn = lambda params: loss_on(params, batch)
        value, grad = jax.value_and_grad(value_fn)(params)
        updates, state = optimizer.update(grad, state, params, value=value, grad=grad, value_fn=value_fn)
        moved = params + updates
        return (moved, state), (moved, state, value)

    return jax.jit(lambda start: jax.lax.scan(step, start, batches))((params, optimizer.init(params)))[1]


@members
def test_exact_line_searches_solve_a_quadratic_in_as_many_steps_as_there_are_unknowns(member):
    """Every member of Broyden's class gives conjugate directions, with any scaling."""
    n = 8
    A, b = quadratic(n)
    x, H = jnp.zeros(n), jnp.eye(n)
    for _ in range(n):
        g = A @ x - b
        d = -H @ g
        alpha = -(g @ d) / (d @ A @ d)
        H = next_inverse(H, alpha * d, alpha * A @ d, -alpha * g, MEMBERS[member])
        x = x + alpha * d
    np.testing.assert_allclose(x, jnp.linalg.solve(A, b), rtol=1e-8)


@members
def test_rosenbrock_is_solved_with_an_inverse_hessian_that_is_positive_and_satisfies_the_secant_condition(member):
    start = jnp.asarray(np.random.default_rng(0).normal(size=6))
    params, states, values = minimise(quasi_newton(member), rosenbrock, start, 70)
    assert np.all(np.diff(values) <= 1e-14)
    np.testing.assert_allclose(params[-1], 1.0, atol=1e-7)
    points = jnp.concatenate([start[None], params])
    gradients = jax.vmap(jax.grad(rosenbrock))(points)
    for k in range(25):
        s, y, H = points[k + 1] - points[k], gradients[k + 1] - gradients[k], states.inverse[k]
        np.testing.assert_array_equal(H, H.T)
        assert np.linalg.eigvalsh(H)[0] > 0
        np.testing.assert_allclose(H @ y, s, rtol=1e-6, atol=1e-9 * np.linalg.norm(s))


def test_bfgs_is_the_product_form():
    rng = np.random.default_rng(0)
    H, _ = quadratic(7, seed=1)
    s, y = rng.normal(size=(2, 7))
    y = y if y @ s > 0 else -y
    V = np.eye(7) - np.outer(s, y) / (y @ s)
    expected = V @ H @ V.T + np.outer(s, s) / (y @ s)
    found = next_inverse(H, jnp.asarray(s), jnp.asarray(y), jnp.linalg.solve(H, s), MEMBERS["bfgs"])
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10 * np.abs(expected).max())


@pytest.mark.parametrize("stretch", [0.01, 1.0, 100.0])
def test_self_scaled_broyden_inverts_the_direct_update(stretch):
    """$B_+ = τ(B − B s sᵀB / sᵀBs + θ w wᵀ) + y yᵀ / yᵀs$ with θ from the same pair."""
    rng = np.random.default_rng(0)
    B, _ = quadratic(7, seed=1)
    s, y = rng.normal(size=(2, 7))
    y = stretch * (y if y @ s > 0 else -y)
    Bs, ys, sBs = B @ s, y @ s, s @ B @ s
    H = jnp.linalg.inv(B)
    tau, phi = MEMBERS["ssbroyden"](Pair(sBs / ys, y @ H @ y / ys, 7))
    a = sBs / ys * (y @ H @ y) / ys - 1
    theta = (1 - phi) / (1 + a * phi)
    w = np.sqrt(sBs) * (y / ys - Bs / sBs)
    direct = tau * (B - np.outer(Bs, Bs) / sBs + theta * np.outer(w, w)) + np.outer(y, y) / ys
    found = next_inverse(H, jnp.asarray(s), jnp.asarray(y), Bs, MEMBERS["ssbroyden"])
    rounding = 1e2 * np.finfo(float).eps * np.linalg.cond(found)
    np.testing.assert_allclose(found @ direct, np.eye(7), atol=rounding)


def test_bfgs_needs_about_as_many_steps_as_scipy():
    start = np.random.default_rng(0).normal(size=6)
    jacobian = jax.jit(jax.grad(rosenbrock))
    theirs = scipy.optimize.minimize(rosenbrock, start, jac=lambda p: np.asarray(jacobian(p)), method="BFGS")
    _, _, values = minimise(quasi_newton("bfgs"), rosenbrock, jnp.asarray(start), 100)
    assert np.argmax(values < max(theirs.fun, 1e-16)) <= 1.5 * theirs.nit


def test_points_that_change_every_step_do_not_enter_the_curvature():
    """Losses ½(x−c)ᵀA(x−c) share a Hessian; differences of their gradients at two c would not show it."""
    A, _ = quadratic(5, 10.0)
    shifts = jnp.asarray(np.random.default_rng(1).normal(size=(40, 5)))
    loss = lambda x, c: 0.5 * (x - c) @ A @ (x - c)
    start = jnp.ones(5)
    params, states, _ = minimise(quasi_newton(), loss, start, 40, shifts)
    steps = jnp.diff(jnp.concatenate([start[None], params]), axis=0)
    for s, H in zip(steps, states.inverse, strict=True):
        np.testing.assert_allclose(H @ (A @ s), s, atol=1e-10)


def test_a_step_that_cannot_reduce_the_loss_is_not_taken():
    params, states, _ = minimise(quasi_newton(), lambda x: jnp.sum(x**2), jnp.zeros(3), 2)
    np.testing.assert_array_equal(params, 0.0)
    np.testing.assert_array_equal(states.inverse[-1], np.eye(3))


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_line_search_satisfies_both_wolfe_conditions_and_rejects_steps_to_infinite_losses(scale):
    loss = lambda x: scale * jnp.sum(x - jnp.log(x))
    x, d = jnp.array([5.0, 3.0]), jnp.array([-40.0, -7.0])
    value, g = jax.value_and_grad(loss)(x)
    found, _ = jax.jit(lambda x: line_search(jax.value_and_grad(loss), x, d, value, g, 25))(x)
    after, slope = jax.value_and_grad(loss)(x + found.step_size * d)
    assert after <= value + 1e-4 * found.step_size * g @ d
    assert slope @ d >= 0.9 * g @ d


def test_invalid_arguments_raise_an_error():
    with pytest.raises(ValueError, match="unknown quasi-Newton method 'dfp'; choose one of bfgs, ssbfgs, ssbroyden"):
        quasi_newton("dfp")
    with pytest.raises(ValueError, match="takes 3.0 GiB.*at most 16384 parameters"):
        quasi_newton().init(jnp.zeros(int((1.5 * LARGEST_BYTES / 8) ** 0.5)))
    with pytest.raises(ValueError, match="`value_fn`"):
        quasi_newton().update(jnp.ones(2), quasi_newton().init(jnp.ones(2)), jnp.ones(2))


@pytest.mark.slow
def test_self_scaled_broyden_solves_poisson_to_six_digits():
    solution = fit(poisson_1d, strategy="ssbroyden", steps=400, width=16, depth=2, points=64)
    assert solution.summary.relative_l2["u"] < 1e-6
