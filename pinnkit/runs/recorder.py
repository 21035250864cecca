"""Records the progress of a run and reports it to callbacks, whichever solver runs."""

import contextlib
import dataclasses
import math
from collections.abc import Callable, Generator, Iterable, Sequence

import numpy as np

from .._base.compilation import compile_seconds
from .._base.devices import agreed, is_shared, peak_memory_bytes
from ..diagnostics.record import Diagnostics
from .callbacks import Callback, Covered, Progress, Start
from .decisions import Decision, SkippedWork
from .events import Check, OutputStep, Stage
from .history import Excerpt, History
from .limits import COULD_GO_ON, Limits
from .resume.checkpointing import CheckpointWriter
from .resume.replay import Arrays, Replay, Result
from .resume.state import RunState, Training
from .stop_reason import StopReason
from .summary import Seconds


class Recorder:
    """Builds the history of a run, and reports it to callbacks.

    - `conditions`: the soft constraints; `coordinates`: of the domain; `limits`: when the run must stop;
    - `unknowns`: names of the unknown coefficients;
    - `writer`: saves checkpoints; `before`: the state of an interrupted run that is resumed;
    - `resumed`: steps at which the run was resumed; `has_trained`: whether training had begun before that.
    """

    def __init__(
        self,
        conditions: Iterable[str],
        coordinates: Iterable[str],
        limits: Limits,
        callbacks: Sequence[Callback],
        writer: CheckpointWriter | None = None,
        before: RunState | None = None,
        unknowns: Iterable[str] = (),
    ):
        self.history, self.limits, self.callbacks = History.empty(conditions, coordinates, unknowns), limits, callbacks
        self._is_stopped = self._is_interrupted = False
        self.longest_compilation = 0.0  # of a phase of training
        self._spent = {"compile": -compile_seconds(), "train": 0.0, "diagnostics": 0.0}
        self._phase_compiled = self._fraction = self._fraction_before = 0.0
        self._start: Start | None = None
        self._covered: Covered | None = None
        self._writer, self._before = writer, before
        self.has_trained = before is not None and before.training is not None
        self.resumed = () if before is None else (*before.resumed, before.step)
        pieces, seconds = ((), 0.0) if before is None else (before.pieces, before.seconds.total)
        self._replay = Replay(limits.clock, pieces, seconds)
        self.offer()

    @property
    def stopped(self) -> bool:
        """Whether a callback or a signal has ended the run, in the first process."""
        return bool(agreed(self._is_stopped))

    @property
    def step(self) -> int:
        """Steps taken so far."""
        return len(self.history.step)

    @property
    def steps_left(self) -> float:
        return float("inf") if self.limits.steps is None else self.limits.steps - self.step

    @property
    def is_over(self) -> bool:
        """Whether time or steps are used up, or a callback has ended the run."""
        return self.limits.is_over or self.stopped or self.steps_left <= 0

    def lacks(self, seconds: float) -> bool:
        """Whether a step that takes these seconds can no longer begin."""
        return self.stopped or self.limits.seconds_left <= seconds

    @property
    def seconds(self) -> Seconds:
        """Where the time has gone so far."""
        return Seconds(self.limits.seconds(), **{**self._spent, "compile": self.compile_seconds})

    @property
    def compile_seconds(self) -> float:
        """Seconds of tracing and compiling so far."""
        return self._spent["compile"] + compile_seconds()

    @contextlib.contextmanager
    def timed(self, what: str) -> Generator[None, None, None]:
        """Time the context as "train" or "diagnostics", without its compilations."""
        began, compiled = self.limits.seconds(), self.compile_seconds
        try:
            yield
        finally:
            own = self.limits.seconds() - began - (self.compile_seconds - compiled)
            self.spend(what, max(own, 0.0))

    @contextlib.contextmanager
    def compiling(self) -> Generator[None, None, None]:
        """Time the context as the compilation of a phase."""
        for callback in self.callbacks:
            callback.activity("compiling")
        began = self.limits.seconds()
        yield
        self.longest_compilation = max(self.longest_compilation, self.limits.seconds() - began)

    def spend(self, what: str, seconds: float) -> None:
        """Add seconds to "compile", "train" or "diagnostics"."""
        self._spent[what] += seconds

    def prepare(self, start: Start) -> None:
        """Set the event whose problem and limits later announcements share (see `announce`)."""
        self._start = start

    def announce(self, phases: tuple[str, ...], parameters: int, points: dict[str, int]) -> None:
        """Tell callbacks that a network is about to be solved for or trained."""
        if self._start is None:
            return
        start = dataclasses.replace(self._start, phases=phases, parameters=parameters, points=dict(points))
        if start != self._start:
            self._start = start
            for callback in self.callbacks:
                callback.start(start)

    def recall(
        self,
        name: str,
        work: Callable[[], Result],
        pack: Callable[[Result], Arrays],
        unpack: Callable[[Arrays], Result],
    ) -> Result:
        """The result of a piece of work, done now or before the run was interrupted (see `Replay`)."""
        known = len(self._replay.pieces)
        result = self._replay.recall(name, work, pack, unpack)
        if len(self._replay.pieces) > known:
            self.offer()
        return result

    def offer(self, training: Training | None = None, finished: bool = False) -> None:
        """Offer the present state of the run to the checkpoint writer; of an interrupted run the last state is saved,
        from which it is resumed as if nothing had happened.
        """
        if self._writer is None and not is_shared():
            return
        seconds = self.seconds  # on which all processes agree, although only the first one writes
        if self._writer is None or self._replay.is_replaying:
            return
        if not self._is_interrupted:
            excerpt = Excerpt(self.history)
            state = RunState(seconds, self.resumed, self._replay.pieces, excerpt, training, finished)
            self._writer.offer(state)
        elif finished:
            self._writer.save_latest()

    def interrupt(self) -> None:
        """End the run after its present work; called from a signal handler."""
        self._is_stopped = self._is_interrupted = True

    def resume_training(self) -> Training | None:
        """Restore history and times of the interrupted run; its training state, None if training had not begun."""
        self._replay.finish()
        before, self._before = self._before, None
        if before is None or before.training is None:
            return None
        self.history = before.recorded.history
        self._spent = {name: getattr(before.seconds, name) for name in self._spent}
        self._spent["compile"] -= compile_seconds()
        self._phase_compiled = self.compile_seconds
        return before.training

    def phase(self, name: str) -> None:
        """Begin a phase, unless the last one has the same name."""
        if not self.history.phases or self.history.phases[-1].name != name:
            self._phase_compiled = self.compile_seconds
            self.history.phases.append(Stage(name, self.step, self.limits.seconds(), peak_memory_bytes()))
            self._covered = None

    def cover(self, covered: Covered) -> None:
        """Report with the next step how far time windows have come."""
        self._covered = covered

    def decide(self, decision: Decision) -> None:
        """Record a decision."""
        self.history.decisions.append(decision)

    def skip(self, work: str, needed: float, left: float) -> None:
        """Record that work is skipped, which needs more seconds than are left for it."""
        self.decide(SkippedWork(work, float(needed), float(left), self.limits.seconds()))

    def has_time(self, work: str, needed: float, left: float | None = None) -> bool:
        """Whether the seconds that work needs are left; if not, the work is recorded as skipped."""
        left = self.limits.seconds_left if left is None else left
        if needed > left:
            self.skip(work, needed, left)
        return needed <= left

    def reason_after(self, reason: StopReason) -> StopReason:
        """Why the run ends if its last part ended for this reason: the time budget if that cut anything short."""
        is_cut = bool(self.history.skipped_work) and reason in COULD_GO_ON
        return StopReason.BUDGET if is_cut else reason

    def add(self, steps: Sequence[OutputStep], validation_loss: float, missing_seconds: float = 0.0) -> None:
        """Record steps on the output layer, and the validation loss after them.

        Conditions that were not in their loss get NaN.

        - `missing_seconds`: what the next step would have needed, if time ended them.
        """
        if missing_seconds:
            self.skip("further Gauss-Newton steps", missing_seconds, self.limits.seconds_left)
        by_condition = lambda rows: {n: np.array([row.get(n, np.nan) for row in rows]) for n in self.history.conditions}
        self.history.append(
            self.step,
            {
                "loss": np.array([step.loss for step in steps]),
                "losses": by_condition([step.losses for step in steps]),
                "gradient_norm": np.array([step.gradient_norm for step in steps]),
                "learning_rate": np.full(len(steps), np.nan),
                "weights": by_condition([step.weights for step in steps]),
                "coefficients": {n: np.array([s.coefficients[n] for s in steps]) for n in self.history.coefficients},
            },
        )
        self._show(validation_loss, {})

    def check(self, check: Check, fraction: float | None = None) -> bool:
        """Record and report a check. **Returns:** whether a callback has ended the run.

        - `fraction`: the share of training that is over, if known.
        """
        self.history.checks.append(check)
        self._show(check.validation_loss, check.relative_l2, fraction)
        return self.stopped

    def diagnosed(self, record: Diagnostics) -> None:
        """Record and report a kernel snapshot."""
        self.history.diagnostics.append(record)
        for callback in self.callbacks:
            callback.diagnostics(record)

    def _show(self, validation_loss: float, relative_l2: dict[str, float], fraction: float | None = None) -> None:
        """Call the callbacks, any of which may end the run."""
        history, rate, seconds = self.history, self.history.learning_rate, self.limits.seconds()
        last = lambda columns: {name: float(column[-1]) for name, column in columns.items() if column.size}
        event = Progress(
            phase=history.phases[-1].name,
            step=self.step,
            fraction=self._over(fraction, seconds),
            seconds=seconds,
            steps_per_second=self._pace(seconds),
            loss=float(history.loss[-1]) if self.step else float("nan"),
            losses=last(history.losses),
            validation_loss=validation_loss,
            weights=last(history.weights),
            learning_rate=float(rate[-1]) if rate.size and not math.isnan(rate[-1]) else None,
            relative_l2=relative_l2,
            coefficients=last(history.coefficients),
            covered=self._covered,
        )
        if any([callback.progress(event) for callback in self.callbacks]):  # during which a signal may arrive
            self._is_stopped = True

    def _over(self, trained: float | None, seconds: float) -> float | None:
        """The share of the run that is over, which never falls; None without limits to compute it from."""
        if trained is None:
            fraction = self._without_training(seconds)
            self._fraction_before = fraction or 0.0
        else:
            before = min(self._fraction_before, 1.0)
            fraction = before + (1 - before) * trained
        if fraction is None:
            return None
        self._fraction = min(max(fraction, self._fraction), 1.0)
        return self._fraction

    def _without_training(self, seconds: float) -> float | None:
        """The share of the budget that is used, else of the time that windows cover; None without either."""
        if self.limits.budget is not None:
            return seconds / self.limits.budget
        return None if self._covered is None else self._covered.share

    def _pace(self, seconds: float) -> float:
        """Steps per second in the present phase, compilation not counted."""
        stage = self.history.phases[-1]
        own = seconds - stage.seconds - (self.compile_seconds - self._phase_compiled)
        return (self.step - stage.step) / max(own, 1e-9)
