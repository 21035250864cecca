"""The state at the beginning of a phase; pure."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr

from .._base.types import Weights
from ..residuals.functions import ResidualFunctions
from ..residuals.loss import mean_weights
from ..runs.resume.packing import is_key
from ..samplers.sampler import batch_of
from ..weighting.rule import AbstractWeighting
from .phase import Phase
from .state import TrainState


def enter_phase(phase: Phase, residuals: ResidualFunctions, state: TrainState) -> TrainState:
    """The state with a fresh optimizer, weighting and learning rate for a phase."""
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
    """The means of the weights before, in the shape that the rule uses, and the state of the rule."""
    weights = mean_weights(state.weights)
    if weighting is None:
        return weights, ()
    batch = batch_of(residuals.problem, state.layouts)
    if weighting.per_point:
        weights = {name: jnp.broadcast_to(weight, len(batch[name])) for name, weight in weights.items()}
    return weights, weighting.init(residuals, batch, weights)
