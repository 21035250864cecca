"""The interface of learning rates."""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
from jaxtyping import Array

from .._base.types import Key, Params, Scalar


class StepContext(eqx.Module):
    """What a learning rate may use.

    - `push`, `pull`: products $Jv$ and $J^\\top a$ with the Jacobian of the scaled residual at the current
      parameters; v and the result of `pull` are trees of parameters;
    - `opt_state`: state of the optimizer after it has computed the direction;
    - `progress`: completed fraction of the phase, between 0 and 1;
    - `b1`: decay rate of the momentum of Adam or SOAP; None for other optimizers.
    """

    push: Callable[[Params], Array]
    pull: Callable[[Array], Params]
    opt_state: Any
    progress: Scalar
    b1: float | None = None


class AbstractLearningRate(eqx.Module):
    """How the learning rate η is chosen. The parameters are updated by −η · direction."""

    @abc.abstractmethod
    def init(self, params: Params, key: Key) -> Any:
        """The state before the first step."""

    @abc.abstractmethod
    def update(self, direction: Params, context: StepContext, state: Any) -> tuple[Scalar, Any]:
        """The learning rate of this step, and the next state.

        - `direction`: the direction of the optimizer, a tree like the parameters.
        """
