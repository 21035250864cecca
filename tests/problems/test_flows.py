"""References of flows: cavities and the wake of a cylinder, against the literature, their equations and finer ones."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from problems._references import wake
from tests.problems.gallery import module_of


def relative(found, expected):
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)


# Cavities.

BOTELLA_PEYRET = {"u": -0.2140424, "v_max": 0.1795728, "v_min": -0.2538030}
"""Extrema on the centre lines at Re = 100, Computers & Fluids 27, 1998."""


def extrema(flow):
    line, middle = np.linspace(0, 1, 4001), np.full(4001, 0.5)
    v = flow(line, middle)[1]
    return {"u": flow(middle, line)[0].min(), "v_max": v.max(), "v_min": v.min()}


def test_the_cavity_agrees_with_published_extrema():
    found = extrema(module_of("lid_driven_cavity").flow(100.0, 40))
    np.testing.assert_allclose(list(found.values()), list(BOTELLA_PEYRET.values()), atol=4e-7)


def test_the_smooth_cavity_satisfies_the_vorticity_equation():
    """u·∇ω = Δω / Re, by differences of the velocity."""
    flow, step = module_of("lid_driven_cavity_smooth").flow(100.0, 40), 4e-3
    x, y = np.random.default_rng(0).uniform(0.15, 0.85, (2, 30))
    s = step * np.arange(-4, 5)
    places = np.broadcast_arrays(x[:, None, None] + s[:, None], y[:, None, None] + s)
    u, v = (values.reshape(30, 9, 9) for values in flow(*(place.ravel() for place in places)))
    first = np.array([1, -8, 0, 8, -1]) / 12 / step
    slope = lambda a, axis: np.apply_along_axis(lambda row: np.convolve(row, first[::-1], "valid"), axis, a)
    vorticity = slope(v, 1)[:, :, 2:-2] - slope(u, 2)[:, 2:-2]
    second = np.array([-1, 16, -30, 16, -1]) / 12 / step**2
    diffusion = np.einsum("pij,i,j->p", vorticity, second, [0, 0, 1, 0, 0])
    diffusion += np.einsum("pij,i,j->p", vorticity, [0, 0, 1, 0, 0], second)
    along = lambda weights: np.einsum("pij,i,j->p", vorticity, *weights)
    transport = u[:, 4, 4] * along((first, [0, 0, 1, 0, 0])) + v[:, 4, 4] * along(([0, 0, 1, 0, 0], first))
    np.testing.assert_allclose(transport, diffusion / 100, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "accuracy"), [("lid_driven_cavity", 1e-6), ("lid_driven_cavity_smooth", 3e-8)])
def test_the_cavities_are_converged(name, accuracy):
    flow, (x, y) = module_of(name).flow, np.random.default_rng(0).uniform(0, 1, (2, 2000))
    for used, coarser in zip(flow(100.0)(x, y), flow(100.0, 48)(x, y), strict=True):
        assert relative(coarser, used) <= accuracy


@pytest.mark.slow
def test_a_cavity_at_re_1000_agrees_with_the_literature():
    """Botella & Peyret 1998."""
    found = extrema(module_of("lid_driven_cavity").flow(1000.0))
    published = {"u": -0.3885698, "v_max": 0.3769447, "v_min": -0.5270771}
    for name, value in published.items():
        np.testing.assert_allclose(found[name], value, rtol=2e-4)


def test_a_cavity_beyond_the_resolution_is_refused():
    with pytest.raises(ValueError, match="resolved up to Re = 1000, got 3200"):
        module_of("lid_driven_cavity").flow(3200.0)


# The wake of a cylinder.


@pytest.mark.slow
def test_the_wake_is_periodic_with_the_strouhal_number_of_the_literature():
    """0.164 to 0.167 at Re = 100: Williamson, J. Fluid Mech. 206, 1989, and computations since."""
    flow, rng = wake.shedding(), np.random.default_rng(0)
    x, y, t = rng.uniform([1, -2, 0], [8, 2, 0.4], (200, 3)).T
    wrong = lambda period: relative(flow(x, y, t + period)[:2], flow(x, y, t)[:2])
    found = minimize_scalar(wrong, bounds=(5.9, 6.2), method="bounded", options={"xatol": 1e-6})
    assert 0.164 <= 1 / found.x <= 0.167 and found.fun <= 3e-4


@pytest.mark.slow
def test_the_wake_satisfies_the_vorticity_equation():
    """By differences of sixth order of its velocities."""
    flow, points = wake.shedding(), np.random.default_rng(0).uniform([1.1, -1.9, 0.5], [7.9, 1.9, 6.0], (40, 3))
    first, second = np.array([-1, 9, -45, 0, 45, -9, 1]) / 60, np.array([2, -27, 270, -490, 270, -27, 2]) / 180
    steps = 0.02, 0.02, 0.05
    shifted = lambda where, axis, k: where + k * steps[axis] * np.eye(3)[axis]

    def difference(function, where, axis, weights=first, order=1):
        values = [w * function(shifted(where, axis, k)) for k, w in zip(range(-3, 4), weights, strict=True) if w]
        return sum(values) / steps[axis] ** order

    velocity = lambda where: flow(*where.T)[:2]
    vorticity = lambda where: difference(velocity, where, 0)[1] - difference(velocity, where, 1)[0]
    u, v = velocity(points)
    rate, slope_x, slope_y = (difference(vorticity, points, axis) for axis in (2, 0, 1))
    diffusion = sum(difference(vorticity, points, axis, second, 2) for axis in (0, 1))
    np.testing.assert_allclose(rate + u * slope_x + v * slope_y - 0.01 * diffusion, 0, atol=5e-3 * np.abs(rate).max())


@pytest.mark.slow
def test_the_wake_is_converged():
    used, coarser = wake.shedding(), wake.shedding(80, 144)
    points = np.random.default_rng(0).uniform([1, -2, 0], [8, 2, 6], (500, 3)).T
    for values, expected in zip(coarser(*points), used(*points), strict=True):
        assert relative(values, expected) <= 2e-4
