r"""Spectra of kernels too large to diagonalise or to store, from products with blocks of vectors.

Everything here multiplies blocks of vectors, so that a kernel is gone through as seldom as possible:

- `leading_eigenpairs`: Lanczos with blocks and full reorthogonalisation, from a random start. In exact arithmetic
  it finds all copies of an eigenvalue as long as they are no more than the block is wide. Golub & Underwood 1977;
  Musco & Musco, *Randomized block Krylov methods*, NeurIPS 2015.
- `nystrom`: the randomised Nyström approximation $Y (\Omega^\top Y)^{-1} Y^\top$ with $Y = K \Omega$ of the shifted
  kernel. Tropp, Yurtsever, Udell & Cevher, NeurIPS 2017; Frangella, Tropp & Udell, SIAM J. Matrix Anal. 44, 2023.
- `spectral_density`: stochastic Lanczos quadrature, all probes in one product, full reorthogonalisation of each,
  see `pinnkit.ntk.density`.

The first two verify what they found with one more product. Their values $\theta_i$ are never above the eigenvalues
$\lambda_i$, so that two bounds hold for their errors: the norm of the residual $K v_i - \theta_i v_i$, within which
there is an eigenvalue, and the part of the trace that they leave, $\lambda_i - \theta_i \le \operatorname{tr} K -
\sum_j \theta_j$. The smaller one counts, plus the noise floor $n \varepsilon \lambda_1$ for the rounding of the
entries.

matfree's Lanczos was considered: it takes a product that JAX can trace, one vector at a time, and divides by zero where
the Krylov space of a rank-deficient kernel is exhausted. Kernels here are products on the host.
"""

from collections.abc import Callable

import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Float

from .._base.errors import InputError
from .._base.linalg.eigenpairs import descending
from .protocol import Kernel, as_kernel, ntk_trace, product
from .spectrum import Source, Spectrum, floors_of_eigenvalues, precision_name

OVERSAMPLING = 10
"""Columns of a block beyond the number of eigenpairs; 5 to 10 make failure improbable (Halko et al. 2011)."""


def leading_eigenpairs(
    kernel: ArrayLike | Kernel,
    k: int = 20,
    *,
    tolerance: float = 1e-10,
    steps: int = 20,
    width: int | None = None,
    seed: int = 0,
) -> Spectrum:
    r"""The `k` largest eigenvalues and their eigenvectors, by block Lanczos.

    Takes one product of at most `width` columns for each step, and one of `k + 10` to verify. Memory is
    `8 * n * width` bytes for each step.

    **Arguments:**

    - `tolerance`: stop when the residual of each pair is below this share of its eigenvalue, or below rounding;
    - `steps`: most steps; `errors` of the result show whether the eigenvalues have converged.
    - `width`: columns of a block, by default `k + 10`, which takes the fewest products. Narrow blocks take fewer
      columns in all (20 eigenvalues of a tangent kernel: 83 with a width of 30, 40 with 5), but miss copies of an
      eigenvalue that has more of them.
    - `seed`: of the random start.

    **Returns:** a spectrum of `k` eigenvalues with eigenvectors of shape `(n, k)` and the trace. Each eigenvalue has
    one of the kernel within its error; that none larger was missed holds with probability one only.

    **Raises:** `ValueError` for `k` or `width` outside 1 to $n$, arguments that are not positive, and a kernel that
    is not finite or not positive semidefinite.
    """
    given = as_kernel(kernel)
    check_count("k", k, 1, given.rows)
    check_count("steps", steps, 1)
    if not tolerance > 0:
        raise InputError(f"`tolerance` must be positive; got {tolerance}")
    most = min(k + OVERSAMPLING, given.rows)
    check_count("width", most if width is None else width, 1, given.rows)
    basis = _krylov_basis(given, width or most, k, tolerance, steps, np.random.default_rng(seed))[:, :most]
    image = product(given, basis)
    values, ritz = descending(basis.T @ image)
    return verified(given, values, basis @ ritz, image @ ritz, k, "lanczos")


