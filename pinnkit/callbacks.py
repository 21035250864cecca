"""Looking on while a fit runs."""

from dataclasses import dataclass

from .diagnostics import Diagnostics
from .summary import Summary


@dataclass(frozen=True)
class Start:
    """A fit is about to begin. `points` is per condition; `steps` and `budget` (seconds) are None where open."""

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

    - `step`: steps taken in all; `fraction`: estimated share of the phase that is over;
    - `loss`, `losses`: weighted half sum and mean squares on the training points, `held_out_loss` elsewhere;
    - `learning_rate`: None where the optimizer keeps it to itself;
    - `relative_l2`: error per field, empty without a reference.
    """

    phase: str
    step: int
    fraction: float
    seconds: float
    steps_per_second: float
    loss: float
    losses: dict[str, float]
    held_out_loss: float
    weights: dict[str, float]
    learning_rate: float | None
    relative_l2: dict[str, float]


class Callback:
    """Override what is of interest; every method does nothing by default."""

    def start(self, event: Start) -> None:
        """Once, before compilation."""

    def progress(self, event: Progress) -> bool | None:
        """After each stretch of steps; returning True ends the fit, with `StopReason.INTERRUPTED`."""

    def diagnostics(self, record: Diagnostics) -> None:
        """After each look at the kernel."""

    def end(self, summary: Summary) -> None:
        """Once, when the fit is over."""
