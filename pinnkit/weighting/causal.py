"""Causal weights: later times count once earlier times are solved."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._base.arguments import check_positive, check_share, check_whole
from .._base.errors import InputError
from ..equations.mistakes import ProblemError
from ..equations.problem import Problem
from ..geometry.domain import TIME_NAMES
from ..residuals.functions import Batch, ResidualFunctions
from .points import AbstractPointWeighting
from .rule import AbstractWeighting
from .trace import NTKWeighting


class CausalWeighting(AbstractPointWeighting):
    r"""$v_i = \exp(-\epsilon \sum_{t' < t_i} L_k(t'))$: later times count once earlier times are solved.

    Time is divided into slabs of equal length. $L_k(t')$ is the mean squared residual of condition k at its points in
    a slab, 0 in a slab without points, and the sum is over the slabs before the one of the point. So all points of an
    initial condition have equal importance. Each condition has its own tolerance $\epsilon$, which moves on to the
    next of `tolerances` once the smallest $v_i$ of the condition exceeds `threshold`.

    - `base`: the rule for the weights of the conditions; None keeps them;
    - `slabs`: number of slabs.

    Wang, Sankaran & Perdikaris, *Respecting causality for training physics-informed neural networks*, CMAME 421, 2024.
    """

    base: AbstractWeighting | None = NTKWeighting()
    slabs: int = 16
    tolerances: tuple[float, ...] = (1e-2, 1e-1, 1.0, 1e1, 1e2)
    threshold: float = 0.99
    every: int = 1

    def __check_init__(self) -> None:
        check_whole(slabs=self.slabs)
        check_share(threshold=self.threshold)
        if not self.tolerances:
            raise InputError("`tolerances` must have at least one number")
        for tolerance in self.tolerances:
            check_positive(tolerances=tolerance)

    def check(self, problem: Problem) -> None:
        super().check(problem)
        time_axis(problem)

    def first_memory(self, residuals: ResidualFunctions, batch: Batch) -> dict[str, Array]:
        return {name: jnp.asarray(0) for name in batch}

    def importance(
        self, residuals: ResidualFunctions, batch: Batch, squares: dict[str, Float[Array, " n_k"]], memory: Any
    ) -> tuple[dict[str, Float[Array, " n_k"]], dict[str, Array]]:
        importance, rungs = {}, {}
        for name, points in batch.items():
            before = self._residual_before(residuals.problem, points.coordinates, squares[name])
            importance[name] = jnp.exp(-jnp.asarray(self.tolerances, before.dtype)[memory[name]] * before)
            is_solved = jnp.min(importance[name]) > self.threshold
            rungs[name] = jnp.minimum(memory[name] + is_solved, len(self.tolerances) - 1)
        return importance, rungs

    def _residual_before(
        self, problem: Problem, x: Float[Array, "n d"], squares: Float[Array, " n"]
    ) -> Float[Array, " n"]:
        r"""$\sum_{t' < t_i} L(t')$ at each point."""
        axis = time_axis(problem)
        start, end = problem.domain.lower[axis], problem.domain.upper[axis]
        slab = jnp.clip((x[:, axis] - start) / (end - start) * self.slabs, 0, self.slabs - 1).astype(int)
        total = lambda values: jax.ops.segment_sum(values, slab, self.slabs)
        means = total(squares) / jnp.maximum(total(jnp.ones_like(squares)), 1)
        return jnp.concatenate([jnp.zeros(1, means.dtype), jnp.cumsum(means)[:-1]])[slab]


def time_axis(problem: Problem) -> int:
    """The index of the time coordinate.

    **Raises:** `ProblemError` for a problem without time.
    """
    names = problem.domain.coordinates
    if not (found := [axis for axis, name in enumerate(names) if name in TIME_NAMES]):
        raise ProblemError(
            f"causal weights need a coordinate {' or '.join(TIME_NAMES)}; problem '{problem.name}' has "
            f"{', '.join(names)}: choose another weighting"
        )
    return found[0]
