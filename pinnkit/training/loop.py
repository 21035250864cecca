"""The loop and nothing else: phases, stretches of compiled steps, looks from outside, and when to stop."""

import dataclasses
import hashlib
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import msgspec
import numpy as np
from jaxtyping import Array

from .._base.compilation import Stopwatch
from .._base.types import Params, Scalar, Weights
from ..diagnostics.diagnostician import Diagnostician, NotFiniteError
from ..diagnostics.evaluation import Measure
from ..diagnostics.nonfinite import find_fault
from ..residuals.functions import ResidualFunctions
from ..residuals.loss import mean_weights, total_loss
from ..runs.decisions import KeptStep, MissedSnapshot
from ..runs.events import Check
from ..runs.history import History
from ..runs.recorder import Recorder
from ..runs.resume.packing import is_key, unpacked
from ..runs.resume.state import ANY_PROGRAM, Place, Training
from ..runs.stop_reason import StopReason
from ..runs.storage.atomic_files import RunFolderError
from ..samplers.sampler import batch_of
from ..weighting.rule import AbstractWeighting
from .phase import Phase
from .schedule import Limit, Pace, Stretch, fraction_of, limit_of, next_stretch, normalised
from .state import StepInfo, TrainState
from .step import numbers, points_and_weights, take_step
from .strategy import Strategy

ENDS_A_PHASE = (StopReason.STEPS, StopReason.STALLED, StopReason.BUDGET)
"""After these the next phase begins; after others, training is over."""

FINAL_CHECKS = 3
"""What is evaluated at the end takes as long as so many checks."""

LOOKS = 0.05
"""Share of the time left that a look at the kernel between steps may take."""

LESS = 0.9
"""A validation loss counts as smaller below this share of another."""


class _Best(NamedTuple):
    """The look from outside that saw the smallest validation loss, its number, and the parameters it saw."""

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

    - `measure`: validation residuals and errors from parameters;
    - `diagnostician`: takes spectra;
    - `recorder`: what was recorded before, and when to stop.
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
        self._look_seconds = 0.0
        self._horizon = max(recorder.limits.steps or sum(phase.steps for phase in strategy.phases), 1)

    @property
    def history(self) -> History:
        return self._recorder.history

    def run(self, state: TrainState) -> Outcome:
        """Train from `state`, or from where an interrupted run stood, to the end."""
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
        """Where training goes on, from its first state."""
        before = self._recorder.resume_training()
        if before is None:
            return state, Place(self._limits.seconds(), phase=-1, reason=StopReason.STEPS)
        place, phase = before.place, self._phases[before.place.phase]
        restored = unpacked(jax.tree.leaves(before.state), _enter(phase, self._residuals, state))
        if place.kept is not None:
            self._best = _Best(
                place.kept, self.history.checks[place.kept], unpacked(jax.tree.leaves(before.kept), state.params)
            )
        self._diagnostician.remember(before.memory, self.history.diagnostics)
        return restored, place

    def _offer(self, state: TrainState, place: Place, finished: bool = False) -> None:
        """The run can be saved at this place."""
        best = self._best
        if best is not None:
            place = msgspec.structs.replace(place, kept=best.number)
        kept = None if best is None else best.params
        self._recorder.offer(Training(place, state, kept, self._diagnostician.memory), finished)

    def _limit(self, number: int, began: float, first: int) -> Limit:
        """Of a phase that begins at step `first`."""
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
        """At the first step of a phase."""
        phase, entered = self._phases[number], self._limits.seconds()
        state = _enter(phase, self._residuals, state)
        self._recorder.phase(phase.name)
        self._diagnose(state, phase)
        first = int(state.step)
        return state, Place(began, number, first, best_at=first, entered=entered)

    def _run_phase(self, state: TrainState, place: Place) -> tuple[TrainState, Place]:
        """Train until the phase is over; the place then says why."""
        phase = self._phases[place.phase]
        stretch, program = self._compile(phase, state)
        if place.program not in ("", ANY_PROGRAM, program):
            raise RunFolderError(
                "the run to resume took other steps: it had other equations, another network or optimizer"
            )
        place, pace = msgspec.structs.replace(place, program=program), None
        while place.reason is None:
            done, limit = int(state.step) - place.first, self._limit(place.phase, place.began, place.first)
            planned = _diagnostic_steps(phase, limit.steps)
            now = self._limits.seconds()
            coming = next_stretch(limit, done, now, pace, phase.check_every, planned)
            if isinstance(coming, StopReason):
                return state, msgspec.structs.replace(place, reason=coming)
            self._offer(state, place)
            progress = fraction_of(limit, done, place.entered, now)
            began, compiled = self._limits.seconds(), self._recorder.compile_seconds
            with self._recorder.timed("train"):
                state, infos, alive = stretch(state, coming.length, progress, (1 - progress) / coming.remaining)
                infos = jax.tree.map(np.asarray, infos)
            taken, ended = int(state.step) - place.first - done, self._limits.seconds()
            self._record(place.first + done, infos, taken)
            if not alive:
                return state, _not_finite(place, self._fault(phase, state))
            state, place = self._checked(state, place, infos, taken, limit)
            compiled = self._recorder.compile_seconds - compiled
            pace = Pace((ended - began) / taken, max(self._limits.seconds() - ended - compiled, 0.0))
            self._limits.keep("the final figures", FINAL_CHECKS * pace.check)
            if place.reason is None and done + taken in planned and self._can_look():
                self._diagnose(state, phase)
        return state, place

    def _checked(
        self, state: TrainState, place: Place, infos: StepInfo, taken: int, limit: Limit
    ) -> tuple[TrainState, Place]:
        """After a stretch: a look from outside, and whether it ends the phase."""
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
        """What was not finite in the step that was refused."""
        look = jax.jit(lambda state: points_and_weights(phase, self._residuals, self._sampler, state)[:2])
        batch, weights = look(dataclasses.replace(state, params=state.previous))
        fault = find_fault(self._residuals, state.previous, batch, weights)
        return f"{fault or 'what the optimizer makes of the gradient'}, at step {int(state.step)}"

    def _stop_reason(self, phase: Phase, check: Check, best_at: int) -> StopReason | None:
        """Why a phase ends before its steps and its time are up, if it does."""
        if self._limits.target is not None and check.validation_loss <= self._limits.target:
            return StopReason.TARGET
        if phase.patience is not None and check.step - best_at >= phase.patience:
            return StopReason.STALLED
        return None

    def _compile(self, phase: Phase, state: TrainState) -> tuple[Callable, str]:
        """A stretch of steps, and a sum of the program that takes them."""
        one = lambda state, progress: take_step(phase, self._residuals, self._sampler, state, progress)
        step = jax.jit(one, inline=True)  # traced once, though its shapes are asked for first
        stretch = jax.jit(lambda *args: _stretch(step, phase.check_every, *args))
        with self._recorder.compiling():
            lowered = stretch.lower(state, 0, 0.0, 0.0)
            return lowered.compile(), hashlib.sha256(lowered.as_text().encode()).hexdigest()

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
        """The state, with the parameters of least validation loss where the last are not as good, and the step they
        were taken at.
        """
        if self._best is None:
            return state, int(state.step)
        check, last = self._best.check, self.history.checks[-1]
        best, left = (total_loss(each.validation_losses, numbers(state)) for each in (check, last))
        if last.step == int(state.step) and left <= best / LESS:
            return state, last.step
        last_loss = None if last is check else left
        self._recorder.decide(KeptStep(check.step, best, last.step, last_loss))
        records = self.history.diagnostics
        self.history.diagnostics = [record for record in records if record.step < int(state.step)]
        return dataclasses.replace(state, params=self._best.params), check.step

    def _can_look(self) -> bool:
        """Whether a look at the kernel between steps costs little of the time that is left."""
        return self._look_seconds <= LOOKS * self._limits.seconds_left

    def _diagnose(self, state: TrainState, phase: Phase, is_last_step: bool = True) -> None:
        """Look at the kernel; a theory is checked where the parameters are those of the last step."""
        records, step = self.history.diagnostics, int(state.step)
        if records and records[-1].step == step:
            return  # a phase starts where the last one ended
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
        self._look_seconds = watch.own
        self._limits.keep("the last kernel snapshot", self._look_seconds)


