r"""Confidence intervals of unknown coefficients, from the curvature of the loss.

Near the minimum of $\tfrac12 \lVert r \rVert^2$, errors $\epsilon$ of the rows of $r$ (noise in data, the remaining
residual of an equation) shift the parameters by $\delta = -J^+ \epsilon$. With errors that are independent and as large
as the residuals, the variance of a coefficient is $\sum_i (J^+_{ci})^2 r_i^2 / (1 - h_i)$ with the leverages
$h = \operatorname{diag} J J^+$ (HC2), which does not need the size of the noise. Equations are evaluated on
fresh points, so that a network that fits only its own points does not appear accurate; data points are fixed.

All of this holds near a minimum. The Gauss-Newton step of a coefficient, $-(J^+ r)_c$, estimates the distance to it: if
it is not small compared with the interval, no interval is given, because the coefficient has not converged.

MacKinnon & White, *Some heteroskedasticity-consistent covariance matrix estimators*, J. Econometrics 29, 1985.
"""

import math
from collections.abc import Mapping
from statistics import NormalDist
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from .._base.types import Params
from ..networks.functional import FunctionalModel
from ..networks.linear_parameters import linear_leaves
from ..residuals.forms import linearize
from ..residuals.functions import ResidualFunctions
from ..samplers.counts import counts_of_rows
from ..samplers.sampler import batch_of
from ..samplers.space_filling import QuasiRandom
from .coefficient_interval import CoefficientInterval, Withheld

CONFIDENCE = 0.95

MOST_PARAMETERS = 1500
"""With more parameters, all hidden layers are kept fixed."""

ROWS_PER_PARAMETER = 3
"""Fresh residuals per parameter, so that they cannot all be fitted."""

JACOBIAN_ENTRIES = 2**26
"""Largest number of entries of the Jacobian: 512 MiB."""

IDENTIFIED = 0.9
"""A coefficient is unknown if less than this share of its direction changes the residuals."""

MOVING = 0.25
"""A coefficient has not converged if its next step is more than this share of half the interval."""


class Estimate(NamedTuple):
    """The standard error of a parameter, and its Gauss-Newton step to the minimum."""

    error: float
    step: float


def coefficient_intervals(
    residuals: ResidualFunctions, model: FunctionalModel, params: Params, weights: Mapping[str, float], seed: int
) -> dict[str, CoefficientInterval]:
    """A 95 % interval for each unknown coefficient, or the reason why there is none.

    It is symmetric in the trained parameter, which is the logarithm of a positive coefficient. Needs double precision.

    - `model`: the one in `residuals`; `weights`: of the conditions, as in the loss;
    - `seed`: of the fresh points, another than that of the training points.
    """
    unknowns = residuals.problem.unknowns
    if not unknowns:
        return {}
    leaves = jax.tree.leaves(params["network"])
    chosen = range(len(leaves))
    if sum(np.size(leaf) for leaf in leaves) > MOST_PARAMETERS:
        chosen = linear_leaves(model, residuals.problem.domain.dimension)
    columns = np.concatenate(
        [np.ones(len(unknowns), bool), *(np.full(np.size(leaf), i in chosen) for i, leaf in enumerate(leaves))]
    )
    J, r = _fresh(residuals, params, weights, columns, seed)
    raw = params["coefficients"]
    half = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    out: dict[str, CoefficientInterval] = {}
    for i, name in enumerate(sorted(unknowns)):
        found = _estimate(J, r, i)
        at = lambda shift, name=name: float(unknowns[name].to_value(float(raw[name]) + shift))
        if found is None:
            out[name] = Withheld.NOT_DETERMINED
        elif abs(found.step) > MOVING * half * found.error:
            out[name] = Withheld.MOVING
        else:
            out[name] = at(-half * found.error), at(half * found.error)
    return {name: out[name] for name in unknowns}


def _fresh(
    residuals: ResidualFunctions,
    params: Params,
    weights: Mapping[str, float],
    columns: Bool[np.ndarray, " p"],
    seed: int,
) -> tuple[Float[np.ndarray, "n k"], Float[np.ndarray, " n"]]:
    """Chosen columns of the Jacobian, and residuals, rows scaled, on points that were not trained on."""
    problem = residuals.problem
    rows = min(ROWS_PER_PARAMETER * int(columns.sum()), JACOBIAN_ENTRIES // columns.size)
    counts = counts_of_rows(problem, float(rows))
    batch = batch_of(problem, QuasiRandom().init(problem, counts, seed))
    scalars = {name: jnp.asarray(weight) for name, weight in weights.items()}
    at = jax.jit(lambda params, batch: linearize(residuals, params, batch, scalars))(params, batch)
    return np.asarray(at.jacobian)[:, columns], np.asarray(at.residual)


def _estimate(J: Float[np.ndarray, "n k"], r: Float[np.ndarray, " n"], i: int) -> Estimate | None:
    """Of parameter i; None where it is not determined.

    Directions along which residuals change by less than √ε of the most, all columns having the same norm, stay fixed.
    """
    norms = np.linalg.norm(J, axis=0)
    if not norms[i]:
        return None
    U, s, Vt = np.linalg.svd(J / np.where(norms > 0, norms, 1.0), full_matrices=False)
    kept = s > math.sqrt(np.finfo(float).eps) * s[0]
    direction = Vt[kept, i]
    if np.sum(direction**2) < IDENTIFIED:
        return None
    answer, leverage = U[:, kept] @ (direction / s[kept]), np.sum(U[:, kept] ** 2, axis=1)
    free = np.maximum(1 - leverage, math.sqrt(np.finfo(float).eps))
    return Estimate(float(np.linalg.norm(answer * r / np.sqrt(free)) / norms[i]), -float(answer @ r) / norms[i])
