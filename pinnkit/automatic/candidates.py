"""Two ways to a solution, and the choice between them: sines solved for directly, and a network that is trained."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from .._base.types import Params
from ..diagnostics.diagnostician import FEW_ROWS, ROWS, Diagnostician, diagnostic_batch
from ..diagnostics.evaluation import Measure, ReferenceGrid
from ..diagnostics.nonfinite import find_fault
from ..equations.exact.ansatz import Ansatz
from ..equations.mistakes import ProblemError
from ..networks.functional import FunctionalModel, cast, parameter_count
from ..residuals.functions import Batch, ResidualFunctions
from ..residuals.loss import total_loss
from ..runs.events import Check
from ..runs.recorder import Recorder
from ..runs.stop_reason import StopReason
from ..samplers.counts import point_counts
from ..samplers.sampler import AbstractSampler, batch_of
from ..samplers.space_filling import QuasiRandom
from ..training.loop import Trainer
from ..training.state import TrainState
from ..training.strategy import Strategy
from ..weighting.fixed import fixed_weights
from .choices import Choices
from .procedure import OUTPUT_LAYER, PLENTY, RESOLVED, THE_END, Automatic, Found

_VALIDATION_SEED, _DIAGNOSTIC_SEED = 10_007, 20_011  # offsets that keep test points apart from training points


@dataclasses.dataclass(frozen=True)
class Trained:
    """A network after training.

    - `ansatz`: the conditions that hold by construction; `residuals`: of the others;
    - `model`: network and ansatz; `params`: on the host; `measure`: a look at them from outside;
    - `batch`, `weights`: the points and weights of the loss at the end; `kept_step`: the step of these parameters;
    - `described`: what builds the model again; `state`: for going on, None where there is none.
    """

    ansatz: Ansatz
    residuals: ResidualFunctions
    model: FunctionalModel
    params: Params
    measure: Measure
    batch: Batch
    weights: dict[str, float]
    described: dict[str, Any]
    kept_step: int
    stop_reason: StopReason
    stop_detail: str | None = None
    state: TrainState | None = None

    def training_losses(self) -> dict[str, float]:
        """Mean square of each condition's residual on the points of the loss."""
        return self.measure.mean_squares(self.params, self.batch)

    def exact_rows(self) -> dict[str, set[int]]:
        """The rows of each declared condition that are built into the network."""
        problem, face_values = (
            self.ansatz.problem,
            [face_value for face_values in self.ansatz.face_values.values() for face_value in face_values],
        )
        with jax.enable_x64(True):
            whole = {name: set(range(problem.equation(name).size)) for name in self.ansatz.conditions}
        return {
            name: whole.get(name, {face_value.row for face_value in face_values if face_value.condition == name})
            for name in problem.conditions
        }

    def zero_losses(self) -> dict[str, float]:
        """Mean square of each condition's validation residual with a network that is zero."""
        problem = self.ansatz.problem
        zeros = np.zeros(sum(problem.field_sizes.values()))
        zero = FunctionalModel(self.model.params, lambda params, x: jnp.asarray(zeros, x.dtype), self.model.merge)
        with jax.enable_x64(True):
            residuals = ResidualFunctions(problem, self.ansatz.wrap(zero))
        return self.measure.validation_of(residuals, self.params)

    def rounding_loss(self) -> float:
        """The loss of what single precision changes in the residuals at these parameters."""
        exact = jax.jit(self.residuals)(self.params, self.batch)
        with jax.enable_x64(False):
            rounded = ResidualFunctions(self.residuals.problem, cast(self.model, np.float32))
            params, batch = cast(self.params, np.float32), jax.tree.map(lambda x: np.asarray(x, np.float32), self.batch)
            found = {name: np.asarray(r, float) for name, r in jax.jit(rounded)(params, batch).items()}
        squares = {name: float(np.mean((found[name] - np.asarray(r)) ** 2)) for name, r in exact.items()}
        return total_loss(squares, self.weights)

    def validation_loss(self, weights: dict[str, float]) -> float:
        """With the weights of one of several attempts, so that they compare."""
        return total_loss(self.measure.validation_losses(self.params), weights)


def by_features(
    ansatz: Ansatz, seed: int, grid: ReferenceGrid, recorder: Recorder, choices: Choices
) -> tuple[Trained, Found, float]:
    """Sines, solved for directly (see `auto`), and the seconds that the first trial of them took to compile."""
    with recorder.timed("train"):
        automatic = Automatic(ansatz, seed, recorder, choices)
        first = automatic.first
        for batch in (first.batch, first.validation_losses):
            check_finite(first.residuals, first.params(), batch)
        found = automatic.run()
    measure = _measure(found.ansatz, found.model, found.solver.counts, seed, grid)
    trained = Trained(
        ansatz=found.ansatz,
        residuals=ResidualFunctions(found.ansatz.remaining, found.model),
        model=found.model,
        params=jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), found.params),
        measure=measure,
        batch=found.solver.batch,
        weights=found.weights,
        described=found.settings,
        kept_step=recorder.step,
        stop_reason=_reason(found, recorder),
    )
    limits, began = recorder.limits, recorder.limits.seconds()
    with recorder.timed("diagnostics"):
        validation_losses, errors = (
            measure.validation_losses(trained.params),
            measure.errors(trained.params).relative_l2,
        )
    limits.keep(THE_END, max(limits.kept(THE_END) - (limits.seconds() - began), 0.0))  # that much of it is over
    loss = total_loss(validation_losses, found.weights)
    recorder.check(Check(recorder.step, recorder.limits.seconds(), loss, validation_losses, errors))
    return trained, found, automatic.compilation


