"""The straight edges of solids, at which solutions are singular."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pinnkit import Mesh
from tests.geometry.meshes import block, cube

CUBE = Mesh(*block())
NOTCHED = CUBE - Mesh(*block((0.5, 0.5, -1.0), (2.0, 2.0, 2.0)))
"""An L, extruded along z."""


def test_a_cube_has_twelve_that_point_inside():
    assert len(CUBE.creases) == 12
    for crease in CUBE.creases:
        vectors = np.array([crease.bisector, crease.turned])
        assert crease.opening == pytest.approx(np.pi / 2) and crease.behind == np.inf
        np.testing.assert_allclose(vectors @ vectors.T, np.eye(2), atol=1e-12)
        along = np.cross(*vectors)
        places = np.array(crease.vertex) + np.outer((0.5 - np.array(crease.vertex)) @ along, along)
        assert CUBE.contains(places + 0.1 * vectors[0])[0] and not CUBE.contains(places - 0.1 * vectors[0])[0]


def test_tetrahedra_and_their_surface_have_the_same():
    points, tetrahedra, _ = cube(3)
    assert len(Mesh(points, tetrahedra).creases) == 12


@pytest.mark.parametrize("turn", [np.eye(3), Rotation.from_euler("xyz", [0.3, 0.5, 0.7]).as_matrix()])
def test_the_edge_of_a_notch_is_re_entrant(turn):
    first, *others = Mesh(NOTCHED.vertices @ turn.T, NOTCHED.cells).creases
    assert first.opening == pytest.approx(1.5 * np.pi) and first.behind == np.inf
    np.testing.assert_allclose(turn.T @ first.bisector, [-(0.5**0.5), -(0.5**0.5), 0], atol=1e-9)
    np.testing.assert_allclose((turn.T @ first.vertex)[:2], [0.5, 0.5], atol=1e-9)
    assert len(others) == 17 and all(each.opening == pytest.approx(np.pi / 2) for each in others)


def test_an_edge_whose_line_goes_on_inside_is_left_out():
    corner = CUBE - Mesh(*block((0.5, 0.5, 0.5), (2.0, 2.0, 2.0)))  # of Fichera
    assert len(corner.creases) and all(crease.opening < np.pi for crease in corner.creases)


def test_behind_a_slot_is_the_other_side_of_it():
    slotted = CUBE - Mesh(*block((0.4, 0.5, -1.0), (0.6, 2.0, 2.0)))
    reentrant = [crease for crease in slotted.creases if crease.opening > np.pi]
    assert len(reentrant) == 2
    for crease in reentrant:
        assert crease.behind == pytest.approx(0.2 * 2**0.5, abs=0.01)


def test_facets_of_a_smooth_surface_are_no_edges():
    angles = 2 * np.pi * np.arange(48) / 48
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    points = np.concatenate([np.insert(ring, 2, z, axis=1) for z in (0.0, 1.0)] + [[[0, 0, 0.0], [0, 0, 1.0]]])
    i, j = np.arange(48), np.roll(np.arange(48), -1)
    walls = [np.stack(own, axis=1) for own in ((i, j, j + 48), (i, j + 48, i + 48))]
    lids = [np.stack(own, axis=1) for own in ((j, i, 0 * i + 96), (i + 48, j + 48, 0 * i + 97))]
    rims = Mesh(points, np.concatenate(walls + lids)).creases
    assert len(rims) == 48 and all(abs(own.opening - np.pi / 2) < 1e-6 for own in rims)
