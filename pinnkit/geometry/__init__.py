"""Domains with named coordinates, their regions, and sets of points."""

from typing import TYPE_CHECKING

from .._base.lazy import lazy

if TYPE_CHECKING:
    from .box import Box as Box
    from .box import Interval as Interval
    from .point_set import PointSet as PointSet
    from .points import Points as Points
    from .region import AbstractRegion as AbstractRegion

__getattr__, __dir__ = lazy(
    __name__,
    {
        "box": "Box Interval",
        "point_set": "PointSet",
        "points": "Points",
        "region": "AbstractRegion",
    },
)
