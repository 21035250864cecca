"""Problems on shapes: their references, and the accuracy of `fit`."""

import numpy as np
import pytest

import pinnkit
from pinnkit.equations.registry import find_problem
from problems.elasticity import kirsch
from problems.elliptic import poisson_holes, torsion_gear
from problems.flow import stokes_cylinder


def test_the_series_around_holes_has_the_values_of_the_boundary():
    """By the maximum principle its error inside is no larger."""
    z, values = poisson_holes.boundary(1111)
    used = poisson_holes.series()
    assert np.abs(used(z.real, z.imag) - values).max() <= 2e-12
    x = poisson_holes.domain.evaluation(1000).points
    assert np.abs(poisson_holes.series(14, 40)(*x.T) - used(*x.T)).max() <= 5e-10


def test_the_stress_function_of_a_gear_vanishes_on_its_rim():
    x, y = torsion_gear.rim(np.linspace(0, 1, 3333))
    assert np.abs(torsion_gear.reference(x, y)).max() <= 1e-13
    inside = torsion_gear.domain.evaluation(1000).points
    z = (inside[:, 0] + 1j * inside[:, 1]) ** torsion_gear.TEETH
    other = torsion_gear.series(4, 30)(z.real, z.imag)
    np.testing.assert_allclose(torsion_gear.series()(z.real, z.imag), other, atol=1e-13)


def test_the_flow_past_a_cylinder_has_its_velocities_and_its_drag():
    """Velocities on the boundary, equations by differences, and the force from the stresses around the cylinder."""
    flow, h = stokes_cylinder.flow(), 1e-4
    assert flow.wrong <= 3e-6
    angle = 2 * np.pi * np.arange(400) / 400
    normal = np.exp(1j * angle)
    at = lambda z: np.stack(flow(z.real, z.imag))
    along = lambda z, step: (at(z - 2 * step) - 8 * at(z - step) + 8 * at(z + step) - at(z + 2 * step)) / (12 * h)
    around = stokes_cylinder.CENTER + 0.07 * normal
    (ux, vx, px), (uy, vy, py) = along(around, h), along(around, 1j * h)
    np.testing.assert_allclose(ux, -vy, atol=1e-6 * np.abs(ux).max())
    laplacian = (at(around + h) + at(around - h) + at(around + 1j * h) + at(around - 1j * h) - 4 * at(around))[
        :2
    ] / h**2
    np.testing.assert_allclose(laplacian, [px, py], atol=1e-3 * np.abs(px).max())
    pressure = at(around)[2]
    force = (-pressure + 2 * ux) * normal.real + (uy + vx) * normal.imag
    np.testing.assert_allclose(2 * np.pi * 0.07 * force.mean(), stokes_cylinder.drag(), rtol=1e-8)


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
    [
        ("poisson_lshape", 60, 1e-8),
        ("poisson_holes", 60, 1e-8),
        ("torsion", 60, 1e-8),
        ("torsion_gear", 60, 1e-8),
        ("kirsch", 120, 1e-4),
    ],
)
def test_fit_is_accurate(name, budget, accuracy):
    solution = pinnkit.fit(find_problem(name), budget=budget)
    assert max(solution.summary.relative_l2.values()) <= accuracy
    if name == "kirsch":
        assert abs(stress_concentration(solution) - 3) <= 1e-4
