"""Half of the points inside a domain with round holes are in rings around them."""

import numpy as np
import pytest
from scipy.stats import kstest

from pinnkit import Box, Disk, QuasiRandom
from pinnkit.geometry.around_holes import SHARE, AroundRoundHoles

plate = (
    Box(x=(-1.0, 1.0), y=(-1.0, 1.0)) - Disk(0.1, x=-0.5, y=0.0).named("one") - Disk(0.2, x=0.3, y=0.0).named("other")
)


@pytest.fixture(scope="module")
def region():
    return AroundRoundHoles(plate.interior, plate, plate.holes)


def test_rings_end_where_something_else_begins(region):
    (one, inner, outer), (other, *radii) = sorted(region.rings)
    assert (one, other) == ((-0.5, 0.0), (0.3, 0.0))
    np.testing.assert_allclose([inner, outer], [0.1, 0.98 * 0.5], rtol=1e-4)  # to the side x = −1
    np.testing.assert_allclose(radii, [0.2, 0.98 * 0.7], rtol=1e-4)  # to the other hole, and to the side x = 1


def test_all_points_lie_inside_and_half_of_them_in_the_rings(region):
    n = 4000
    x = np.asarray(region.points(np.asarray(QuasiRandom().layout(region, n, 0))).coordinates)
    assert len(x) == n and plate.contains(x).all()
    assert sum(region.parts(n)) == n and sum(region.parts(n)[-2:]) == SHARE * n
    near = x[-int(SHARE * n / 2) :]
    radius = np.linalg.norm(near - np.array(region.rings[-1][0]), axis=1)
    _, inner, outer = region.rings[-1]
    assert kstest(np.log(radius / inner) / np.log(outer / inner), "uniform").pvalue > 1e-3
