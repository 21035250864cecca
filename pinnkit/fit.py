"""The main doors: solve a problem without tuning, or look at its kernel before training."""

import math
import platform
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax

from ._types import Model, Params
from .callbacks import Callback, Start
from .checkpoint import restore_params
from .diagnostics import Diagnostician, Diagnostics, diagnostic_batch
from .history import Snapshot
from .kernels import check_problem_and_seed
from .measure import Fields, Measure
from .model import FunctionalModel, as_functional, cast, parameter_count
from .networks import default_network
from .ntk.kernel import checked_dtype
from .problem import Problem, ProblemError
from .residuals import Batch, ResidualFunctions, mean_weights, total_loss
from .run import Run, RunFolderError
from .samplers import AbstractSampler, QuasiRandom, batch_of, point_counts
from .solution import Solution
from .state import TrainState
from .strategies import Strategy, as_strategy
from .summary import Seconds, Spectra, SpectrumSummary, Summary
from .trainer import Limits, Outcome, Trainer
from .weighting import AbstractWeighting, fixed_weights

_HELD_OUT_SEED, _DIAGNOSTIC_SEED = 10_007, 20_011  # offsets that keep test points apart from training points


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
    callbacks: Sequence[Callback] = (),
) -> Solution:
    """Solve a problem.

    **Arguments:**

    - `model`: an `nnx.Module`, `eqx.Module`, pair `(init, apply)` or `FunctionalModel` from points of the domain to
      one output per component of the fields; None builds a tanh network with `depth` hidden layers of `width`.
      The model that is handed in is not changed.
    - `strategy`: a name (see `pinnkit.STRATEGIES`), a `Strategy`, or any optax optimizer.
    - `steps`, `budget`, `target`: stop after so many steps, seconds of wall time (compilation included), or once the
      held-out loss is no larger than `target`. Without any of them the strategy's own number of steps counts.
    - `seed`: of the network, the points and everything else that is random.
    - `precision`: "double", or "single" for first-order training on accelerators.
    - `points`: number of points of the interior conditions (others get a share), or a number per condition.
    - `sampler`: which points: a name (see `pinnkit.SAMPLERS`) or a sampler, instead of the strategy's own.
    - `weights`: loss weights to start from, 1 where none is given; an adaptive strategy replaces them.
    - `weighting`: a rule for the weights of all phases, or its name (see `pinnkit.WEIGHTINGS`); None leaves them to the
      strategy. A rule that remembers points keeps the first ones.
    - `callbacks`: see `Callback`.

    **Raises:** `ProblemError`, `ValueError` or `TypeError` for arguments that cannot be meant.
    """
    limits = Limits(*_checked_limits(steps, budget, target), started=time.perf_counter())
    _check_run_arguments(problem, seed, precision, callbacks)
    plan = as_strategy(strategy, precision, weighting, sampler)
    counts = point_counts(problem, points)
    functional, described = _network(problem, model, width, depth, seed)
    with jax.enable_x64(True):
        initial_weights = fixed_weights(tuple(problem.conditions), weights)
        exact = ResidualFunctions(problem, functional)
        start = exact.initial_params(cast(functional.params, jnp.float64))
        measure = Measure(exact, _batch(problem, QuasiRandom(), counts, seed + _HELD_OUT_SEED))
        diagnostician = _diagnostician(exact, counts, seed, parameter_count(start))
        first_batch = _batch(problem, plan.sampler, counts, seed)
        for rule in (phase.weighting for phase in plan.phases if phase.weighting is not None):
            rule.init(exact, first_batch, initial_weights)  # refuses problems to which it does not apply
        _check_finite(exact, start, first_batch)
    announcement = Start(
        problem=problem.name,
        strategy=plan.name,
        phases=tuple(phase.name for phase in plan.phases),
        parameters=parameter_count(start),
        points=counts,
        precision=precision,
        steps=steps,
        budget=budget,
    )
    for callback in callbacks:
        callback.start(announcement)
    with jax.enable_x64(precision == "double"):
        dtype = jnp.result_type(float)
        residuals = exact if precision == "double" else ResidualFunctions(problem, cast(functional, dtype))
        trainer = Trainer(residuals, plan, limits, measure, diagnostician, callbacks)
        state = TrainState(
            params=cast(start, dtype),
            previous=cast(start, dtype),
            opt_state=(),
            layouts=plan.sampler.init(problem, counts, seed),
            weights=cast(initial_weights, dtype),
            weighting_state=(),
            rate_state=(),
            key=jr.key(seed),
            step=jnp.asarray(0),
        )
        outcome = trainer.run(state)
    params = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), outcome.state.params)
    summary, snapshot = _conclude(exact, params, counts, seed, plan, precision, limits, trainer, outcome, measure)
    config = _config(problem, summary, described, weighting, sampler, steps, budget, target)
    for callback in callbacks:
        callback.end(summary)
    run = Run(summary, config, trainer.history, snapshot)
    return Solution(problem, _merged(functional, params), measure.fields, params, outcome.state, run)


