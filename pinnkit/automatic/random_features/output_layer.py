r"""The output layer of a network: the parameters that the network is affine in, and the residual in terms of them.

Which parameters these are is found from the trace of the model. Unknown coefficients are solved for together with them.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..._base.devices import even, joined_rows, map_shards, on_host, shards
from ..._base.linalg.arrays import for_algebra, module_of
from ..._base.linalg.least_squares import least_squares
from ..._base.tracing.degrees import is_affine
from ..._base.types import Params
from ...equations.condition import PRIOR
from ...geometry.points import Points
from ...networks.functional import FunctionalModel
from ...networks.linear_parameters import linear_leaves
from ...ntk.jacobian import jacobian_rows
from ...residuals.functions import Batch, ResidualFunctions
from ...residuals.loss import total_loss

_BLOCK = 1024

Shift = Float[np.ndarray, " p"]
"""Change of the parameters solved for."""


class ShiftedResidual(NamedTuple):
    """The residual as a function of a shift of the output layer.

    - `linearize`: Jacobians, of the shift, and residuals of every condition after a shift, unscaled; where devices
      share the points, rows of zeros fill them up;
    - `values`: the residuals alone; `counts`: their numbers.
    """

    linearize: Callable[[Shift], tuple[dict[str, Any], dict[str, Any]]]
    values: Callable[[Shift], dict[str, Any]]
    counts: dict[str, int]

    def on_host(self, shift: Shift) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """What `linearize` returns, as arrays of NumPy."""
        jacobians, values = on_host(self.linearize(shift))
        cut = lambda rows: {name: rows[name][:count] for name, count in self.counts.items()}
        return cut(jacobians), cut(values)


class OutputLayer:
    """The parameters that the model of a problem is affine in, and its unknown coefficients.

    Everything is compiled once for all parameters and points of the same shapes.

    - `size`: number of these parameters; `leaves`: number of axes and of entries of each array;
    - `is_linear`: whether the residual is affine in them;
    - `uses_channels`: whether the residual is computed from derivatives of the network (see `by_channels`).
    """

    def __init__(self, residuals: ResidualFunctions, model: FunctionalModel):
        self._residuals, self._apply = residuals, model.apply
        self._chosen = linear_leaves(model, residuals.problem.domain.dimension)
        self._linearized = jax.jit(self._linearize)
        self._valued = jax.jit(residuals)
        self._expanded = jax.jit(self._expand)
        self._assembled, self._combined = jax.jit(self._assemble), jax.jit(self._combine)
        example = residuals.initial_params(model.params)
        self.leaves = [(leaf.ndim, leaf.size) for leaf in jax.tree.leaves(self._part(example))]
        self.size = sum(size for _, size in self.leaves)
        self.is_linear = bool(self._chosen) and all(self._is_affine(name, example) for name in residuals.conditions)
        through = all([residuals.has_channels(name) for name in residuals.conditions])
        self.uses_channels = bool(self._chosen) and not self.is_linear and through

    def weights(self, params: Params, batch: Batch) -> dict[str, float]:
        """Weights inverse to the traces of the kernel at these parameters (see `trace_weights`)."""
        residual = self.shifted(params, batch)
        jacobians, _ = residual.linearize(np.zeros(self.size))
        return self.balanced(jax.tree.map(for_algebra, jacobians), residual.counts)

    def balanced(
        self, jacobians: Mapping[str, Float[Array | np.ndarray, "n p"]], counts: Mapping[str, int]
    ) -> dict[str, float]:
        """Weights inverse to the traces of the kernel, those of priors times `PRIOR`."""
        priors = self._residuals.problem.priors
        return {name: w * PRIOR if name in priors else w for name, w in trace_weights(jacobians, counts).items()}

    def loss(self, params: Params, batch: Batch, weights: Mapping[str, float]) -> float:
        """The loss on any points."""
        return weighted_loss(self._valued(params, batch), weights)

    def values(self, params: Params, batch: Batch) -> dict[str, Float[np.ndarray, " n"]]:
        """The residuals on any points of any conditions."""
        return on_host(self._valued(params, batch))

    def coefficients(self, params: Params) -> dict[str, float]:
        """The values of the unknown coefficients."""
        return {name: float(value) for name, value in self._residuals.unknowns(params).items()}

    def shifted(self, params: Params, batch: Batch, emphasis: float = 1.0) -> ShiftedResidual:
        """The residual around `params`, computed in the cheapest way.

        - `emphasis`: factor on the highest derivatives inside the domain, if `uses_channels`.
        """
        return self.by_channels(params, batch, emphasis) if self.uses_channels else self.by_network(params, batch)

    def by_network(self, params: Params, batch: Batch) -> ShiftedResidual:
        """The residual from the network itself."""
        return ShiftedResidual(
            lambda shift: self._linearized(self.moved(params, shift), batch),
            lambda shift: self._valued(self.moved(params, shift), batch),
            self._counts(batch),
        )

    def by_channels(self, params: Params, batch: Batch, emphasis: float = 1.0) -> ShiftedResidual:
        """The residual from derivatives of the network, which are affine in the shift: it is evaluated only once."""
        counts, batch = self._counts(batch), {name: even(points)[0] for name, points in batch.items()}
        channels, slopes = self._expanded(params, batch)
        if emphasis != 1.0:
            factors = {name: 1 + (emphasis - 1) * self._residuals.leading(name) for name in channels}
            channels = {name: values * factors[name] for name, values in channels.items()}
            slopes = {name: values * factors[name][:, None] for name, values in slopes.items()}
        known = params, batch, channels, slopes
        cut = lambda rows: {name: rows[name] if len(rows[name]) == n else rows[name][:n] for name, n in counts.items()}
        return ShiftedResidual(
            lambda shift: self._assembled(*known, shift, counts),
            lambda shift: cut(self._combined(*known, shift)),
            counts,
        )

    def _counts(self, batch: Batch) -> dict[str, int]:
        return {name: self._residuals.rows(name, len(batch[name])) for name in self._residuals.conditions}

    def _part(self, params: Params) -> dict[str, Any]:
        leaves = jax.tree.leaves(params["network"])
        return {"coefficients": params["coefficients"], "head": [leaves[i] for i in self._chosen]}

    def _merged(self, params: Params, part: dict[str, Any]) -> Params:
        leaves, tree = jax.tree.flatten(params["network"])
        for i, leaf in zip(self._chosen, part["head"], strict=True):
            leaves[i] = leaf
        return {"coefficients": part["coefficients"], "network": tree.unflatten(leaves)}

    def moved(self, params: Params, update: Shift) -> Params:
        """The parameters after a shift of the output layer."""
        leaves, tree = jax.tree.flatten(self._part(params))
        parts = np.split(update, np.cumsum([leaf.size for leaf in leaves])[:-1])
        moved = [jnp.asarray(leaf + part.reshape(leaf.shape)) for leaf, part in zip(leaves, parts, strict=True)]
        return self._merged(params, tree.unflatten(moved))

    def fitted(self, params: Params, x: Float[Array, "n d"], values: Float[Array, "n m"]) -> Params:
        """The parameters with which the network takes values at points best, by least squares."""
        part, apply = self._part(params), jax.vmap(self._apply, (None, 0))
        network = lambda head: self._merged(params, {**part, "head": head})["network"]
        function = lambda head, x: self._apply(network(head), x)
        missing = values - apply(params["network"], x)
        slopes = joined_rows([jacobian_rows(function, part["head"], x, _BLOCK).reshape(missing.size, -1)])
        change = least_squares(*map(for_algebra, (slopes, joined_rows([missing.ravel()])))).x
        coefficients = np.zeros(self.size - change.size)
        return self.moved(params, np.concatenate([coefficients, change]))

    def _linearize(self, params: Params, batch: Batch) -> tuple[dict[str, Any], dict[str, Any]]:
        """Jacobian and residual of every condition, unscaled."""
        jacobians, values = {}, {}
        for name in self._residuals.conditions:
            function = self._of_part(name, params)
            values[name] = _mapped(function, self._part(params), batch[name]).ravel()
            rows = jacobian_rows(function, self._part(params), batch[name], _BLOCK, padded=True)
            jacobians[name] = rows.reshape(values[name].size, -1)
        return jacobians, values

    def _expand(self, params: Params, batch: Batch) -> tuple[dict[str, Any], dict[str, Any]]:
        """Channels of every condition at `params`, and their slopes in the parameters solved for."""
        values, slopes = {}, {}
        for name in self._residuals.conditions:
            channels = self._residuals.channels(name)
            function = lambda part, point, channels=channels: channels(self._merged(params, part), point)
            values[name] = _mapped(function, self._part(params), batch[name])
            slopes[name] = jacobian_rows(function, self._part(params), batch[name], _BLOCK, padded=True)
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
        self,
        params: Params,
        batch: Batch,
        channels: dict[str, Any],
        slopes: dict[str, Any],
        shift: Any,
        counts: dict[str, Any],
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Jacobians and residuals after a shift, rows beyond `counts` zero."""
        jacobians, residuals = {}, self._combine(params, batch, channels, slopes, shift)
        for name, values in channels.items():
            function = self._residuals.from_channels(name)
            shifted = values + slopes[name] @ shift
            inner = jax.vmap(jax.jacfwd(function, 2), (None, 0, 0))(params, batch[name], shifted)
            terms = [inner[:, :, k, None] * slopes[name][:, None, k] for k in range(inner.shape[2])]
            jacobians[name] = functools.reduce(jnp.add, terms).reshape(residuals[name].size, -1)
        if shards() == 1:  # nothing fills up
            return jacobians, residuals
        own = {name: jnp.arange(len(r)) < counts[name] for name, r in residuals.items()}
        return (
            {name: jnp.where(own[name][:, None], J, 0.0) for name, J in jacobians.items()},
            {name: jnp.where(own[name], r, 0.0) for name, r in residuals.items()},
        )

    def _of_part(self, name: str, params: Params) -> Callable[[dict[str, Any], Any], Any]:
        residual = self._residuals.at_point(name)
        return lambda part, point: residual(self._merged(params, part), point)

    def _is_affine(self, name: str, params: Params) -> bool:
        point = jax.tree.map(lambda column: column[0], self._example(name))
        return is_affine(lambda part: self._of_part(name, params)(part, point), self._part(params))

    def _example(self, name: str) -> Any:
        region = self._residuals.problem.conditions[name].on
        return region.points(jnp.full((max(region.least, 1), region.dimension), 0.5))


def _mapped(function: Callable[[Any, Any], Any], part: Any, points: Points) -> Any:
    """The values of a function at points, with rows of zeros where devices share them."""
    return map_shards(lambda points, part: jax.vmap(function, (None, 0))(part, points), points, part, padded=True)


def weighted_loss(residuals: Mapping[str, Any], weights: Mapping[str, float]) -> float:
    """The loss from the residuals of the conditions."""
    return total_loss({name: float(jnp.mean(r**2)) for name, r in residuals.items()}, weights)


def trace_weights(
    jacobians: Mapping[str, Float[Array | np.ndarray, "n p"]], counts: Mapping[str, int]
) -> dict[str, float]:
    """Weights inverse to the traces of the diagonal blocks of the kernel; their weighted sum is that of the traces.

    The same as `NTKWeighting`, from the Jacobians and the numbers of their rows.
    """
    traces = {name: float(module_of(J).einsum("ij,ij->", J, J)) / counts[name] for name, J in jacobians.items()}
    known = {name: trace for name, trace in traces.items() if trace > 0}
    total = sum(known.values())
    return {name: total / len(known) / known[name] if name in known else 1.0 for name in traces}
