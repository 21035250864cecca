"""Reports of runs with a known problem name that problem."""

import functools

import pytest

from pinnkit import QuasiRandom, fit
from pinnkit.equations.registry import find_problem

from ..problems_for_tests import poisson


@functools.cache
def findings(name, **options):
    """Titles and reasons of the report of a run."""
    problem = poisson() if name == "line" else find_problem(name)
    return [(f.severity, f.title, f.reason) for f in fit(problem, **options).report.findings]


def titles(name, **options):
    return [title for _, title, _ in findings(name, **options)]


@pytest.mark.slow
def test_unit_weights_on_the_wave_equation_neglect_its_conditions():
    found = titles("wave_1d", strategy="adam", steps=300, points=200, constraints="soft")
    (imbalance,) = [title for title in found if title.startswith("Imbalance between conditions")]
    assert "'displacement'" in imbalance and "'walls'" in imbalance


@pytest.mark.slow
def test_a_tanh_network_misses_fast_variation_which_is_named():
    found = titles("poisson_1d_multiscale", strategy="adam", steps=300)
    assert "Spectral bias: a component with about 50 half-waves in x is missing" in found


@pytest.mark.slow
def test_fixed_points_fewer_than_parameters_are_overfitted():
    found = titles(
        "line", strategy="gauss-newton", steps=60, points=6, sampler=QuasiRandom(redraw=None), constraints="soft"
    )
    assert any(title.startswith("Overfitting") for title in found)
    assert "Fewer points than parameters" in found


@pytest.mark.slow
def test_single_precision_reports_its_limit():
    found = titles("line", strategy="adam", steps=200, points=64, precision="single")
    assert any(title.startswith("The precision limit") for title in found)


@pytest.mark.parametrize("name", ["poisson_1d", "line"])
def test_a_healthy_run_gets_no_advice(name):
    assert findings(name) == []