def _not_finite(place: Place, detail: str) -> Place:
    return msgspec.structs.replace(place, reason=StopReason.NOT_FINITE, detail=detail)


def _stretch(
    step: Callable, length: int, state: TrainState, count: Array, start: Scalar, pace: Scalar
) -> tuple[TrainState, StepInfo, Array]:
    """Up to `count` of at most `length` steps; one that is not finite is the last: the state is then that before it,
    with the parameters it was taken from in `previous`.
    """
    blank = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(step, state, start)[1])

    def body(carry: tuple[TrainState, Array], i: Array) -> tuple[tuple[TrainState, Array], StepInfo]:
        state, alive = carry
        state, info = jax.lax.cond(alive & (i < count), lambda: step(state, start + i * pace), lambda: (state, blank))
        return (state, alive & (info.finite | (i >= count))), info

    (state, alive), infos = jax.lax.scan(body, (state, jnp.asarray(True)), jnp.arange(length))
    return state, infos, alive


def _enter(phase: Phase, residuals: ResidualFunctions, state: TrainState) -> TrainState:
    """The state with fresh optimizer, weighting and rate for a phase."""
    key, rate_key = jr.split(state.key)
    weights, weighting_state = _first_weights(phase.weighting, residuals, state)
    entered = dataclasses.replace(
        state,
        previous=state.params,
        opt_state=phase.optimizer.init(state.params),
        weights=weights,
        weighting_state=weighting_state,
        rate_state=() if phase.learning_rate is None else phase.learning_rate.init(state.params, rate_key),
        key=key,
    )
    return jax.tree.map(lambda leaf: leaf if is_key(leaf) else jax.lax.convert_element_type(leaf, leaf.dtype), entered)


def _first_weights(
    weighting: AbstractWeighting | None, residuals: ResidualFunctions, state: TrainState
) -> tuple[Weights, Any]:
    """The means of those before, in the shape that the rule gives them, and the rule's state."""
    weights = mean_weights(state.weights)
    if weighting is None:
        return weights, ()
    batch = batch_of(residuals.problem, state.layouts)
    if weighting.per_point:
        weights = {name: jnp.broadcast_to(weight, len(batch[name])) for name, weight in weights.items()}
    return weights, weighting.init(residuals, batch, weights)


def _diagnostic_steps(phase: Phase, steps: int | None) -> tuple[int, ...]:
    """Steps at which to look at the kernel: it moves most at first. Twice as many where theory is checked."""
    per_decade = 4 if phase.has_theory else 2
    geometric = [round(10 * 10 ** (k / per_decade)) for k in range(6 * per_decade)]
    return tuple(step for step in geometric if steps is None or step < 0.8 * steps)
