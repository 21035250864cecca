"""Solve a problem (`fit`), read a solution (`load`), compute the kernel before training (`diagnose`)."""

import contextlib
import dataclasses
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ._base.arguments import check_whole
from ._base.clock import Clock
from ._base.compilation import Stopwatch
from ._base.devices import Devices, agreed, is_first, sharded
from ._base.precision import full_precision
from ._base.types import Model, Params
from .automatic.candidates import Prediction
from .automatic.choices import Choices
from .automatic.evaluators import check_finite, diagnostician_of, sampled
from .automatic.feature_run import by_features, take_snapshots
from .automatic.procedure import model_from
from .automatic.trained_network import TrainedNetwork, merged
from .automatic.training_run import TrainingSettings, by_training, network_of
from .automatic.warm_start import WarmStart
from .conclusion import EXAMINATION_SECONDS, conclude
from .diagnostics.evaluation import Fields, ReferenceGrid
from .diagnostics.problem_kernel import check_problem_and_seed
from .diagnostics.record import Diagnostics
from .equations.exact.ansatz import Ansatz, find_ansatz
from .equations.problem import Problem
from .learning_rates.rule import AbstractLearningRate
from .networks.functional import FunctionalModel, cast, parameter_count
from .report.default_progress import audience
from .request import DEFAULT_CHOICES, Request, check_model
from .residuals.functions import ResidualFunctions
from .runs.callbacks import Callback, Start
from .runs.decisions import Attempt, ContinuationStep, Doubt, HardConstraints, KeptNetwork, Note
from .runs.interruption import Interruption
from .runs.limits import Limits
from .runs.recorder import Recorder
from .runs.resume.checkpointing import Checkpoints, CheckpointWarning, CheckpointWriter
from .runs.resume.fingerprint import (
    FINGERPRINT,
    Identity,
    check_fingerprint,
    network_identity,
    problem_identity,
    versions,
)
from .runs.resume.restore import nothing_saved, restore, saved
from .runs.resume.state import RunState
from .runs.run_folder import Run
from .runs.stop_reason import StopReason
from .runs.storage.atomic_files import RunFolderError, read_files
from .runs.storage.lock import locked
from .runs.storage.weights_file import PARAMETERS, decode_params
from .samplers.counts import point_counts
from .samplers.sampler import AbstractSampler
from .samplers.space_filling import QuasiRandom
from .solution.solution import Solution
from .training.strategy import Strategy
from .weighting.rule import AbstractWeighting

CONTINUATION = 0.5
"""Share of the budget for the values of a continuation before the last."""

EXAMINED_FROM, LATE = 20.0, 1.25
"""The smallest budget, in seconds, from which time is reserved for examining the solution, and the share of that time
that is reserved, since the last step may end late."""


