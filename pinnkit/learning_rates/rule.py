"""How long a step is, from the eigenvalues of the kernel it moves through."""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
from jaxtyping import Array

from .._base.types import Key, Params, Scalar


class StepContext(eqx.Module):
    """What a rate may look at.

    - `push`, `pull`: products $Jv$ and $J^\\top a$ with the Jacobian of the scaled residual at the current
      parameters, on trees of parameters;
    - `opt_state`: state of the optimizer after it has made the direction;
    - `b1`: decay of its momentum, None where it is not known;
    - `progress`: share of the phase that is over, between 0 and 1;
    """

    push: Callable[[Params], Array]
    pull: Callable[[Array], Params]
    opt_state: Any
    progress: Scalar
    b1: float | None = None


class AbstractLearningRate(eqx.Module):
    """A strategy for the learning rate. Updates are −η · direction."""

    @abc.abstractmethod
    def init(self, params: Params, key: Key) -> Any:
        """State before the first step."""

    @abc.abstractmethod
    def update(self, direction: Params, context: StepContext, state: Any) -> tuple[Scalar, Any]:
        """The rate for this step, and the next state."""
