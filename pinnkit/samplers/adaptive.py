"""Adaptive sampling: points are drawn from candidates with a density that follows a score."""

import abc
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, Int

from .._base.arguments import is_whole
from .._base.errors import InputError
from .._base.types import Key, Params, Scalar, Weights
from ..equations.problem import Problem
from ..geometry.points import Points
from ..geometry.region import AbstractRegion
from ..residuals.functions import ResidualFunctions
from .sampler import AbstractSampler, Layout
from .space_filling import QuasiRandom, renewed

Score: TypeAlias = Callable[[str, Points], Scalar]
"""Score of a point, given the name of its condition; not negative."""


class AbstractAdaptive(AbstractSampler):
    r"""Points with density $\propto s^k / \overline{s^k} + c$ for a score $s \ge 0$; the others are quasi-random.

    At each redraw, `candidates` uniform points are drawn for every point to be chosen, and the score is evaluated
    there. The points are chosen from them without replacement, with probability proportional to the density. On a
    boundary, every face keeps its number of points. The first batch is quasi-random.

    - `redraw`: steps between two draws;
    - `share`: fraction of the points of a condition that follows the score. The others are quasi-random, so that
      every part of a region keeps some points;
    - `candidates`: candidates per chosen point; it limits the density of the chosen points to about this multiple of
      the uniform density;
    - `power`, `offset`: k and c. With k = 0 or a large c the chosen points are uniform;
    - `everywhere`: whether the score also applies on boundaries, not only in conditions of full dimension. Finite
      sets keep their points.

    The points are not uniform, and the residuals carry no importance weights. So the training loss is not an estimate
    of half the weighted mean squares over the regions; mostly it is larger. The validation loss is an estimate.
    """

    share: eqx.AbstractVar[float]
    candidates: eqx.AbstractVar[int]
    power: eqx.AbstractVar[float]
    offset: eqx.AbstractVar[float]
    everywhere: eqx.AbstractVar[bool]

    @abc.abstractmethod
    def score(self, residuals: ResidualFunctions, params: Params, weights: Weights, key: Key) -> Score:
        """The score at the current parameters, as a function of the name of a condition and one of its points."""

    def layout(self, region: AbstractRegion, n: int, seed: int) -> Float[np.ndarray, "n k"]:
        return QuasiRandom().layout(region, n, seed)

    def draw(
        self,
        layouts: dict[str, Layout],
        key: Key,
        residuals: ResidualFunctions,
        params: Params,
        weights: Weights,
    ) -> dict[str, Layout]:
        fresh_key, score_key, choice_key = jr.split(key, 3)
        fresh = renewed(QuasiRandom(), layouts, fresh_key)
        score = self.score(residuals, params, weights, score_key)
        return fresh | {
            name: self._with_chosen(fresh[name], region, partial(score, name), jr.fold_in(choice_key, number))
            for number, (name, region) in enumerate(self._regions(residuals.problem).items())
        }

    def density(self, scores: Float[Array, "*n"]) -> Float[Array, "*n"]:
        """Unnormalised density at the candidates; uniform if the mean of the scores is not finite or not positive."""
        powers = scores**self.power
        mean = jnp.mean(powers)
        return jnp.where((mean > 0) & (mean < jnp.inf), powers / mean, 1.0) + self.offset

    def _regions(self, problem: Problem) -> dict[str, AbstractRegion]:
        """Regions in which points follow the score, by condition."""
        regions = {name: condition.on for name, condition in problem.conditions.items()}
        least = 1 if self.everywhere else problem.domain.dimension
        return {name: on for name, on in regions.items() if on.count is None and on.dimension >= least}

    def _with_chosen(
        self, layout: Layout, region: AbstractRegion, score: Callable[[Points], Scalar], key: Key
    ) -> Layout:
        """`layout`, with the last points of each part of the region replaced by points that follow the score."""
        parts = _last_rows(region.parts(len(layout)), self.share)
        rows = np.concatenate(parts)
        if not rows.size:
            return layout
        pool_key, *keys = jr.split(key, 1 + len(parts))
        pool = jr.uniform(pool_key, (self.candidates, *layout.shape), layout.dtype)

        def scores_of(unit: Layout) -> Float[Array, " m"]:
            return jax.vmap(score)(jax.tree.map(lambda column: column[rows], region.points(unit)))

        density = self.density(jax.lax.map(scores_of, pool))
        ends = np.cumsum([len(part) for part in parts])
        for part, end, k in zip(parts, ends, keys, strict=True):
            of_part = density[:, end - len(part) : end].ravel()
            chosen = pool[:, part].reshape(-1, layout.shape[1])[choose(of_part, len(part), k)]
            layout = layout.at[part].set(chosen)
        return layout

    def __check_init__(self) -> None:
        if self.redraw is None:
            raise InputError("`redraw` of an adaptive sampler must be a number of steps, got None")
        if not 0 <= self.share <= 1:
            raise InputError(f"`share` must be a number from 0 to 1, got {self.share!r}")
        if not is_whole(self.candidates, 1):
            raise InputError(f"`candidates` must be a whole number ≥ 1, got {self.candidates!r}")
        for name in ("power", "offset"):
            if not 0 <= getattr(self, name) < np.inf:
                raise InputError(f"`{name}` must be a finite number ≥ 0, got {getattr(self, name)!r}")


def choose(density: Float[Array, " n"], count: int, key: Key) -> Int[Array, " m"]:
    """`count` different indices, drawn without replacement with probability proportional to the density.

    Uses the Gumbel top-k trick: Kool, van Hoof & Welling, *Stochastic beams and where to find them*, ICML 2019.
    """
    return jax.lax.top_k(jnp.log(density) + jr.gumbel(key, density.shape, density.dtype), count)[1]


def _last_rows(parts: Sequence[int], share: float) -> list[np.ndarray]:
    """The last rows of each of consecutive parts; `share` is their fraction of the part."""
    return [np.arange(end - round(share * n), end) for n, end in zip(parts, np.cumsum(parts), strict=True)]
