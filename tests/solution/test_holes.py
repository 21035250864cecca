"""A solution on a domain with a hole: what lies in the hole is no solution, and is not shown as one."""

import warnings

import numpy as np
import pytest

import pinnkit
from pinnkit import Annulus, Condition, ExtrapolationWarning, Problem, laplacian

ring = Annulus(0.5, 1.0)


@pytest.fixture(scope="module")
def solution():
    harmonic = Problem(
        "ring",
        ring,
        {
            "pde": Condition(lambda u: laplacian(u), on=ring.interior),
            "boundary": Condition(lambda u, x, y: u - x, on=ring.boundary()),
        },
    )
    return pinnkit.fit(harmonic, strategy="adam", width=6, depth=1, steps=2, points=64)


@pytest.mark.slow
def test_a_point_in_the_hole_is_warned_of_once(solution):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        solution(x=0.7, y=0.0)
    with pytest.warns(ExtrapolationWarning, match="x = 0, y = 0"):
        solution(x=0.0, y=0.0)


@pytest.mark.slow
def test_grids_and_pictures_have_no_values_outside(solution):
    grid = solution.to_xarray(21)
    x, y = np.meshgrid(grid["x"], grid["y"], indexing="ij")
    inside = ring.contains(np.column_stack([x.ravel(), y.ravel()])).reshape(x.shape)
    assert inside.any() and not inside.all()
    np.testing.assert_array_equal(np.isnan(grid["u"].values), ~inside)
    drawn = solution.plot().data
    there = ring.contains(np.column_stack([drawn["x"], drawn["y"]]))
    np.testing.assert_array_equal(np.isnan(drawn["u"]), ~there)
