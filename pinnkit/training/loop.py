"""The training loop: phases, stretches of compiled steps, checks on validation points, and when to stop."""

import dataclasses
import hashlib
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import msgspec
import numpy as np

from .._base.compilation import Stopwatch
from .._base.devices import jit_same, on_host, shards
from .._base.types import Params
from ..diagnostics.diagnostician import Diagnostician, NotFiniteError
from ..diagnostics.evaluation import Measure
from ..diagnostics.nonfinite import find_fault
from ..residuals.functions import ResidualFunctions
from ..residuals.loss import total_loss
from ..runs.decisions import KeptStep, MissedSnapshot
from ..runs.events import Check
from ..runs.history import History
from ..runs.recorder import Recorder
from ..runs.resume.packing import unpacked
from ..runs.resume.state import ANY_PROGRAM, Place, Training
from ..runs.stop_reason import StopReason
from ..runs.storage.atomic_files import RunFolderError
from .phase import Phase
from .phase_start import enter_phase
from .schedule import Limit, Pace, Stretch, fraction_of, limit_of, next_stretch, normalised, snapshot_steps
from .state import StepInfo, TrainState
from .step import numbers, points_and_weights, take_step, take_steps
from .strategy import Strategy

ENDS_A_PHASE = (StopReason.STEPS, StopReason.STALLED, StopReason.BUDGET)
"""After these the next phase begins; after others, training is over."""

FINAL_CHECKS = 3
"""The final evaluation takes as long as this number of checks."""

SNAPSHOT_SHARE = 0.05
"""Share of the remaining time that a kernel snapshot between steps may take."""

LESS = 0.9
"""A validation loss counts as smaller than another below this share of it."""


class _Best(NamedTuple):
    """The check with the smallest validation loss, its number, and its parameters."""

    number: int
    check: Check
    params: Params


class Outcome(NamedTuple):
    """How the loop ended; the parameters are those after `kept_step` steps."""

    state: TrainState
    kept_step: int
    stop_reason: StopReason
    stop_detail: str | None


