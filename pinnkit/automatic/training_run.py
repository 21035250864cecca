"""A run that trains a network by the phases of a strategy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from .._base.errors import InputError
from .._base.types import Model, Params, Weights
from ..diagnostics.evaluation import ReferenceGrid
from ..equations.exact.ansatz import Ansatz
from ..equations.network import default_network_of
from ..networks.adapters import as_functional
from ..networks.default import default_shape
from ..networks.functional import FunctionalModel, cast, parameter_count
from ..networks.mlp import MLP
from ..residuals.functions import ResidualFunctions
from ..runs.recorder import Recorder
from ..samplers.sampler import batch_of
from ..training.loop import Trainer
from ..training.state import TrainState
from ..training.strategy import Strategy
from ..weighting.fixed import fixed_weights
from .evaluators import check_finite, diagnostician_of, measure_of, sampled
from .trained_network import TrainedNetwork
from .warm_start import WarmStart


@dataclass(frozen=True)
class TrainingSettings:
    """How a network is trained.

    - `counts`: points of each condition; `weights`: initial loss weights, 1 for conditions without one;
    - `precision`: of the training, "single" or "double"; everything else is computed in double precision.
    """

    strategy: Strategy
    counts: dict[str, int]
    weights: Mapping[str, float] | None
    seed: int
    precision: str

    def counts_of(self, ansatz: Ansatz) -> dict[str, int]:
        """Points of the soft constraints."""
        return {name: self.counts[name] for name in ansatz.remaining.conditions}


def by_training(
    ansatz: Ansatz,
    network: FunctionalModel,
    described: dict[str, Any],
    settings: TrainingSettings,
    grid: ReferenceGrid,
    recorder: Recorder,
    warm: WarmStart | None = None,
    coefficients: Params | None = None,
) -> TrainedNetwork:
    """Train a network inside its ansatz.

    - `network`: without the ansatz; `described`: what it can be built from again;
    - `warm`: a solution by the same network to start from. **Raises:** `InputError` if it has another;
    - `coefficients`: values of the unknown coefficients to start from, as in parameters; their guesses by default.
    """
    problem, model = ansatz.remaining, ansatz.wrap(network)
    strategy = settings.strategy
    counts, seed = settings.counts_of(ansatz), settings.seed
    with jax.enable_x64(True):
        with recorder.timed("train"):
            exact = ResidualFunctions(problem, model)
            start = exact.initial_params(cast(model.params, jnp.float64))
            start = start if warm is None else warm.into(start)
            start = start if coefficients is None else {**start, "coefficients": dict(coefficients)}
            strategy = strategy.for_data(problem, start)
            measure = measure_of(ansatz, model, counts, seed, grid)
            diagnostician = diagnostician_of(exact, counts, seed, parameter_count(start))
            check_finite(exact, start, sampled(exact, strategy.sampler, counts, seed))
            weights = {name: w for name, w in (settings.weights or {}).items() if name in counts}
            initial_weights = fixed_weights(tuple(problem.conditions), weights, problem.priors)
        with jax.enable_x64(settings.precision == "double"):
            is_double = settings.precision == "double"
            residuals = exact if is_double else ResidualFunctions(problem, cast(model, jnp.result_type(float)))
            state = _initial_state(residuals, settings, counts, start, initial_weights, recorder.step)
            recorder.announce(tuple(phase.name for phase in strategy.phases), parameter_count(start), counts)
            outcome = Trainer(residuals, strategy, measure, diagnostician, recorder).run(state)
        layouts = {k: jnp.asarray(np.asarray(v), float) for k, v in outcome.state.layouts.items()}
        return TrainedNetwork(
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


def _initial_state(
    residuals: ResidualFunctions,
    settings: TrainingSettings,
    counts: dict[str, int],
    params: Params,
    weights: Weights,
    step: int,
) -> TrainState:
    """The state before the first step, in the precision of the training."""
    dtype = jnp.result_type(float)
    return TrainState(
        params=cast(params, dtype),
        previous=cast(params, dtype),
        opt_state=(),
        layouts=settings.strategy.sampler.init(residuals.problem, counts, settings.seed),
        weights=cast(weights, dtype),
        weighting_state=(),
        rate_state=(),
        key=jr.key(settings.seed),
        step=jnp.asarray(step),
    )


def network_of(
    ansatz: Ansatz, model: Model | None, width: int | None, depth: int | None, seed: int
) -> tuple[FunctionalModel, dict[str, Any]]:
    """The model in functional form, without its ansatz, and what the settings say of it."""
    problem = ansatz.problem
    dimension = problem.domain.dimension
    if model is None:
        network = default_network_of(problem, width, depth, seed, ansatz.periods, ansatz.edges)
        shape = dict(zip(("width", "depth"), default_shape(dimension, width, depth), strict=True))
        return as_functional(network, dimension), {"network": MLP.__name__, **shape}
    if width is not None or depth is not None:
        raise InputError("`width` and `depth` shape the built-in network; they cannot be given with a `model`")
    problem.field_domains.check_one_model(f"problem '{problem.name}'")
    return as_functional(model, dimension, jr.key(seed)), {"network": type(model).__name__}
