"""A phase of a training schedule."""

from dataclasses import dataclass
from typing import Any

import optax

from .._base.arguments import check_whole, is_number
from .._base.errors import InputError, InputTypeError
from ..learning_rates.rule import AbstractLearningRate
from ..optimizers.momentum import has_theory, preconditioner_of
from ..optimizers.preconditioner import Preconditioner
from ..weighting.rule import AbstractWeighting

MOST_ROWS = 10_000
"""Largest number of residuals that a strategy requests: larger networks get the usual number of points."""


@dataclass(frozen=True)
class Phase:
    """A part of the training with one optimizer, learning rate and weighting.

    - `optimizer`: any optax transformation. With a `learning_rate` it gives the direction d and the
      parameters move by −η d; without one its updates are added as they are.
    - `weighting`: None keeps the weights of the phase before (means, for weights of single points).
    - `steps`: largest number; if the caller gives `steps` or a `budget`, only the last phase may take more;
    - `share`: of the steps or budget of the caller; None for an equal part of what the phases with a share leave;
    - `patience`: the phase ends if the validation loss has not fallen by a tenth in this number of steps;
    - `check_every`: steps between two evaluations of the validation loss.

    The needs of an optimizer (double precision, fixed points and weights) are read from its state, also inside
    `optax.chain`: see `traits`.
    """

    name: str
    optimizer: optax.GradientTransformation
    learning_rate: AbstractLearningRate | None = None
    weighting: AbstractWeighting | None = None
    steps: int = 5000
    share: float | None = None
    patience: int | None = None
    check_every: int = 100

    @property
    def has_theory(self) -> bool:
        """Whether its steps have a linear theory: gradient descent, Adam and SOAP at known learning rates."""
        return self.learning_rate is not None and has_theory(self.optimizer)

    def preconditioner(self, opt_state: Any) -> Preconditioner | None:
        """The preconditioner of the optimizer in this state, None if its steps have no linear theory."""
        return preconditioner_of(self.optimizer, opt_state) if self.has_theory else None

    def __post_init__(self) -> None:
        kinds = (
            ("optimizer", self.optimizer, optax.GradientTransformation, "an optax transformation"),
            ("learning_rate", self.learning_rate, AbstractLearningRate | None, "an `AbstractLearningRate` or None"),
            ("weighting", self.weighting, AbstractWeighting | None, "an `AbstractWeighting` or None"),
        )
        for name, value, kind, wanted in kinds:
            if not isinstance(value, kind):
                raise InputTypeError(f"`{name}` of phase '{self.name}' is {wanted}, got {value!r}")
        check_whole(0, steps=self.steps)
        check_whole(check_every=self.check_every)
        if self.patience is not None:
            check_whole(patience=self.patience)
        if self.share is not None and (not is_number(self.share) or not 0 <= self.share <= 1):
            raise InputError(f"`share` of phase '{self.name}' is a number from 0 to 1 or None, got {self.share!r}")
