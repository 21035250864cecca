"""The spectral record of a linearization."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pinnkit.diagnostics import Diagnostician, diagnostic_batch
from pinnkit.model import as_functional
from pinnkit.residuals import ResidualFunctions

from .problems_for_tests import poisson, stokes
from .test_linearization import linearized, prepared

pytestmark = pytest.mark.usefixtures("x64")


def plain(weights):
    return {name: float(weight) for name, weight in weights.items()}


def test_record_agrees_with_the_training_kernel_and_its_blocks():
    residuals, params, batch, weights = prepared(poisson())
    step = linearized(residuals, params, batch, weights)
    record = Diagnostician(residuals, batch)(params, plain(weights), step=3, phase="p", horizon=10)
    eigenvalues, modes = np.linalg.eigh(step.ntk)
    np.testing.assert_allclose(record.eigenvalues, eigenvalues[::-1], atol=1e-13 * eigenvalues[-1])
    leading = np.abs(modes[:, ::-1].T @ np.asarray(step.residual))[:3]
    np.testing.assert_allclose(np.abs(record.mode_coefficients[:3]), leading, rtol=1e-8)
    np.testing.assert_allclose(np.sum(record.mode_coefficients**2), 2 * step.loss, rtol=1e-12)
    np.testing.assert_allclose(record.stable_learning_rate, 2 / eigenvalues[-1], rtol=1e-12)
    for name, block in record.blocks.items():
        expected = np.linalg.eigvalsh(step.blocks()[name, name])[-1]
        np.testing.assert_allclose(block.largest_eigenvalue, expected, rtol=1e-10)
        np.testing.assert_allclose(record.block_traces[name], np.trace(step.blocks()[name, name]) / weights[name])


def test_kernel_of_a_linear_model_does_not_drift_and_that_of_a_network_does():
    line = poisson()
    basis = lambda x: jnp.stack([jnp.sin(k * jnp.pi * x[0]) for k in range(1, 5)])
    linear = as_functional((lambda key: jnp.ones(4), lambda c, x: c @ basis(x)), 1)
    for residuals, params, drifts in (
        (ResidualFunctions(line, linear), {"coefficients": {}, "network": jnp.ones(4)}, False),
        (*prepared(line)[:2], True),
    ):
        _, _, batch, weights = prepared(line)
        take = Diagnostician(residuals, batch)
        moved = jax.tree.map(lambda leaf: leaf + 0.3, params)
        records = [take(p, plain(weights), step=i, phase="p", horizon=10) for i, p in enumerate((params, moved))]
        assert records[0].kernel_drift == 0.0
        assert (records[1].kernel_drift > 1e-12) == drifts


def test_slow_modes_are_those_that_descent_leaves():
    residuals, params, batch, weights = prepared(poisson())
    take = Diagnostician(residuals, batch)
    for horizon in (1, 100, 10_000):
        record = take(params, plain(weights), step=0, phase="p", horizon=horizon)
        share = (1 - record.eigenvalues / record.eigenvalues[0]) ** horizon
        unresolved = record.modes - record.numerical_rank
        assert record.slow_modes == unresolved + np.sum(np.abs(share[: record.numerical_rank]) > 0.01)


def test_thinned_batch_keeps_every_condition_and_its_budget():
    residuals, _, batch, _ = prepared(stokes(), points=4000)
    thinned = diagnostic_batch(batch, residuals, parameters=1000)
    rows = {name: residuals.rows(name, len(points)) for name, points in thinned.items()}
    assert set(rows) == set(batch) and min(rows.values()) >= 8
    assert 300 < sum(rows.values()) < 480
    fewer = diagnostic_batch(batch, residuals, parameters=10**6)
    assert sum(residuals.rows(name, len(points)) for name, points in fewer.items()) < 100
