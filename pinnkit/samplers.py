"""Which points come next."""

import abc
from collections.abc import Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from ._types import Key
from .domains import AbstractRegion
from .problem import Problem, ProblemError
from .residuals import Batch


class AbstractSampler(eqx.Module):
    """How the points of a batch are laid out, and how often they are drawn anew.

    - `redraw`: a new batch every so many steps; None keeps the first.

    The layout lives in the unit cube of each region: `init` draws it on the host, `draw` turns it into a batch
    and may run inside a compiled loop.
    """

    redraw: eqx.AbstractVar[int | None]

    @abc.abstractmethod
    def layout(self, region: AbstractRegion, n: int, seed: int) -> np.ndarray:
        """`n` points of the region's unit cube, shape `(n, region.dimension)`."""

    @abc.abstractmethod
    def renew(self, layout: jax.Array, key: Key) -> jax.Array:
        """Another layout of the same kind."""

    def init(self, problem: Problem, counts: Mapping[str, int], seed: int) -> dict[str, jax.Array]:
        """A layout for each condition."""
        return {
            name: jnp.asarray(self.layout(condition.on, counts[name], seed + number), float)
            for number, (name, condition) in enumerate(sorted(problem.conditions.items()))
        }

    def draw(self, layouts: dict[str, jax.Array], key: Key) -> dict[str, jax.Array]:
        """New layouts for all conditions."""
        keys = jr.split(key, len(layouts))
        return {name: self.renew(layouts[name], k) for name, k in zip(sorted(layouts), keys, strict=True)}


class Uniform(AbstractSampler):
    """Independent uniform points."""

    redraw: int | None = None

    def layout(self, region: AbstractRegion, n: int, seed: int) -> np.ndarray:
        return np.random.default_rng(seed).random((n, region.dimension))

    def renew(self, layout: jax.Array, key: Key) -> jax.Array:
        return jr.uniform(key, layout.shape, layout.dtype)


class QuasiRandom(AbstractSampler):
    """Scrambled Sobol points (`scipy.stats.qmc`), renewed by a random shift modulo 1.

    Cranley & Patterson, *Randomization of number theoretic methods*, SIAM J. Numer. Anal. 13, 1976.
    """

    redraw: int | None = None

    def layout(self, region: AbstractRegion, n: int, seed: int) -> np.ndarray:
        if region.dimension == 0:
            return np.zeros((n, 0))
        from scipy.stats import qmc  # slow to import

        sequence = qmc.Sobol(region.dimension, rng=np.random.default_rng(seed))
        return sequence.random_base2(max(n - 1, 0).bit_length())[:n]

    def renew(self, layout: jax.Array, key: Key) -> jax.Array:
        return jnp.mod(layout + jr.uniform(key, (1, layout.shape[1]), layout.dtype), 1.0)


def batch_of(problem: Problem, layouts: Mapping[str, jax.Array]) -> Batch:
    """The points of each condition from their layouts."""
    return {name: condition.on.points(layouts[name]) for name, condition in problem.conditions.items()}


def point_counts(problem: Problem, points: int | Mapping[str, int] | None = None) -> dict[str, int]:
    """Number of points of each condition.

    `points` is a number for the conditions of full dimension (lower-dimensional ones get a share), a mapping
    from conditions to numbers, or None for a default. Finite sets keep all their points.

    **Raises:** `ProblemError` for unknown conditions and numbers too small for a region.
    """
    named = dict(points) if isinstance(points, Mapping) else {}
    if unknown := sorted(set(named) - set(problem.conditions)):
        raise ProblemError(
            f"points are given for unknown condition(s) {unknown}; "
            f"problem '{problem.name}' has {list(problem.conditions)}"
        )
    full = points if points is not None and not isinstance(points, Mapping) else _DEFAULT[problem.domain.dimension > 1]
    if not isinstance(full, int | np.integer) or full < 1:
        raise ProblemError(f"a number of points is an integer ≥ 1, got {full!r}")
    counts = {}
    for name, condition in problem.conditions.items():
        region = condition.on
        share = full if region.dimension == problem.domain.dimension else max(region.least, round(full / 8))
        count = region.count if region.count is not None else named.get(name, share)
        if not isinstance(count, int | np.integer) or count < region.least:
            raise ProblemError(
                f"condition '{name}' of problem '{problem.name}' needs at least {region.least} point(s), got {count!r}"
            )
        counts[name] = int(count)
    return counts


_DEFAULT = {False: 128, True: 1500}  # interior points of problems with one coordinate, and with more
