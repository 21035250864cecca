"""Residual-adaptive sampling."""

import jax.numpy as jnp

from .._base.types import Key, Params, Weights
from ..residuals.functions import ResidualFunctions
from .adaptive import AbstractAdaptive, Score


class ResidualAdaptive(AbstractAdaptive):
    r"""Density $\propto |r|^k / \overline{|r|^k} + c$, with the norm of the residual if it has several components.

    For the fields see `AbstractAdaptive`. A redraw evaluates `candidates · share` residuals per point.

    Wu, Zhu, Tan, Kartha & Lu, *A comprehensive study of non-adaptive and residual-based adaptive sampling for
    physics-informed neural networks*, CMAME 403, 2023 (their RAD is `share=1`).
    """

    redraw: int | None = 10
    share: float = 0.5
    candidates: int = 10
    power: float = 1.0
    offset: float = 1.0
    everywhere: bool = False

    def score(self, residuals: ResidualFunctions, params: Params, weights: Weights, key: Key) -> Score:
        del weights, key
        return lambda name, point: jnp.linalg.norm(residuals.at_point(name)(params, point))
