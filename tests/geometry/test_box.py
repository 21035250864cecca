"""Boxes, their parts, and sets of points."""

import jax.numpy as jnp
import numpy as np
import pytest

from pinnkit import Box, Interval, PointSet, QuasiRandom

pytestmark = pytest.mark.usefixtures("x64")

BOX = Box(x=(-1.0, 3.0), y=(0.0, 1.0), t=(0.0, 0.1))


def sample(region, n, seed=0):
    return region.points(jnp.asarray(QuasiRandom().layout(region, n, seed)))


def test_interior_points_integrate_polynomials():
    x, y, t = np.asarray(sample(BOX.interior, 4096).coordinates).T
    np.testing.assert_allclose([np.mean(x**2), np.mean(x * y), np.mean(t)], [7 / 3, 0.5, 0.05], rtol=2e-3)


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("name", ["x", "y", "t"])
def test_faces_lie_exactly_on_their_bound(name, side):
    face = BOX.upper_face(name) if side else BOX.lower_face(name)
    axis = BOX.coordinates.index(name)
    points = sample(face, 7)
    np.testing.assert_array_equal(points.coordinates[:, axis], (BOX.lower, BOX.upper)[side][axis])
    np.testing.assert_array_equal(points.normals, np.tile(np.eye(3)[axis] * (2 * side - 1), (7, 1)))


def test_boundary_satisfies_the_divergence_theorem():
    """∮ F·n = ∫ div F for F = (x², xy), with each face's share of the points as its share of the boundary."""
    box = Box(x=(0.0, 2.0), y=(0.0, 1.0))
    boundary = sample(box.boundary(), 6000)
    x, y = boundary.coordinates.T
    flux = jnp.mean(x**2 * boundary.normals[:, 0] + x * y * boundary.normals[:, 1]) * 6
    inside = sample(box.interior, 4096).coordinates
    np.testing.assert_allclose(flux, jnp.mean(3 * inside[:, 0]) * 2, rtol=5e-3)


def test_boundary_without_names_leaves_out_time():
    assert {axis for axis, _ in BOX.boundary().faces} == {0, 1}
    assert {axis for axis, _ in Box(t=(0.0, 1.0)).boundary().faces} == {0}


def test_every_face_gets_a_point_and_all_points_are_used():
    for n in range(4, 12):
        assert len(sample(BOX.boundary("x", "y"), n)) == n
        assert min(BOX.boundary("x", "y").parts(n)) >= 1


def test_boundary_of_an_interval_is_two_points():
    points = Interval(x=(0.0, 2.0)).boundary("x").points(jnp.zeros((5, 0)))
    np.testing.assert_array_equal(points.coordinates, [[0.0], [2.0]])
    np.testing.assert_array_equal(points.normals, [[-1.0], [1.0]])


def test_grid_has_the_corners():
    grid = Box(x=(0.0, 1.0), y=(2.0, 3.0)).grid(3)
    assert grid.shape == (9, 2)
    np.testing.assert_array_equal(grid[[0, -1]], [[0.0, 2.0], [1.0, 3.0]])


def test_point_set_keeps_its_values():
    points = PointSet({"x": [0.0, 1.0], "t": 0.5}, u_measured=np.array([[3.0], [4.0]])).points(jnp.zeros((2, 0)))
    np.testing.assert_array_equal(points.coordinates, [[0.0, 0.5], [1.0, 0.5]])
    np.testing.assert_array_equal(points.columns["u_measured"], [3.0, 4.0])


REFUSED = {
    "reversed": (lambda: Box(x=(1.0, 0.0)), r"ascend, got \(1, 0\)"),
    "empty interval": (lambda: Box(x=(1.0, 1.0)), "empty interval"),
    "infinite": (lambda: Box(x=(0.0, np.inf)), "finite"),
    "three bounds": (lambda: Box(x=(0.0, 1.0, 2.0)), "two numbers"),
    "text": (lambda: Box(x="ab"), "two numbers"),
    "no coordinate": (lambda: Box(), "at least one"),
    "reserved name": (lambda: Box(normal=(0.0, 1.0)), "cannot be called"),
    "two coordinates in an interval": (lambda: Interval(x=(0.0, 1.0), y=(0.0, 1.0)), "`Box` takes several"),
    "unknown face": (lambda: BOX.boundary("z"), "no coordinate 'z'.*'x', 'y', 't'"),
    "no time": (lambda: Box(x=(0.0, 1.0)).start(), "no coordinate 't'"),
    "lengths": (lambda: PointSet({"x": [0.0, 1.0], "t": [0.0]}, u=[1.0, 2.0, 3.0]), "one length"),
    "not finite": (lambda: PointSet({"x": [np.nan]}), "1 value.* not finite"),
    "empty": (lambda: PointSet({"x": []}), "non-empty"),
    "not numbers": (lambda: PointSet({"x": ["a"]}), "must hold numbers"),
    "twice": (lambda: PointSet({"x": [0.0]}, x=[1.0]), "both as coordinates"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_meant_is_refused(name):
    declare, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        declare()
