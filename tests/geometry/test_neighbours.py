"""The boundary that two domains share, and regions of some of the coordinates."""

import jax.numpy as jnp
import numpy as np
import pytest

from pinnkit import Annulus, Box, Disk, InputError, Interval, Mesh, PointCloud, PointSet, Polygon, Sector
from pinnkit.geometry.embedded import Embedded

SQUARE = Box(x=(-1.0, 1.0), y=(-1.0, 1.0))
DISK = Disk(radius=0.5)
TIME = {"t": (0.0, 2.0)}


def points_of(region, count=64):
    return region.points(jnp.asarray(np.random.default_rng(0).random((count, region.dimension))))


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(
    ("one", "other", "measure"),
    [
        (DISK, SQUARE - DISK, np.pi),
        (SQUARE - DISK, DISK, np.pi),
        (Annulus(inner=0.25, outer=0.5), DISK.scale(2.0) - DISK, np.pi),
        (Box(x=(0.0, 1.0), y=(0.0, 1.0)) - Disk(radius=0.1, x=0.5, y=0.5), Box(x=(1.0, 2.0), y=(0.5, 3.0)), 0.5),
        (Box(x=(1.0, 2.0), y=(0.5, 3.0)), Polygon([(0, 0), (1, 0), (1, 1)]), 0.5),
        (Sector(radius=1.0, angles=(0.0, 1.0)), Sector(radius=1.0, angles=(1.0, 2.0)), 1.0),
    ],
)
def test_shapes_share_the_boundary_on_which_both_end(one, other, measure):
    shared = one.boundary(other)
    assert sum(shared.measures) == pytest.approx(measure, rel=1e-7)
    found = points_of(shared)
    x, step = np.asarray(found.coordinates), 1e-4 * np.asarray(found.normals)
    assert np.abs(one.signed_distance(x)).max() < 1e-8 and np.abs(other.signed_distance(x)).max() < 1e-8
    assert (other.signed_distance(x + step) < 0).mean() > 0.95  # outward from one is into the other, but at ends
    assert (one.signed_distance(x - step) < 0).mean() > 0.95


@pytest.mark.usefixtures("x64")
def test_boxes_share_a_face_or_a_part_of_it():
    left, right = Interval(x=(0.0, 0.6)), Interval(x=(0.6, 1.0))
    found = points_of(left.boundary(right))
    assert found.coordinates.tolist() == [[0.6]] and found.normals.tolist() == [[1.0]]
    assert points_of(right.boundary(left)).normals.tolist() == [[-1.0]]
    low, high = Box(x=(0.0, 1.0), y=(0.0, 1.0), t=(0.0, 2.0)), Box(x=(0.5, 3.0), y=(1.0, 2.0), t=(0.0, 2.0))
    shared = low.boundary(high)
    assert [bound.tolist() for bound in shared.bounds] == [[0.5, 1.0, 0.0], [1.0, 1.0, 2.0]]
    assert np.array_equal(points_of(shared).normals, np.tile([0.0, 1.0, 0.0], (64, 1)))
    assert low.boundary(Box(x=(0.0, 1.0), y=(1.0, 2.0), t=(0.0, 2.0))).faces_of(low.bounds) is not None


@pytest.mark.usefixtures("x64")
def test_shapes_in_time_share_a_boundary_at_all_times():
    shared = DISK.over(**TIME).boundary((SQUARE - DISK).over(**TIME))
    x = np.asarray(points_of(shared).coordinates)
    assert np.abs(np.hypot(x[:, 0], x[:, 1]) - 0.5).max() < 1e-12 and np.ptp(x[:, 2]) > 1.5
    box = Box(x=(0.5, 1.0), y=(-1.0, 1.0)).over(**TIME)
    half = (Box(x=(0.0, 0.5), y=(-1.0, 1.0)) - Disk(radius=0.1, x=0.25, y=0.0)).over(**TIME)
    assert np.array_equal(points_of(box.boundary(half)).normals, np.tile([-1.0, 0.0, 0.0], (64, 1)))
    assert np.array_equal(points_of(half.boundary(box)).normals, np.tile([1.0, 0.0, 0.0], (64, 1)))


