"""Finds the first quantity that is not finite, in the order in which a loss is computed."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._base.devices import on_host
from .._base.types import Params
from ..geometry.points import Points
from ..residuals.functions import Batch, ResidualFunctions

_BLOCK = 256
"""Points whose gradients are formed at once."""


@dataclasses.dataclass(frozen=True)
class Fault:
    """- `what`: is not finite, as a phrase; `point`: coordinates by name, empty if it has no point."""

    what: str
    point: dict[str, float] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        where = ", ".join(f"{name} = {value:.6g}" for name, value in self.point.items())
        return f"{self.what} at {where}" if where else self.what


def find_fault(
    residuals: ResidualFunctions, params: Params, batch: Batch, weights: Mapping[str, Any] | None = None
) -> Fault | None:
    """The first thing that is not finite: a parameter, a point or a datum, a residual, a weight, the gradient of a
    residual; None if everything is finite.

    - `weights`: None to leave out the gradients.
    """
    for path, leaf in jax.tree_util.tree_leaves_with_path(params):
        if not np.isfinite(leaf).all():
            return Fault(f"parameter {jax.tree_util.keystr(path, simple=True, separator='/')}")
    for name, points in batch.items():
        if fault := _in_points(residuals, name, points):
            return fault
    values = on_host(jax.jit(residuals)(params, batch))
    for name, r in values.items():
        if not (finite := _by_point(r, len(batch[name]))).all():
            return _at(residuals, f"residual of condition '{name}'", batch[name], int(np.argmin(finite)))
    if weights is None:
        return None
    for name, weight in weights.items():
        if not np.isfinite(weight).all():
            return Fault(f"weight of condition '{name}'")
    for name, r in values.items():
        if not np.isfinite(np.mean(np.square(r))):
            largest = np.abs(np.reshape(r, (len(batch[name]), -1))).max(axis=1)
            return _at(residuals, f"square of the residual of condition '{name}'", batch[name], int(largest.argmax()))
    for name, points in batch.items():
        norms = _gradient_norms(residuals, name, params, points)
        if not np.isfinite(norms).all():
            return _at(
                residuals, f"gradient of the residual of condition '{name}'", points, int(np.argmin(np.isfinite(norms)))
            )
    return None


def _in_points(residuals: ResidualFunctions, name: str, points: Points) -> Fault | None:
    data = {"point": points.coordinates, **{f"'{key}'": column for key, column in points.columns.items()}}
    for what, values in data.items():
        if not (finite := _by_point(values, len(points))).all():
            return _at(residuals, f"{what} of condition '{name}'", points, int(np.argmin(finite)))
    return None


def _gradient_norms(residuals: ResidualFunctions, name: str, params: Params, points: Points) -> np.ndarray:
    """The norm of the gradient of half the squared residual, for each point."""
    at_point = residuals.at_point(name)
    squared = lambda params, point: 0.5 * jnp.sum(at_point(params, point) ** 2)

    def norm(point: Points) -> Any:
        return jnp.sqrt(sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(jax.grad(squared)(params, point))))

    return np.asarray(jax.jit(lambda points: jax.lax.map(norm, points, batch_size=_BLOCK))(points))


def _by_point(values: Any, count: int) -> np.ndarray:
    return np.all(np.isfinite(np.asarray(values)).reshape(count, -1), axis=1)


def _at(residuals: ResidualFunctions, what: str, points: Points, number: int) -> Fault:
    names, place = residuals.problem.domain.coordinates, np.asarray(points.coordinates)[number]
    return Fault(what, dict(zip(names, place.tolist(), strict=True)))
