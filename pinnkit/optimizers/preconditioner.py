"""How an optimizer scales gradients: its preconditioner as data."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from .._base.types import Params


class Preconditioner(NamedTuple):
    r"""How an optimizer makes steps of gradients, as linear theory needs it.

    - `scale`: from a gradient $g$, a tree of parameters, to a tree $\tilde g$ with
      $\tilde g^\top \tilde h = g^\top P^{-1} h$;
    - `beta`, `momentum`, `age`: of the running mean of gradients $m \leftarrow \beta m + (1 - \beta) g$, the present
      one, and how many gradients are in it; none without momentum.
    """

    scale: Callable[[Params], Params]
    beta: float = 0.0
    momentum: Params | None = None
    age: int = 0


GRADIENT_DESCENT = Preconditioner(lambda gradient: gradient)

Preconditioned: TypeAlias = Callable[[Any], Preconditioner | None]
"""From the state of an optimizer to its preconditioner; None as long as it has seen no gradient."""
