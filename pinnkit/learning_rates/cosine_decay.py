"""Cosine decay of the learning rate."""

import jax.numpy as jnp

from .._base.types import Scalar


def cosine_decay(progress: Scalar) -> Scalar:
    """A factor that falls from 1 to 0 along half a cosine, as `progress` goes from 0 to 1."""
    return 0.5 * (1 + jnp.cos(jnp.pi * jnp.clip(progress, 0, 1)))
