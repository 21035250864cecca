r"""What the errors of data and equations make of a solution, by the curvature of the loss.

Near the minimum of $\tfrac12 \lVert r \rVert^2$, errors $\epsilon$ of the rows of $r$ (noise in data, the remaining
residual of an equation) shift the parameters by $\delta = -J^+ \epsilon$: a coefficient, or the field at a point, by
$g \cdot \delta$ with its gradient g. With independent errors its variance is $\sum_i (g J^+)_i^2 \operatorname{var}
\epsilon_i$. The variance of measured values is σ²; that of other rows is taken from the residual itself,
$r_i^2 / (1 - h_i)$ with the leverages $h = \operatorname{diag} J J^+$ (HC2). Equations are evaluated on fresh points,
so that a network that fits only its own points does not appear accurate; data points are fixed.

With a prior, all other rows have the variance of the data in the scale of the loss: the Bayesian posterior of a
smoothing spline, whose bands cover an unknown function as often as they say on average over the function.

Wahba, *Bayesian confidence intervals for the cross-validated smoothing spline*, J. R. Statist. Soc. B 45, 1983;
MacKinnon & White, *Some heteroskedasticity-consistent covariance matrix estimators*, J. Econometrics 29, 1985.
"""

import copy
import math
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from .._base.devices import on_host
from .._base.types import Params
from ..networks.linear_parameters import linear_leaves
from ..residuals.forms import Linearization, linearize
from ..residuals.functions import Batch, ResidualFunctions
from ..samplers.counts import counts_of_rows
from ..samplers.sampler import batch_of
from ..samplers.space_filling import QuasiRandom

MOST_PARAMETERS = 2000
"""With more parameters, all hidden layers are kept fixed: that is too narrow if they were trained."""

ROWS_PER_PARAMETER = 3
"""Fresh residuals per parameter, so that they cannot all be fitted."""

JACOBIAN_ENTRIES = 2**26
"""Largest number of entries of the Jacobian: 512 MiB."""

INTERVAL_SEED = 30_011
"""Keeps the fresh points apart from those of training."""

CUTOFF = math.sqrt(np.finfo(float).eps)
"""Changes of the residual that may be rounding errors of the network, relative to the largest. A prior determines all
directions: then rounding errors of the linear algebra are the limit."""

BLOCK = 256
"""Points whose gradients are computed at a time."""


class Spread:
    """The distribution of the parameters of a linear least-squares problem about its minimum.

    - `J`, `r`: scaled rows, whose errors come from the residual unless they are known (see `with_errors`).

    Directions along which residuals change by less than `cutoff` of the most, all columns having the same norm, stay
    fixed.
    """

    def __init__(self, J: Float[np.ndarray, "n k"], r: Float[np.ndarray, " n"], cutoff: float = CUTOFF):
        norms = np.linalg.norm(J, axis=0)
        self._scale = 1 / np.where(norms > 0, norms, 1.0)
        U, s, Vt = np.linalg.svd(J * self._scale, full_matrices=False)
        kept = s > cutoff * s[0]
        self._U, self._s, self._Vt, self._moves = U[:, kept], s[kept], Vt[kept], norms > 0
        self.leverages = np.sum(self._U**2, axis=1)
        self._errors = np.abs(r) / np.sqrt(np.maximum(1 - self.leverages, math.sqrt(np.finfo(float).eps)))
        self._step = -(self._U.T @ r)

    def with_errors(self, known: Float[np.ndarray, " n"]) -> "Spread":
        """The same with known standard deviations of the errors of rows, NaN where they come from the residual."""
        found = copy.copy(self)
        found._errors = np.where(np.isnan(known), self._errors, known)
        return found

    def covariance(self, gradients: Float[np.ndarray, "m k"]) -> Float[np.ndarray, "m m"]:
        """Of linear functions of the parameters."""
        answers = self._answers(gradients)
        return answers @ answers.T

    def deviations(self, gradients: Float[np.ndarray, "m k"]) -> Float[np.ndarray, " m"]:
        """Standard deviations of linear functions of the parameters."""
        return np.linalg.norm(self._answers(gradients), axis=1)

    def steps(self, gradients: Float[np.ndarray, "m k"]) -> Float[np.ndarray, " m"]:
        """The change of linear functions in the Gauss-Newton step to the minimum."""
        return self._reduced(gradients) @ self._step

    def shares(self, gradients: Float[np.ndarray, "m k"]) -> Float[np.ndarray, " m"]:
        """The share of each direction in parameter space that changes the residuals."""
        own = gradients / self._scale
        sizes = np.sum((own @ self._Vt.T) ** 2, axis=1), np.sum(own**2, axis=1)
        return np.where(self._moves[np.abs(own).argmax(axis=1)], sizes[0] / sizes[1], 0.0)

    def _reduced(self, gradients: Float[np.ndarray, "m k"]) -> Float[np.ndarray, "m q"]:
        return (gradients * self._scale) @ self._Vt.T / self._s

    def _answers(self, gradients: Float[np.ndarray, "m k"]) -> Float[np.ndarray, "m n"]:
        return (self._reduced(gradients) @ self._U.T) * self._errors