def _krylov_basis(
    kernel: Kernel, width: int, k: int, tolerance: float, steps: int, rng: np.random.Generator
) -> Float[np.ndarray, "n b"]:
    """Ritz vectors of a block Krylov space, `k` or more, of which the `k` leading ones have converged, if they do.

    If the space is exhausted before it has `k` dimensions, another random block continues it.
    """
    n = kernel.rows
    basis = np.empty((n, min(max(width * steps, k + width), n)), order="F")
    block, projected, ritz = np.empty((n, 0)), np.zeros((0, 0)), np.zeros((0, 0))
    done = step = 0
    while step < steps or done < k:
        step += 1
        if not block.size:
            block = _fresh(basis[:, :done], rng.standard_normal((n, min(width, n - done))))
        size = done + block.shape[1]
        basis[:, done:size] = block
        image = product(kernel, block)
        coefficients = basis[:, :size].T @ image
        projected = _bordered(projected, coefficients)
        values, ritz = descending(projected)
        floor = max(n * kernel.epsilon * values[0], kernel.rounding)
        block, triangle = _new_directions(basis[:, :size], image - basis[:, :size] @ coefficients, floor)
        residuals = np.linalg.norm(triangle @ ritz[done:, :k], axis=0)
        done = size
        if done >= k and (residuals <= np.maximum(tolerance * values[:k], floor)).all():
            break
    return basis[:, :done] @ ritz


def _new_directions(
    basis: Float[np.ndarray, "n s"], image: Float[np.ndarray, "n b"], floor: float
) -> tuple[Float[np.ndarray, "n c"], Float[np.ndarray, "c b"]]:
    """An orthonormal basis of what `image` has above the floor, orthogonalised once more, and its coordinates."""
    left, sizes, _ = np.linalg.svd(image, full_matrices=False)
    left = _fresh(basis, left[:, sizes > floor][:, : len(basis) - basis.shape[1]])
    return left, left.T @ image


def _fresh(basis: Float[np.ndarray, "n s"], block: Float[np.ndarray, "n b"]) -> Float[np.ndarray, "n b"]:
    """An orthonormal basis of what a block adds to another one."""
    return np.linalg.qr(block - basis @ (basis.T @ block))[0]


def _bordered(matrix: Float[np.ndarray, "r r"], columns: Float[np.ndarray, "s b"]) -> Float[np.ndarray, "s s"]:
    """A symmetric matrix with new last columns, and rows alike."""
    size, done = len(columns), len(matrix)
    out = np.empty((size, size))
    out[:done, :done] = matrix
    out[:, done:] = columns
    out[done:, :done] = columns[:done].T
    out[done:, done:] = (columns[done:] + columns[done:].T) / 2
    return out


def verified(
    kernel: Kernel,
    values: Float[np.ndarray, " b"],
    vectors: Float[np.ndarray, "n b"],
    image: Float[np.ndarray, "n b"],
    count: int,
    source: Source,
) -> Spectrum:
    """The `count` leading of some approximate eigenpairs, whose products are `image`, with bounds for their errors."""
    floors = floors_of_eigenvalues("kernel", values, kernel.rows, kernel.epsilon, kernel.rounding)
    origin = max(floors, key=floors.__getitem__)
    residuals = np.linalg.norm(image - vectors * values, axis=0)
    trace = ntk_trace(kernel)
    missing = max(trace - float(values.sum()), 0.0)
    return Spectrum(
        eigenvalues=values[:count],
        size=kernel.rows,
        noise_floor=floors[origin],
        floor_origin=origin,
        errors=floors[origin] + np.minimum(residuals, missing)[:count],
        dtype=precision_name(kernel.epsilon),
        source=source,
        eigenvectors=vectors[:, :count],
        trace=trace,
    )


def orthogonalised_against(
    basis: Float[np.ndarray, "m s n"], project: Callable[[np.ndarray], np.ndarray], image: Float[np.ndarray, "m n"]
) -> Float[np.ndarray, "m n"]:
    """Each row made orthogonal to its basis, twice, which is enough (Parlett & Kahan)."""
    for _ in range(2):
        image = project(image)
        coefficients = basis @ image[:, :, None]
        image = image - (basis.transpose(0, 2, 1) @ coefficients)[:, :, 0]
    return image


def normalised(rows: Float[np.ndarray, "m n"]) -> Float[np.ndarray, "m n"]:
    sizes = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, sizes, out=np.zeros_like(rows), where=sizes > 0)


def check_count(name: str, count: int, least: int, most: int | None = None) -> None:
    if count != int(count) or count < least or (most is not None and count > most):
        limits = f"{least} or more" if most is None else f"from {least} to {most}, the rows of the kernel"
        raise InputError(f"`{name}` must be a whole number, {limits}; got {count}")
