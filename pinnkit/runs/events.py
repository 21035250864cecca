"""What is recorded between kernel snapshots: checks, stages, steps of the output layer."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """A look at the run from outside, between two stretches of steps.

    - `seconds`: wall time since the start of the fit;
    - `validation_losses`: mean square of each condition's residual on points that training never sees;
    - `validation_loss`: their weighted half sum, comparable with the loss;
    - `relative_l2`: error per field against the reference on the test grid, empty without one.
    """

    step: int
    seconds: float
    validation_loss: float
    validation_losses: dict[str, float]
    relative_l2: dict[str, float]


@dataclass(frozen=True)
class Stage:
    """A phase of a run: steps taken, seconds since the start of the fit, and peak bytes so far when it began."""

    name: str
    step: int
    seconds: float
    memory: int


@dataclass(frozen=True)
class OutputStep:
    """A look at the residual before a step.

    - `loss`, `losses`: weighted half sum and mean squares of each condition;
    - `gradient_norm`: of the loss in the parameters solved for; `weights`: those in force.
    """

    loss: float
    losses: dict[str, float]
    gradient_norm: float
    weights: dict[str, float]
