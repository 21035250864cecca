"""The loop and nothing else: phases, stretches of compiled steps, looks from outside, and when to stop."""

import dataclasses
import hashlib
import math
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import msgspec
import numpy as np
import optax
from jaxtyping import Array

from ._types import Params, Scalar, Weights
from .callbacks import Progress
from .diagnostics import Diagnostician, NotFiniteError
from .faults import find_fault
from .files import RunFolderError
from .gauss_newton import LeastSquares
from .history import History
from .journal import Journal
from .learning_rate import StepContext
from .linearization import linearize_for_solving
from .measure import Measure
from .moment import ANY_PROGRAM, Place, Training
from .records import Check
from .residuals import Batch, ResidualFunctions, mean_weights, total_loss
from .samplers import AbstractSampler, batch_of
from .state import StepInfo, TrainState, is_key, unpacked
from .stop_reason import StopReason
from .strategies import Phase, Strategy, no_theory
from .weighting import AbstractWeighting, renewed

LESS = 0.9
"""A held-out loss counts as smaller below this share of another."""


class _Best(NamedTuple):
    """The look from outside that saw the smallest held-out loss, its number, and the parameters it saw."""

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

    - `measure`: held-out residuals and errors from parameters;
    - `diagnostician`: takes spectra;
    - `journal`: what was recorded before, and when to stop.
    """

    def __init__(
        self,
        residuals: ResidualFunctions,
        strategy: Strategy,
        measure: Measure,
        diagnostician: Diagnostician,
        journal: Journal,
    ):
        self._residuals, self._strategy, self._limits = residuals, strategy, journal.limits
        self._measure, self._diagnostician, self._journal = measure, diagnostician, journal
        self._best: _Best | None = None
        self._horizon = max(journal.limits.steps or sum(phase.steps for phase in strategy.phases), 1)

    @property
    def history(self) -> History:
        return self._journal.history

    def run(self, state: TrainState) -> Outcome:
        """Train from `state`, or from where an interrupted run stood, to the end."""
        phases = self._strategy.phases
        state, place = self._resumed(state)
        while True:
            if place.reason is None:
                state, place = self._run_phase(state, place)
            is_over = (
                place.reason not in (StopReason.STEPS, StopReason.STALLED, StopReason.BUDGET)
                or place.phase == len(phases) - 1
            )
            is_over |= place.reason is StopReason.BUDGET and self._limits.is_over
            self._offer(state, place, finished=is_over)
            if is_over:
                break
            place = Place(place.began, place.phase + 1, int(state.step))
        state, kept_step = self._kept(state)
        self._diagnose(state, phases[place.phase], is_last_step=kept_step == int(state.step))
        assert place.reason is not None  # noqa: S101  a phase that is over has one
        return Outcome(state, kept_step, place.reason, place.detail)

    def _resumed(self, state: TrainState) -> tuple[TrainState, Place]:
        """Where training goes on, from its first state."""
        before = self._journal.resume_training()
        if before is None:
            return state, Place(self._limits.seconds())
        place, phase = before.place, self._strategy.phases[before.place.phase]
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
        self._journal.offer(Training(place, state, kept, self._diagnostician.memory), finished)

    def _steps_of(self, phase: Phase, done: int, is_last: bool) -> int | None:
        """Steps of a phase; None where only time limits it."""
        total = self._limits.steps
        if is_last:
            return total - done if total is not None else phase.steps if self._limits.budget is None else None
        return phase.steps if total is None else min(phase.steps, round(phase.share * total))

    def _deadline(self, place: Place) -> float:
        """Seconds on the clock at which a phase has used its share of what was left for training."""
        if self._limits.budget is None:
            return math.inf
        is_last = place.phase == len(self._strategy.phases) - 1
        share = 1 if is_last else sum(p.share for p in self._strategy.phases[: place.phase + 1])
        return place.began + share * (self._limits.budget - place.began)

    def _run_phase(self, state: TrainState, place: Place) -> tuple[TrainState, Place]:
        """Train until the phase is over; the place then says why."""
        phase, is_last = self._strategy.phases[place.phase], place.phase == len(self._strategy.phases) - 1
        over = lambda reason, detail=None: msgspec.structs.replace(place, reason=reason, detail=detail)
        is_new = not place.program
        if is_new:
            state, place = self._entered(phase, state, place)
        first, deadline = place.first, self._deadline(place)
        assert first is not None  # noqa: S101  since it is entered
        steps = self._steps_of(phase, first, is_last)
        if steps == 0:
            return state, over(StopReason.STEPS)
        (stretch, program), planned = self._compile(phase, state), _diagnostic_steps(phase, steps)
        if place.program not in ("", ANY_PROGRAM, program):
            raise RunFolderError(
                "the run to resume took other steps: it had other equations, another network or optimizer"
            )
        place = msgspec.structs.replace(place, program=program)
        pace = None
        while count := self._count(phase, int(state.step) - first, steps, planned, pace, deadline):
            self._offer(state, place)
            done = int(state.step) - first
            began = time.perf_counter()
            total = self._estimated_steps(done, steps, pace, deadline)
            state, infos, alive = stretch(state, count, done / total, 1 / total)
            infos = jax.tree.map(np.asarray, infos)
            taken = int(state.step) - first - done
            elapsed = time.perf_counter() - began
            self._journal.train_seconds += elapsed
            pace = elapsed / max(taken, 1)
            self._record(first + done, infos, taken)
            if not alive:
                return state, over(StopReason.NOT_FINITE, self._fault(phase, state))
            check = self._check(state, infos.weights, taken)
            if not math.isfinite(check.held_out_loss):
                fault = self._measure.fault(state.params) or "held-out loss"
                state = dataclasses.replace(state, params=state.previous)
                return state, over(StopReason.NOT_FINITE, f"{fault}, at step {check.step}")
            self.history.checks.append(check)
            if self._best is None or check.held_out_loss < total_loss(self._best.check.held_out, _numbers(state)):
                self._best = _Best(len(self.history.checks) - 1, check, state.params)
            if place.best is None or check.held_out_loss < LESS * place.best:
                place = msgspec.structs.replace(place, best=check.held_out_loss, best_at=int(state.step))
            is_stopped = self._report(phase, infos, taken, check, (done + taken) / total, pace)
            if is_stopped:
                return state, over(StopReason.INTERRUPTED)
            if reason := self._stop_reason(phase, check, place.best_at, deadline):
                return state, over(reason)
            if done + taken in planned:
                self._diagnose(state, phase)
        return state, over(StopReason.STEPS)

    def _entered(self, phase: Phase, state: TrainState, place: Place) -> tuple[TrainState, Place]:
        """At the first step of a phase."""
        state = _enter(phase, self._residuals, state)
        self._journal.phase(phase.name)
        self._diagnose(state, phase)
        return state, msgspec.structs.replace(place, first=int(state.step), best_at=int(state.step))

    def _fault(self, phase: Phase, state: TrainState) -> str:
        """What was not finite in the step that was refused."""
        look = jax.jit(lambda state: _points_and_weights(phase, self._residuals, self._strategy.sampler, state)[:2])
        batch, weights = look(dataclasses.replace(state, params=state.previous))
        fault = find_fault(self._residuals, state.previous, batch, weights)
        return f"{fault or 'what the optimizer makes of the gradient'}, at step {int(state.step)}"

    def _stop_reason(self, phase: Phase, check: Check, best_at: int, deadline: float) -> StopReason | None:
        """Why a phase ends before its steps are up, if it does."""
        if self._limits.target is not None and check.held_out_loss <= self._limits.target:
            return StopReason.TARGET
        if phase.patience is not None and check.step - best_at >= phase.patience:
            return StopReason.STALLED
        return StopReason.BUDGET if self._limits.seconds() >= deadline else None

    def _compile(self, phase: Phase, state: TrainState) -> tuple[Callable, str]:
        """A stretch of steps, and a sum of the program that takes them."""
        began = time.perf_counter()
        sampler = self._strategy.sampler
        one = lambda state, progress: take_step(phase, self._residuals, sampler, state, progress)
        step = jax.jit(one, inline=True)  # traced once, though its shapes are asked for first
        stretch = jax.jit(lambda *args: _stretch(step, phase.check_every, *args))
        lowered = stretch.lower(state, 0, 0.0, 0.0)
        compiled, program = lowered.compile(), hashlib.sha256(lowered.as_text().encode()).hexdigest()
        self._journal.compile_seconds += time.perf_counter() - began
        return compiled, program

    def _count(
        self,
        phase: Phase,
        done: int,
        steps: int | None,
        planned: Iterable[int],
        pace: float | None,
        deadline: float,
    ) -> int:
        """Length of the next stretch: up to the next look, the end, or what time is left."""
        count = phase.check_every if steps is None else min(phase.check_every, steps - done)
        count = min([count, *(step - done for step in planned if step > done)])
        if deadline < math.inf and count:
            left = deadline - self._limits.seconds()
            count = max(1, min(count, 10 if pace is None else int(left / pace)))
        return count

    def _estimated_steps(self, done: int, steps: int | None, pace: float | None, deadline: float) -> float:
        by_time = done + max(deadline - self._limits.seconds(), 0) / pace if pace else math.inf
        known = math.inf if steps is None else steps
        total = min(known, by_time)
        return float(max(total if total < math.inf else 10 * (done + 100), done + 1))

    def _record(self, first: int, infos: StepInfo, taken: int) -> None:
        kept = jax.tree.map(lambda column: column[:taken], infos)
        self.history.append(first, {f.name: getattr(kept, f.name) for f in dataclasses.fields(kept)})

    def _check(self, state: TrainState, weights: dict[str, np.ndarray], taken: int) -> Check:
        held_out, errors = self._measure.held_out(state.params), self._measure.errors(state.params)
        final = {name: float(column[taken - 1]) for name, column in weights.items()}
        trained = {name: held_out[name] for name in final}
        return Check(int(state.step), self._limits.seconds(), total_loss(trained, final), trained, errors.relative_l2)

    def _kept(self, state: TrainState) -> tuple[TrainState, int]:
        """The state, with the parameters that left least on held-out points where those of the end are not as good, and
        the step of the parameters.
        """
        if self._best is None:
            return state, int(state.step)
        check, last = self._best.check, self.history.checks[-1]
        best, left = (total_loss(each.held_out, _numbers(state)) for each in (check, last))
        if last.step == int(state.step) and left <= best / LESS:
            return state, last.step
        other = f"those of step {last.step} leave {left:.2e}" if last is not check else "what came then is not finite"
        self._journal.decide(f"kept: the parameters of step {check.step}, held-out loss {best:.2e}; {other}")
        records = self.history.diagnostics
        self.history.diagnostics = [record for record in records if record.step < int(state.step)]
        return dataclasses.replace(state, params=self._best.params), check.step

    def _diagnose(self, state: TrainState, phase: Phase, is_last_step: bool = True) -> None:
        """Look at the kernel; a theory is checked where the parameters are those of the last step."""
        records, step = self.history.diagnostics, int(state.step)
        if records and records[-1].step == step:
            return  # a phase starts where the last one ended
        began = time.perf_counter()
        rates = None
        if is_last_step and records and records[-1].phase == phase.name:
            taken = self.history.step >= records[-1].step
            rates = self.history.learning_rate[taken]
        try:
            record = self._diagnostician(
                jax.tree.map(np.asarray, state.params),
                _numbers(state),
                step=step,
                phase=phase.name,
                horizon=self._horizon,
                preconditioner=phase.preconditioned(state.opt_state),
                learning_rates=rates,
            )
        except NotFiniteError as error:
            if not records:  # and no step was taken yet
                raise
            self._journal.decide(f"no look at the kernel at step {step}: {error}")
        else:
            self._journal.diagnosed(record)
        self._journal.diagnostics_seconds += time.perf_counter() - began

    def _report(self, phase: Phase, infos: StepInfo, taken: int, check: Check, fraction: float, pace: float) -> bool:
        rate = float(infos.learning_rate[taken - 1])
        event = Progress(
            phase=phase.name,
            step=check.step,
            fraction=min(fraction, 1.0),
            seconds=check.seconds,
            steps_per_second=1 / max(pace, 1e-9),
            loss=float(infos.loss[taken - 1]),
            losses={name: float(column[taken - 1]) for name, column in infos.losses.items()},
            held_out_loss=check.held_out_loss,
            weights={name: float(column[taken - 1]) for name, column in infos.weights.items()},
            learning_rate=None if math.isnan(rate) else rate,
            relative_l2=check.relative_l2,
        )
        return any([callback.progress(event) for callback in self._journal.callbacks])


def take_step(
    phase: Phase, residuals: ResidualFunctions, sampler: AbstractSampler, state: TrainState, progress: Scalar
) -> tuple[TrainState, StepInfo]:
    """One step of training; pure."""
    batch, weights, weighting_state, layouts, key = _points_and_weights(phase, residuals, sampler, state)
    value_fn = lambda params, linearize=None: residuals.loss(params, batch, weights)[0]
    loss, losses, gradient, linearize = _evaluate(phase, residuals, state.params, batch, weights)
    direction, opt_state = optax.with_extra_args_support(phase.optimizer).update(
        gradient,
        state.opt_state,
        state.params,
        value=loss,
        grad=gradient,
        value_fn=value_fn,
        linearize=linearize,
    )
    updates, rate, rate_state = _scaled(phase, residuals, batch, weights, direction, opt_state, progress, state)
    gradient_norm = optax.tree_utils.tree_norm(gradient)
    at_params = jnp.isfinite(loss) & jnp.isfinite(gradient_norm)
    finite = at_params & jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(updates)]).all()
    moved = TrainState(
        params=optax.apply_updates(state.params, updates),
        previous=state.params,
        opt_state=opt_state,
        layouts=layouts,
        weights=weights,
        weighting_state=weighting_state,
        rate_state=rate_state,
        key=key,
        step=state.step + 1,
    )
    last = jax.tree.map(lambda here, before: jnp.where(at_params, here, before), state.params, state.previous)
    stopped = dataclasses.replace(state, params=last, previous=state.params)
    state = jax.tree.map(lambda new, old: jnp.where(finite, new, old), moved, stopped)
    return state, StepInfo(loss, losses, gradient_norm, rate, mean_weights(weights), finite)


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


def _points_and_weights(
    phase: Phase, residuals: ResidualFunctions, sampler: AbstractSampler, state: TrainState
) -> tuple[Batch, Any, Any, dict[str, Array], Array]:
    """Of a step: its points and weights, the next state of the weighting, the layouts, the next key."""
    key, layouts = _next_points(sampler, residuals, state)
    batch = batch_of(residuals.problem, layouts)
    return batch, *_next_weights(phase, residuals, batch, layouts, state), layouts, key


def _next_points(
    sampler: AbstractSampler, residuals: ResidualFunctions, state: TrainState
) -> tuple[Array, dict[str, Array]]:
    if sampler.redraw is None:
        return state.key, state.layouts
    key, draw_key = jr.split(state.key)
    due = (state.step > 0) & (state.step % sampler.redraw == 0)
    draw = lambda: sampler.draw(state.layouts, draw_key, residuals, state.params, state.weights)
    layouts = jax.lax.cond(due, draw, lambda: state.layouts)
    return key, layouts


def _next_weights(
    phase: Phase, residuals: ResidualFunctions, batch: Batch, layouts: dict[str, Array], state: TrainState
) -> tuple[Weights, Any]:
    weighting = phase.weighting
    if weighting is None:
        return state.weights, state.weighting_state
    due = state.step % weighting.every == 0
    if weighting.per_point:
        due |= ~optax.tree_utils.tree_allclose(layouts, state.layouts, rtol=0, atol=0)
    return renewed(weighting, due, residuals, state.params, batch, state.weights, state.weighting_state)


def _scaled(
    phase: Phase,
    residuals: ResidualFunctions,
    batch: Batch,
    weights: Any,
    direction: Params,
    opt_state: Any,
    progress: Scalar,
    state: TrainState,
) -> tuple[Params, Scalar, Any]:
    """The update from the optimizer's direction, its rate, and the next state of the rate."""
    if phase.learning_rate is None:
        return direction, jnp.asarray(jnp.nan, progress.dtype), state.rate_state
    function = lambda params: residuals.stacked(params, batch, weights)
    context = StepContext(
        push=lambda v: jax.jvp(function, (state.params,), (v,))[1],
        pull=lambda a: jax.vjp(function, state.params)[1](a)[0],
        opt_state=opt_state,
        progress=progress,
    )
    rate, rate_state = phase.learning_rate.update(direction, context, state.rate_state)
    return optax.tree_utils.tree_scale(-rate, direction), rate, rate_state


