r"""Stretched coordinates, in which a function with fronts and layers is smooth and few sines resolve it.

Every coordinate is mapped onto itself, ξ = (1 − Σ a_j) z + Σ a_j m_j(z), where the slope of m_j is a bump of half width
w_j around c_j: a Cauchy density, along periodic coordinates a Poisson kernel. So the share a_j of the resolution goes
to the bump, and the map is analytic in a strip of its width.

Bayliss & Turkel, *Mappings and accuracy for Chebyshev pseudo-spectral approximations*, JCP 101, 1992; Tee & Trefethen,
*A rational spectral collocation method with adaptively transformed Chebyshev grid points*, SIAM J. Sci. Comput. 28,
2006.
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._base.padding import padded
from ..geometry.reference_cube import from_symmetric, to_symmetric
from ..geometry.region import Bounds

BUMPS = 8
"""Largest number of bumps, of all coordinates together."""

SHARE = 0.6
"""Share of the resolution along a coordinate that goes to its bumps."""

_GRID = 4097


class Bump(NamedTuple):
    """A place that needs resolution: its axis, center and half width, in [-1, 1]."""

    axis: int
    center: float
    width: float

    def place(self, bounds: Bounds) -> tuple[float, float]:
        """Its center and half width as values of the coordinate."""
        lower, upper = (float(bound[self.axis]) for bound in bounds)
        return from_symmetric(self.center, (lower, upper)), self.width * (upper - lower) / 2


class Stretching(eqx.Module):
    """A monotone map of each coordinate of [-1, 1]^d onto itself.

    - `periodic`: which coordinates are periodic; `bumps`: at most `BUMPS`, which get `SHARE` of the resolution of their
      axis.
    """

    axis: Float[Array, "j d"]
    center: Float[Array, " j"]
    width: Float[Array, " j"]
    share: Float[Array, " j"]
    periodic: Float[Array, " j"]

    def __init__(self, periodic: Sequence[bool], bumps: Sequence[Bump] = ()):
        rest = BUMPS - len(bumps)
        axes = np.array([bump.axis for bump in bumps] + rest * [0], int)
        self.axis = jnp.eye(len(periodic))[axes]
        self.center = jnp.array([bump.center for bump in bumps] + rest * [0.0])
        self.width = jnp.array([bump.width for bump in bumps] + rest * [1.0])
        self.share = jnp.array([SHARE / sum(b.axis == a.axis for b in bumps) for a in bumps] + rest * [0.0])
        self.periodic = jnp.asarray(np.array(periodic, float)[axes])

    def __call__(self, z: Float[Array, " d"]) -> Float[Array, " d"]:
        at = self.axis @ z
        first, last = (jnp.arctan((end - self.center) / self.width) for end in (-1.0, 1.0))
        alone = 2 * (jnp.arctan((at - self.center) / self.width) - first) / (last - first) - 1
        angle, r = jnp.pi * (at - self.center), jnp.exp(-jnp.pi * self.width)
        around = at + 2 / jnp.pi * jnp.arctan(r * jnp.sin(angle) / (1 - r * jnp.cos(angle)))
        moved = self.periodic * around + (1 - self.periodic) * alone
        return z + (self.share * (moved - at)) @ self.axis

    def many(self, z: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        """The images of many points."""
        return padded(functools.partial(_images, self), z)

    def placed(self, x: Float[np.ndarray, "n d"], bounds: Bounds) -> Float[np.ndarray, "n d"]:
        """Points of a box, evenly distributed in its stretched coordinates if x are evenly distributed in it."""
        return from_symmetric(self.inverse(to_symmetric(x, bounds)), bounds)

    def inverse(self, z: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        """Points whose images are z, to about four digits; along periodic coordinates up to a shift."""
        if not np.any(self.share):
            return z
        line = np.sin(np.pi / 2 * np.linspace(-1, 1, _GRID))
        for bump in range(BUMPS):
            near = float(self.center[bump]) + float(self.width[bump]) * np.tan(1.56 * np.linspace(-1, 1, _GRID))
            line = np.union1d(line, near[np.abs(near) < 1])
        images = self.many(np.repeat(line[:, None], z.shape[1], axis=1))
        columns = []
        for axis in range(z.shape[1]):
            first, last = images[0, axis], images[-1, axis]
            found = np.interp(first + (z[:, axis] + 1) / 2 * (last - first), images[:, axis], line)
            columns.append(np.where(np.abs(z[:, axis]) == 1, z[:, axis], found))  # faces are exact
        return np.column_stack(columns)


@jax.jit
def _images(stretching: Stretching, z: Float[Array, "n d"]) -> Float[Array, "n d"]:
    return jax.vmap(stretching)(z)
