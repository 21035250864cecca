"""Solids where a function is negative: points on their surfaces are exact, the rest is that of a fine mesh."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import chi2

from pinnkit import Condition, Implicit, InputError, Mesh, Problem, QuasiRandom, fit, laplacian

WIDE = dict.fromkeys("xyz", (-1.6, 1.6))
ball = Implicit(lambda x, y, z: x**2 + y**2 + z**2 - 1, **WIDE)
ring = Implicit(lambda x, y, z: (jnp.sqrt(x**2 + y**2) - 1) ** 2 + z**2 - 0.16, **WIDE)


def on(region, count=2000):
    return region.placed(QuasiRandom().layout(region, count, 0))


def test_points_lie_on_the_surface_with_its_normals():
    x, normals = on(ball.boundary("level"))
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), 1.0, rtol=1e-15)
    np.testing.assert_allclose(normals, x, atol=1e-15)
    with jax.enable_x64(True):
        region = ring.boundary()
        x = np.asarray(
            jax.jit(lambda unit: region.points(unit))(jnp.asarray(QuasiRandom().layout(region, 500, 0))).coordinates
        )
    np.testing.assert_allclose(np.hypot(np.hypot(x[:, 0], x[:, 1]) - 1, x[:, 2]), 0.4, rtol=1e-14)


def test_measures_are_those_of_a_fine_mesh():
    assert ball.parts == {"level": pytest.approx(4 * np.pi, rel=3e-3)}
    np.testing.assert_allclose(ball.measure, 4 / 3 * np.pi, rtol=5e-3)
    np.testing.assert_allclose(ring.measure, 2 * np.pi**2 * 0.16, rtol=2e-2)


def test_points_are_uniform_on_the_surface():
    """Of a sphere, heights and angles are."""
    x, _ = on(ball.boundary(), 8000)
    heights, angles = (x[:, 2] + 1) / 2, np.arctan2(x[:, 1], x[:, 0]) / (2 * np.pi) + 0.5
    counts = np.histogram2d(heights, angles, bins=10, range=[(0, 1), (0, 1)])[0].ravel()
    assert ((counts - 80) ** 2 / 80).sum() <= chi2(99).ppf(0.999)


def test_a_moved_solid_keeps_its_surface():
    moved = ball.scale(2.0).translate(x=1.0).named("skin")
    x, normals = on(moved.boundary("skin"), 100)
    np.testing.assert_allclose(np.linalg.norm(x - [1, 0, 0], axis=1), 2.0, rtol=1e-14)
    np.testing.assert_allclose(normals, (x - [1, 0, 0]) / 2, atol=1e-14)


def test_inside_and_distances_are_those_of_the_triangles():
    x = np.random.default_rng(0).uniform(-1.4, 1.4, (500, 3))
    distance = np.hypot(np.hypot(x[:, 0], x[:, 1]) - 1, x[:, 2]) - 0.4
    np.testing.assert_allclose(ring.signed_distance(x), distance, atol=0.02)
    clear = np.abs(distance) > 0.02
    np.testing.assert_array_equal(ring.contains(x)[clear], distance[clear] < 0)


def test_set_operations_make_a_mesh():
    half = ball & ball.translate(x=1.0)
    assert type(half) is Mesh
    np.testing.assert_allclose(half.measure, 5 * np.pi / 12, rtol=1e-2)  # a lens of two caps of height 1/2


def test_a_function_that_touches_the_bounds_is_refused():
    with pytest.raises(InputError, match="negative at the bounds"):
        Implicit(lambda x, y, z: z, **WIDE)


@pytest.mark.slow
def test_a_load_on_a_ball_is_solved():
    problem = Problem(
        "ball",
        ball,
        {
            "pde": Condition(lambda u: laplacian(u) + 6.0, on=ball.interior),
            "surface": Condition(lambda u: u, on=ball.boundary()),
        },
        reference=lambda x, y, z: 1 - x**2 - y**2 - z**2,
    )
    assert fit(problem, budget=60).summary.relative_l2["u"] <= 1e-9
