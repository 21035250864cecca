r"""The output layer, solved: the network is affine in some of its parameters, and least squares find those.

Which parameters these are is found from the trace of the model. Where the equations are linear too, the residual is
affine in them and one solve is the minimum; otherwise Gauss-Newton steps on them are taken while they reduce the
loss. Unknown coefficients are solved for together with the output layer. In terms of the kernel: the tangent kernel is
the sum of a hidden-layer and an output-layer part, and one undamped Gauss-Newton step with the second part alone
is this solve.

Golub & Pereyra, *Separable nonlinear least squares: the variable projection method*, Inverse Problems 19, 2003.
"""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ..._base.compilation import Stopwatch
from ..._base.linalg.least_squares import least_squares
from ..._base.tracing.degrees import is_affine
from ..._base.types import Params
from ...networks.functional import FunctionalModel
from ...networks.linear_parameters import linear_leaves
from ...ntk.jacobian import jacobian_rows
from ...residuals.functions import Batch, ResidualFunctions
from ...residuals.loss import total_loss
from ...runs.events import OutputStep

HALVINGS = 8
"""A step that reduces the loss at none of 1, 1/2, ..., 1/2⁸ of its length is the last."""

STALLED = 0.5
"""A step that leaves more than this share of the loss is the last: what is left is not in the span of the network."""

ROUGH_STEPS, ROUGHLY = 3, 1e-14
"""The first steps of a nonlinear problem are solved roughly, for their linear model is no better; and the share of the
loss that rough solves leave on other points, whatever they leave on their own."""

SPANNED = 1e-4
"""Share of the first residual of a linear problem above which what is left is not in the span of the network, whatever
the digits."""

_BLOCK = 1024


