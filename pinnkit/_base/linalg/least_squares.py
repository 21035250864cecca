r"""Large dense linear least squares with nearly dependent columns, by conjugate gradients preconditioned twice.

The Gram matrix of the columns squares the condition number, so its Cholesky factor R alone gives half of the digits. As
a preconditioner it need not be exact: with $R^\top R = A^\top A + \mu I$, μ at the rounding error of the Gram matrix,
conjugate gradients on the problem itself find what lies above $\sqrt\mu$. The columns of $A R^{-1}$ are much less
dependent, so the factor of their Gram matrix resolves what is left, down to the ridge; it is used on the small residual
that the first stage leaves, since what rounding there puts into the nearly dependent directions is in proportion to it.
The cost is that of two symmetric products and a triangular solve, a fraction of an orthogonal factorisation.

Björck, *Numerical methods for least squares problems*, SIAM 1996, §7.4; Fukaya et al., *Shifted Cholesky QR for
computing the QR factorization of ill-conditioned matrices*, SIAM J. Sci. Comput. 42, 2020.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.linalg import LinAlgError, cholesky, solve_triangular
from scipy.linalg.blas import dsyrk, dtrsm  # pyright: ignore[reportAttributeAccessIssue]

from ..errors import InputError

RIDGE = 1e-12
"""Relative to columns of norm 1: it keeps the coefficients of directions that are pure rounding small."""

_ITERATIONS, _STALLED, _WINDOW = (60, 30), 0.99, 5
"""Most iterations of each stage; fewer if five iterations do not reduce the residual to 0.99 of its norm."""


class LeastSquares(NamedTuple):
    """- `x`: a minimiser of ‖Ax − b‖² + `RIDGE`² ‖Dx‖², where D holds the norms of the columns of A;
    - `residual_norm`: ‖Ax − b‖; `iterations`: number of products with A.
    """

    x: Float[np.ndarray, " p"]
    residual_norm: float
    iterations: int


def least_squares(
    A: Float[np.ndarray, "n p"], b: Float[np.ndarray, " n"], stages: int = 2, worthwhile: float = 1.0
) -> LeastSquares:
    """Minimise ‖Ax − b‖, up to a ridge at the level of rounding.

    - `stages`: 1 for a relative residual of about 1e-6, in half of the time;
    - `worthwhile`: largest relative residual after the first stage at which the second one is computed. A larger one
      usually means that the columns do not span b.

    **Raises:** `ValueError` if A or b is not finite.
    """
    if not (np.isfinite(A).all() and np.isfinite(b).all()):
        raise InputError("a least-squares problem has entries that are not finite")
    norms = np.linalg.norm(A, axis=0)
    scale = 1 / np.where(norms > 0, norms, 1.0)
    scaled = np.asfortranarray(A * scale)
    x, iterations, factors = np.zeros(A.shape[1]), 0, [_factor(scaled)]
    for stage in range(stages):
        if stage and np.linalg.norm(scaled @ x - b) > worthwhile * np.linalg.norm(b):
            break
        if stage:
            ridge = dtrsm(RIDGE, factors[0], np.eye(len(x)), side=1)
            factors.append(_factor(dtrsm(1.0, factors[0], scaled, side=1), ridge))
        x, taken = _conjugate_gradients(scaled, b, x, factors, _ITERATIONS[stage])
        iterations += taken
    return LeastSquares(scale * x, float(np.linalg.norm(scaled @ x - b)), iterations)


def _conjugate_gradients(
    A: Float[np.ndarray, "n p"],
    b: Float[np.ndarray, " n"],
    x: Float[np.ndarray, " p"],
    factors: list[Float[np.ndarray, "p p"]],
    most: int,
) -> tuple[Float[np.ndarray, " p"], int]:
    """The best of the iterates from x, preconditioned with the product of triangular factors, and their number."""

    def solve(y: Float[np.ndarray, " p"]) -> Float[np.ndarray, " p"]:
        for factor in reversed(factors):
            y = solve_triangular(factor, y, check_finite=False)
        return y

    def solve_transposed(y: Float[np.ndarray, " p"]) -> Float[np.ndarray, " p"]:
        for factor in factors:
            y = solve_triangular(factor, y, trans=1, check_finite=False)
        return y

    r = b - A @ x
    gradient = solve_transposed(A.T @ r - RIDGE**2 * x)
    direction, energy = gradient, gradient @ gradient
    residuals, best = [float(np.linalg.norm(r))], x
    while len(residuals) <= most and energy > 0:
        step = solve(direction)
        pushed = A @ step
        length = energy / (pushed @ pushed + RIDGE**2 * (step @ step))
        x, r = x + length * step, r - length * pushed
        residuals.append(float(np.linalg.norm(r)))
        if residuals[-1] < min(residuals[:-1]):
            best = x
        if len(residuals) > _WINDOW and residuals[-1] > _STALLED * residuals[-1 - _WINDOW]:
            break
        gradient = solve_transposed(A.T @ r - RIDGE**2 * x)
        before, energy = energy, gradient @ gradient
        direction = gradient + energy / before * direction
    return best, len(residuals) - 1


def _factor(A: Float[np.ndarray, "n p"], ridge: Float[np.ndarray, "q p"] | None = None) -> Float[np.ndarray, "p p"]:
    """Upper Cholesky factor of the Gram matrix of A with a ridge below it, the diagonal lifted until there is one."""
    gram = dsyrk(1.0, A, trans=1)
    if ridge is not None:
        gram += dsyrk(1.0, ridge, trans=1)
    lift = np.finfo(float).eps * max(A.shape)
    while True:
        lifted = gram.copy()
        lifted[np.diag_indices_from(lifted)] += lift
        try:
            return cholesky(lifted, overwrite_a=True, check_finite=False)
        except LinAlgError:
            lift *= 10
