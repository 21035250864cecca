"""Residuals of a problem on a batch of points."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from .._base.devices import map_sets, map_shards
from .._base.tracing.series import Index
from .._base.tracing.taylor import derivatives
from .._base.types import Params, Residuals, Scalar, Weights
from ..equations.linear_part import SplitEquation
from ..equations.mistakes import ProblemError
from ..equations.polynomial import AtPoint
from ..equations.problem import Problem
from ..equations.symbols import Symbol
from ..geometry.points import Points
from ..networks.functional import FunctionalModel, output_size
from .loss import row_weights

Batch: TypeAlias = dict[str, Points]
"""The points of each condition."""


class ResidualFunctions:
    """The residuals of a problem as functions of parameters and points.

    Parameters are `{"coefficients": {name: raw number}, "network": tree}`; the points carry `(n, d)`
    coordinates. Equations are traced in the floating-point precision in force at construction.

    **Raises:** `ProblemError` if the model's output does not have one entry per component of the fields.
    """

    def __init__(self, problem: Problem, model: FunctionalModel):
        self.problem, self.model = problem, model
        self._apply = model.apply
        self._equations = {name: SplitEquation(problem.equation(name)) for name in problem.conditions}
        self._slices, size = {}, 0
        for name, components in problem.field_sizes.items():
            self._slices[name] = size if components == 1 else slice(size, size + components)
            size += components
        outputs = output_size(model, problem.domain.dimension)
        if outputs != size:
            raise ProblemError(
                f"the model has {outputs} output(s); problem '{problem.name}' needs {size} "
                f"for the fields {', '.join(f'{k} ({v})' for k, v in problem.field_sizes.items())}"
            )

    @property
    def conditions(self) -> tuple[str, ...]:
        """Names in the order in which residuals are stacked: that of the leaves of a dict in JAX."""
        return tuple(sorted(self._equations))

    def rows(self, condition: str, points: int) -> int:
        """Number of residuals of a condition on `points` points."""
        return self._equations[condition].size * points

    def initial_params(self, network: Params) -> Params:
        """All that is trained, from the parameters of the network."""
        dtype = jnp.result_type(float)
        raw = {name: jnp.asarray(u.to_raw(), dtype) for name, u in self.problem.unknowns.items()}
        return {"coefficients": raw, "network": network}

    def coefficients(self, params: Params) -> dict[str, Any]:
        """The values of all coefficients, given and unknown."""
        return {**self.problem.constants, **self.unknowns(params)}

    def unknowns(self, params: Params) -> dict[str, Any]:
        """The values of the unknown coefficients."""
        return {name: u.to_value(params["coefficients"][name]) for name, u in self.problem.unknowns.items()}

    def fields(self, params: Params, x: Float[Array, "n d"]) -> dict[str, Float[Array, " n *m"]]:
        """The fields at points."""
        output = map_shards(lambda x, network: jax.vmap(self._apply, (None, 0))(network, x), x, params["network"])
        return {name: output[:, part] for name, part in self._slices.items()}

    def at_point(self, condition: str) -> Callable[[Params, Points], Float[Array, " m"]]:
        """The residual of one condition as a function of parameters and one point."""
        return self.value_of(self._equations[condition])

    def value_of(self, equation: SplitEquation) -> Callable[[Params, Points], Float[Array, " m"]]:
        """The value of any equation in the problem's names as a function of parameters and one point.

        The function takes a third argument: for fields with a domain of their own, whether the point lies in it. Where
        it does not, the field is NaN.
        """

        def value(params: Params, point: Points, inside: Mapping[str, Array] | None = None) -> Float[Array, " m"]:
            values = self._values(params, point)
            at_point = self._at_point(equation, values, params, point)
            if inside:
                at_point = _masked(at_point, inside)
            return equation(values, at_point, functools.partial(self.field_value, params))

        return value

    def jets(self, params: Params, x: Float[Array, " d"], indices: Sequence[Index]) -> Float[Array, "i m"]:
        """Derivatives of all outputs at a point, in the order of `indices`."""
        found = derivatives(lambda x: self._apply(params["network"], x), x, indices)
        return jnp.stack([found[index] for index in indices])

    def symbols(self, params: Params, point: Points, jets: Mapping[Index, Float[Array, " m"]]) -> dict[Symbol, Array]:
        """The values of all symbols of an equation, from the derivatives at a point."""
        fields = {
            Symbol("field", name, index): outputs[part]
            for index, outputs in jets.items()
            for name, part in self._slices.items()
        }
        return self._values(params, point) | fields

    def has_channels(self, condition: str) -> bool:
        """Whether the residual depends on the network through `channels` alone."""
        return not self.problem.unknowns and not self._equations[condition].has_elsewhere

    def channels(self, condition: str) -> Callable[[Params, Points], Float[Array, " k"]]:
        """The derivatives and operators of all outputs of the network in the residual of one condition at a point.

        They are linear in the network, so affine in parameters that the network is affine in, for any equation.
        """
        equation = self._equations[condition]

        def values(params: Params, point: Points) -> Float[Array, " k"]:
            operators = equation.operators(self._values(params, point))
            network = lambda x: self._apply(params["network"], x)
            found = derivatives(network, point.coordinates, equation.indices, operators)
            return jnp.concatenate([found[channel] for channel in (*equation.indices, *operators)])

        return values

    def leading(self, condition: str) -> Float[np.ndarray, " k"]:
        """1 for `channels` with the highest derivatives of an equation of the inside, 0 for all others."""
        orders = np.array(self._equations[condition].orders)
        is_inside = self.problem.conditions[condition].on.dimension == self.problem.domain.dimension
        is_leading = is_inside & (orders > 0) & (orders == orders.max(initial=0))
        return np.repeat(is_leading.astype(float), sum(self.problem.field_sizes.values()))

    def from_channels(self, condition: str) -> Callable[[Params, Points, Float[Array, " k"]], Float[Array, " m"]]:
        """The residual of one condition at a point from its `channels`, without the parameters of the network."""
        equation = self._equations[condition]

        def residual(params: Params, point: Points, channels: Float[Array, " k"]) -> Float[Array, " m"]:
            values = self._values(params, point)
            places = {channel: i for i, channel in enumerate((*equation.indices, *equation.operators(values)))}
            by_channel = channels.reshape(len(places), -1)
            return equation(values, lambda name, channel: by_channel[places[channel], self._slices[name]], _nowhere)

        return residual

    def __call__(self, params: Params, batch: Batch) -> Residuals:
        """Residuals of every condition; those of one point are adjacent."""
        flat, unravel = ravel_pytree(params)  # so that derivatives are summed over devices as one array

        def values(batch: Batch, flat: Array) -> dict[str, Any]:
            function = lambda name: jax.vmap(self.at_point(name), (None, 0))
            return {name: function(name)(unravel(flat), points) for name, points in batch.items()}

        return {name: r.ravel() for name, r in map_sets(values, dict(batch), flat).items()}

    def loss(self, params: Params, batch: Batch, weights: Weights) -> tuple[Scalar, dict[str, Scalar]]:
        r"""Loss $\tfrac12 \sum_k \overline{w_k r_k^2}$, and the mean squares $\overline{r_k^2}$."""
        squares = {name: r**2 for name, r in self(params, batch).items()}
        weighted = [jnp.mean(row_weights(weights[name], r2.size) * r2) for name, r2 in squares.items()]
        return 0.5 * jnp.sum(jnp.stack(weighted)), {name: jnp.mean(r2) for name, r2 in squares.items()}

    def stacked(self, params: Params, batch: Batch, weights: Weights) -> Float[Array, " n"]:
        r"""All residuals in one vector, rows scaled by $\sqrt{w_k / N_k}$, so that the loss is ½‖r‖²."""
        residuals = self(params, batch)
        scaled = {name: jnp.sqrt(row_weights(weights[name], r.size) / r.size) * r for name, r in residuals.items()}
        return jnp.concatenate(jax.tree.leaves(scaled))

    def _values(self, params: Params, point: Points) -> dict[Symbol, Array]:
        """The values of symbols at a point that do not depend on the network."""
        x = point.coordinates
        values = {Symbol("coordinate", name): x[i] for i, name in enumerate(self.problem.domain.coordinates)}
        for name, value in self.coefficients(params).items():
            values[Symbol("coefficient", name)] = jnp.asarray(value, x.dtype)
        values |= {Symbol("column", name): value for name, value in point.columns.items()}
        if point.normals is not None:
            values[Symbol("normal", "normal")] = point.normals
        return values

    def _at_point(self, equation: SplitEquation, values: dict[Symbol, Array], params: Params, point: Points) -> AtPoint:
        """Derivatives of fields, and operators on them, in one pass."""
        network = lambda x: self._apply(params["network"], x)
        operators = equation.operators(values)
        needed = equation.indices or operators
        found = derivatives(network, point.coordinates, equation.indices, operators) if needed else {}
        return lambda name, channel: found[channel][self._slices[name]]

    def field_value(self, params: Params, symbol: Symbol, point: tuple[Array, ...]) -> Array:
        """A derivative of a field at another point."""
        x = jnp.stack([jnp.ravel(coordinate) for coordinate in point], axis=-1)
        at = lambda x: derivatives(lambda x: self._apply(params["network"], x), x, [symbol.orders])[symbol.orders]
        value = jax.vmap(at)(x)[:, self._slices[symbol.name]]
        return value.reshape(point[0].shape + value.shape[1:])


def _masked(at_point: AtPoint, inside: Mapping[str, Array]) -> AtPoint:
    def masked(name: str, channel: Any) -> Any:
        value = at_point(name, channel)
        return jnp.where(inside[name], value, jnp.nan) if name in inside else value

    return masked


def _nowhere(*_: Any) -> Array:
    raise AssertionError("an equation that takes fields elsewhere has no channels")