@pytest.mark.parametrize(
    ("one", "other", "message"),
    [
        (Interval(x=(0.0, 0.5)), Interval(x=(0.6, 1.0)), "have no boundary in common$"),
        (Interval(x=(0.0, 0.7)), Interval(x=(0.6, 1.0)), "no boundary in common; they overlap"),
        (Box(x=(0.0, 1.0), y=(0.0, 1.0)), Box(x=(1.0, 2.0), y=(1.0, 2.0)), "have no boundary in common$"),
        (DISK, SQUARE, r"Disk\(radius=0.5\) and Box.* have no boundary in common"),
        (DISK, Disk(radius=0.5, u=0.0, v=0.0), "have different coordinates"),
        (Interval(x=(0.0, 0.5)), Interval(y=(0.5, 1.0)), "have different coordinates"),
        (DISK.over(t=(0.0, 1.0)), (SQUARE - DISK).over(t=(0.0, 2.0)), "do not have the same times and parameters"),
    ],
)
def test_domains_without_a_boundary_in_common_are_refused(one, other, message):
    with pytest.raises(InputError, match=message):
        one.boundary(other)


@pytest.mark.usefixtures("x64")
def test_a_region_of_some_coordinates_has_fixed_values_of_the_others():
    time, names, at = Interval(t=(0.0, 2.0)), ("x", "t", "nu"), np.array([3.0, 9.0, 5.0])
    start = Embedded(time.start(), names, at)
    found = points_of(start)
    assert found.coordinates.tolist() == [[3.0, 0.0, 5.0]] and found.normals.tolist() == [[0.0, -1.0, 0.0]]
    (face,) = start.faces_of((np.array([0.0, 0.0, 0.0]), np.array([1.0, 2.0, 1.0])))
    assert (face.axis, face.side) == (1, 0)
    assert start.faces_of((np.zeros(3), np.array([1.0, 3.0, 1.0]))) is not None
    assert Embedded(time.end(), names, at).faces_of((np.zeros(3), np.array([1.0, 3.0, 1.0]))) is None
    whole = Embedded(time.interior, names, at)
    assert whole.dimension == 1 and np.array_equal(whole.bounds, [[3.0, 0.0, 5.0], [3.0, 2.0, 5.0]])
    seen = Embedded(PointSet({"t": [0.5, 1.0]}, s_measured=[7.0, 8.0]), names, at)
    assert seen.columns == ("s_measured",) and seen.points(jnp.zeros((2, 0))).coordinates[:, 1].tolist() == [0.5, 1.0]


@pytest.mark.usefixtures("x64")
def test_meshes_and_point_clouds_share_a_boundary():
    x, y = (axis.ravel() for axis in np.meshgrid(np.linspace(0.0, 1.0, 3), np.linspace(0.0, 1.0, 3)))
    corners = [(3 * j + i, 3 * j + i + 1, 3 * j + i + 4, 3 * j + i + 3) for j in (0, 1) for i in (0, 1)]
    cells = [triangle for a, b, c, d in corners for triangle in ((a, b, c), (a, c, d))]
    left = Mesh(np.stack([x, y], axis=-1), cells)
    right, beside = Mesh(np.stack([x + 1.0, y], axis=-1), cells), Box(x=(1.0, 2.0), y=(0.0, 1.0))
    for other in (right, beside):
        found = points_of(left.boundary(other))
        assert np.array_equal(found.coordinates[:, 0], np.ones(64)) and np.ptp(found.coordinates[:, 1]) > 0.9
        assert np.array_equal(found.normals, np.tile([1.0, 0.0], (64, 1)))
    assert sum(beside.boundary(left).measures) == pytest.approx(1.0, rel=1e-7)
    with pytest.raises(InputError, match="have no boundary in common"):
        left.boundary(Box(x=(1.5, 2.0), y=(0.0, 1.0)))
    angles = 2 * np.pi * np.arange(64) / 64
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    cloud = PointCloud(0.25 * circle, {"circle": (0.5 * circle, circle)}, measure=np.pi / 4)
    assert len(points_of(cloud.boundary(SQUARE - DISK)).coordinates) == 64
    assert np.allclose(np.linalg.norm(cloud.boundary(SQUARE - DISK).x, axis=1), 0.5, rtol=1e-12)
