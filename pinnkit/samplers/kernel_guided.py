"""Kernel-guided sampling: points that reduce the part of the residual that gradient descent is slow to reduce."""

import jax
import jax.numpy as jnp
import numpy as np

from .._base.arguments import is_whole
from .._base.errors import InputError
from .._base.types import Key, Params, Scalar, Weights
from ..equations.problem import Problem
from ..geometry.points import Points
from ..residuals.forms import Linearization, linearize
from ..residuals.functions import Batch, ResidualFunctions
from .adaptive import AbstractAdaptive, Score
from .counts import point_counts
from .sampler import batch_of
from .space_filling import QuasiRandom, renewed


class KernelGuided(AbstractAdaptive):
    r"""Density $\propto s^k / \overline{s^k} + c$ with the score

    $$s(z) = \max\bigl(0,\; r(z)^\top J(z)\, J^\top e^{-2 T K}\, r \bigr),
    \qquad K = J J^\top,\quad T = \texttt{horizon} / \lambda_{\max}(K),$$

    where r and J without an argument are the scaled residual and its Jacobian at reference points. Gradient flow over
    the time T turns r into $e^{-TK} r$. A small step η on the residual of the candidate z, taken before, reduces
    $\tfrac12 \|e^{-TK} r\|^2$ by $\eta\, s(z)$. In modes,

    $$s(z) = \sum_i \lambda_i\, e^{-2 T \lambda_i}\, c_i\, \psi_i(z)^\top r(z)$$

    with the coefficients $c_i$ of the residual in the eigenvectors $v_i$ of K, which Nyström's formula extends to the
    candidate, $\lambda_i \psi_i(z) = J(z) J^\top v_i$. Modes that decay within T do not contribute; slow modes of the
    residual do, most of all those with $\lambda_i$ near $1/2T$. With `horizon=0` the score is the alignment of the
    candidate's gradient with the gradient of the loss.

    - `horizon`: T in steps at rate $1/\lambda_{\max}$;
    - `reference`: number of reference points of each condition of full dimension, redrawn with the others. Other
      conditions get an eighth of it, and at least what their region needs; finite sets are thinned to `reference`.

    For the other fields see `AbstractAdaptive`. A redraw costs one Jacobian of n reference rows, its kernel and an
    eigendecomposition, $n^2 p + O(n^3)$, and `candidates · share` forward derivatives of the residual per point; no
    Jacobian of candidates is formed.

    The idea is from Lau, Hemachandra, Ng & Low, *PINNACLE: PINN adaptive collocation and experimental points
    selection*, ICLR 2024, who rank candidates by how much a step on them changes the modes of the kernel (by Nyström).
    Here a change counts by how much of the remaining residual it removes.
    """

    redraw: int | None = 10
    share: float = 0.5
    candidates: int = 4
    power: float = 0.5
    offset: float = 1.0
    everywhere: bool = False
    horizon: float = 100.0
    reference: int = 128

    def score(self, residuals: ResidualFunctions, params: Params, weights: Weights, key: Key) -> Score:
        batch = self.references(residuals.problem, key)
        mean_weights = {name: jnp.mean(weight) for name, weight in weights.items()}
        direction = self.direction(linearize(residuals, params, batch, mean_weights))

        def score(name: str, point: Points) -> Scalar:
            residual = residuals.at_point(name)
            r, change = jax.jvp(lambda params: residual(params, point), (params,), (direction,))
            return jnp.maximum(jnp.vdot(r, change), 0)

        return score

    def direction(self, step: Linearization) -> Params:
        r"""$J^\top e^{-2TK} r$: the gradient of $\tfrac12 \|e^{-TK} r\|^2$ with respect to the current parameters."""
        eigenvalues, vectors = jnp.linalg.eigh(step.ntk)
        decay = jnp.exp(-2 * self.horizon * eigenvalues / eigenvalues[-1])
        return step.unravel(step.jacobian.T @ (vectors @ (decay * (vectors.T @ step.residual))))

    def references(self, problem: Problem, key: Key) -> Batch:
        """The reference points of each condition."""
        sampler = QuasiRandom()
        layouts = sampler.init(problem, point_counts(problem, self.reference), seed=0)
        batch = batch_of(problem, renewed(sampler, layouts, key))
        return {name: _thinned(points, self.reference) for name, points in batch.items()}

    def __check_init__(self) -> None:
        if not 0 <= self.horizon < np.inf:
            raise InputError(f"`horizon` must be a finite number ≥ 0, got {self.horizon!r}")
        if not is_whole(self.reference, 1):
            raise InputError(f"`reference` must be a whole number ≥ 1, got {self.reference!r}")


def _thinned(points: Points, most: int) -> Points:
    """At most `most` of the points, evenly spaced from the first to the last."""
    rows = np.linspace(0, len(points) - 1, min(len(points), most)).round().astype(int)
    return jax.tree.map(lambda column: column[rows], points)
