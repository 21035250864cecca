r"""The tangent kernel of a problem: of all residuals, at any parameters and points.

Rows are the residuals of the conditions, in the order of `Linearization`. Without weights they are as the equations
give them, $K = J J^\top$; with weights they are scaled by $\sqrt{w_k / N_k}$, and $K$ is the training kernel, whose
eigenvalues are the rates at which gradient flow on the loss reduces its modes.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from .._base.arguments import is_whole
from .._base.devices import MEMORY
from .._base.errors import InputError, InputTypeError
from .._base.precision import full_precision
from .._base.types import Model, Params
from ..equations.mistakes import ProblemError
from ..equations.network import default_network_of
from ..equations.problem import Problem
from ..geometry.points import Points
from ..networks.functional import FunctionalModel, cast
from ..ntk.any_size import kernel_spectrum
from ..ntk.output_kernel import checked_dtype, checked_model
from ..ntk.spectrum import Spectrum
from ..ntk.tangent_kernel import Part, TangentKernel
from ..residuals.functions import Batch, ResidualFunctions
from ..samplers.counts import point_counts
from ..samplers.sampler import batch_of
from ..samplers.space_filling import QuasiRandom
from ..weighting.fixed import fixed_weights

PointsGiven: TypeAlias = int | Mapping[str, Any] | None
"""Numbers of points, or the points: see `sample_points`."""


def sample_points(problem: Problem, points: PointsGiven = None, *, seed: int = 0) -> Batch:
    """Points of each condition, in float64.

    - `points`: None for a default, a number for the conditions of full dimension (others get a share), or for each
      condition a number, an array of shape `(n, d)` of coordinates, or `Points`. With arrays or `Points`, conditions
      that are not named are left out.

    Drawn points are scrambled Sobol points, the same for the same `seed`.

    **Raises:** `ProblemError` for unknown conditions, numbers too small for a region, arrays of another shape or with
    entries that are not finite, and arrays for a condition that needs normals or data columns.
    """
    check_problem_and_seed(problem, seed)
    given = dict(points) if isinstance(points, Mapping) else {}
    if all(is_whole(value) for value in given.values()):
        counts = point_counts(problem, points)
        with jax.enable_x64(True):
            batch = batch_of(problem, QuasiRandom().init(problem, counts, seed))
            return jax.tree.map(np.asarray, batch)
    if unknown := sorted(set(given) - set(problem.conditions)):
        raise ProblemError(
            f"points are given for unknown condition(s) {unknown}; "
            f"problem '{problem.name}' has {list(problem.conditions)}"
        )
    return {name: _as_points(problem, name, value) for name, value in given.items()}


@full_precision()
def residual_ntk(
    problem: Problem,
    model: Model | None = None,
    batch: PointsGiven = None,
    *,
    weights: Mapping[str, float] | None = None,
    coefficients: Mapping[str, float] | None = None,
    seed: int = 0,
    memory: int = MEMORY,
    precision: str = "double",
) -> TangentKernel:
    r"""The tangent kernel of the residuals of a problem, in blocks of conditions; not yet computed.

    `kernel.blocks()` gives all blocks as arrays, `kernel.block("pde", "walls")` one of them, `np.asarray(kernel)` the
    whole matrix, `kernel["pde"]` the kernel of one condition. `ntk_diagonal`, `ntk_trace`, `ntk_matvec`,
    `leading_eigenpairs`, `spectral_density` and `effective_dimension` take any of these.

    **Arguments:**

    - `model`: as for `fit`; the parameters that it has now are where the kernel is taken. None is the network that
      `fit` starts from.
    - `batch`: points, or how many; see `sample_points`.
    - `weights`: None for the plain residuals; loss weights (1 where none is given) for the training kernel.
    - `coefficients`: values of the unknown coefficients, by default those they start from.
    - `seed`: of points that are drawn, and of the network where none is given.
    - `memory`: bytes that factors and blocks may take, see `TangentKernel`.
    - `precision`: "double", or "single" to compute in float32.

    **Raises:** `ProblemError` or `ValueError` for invalid arguments, and for parameters, points or
    residuals that are not finite.
    """
    dtype = checked_dtype(precision)
    points = sample_points(problem, batch, seed=seed)
    if model is None:
        model = default_network_of(problem, seed=seed)
    functional = checked_model(model, problem.domain.dimension)
    with jax.enable_x64(True):
        scales = _scales(problem, points, weights)
        params, residuals = _at_coefficients(problem, functional, coefficients, precision)
        names = [name for name in residuals.conditions if name in points]
        parts = {name: Part(residuals.at_point(name), points[name], scales[name]) for name in names}
        return TangentKernel(parts, params, memory=memory, dtype=dtype)


def training_spectrum(
    problem: Problem,
    model: Model | None = None,
    batch: PointsGiven = None,
    *,
    weights: Mapping[str, float] | None = None,
    coefficients: Mapping[str, float] | None = None,
    modes: int = 20,
    method: str = "auto",
    vectors: bool = False,
    seed: int = 0,
    memory: int = MEMORY,
    precision: str = "double",
) -> Spectrum:
    r"""The spectrum of the training kernel, rows scaled by $\sqrt{w_k / N_k}$; 1 where no weight is given.

    How it is computed (`method`) is chosen from the number of rows and `memory`, see `kernel_spectrum`; `source` of the
    result says how. The other arguments are those of `residual_ntk` and `kernel_spectrum`, which also raise the errors.
    """
    kernel = residual_ntk(
        problem,
        model,
        batch,
        weights=weights or {},
        coefficients=coefficients,
        seed=seed,
        memory=memory,
        precision=precision,
    )
    return kernel_spectrum(kernel, modes=modes, method=method, vectors=vectors, seed=seed)


def check_problem_and_seed(problem: Any, seed: Any) -> None:
    """**Raises:** `InputTypeError` or `InputError` for anything but a problem and a seed."""
    if not isinstance(problem, Problem):
        hint = (
            f"; a problem that comes with it is solved by `pinnkit solve {problem}`" if isinstance(problem, str) else ""
        )
        raise InputTypeError(f"`problem` is a `Problem`, got {type(problem).__name__}{hint}")
    if not is_whole(seed, 0, 2**31 - 1):
        raise InputError(f"`seed` is a whole number from 0 to 2³¹ − 1, got {seed!r}")


def _scales(problem: Problem, batch: Batch, weights: Mapping[str, float] | None) -> dict[str, float]:
    if weights is None:
        return dict.fromkeys(batch, 1.0)
    values = fixed_weights(tuple(problem.conditions), weights, problem.priors)
    return {
        name: float(jnp.sqrt(values[name] / (len(points) * problem.equation(name).size)))
        for name, points in batch.items()
    }


def _at_coefficients(
    problem: Problem, functional: FunctionalModel, coefficients: Mapping[str, float] | None, precision: str
) -> tuple[Params, ResidualFunctions]:
    """All parameters in float64, unknown coefficients at the values given; residuals with constants in `precision`."""
    given = dict(coefficients or {})
    if unknown := sorted(set(given) - set(problem.unknowns)):
        raise ProblemError(
            f"values are given for {unknown}; the unknown coefficients of problem '{problem.name}' are "
            f"{sorted(problem.unknowns)}"
        )
    with jax.enable_x64(precision == "double"):
        residuals = ResidualFunctions(problem, cast(functional, jnp.result_type(float)))
    params = residuals.initial_params(cast(functional.params, jnp.float64))
    raw = {name: jnp.asarray(problem.unknowns[name].to_raw(value), jnp.float64) for name, value in given.items()}
    return {**params, "coefficients": {**params["coefficients"], **raw}}, residuals


def _as_points(problem: Problem, name: str, value: Points | ArrayLike) -> Points:
    points = value if isinstance(value, Points) else _from_array(problem, name, value)
    if not len(points):
        raise ProblemError(f"condition '{name}' of problem '{problem.name}' needs at least 1 point, got none")
    points = jax.tree.map(lambda column: np.asarray(column, np.float64), points)
    bad = ~np.isfinite(np.column_stack([column.reshape(len(points), -1) for column in jax.tree.leaves(points)]))
    if bad.any():
        rows = np.flatnonzero(bad.any(axis=1))
        raise ProblemError(
            f"the points of condition '{name}' hold {rows.size} that are not finite, the first in row {rows[0]}"
        )
    return points


def _from_array(problem: Problem, name: str, value: ArrayLike) -> Points:
    array = np.asarray(value)
    dimension = problem.domain.dimension
    if array.ndim != 2 or array.shape[1] != dimension or not np.issubdtype(array.dtype, np.number):
        raise ProblemError(
            f"the points of condition '{name}' must be numbers of shape (n, {dimension}), columns "
            f"{', '.join(problem.domain.coordinates)}; got {array.dtype} of shape {array.shape}"
        )
    needed = sorted({symbol.name for symbol in problem.equation(name).symbols if symbol.kind in ("normal", "column")})
    if needed:
        raise ProblemError(
            f"condition '{name}' needs {', '.join(needed)} at its points; give it a number of points, or `Points`"
        )
    with jax.enable_x64(True):
        return Points(jnp.asarray(array, jnp.float64), None, {})
