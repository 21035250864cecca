"""Points of a time window: the products of moments and places.

The sines of a window are nearly products of functions of time and of space (see `lattice`). On products of points their
sums of squares are nearly integrals. On scattered points they are not, unless these are many: fast waves then take part
in the residual of slow ones, and errors grow from window to window.
"""

import numpy as np
from jaxtyping import Float

from ...geometry.domain import TIME_NAMES
from ...geometry.region import AbstractRegion
from ...samplers.space_filling import QuasiRandom

MOMENTS = 13
"""Moments of a window, for nine functions of time."""


class MomentsAndPlaces(QuasiRandom):
    """Gauss points in time; in space Gauss points, equal distances along a period, or in more dimensions Sobol points.

    Other regions than the interior get Sobol points.

    - `periodic`: names of periodic coordinates.
    """

    periodic: tuple[str, ...] = ()

    def layout(self, region: AbstractRegion, n: int, seed: int) -> Float[np.ndarray, "n k"]:
        names = region.coordinates
        if region.dimension < len(names):
            return super().layout(region, n, seed)
        axis = next(i for i, name in enumerate(names) if name in TIME_NAMES)
        space = [name for name in names if name not in TIME_NAMES]
        moments = _gauss(n if not space else min(MOMENTS, n))
        places = self._places(space, max(n // len(moments), 1), seed)
        unit = np.repeat(places, len(moments), axis=0)
        return np.insert(unit, axis, np.tile(moments, len(places)), axis=1)

    def _places(self, space: list[str], n: int, seed: int) -> Float[np.ndarray, "n k"]:
        if not space:
            return np.zeros((1, 0))
        if len(space) == 1:
            return ((np.arange(n) + 0.5) / n if space[0] in self.periodic else _gauss(n))[:, None]
        from scipy.stats import qmc  # slow to import

        sequence = qmc.Sobol(len(space), rng=np.random.default_rng(seed))
        return sequence.random_base2((n - 1).bit_length())[:n]


def _gauss(n: int) -> Float[np.ndarray, " n"]:
    return (np.polynomial.legendre.leggauss(n)[0] + 1) / 2