def load(folder: str | Path, problem: Problem, model: Model | None = None) -> Solution:
    """The solution that `Solution.save` wrote.

    - `problem`: the problem it solves, since equations are code and are not stored;
    - `model`: the model it was trained with, untrained; None for the built-in network.

    **Raises:** `RunFolderError` if the folder holds no intact run of this problem and model.
    """
    run = Run.load(Path(folder))
    if run.summary.problem != problem.name:
        raise RunFolderError(f"'{folder}' holds a run of problem '{run.summary.problem}', not of '{problem.name}'")
    shape = (run.config.get("width"), run.config.get("depth")) if model is None else (None, None)
    functional, _ = _network(problem, model, *shape, run.summary.seed)
    with jax.enable_x64(True):
        residuals = ResidualFunctions(problem, functional)
        like = residuals.initial_params(cast(functional.params, jnp.float64))
    params = restore_params(Path(folder), like, run.summary.steps)
    return Solution(problem, _merged(functional, params), Fields(residuals), params, None, run)


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
    counts = point_counts(problem, points)
    functional, _ = _network(problem, model, width, depth, seed)
    with jax.enable_x64(True):
        residuals = ResidualFunctions(problem, functional)
        params = residuals.initial_params(cast(functional.params, jnp.float64))
        _check_finite(residuals, params, _batch(problem, QuasiRandom(), counts, seed))
        take = _diagnostician(residuals, counts, seed, parameter_count(params))
    return take(params, dict.fromkeys(problem.conditions, 1.0), step=0, phase="start", horizon=horizon)


def _merged(functional: FunctionalModel, params: Params) -> Any:
    with jax.enable_x64(True):
        return functional.merge(jax.tree.map(jnp.asarray, params["network"]))


def _conclude(
    residuals: ResidualFunctions,
    params: Params,
    counts: dict[str, int],
    seed: int,
    plan: Strategy,
    precision: str,
    limits: Limits,
    trainer: Trainer,
    outcome: Outcome,
    measure: Measure,
) -> tuple[Summary, Snapshot]:
    problem, history = residuals.problem, trainer.history
    with jax.enable_x64(True):
        batch = batch_of(problem, {k: jnp.asarray(np.asarray(v), float) for k, v in outcome.state.layouts.items()})
        loss, losses = jax.jit(residuals.loss)(params, batch, cast(outcome.state.weights, jnp.float64))
        weights = {name: float(weight) for name, weight in mean_weights(outcome.state.weights).items()}
        coefficients = {name: float(value) for name, value in residuals.coefficients(params).items()}
    held_out = measure.held_out(params)
    relative_l2, max_error = measure.errors(params)
    rate = float(history.learning_rate[-1]) if history.learning_rate.size else math.nan
    summary = Summary(
        pinnkit_version=version("pinnkit"),
        problem=problem.name,
        seed=seed,
        strategy=plan.name,
        precision=precision,
        device=_device(),
        parameters=parameter_count(params),
        points=counts,
        steps=int(outcome.state.step),
        stop_reason=outcome.stop_reason,
        seconds=Seconds(limits.seconds(), outcome.compile_seconds, outcome.train_seconds, outcome.diagnostics_seconds),
        peak_memory_bytes=_peak_memory_bytes(),
        loss=float(loss),
        held_out_loss=total_loss(held_out, weights),
        losses={name: float(losses[name]) for name in problem.conditions},
        weights={name: weights[name] for name in problem.conditions},
        learning_rate=None if math.isnan(rate) else rate,
        relative_l2=relative_l2 or None,
        max_error=max_error or None,
        coefficients=coefficients,
        spectrum=Spectra(SpectrumSummary.of(history.diagnostics[0]), SpectrumSummary.of(history.diagnostics[-1])),
    )
    fields = measure.fields(params, measure.points)
    snapshot = Snapshot(problem.domain.coordinates, measure.points, measure.shape, fields, measure.reference)
    return summary, snapshot


