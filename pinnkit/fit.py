"""The main doors: solve a problem without tuning, or look at its kernel before training."""

import contextlib
import math
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
import optax

from ._base.arguments import check_whole, is_positive, is_whole
from ._base.clock import Clock
from ._base.compilation import Stopwatch
from ._base.device import peak_memory_bytes
from ._base.errors import InputError, InputTypeError
from ._base.precision import full_precision
from ._base.types import Model
from .automatic.candidates import (
    Trained,
    by_features,
    by_training,
    check_finite,
    diagnostician_of,
    look,
    merged,
    sampled,
)
from .automatic.choices import Choices
from .automatic.procedure import DEEP, model_from
from .diagnostics.confidence_intervals import coefficient_intervals
from .diagnostics.determinacy import Determinacy
from .diagnostics.evaluation import Fields, ReferenceGrid
from .diagnostics.examination import examine
from .diagnostics.problem_kernel import check_problem_and_seed
from .diagnostics.record import Diagnostics
from .diagnostics.verification import verify
from .equations.exact.ansatz import Ansatz, find_ansatz
from .equations.problem import Problem
from .networks.adapters import as_functional
from .networks.default import default_network
from .networks.embeddings import Periodic, Rescale
from .networks.functional import FunctionalModel, cast, parameter_count
from .networks.mlp import MLP
from .ntk.output_kernel import checked_dtype
from .request import check_callbacks, check_choices, check_model, check_weights
from .residuals.functions import ResidualFunctions
from .residuals.loss import total_loss
from .runs.callbacks import Callback, Start
from .runs.grid_fields import GridFields
from .runs.history import DOUBT
from .runs.limits import Limits
from .runs.recorder import Recorder
from .runs.resume.checkpointing import Checkpoints, CheckpointWarning, CheckpointWriter
from .runs.resume.fingerprint import (
    FINGERPRINT,
    Identity,
    check_fingerprint,
    network_identity,
    plain,
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
from .runs.summary import Spectra, SpectrumSummary, Summary
from .samplers.counts import point_counts
from .samplers.sampler import AbstractSampler
from .samplers.space_filling import QuasiRandom
from .solution import Solution
from .training.as_strategy import as_strategy
from .training.strategy import Strategy
from .weighting.fixed import fixed_weights
from .weighting.rule import AbstractWeighting

DEFAULT_CHOICES = Choices()

INTERVAL_SEED, EXAMINATION_SEED = 30_011, 40_009
"""Offsets that keep the points of intervals, and of the examination at the end, apart from those of training."""

EXAMINATION_SECONDS, EXAMINED_FROM = 4.0, 20.0
"""What the examination at the end takes at most on a processor, with its compilation, and the smallest budget that time
is kept for it from.
"""


@full_precision()
def fit(
    problem: Problem,
    model: Model | None = None,
    strategy: str | Strategy | optax.GradientTransformation = "auto",
    *,
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
    conditions: str | Sequence[str] | None = None,
    choices: Choices = DEFAULT_CHOICES,
    callbacks: Sequence[Callback] = (),
    checkpoints: Checkpoints | str | Path | None = None,
    resume: str | Path | None = None,
) -> Solution:
    """Solve a problem.

    With nothing but a problem, everything is chosen (see `pinnkit.auto`) and every choice is in `history.decisions`.

    **Arguments:**

    - `model`: an `nnx.Module`, `eqx.Module`, pair `(init, apply)` or `FunctionalModel` from points of the domain to
      one output per component of the fields; None builds a network. The model that is handed in is not changed.
    - `strategy`: a name (see `pinnkit.STRATEGIES`), a `Strategy`, or any optax optimizer. "auto" chooses network,
      points and weights as well, unless any of them is given: then it trains with what is given.
    - `steps`, `budget`, `target`: stop after so many steps, seconds of wall time (compilation included), or once the
      validation loss is no larger than `target`. Without any of them the strategy's own number of steps counts.
    - `seed`: of the network, the points and everything else that is random.
    - `precision`: "double", or "single" for first-order training on accelerators.
    - `points`: number of points of the interior conditions (others get a share), or a number per condition; None for
      what the strategy asks for.
    - `sampler`: which points: a name (see `pinnkit.SAMPLERS`) or a sampler, instead of the strategy's own.
    - `weights`: loss weights to start from, 1 where none is given; an adaptive strategy replaces them.
    - `weighting`: a rule for the weights of all phases, or its name (see `pinnkit.WEIGHTINGS`); None leaves them to the
      strategy. A rule that remembers points keeps the first ones.
    - `width`, `depth`: of a tanh network.
    - `conditions`: "exact" satisfies by construction whatever allows it (see `pinnkit.ansatz`), "soft" nothing, names
      of conditions those; None means "exact" for built-in networks and "soft" for a model handed in, which may have
      conditions of its own inside.
    - `choices`: which parts of "auto" are in force (see `Choices`), where it chooses the network;
    - `callbacks`: see `Callback`;
    - `checkpoints`: a run folder to save the state in every minute, or `Checkpoints` that say more; None saves nothing;
    - `resume`: a run folder whose newest intact checkpoint the fit goes on from, and where it goes on saving. The other
      arguments are those of the run that was interrupted, and without a `budget` the end is the same to the last bit.
      Where nothing was saved yet the fit begins from the start, with a `CheckpointWarning`.

    **Raises:** `ProblemError`, `ValueError` or `TypeError` for arguments that cannot be meant; `RunFolderError` where
    no checkpoint is intact, or the run to resume had other arguments; `Interrupted` or `Terminated` where a signal ends
    a fit that saves its state.
    """
    clock, since_start = Clock(), Stopwatch()
    limits = Limits(*_checked_limits(steps, budget, target), clock)
    _check_run_arguments(problem, seed, precision, callbacks)
    check_model(model)
    check_choices(choices)
    check_weights(weights, next(iter(problem.conditions)))
    saving = _checked_checkpoints(checkpoints, resume)
    plan = as_strategy(strategy, precision, weighting, sampler)
    plan.check(problem)
    fixed_weights(tuple(problem.conditions), weights)
    ansatz = find_ansatz(problem, _wanted(conditions, model), periodic=model is None)
    given = [model, width, depth, points, sampler, weights, weighting]
    chooses = plan.name == "auto" and all(item is None for item in given) and steps != 0 and _has_interior(problem)
    if not chooses and choices != DEFAULT_CHOICES:
        raise InputError(f"nothing is left to choose: give `choices` alone, with strategy 'auto'; got {choices}")
    chooses = chooses and choices.sines
    network, described = _network(ansatz, model, width, depth, seed)
    plan.check_optimizers({"coefficients": dict.fromkeys(problem.unknowns, 0.0), "network": network.params}, precision)
    counts = plan.counts(problem, network.size) if points is None else point_counts(problem, points)
    evaluating = Stopwatch()
    grid, reference_seconds = ReferenceGrid.of(problem), evaluating.own
    writer, before = None, None
    if saving is not None:
        settings = {"strategy": strategy, "weighting": weighting, "sampler": sampler, "steps": steps, "budget": budget}
        settings |= {"target": target, "seed": seed, "precision": precision, "points": points, "weights": weights}
        settings |= {"width": width, "depth": depth, "conditions": conditions, "choices": choices}
        settings |= {"model": None if model is None else type(model).__name__}
        asked, own = {name: plain(value) for name, value in settings.items()}, network_identity(network, ansatz)
        identity = Identity(problem_identity(problem), asked, own, versions())
        before, place = (None, None) if resume is None else _restored(Path(resume), identity)
        writer = CheckpointWriter(saving, identity, place)
    with contextlib.ExitStack() as stack:
        if writer is not None:
            stack.enter_context(locked(writer.folder))
            stack.enter_context(writer)
        recorder = Recorder(ansatz.remaining.conditions, problem.domain.coordinates, limits, callbacks, writer, before)
        recorder.spend("diagnostics", reference_seconds)
        recorder.spend("compile", since_start.compiled)
        recorder.prepare(Start(problem.name, plan.name, (), 0, {}, precision, steps, budget))
        if budget is not None and budget >= EXAMINED_FROM:
            limits.keep("the examination at the end", EXAMINATION_SECONDS)
        limits.keep("what follows the fit", sum(callback.closing_seconds for callback in callbacks))
        _record_conditions(ansatz, recorder)
        train = lambda: by_training(ansatz, network, described, plan, counts, weights, seed, grid, precision, recorder)
        trained = _by_choice(ansatz, seed, grid, recorder, choices, train, steps is None) if chooses else train()
        recorder.history.restrict_to(trained.ansatz.remaining.conditions)
        summary, snapshot = _conclude(trained, seed, plan, precision, model is not None, recorder)
        config = _config(problem, trained, summary, weighting, sampler, steps, budget, target)
        if recorder.resumed:
            config["resumed"] = list(recorder.resumed)
        for callback in callbacks:
            callback.end(summary)
    run = Run(summary, config, recorder.history, snapshot)
    found = merged(trained.model, trained.ansatz, trained.params, model is not None)
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
    ansatz = find_ansatz(problem, run.config["conditions"], periodic=model is None)
    with jax.enable_x64(True):
        if model is None and run.config.get("network") == "SineFeatures":
            functional = model_from(ansatz, run.config, run.summary.seed)
        else:
            shape = (run.config.get("width"), run.config.get("depth")) if model is None else (None, None)
            functional = ansatz.wrap(_network(ansatz, model, *shape, run.summary.seed)[0])
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
    _check_run_arguments(problem, seed, "double", ())
    check_model(model)
    check_whole(horizon=horizon)
    counts = point_counts(problem, points)
    functional, _ = _network(Ansatz(problem), model, width, depth, seed)
    with jax.enable_x64(True):
        residuals = ResidualFunctions(problem, functional)
        params = residuals.initial_params(cast(functional.params, jnp.float64))
        check_finite(residuals, params, sampled(residuals, QuasiRandom(), counts, seed))
        take = diagnostician_of(residuals, counts, seed, parameter_count(params))
    return take(params, dict.fromkeys(problem.conditions, 1.0), step=0, phase="start", horizon=horizon)


def _has_interior(problem: Problem) -> bool:
    """Whether there is an equation on a region of full dimension."""
    return any(condition.on.dimension == problem.domain.dimension for condition in problem.conditions.values())


def _wanted(conditions: str | Sequence[str] | None, model: Model | None) -> str | Sequence[str]:
    if conditions is None:
        return "exact" if model is None else "soft"
    if not isinstance(conditions, str | Sequence):
        raise InputTypeError(f"`conditions` is 'exact', 'soft' or names of conditions; got {type(conditions).__name__}")
    return conditions


def _by_choice(
    ansatz: Ansatz,
    seed: int,
    grid: ReferenceGrid,
    recorder: Recorder,
    choices: Choices,
    train: Callable[[], Trained],
    may_train: bool,
) -> Trained:
    """Sines, or a deep network where those do not resolve the residual and it leaves less."""
    with jax.enable_x64(True):
        sines, found, compilation = by_features(ansatz, seed, grid, recorder, choices)
    trained = sines
    wants_more = not found.is_resolved and sines.stop_reason is StopReason.STALLED and may_train
    if wants_more and (recorder.has_trained or recorder.has_time("a deep network", DEEP * compilation)):
        recorder.decide(f"a deep network is trained too: sines leave {found.left:.1e} of the validation loss")
        trained = _better(sines, train(), recorder)
    if trained is sines:
        recorder.offer(finished=True)
        with jax.enable_x64(True):
            look(found, recorder)
    return trained


def _record_conditions(ansatz: Ansatz, recorder: Recorder) -> None:
    if ansatz.conditions:
        recorder.decide(f"by construction: {', '.join(ansatz.conditions)}")
    for note in ansatz.notes:
        recorder.decide(note)
    for doubt in ansatz.problem.doubts:
        recorder.decide(f"{DOUBT}{doubt}")


def _better(sines: Trained, deep: Trained, recorder: Recorder) -> Trained:
    """The attempt that leaves less on validation points, with the weights of the second."""
    first, second = (trained.validation_loss(deep.weights) for trained in (sines, deep))
    kept = deep if second < first else sines
    recorder.decide(
        f"kept: {'the deep network' if kept is deep else 'sines'}, validation loss {min(first, second):.2e} against "
        f"{max(first, second):.2e}"
    )
    return kept


def _conclude(
    trained: Trained, seed: int, plan: Strategy, precision: str, is_own: bool, recorder: Recorder
) -> tuple[Summary, GridFields]:
    problem, history, measure, params = trained.ansatz.problem, recorder.history, trained.measure, trained.params
    with jax.enable_x64(True), recorder.timed("diagnostics"):
        losses = trained.training_losses()
        coefficients = {name: float(value) for name, value in trained.residuals.coefficients(params).items()}
        rounding = trained.rounding_loss() if precision == "single" else None
        fresh = seed + INTERVAL_SEED
        intervals = coefficient_intervals(trained.residuals, trained.model, params, trained.weights, fresh)
        validation_losses, errors = measure.validation_losses(params), measure.errors(params)
        checks = verify(measure.residuals, params, trained.exact_rows(), trained.zero_losses(), seed, precision)
        fields = measure.fields(params, measure.grid.points)
        determinacy = _examined(trained, seed, is_own, recorder)
    rate = float(history.learning_rate[-1]) if history.learning_rate.size else math.nan
    summary = Summary(
        pinnkit_version=version("pinnkit"),
        problem=problem.name,
        seed=seed,
        strategy=plan.name,
        precision=precision,
        device=_device(),
        parameters=parameter_count(params),
        points={name: len(points) for name, points in trained.batch.items()},
        steps=recorder.step,
        kept_step=trained.kept_step,
        stop_reason=recorder.reason_after(trained.stop_reason),
        stop_detail=trained.stop_detail,
        seconds=recorder.seconds,
        peak_memory_bytes=peak_memory_bytes(),
        loss=total_loss(losses, trained.weights),
        validation_loss=total_loss(validation_losses, trained.weights),
        rounding_loss=rounding,
        losses=losses,
        validation_losses=validation_losses,
        weights={name: trained.weights[name] for name in losses},
        learning_rate=None if math.isnan(rate) else rate,
        relative_l2=errors.relative_l2 or None,
        max_error=errors.max_error or None,
        relative_to_spread=errors.relative_to_spread or None,
        relative_to_range=errors.relative_to_range or None,
        conditions=checks,
        coefficients=coefficients,
        coefficient_intervals=intervals,
        determinacy=determinacy,
        spectrum=Spectra(SpectrumSummary.of(history.diagnostics[0]), SpectrumSummary.of(history.diagnostics[-1])),
    )
    grid = measure.grid
    snapshot = GridFields(problem.domain.coordinates, grid.points, grid.shape, fields, grid.reference)
    return summary, snapshot


def _examined(trained: Trained, seed: int, is_own: bool, recorder: Recorder) -> Determinacy | None:
    """Whether the solution is determined; None where no time is left to find out."""
    limits = recorder.limits
    if limits.whole_left < EXAMINATION_SECONDS:
        figures = f"needs {EXAMINATION_SECONDS:.0f} s, {max(limits.whole_left, 0.0):.0f} s left"
        recorder.decide(f"not examined whether the conditions determine the solution: {figures}")
        return None
    return examine(trained.ansatz, trained.model, trained.params, trained.weights, seed + EXAMINATION_SEED, is_own)


def _network(
    ansatz: Ansatz, model: Model | None, width: int | None, depth: int | None, seed: int
) -> tuple[FunctionalModel, dict[str, Any]]:
    """The model in functional form, without its ansatz, and what the settings say of it."""
    problem = ansatz.problem
    dimension, outputs = problem.domain.dimension, sum(problem.field_sizes.values())
    if model is None:
        embedding = Periodic(problem.domain, ansatz.periods) if ansatz.periods else Rescale(problem.domain)
        network = default_network(problem.domain, outputs, width, depth, seed, embedding)
        shape = {"width": network.hidden[0].weight.shape[0], "depth": len(network.hidden)}
        return as_functional(network, dimension), {"network": MLP.__name__, **shape}
    if width is not None or depth is not None:
        raise InputError("`width` and `depth` shape the built-in network; they cannot be given with a `model`")
    return as_functional(model, dimension, jr.key(seed)), {"network": type(model).__name__}


def _config(
    problem: Problem,
    trained: Trained,
    summary: Summary,
    weighting: str | AbstractWeighting | None,
    sampler: str | AbstractSampler | None,
    steps: int | None,
    budget: float | None,
    target: float | None,
) -> dict[str, Any]:
    """What was asked for, without the settings that were left open."""
    named = {
        name: value if value is None or isinstance(value, str) else type(value).__name__
        for name, value in (("weighting", weighting), ("sampler", sampler))
    }
    asked = {**named, "steps": steps, "budget": budget, "target": target}
    return {
        "problem": problem.name,
        "strategy": summary.strategy,
        "seed": summary.seed,
        "precision": summary.precision,
        **trained.described,
        "conditions": trained.ansatz.wanted,
        **{name: value for name, value in asked.items() if value is not None},
        "points": summary.points,
        "coefficients": problem.constants,
        "versions": versions(),
    }


def _checked_limits(
    steps: int | None, budget: float | None, target: float | None
) -> tuple[int | None, float | None, float | None]:
    if steps is not None and not is_whole(steps, 0, 2**31 - 1):
        raise InputError(f"`steps` is a whole number from 0 to 2³¹ − 1, got {steps!r}")
    for name, value in (("budget", budget), ("target", target)):
        if value is not None and not is_positive(value):
            raise InputError(f"`{name}` is a finite number > 0, got {value!r}")
    return steps, budget, target


def _checked_checkpoints(checkpoints: Any, resume: Any) -> Checkpoints | None:
    """Where and when to save, if at all."""
    for name, value in (("checkpoints", checkpoints), ("resume", resume)):
        if value is not None and not isinstance(value, str | os.PathLike | Checkpoints):
            raise InputTypeError(f"`{name}` is the path of a run folder, got {value!r}")
    if isinstance(resume, Checkpoints):
        raise InputTypeError(
            "`resume` is the path of a run folder; say when to save with `checkpoints=Checkpoints(...)`"
        )
    if checkpoints is None and resume is None:
        return None
    saving = checkpoints if isinstance(checkpoints, Checkpoints) else Checkpoints(checkpoints or resume)
    if resume is not None and Path(resume).resolve() != Path(saving.folder).resolve():
        raise InputError(
            f"a run that is resumed goes on in its folder, '{resume}'; got checkpoints in '{saving.folder}'"
        )
    return saving


def _restored(folder: Path, identity: Identity) -> tuple[RunState | None, Path | None]:
    """Where a run goes on from; nothing, with a warning, where nothing was saved yet."""
    if saved(folder) is None:
        warnings.warn(nothing_saved(folder), CheckpointWarning, stacklevel=4)
        return None, None
    return restore(folder, identity)


def _part_of(folder: Path, name: str) -> bytes:
    """A file of a run folder. **Raises:** `RunFolderError` without it."""
    files = read_files(folder)
    if name not in files:
        raise RunFolderError(f"the run in '{folder}' has no {name}; `Solution.save` writes it")
    return files[name]


def _check_run_arguments(problem: Any, seed: Any, precision: str, callbacks: Any) -> None:
    check_problem_and_seed(problem, seed)
    checked_dtype(precision)
    check_callbacks(callbacks)


def _device() -> str:
    device = jax.devices()[0]
    return f"{device.platform}: {device.device_kind} × {jax.device_count()}"
