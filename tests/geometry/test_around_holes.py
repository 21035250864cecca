"""Half of the points inside a domain with round holes are in rings around them."""

import numpy as np
import pytest
from scipy.stats import kstest

from pinnkit import Box, Disk, QuasiRandom
from pinnkit.geometry.around_holes import AroundRoundHoles, around_holes
from pinnkit.geometry.denser import DENSE

plate = (
    Box(x=(-1.0, 1.0), y=(-1.0, 1.0)) - Disk(0.1, x=-0.5, y=0.0).named("one") - Disk(0.2, x=0.3, y=0.0).named("other")
)


@pytest.fixture(scope="module")
def region():
    return around_holes(plate.interior, plate, plate.holes)


def test_rings_end_where_something_else_begins(region):
    (one, inner, outer), (other, *radii) = sorted(region.places)
    assert (one, other) == ((-0.5, 0.0), (0.3, 0.0))
    np.testing.assert_allclose([inner, outer], [0.1, 0.98 * 0.5], rtol=1e-4)  # to the side x = −1
    np.testing.assert_allclose(radii, [0.2, 0.98 * 0.7], rtol=1e-4)  # to the other hole, and to the side x = 1


def test_all_points_lie_inside_and_half_of_them_in_the_rings(region):
    n = 4000
    x = np.asarray(region.points(np.asarray(QuasiRandom().layout(region, n, 0))).coordinates)
    assert len(x) == n and plate.contains(x).all()
    assert sum(region.parts(n)) == n and sum(region.parts(n)[-2:]) == DENSE * n
    center, inner, outer = region.places[-1]
    radius = np.linalg.norm(x[-int(DENSE * n / 2) :] - np.array(center), axis=1)
    assert kstest(np.log(radius / inner) / np.log(outer / inner), "uniform").pvalue > 1e-3


def build(radius=0.1):
    return Box(x=(-1.0, 1.0), y=(-1.0, 1.0)) - Disk(radius)


@pytest.mark.slow
def test_only_the_interior_itself_has_more_points():
    domain, other = build(), build(0.3)  # of the same bounds
    assert isinstance(around_holes(build().interior, domain, domain.holes), AroundRoundHoles)
    for region in (other.interior, domain.boundary()):
        assert around_holes(region, domain, domain.holes) is region


def test_a_ring_without_width_is_left_out():
    close = Box(x=(-1.0, 1.0), y=(-1.0, 1.0)) - Disk(0.99)
    assert around_holes(close.interior, close, close.holes) is close.interior
