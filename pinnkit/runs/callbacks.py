"""Callbacks observe a fit."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..diagnostics.record import Diagnostics
    from .summary import Summary


@dataclass(frozen=True)
class Start:
    """A network is about to be solved for or trained.

    - `phases`: their names; `parameters`: number of them, unknown coefficients included; `points`: of each condition;
    - `steps`, `budget` (seconds): None if unlimited.
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
class Covered:
    """The part of an interval of time, from `start` to `end`, that is solved, up to `now`; `coordinate` is its name."""

    coordinate: str
    start: float
    now: float
    end: float

    @property
    def share(self) -> float:
        return (self.now - self.start) / (self.end - self.start)


@dataclass(frozen=True)
class Progress:
    """The progress of a fit between two stretches of steps.

    - `step`: steps taken so far;
    - `fraction`: estimated share of the fit that is over; it never falls, and is None while it cannot be estimated;
    - `steps_per_second`: mean over the phase, compilation not counted;
    - `loss`, `losses`: training loss, and mean squares of each condition on training points; `validation_loss`: the
      loss on validation points;
    - `learning_rate`: None if the optimizer does not report it;
    - `relative_l2`: error per field, empty without a reference;
    - `coefficients`: values of the unknown ones;
    - `covered`: how far time windows have come, None without them.
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
    covered: Covered | None = None
    coefficients: dict[str, float] = field(default_factory=dict)


class Callback:
    """Override the methods of interest; by default they do nothing.

    `closing_seconds` of the budget are reserved for work after the fit, such as writing a report.
    """

    closing_seconds: float = 0.0

    def start(self, event: Start) -> None:
        """Called before each network is compiled and solved for or trained."""

    def activity(self, text: str) -> None:
        """Before work that takes no steps, such as compiling; `text` names it."""

    def progress(self, event: Progress) -> bool | None:
        """Called after each stretch of steps; returning True ends the fit, with `StopReason.INTERRUPTED`."""

    def diagnostics(self, record: "Diagnostics") -> None:
        """Called after each kernel snapshot."""

    def end(self, summary: "Summary") -> None:
        """Called once, at the end of the fit."""