@full_precision()
def fit(
    problem: Problem,
    model: Model | None = None,
    strategy: str | Strategy | optax.GradientTransformation = "auto",
    *,
    learning_rate: float | AbstractLearningRate | None = None,
    steps: int | None = None,
    budget: float | None = None,
    target: float | None = None,
    seed: int = 0,
    precision: str = "double",
    points: int | Mapping[str, int] | None = None,
    sampler: str | AbstractSampler | None = None,
    weights: Mapping[str, float] | None = None,
    weighting: str | AbstractWeighting | None = None,
    width: int | None = None,
    depth: int | None = None,
    constraints: str | Sequence[str] | None = None,
    devices: Devices | None = None,
    choices: Choices = DEFAULT_CHOICES,
    start: Solution | None = None,
    continuation: Mapping[str, Sequence[float]] | None = None,
    callbacks: Sequence[Callback] = (),
    checkpoints: Checkpoints | str | Path | None = None,
    resume: str | Path | None = None,
    progress: bool | None = None,
) -> Solution:
    """Solve a problem. Given the problem alone, pinnkit chooses everything else and records it in `history.decisions`.

    - `model`: an `nnx.Module`, `eqx.Module`, pair `(init, apply)` or `FunctionalModel` from points of the domain to one
      output per component of the fields; it is not modified. None uses the built-in network.
    - `strategy`: a name in `pinnkit.STRATEGIES`, a `Strategy` or an optax optimizer. "auto" also chooses network,
      points and weights, unless any is given. `learning_rate`: a number or rule in place of the strategy's.
    - `steps`, `budget`, `target`: stop after this number of steps, after these seconds of wall time (compilation
      included), or at this validation loss. Without any of them, the strategy's default number of steps applies.
    - `seed`: the random seed. `precision`: "double", or "single" for first-order training on accelerators. `points`:
      number of points of the interior conditions (the others get a share), or a number for each condition.
    - `sampler`, `weighting`: in place of those of the strategy, also names in `pinnkit.SAMPLERS` and
      `pinnkit.WEIGHTINGS`. A rule for the weights with state for each point keeps the points fixed.
    - `width`, `depth`: of the built-in network. `weights`: initial loss weights by condition, 1 by default.
    - `constraints`: "hard" builds every condition that allows it into the network, "soft" none, a list of names these.
      None means "hard" for built-in networks, and "soft" for a model, which may have constraints of its own.
    - `devices`: a number of devices, or a list, that share the points; all by default (see `sharded`).
    - `choices`: parts of the automatic procedure to switch off or fix. `callbacks`: see `Callback`.
    - `start`: a solution of a similar problem to start from. `continuation`: values of coefficients to solve for in
      turn, each from the solution before, as in `{"Re": [100, 400, 1000]}`; the last replace those of the problem.
    - `checkpoints`: a run folder in which the state is saved every minute, or `Checkpoints` with other intervals.
    - `resume`: a run folder; the fit resumes from its newest intact checkpoint (a `CheckpointWarning` says if there is
      none) and saves there. Without a `budget`, and with the same other arguments, the result is the same bit for bit.
    - `progress`: whether to show a line of progress; by default on a terminal and in a notebook. Otherwise the logger
      `pinnkit` gets it. At a prompt and in a notebook, Ctrl-C ends the fit, which returns what it has.

    **Raises:** `ProblemError`, `InputError`, `InputTypeError` for invalid arguments, `RunFolderError` if nothing can be
    resumed; `Interrupted` or `Terminated` if a signal ends a fit.
    """
    request, clock, since_start = Request(**locals()), Clock(), Stopwatch()  # the arguments, and nothing else so far
    request = request.checked()
    with sharded(devices), audience(progress, callbacks) as told:
        return _solve(dataclasses.replace(request, callbacks=told), clock, since_start)


def _solve(request: Request, clock: Clock, since_start: Stopwatch) -> Solution:
    problem, callbacks, plan = request.problem, request.callbacks, request.plan
    limits = Limits(request.steps, request.budget, request.target, clock)
    warm, steps = _continued(request, clock)
    _tell(callbacks, "tracing the equations")
    ansatz = find_ansatz(problem, request.wanted, periodic=request.model is None)
    network, described = network_of(ansatz, request.model, request.width, request.depth, request.seed)
    leaves = {"coefficients": dict.fromkeys(problem.unknowns, 0.0), "network": network.params}
    plan.check_optimizers(leaves, request.precision)
    _tell(callbacks, "evaluating the reference solution")
    evaluating = Stopwatch()
    grid, reference_seconds = ReferenceGrid.of(problem), evaluating.own
    writer, before = _checkpointing(request, network, ansatz)
    with contextlib.ExitStack() as stack:
        interruption = stack.enter_context(Interruption())  # before the writer, which handles signals as well
        if writer is not None:
            stack.enter_context(locked(writer.folder))
            stack.enter_context(writer)
        recorder = Recorder(
            ansatz.remaining.conditions, problem.domain.coordinates, limits, callbacks, writer, before, problem.unknowns
        )
        interruption.ends(recorder.interrupt)
        recorder.spend("diagnostics", reference_seconds)
        recorder.spend("compile", since_start.compiled)
        recorder.prepare(Start(problem.name, plan.name, (), 0, {}, request.precision, request.steps, request.budget))
        _reserve(limits, callbacks)
        _record_conditions(ansatz, recorder)
        for step in steps:
            recorder.decide(step)
        trained = _trained(request, ansatz, (network, described), grid, recorder, warm)
        recorder.history.restrict_to(trained.ansatz.remaining.conditions)
        _tell(callbacks, "evaluating the solution")
        summary, snapshot = conclude(request, trained, recorder)
        config = request.config(trained.described, summary.points)
        if recorder.resumed:
            config["resumed"] = list(recorder.resumed)
        for callback in callbacks:
            callback.end(summary)
    run = Run(summary, config, recorder.history, snapshot)
    found = merged(trained.model, trained.ansatz, trained.params, request.model is not None)
    return Solution(problem, found, trained.measure.fields, trained.params, trained.state, run)


