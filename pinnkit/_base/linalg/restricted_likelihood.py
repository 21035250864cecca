r"""The ratio of two variances in linear least squares, by restricted likelihood.

Two blocks of rows have errors of different unknown variances: equations, which hold but for what the columns cannot
represent, and data with noise. With λ, the variance of the first over that of the second, the best fit minimises
$\lVert r_e \rVert^2 + \lambda \lVert r_d \rVert^2$. The restricted likelihood is that of the part of the errors which
no fit can change, so that it does not take a close fit for small noise.

With A = [A_e; A_d] = U S Vᵀ, $U_e^\top U_e + U_d^\top U_d = I$: both are diagonal in the eigenvectors of the second
(the CS decomposition), after which any λ costs one product.

Patterson & Thompson, *Recovery of inter-block information when block sizes are unequal*, Biometrika 58, 1971; Wahba, *A
comparison of GCV and GML for choosing the smoothing parameter*, Ann. Statist. 13, 1985.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

STEP = 1.5
"""Factor between the values of λ that are tried."""


class VarianceRatio(NamedTuple):
    """- `value`: λ of the largest restricted likelihood within the bounds;
    - `first`, `second`: variances of the errors of the two blocks there; `leverage`: of the rows of the second block,
      in sum: how many of its degrees of freedom the fit takes.
    """

    value: float
    first: float
    second: float
    leverage: float


def variance_ratio(
    A: tuple[Float[np.ndarray, "n p"], Float[np.ndarray, "m p"]],
    b: tuple[Float[np.ndarray, " n"], Float[np.ndarray, " m"]],
    least: float,
    most: float = 1.0,
) -> VarianceRatio:
    """λ between `least` and `most` for A x + b ≈ 0, from blocks of rows in a scale in which the two compare."""
    stacked = np.concatenate(A)
    norms = np.linalg.norm(stacked, axis=0)
    U, s, _ = np.linalg.svd(stacked[:, norms > 0] / norms[norms > 0], full_matrices=False)
    U = U[:, s > max(stacked.shape) * np.finfo(float).eps * s[0]]
    first, second = U[: len(b[0])], U[len(b[0]) :]
    basis = np.linalg.eigh(second.T @ second)[1]
    first, second = first @ basis, second @ basis
    squares = np.sum(first**2, axis=0), np.sum(second**2, axis=0)
    pulled = first.T @ b[0], second.T @ b[1]
    free = len(stacked) - U.shape[1]

    def residuals(ratio: float) -> tuple[float, float]:
        y = -(pulled[0] + ratio * pulled[1]) / (squares[0] + ratio * squares[1])
        return float(np.sum((b[0] + first @ y) ** 2)), float(np.sum((b[1] + second @ y) ** 2))

    def unlikely(ratio: float) -> float:
        """Minus twice the logarithm of the restricted likelihood, but for a constant."""
        one, other = residuals(ratio)
        likelihood = free * np.log(one + ratio * other + np.finfo(float).tiny) - len(b[1]) * np.log(ratio)
        return float(likelihood + np.sum(np.log(squares[0] + ratio * squares[1])))

    def leverage(ratio: float) -> float:
        return float(np.sum(ratio * squares[1] / (squares[0] + ratio * squares[1])))

    tried = np.geomspace(least, most, 1 + int(np.ceil(np.log(most / least) / np.log(STEP))))
    value = float(min(tried, key=unlikely))
    one, other = residuals(value)
    taken = U.shape[1] - leverage(value)
    left = max(len(b[0]) - taken, 1.0), max(len(b[1]) - leverage(value), 1.0)
    return VarianceRatio(value, one / left[0], other / left[1], leverage(value))
