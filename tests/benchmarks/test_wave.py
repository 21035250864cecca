"""Wave equation: what NTK weights and rate are worth to Adam (`pytest -m benchmark -s tests/benchmarks/test_wave.py`).

Three hidden layers of 100, 300 points a condition, 40,000 steps, three seeds; about an hour on two cores. `adam` runs
at its usual 1e-3 with unit weights, `ntk-adam` as it comes. Wang, Yu & Perdikaris (JCP 449, 2022) report 4.5e-1
without and 1.7e-3 with NTK weights after 80,000 steps of a wider network.
"""

import numpy as np
import pytest

from pinnkit import fit
from problems.wave_1d import wave_1d

STEPS = 40_000
SEEDS = (0, 1, 2)


def relative_error(strategy, seed):
    points = dict.fromkeys(wave_1d.conditions, 300)
    run = fit(wave_1d, strategy=strategy, steps=STEPS, seed=seed, points=points, width=100, depth=3)
    assert run.summary.relative_l2 is not None
    return run.summary.relative_l2["u"]


@pytest.mark.benchmark
def test_ntk_adam_ends_with_a_twentieth_of_the_error_of_adam():
    errors = {name: [relative_error(name, seed) for seed in SEEDS] for name in ("ntk-adam", "adam")}
    for name, values in errors.items():
        print(f"{name:10s} {'  '.join(f'{value:.2e}' for value in values)}")
    ratios = np.array(errors["ntk-adam"]) / np.array(errors["adam"])
    print(f"ratio      {'  '.join(f'{value:.4f}' for value in ratios)}")
    assert ratios.max() <= 1 / 20