class Posterior:
    """The distribution of the parameters of a solution, on fresh points. Needs double precision.

    - `residuals`: of the conditions in the loss, `weights` theirs;
    - `sigma`: standard deviations of measured values; where there is none, it is estimated from the residuals;
    - `seed`: of the fresh points, another than that of the training points.
    """

    def __init__(
        self,
        residuals: ResidualFunctions,
        params: Params,
        weights: Mapping[str, float],
        sigma: Mapping[str, float],
        seed: int,
    ):
        self._residuals, self._params = residuals, params
        self._columns = _columns(residuals, params)
        self.batch = _fresh(residuals, self._columns, seed)
        scalars = {name: jnp.asarray(weight) for name, weight in weights.items()}
        at: Linearization = jax.jit(lambda p, batch: linearize(residuals, p, batch, scalars))(params, self.batch)
        J, r = on_host(at.jacobian)[:, self._columns], on_host(at.residual)
        slices, known, measured = at.slices(), np.full(len(r), np.nan), residuals.problem.measured
        scales = {name: math.sqrt(weights[name] / len(rows)) for name, rows in at.rows.items()}
        self.values = {name: r[slices[name]] / scales[name] for name in measured}
        self.spread = Spread(J, r, max(J.shape) * np.finfo(float).eps if residuals.problem.priors else CUTOFF)
        self.degrees = {
            name: max(len(at.rows[name]) - float(self.spread.leverages[slices[name]].sum()), 1.0) for name in measured
        }
        estimate = lambda name: math.sqrt(float(np.sum(self.values[name] ** 2)) / self.degrees[name])
        self.sigma = {name: sigma[name] if name in sigma else estimate(name) for name in measured}
        for name, deviation in self.sigma.items():
            known[slices[name]] = scales[name] * deviation
        if measured and residuals.problem.priors:
            of_data = [(scales[name] * deviation) ** 2 for name, deviation in self.sigma.items()]
            known[np.isnan(known)] = math.sqrt(float(np.mean(of_data)))
        self.spread = self.spread.with_errors(known)
        self._gradients = jax.jit(self._gradient)

    @property
    def is_partial(self) -> bool:
        """Whether hidden layers are kept fixed."""
        return not self._columns.all()

    def of_coefficients(self) -> Float[np.ndarray, "q k"]:
        """The gradients of the trained numbers of the unknown coefficients, sorted by name."""
        return np.eye(len(self._residuals.problem.unknowns), int(self._columns.sum()))

    def deviations(self, points: Float[np.ndarray, "n d"]) -> dict[str, Float[np.ndarray, " n *m"]]:
        """Standard deviations of the fields at points."""
        sizes = self._residuals.problem.field_sizes
        found = np.concatenate([self._deviations(points[i : i + BLOCK]) for i in range(0, len(points), BLOCK)])
        parts = np.split(found, np.cumsum(list(sizes.values()))[:-1], axis=1)
        return {name: part[:, 0] if sizes[name] == 1 else part for name, part in zip(sizes, parts, strict=True)}

    def _deviations(self, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n m"]:
        padded = np.concatenate([points, np.repeat(points[-1:], BLOCK - len(points), axis=0)])
        gradients = on_host(self._gradients(self._params, padded))[: len(points)]
        found = self.spread.deviations(gradients.reshape(-1, gradients.shape[-1])[:, self._columns])
        return found.reshape(gradients.shape[:2])

    def _gradient(self, params: Params, points: Float[Array, "n d"]) -> Float[Array, "n m p"]:
        """Of all outputs at points in all parameters."""

        def outputs(params: Params, x: Float[Array, " d"]) -> Float[Array, " m"]:
            fields = self._residuals.fields(params, x[None])
            return jnp.concatenate([values.reshape(-1) for values in fields.values()])

        def rows(x: Float[Array, " d"]) -> Float[Array, "m p"]:
            leaves = jax.tree.leaves(jax.jacrev(outputs)(params, x))
            return jnp.concatenate([leaf.reshape(leaf.shape[0], -1) for leaf in leaves], axis=1)

        return jax.vmap(rows)(points)


def _columns(residuals: ResidualFunctions, params: Params) -> Bool[np.ndarray, " p"]:
    """The parameters that may change: all, or the unknown coefficients and the output layer."""
    leaves, unknowns = jax.tree.leaves(params["network"]), len(residuals.problem.unknowns)
    chosen = range(len(leaves))
    if sum(np.size(leaf) for leaf in leaves) > MOST_PARAMETERS:
        chosen = linear_leaves(residuals.model, residuals.problem.domain.dimension)
    parts = [np.full(np.size(leaf), i in chosen) for i, leaf in enumerate(leaves)]
    return np.concatenate([np.ones(unknowns, bool), *parts])


def _fresh(residuals: ResidualFunctions, columns: Bool[np.ndarray, " p"], seed: int) -> Batch:
    """Points that were not trained on; measured values where they are."""
    problem = residuals.problem
    rows = min(ROWS_PER_PARAMETER * int(columns.sum()), JACOBIAN_ENTRIES // columns.size)
    return batch_of(problem, QuasiRandom().init(problem, counts_of_rows(problem, float(rows)), seed))
