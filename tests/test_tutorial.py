"""The tutorial runs, and reproduces the figures it sets out to reproduce."""

import runpy
from pathlib import Path

import matplotlib
import numpy as np
import pytest

TUTORIAL = Path(__file__).parents[1] / "docs" / "tutorials" / "ntk_analysis.py"

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:FigureCanvasAgg is non-interactive")]


@pytest.fixture(scope="module")
def names():
    """What the tutorial defines."""
    matplotlib.use("Agg")
    return runpy.run_path(str(TUTORIAL))


def test_losses_are_the_published_ones(names):
    np.testing.assert_allclose(names["losses"], names["published"], rtol=1e-2)


def test_error_is_the_published_one(names):
    assert abs(names["rms"] / 3.122e-3 - 1) < 1e-2


def test_published_condition_numbers_are_a_clip_constant(names):
    assert abs(names["clipped"] / 5.81e12 - 1) < 1e-2
    assert abs(names["after"].largest_eigenvalue / 2e-10 / 1.41e13 - 1) < 1e-2
    assert names["before"].condition_number.is_lower_bound
    assert names["slow_modes"] == 97


def test_kernels_have_the_eigenvalues_of_an_independent_computation(names):
    expected = {
        "output, 100 points": (1163, 2812),
        "residual, 100 points": (6949, 13590),
        "boundary, 2 points": (20.2, 49.5),
        "training (weighted)": (308, 614.6),
    }
    for name, largest in expected.items():
        np.testing.assert_allclose([values[0] for values in names["spectra"][name]], largest, rtol=1e-2)


def test_training_kernel_predicts_gradient_descent_and_output_kernel_does_not(names):
    actual = names["actual"][200]
    assert abs(names["predicted"][200] / actual - 1) < 0.1
    assert abs(names["by_output_kernel"][200] / actual - 1) > 0.3


def test_gauss_newton_solves_it(names):
    assert names["solved"].summary.relative_l2["u"] < 1e-3


def test_heat_in_the_rod_is_conserved_and_becomes_steady():
    matplotlib.use("Agg")
    rod = runpy.run_path(str(TUTORIAL.with_name("heated_rod.py")))
    assert abs(rod["imbalance"]) < 0.01 * rod["flowed_in"]
    assert abs(rod["end"][-1] - rod["steady"]) < 0.5


def test_noisy_readings_give_both_numbers_within_their_intervals(tmp_path, monkeypatch):
    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    rod = runpy.run_path(str(TUTORIAL.with_name("cooling_rod.py")))
    for name, (low, high) in rod["summary"].coefficient_intervals.items():
        assert low < rod["true"][name] < high
    assert 0.4 < rod["fitted"].sigma < 0.6 and rod["fitted"].is_white
    assert np.median(rod["band"].upper - rod["band"].lower) < 2.0
