"""Pictures of domains: points inside and on every part."""

import numpy as np
import pytest

import pinnkit
from pinnkit import Box, Cone, Disk, InputError, Interval, Polygon
from pinnkit.geometry.region import SLACK

BRACKET = (Polygon([(0, 0), (2, 0), (2, 1), (0, 1)]) - Disk(radius=0.3, x=1.0, y=0.5)).extrude(z=(0.0, 0.2))


@pytest.mark.parametrize(
    ("domain", "panels"),
    [
        (Interval(x=(0.0, 2.0)), 1),
        (Box(x=(0.0, 1.0), y=(0.0, 1.0)) - Disk(radius=0.2, x=0.5, y=0.5).named("hole"), 1),
        (Cone(radii=(1.0, 0.4), z=(0.0, 1.5)), 4),
        (BRACKET, 4),
        (Disk(radius=1.0).over(t=(0.0, 1.0)), 3),
    ],
    ids=["interval", "hole", "cone", "flat solid", "over time"],
)
def test_points_of_each_part_lie_on_it(domain, panels, tmp_path):
    picture = pinnkit.draw(domain, points=200)
    assert len(picture.figure.axes) == panels
    names, x = picture.data["set"], np.column_stack([picture.data[name] for name in domain.coordinates])
    assert set(names) == {"inside", *domain.parts}
    assert (names == "inside").sum() == 200
    distance = domain.signed_distance(x)
    on_boundary = np.abs(distance) <= SLACK * (domain.upper - domain.lower).max()
    np.testing.assert_array_equal(on_boundary, names != "inside")
    assert picture.save(tmp_path / "points.png").stat().st_size > 1000  # and no layout fails with a warning


def test_the_number_of_points_is_a_whole_number():
    with pytest.raises(InputError, match="`points`"):
        pinnkit.draw(Disk(radius=1.0), points=0)
