"""Domains with named coordinates."""

import abc

import numpy as np
from jaxtyping import Float

from .region import AbstractRegion, Bounds

TIME_NAMES = ("t", "time")
"""A coordinate with one of these names is time; its ends are not part of the boundary in space."""


class AbstractDomain(abc.ABC):
    """A domain with named coordinates.

    - `coordinates`: their names, in the order of the inputs of a model;
    - `lower`, `upper`: the corners of the smallest box around the domain, of shape `(d,)`.
    """

    coordinates: tuple[str, ...]
    lower: Float[np.ndarray, " d"]
    upper: Float[np.ndarray, " d"]

    @property
    def dimension(self) -> int:
        return len(self.coordinates)

    @property
    def bounds(self) -> Bounds:
        """The lower and the upper bounds of the coordinates."""
        return self.lower, self.upper

    @property
    def space(self) -> tuple[str, ...]:
        """The coordinates that are not time."""
        return tuple(name for name in self.coordinates if name not in TIME_NAMES)

    @property
    @abc.abstractmethod
    def interior(self) -> AbstractRegion:
        """The domain without its boundary."""

    @abc.abstractmethod
    def boundary(self, *names: str) -> AbstractRegion:
        """The boundary in space, or its parts with the given names."""
