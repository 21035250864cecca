"""Wave equation: the benefit of NTK weights and rate for Adam.

Run with `pytest -n 0 -m benchmark -s tests/benchmarks/test_wave.py`.

Soft conditions, three hidden layers of 100, 300 points a condition, 40,000 steps, three seeds; about an hour on two
cores. `adam` runs at its usual 1e-3, with unit weights and with those of the kernel, `ntk-adam` as it comes. Wang, Yu &
Perdikaris (JCP 449, 2022) report 4.5e-1 without and 1.7e-3 with NTK weights after 80,000 steps of a wider network.

The traces at initialisation are compared in the default run.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pinnkit import MLP, Uniform, fit
from pinnkit.networks.adapters import as_functional
from pinnkit.networks.embeddings import AbstractEmbedding
from pinnkit.residuals.forms import block_traces
from pinnkit.residuals.functions import ResidualFunctions
from pinnkit.samplers.sampler import batch_of
from problems.hyperbolic.wave_1d import wave_1d

STEPS = 40_000
SEEDS = (0, 1, 2)


class Standardised(AbstractEmbedding):
    """Coordinates of the unit square with mean 0 and standard deviation 1."""

    @property
    def size(self):
        return 2

    def __call__(self, x):
        return (x - 0.5) * jnp.sqrt(12.0)


def trace_weights(seeds, embedding):
    """tr K_r / tr K_u and tr K_r / tr K_ut at initialisation, a row a seed; u is start and walls together.

    Three hidden layers of 200 tanh units, Glorot-normal weights, zero biases, 300 uniform points for each of u, u_t and
    the residual r.
    """
    counts = {"pde": 300, "displacement": 100, "velocity": 300, "walls": 200}
    network = lambda seed: as_functional(MLP(wave_1d.domain, 1, 200, 3, embedding=embedding, seed=seed), 2)
    residuals, rows = ResidualFunctions(wave_1d, network(0)), []
    traces = jax.jit(lambda params, batch: block_traces(residuals, params, batch))
    for seed in seeds:
        batch = batch_of(wave_1d, Uniform().init(wave_1d, counts, seed))
        found = traces(residuals.initial_params(network(seed).params), batch)
        u = (found["displacement"] + 2 * found["walls"]) / 3
        rows.append([found["pde"] / u, found["pde"] / found["velocity"]])
    return np.array(rows)


@pytest.mark.usefixtures("x64")
def test_trace_weights_at_initialisation_are_those_of_the_literature():
    """u : u_t : r = 13.8 : 7.2 : 1, one draw, with coordinates standardised as there.

    The mean of the logarithms over 32 seeds is that of 11.8 : 5.8 : 1, the spread of one seed about a fifth. On
    coordinates scaled to [−1, 1], as in the built-in networks, they are about 1.5 : 0.8 : 1.
    """
    logs = np.log(trace_weights(range(6), Standardised()))
    mean, spread = logs.mean(axis=0), logs.std(axis=0, ddof=1)
    assert spread.max() < 0.4
    np.testing.assert_array_less(np.abs(mean - np.log([13.8, 7.2])), 2 * spread)
    np.testing.assert_allclose(mean, np.log([11.8, 5.8]), atol=3 * spread.max() / np.sqrt(6))


def relative_error(seed, steps=STEPS, points=300, width=100, **settings):
    counts = dict.fromkeys(wave_1d.conditions, points)
    run = fit(wave_1d, steps=steps, seed=seed, points=counts, width=width, depth=3, constraints="soft", **settings)
    assert run.summary.relative_l2 is not None
    return run.summary.relative_l2["u"]


ARMS = {
    "weights and rate": {"strategy": "ntk-adam"},
    "weights": {"strategy": "adam", "weighting": "trace"},
    "neither": {"strategy": "adam"},
}


@pytest.mark.benchmark
def test_weights_and_rate_from_the_kernel_leave_a_fiftieth_of_the_error():
    errors = {arm: np.array([relative_error(seed, **ARMS[arm]) for seed in SEEDS]) for arm in ARMS}
    for arm, values in errors.items():
        print(f"{arm:18s} {'  '.join(f'{value:.2e}' for value in values)}")
    gain = {arm: np.median(errors["neither"] / errors[arm]) for arm in ARMS}
    print("  ".join(f"{arm} {value:.0f}" for arm, value in gain.items()))
    assert gain["weights and rate"] >= 50
    assert gain["weights"] >= 30