class Trainer:
    """Runs the phases of a strategy.

    - `measure`: evaluates parameters on validation points;
    - `diagnostician`: takes kernel snapshots;
    - `recorder`: records the run, and knows its limits.
    """

    def __init__(
        self,
        residuals: ResidualFunctions,
        strategy: Strategy,
        measure: Measure,
        diagnostician: Diagnostician,
        recorder: Recorder,
    ):
        self._residuals, self._phases, self._sampler = residuals, strategy.phases, strategy.sampler
        self._measure, self._diagnostician, self._recorder = measure, diagnostician, recorder
        self._limits, self._shares = recorder.limits, normalised([phase.share for phase in strategy.phases])
        self._best: _Best | None = None
        self._snapshot_seconds = 0.0
        self._horizon = max(recorder.limits.steps or sum(phase.steps for phase in strategy.phases), 1)

    @property
    def history(self) -> History:
        return self._recorder.history

    def run(self, state: TrainState) -> Outcome:
        """Train from `state`, or from the state of an interrupted run, to the end."""
        state, place = self._resumed(state)
        if place.reason is None:
            state, place = self._run_phase(state, place)
        while isinstance(following := self._following(state, place), int):
            if place.phase >= 0:
                self._offer(state, place)
            state, place = self._run_phase(*self._entered(following, state, place.began))
        if place.phase < 0:  # there is no time for a step, or none is wanted
            state, place = self._entered(0, state, place.began)
        place = msgspec.structs.replace(place, reason=following)
        self._offer(state, place, finished=True)
        state, kept_step = self._kept(state)
        self._diagnose(state, self._phases[place.phase], is_last_step=kept_step == int(state.step))
        return Outcome(state, kept_step, following, place.detail)

    def _resumed(self, state: TrainState) -> tuple[TrainState, Place]:
        """The state and place at which training continues, from its initial state."""
        before = self._recorder.resume_training()
        if before is None:
            return state, Place(self._limits.seconds(), phase=-1, reason=StopReason.STEPS)
        place, phase = before.place, self._phases[before.place.phase]
        restored = unpacked(jax.tree.leaves(before.state), enter_phase(phase, self._residuals, state))
        if place.kept is not None:
            self._best = _Best(
                place.kept, self.history.checks[place.kept], unpacked(jax.tree.leaves(before.kept), state.params)
            )
        self._diagnostician.remember(before.memory, self.history.diagnostics)
        return restored, place

    def _offer(self, state: TrainState, place: Place, finished: bool = False) -> None:
        """Offer this state to the checkpoint writer."""
        best = self._best
        if best is not None:
            place = msgspec.structs.replace(place, kept=best.number)
        kept = None if best is None else best.params
        self._recorder.offer(Training(place, state, kept, self._diagnostician.memory), finished)

    def _limit(self, number: int, began: float, first: int) -> Limit:
        """The limit of a phase that begins at step `first`."""
        return limit_of(
            number,
            self._shares,
            [phase.steps for phase in self._phases],
            steps=self._limits.steps,
            taken=first,
            began=began,
            end=self._limits.end,
        )

    def _following(self, state: TrainState, place: Place) -> int | StopReason:
        """The next phase that can begin, or why training is over."""
        reason = place.reason
        assert reason is not None  # noqa: S101  a phase that is over has one
        if reason not in ENDS_A_PHASE:
            return reason
        for number in range(place.phase + 1, len(self._phases)):
            limit, now = self._limit(number, place.began, int(state.step)), self._limits.seconds()
            coming = next_stretch(limit, 0, now, None, 1)
            if isinstance(coming, Stretch):
                compiling = self._recorder.longest_compilation
                if self._recorder.has_time(f"phase {self._phases[number].name}", compiling, limit.deadline - now):
                    return number
                coming = StopReason.BUDGET
            if self._shares[number] > 0:
                reason = coming
        return reason

    def _entered(self, number: int, state: TrainState, began: float) -> tuple[TrainState, Place]:
        """The state at the first step of a phase, after a kernel snapshot."""
        phase, entered = self._phases[number], self._limits.seconds()
        state = enter_phase(phase, self._residuals, state)
        self._recorder.phase(phase.name)
        self._diagnose(state, phase)
        first = int(state.step)
        return state, Place(began, number, first, best_at=first, entered=entered)

    def _run_phase(self, state: TrainState, place: Place) -> tuple[TrainState, Place]:
        """Train until the phase is over; the place then has the reason."""
        phase, pace = self._phases[place.phase], None
        take, program = self._compile(phase, state)
        is_comparable = place.program.rpartition("/")[2] == program.rpartition("/")[2]  # of as many devices
        if place.program not in ("", ANY_PROGRAM, program) and is_comparable:
            raise RunFolderError(
                "the run to resume took other steps: it had other equations, another network or optimizer"
            )
        place = msgspec.structs.replace(place, program=program)
        while place.reason is None:
            done, now = int(state.step) - place.first, self._limits.seconds()
            limit = self._limit(place.phase, place.began, place.first)
            snapshots = snapshot_steps(limit.steps, phase.has_theory)
            coming = next_stretch(limit, done, now, pace, phase.check_every, snapshots)
            if isinstance(coming, StopReason):
                return state, msgspec.structs.replace(place, reason=coming)
            self._offer(state, place)
            progress = fraction_of(limit, done, place.entered, now)
            state, place, pace = self._advance(take, state, place, coming, progress, limit)
            if place.reason is None and int(state.step) - place.first in snapshots and self._can_diagnose():
                self._diagnose(state, phase)
        return state, place

    def _advance(
        self, take: Callable[..., Any], state: TrainState, place: Place, stretch: Stretch, progress: float, limit: Limit
    ) -> tuple[TrainState, Place, Pace | None]:
        """Take a stretch of steps and check the parameters after it; the pace is None if a step was not finite."""
        began, compiled, first = self._limits.seconds(), self._recorder.compile_seconds, int(state.step)
        with self._recorder.timed("train"):
            state, infos, alive = take(state, stretch.length, progress, (1 - progress) / stretch.remaining)
            infos = on_host(infos)
        taken, ended = int(state.step) - first, self._limits.seconds()
        self._record(first, infos, taken)
        if not alive:
            return state, _not_finite(place, self._fault(self._phases[place.phase], state)), None
        state, place = self._checked(state, place, infos, taken, limit)
        compiled = self._recorder.compile_seconds - compiled
        pace = Pace((ended - began) / taken, max(self._limits.seconds() - ended - compiled, 0.0))
        self._limits.keep("the final figures", FINAL_CHECKS * pace.check)
        return state, place, pace

    def _checked(
        self, state: TrainState, place: Place, infos: StepInfo, taken: int, limit: Limit
    ) -> tuple[TrainState, Place]:
        """Check the parameters after a stretch, and whether that ends the phase."""
        phase = self._phases[place.phase]
        check = self._check(state, infos.weights, taken)
        if not math.isfinite(check.validation_loss):
            fault = self._measure.fault(state.params) or "validation loss"
            state = dataclasses.replace(state, params=state.previous)
            return state, _not_finite(place, f"{fault}, at step {check.step}")
        if self._best is None or check.validation_loss < total_loss(self._best.check.validation_losses, numbers(state)):
            self._best = _Best(len(self.history.checks), check, state.params)
        if place.best is None or check.validation_loss < LESS * place.best:
            place = msgspec.structs.replace(place, best=check.validation_loss, best_at=check.step)
        within = fraction_of(limit, check.step - place.first, place.entered, check.seconds)
        over = sum(self._shares[: place.phase]) + self._shares[place.phase] * within
        is_stopped = self._recorder.check(check, over)
        reason = StopReason.INTERRUPTED if is_stopped else self._stop_reason(phase, check, place.best_at)
        return state, msgspec.structs.replace(place, reason=reason)

    def _fault(self, phase: Phase, state: TrainState) -> str:
        """What was not finite in the rejected step."""
        evaluate = jax.jit(lambda state: points_and_weights(phase, self._residuals, self._sampler, state)[:2])
        batch, weights = evaluate(dataclasses.replace(state, params=state.previous))
        fault = find_fault(self._residuals, state.previous, batch, weights)
        return f"{fault or 'the update of the optimizer'}, at step {int(state.step)}"

    def _stop_reason(self, phase: Phase, check: Check, best_at: int) -> StopReason | None:
        """Why a phase ends before its steps and its time are used up, None if it does not."""
        if self._limits.target is not None and check.validation_loss <= self._limits.target:
            return StopReason.TARGET
        if phase.patience is not None and check.step - best_at >= phase.patience:
            return StopReason.STALLED
        return None

    def _compile(self, phase: Phase, state: TrainState) -> tuple[Callable[..., Any], str]:
        """The compiled stretch of steps, and a hash of its program with the number of devices."""
        one = lambda state, progress: take_step(phase, self._residuals, self._sampler, state, progress)
        step = jax.jit(one, inline=True)  # traced once, although its shapes are needed first
        stretch = jit_same(lambda *args: take_steps(step, phase.check_every, *args))
        with self._recorder.compiling():
            lowered = stretch.lower(state, 0, 0.0, 0.0)
            return lowered.compile(), f"{hashlib.sha256(lowered.as_text().encode()).hexdigest()}/{shards()}"

    def _record(self, first: int, infos: StepInfo, taken: int) -> None:
        kept = jax.tree.map(lambda column: column[:taken], infos)
        self.history.append(first, {f.name: getattr(kept, f.name) for f in dataclasses.fields(kept)})

    def _check(self, state: TrainState, weights: Mapping[str, Any], taken: int) -> Check:
        with self._recorder.timed("diagnostics"):
            validation_losses, errors = (
                self._measure.validation_losses(state.params),
                self._measure.errors(state.params),
            )
        final = {name: float(column[taken - 1]) for name, column in weights.items()}
        trained = {name: validation_losses[name] for name in final}
        return Check(int(state.step), self._limits.seconds(), total_loss(trained, final), trained, errors.relative_l2)

    def _kept(self, state: TrainState) -> tuple[TrainState, int]:
        """The state, with the parameters of the smallest validation loss if the last ones are worse, and their step."""
        if self._best is None:
            return state, int(state.step)
        check, last = self._best.check, self.history.checks[-1]
        best, left = (total_loss(each.validation_losses, numbers(state)) for each in (check, last))
        if last.step == int(state.step) and left <= best / LESS:
            return state, last.step
        last_loss = None if last is check else left  # what came after the last check was not finite
        self._recorder.decide(
            KeptStep(check.step, best, last.step if last is not check else int(state.step), last_loss)
        )
        records = self.history.diagnostics
        self.history.diagnostics = [record for record in records if record.step < int(state.step)]
        return dataclasses.replace(state, params=self._best.params), check.step

    def _can_diagnose(self) -> bool:
        """Whether a kernel snapshot between steps costs little of the remaining time."""
        return self._snapshot_seconds <= SNAPSHOT_SHARE * self._limits.seconds_left

    def _diagnose(self, state: TrainState, phase: Phase, is_last_step: bool = True) -> None:
        """Take a kernel snapshot; linear theory is checked if the parameters are those of the last step."""
        records, step = self.history.diagnostics, int(state.step)
        if records and records[-1].step == step:
            return  # that of the end of the phase before
        rates = None
        if is_last_step and records and records[-1].phase == phase.name:
            taken = self.history.step >= records[-1].step
            rates = self.history.learning_rate[taken]
        watch = Stopwatch()
        with self._recorder.timed("diagnostics"):
            try:
                record = self._diagnostician(
                    jax.tree.map(np.asarray, state.params),
                    numbers(state),
                    step=step,
                    phase=phase.name,
                    horizon=self._horizon,
                    preconditioner=phase.preconditioner(state.opt_state),
                    learning_rates=rates,
                )
            except NotFiniteError as error:
                if not records:  # and no step was taken yet
                    raise
                self._recorder.decide(MissedSnapshot(step, str(error)))
            else:
                self._recorder.diagnosed(record)
        self._snapshot_seconds = watch.own
        self._limits.keep("the last kernel snapshot", self._snapshot_seconds)


def _not_finite(place: Place, detail: str) -> Place:
    return msgspec.structs.replace(place, reason=StopReason.NOT_FINITE, detail=detail)
