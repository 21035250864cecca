"""The loss of residuals and weights."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from .._base.types import Scalar, Weights


def row_weights(weight: Any, rows: int) -> Float[Array, " rows"]:
    """The weight of each residual of a condition, from its one weight or those of its points."""
    return jnp.repeat(jnp.ravel(weight), rows // jnp.size(weight))


def mean_weights(weights: Weights) -> dict[str, Scalar]:
    """One weight for each condition: the mean over its points."""
    return {name: jnp.mean(weight) for name, weight in weights.items()}


def total_loss(losses: Mapping[str, Any], weights: Mapping[str, Any]) -> Any:
    """½ Σ w_k mean(r_k²) over the conditions that have a weight."""
    return 0.5 * sum(weight * losses[name] for name, weight in weights.items())