def _numbers(state: TrainState) -> dict[str, float]:
    """The weight of each condition, of points their mean."""
    return {name: float(weight) for name, weight in mean_weights(state.weights).items()}


def _evaluate(
    phase: Phase, residuals: ResidualFunctions, params: Params, batch: Batch, weights: Any
) -> tuple[Scalar, dict[str, Scalar], Params, Callable[[], Any]]:
    """Loss, losses, gradient, and `linearize`; an optimizer that linearizes takes the gradient from that."""
    linearize = lambda: linearize_for_solving(residuals, params, batch, weights)
    if isinstance(phase.optimizer, LeastSquares):
        at = linearize()
        return *residuals.loss(params, batch, weights), at.unravel(at.gradient), lambda: at
    (loss, losses), gradient = jax.value_and_grad(residuals.loss, has_aux=True)(params, batch, weights)
    return loss, losses, gradient, linearize


def _diagnostic_steps(phase: Phase, steps: int | None) -> tuple[int, ...]:
    """Steps at which to look at the kernel: it moves most at first. Twice as many where theory is checked."""
    per_decade = 2 if phase.preconditioned is no_theory else 4
    geometric = [round(10 * 10 ** (k / per_decade)) for k in range(6 * per_decade)]
    return tuple(step for step in geometric if steps is None or step < 0.8 * steps)
