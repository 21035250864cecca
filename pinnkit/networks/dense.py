"""A dense layer."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._base.types import Key


class Dense(eqx.Module):
    """An affine layer with Glorot-normal weights (zero without a key) and zero bias."""

    weight: Float[Array, "m k"]
    bias: Float[Array, " m"]

    def __init__(self, inputs: int, outputs: int, key: Key | None):
        shape = outputs, inputs
        self.weight = jnp.zeros(shape) if key is None else jax.nn.initializers.glorot_normal()(key, shape)
        self.bias = jnp.zeros(outputs)

    def __call__(self, x: Float[Array, " k"]) -> Float[Array, " m"]:
        return self.weight @ x + self.bias
