"""The linearization of the stacked residual, against JAX on the residual written out by hand."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from pinnkit import MLP, QuasiRandom
from pinnkit.networks.adapters import as_functional
from pinnkit.residuals.cost import linearize_for_solving
from pinnkit.residuals.forms import (
    KernelLinearization,
    Linearization,
    MatrixFreeLinearization,
    NormalLinearization,
    block_traces,
    linearize,
    linearize_by_kernel,
    linearize_by_normal_matrix,
    linearize_matrix_free,
)
from pinnkit.residuals.functions import ResidualFunctions
from pinnkit.samplers.counts import point_counts
from pinnkit.samplers.sampler import batch_of

from ..problems_for_tests import decay_rate, poisson, stokes

pytestmark = pytest.mark.usefixtures("x64")


def prepared(problem, points=12, width=5):
    model = MLP(problem.domain, sum(problem.field_sizes.values()), width=width, depth=2, seed=3)
    residuals = ResidualFunctions(problem, as_functional(model, problem.domain.dimension))
    params = residuals.initial_params(as_functional(model, problem.domain.dimension).params)
    batch = batch_of(problem, QuasiRandom().init(problem, point_counts(problem, points), seed=1))
    weights = {name: jnp.asarray(1.0 + i) for i, name in enumerate(problem.conditions)}
    return residuals, params, batch, weights


def linearized(residuals, params, batch, weights):
    return jax.jit(lambda *args: linearize(residuals, *args, block_size=5))(params, batch, weights)


def traced(residuals, params, batch):
    return jax.jit(lambda *args: block_traces(residuals, *args, block_size=3))(params, batch)


def test_loss_is_the_weighted_half_sum_of_mean_squares_written_out_by_hand():
    residuals, params, batch, weights = prepared(poisson())
    u = lambda x: residuals.fields(params, x.reshape(1, 1))["u"][0]
    u_xx = jax.vmap(jax.grad(jax.grad(u)))
    x = batch["pde"].coordinates[:, 0]
    pde = jnp.mean((-u_xx(x) - jnp.pi**2 * jnp.sin(jnp.pi * x)) ** 2)
    walls = jnp.mean(jax.vmap(u)(jnp.array([0.0, 1.0])) ** 2)
    loss, losses = residuals.loss(params, batch, weights)
    np.testing.assert_allclose([losses["pde"], losses["walls"]], [pde, walls], rtol=1e-12)
    np.testing.assert_allclose(loss, 0.5 * (1.0 * pde + 2.0 * walls), rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("problem", [poisson, decay_rate, stokes])
def test_jacobian_blocks_traces_and_gradient_agree_with_jax(problem):
    residuals, params, batch, weights = prepared(problem())
    flat, unravel = ravel_pytree(params)
    stacked = lambda flat: residuals.stacked(unravel(flat), batch, weights)
    J = jax.jit(jax.jacfwd(stacked))(flat)
    step = linearized(residuals, params, batch, weights)
    scale = jnp.abs(J).max()
    np.testing.assert_allclose(step.residual, stacked(flat), rtol=1e-12)
    np.testing.assert_allclose(step.jacobian, J, atol=1e-12 * scale)
    K = J @ J.T
    np.testing.assert_allclose(step.ntk, K, atol=1e-12 * jnp.abs(K).max())
    rows = step.slices()
    for (a, b), block in step.blocks().items():
        np.testing.assert_allclose(block, K[rows[a], rows[b]], atol=1e-12 * jnp.abs(K).max())
    value_and_grad = jax.jit(jax.value_and_grad(residuals.loss, has_aux=True))
    (loss, _), tree = value_and_grad(params, batch, weights)
    gradient = ravel_pytree(tree)[0]
    np.testing.assert_allclose(step.loss, loss, rtol=1e-12)
    np.testing.assert_allclose(step.gradient, gradient, atol=1e-12 * jnp.abs(gradient).max())
    for name, trace in traced(residuals, params, batch).items():
        np.testing.assert_allclose(trace, jnp.trace(K[rows[name], rows[name]]) / weights[name], rtol=1e-12)


@pytest.mark.parametrize("points", [6, 60])  # fewer rows than parameters, and more
def test_all_forms_take_the_damped_step_that_least_squares_defines(points):
    residuals, params, batch, weights = prepared(poisson(), points)

    @jax.jit
    def answers(params, damping, v):
        out = []
        by_small_blocks = partial(linearize_by_normal_matrix, block_entries=7 * 50)
        for form in (linearize, linearize_by_kernel, by_small_blocks, linearize_matrix_free):
            at = form(residuals, params, batch, weights)
            step = at.damped_solver(1e-12)(damping * at.mean_eigenvalue, at.residual)
            out.append((step, at.residual, at.gradient, at.push(v), at.mean_eigenvalue))
        return out

    step = linearized(residuals, params, batch, weights)
    J = np.asarray(step.jacobian)
    n, p = J.shape
    assert (n < p) == (points == 6)
    v = np.arange(1.0, p + 1)
    lam = 1e-3 * np.sum(J**2) / min(n, p)
    stacked = np.vstack([J, np.sqrt(lam) * np.eye(p)])
    expected = -np.linalg.lstsq(stacked, np.concatenate([step.residual, np.zeros(p)]))[0]
    exact = expected, step.residual, J.T @ step.residual, J @ v, np.sum(J**2) / min(n, p)
    for form in answers(params, 1e-3, v):
        for found, wanted in zip(form, exact, strict=True):
            np.testing.assert_allclose(found, wanted, atol=1e-9 * np.abs(wanted).max())


def test_the_form_follows_size_and_memory():
    """Narrow: the Jacobian; wide and few points: its kernel from factors; many points: the normal matrix; no memory:
    products.
    """
    narrow, wide = prepared(poisson(), 60), prepared(poisson(), 20, width=200)

    def form(setting, **options):
        found = []
        jax.eval_shape(lambda: found.append(type(linearize_for_solving(*setting, **options))))
        return found[0]

    assert form(narrow) is Linearization
    assert form(wide) is KernelLinearization
    many, memory = prepared(poisson(), 400_000), 150 * 2**20
    assert form(many) is Linearization
    assert form(many, memory=memory) is NormalLinearization
    assert form(wide, memory=0) is MatrixFreeLinearization