@full_precision()
def load(folder: str | Path, problem: Problem, model: Model | None = None) -> Solution:
    """The solution that `Solution.save` wrote.

    - `problem`: the problem it solves, since equations are code and are not stored;
    - `model`: the model it was trained with, untrained; None for the built-in network.

    **Raises:** `RunFolderError` if the folder holds no intact run of this problem and model.
    """
    folder = Path(folder)
    run = Run.load(folder)
    check_fingerprint(_part_of(folder, FINGERPRINT), problem, folder)
    ansatz = find_ansatz(problem, run.config["constraints"], periodic=model is None)
    with jax.enable_x64(True):
        if model is None and run.config.get("network") == "SineFeatures":
            functional = model_from(ansatz, run.config, run.summary.seed)
        else:
            shape = (run.config.get("width"), run.config.get("depth")) if model is None else (None, None)
            functional = ansatz.wrap(network_of(ansatz, model, *shape, run.summary.seed)[0])
        residuals = ResidualFunctions(problem, functional)
        like = residuals.initial_params(cast(functional.params, jnp.float64))
        params = decode_params(_part_of(folder, PARAMETERS), like, f"'{folder / PARAMETERS}'")
        found = merged(functional, ansatz, params, model is not None)
    return Solution(problem, found, Fields(residuals), params, None, run)


@full_precision()
def diagnose(
    problem: Problem,
    model: Model | None = None,
    *,
    seed: int = 0,
    points: int | Mapping[str, int] | None = None,
    width: int | None = None,
    depth: int | None = None,
    horizon: int = 1000,
) -> Diagnostics:
    """The kernel before training, with unit weights; arguments as for `fit`.

    - `horizon`: number of steps of gradient descent after which a mode counts as slow.
    """
    check_problem_and_seed(problem, seed)
    check_model(model)
    check_whole(horizon=horizon)
    counts = point_counts(problem, points)
    functional, _ = network_of(Ansatz(problem), model, width, depth, seed)
    with jax.enable_x64(True):
        residuals = ResidualFunctions(problem, functional)
        params = residuals.initial_params(cast(functional.params, jnp.float64))
        check_finite(residuals, params, sampled(residuals, QuasiRandom(), counts, seed))
        take = diagnostician_of(residuals, counts, seed, parameter_count(params))
    return take(params, dict.fromkeys(problem.conditions, 1.0), step=0, phase="start", horizon=horizon)


def _tell(callbacks: Sequence[Callback], activity: str) -> None:
    for callback in callbacks:
        callback.activity(activity)


def _reserve(limits: Limits, callbacks: Sequence[Callback]) -> None:
    """Keep part of the budget for what follows the training."""
    if limits.budget is not None and limits.budget >= EXAMINED_FROM:
        limits.keep("the examination at the end", LATE * EXAMINATION_SECONDS)
    limits.keep("what follows the fit", agreed(sum(callback.closing_seconds for callback in callbacks)))


def _checkpointing(
    request: Request, network: FunctionalModel, ansatz: Ansatz
) -> tuple[CheckpointWriter | None, RunState | None]:
    """What writes the checkpoints, and the state that the run resumes from."""
    if request.saving is None:
        return None, None
    own = network_identity(network, ansatz)
    identity = Identity(problem_identity(request.problem), request.identity(), own, versions())
    before, place = (None, None) if request.resume is None else _restored(Path(request.resume), identity)
    return (CheckpointWriter(request.saving, identity, place) if is_first() else None), before


def _continued(request: Request, clock: Clock) -> tuple[WarmStart | None, list[ContinuationStep]]:
    """What the fit starts from: the solution for the values before the last of a continuation, or the one given."""
    warm, steps = None, list[ContinuationStep]()
    if request.start is not None:
        warm = WarmStart(request.start.problem, request.start.run.config, request.start.params)
    for number, values in enumerate(request.values_before):
        began = clock.seconds()
        words = ", ".join(f"{name} = {value:g}" for name, value in values.items())
        _tell(request.callbacks, f"solving for {words}")
        share = None if request.budget is None else CONTINUATION * request.budget / len(request.values_before)
        limits = Limits(request.steps, None if share is None else share * (number + 1), request.target, clock)
        stage = request.at(values)
        ansatz = find_ansatz(stage.problem, stage.wanted, periodic=stage.model is None)
        recorder = Recorder(
            ansatz.remaining.conditions, stage.problem.domain.coordinates, limits, (), unknowns=stage.problem.unknowns
        )
        network = network_of(ansatz, stage.model, stage.width, stage.depth, stage.seed)
        grid = ReferenceGrid.of(stage.problem, is_known=False)
        trained = _trained(stage, ansatz, network, grid, recorder, warm)
        warm = WarmStart(stage.problem, trained.described, trained.params)
        loss = trained.validation_loss(trained.weights)
        steps.append(ContinuationStep(values, loss, clock.seconds() - began))
    return warm, steps


