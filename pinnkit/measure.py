"""A look at parameters from outside: fields on arrays, held-out residuals, errors against the reference."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ._precision import full_precision
from ._types import Params
from .domains import Box
from .faults import Fault, find_fault
from .problem import Problem
from .residuals import Batch, ResidualFunctions


class Fields:
    """The fields of a problem as functions of NumPy arrays, computed in double precision."""

    def __init__(self, residuals: ResidualFunctions):
        self._function = jax.jit(residuals.fields)

    def __call__(self, params: Params, points: Float[np.ndarray, "n d"]) -> dict[str, Float[np.ndarray, " n *m"]]:
        with jax.enable_x64(True), full_precision():
            return {name: np.asarray(values) for name, values in self._function(params, points).items()}


@dataclasses.dataclass(frozen=True)
class ReferenceGrid:
    """The points at which fields are compared with the reference of a problem.

    - `points`; `shape`: of the tensor grid that they are, empty where they are none;
    - `reference`: per field of shape `(n,)` or `(n, m)`, empty without one.
    """

    points: Float[np.ndarray, "n d"]
    shape: tuple[int, ...]
    reference: dict[str, np.ndarray]

    @classmethod
    def of(cls, problem: Problem) -> "ReferenceGrid":
        """**Raises:** `ProblemError` for a reference that is not finite or of another shape."""
        points, shape = _test_points(problem.domain)
        return cls(points, shape, problem.evaluate_reference(points) or {})


class Measure:
    """Held-out mean squares, and errors against the reference on the test grid."""

    def __init__(self, residuals: ResidualFunctions, batch: Batch, grid: ReferenceGrid):
        self.problem, self.fields, self.grid = residuals.problem, Fields(residuals), grid
        self._residuals, self._batch = residuals, batch
        self._mean_squares = jax.jit(
            lambda params, batch: {name: jnp.mean(r**2) for name, r in residuals(params, batch).items()}
        )

    def held_out(self, params: Params) -> dict[str, float]:
        """Mean square of each condition's residual on points that training never sees."""
        with jax.enable_x64(True):
            return {name: float(v) for name, v in self._mean_squares(_on_host(params), self._batch).items()}

    def fault(self, params: Params) -> Fault | None:
        """What is not finite of the held-out residuals."""
        with jax.enable_x64(True):
            return find_fault(self._residuals, _on_host(params), self._batch)

    def errors(self, params: Params) -> tuple[dict[str, float], dict[str, float]]:
        """Relative L2 and maximum error per field; a reference that vanishes has no relative error."""
        if not self.grid.reference:
            return {}, {}
        values = self.fields(_on_host(params), self.grid.points)
        relative, largest = {}, {}
        for name, reference in self.grid.reference.items():
            error = values[name] - reference
            largest[name] = float(np.max(np.abs(error)))
            if norm := float(np.linalg.norm(reference)):
                relative[name] = float(np.linalg.norm(error)) / norm
        return relative, largest


def _on_host(params: Params) -> Params:
    """As NumPy arrays, which enter double precision from either precision."""
    return jax.tree.map(np.asarray, params)


def _test_points(domain: Box) -> tuple[np.ndarray, tuple[int, ...]]:
    """About ten thousand points (a thousand in one dimension): a tensor grid up to three dimensions."""
    if domain.dimension <= 3:
        per_axis = {1: 1001, 2: 101, 3: 22}[domain.dimension]
        return domain.grid(per_axis), domain.dimension * (per_axis,)
    from scipy.stats import qmc  # slow to import

    unit = qmc.Sobol(domain.dimension, rng=np.random.default_rng(0)).random_base2(13)
    return domain.lower + (domain.upper - domain.lower) * unit, ()
