"""Where conditions hold: domains with named coordinates, their parts, and sets of points."""

from .box import Box as Box
from .box import Interval as Interval
from .point_set import PointSet as PointSet
from .region import AbstractRegion as AbstractRegion
from .region import Points as Points
