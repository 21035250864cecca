"""Shapes and boxes over time and parameters."""

import jax.numpy as jnp
import numpy as np
import pytest

from pinnkit import Box, Condition, Disk, Problem, ProblemError, QuasiRandom, div, grad, laplacian
from pinnkit.equations.exact.ansatz import find_ansatz

pytestmark = pytest.mark.usefixtures("x64")

DISK = Disk(1.0)
HEATED = DISK.over(t=(0.0, 0.5), parameters={"k": (1.0, 3.0)})


def points(region, n=64):
    return region.points(jnp.asarray(QuasiRandom().layout(region, n, 0)))


def test_space_leaves_out_time_and_parameters():
    assert HEATED.coordinates == ("x", "y", "t", "k") and HEATED.space == ("x", "y")
    box = Box(x=(0.0, 1.0), t=(0.0, 1.0)).over(parameters={"nu": (0.1, 0.2)})
    assert box.space == ("x",) and box.parameters == ("nu",)
    assert {axis for axis, _ in box.boundary().faces} == {0}
    assert box.over(t2=(0.0, 1.0)).parameters == ("nu",)


def test_operators_leave_out_parameters():
    box = Box(x=(0.0, 1.0), y=(0.0, 1.0)).over(parameters={"k": (1.0, 2.0)})
    residual = lambda u, k: [laplacian(u) - k, div([u, u]), *grad(u)]
    problem = Problem("p", box, {"pde": Condition(residual, on=box.interior)})
    orders = {symbol.orders for symbol in problem.equation("pde").symbols if symbol.kind == "field"}
    assert orders == {(2, 0, 0), (0, 2, 0), (1, 0, 0), (0, 1, 0)} and problem.equation("pde").size == 4


def test_regions_of_a_product():
    inside, around, start = HEATED.interior, HEATED.boundary("circle"), HEATED.start()
    assert [r.dimension for r in (inside, around, start, HEATED.end())] == [4, 3, 3, 3]
    x = np.asarray(points(inside).coordinates)
    assert HEATED.contains(x).all() and (np.hypot(*x.T[:2]) < 1).all()
    assert np.ptp(x[:, 2]) > 0.4 and np.ptp(x[:, 3]) > 1.5
    found = points(around)
    np.testing.assert_allclose(np.hypot(*np.asarray(found.coordinates).T[:2]), 1.0, rtol=1e-15)
    np.testing.assert_allclose(found.normals[:, :2], found.coordinates[:, :2], rtol=1e-14)
    np.testing.assert_array_equal(found.normals[:, 2:], 0.0)
    for region, time, sign in ((start, 0.0, -1.0), (HEATED.end(), 0.5, 1.0)):
        found = points(region)
        np.testing.assert_array_equal(found.coordinates[:, 2], time)
        np.testing.assert_array_equal(found.normals, np.tile([0.0, 0.0, sign, 0.0], (64, 1)))


def test_measures_have_time_as_a_factor():
    np.testing.assert_allclose([HEATED.measure, HEATED.parts["circle"]], [np.pi, 2 * np.pi], rtol=1e-12)


def test_initial_values_are_built_in():
    domain = DISK.over(t=(0.0, 1.0))
    conditions = {
        "pde": Condition(lambda u: u.t - laplacian(u), on=domain.interior),
        "rim": Condition(lambda u: u, on=domain.boundary()),
        "initial": Condition(lambda u, x: u - x, on=domain.start()),
    }
    assert find_ansatz(Problem("p", domain, conditions)).conditions == ("initial",)


def test_evaluation_points_lie_inside():
    for domain in (HEATED, DISK.over(t=(0.0, 1.0))):
        found = domain.evaluation()
        assert domain.contains(found.points).all() and 5000 < len(found.points) < 20_000
    assert len(found.points) == np.prod(found.shape) and found.triangles.max() < found.shape[0]


def test_points_outside_a_shape_are_refused():
    from pinnkit import PointSet

    data = PointSet({"x": [0.0, 0.9], "y": [0.0, 0.9]}, seen=[1.0, 2.0])
    with pytest.raises(ProblemError, match=r"1 point\(s\) outside the domain, the first at x = 0.9, y = 0.9"):
        Problem("p", DISK, {"data": Condition(lambda u, seen: u - seen, on=data)})


REFUSED = {
    "a further coordinate in space": (lambda: DISK.over(z=(0.0, 1.0)), "extended by time"),
    "nothing": (lambda: DISK.over(), "give time or parameters"),
    "twice": (lambda: DISK.over(parameters={"x": (0.0, 1.0)}), r"\['x'\].* given twice"),
    "twice in a box": (lambda: Box(x=(0.0, 1.0)).over(x=(0.0, 1.0)), r"\['x'\].* given twice"),
    "descending bounds": (lambda: DISK.over(t=(1.0, 0.0)), "must ascend"),
    "no time": (lambda: DISK.over(parameters={"k": (0.0, 1.0)}).start(), "no ends in 't'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_invalid_products_are_refused(name):
    declare, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        declare()
