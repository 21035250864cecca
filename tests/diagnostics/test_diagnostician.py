"""The spectral record of a linearization."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pinnkit.diagnostics.diagnostician import Diagnostician, diagnostic_batch
from pinnkit.diagnostics.record import LEADING_MODES, SLOW_MODES, slow_resolvable
from pinnkit.networks.adapters import as_functional
from pinnkit.residuals.functions import ResidualFunctions

from ..problems_for_tests import poisson, stokes
from ..residuals.test_linearization import linearized, prepared

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


def linear_model(network):
    """Residuals and parameters of `network(c, x)` with four parameters c = 1, on the Poisson problem."""
    model = as_functional((lambda key: jnp.ones(4), network), 1)
    return ResidualFunctions(poisson(), model), {"coefficients": {}, "network": jnp.ones(4)}


def sines(c, x):
    """Σ c_k sin πkx, which vanishes at both ends."""
    return c @ jnp.sin(jnp.pi * jnp.arange(1, 5) * x[0])


def test_kernel_of_a_linear_model_does_not_move_and_that_of_a_network_does():
    line = poisson()
    for residuals, params, moves in ((*linear_model(sines), False), (*prepared(line)[:2], True)):
        _, _, batch, weights = prepared(line)
        take = Diagnostician(residuals, batch)
        moved = jax.tree.map(lambda leaf: leaf + 0.3, params)
        records = [take(p, plain(weights), step=i, phase="p", horizon=10) for i, p in enumerate((params, moved))]
        assert records[0].kernel_drift == 0.0
        assert (records[1].kernel_drift > 1e-12) == moves
        np.testing.assert_allclose(records[0].kernel_alignment, 1.0, rtol=1e-12)
        assert (records[1].kernel_alignment < 1 - 1e-9) == moves


def test_alignment_with_the_residual_is_the_rate_of_descent_over_the_greatest_that_a_kernel_of_the_same_norm_has():
    residuals, params, batch, weights = prepared(poisson())
    step = linearized(residuals, params, batch, weights)
    record = Diagnostician(residuals, batch)(params, plain(weights), step=0, phase="p", horizon=10)
    descent = np.vdot(step.gradient, step.gradient)
    expected = descent / np.linalg.norm(step.ntk) / np.vdot(step.residual, step.residual)
    np.testing.assert_allclose(record.residual_alignment, expected, rtol=1e-10)


def test_a_kernel_that_vanishes_has_neither_alignments_nor_modes():
    residuals, params = linear_model(lambda c, x: 0.0 * c.sum() * x[0])
    _, _, batch, weights = prepared(poisson())
    record = Diagnostician(residuals, batch)(params, plain(weights), step=0, phase="p", horizon=10)
    assert (record.kernel_drift, record.kernel_alignment, record.residual_alignment) == (0.0, None, None)
    assert record.mode_frequencies == {}
    assert record.slow_modes == record.modes


def test_modes_are_described_by_their_half_waves():
    """J of the second derivatives of sines is k² π² sin πkx, nearly orthogonal on even points: λ_k grows as k⁴."""
    residuals, params = linear_model(sines)
    _, _, batch, weights = prepared(poisson(), points=32)
    record = Diagnostician(residuals, batch)(params, plain(weights), step=0, phase="p", horizon=10)
    assert record.numerical_rank == 4
    assert [str(mode) for mode in record.mode_frequencies.values()] == [
        "about 4 half-waves in x on pde",
        "about 3 half-waves in x on pde",
        "about 2 half-waves in x on pde",
        "about 1 half-wave in x on pde",
    ]
    np.testing.assert_allclose([mode.share for mode in record.mode_frequencies.values()], 1.0, atol=1e-12)
    assert min(mode.frequency.share for mode in record.mode_frequencies.values()) > 0.95


def test_modes_of_vector_residuals_are_described_on_the_component_that_has_most_of_them():
    residuals, params, batch, weights = prepared(stokes(), points=16)
    step = linearized(residuals, params, batch, weights)
    record = Diagnostician(residuals, batch)(params, plain(weights), step=0, phase="p", horizon=10)
    modes = np.linalg.eigh(step.ntk)[1][:, ::-1]
    for i, mode in record.mode_frequencies.items():
        shares = {}
        for name, rows in step.slices().items():
            by_component = np.reshape(modes[rows, i], (len(batch[name]), -1))
            shares |= {(name, a): np.sum(column**2) for a, column in enumerate(by_component.T)}
        name, component = max(shares, key=shares.__getitem__)
        scalar = residuals.rows(name, 1) == 1
        assert (mode.condition, mode.component) == (name, None if scalar else component)
        np.testing.assert_allclose(mode.share, shares[name, component], rtol=1e-6)
        assert str(mode).endswith(f" on {name}" if scalar else f" on {name}[{component}]")
        assert mode.frequency.half_waves is None or set(mode.frequency.half_waves) <= {"x", "y"}


def test_leading_modes_and_the_slow_ones_with_most_of_the_residual_are_described():
    residuals, params, batch, weights = prepared(poisson(), points=40, width=16)
    record = Diagnostician(residuals, batch)(params, plain(weights), step=0, phase="p", horizon=100)
    slow = np.flatnonzero(slow_resolvable(record.spectrum, 100))
    assert slow.size + record.modes - record.numerical_rank == record.slow_modes
    by_residual = slow[np.argsort(-record.residual_share[slow])]
    assert set(record.mode_frequencies) == {*range(LEADING_MODES), *by_residual[:SLOW_MODES].tolist()}
    assert max(record.mode_frequencies) < record.numerical_rank


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
