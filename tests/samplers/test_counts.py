"""The number of points of each condition, and how boundaries of thin shapes are weighted."""

import numpy as np
import pytest

from pinnkit import Ball, Box, Condition, Disk, Mesh, Problem, dirichlet, laplacian
from pinnkit.automatic.random_features.solver import _smoothest
from pinnkit.samplers.counts import counts_of_rows, point_counts
from tests.geometry.meshes import block

ROWS = 4000


def problem_on(domain):
    interior = Condition(lambda u: laplacian(u), on=domain.interior)
    return Problem("p", domain, {"pde": interior, "wall": dirichlet(domain.boundary())})


def area(domain):
    return sum(domain.parts.values())


@pytest.mark.parametrize(
    "domain",
    [Ball(radius=2.0), Mesh(*block(high=(1.0, 1.0, 0.1))), Disk(radius=1.0) - Disk(radius=0.95, x=0.0, y=0.0)],
    ids=["ball", "sheet", "thin ring"],
)
def test_points_on_the_boundary_are_as_dense_as_those_inside(domain):
    counts = counts_of_rows(problem_on(domain), ROWS)
    spacing = (domain.measure / counts["pde"]) ** (1 / domain.dimension)
    even = area(domain) / spacing ** (domain.dimension - 1)
    assert counts["pde"] == ROWS
    assert counts["wall"] == pytest.approx(min(max(even, ROWS / 8), ROWS), rel=1e-3)


def test_faces_of_boxes_have_an_eighth():
    problem = problem_on(Box(x=(0.0, 1.0), y=(0.0, 1.0)))
    assert counts_of_rows(problem, ROWS) == point_counts(problem, ROWS) == {"pde": ROWS, "wall": ROWS // 8}


def test_the_smoothest_functions_of_a_thin_shape_vary_over_its_inradius():
    assert _smoothest(Box(x=(0.0, 9.0), y=(0.0, 1.0))) == (1.0, 1.0)
    np.testing.assert_allclose(_smoothest(Disk(radius=3.0)), 1.0, rtol=0.05)
    ring = Disk(radius=1.0) - Disk(radius=0.8, x=0.0, y=0.0)
    np.testing.assert_allclose(_smoothest(ring), 10.0, rtol=0.05)
    sheet = Mesh(*block(high=(1.0, 1.0, 0.1)))
    np.testing.assert_allclose(_smoothest(sheet), [10.0, 10.0, 1.0], rtol=0.05)
    np.testing.assert_allclose(_smoothest(ring.over(t=(0.0, 5.0))), [10.0, 10.0, 1.0], rtol=0.05)
