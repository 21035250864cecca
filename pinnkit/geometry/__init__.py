"""Domains with named coordinates, their regions, and sets of points."""

from .box import Box as Box
from .box import Interval as Interval
from .point_set import PointSet as PointSet
from .points import Points as Points
from .region import AbstractRegion as AbstractRegion
