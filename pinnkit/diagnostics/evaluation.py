"""Evaluation of parameters: fields on arrays, validation residuals, and errors against the reference."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from .._base.devices import on_host
from .._base.precision import full_precision
from .._base.types import Params
from ..equations.problem import Problem
from ..residuals.functions import Batch, ResidualFunctions
from .nonfinite import Fault, find_fault


class Fields:
    """The fields of a problem as functions of NumPy arrays, computed in double precision; NaN outside their domains."""

    def __init__(self, residuals: ResidualFunctions):
        self.residuals = residuals
        self._function = jax.jit(residuals.fields)

    def __call__(self, params: Params, points: Float[np.ndarray, "n d"]) -> dict[str, Float[np.ndarray, " n *m"]]:
        domains = self.residuals.problem.field_domains
        with jax.enable_x64(True), full_precision():
            found = self._function(params, points)
        return {name: domains.masked(name, on_host(values), points) for name, values in found.items()}


@dataclasses.dataclass(frozen=True)
class ReferenceGrid:
    """The points at which fields are compared with the reference of a problem.

    - `shape`, `triangles`: see `Evaluation`;
    - `reference`: per field of shape `(n,)` or `(n, m)`, NaN where it is unknown; empty without a reference.
    """

    points: Float[np.ndarray, "n d"]
    shape: tuple[int, ...]
    triangles: Int[np.ndarray, "m 3"]
    reference: dict[str, np.ndarray]

    @classmethod
    def of(cls, problem: Problem, is_known: bool = True) -> "ReferenceGrid":
        """- `is_known`: whether the reference is evaluated.

        **Raises:** `ProblemError` for a reference that is infinite, NaN everywhere, or of another shape."""
        found = problem.field_domains.evaluation()
        return cls(*found, (problem.evaluate_reference(found.points) if is_known else None) or {})


CONSTANT = float(np.sqrt(np.finfo(float).eps))
"""A reference whose spread is below this share of its rms is constant: errors are compared with its size alone."""


class Errors(NamedTuple):
    """Errors per field on the test grid, where the reference is known.

    - `relative_l2`: ‖u − u_ref‖ / ‖u_ref‖, without fields whose reference vanishes;
    - `max_error`: the largest |u − u_ref|;
    - `relative_to_spread`: ‖u − u_ref‖ / ‖u_ref − mean u_ref‖; `relative_to_range`: `max_error` over the largest
      max u_ref − min u_ref of a component; both without fields whose reference is constant.
    """

    relative_l2: dict[str, float]
    max_error: dict[str, float]
    relative_to_spread: dict[str, float]
    relative_to_range: dict[str, float]


class Measure:
    """Validation mean squares, and errors against the reference on the test grid."""

    def __init__(self, residuals: ResidualFunctions, batch: Batch, grid: ReferenceGrid):
        self.problem, self.fields, self.grid = residuals.problem, Fields(residuals), grid
        self.residuals, self._batch = residuals, batch
        self._mean_squares = jax.jit(_mean_squares(residuals))

    def mean_squares(self, params: Params, batch: Batch) -> dict[str, float]:
        """Mean squared residuals of some conditions on other points; with the same numbers nothing is compiled."""
        with jax.enable_x64(True):
            found = self._mean_squares(on_host(params), {**self._batch, **batch})
            return {name: float(found[name]) for name in batch}

    def validation_losses(self, params: Params) -> dict[str, float]:
        """Mean square of each condition's residual on points that are never trained on."""
        with jax.enable_x64(True):
            return {name: float(v) for name, v in self._mean_squares(on_host(params), self._batch).items()}

    def validation_of(self, residuals: ResidualFunctions, params: Params) -> dict[str, float]:
        """The same for another model."""
        with jax.enable_x64(True):
            found = jax.jit(_mean_squares(residuals))(on_host(params), self._batch)
            return {name: float(v) for name, v in found.items()}

    def fault(self, params: Params) -> Fault | None:
        """What is not finite in the validation residuals."""
        with jax.enable_x64(True):
            return find_fault(self.residuals, on_host(params), self._batch)

    def errors(self, params: Params) -> Errors:
        """Errors against the reference; empty without one."""
        if not self.grid.reference:
            return Errors({}, {}, {}, {})
        return errors_of(self.fields(on_host(params), self.grid.points), self.grid.reference)


def errors_of(values: dict[str, np.ndarray], references: dict[str, np.ndarray]) -> Errors:
    """Errors of fields on common points, those left out at which the reference is NaN."""
    found = Errors({}, {}, {}, {})
    for name, reference in references.items():
        known = np.isfinite(reference).reshape(len(reference), -1).all(axis=1)
        exact, error = reference[known], values[name][known] - reference[known]
        norm, spread = np.linalg.norm(exact), np.linalg.norm(exact - exact.mean(axis=0))
        found.max_error[name] = float(np.max(np.abs(error)))
        if norm > 0:
            found.relative_l2[name] = float(np.linalg.norm(error) / norm)
        if spread > CONSTANT * norm:
            found.relative_to_spread[name] = float(np.linalg.norm(error) / spread)
            found.relative_to_range[name] = found.max_error[name] / float(np.max(np.ptp(exact, axis=0)))
    return found


def _mean_squares(residuals: ResidualFunctions) -> Callable[[Params, Batch], dict[str, Any]]:
    return lambda params, batch: {name: jnp.mean(r**2) for name, r in residuals(params, batch).items()}
