"""One training step, and stretches of steps; pure."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
import optax
from jaxtyping import Array

from .._base.types import Params, Scalar, Weights
from ..learning_rates.rule import StepContext
from ..optimizers.momentum import moments_of
from ..optimizers.traits import traits_in
from ..residuals.cost import linearize_for_solving
from ..residuals.functions import Batch, ResidualFunctions
from ..residuals.loss import mean_weights
from ..samplers.sampler import AbstractSampler, batch_of
from ..weighting.rule import renewed
from .phase import Phase
from .state import StepInfo, TrainState


def take_step(
    phase: Phase, residuals: ResidualFunctions, sampler: AbstractSampler, state: TrainState, progress: Scalar
) -> tuple[TrainState, StepInfo]:
    """One step of training; pure."""
    batch, weights, weighting_state, layouts, key = points_and_weights(phase, residuals, sampler, state)
    value_fn = lambda params, linearize=None: residuals.loss(params, batch, weights)[0]
    params = state.params
    loss, losses, gradient, linearize = _evaluate(
        residuals, params, batch, weights, traits_in(state.opt_state).linearizes
    )
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
    info = StepInfo(loss, losses, gradient_norm, rate, mean_weights(weights), residuals.unknowns(params), finite)
    return state, info


def take_steps(
    step: Callable[..., Any], length: int, state: TrainState, count: Array, start: Scalar, pace: Scalar
) -> tuple[TrainState, StepInfo, Array]:
    """Up to `count` of at most `length` steps.

    A step that is not finite is the last: the state is then the one before it, with the parameters that the step
    started from in `previous`.

    - `step`: from a state and the progress; `start`: progress of the first step, which grows by `pace` with each;
    - **Returns:** the state, the infos of all `length` steps, and whether every step was finite.
    """
    blank = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(step, state, start)[1])

    def body(carry: tuple[TrainState, Array], i: Array) -> tuple[tuple[TrainState, Array], StepInfo]:
        state, alive = carry
        state, info = jax.lax.cond(alive & (i < count), lambda: step(state, start + i * pace), lambda: (state, blank))
        return (state, alive & (info.finite | (i >= count))), info

    (state, alive), infos = jax.lax.scan(body, (state, jnp.asarray(True)), jnp.arange(length))
    return state, infos, alive


def points_and_weights(
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
        due |= jnp.logical_not(optax.tree_utils.tree_allclose(layouts, state.layouts, rtol=0, atol=0))
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
    moments = moments_of(phase.optimizer)
    context = StepContext(
        push=lambda v: jax.jvp(function, (state.params,), (v,))[1],
        pull=lambda a: jax.vjp(function, state.params)[1](a)[0],
        opt_state=opt_state,
        progress=progress,
        b1=None if moments is None else moments.b1,
    )
    rate, rate_state = phase.learning_rate.update(direction, context, state.rate_state)
    return optax.tree_utils.tree_scale(-rate, direction), rate, rate_state


def numbers(state: TrainState) -> dict[str, float]:
    """The weight of each condition, of points their mean."""
    return {name: float(weight) for name, weight in mean_weights(state.weights).items()}


def _evaluate(
    residuals: ResidualFunctions, params: Params, batch: Batch, weights: Any, linearizes: bool
) -> tuple[Scalar, dict[str, Scalar], Params, Callable[[], Any]]:
    """Loss, losses, gradient, and `linearize`; for an optimizer that linearizes the gradient comes from that."""
    linearize = lambda: linearize_for_solving(residuals, params, batch, weights)
    if linearizes:
        at = linearize()
        return *residuals.loss(params, batch, weights), at.unravel(at.gradient), lambda: at
    (loss, losses), gradient = jax.value_and_grad(residuals.loss, has_aux=True)(params, batch, weights)
    return loss, losses, gradient, linearize