class OutputLayer:
    """Solves a problem for the parameters that its model is affine in, and for unknown coefficients.

    Compiled once for all parameters and points of the same shapes.

    - `size`: number of parameters solved for; `is_linear`: whether the residual is affine in them.
    """

    def __init__(self, residuals: ResidualFunctions, model: FunctionalModel):
        self._residuals = residuals
        self._chosen = linear_leaves(model, residuals.problem.domain.dimension)
        self._linearized = jax.jit(self._linearize)
        self._valued = jax.jit(residuals)
        self._expanded = jax.jit(self._expand)
        self._assembled, self._combined = jax.jit(self._assemble), jax.jit(self._combine)
        example = residuals.initial_params(model.params)
        self.size = sum(leaf.size for leaf in jax.tree.leaves(self._part(example)))
        self.is_linear = bool(self._chosen) and all(self._is_affine(name, example) for name in residuals.conditions)

    def steps(
        self,
        params: Params,
        batch: Batch,
        weights: Mapping[str, float] | None = None,
        most: int = 20,
        enough: float = 0.0,
        is_over: Callable[[float], bool] = lambda _: False,
        earlier: Sequence["OutputStep"] = (),
    ) -> Iterator[tuple[Params, OutputStep]]:
        """Gauss-Newton steps from `params`: after each the new parameters, and what was seen before it.

        Ends when a step no longer reduces the loss, by the first for linear problems.

        - `weights`: of the conditions; None for those inverse to the traces of the kernel of these parameters;
        - `most`: number of steps at most;
        - `enough`: share of the first loss at which to stop, after a fine step if it is a small one;
        - `is_over`: whether there is no time for a step that takes so many seconds;
        - `earlier`: steps that led to `params`, which count and whose weights stay.
        """
        first, look, shift, rough = None, self._look(params, batch), np.zeros(self.size), True
        if earlier:
            first, weights = earlier[0].loss, earlier[0].weights
        watch = None
        for number in range(len(earlier), most):
            if number and is_over(0.0 if watch is None else watch.own):
                return
            watch = Stopwatch()
            J, r = jax.tree.map(np.asarray, look.linearized(shift))
            weights = trace_weights(J) if weights is None else dict(weights)
            scales = {name: np.sqrt(weights[name] / r[name].size) for name in r}
            stacked = np.concatenate([scales[name] * r[name] for name in r])
            matrix = np.concatenate([scales[name] * J[name] for name in r])
            loss = 0.5 * float(stacked @ stacked)
            losses = {name: float(np.mean(values**2)) for name, values in r.items()}
            seen = OutputStep(loss, losses, float(np.linalg.norm(matrix.T @ stacked)), weights)
            first = loss if first is None else first
            if not np.isfinite(loss) or not np.isfinite(matrix).all():
                return
            reached = loss <= enough * first
            if reached and (enough >= ROUGHLY or not rough):
                return
            rough = not (reached or self.is_linear) and number < ROUGH_STEPS
            worthwhile = SPANNED if self.is_linear else 1.0
            update = least_squares(matrix, -stacked, 1 if rough else 2, worthwhile).x
            shift, reduced = _reducing(look, shift, update, weights, loss)
            if reduced >= loss:
                return
            yield self._moved(params, shift), seen
            if self.is_linear or (not rough and reduced > STALLED * loss):
                return

    def weights(self, params: Params, batch: Batch) -> dict[str, float]:
        """Weights inverse to the traces of the kernel of these parameters."""
        return trace_weights(jax.tree.map(np.asarray, self._look(params, batch).linearized(np.zeros(self.size))[0]))

    def loss(self, params: Params, batch: Batch, weights: Mapping[str, float]) -> float:
        """The loss on any points."""
        return weighted_loss(self._valued(params, batch), weights)

    def values(self, params: Params, batch: Batch) -> dict[str, Float[np.ndarray, " n"]]:
        """The residuals on any points of any conditions."""
        return {name: np.asarray(r) for name, r in self._valued(params, batch).items()}

    def _look(self, params: Params, batch: Batch) -> "_Direct | _ByChannels":
        """The residual in terms of shifts of the parameters solved for."""
        through = {name: self._residuals.has_channels(name) for name in self._residuals.conditions}
        if self.is_linear or not self._chosen or not all(through.values()):
            return _Direct(self, params, batch)
        return _ByChannels(self, params, batch)

    def _part(self, params: Params) -> dict[str, Any]:
        leaves = jax.tree.leaves(params["network"])
        return {"coefficients": params["coefficients"], "head": [leaves[i] for i in self._chosen]}

    def _merged(self, params: Params, part: dict[str, Any]) -> Params:
        leaves, tree = jax.tree.flatten(params["network"])
        for i, leaf in zip(self._chosen, part["head"], strict=True):
            leaves[i] = leaf
        return {"coefficients": part["coefficients"], "network": tree.unflatten(leaves)}

    def _moved(self, params: Params, update: Float[np.ndarray, " k"]) -> Params:
        leaves, tree = jax.tree.flatten(self._part(params))
        parts = np.split(update, np.cumsum([leaf.size for leaf in leaves])[:-1])
        moved = [jnp.asarray(leaf + part.reshape(leaf.shape)) for leaf, part in zip(leaves, parts, strict=True)]
        return self._merged(params, tree.unflatten(moved))

    def _linearize(self, params: Params, batch: Batch) -> tuple[dict[str, Any], dict[str, Any]]:
        """Jacobian and residual of every condition, unscaled."""
        jacobians, values = {}, {}
        for name in self._residuals.conditions:
            function = self._of_part(name, params)
            values[name] = jax.vmap(function, (None, 0))(self._part(params), batch[name]).ravel()
            rows = jacobian_rows(function, self._part(params), batch[name], _BLOCK)
            jacobians[name] = rows.reshape(values[name].size, -1)
        return jacobians, values

    def _expand(self, params: Params, batch: Batch) -> tuple[dict[str, Any], dict[str, Any]]:
        """Channels of every condition at `params`, and their slopes in the parameters solved for."""
        values, slopes = {}, {}
        for name in self._residuals.conditions:
            channels = self._residuals.channels(name)
            function = lambda part, point, channels=channels: channels(self._merged(params, part), point)
            values[name] = jax.vmap(function, (None, 0))(self._part(params), batch[name])
            slopes[name] = jacobian_rows(function, self._part(params), batch[name], _BLOCK)
        return values, slopes

    def _combine(
        self, params: Params, batch: Batch, channels: dict[str, Any], slopes: dict[str, Any], shift: Any
    ) -> dict[str, Any]:
        """Residuals after a shift, from channels and their slopes before it."""
        residuals = {}
        for name, values in channels.items():
            function = self._residuals.from_channels(name)
            shifted = values + slopes[name] @ shift
            residuals[name] = jax.vmap(function, (None, 0, 0))(params, batch[name], shifted).ravel()
        return residuals

    def _assemble(
        self, params: Params, batch: Batch, channels: dict[str, Any], slopes: dict[str, Any], shift: Any
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Jacobians and residuals after a shift."""
        jacobians, residuals = {}, self._combine(params, batch, channels, slopes, shift)
        for name, values in channels.items():
            function = self._residuals.from_channels(name)
            shifted = values + slopes[name] @ shift
            inner = jax.vmap(jax.jacfwd(function, 2), (None, 0, 0))(params, batch[name], shifted)
            terms = [inner[:, :, k, None] * slopes[name][:, None, k] for k in range(inner.shape[2])]
            jacobians[name] = functools.reduce(jnp.add, terms).reshape(residuals[name].size, -1)
        return jacobians, residuals

    def _of_part(self, name: str, params: Params) -> Callable[[dict[str, Any], Any], Any]:
        residual = self._residuals.at_point(name)
        return lambda part, point: residual(self._merged(params, part), point)

    def _is_affine(self, name: str, params: Params) -> bool:
        point = jax.tree.map(lambda column: column[0], self._example(name))
        return is_affine(lambda part: self._of_part(name, params)(part, point), self._part(params))

    def _example(self, name: str) -> Any:
        region = self._residuals.problem.conditions[name].on
        return region.points(jnp.full((max(region.least, 1), region.dimension), 0.5))


class _Direct:
    """The residual by the network itself."""

    def __init__(self, layer: OutputLayer, params: Params, batch: Batch):
        self._layer, self._params, self._batch = layer, params, batch

    def linearized(self, shift: Float[np.ndarray, " p"]) -> tuple[dict[str, Any], dict[str, Any]]:
        return self._layer._linearized(self._layer._moved(self._params, shift), self._batch)

    def residuals(self, shift: Float[np.ndarray, " p"]) -> dict[str, Any]:
        return self._layer._valued(self._layer._moved(self._params, shift), self._batch)


class _ByChannels:
    """The residual by derivatives of the network, which are affine in the shift: the network is evaluated once."""

    def __init__(self, layer: OutputLayer, params: Params, batch: Batch):
        self._layer = layer
        self._known = params, batch, *layer._expanded(params, batch)

    def linearized(self, shift: Float[np.ndarray, " p"]) -> tuple[dict[str, Any], dict[str, Any]]:
        return self._layer._assembled(*self._known, shift)

    def residuals(self, shift: Float[np.ndarray, " p"]) -> dict[str, Any]:
        return self._layer._combined(*self._known, shift)


def _reducing(
    look: _Direct | _ByChannels,
    shift: Float[np.ndarray, " p"],
    update: Float[np.ndarray, " p"],
    weights: Mapping[str, float],
    loss: float,
) -> tuple[Float[np.ndarray, " p"], float]:
    """The shift after the longest step along `update` that reduces the loss, and that loss; the same shift without."""
    for halving in range(HALVINGS + 1):
        moved = shift + 0.5**halving * update
        reduced = weighted_loss(look.residuals(moved), weights)
        if reduced < loss:
            return moved, reduced
    return shift, loss


def weighted_loss(residuals: Mapping[str, Any], weights: Mapping[str, float]) -> float:
    """The loss from the residuals of the conditions."""
    return total_loss({name: float(jnp.mean(r**2)) for name, r in residuals.items()}, weights)


def trace_weights(jacobians: Mapping[str, Float[np.ndarray, "n p"]]) -> dict[str, float]:
    """Weights inverse to the traces of the kernel's diagonal blocks, their weighted sum that of the traces.

    As `NTKWeighting`, for Jacobians at hand.
    """
    traces = {name: float(np.einsum("ij,ij->", J, J)) / len(J) for name, J in jacobians.items()}
    known = {name: trace for name, trace in traces.items() if trace > 0}
    total = sum(known.values())
    return {name: total / len(known) / known[name] if name in known else 1.0 for name in traces}
