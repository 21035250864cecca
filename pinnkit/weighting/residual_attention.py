"""Residual-based attention."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._base.arguments import check_share
from ..residuals.functions import Batch, ResidualFunctions
from .points import AbstractPointWeighting
from .rule import AbstractWeighting


class ResidualAttentionWeighting(AbstractPointWeighting):
    r"""Residual-based attention, $v_i = \alpha_i^2$.

    At each update $\alpha_i \leftarrow \gamma \alpha_i + (1-\gamma)\,|r_i| / \max_j |r_j|$, from 0, with the root mean
    square $|r_i|$ over the equations at a point. The learning rate of the paper, here $1-\gamma$, cancels in the weights.

    Attention belongs to a point, so points must not be redrawn; a `Strategy` with a sampler that redraws them raises
    an error.

    - `base`: the rule for the weights of the conditions; None keeps them;
    - `gamma`: γ, the memory of the moving average.

    Anagnostopoulos, Toscano, Stergiopulos & Karniadakis, *Residual-based attention in physics-informed neural
    networks*, CMAME 421, 2024.
    """

    base: AbstractWeighting | None = None
    gamma: float = 0.999
    every: int = 1

    def __check_init__(self) -> None:
        check_share(gamma=self.gamma)

    remembers_points: ClassVar[bool] = True

    def first_memory(self, residuals: ResidualFunctions, batch: Batch) -> dict[str, Array]:
        return {name: jnp.zeros(len(points)) for name, points in batch.items()}

    def importance(
        self, residuals: ResidualFunctions, batch: Batch, squares: dict[str, Float[Array, " n_k"]], memory: Any
    ) -> tuple[dict[str, Float[Array, " n_k"]], dict[str, Array]]:
        def attention(name: str) -> Float[Array, " n_k"]:
            size = jnp.sqrt(squares[name])
            share = size / (jnp.max(size) + jnp.finfo(size.dtype).tiny)
            return self.gamma * memory[name] + (1 - self.gamma) * share

        alpha = {name: attention(name) for name in batch}
        return jax.tree.map(lambda a: a**2 + jnp.finfo(a.dtype).tiny, alpha), alpha
