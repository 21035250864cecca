"""Loss and gradient of a single condition."""

import jax
import jax.numpy as jnp

from .._base.types import Params, Scalar
from ..residuals.functions import Batch, ResidualFunctions


def condition_gradient(residuals: ResidualFunctions, params: Params, batch: Batch, name: str) -> tuple[Scalar, Params]:
    """The unweighted loss of a condition, half its mean squared residual, and its gradient."""
    loss = lambda params: residuals.loss(params, {name: batch[name]}, {name: jnp.ones(())})[0]
    return jax.value_and_grad(loss)(params)