def by_training(
    ansatz: Ansatz,
    network: FunctionalModel,
    described: dict[str, Any],
    plan: Strategy,
    counts: dict[str, int],
    weights: Mapping[str, float] | None,
    seed: int,
    grid: ReferenceGrid,
    precision: str,
    recorder: Recorder,
) -> Trained:
    """A network trained by the phases of a strategy."""
    problem, model = ansatz.remaining, ansatz.wrap(network)
    counts = {name: counts[name] for name in problem.conditions}
    with jax.enable_x64(True), recorder.timed("train"):
        initial_weights = fixed_weights(
            tuple(problem.conditions), {n: w for n, w in (weights or {}).items() if n in counts}
        )
        exact = ResidualFunctions(problem, model)
        start = exact.initial_params(cast(model.params, jnp.float64))
        measure = _measure(ansatz, model, counts, seed, grid)
        diagnostician = diagnostician_of(exact, counts, seed, parameter_count(start))
        first_batch = sampled(exact, plan.sampler, counts, seed)
        check_finite(exact, start, first_batch)
    with jax.enable_x64(precision == "double"):
        dtype = jnp.result_type(float)
        residuals = exact if precision == "double" else ResidualFunctions(problem, cast(model, dtype))
        state = TrainState(
            params=cast(start, dtype),
            previous=cast(start, dtype),
            opt_state=(),
            layouts=plan.sampler.init(problem, counts, seed),
            weights=cast(initial_weights, dtype),
            weighting_state=(),
            rate_state=(),
            key=jr.key(seed),
            step=jnp.asarray(recorder.step),
        )
        recorder.announce(tuple(phase.name for phase in plan.phases), parameter_count(start), counts)
        outcome = Trainer(residuals, plan, measure, diagnostician, recorder).run(state)
    with jax.enable_x64(True):
        layouts = {k: jnp.asarray(np.asarray(v), float) for k, v in outcome.state.layouts.items()}
        return Trained(
            ansatz=ansatz,
            residuals=exact,
            model=model,
            params=jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), outcome.state.params),
            measure=measure,
            batch=batch_of(problem, layouts),
            weights={name: float(jnp.mean(weight)) for name, weight in outcome.state.weights.items()},
            described=described,
            kept_step=outcome.kept_step,
            stop_reason=outcome.stop_reason,
            stop_detail=outcome.stop_detail,
            state=outcome.state,
        )


def sampled(residuals: ResidualFunctions, sampler: AbstractSampler, counts: dict[str, int], seed: int) -> Batch:
    """The first batch of a sampler."""
    return batch_of(residuals.problem, sampler.init(residuals.problem, counts, seed))


def diagnostician_of(residuals: ResidualFunctions, counts: dict[str, int], seed: int, parameters: int) -> Diagnostician:
    """Takes spectra on points of their own."""
    batch = sampled(residuals, QuasiRandom(), counts, seed + _DIAGNOSTIC_SEED)
    return Diagnostician(residuals, diagnostic_batch(batch, residuals, parameters))


def check_finite(residuals: ResidualFunctions, params: Params, batch: Batch) -> None:
    """Refuse parameters, and residuals at them, that are not finite."""
    if fault := find_fault(residuals, params, batch):
        raise ProblemError(f"not finite before the first step of problem '{residuals.problem.name}': {fault}")


def _measure(ansatz: Ansatz, model: FunctionalModel, counts: dict[str, int], seed: int, grid: ReferenceGrid) -> Measure:
    """Validation residuals of all conditions, those that hold by construction too."""
    problem = ansatz.problem
    full = ResidualFunctions(problem, model)
    every = point_counts(problem, {name: counts[name] for name in counts if problem.conditions[name].on.count is None})
    return Measure(full, sampled(full, QuasiRandom(), every, seed + _VALIDATION_SEED), grid)


def look(found: Found, recorder: Recorder) -> None:
    """Spectra of the first network and of the last, in place of those of other networks.

    They are of fewer residuals where what was kept of the budget for the end is no longer there.
    """
    solver = found.solver
    recorder.history.diagnostics.clear()
    parameters = parameter_count(found.final)
    is_short = not recorder.has_time(
        "kernel snapshots of the usual size", recorder.limits.kept(THE_END), recorder.limits.whole_left
    )
    rows = FEW_ROWS if is_short else ROWS
    batch = diagnostic_batch(found.batch, solver.residuals, parameters, rows)
    take = Diagnostician(solver.residuals, batch)
    horizon = max(recorder.limits.steps or recorder.step, 1)
    with recorder.timed("diagnostics"):
        for step, params in ((0, found.initial), (recorder.step, found.final)):
            recorder.diagnosed(take(params, found.weights, step=step, phase=OUTPUT_LAYER, horizon=horizon))


def _reason(found: Found, recorder: Recorder) -> StopReason:
    limits = recorder.limits
    if limits.target is not None and found.loss <= limits.target:
        return StopReason.TARGET
    if recorder.stopped:
        return StopReason.INTERRUPTED
    if limits.is_over:
        return StopReason.BUDGET
    if found.left <= PLENTY:
        return StopReason.SOLVED
    return StopReason.CONVERGED if found.left <= RESOLVED else StopReason.STALLED


def merged(model: FunctionalModel, ansatz: Ansatz, params: Params, is_own: bool) -> Any:
    """The trained model: of the kind that was handed in, or else with everything that holds by construction in it."""
    with jax.enable_x64(True):
        network = jax.tree.map(jnp.asarray, params["network"])
        if is_own or not ansatz.face_values:
            return model.merge(network)
        return FunctionalModel(network, model.apply, model.merge)
