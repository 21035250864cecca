"""Corners: where the direction of a boundary jumps, and the angles inside."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pinnkit import Box, Disk, Polygon, Sector

from .shapes import SQUARE, L


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(3, 9))
def test_angles_of_a_polygon_add_up(seed, count):
    random = np.random.default_rng(seed)
    angles = (np.arange(count) + random.uniform(0.1, 0.9, count)) * 2 * np.pi / count
    radii = random.uniform(0.5, 1.5, count)
    shape = Polygon(list(zip(radii * np.cos(angles), radii * np.sin(angles), strict=True)))
    openings = [corner.opening for corner in shape.corners]
    np.testing.assert_allclose(sum(openings), (count - 2) * np.pi, rtol=1e-12)
    for corner in shape.corners:
        step = 1e-6 * np.array([np.cos(corner.bisector), np.sin(corner.bisector)])
        assert shape.contains([corner.vertex + step]) and not shape.contains([corner.vertex - step])


def test_the_reentrant_corner_of_an_l_moves_with_it():
    moved = Polygon(L).rotate(0.4).scale(2.0).translate(y=1.0)
    (corner,) = [corner for corner in moved.corners if corner.is_reentrant]
    c, s = np.cos(0.4), np.sin(0.4)
    np.testing.assert_allclose(corner.vertex, [2 * (c - s), 2 * (c + s) + 1], rtol=1e-14)
    np.testing.assert_allclose([corner.opening, corner.bisector], [1.5 * np.pi, 1.25 * np.pi + 0.4], rtol=1e-14)
    assert len(moved.corners) == 6 and moved.over(t=(0.0, 1.0)).corners == moved.corners


def test_curves_have_corners_where_they_cross_only():
    sector = Sector(1.0, (0.3, 4.7))
    assert sorted(round(corner.opening, 12) for corner in sector.corners) == [round(np.pi / 2, 12)] * 2 + [4.4]
    union = Disk(1.0) | Disk(1.0, x=1.0, y=0.0)
    np.testing.assert_allclose([corner.opening for corner in union.corners], 2 * [4 * np.pi / 3], rtol=1e-13)
    assert Disk(1.0).corners == (Disk(1.0) - Disk(0.2)).corners == ()
    assert Box(x=(0.0, 1.0), y=(0.0, 1.0)).corners == ()  # its conditions are hard constraints


def test_the_distance_to_the_domain_behind_a_corner():
    framed = SQUARE - Box(x=(-0.2, 0.2), y=(-0.2, 0.2))
    behind = [corner.behind for corner in framed.corners if corner.is_reentrant]
    np.testing.assert_allclose(behind, 4 * [0.4 * np.sqrt(2)], rtol=1e-3)
    assert all(np.isinf(corner.behind) for corner in Polygon(L).corners)


@pytest.mark.parametrize("part", ["outer", "hole"])
def test_a_part_ends_where_another_one_begins(part):
    shape = Polygon([(0, 0), (1, 0), (1, 1), (0, 1)], names=["hole", "outer", "outer", "outer"])
    ends = shape.boundary(part).curve_ends
    assert {"outer": 6, "hole": 2}[part] == len(ends)
    assert all(end.is_straight for end in ends) and not any(
        e.is_straight for e in Sector(1.0, (0, 1)).boundary("arc").curve_ends
    )
