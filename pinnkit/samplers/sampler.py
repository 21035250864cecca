"""What every sampler does, and the batch that its layouts stand for."""

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
from ..geometry.region import AbstractRegion
from ..residuals.functions import Batch, ResidualFunctions

Layout: TypeAlias = Float[Array, "n k"]
"""Points of the unit cube of a region."""


class AbstractSampler(eqx.Module):
    """How the points of a batch are laid out, and how often they are drawn anew.

    - `redraw`: a new batch every so many steps; None keeps the first.

    The layout lives in the unit cube of each region: `init` makes it on the host, before the first step. `draw` makes
    the next one, of the same shapes, inside the compiled loop; `batch_of` turns it into points.
    """

    redraw: eqx.AbstractVar[int | None]

    @abc.abstractmethod
    def layout(self, region: AbstractRegion, n: int, seed: int) -> Float[np.ndarray, "n k"]:
        """The first `n` points of the region's unit cube, shape `(n, region.dimension)`."""

    @abc.abstractmethod
    def draw(
        self,
        layouts: dict[str, Layout],
        key: Key,
        residuals: ResidualFunctions,
        params: Params,
        weights: Weights,
    ) -> dict[str, Layout]:
        """The next layouts of all conditions; it may look at the residuals at the present parameters and weights."""

    def init(self, problem: Problem, counts: Mapping[str, int], seed: int) -> dict[str, Layout]:
        """The first layout of each condition."""
        return {
            name: jnp.asarray(self.layout(condition.on, counts[name], seed + number), float)
            for number, (name, condition) in enumerate(sorted(problem.conditions.items()))
        }

    def __check_init__(self) -> None:
        if self.redraw is not None and not is_whole(self.redraw, 1):
            raise InputError(f"`redraw` is a number of steps ≥ 1, or None to keep the points; got {self.redraw!r}")


def batch_of(problem: Problem, layouts: Mapping[str, jax.Array]) -> Batch:
    """The points of each condition from their layouts."""
    place = lambda layouts: {name: condition.on.points(layouts[name]) for name, condition in problem.conditions.items()}
    return jax.jit(place)(dict(layouts))  # compiled once where it is called on arrays, not once an operation
