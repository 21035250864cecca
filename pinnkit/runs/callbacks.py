"""Looking on while a fit runs."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..diagnostics.record import Diagnostics
    from .summary import Summary


@dataclass(frozen=True)
class Start:
    """What is about to be solved for or trained.

    - `phases`: those to come; `parameters`: of the network, and unknown coefficients; `points`: of each condition;
    - `steps`, `budget` (seconds): None where open.
    """

    problem: str
    strategy: str
    phases: tuple[str, ...]
    parameters: int
    points: dict[str, int]
    precision: str
    steps: int | None
    budget: float | None


@dataclass(frozen=True)
class Progress:
    """Where a fit stands between two stretches of steps.

    - `step`: steps taken in all;
    - `fraction`: estimated share of the fit that is over; it never falls, and is None as long as nothing tells;
    - `steps_per_second`: mean of the phase, without what was compiled;
    - `loss`, `losses`: weighted half sum and mean squares on the training points, `validation_loss` elsewhere;
    - `learning_rate`: None where the optimizer keeps it to itself;
    - `relative_l2`: error per field, empty without a reference.
    """

    phase: str
    step: int
    fraction: float | None
    seconds: float
    steps_per_second: float
    loss: float
    losses: dict[str, float]
    validation_loss: float
    weights: dict[str, float]
    learning_rate: float | None
    relative_l2: dict[str, float]


class Callback:
    """Override what is of interest; every method does nothing by default.

    `closing_seconds` of the budget are kept for what is to be done after the fit, such as writing a report.
    """

    closing_seconds: float = 0.0

    def start(self, event: Start) -> None:
        """Before a network is compiled and solved for or trained: at first, and again for every other network."""

    def activity(self, text: str) -> None:
        """Before work that takes no steps, such as compiling; `text` names it."""

    def progress(self, event: Progress) -> bool | None:
        """After each stretch of steps; returning True ends the fit, with `StopReason.INTERRUPTED`."""

    def diagnostics(self, record: "Diagnostics") -> None:
        """After each look at the kernel."""

    def end(self, summary: "Summary") -> None:
        """Once, when the fit is over."""
