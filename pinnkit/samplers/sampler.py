"""The interface of samplers, and the batch that belongs to their layouts."""

import abc
from collections.abc import Mapping
from typing import TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._base.arguments import is_whole
from .._base.errors import InputError
from .._base.types import Key, Params, Weights
from ..equations.problem import Problem
from ..geometry.placing import placed
from ..geometry.region import AbstractRegion
from ..residuals.functions import Batch, ResidualFunctions

Layout: TypeAlias = Float[Array, "n k"]
"""Points in the unit cube of a region."""


class AbstractSampler(eqx.Module):
    """Where the points of a batch lie, and how often they are redrawn.

    - `redraw`: steps between two draws; None keeps the first points.

    A sampler works in the unit cube of each region: `layout` gives the first points there, on the host, before
    training; `draw` gives the next points, with the same shapes, inside the compiled loop. `batch_of` maps them to
    the regions.
    """

    redraw: eqx.AbstractVar[int | None]

    @abc.abstractmethod
    def layout(self, region: AbstractRegion, n: int, seed: int) -> Float[np.ndarray, "n k"]:
        """The first `n` points in the unit cube of a region, shape `(n, region.dimension)`."""

    @abc.abstractmethod
    def draw(
        self,
        layouts: dict[str, Layout],
        key: Key,
        residuals: ResidualFunctions,
        params: Params,
        weights: Weights,
    ) -> dict[str, Layout]:
        """The next layouts of all conditions; may depend on the residuals at the current parameters and weights."""

    def init(self, problem: Problem, counts: Mapping[str, int], seed: int) -> dict[str, Layout]:
        """The first layout of each condition."""
        return {
            name: jnp.asarray(self.layout(condition.on, counts[name], seed + number), float)
            for number, (name, condition) in enumerate(sorted(problem.conditions.items()))
        }

    def __check_init__(self) -> None:
        if self.redraw is not None and not is_whole(self.redraw, 1):
            raise InputError(f"`redraw` must be a number of steps ≥ 1, or None to keep the points; got {self.redraw!r}")


def batch_of(problem: Problem, layouts: Mapping[str, jax.Array]) -> Batch:
    """The points of each condition from their layouts."""
    return placed({name: condition.on for name, condition in problem.conditions.items()}, layouts)
