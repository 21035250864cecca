"""A constant learning rate, with optional decay."""

from typing import Any

import jax.numpy as jnp

from .._base.arguments import check_flag, check_positive
from .._base.types import Key, Params, Scalar
from .cosine_decay import cosine_decay
from .rule import AbstractLearningRate, StepContext


class ConstantLearningRate(AbstractLearningRate):
    """A constant learning rate.

    - `value`: the rate;
    - `cosine`: whether it decays to zero along half a cosine over the phase.
    """

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
