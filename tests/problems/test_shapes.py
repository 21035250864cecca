"""Problems on shapes: their references, and the accuracy of `fit`."""

import numpy as np
import pytest

import pinnkit
from pinnkit.equations.registry import find_problem
from problems.elasticity import kirsch
from problems.elliptic import poisson_holes


def test_the_series_around_holes_has_the_values_of_the_boundary():
    """By the maximum principle its error inside is no larger."""
    z, values = poisson_holes.boundary(1111)
    used = poisson_holes.series()
    assert np.abs(used(z.real, z.imag) - values).max() <= 2e-12
    x = poisson_holes.domain.evaluation(1000).points
    assert np.abs(poisson_holes.series(14, 40)(*x.T) - used(*x.T)).max() <= 5e-10


def test_kirsch_has_three_times_the_tension_at_the_hole():
    a, tension = kirsch.RADIUS, kirsch.TENSION
    np.testing.assert_allclose(np.asarray(kirsch.exact_stresses(0.0, a)) / tension, [3.0, 0.0, 0.0], atol=1e-6)
    np.testing.assert_allclose(np.asarray(kirsch.exact_stresses(a, 0.0)) / tension, [0.0, -1.0, 0.0], atol=1e-6)
    np.testing.assert_allclose(np.asarray(kirsch.exact_stresses(0.0, 1e4 * a)) / tension, [1.0, 0.0, 0.0], atol=1e-6)


def stress_concentration(solution):
    """σ_x over the tension at the top of the hole."""
    at = {"x": np.zeros(1), "y": np.array([kirsch.RADIUS])}
    stress = solution.evaluate(lambda u, v: kirsch.stresses(u, v)[0], **at)
    return float(np.ravel(stress)[0]) / kirsch.TENSION


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "budget", "accuracy"),
    [("poisson_lshape", 60, 1e-8), ("poisson_holes", 60, 1e-8), ("torsion", 60, 1e-8), ("kirsch", 120, 1e-4)],
)
def test_fit_is_accurate(name, budget, accuracy):
    solution = pinnkit.fit(find_problem(name), budget=budget)
    assert max(solution.summary.relative_l2.values()) <= accuracy
    if name == "kirsch":
        assert abs(stress_concentration(solution) - 3) <= 1e-4
