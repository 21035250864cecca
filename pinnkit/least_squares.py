r"""Large dense linear least squares, by conjugate gradients preconditioned with a Cholesky factor.

The Gram matrix of the scaled columns squares the condition number, so its factor alone gives half of the digits. As a
preconditioner it need not be exact: with $R^\top R = A^\top A + \mu I$, μ at the rounding error of the Gram matrix,
conjugate gradients on the least-squares problem itself need few products with A. The cost is that of one symmetric
product, a tenth of a pivoted factorisation here; directions whose singular values drown in rounding are left out,
as the iteration stops when the residual does.

Björck, *Numerical methods for least squares problems*, SIAM 1996, §7.4; Fukaya et al., *Shifted Cholesky QR for
computing the QR factorization of ill-conditioned matrices*, SIAM J. Sci. Comput. 42, 2020.
"""

from typing import NamedTuple

import numpy as np
import scipy.linalg
from jaxtyping import Float
from scipy.linalg.blas import dsyrk  # pyright: ignore[reportAttributeAccessIssue]

_STALLED = 0.99
"""A residual that came down by less in so many iterations has converged."""

_WINDOW = 5


class LeastSquares(NamedTuple):
    """- `x`: a minimiser of ‖Ax − b‖, of small norm where there are several;
    - `residual_norm`: ‖Ax − b‖; `iterations`: products with A that it took;
    - `damping`: the μ that made the Gram matrix positive definite, relative to its diagonal.
    """

    x: Float[np.ndarray, " p"]
    residual_norm: float
    iterations: int
    damping: float


def least_squares(A: Float[np.ndarray, "n p"], b: Float[np.ndarray, " n"], iterations: int = 60) -> LeastSquares:
    """Minimise ‖Ax − b‖.

    **Raises:** `ValueError` if A or b is not finite.
    """
    if not (np.isfinite(A).all() and np.isfinite(b).all()):
        raise ValueError("a least-squares problem has entries that are not finite")
    norms = np.linalg.norm(A, axis=0)
    scale = 1 / np.where(norms > 0, norms, 1.0)
    factor, damping = _factor(A, scale)
    x, r = np.zeros(A.shape[1]), b.copy()
    g = scale * (A.T @ r)
    z = scipy.linalg.cho_solve(factor, g, check_finite=False)
    direction, energy = z, g @ z
    residuals = [float(np.linalg.norm(r))]
    while len(residuals) <= iterations and energy > 0:
        pushed = A @ (scale * direction)
        curvature = pushed @ pushed
        if not curvature > 0:
            break
        step = energy / curvature
        x, r = x + step * direction, r - step * pushed
        residuals.append(float(np.linalg.norm(r)))
        if len(residuals) > _WINDOW and residuals[-1] > _STALLED * residuals[-1 - _WINDOW]:
            break
        g = scale * (A.T @ r)
        z = scipy.linalg.cho_solve(factor, g, check_finite=False)
        before, energy = energy, g @ z
        direction = z + energy / before * direction
    return LeastSquares(scale * x, residuals[-1], len(residuals) - 1, damping)


def _factor(A: Float[np.ndarray, "n p"], scale: Float[np.ndarray, " p"]) -> tuple[tuple[np.ndarray, bool], float]:
    """Cholesky factor of the Gram matrix of the scaled columns, its diagonal lifted until there is one."""
    columns = A.T if A.flags.c_contiguous else np.ascontiguousarray(A).T  # in the order of Fortran, without a copy
    gram = dsyrk(1.0, columns, lower=1)
    gram *= scale[:, None] * scale
    damping = np.finfo(float).eps * max(A.shape)
    while True:
        lifted = gram.copy()
        lifted[np.diag_indices_from(lifted)] += damping
        try:
            return (scipy.linalg.cholesky(lifted, lower=True, overwrite_a=True, check_finite=False), True), damping
        except np.linalg.LinAlgError:
            damping *= 10
