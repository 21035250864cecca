"""Samplers that do not use the residual."""

import abc

import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Float

from .._base.types import Key, Params, Weights
from ..geometry.region import AbstractRegion
from ..residuals.functions import ResidualFunctions
from .sampler import AbstractSampler, Layout


class AbstractSpaceFilling(AbstractSampler):
    """Points that fill their region, independently of the residual."""

    @abc.abstractmethod
    def renew(self, layout: Layout, key: Key) -> Layout:
        """The next layout, of the same shape."""

    def draw(
        self,
        layouts: dict[str, Layout],
        key: Key,
        residuals: ResidualFunctions,
        params: Params,
        weights: Weights,
    ) -> dict[str, Layout]:
        del residuals, params, weights
        return renewed(self, layouts, key)


class Uniform(AbstractSpaceFilling):
    """Independent uniform points.

    - `redraw`: steps between two draws; None keeps the first points.
    """

    redraw: int | None = None

    def layout(self, region: AbstractRegion, n: int, seed: int) -> Float[np.ndarray, "n k"]:
        return np.random.default_rng(seed).random((n, region.dimension))

    def renew(self, layout: Layout, key: Key) -> Layout:
        return jr.uniform(key, layout.shape, layout.dtype)


class QuasiRandom(AbstractSpaceFilling):
    """Scrambled Sobol points (`scipy.stats.qmc`); a redraw shifts them at random, modulo 1.

    - `redraw`: steps between two draws; None keeps the first points.

    Cranley & Patterson, *Randomization of number theoretic methods*, SIAM J. Numer. Anal. 13, 1976.
    """

    redraw: int | None = None

    def layout(self, region: AbstractRegion, n: int, seed: int) -> Float[np.ndarray, "n k"]:
        if region.dimension == 0:
            return np.zeros((n, 0))
        from scipy.stats import qmc  # slow to import

        sequence = qmc.Sobol(region.dimension, rng=np.random.default_rng(seed))
        return sequence.random_base2(max(n - 1, 0).bit_length())[:n]

    def renew(self, layout: Layout, key: Key) -> Layout:
        return jnp.mod(layout + jr.uniform(key, (1, layout.shape[1]), layout.dtype), 1.0)


def renewed(sampler: AbstractSpaceFilling, layouts: dict[str, Layout], key: Key) -> dict[str, Layout]:
    """The next layouts of all conditions, each with its own random key."""
    keys = jr.split(key, len(layouts))
    return {name: sampler.renew(layouts[name], k) for name, k in zip(sorted(layouts), keys, strict=True)}


def redrawn_uniform() -> Uniform:
    """Uniform points, redrawn every 10 steps."""
    return Uniform(redraw=10)


def redrawn_quasi_random() -> QuasiRandom:
    """Quasi-random points, redrawn every 10 steps."""
    return QuasiRandom(redraw=10)