def _network(
    problem: Problem, model: Model | None, width: int | None, depth: int | None, seed: int
) -> tuple[FunctionalModel, dict[str, Any]]:
    """The model in functional form, and what the settings say of it."""
    dimension, outputs = problem.domain.dimension, sum(problem.field_sizes.values())
    if model is None:
        network = default_network(problem.domain, outputs, width, depth, seed)
        shape = {"width": network.hidden[0].weight.shape[0], "depth": len(network.hidden)}
        return as_functional(network, dimension), {"network": "MLP", **shape}
    if width is not None or depth is not None:
        raise ValueError("`width` and `depth` shape the built-in network; they cannot be given with a `model`")
    return as_functional(model, dimension, jr.key(seed)), {"network": type(model).__name__}


def _batch(problem: Problem, sampler: AbstractSampler, counts: dict[str, int], seed: int) -> Batch:
    return batch_of(problem, sampler.init(problem, counts, seed))


def _diagnostician(residuals: ResidualFunctions, counts: dict[str, int], seed: int, parameters: int) -> Diagnostician:
    batch = _batch(residuals.problem, QuasiRandom(), counts, seed + _DIAGNOSTIC_SEED)
    return Diagnostician(residuals, diagnostic_batch(batch, residuals, parameters))


def _config(
    problem: Problem,
    summary: Summary,
    network: dict[str, Any],
    weighting: str | AbstractWeighting | None,
    sampler: str | AbstractSampler | None,
    steps: int | None,
    budget: float | None,
    target: float | None,
) -> dict[str, Any]:
    """What was asked for, without the settings that were left open."""
    packages = ("pinnkit", "jax", "jaxlib", "flax", "equinox", "optax", "numpy", "scipy")
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
        **network,
        **{name: value for name, value in asked.items() if value is not None},
        "points": summary.points,
        "coefficients": problem.constants,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in packages}},
    }


def _checked_limits(
    steps: int | None, budget: float | None, target: float | None
) -> tuple[int | None, float | None, float | None]:
    if steps is not None and (not isinstance(steps, int | np.integer) or steps < 0):
        raise ValueError(f"`steps` is a whole number ≥ 0, got {steps!r}")
    for name, value in (("budget", budget), ("target", target)):
        if value is not None and not (isinstance(value, int | float) and 0 < value < math.inf):
            raise ValueError(f"`{name}` is a finite number > 0, got {value!r}")
    return steps, budget, target


def _check_run_arguments(problem: Any, seed: Any, precision: str, callbacks: Sequence[Any]) -> None:
    check_problem_and_seed(problem, seed)
    checked_dtype(precision)
    if wrong := [type(callback).__name__ for callback in callbacks if not isinstance(callback, Callback)]:
        raise TypeError(f"a callback is a `pinnkit.Callback`, got {wrong[0]}")


def _check_finite(residuals: ResidualFunctions, params: Params, batch: Batch) -> None:
    """Refuse parameters, and residuals at them, that are not finite."""
    bad = sum(int((~jnp.isfinite(leaf)).sum()) for leaf in jax.tree.leaves(params))
    if bad:
        raise ProblemError(f"the model has {bad} parameter(s) that are not finite")
    for name, r in jax.jit(residuals)(params, batch).items():
        points = np.asarray(batch[name].coordinates)
        finite = np.isfinite(np.asarray(r)).reshape(len(points), -1).all(axis=1)
        if not finite.all():
            first = zip(residuals.problem.domain.coordinates, points[np.argmin(finite)], strict=True)
            raise ProblemError(
                f"the residual of condition '{name}' of problem '{residuals.problem.name}' is not finite at "
                f"{', '.join(f'{axis} = {value:.6g}' for axis, value in first)} before the first step"
            )


def _device() -> str:
    device = jax.devices()[0]
    return f"{device.platform}: {device.device_kind} × {jax.device_count()}"


def _peak_memory_bytes() -> int:
    """Of the accelerator where it tells, else the largest resident size of this process."""
    statistics = jax.devices()[0].memory_stats() or {}
    unit = 1 if sys.platform == "darwin" else 1024
    return statistics.get("peak_bytes_in_use") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
