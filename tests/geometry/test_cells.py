"""Quadrature on shapes against areas, moments and the divergence theorem."""

import numpy as np
import pytest

from pinnkit import Annulus, Box, Disk, Ellipse, InputError, Polygon, Sector
from pinnkit.geometry.fiber_cells import FiberCell

PLATE = Box(x=(-1.0, 1.0), y=(-0.5, 0.5)) - Disk(radius=0.2, x=0.3, y=0.1).named("hole")
SHAPES = {
    "disk": Disk(radius=1.3, x=0.2, y=-0.1),
    "ellipse": Ellipse(radii=(2.0, 0.5)).rotate(0.4),
    "annulus": Annulus(inner=0.5, outer=1.0),
    "sector": Sector(radius=1.0, angles=(0.3, 4.9)),
    "polygon": Polygon(
        [(0, 0), (2, 0.3), (1.7, 1.5), (0.9, 0.8), (-0.3, 1.9)], holes=[[(0.5, 0.3), (0.9, 0.4), (0.6, 0.6)]]
    ),
    "plate": PLATE,
    "tiny hole": Disk(radius=1.0) - Disk(radius=1e-4, x=0.123, y=0.3),
    "lens": Disk(radius=1.0) & Disk(radius=1.0, x=1.1, y=0.2),
    "overlap": Box(x=(0.0, 1.0), y=(0.0, 1.0)) | Box(x=(0.5, 2.0), y=(-1.0, 0.5)),
    "two": Disk(radius=0.4, x=-1.0, y=0.0) | Disk(radius=0.3, x=1.0, y=0.1),
}


def integral(cells, function, count=32):
    rules = [cell.rule(count) for cell in cells]
    return sum(rule.weights @ function(rule) for rule in rules)


@pytest.mark.parametrize("name", SHAPES)
def test_areas_and_the_divergence_theorem(name):
    """∫ div F = ∮ F·n with F = (e^x sin y, x cos 2y), and ∫ 1 is the area."""
    shape = SHAPES[name]
    inside, around = shape.interior.quadrature_cells, shape.boundary().quadrature_cells
    np.testing.assert_allclose(integral(inside, lambda rule: np.ones(len(rule.weights))), shape.measure, rtol=1e-12)
    divergence = lambda rule: (
        np.exp(rule.points[:, 0]) * np.sin(rule.points[:, 1]) - 2 * rule.points[:, 0] * np.sin(2 * rule.points[:, 1])
    )
    field = lambda x, y: np.stack([np.exp(x) * np.sin(y), x * np.cos(2 * y)], axis=1)
    flux = integral(around, lambda rule: (field(*rule.points.T) * rule.normals).sum(axis=1))
    np.testing.assert_allclose(integral(inside, divergence), flux, rtol=1e-11, atol=1e-12)
    assert all(shape.contains(cell.rule(8).points).all() for cell in inside)


def test_parts_of_a_boundary_are_integrated_alone():
    hole = PLATE.boundary("hole").quadrature_cells
    np.testing.assert_allclose(
        integral(hole, lambda rule: rule.points[:, 0] ** 2), 0.4 * np.pi * (0.09 + 0.02), rtol=1e-12
    )
    np.testing.assert_allclose(
        integral(hole, lambda rule: rule.normals[:, 0] * rule.points[:, 0]), -0.04 * np.pi, rtol=1e-12
    )


def test_an_edge_that_two_boxes_share_is_inside():
    joined = Box(x=(0.0, 1.0), y=(0.0, 1.0)) | Box(x=(1.0, 2.0), y=(-1.0, 0.5))
    moment = integral(joined.interior.quadrature_cells, lambda rule: rule.points[:, 0] * rule.points[:, 1])
    np.testing.assert_allclose(moment, 1 / 4 - 1.5 * 0.375, rtol=1e-11)


@pytest.mark.slow
def test_solids_are_integrated_plane_by_plane():
    cube, bite = Box(x=(0.0, 2.0), y=(0.0, 1.0), z=(0.0, 1.0)), Box(x=(0.5, 1.0), y=(0.5, 1.0), z=(0.2, 0.6))
    cell = FiberCell(cube.solid.combined("-", bite.solid))
    np.testing.assert_allclose(integral([cell], lambda rule: np.ones(len(rule.weights)), 8), 2.0 - 0.1, rtol=1e-12)
    moment = integral([cell], lambda rule: rule.points[:, 0] * rule.points[:, 2] ** 2, 8)
    np.testing.assert_allclose(moment, 2 / 3 - 0.375 * 0.5 * (0.6**3 - 0.2**3) / 3, rtol=1e-12)


def test_time_is_a_factor_and_can_be_fixed():
    heated = Disk(radius=1.0).over(t=(0.0, 2.0), parameters={"k": (1.0, 3.0)})
    (inside,), (rim,), (start,) = (
        heated.interior.quadrature_cells,
        heated.boundary().quadrature_cells,
        heated.start().quadrature_cells,
    )
    of_r2 = lambda rule: rule.points[:, 0] ** 2 * rule.points[:, 2] * rule.points[:, 3]
    np.testing.assert_allclose(integral([inside], of_r2, 16), np.pi / 4 * 2 * 4, rtol=1e-12)
    cut = inside.cut({2: 0.5})
    assert cut is not None and inside.cut({2: 3.0}) is None and (inside.dimension, cut.dimension) == (4, 3)
    np.testing.assert_allclose(integral([cut], of_r2, 16), np.pi / 4 * 0.5 * 4, rtol=1e-12)
    np.testing.assert_allclose(integral([rim], lambda rule: rule.normals[:, 0] ** 2, 32), np.pi * 4, rtol=1e-12)
    assert (start.rule(4).normals == [0, 0, -1, 0]).all() and start.dimension == 3
    with pytest.raises(InputError, match="fixes time and parameters only"):
        inside.cut({0: 0.5})
