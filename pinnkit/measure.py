"""A look at parameters from outside: fields on arrays, held-out residuals, errors against the reference."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ._types import Params
from .domains import Box
from .faults import Fault, find_fault
from .residuals import Batch, ResidualFunctions


class Fields:
    """The fields of a problem as functions of NumPy arrays, computed in double precision."""

    def __init__(self, residuals: ResidualFunctions):
        self._function = jax.jit(residuals.fields)

    def __call__(self, params: Params, points: Float[np.ndarray, "n d"]) -> dict[str, Float[np.ndarray, " n *m"]]:
        with jax.enable_x64(True):
            return {name: np.asarray(values) for name, values in self._function(params, points).items()}


class Measure:
    """Held-out mean squares, and errors against the reference on the test grid."""

    def __init__(self, residuals: ResidualFunctions, batch: Batch):
        self.problem, self.fields = residuals.problem, Fields(residuals)
        self._residuals, self._batch = residuals, batch
        self._mean_squares = jax.jit(
            lambda params, batch: {name: jnp.mean(r**2) for name, r in residuals(params, batch).items()}
        )
        self.points, self.shape = _test_points(residuals.problem.domain)
        self.reference = residuals.problem.evaluate_reference(self.points) or {}

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
        if not self.reference:
            return {}, {}
        values = self.fields(_on_host(params), self.points)
        relative, largest = {}, {}
        for name, reference in self.reference.items():
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
