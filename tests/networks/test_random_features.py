"""Random features that depend on few coordinates."""

from itertools import combinations

import numpy as np
import pytest

from pinnkit import Box, SineFeatures
from pinnkit._base.errors import InputError

pytestmark = pytest.mark.usefixtures("x64")

BOX = Box(x=(0.0, 1.0), y=(0.0, 1.0), z=(0.0, 1.0), t=(0.0, 1.0))


@pytest.mark.parametrize("interactions", [1, 2, 3])
def test_sines_depend_on_the_number_of_coordinates_that_is_given(interactions):
    features = SineFeatures(BOX, 1, 120, 5.0, interactions=interactions)
    sets = [frozenset(np.flatnonzero(row).tolist()) for row in np.asarray(features.frequency)]
    expected = [frozenset(chosen) for chosen in combinations(range(4), interactions)]
    assert {sets.count(chosen) for chosen in expected} == {120 // len(expected)}  # and so there are no others


def test_sines_that_depend_on_few_coordinates_keep_periods():
    features = SineFeatures(BOX, 1, 60, 9.0, interactions=2, periodic=("x",))
    np.testing.assert_allclose(features.frequency[:, 0] / np.pi, np.round(features.frequency[:, 0] / np.pi), atol=1e-12)


@pytest.mark.parametrize("interactions", [0, 5])
def test_no_sine_depends_on_more_coordinates_than_there_are(interactions):
    with pytest.raises(InputError, match=f"`interactions` is a number of coordinates, 1 to 4, got {interactions}"):
        SineFeatures(BOX, interactions=interactions)


@pytest.mark.parametrize("interactions", [1.5, True, "two"])
def test_a_number_of_coordinates_is_whole(interactions):
    with pytest.raises((InputError, TypeError), match="interactions"):
        SineFeatures(BOX, interactions=interactions)
