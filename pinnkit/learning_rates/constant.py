"""A fixed learning rate, with decay."""

from typing import Any

import jax.numpy as jnp

from .._base.arguments import check_flag, check_positive
from .._base.types import Key, Params, Scalar
from .rule import AbstractLearningRate, StepContext


class ConstantLearningRate(AbstractLearningRate):
    """One rate throughout, with a cosine decay to zero where asked for."""

    value: float
    cosine: bool = False

    def __check_init__(self) -> None:
        check_positive(value=self.value)
        check_flag(cosine=self.cosine)

    def init(self, params: Params, key: Key) -> Any:
        return ()

    def update(self, direction: Params, context: StepContext, state: Any) -> tuple[Scalar, Any]:
        decay = cosine_decay(context.progress) if self.cosine else jnp.ones_like(context.progress)
        return self.value * decay, state


def cosine_decay(progress: Scalar) -> Scalar:
    """From 1 to 0 along half a cosine."""
    return 0.5 * (1 + jnp.cos(jnp.pi * jnp.clip(progress, 0, 1)))
