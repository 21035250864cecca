"""What a run records and shows while it goes on, whoever takes the steps."""

import dataclasses
import sys
from collections.abc import Callable, Iterable, Sequence

import jax
import numpy as np

from .callbacks import Callback, Progress
from .clock import Clock
from .diagnostics import Diagnostics
from .history import Excerpt, History
from .ledger import Arrays, Ledger, Result
from .moment import Moment, Training
from .output_layer import OutputStep
from .records import Check, Stage
from .saver import Saver
from .shortage import Shortage
from .summary import Seconds


@dataclasses.dataclass(frozen=True)
class Limits:
    """When to stop: `steps` in all, seconds of wall time `budget` on the `clock`, and a held-out loss `target`."""

    steps: int | None
    budget: float | None
    target: float | None
    clock: Clock

    def seconds(self) -> float:
        return self.clock.seconds()

    @property
    def seconds_left(self) -> float:
        return float("inf") if self.budget is None else self.budget - self.seconds()

    @property
    def is_over(self) -> bool:
        """Whether the budget is used up."""
        return self.seconds_left <= 0


class Journal:
    """The history of a run in the making.

    - `conditions` that are trained, `coordinates` of the domain; `limits`: when the run is to stop;
    - `history`: see `History`;
    - `compile_seconds`, `train_seconds`, `diagnostics_seconds`: where its time went so far;
    - `saver`: who saves the run while it goes on; `before`: where it stood when it was interrupted, if it is resumed;
    - `resumed`: the steps at which it was.
    """

    def __init__(
        self,
        conditions: Iterable[str],
        coordinates: Iterable[str],
        limits: Limits,
        callbacks: Sequence[Callback],
        saver: Saver | None = None,
        before: Moment | None = None,
    ):
        self.history, self.limits, self.callbacks = History.empty(conditions, coordinates), limits, callbacks
        self.compile_seconds = self.train_seconds = self.diagnostics_seconds = 0.0
        self.stopped = False
        self._saver, self._before = saver, before
        self.resumed = () if before is None else (*before.resumed, before.step)
        pieces, seconds = ((), 0.0) if before is None else (before.pieces, before.seconds.total)
        self._ledger = Ledger(limits.clock, pieces, seconds)
        self.offer()

    @property
    def step(self) -> int:
        """Steps taken so far."""
        return len(self.history.step)

    @property
    def steps_left(self) -> float:
        return float("inf") if self.limits.steps is None else self.limits.steps - self.step

    @property
    def is_over(self) -> bool:
        """Whether time or steps are used up, or somebody has ended the run."""
        return self.limits.is_over or self.stopped or self.steps_left <= 0

    @property
    def seconds(self) -> Seconds:
        """Where the time went so far."""
        return Seconds(self.limits.seconds(), self.compile_seconds, self.train_seconds, self.diagnostics_seconds)

    def recall(
        self,
        name: str,
        work: Callable[[], Result],
        pack: Callable[[Result], Arrays],
        unpack: Callable[[Arrays], Result],
    ) -> Result:
        """A piece of work, done now or before the run was interrupted; see `Ledger`."""
        known = len(self._ledger.pieces)
        result = self._ledger.recall(name, work, pack, unpack)
        if len(self._ledger.pieces) > known:
            self.offer()
        return result

    def offer(self, training: Training | None = None, finished: bool = False) -> None:
        """The run can be saved as it is now."""
        if self._saver is not None and not self._ledger.is_replaying:
            excerpt = Excerpt(self.history)
            moment = Moment(self.seconds, self.resumed, self._ledger.pieces, excerpt, training, finished)
            self._saver.offer(moment)

    def resume_training(self) -> Training | None:
        """Where training stood when the run was interrupted, if it had begun; from here on it is as it was then."""
        self._ledger.finish()
        before, self._before = self._before, None
        if before is None or before.training is None:
            return None
        self.history = before.recorded.history
        self.compile_seconds, self.train_seconds = before.seconds.compile, before.seconds.train
        self.diagnostics_seconds = before.seconds.diagnostics
        return before.training

    def phase(self, name: str) -> None:
        """From here on steps are of another kind."""
        if not self.history.phases or self.history.phases[-1].name != name:
            self.history.phases.append(Stage(name, self.step, self.limits.seconds(), peak_memory_bytes()))

    def decide(self, text: str) -> None:
        """Something was chosen; the text says what, and from which figure."""
        self.history.decisions.append(text)

    def skip(self, work: str, needed: float, left: float) -> None:
        """Work is skipped: it needs more seconds than are left for it."""
        self.history.shortages.append(Shortage(work, needed, left, self.limits.seconds()))
        self.decide(f"{work} skipped: needs {needed:.0f} s, {max(left, 0.0):.0f} s left")

    def add(self, steps: Sequence[OutputStep], held_out_loss: float) -> None:
        """Steps on the output layer, and the held-out loss after them.

        A condition that was not in their loss has no figures.
        """
        by_condition = lambda rows: {n: np.array([row.get(n, np.nan) for row in rows]) for n in self.history.conditions}
        self.history.append(
            self.step,
            {
                "loss": np.array([step.loss for step in steps]),
                "losses": by_condition([step.losses for step in steps]),
                "gradient_norm": np.array([step.gradient_norm for step in steps]),
                "learning_rate": np.full(len(steps), np.nan),
                "weights": by_condition([step.weights for step in steps]),
            },
        )
        self._show(held_out_loss, {})

    def check(self, check: Check) -> None:
        """A look from outside is recorded and shown."""
        self.history.checks.append(check)
        self._show(check.held_out_loss, check.relative_l2)

    def diagnosed(self, record: Diagnostics) -> None:
        """A look at the kernel is recorded and shown."""
        self.history.diagnostics.append(record)
        for callback in self.callbacks:
            callback.diagnostics(record)

    def _show(self, held_out_loss: float, relative_l2: dict[str, float]) -> None:
        """Tell the callbacks, any of which may end the run."""
        history, seconds = self.history, self.limits.seconds()
        last = lambda columns: {name: float(column[-1]) for name, column in columns.items() if column.size}
        event = Progress(
            phase=history.phases[-1].name,
            step=self.step,
            fraction=1.0,
            seconds=seconds,
            steps_per_second=self.step / max(seconds, 1e-9),
            loss=float(history.loss[-1]) if self.step else float("nan"),
            losses=last(history.losses),
            held_out_loss=held_out_loss,
            weights=last(history.weights),
            learning_rate=None,
            relative_l2=relative_l2,
        )
        self.stopped |= any([callback.progress(event) for callback in self.callbacks])


def peak_memory_bytes() -> int:
    """Of the accelerator where it tells, else the largest resident size of this process; 0 where neither is known."""
    if peak := (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use"):
        return peak
    try:
        import resource
    except ImportError:  # as on Windows
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
