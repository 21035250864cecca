"""The ladders on which bandwidths are searched."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .bandwidth import Bandwidth


@dataclass(frozen=True)
class Ladders:
    """Bandwidths to try, in radians per half width of the domain.

    - `rungs`, `periodic_rungs`: along coordinates that are not, and that are periodic;
    - `margin`: first bandwidth over the highest frequency of the residual.
    """

    rungs: tuple[float, ...] = tuple(1.5 * 2**k for k in range(11))
    periodic_rungs: tuple[float, ...] = tuple(math.pi * 2**k for k in range(10))
    margin: float = 1.25

    def start(self, frequencies: Sequence[float], periodic: Sequence[bool]) -> Bandwidth:
        """Where a search starts for a residual with these highest frequencies."""
        pairs = zip(frequencies, periodic, strict=True)
        return tuple(rounded(max(self.margin * s, self.rungs[0]), is_periodic) for s, is_periodic in pairs)

    def through(self, start: Bandwidth, periodic: Sequence[bool]) -> list[list[float]]:
        """A ladder for each coordinate, with the rung of `start` among the others."""
        pairs = zip(start, periodic, strict=True)
        return [sorted({*(self.periodic_rungs if is_periodic else self.rungs), s}) for s, is_periodic in pairs]


def rounded(s: float, periodic: bool) -> float:
    """A bandwidth; along a periodic coordinate, the next multiple of the base frequency."""
    return math.pi * math.ceil(s / math.pi) if periodic else s
