"""Events of a run: checks on validation points, phases, and steps on the output layer."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """An evaluation on validation points, between two stretches of steps.

    - `seconds`: wall time since the start of the fit;
    - `validation_losses`: mean square of each condition's residual on points that are never trained on;
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
    """The beginning of a phase: its name; steps, seconds since the start of the fit, and peak bytes at that time."""

    name: str
    step: int
    seconds: float
    memory: int


@dataclass(frozen=True)
class OutputStep:
    """Figures before a step on the output layer.

    - `loss`, `losses`: weighted half sum and mean squares of each condition;
    - `gradient_norm`: of the loss, in the parameters solved for; `weights`: of the conditions;
    - `coefficients`: values of the unknown coefficients.
    """

    loss: float
    losses: dict[str, float]
    gradient_norm: float
    weights: dict[str, float]
    coefficients: dict[str, float]