def _trained(
    request: Request,
    ansatz: Ansatz,
    network: tuple[FunctionalModel, dict[str, Any]],
    grid: ReferenceGrid,
    recorder: Recorder,
    warm: WarmStart | None,
) -> TrainedNetwork:
    """The network after the automatic procedure or a given strategy.

    - `network`: with what the settings say of it; `warm`: what it starts from.
    """
    points, plan = request.points, request.plan
    is_chosen = request.is_automatic and request.choices.random_features
    if warm is not None and is_chosen and warm.is_windowed:
        recorder.decide(Note("time windows do not start from another solution: they start anew"))
        warm = None

    def train(network: tuple[FunctionalModel, dict[str, Any]], **start: Any) -> TrainedNetwork:
        problem = request.problem
        counts = plan.counts(problem, network[0].size) if points is None else point_counts(problem, points)
        training = TrainingSettings(plan, counts, request.weights, request.seed, request.precision)
        return by_training(ansatz, *network, training, grid, recorder, **start)

    if not is_chosen or not (warm is None or warm.is_features):
        return train(network, warm=warm)
    of_width = lambda width: network_of(ansatz, None, width, None, request.seed)
    deep = lambda width, coefficients: train(of_width(width), coefficients=coefficients)
    return _by_choice(request, ansatz, grid, recorder, deep, warm)


def _by_choice(
    request: Request,
    ansatz: Ansatz,
    grid: ReferenceGrid,
    recorder: Recorder,
    train: Callable[[int, Params], TrainedNetwork],
    warm: WarmStart | None,
) -> TrainedNetwork:
    """Random features; if they do not resolve the residual, a deep network too, and the better of the two.

    - `train`: trains a deep network of a width, from values of the unknown coefficients.
    """
    with jax.enable_x64(True):
        sines, found, deep = by_features(ansatz, request.seed, grid, recorder, request.choices, warm)
    trained = sines
    wants_more = not found.is_sufficient and sines.stop_reason is StopReason.STALLED and request.steps is None
    wants_more &= not (ansatz.problem.priors and ansatz.problem.measured)  # which would follow the noise
    if wants_more and (recorder.has_trained or recorder.has_time("a deep network", deep.prediction.needed)):
        pack, unpack = lambda width: {"width": np.array(width)}, lambda arrays: int(arrays["width"])
        width = recorder.recall("the width of a deep network", lambda: deep.width, pack, unpack)
        further = lambda: train(width, sines.params["coefficients"])
        trained = _with_deep(sines, found.relative_loss, deep.prediction, recorder, further)
    if trained is sines:
        recorder.offer(finished=True)
        with jax.enable_x64(True):
            take_snapshots(found, recorder)
    return trained


def _record_conditions(ansatz: Ansatz, recorder: Recorder) -> None:
    if ansatz.conditions:
        recorder.decide(HardConstraints(tuple(ansatz.conditions)))
    for note in ansatz.notes:
        recorder.decide(Note(note))
    for doubt in ansatz.problem.doubts:
        recorder.decide(Doubt(str(doubt)))


def _with_deep(
    sines: TrainedNetwork, left: float, deep: Prediction, recorder: Recorder, train: Callable[[], TrainedNetwork]
) -> TrainedNetwork:
    """The sine network, which leaves this relative loss, or a deep one that is trained now: that of smaller validation
    loss, the geometric mean of those with the weights of either: a network that has lost its way has weights that suit
    it.
    """
    began = recorder.limits.seconds()
    trained = train()
    loss = lambda each: math.sqrt(math.prod(each.validation_loss(own.weights) for own in (sines, trained)))
    first, second = loss(sines), loss(trained)
    recorder.decide(
        Attempt(
            candidate="a deep network",
            began=began,
            seconds=recorder.limits.seconds() - began,
            before=left,
            relative_loss=left * second / first if first > 0 else None,
            predicted_seconds=None if recorder.limits.budget is None else deep.seconds,
            predicted_loss=deep.loss,
        )
    )
    recorder.decide(KeptNetwork(second < first, min(first, second), max(first, second)))
    return trained if second < first else sines


def _restored(folder: Path, identity: Identity) -> tuple[RunState | None, Path | None]:
    """The state that a run resumes from; None, with a warning, if nothing was saved yet."""
    if saved(folder) is None:
        warnings.warn(nothing_saved(folder), CheckpointWarning, stacklevel=6)
        return None, None
    return restore(folder, identity)


def _part_of(folder: Path, name: str) -> bytes:
    """A file of a run folder. **Raises:** `RunFolderError` without it."""
    files = read_files(folder)
    if name not in files:
        raise RunFolderError(f"the run in '{folder}' has no {name}; `Solution.save` writes it")
    return files[name]
