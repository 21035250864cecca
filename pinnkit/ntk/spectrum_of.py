"""Spectra from a Jacobian, a kernel, a matrix or eigenvalues."""

import math
from typing import cast

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from .._base.arguments import as_double
from .._base.errors import InputError
from .spectrum import Spectrum, at_floor, floors_of_eigenvalues, precision_name, spectrum_of_eigenvalues, symmetric_part


def spectrum_of_jacobian(jacobian: ArrayLike, vectors: bool = False) -> Spectrum:
    r"""Spectrum of $J J^\top$ from the singular values of $J$, of shape `(n, p)`: $\lambda_i = s_i^2$.

    The singular values are computed in float64 on the host, by a QR factorisation of $J^\top$ first where
    $p > n$. Rounding of the entries and of the algorithm moves them by at most
    $\tau = \sqrt{\max(n, p)} \, \varepsilon \, s_1$, where $\varepsilon$ belongs to the dtype of `jacobian`
    ($\lVert E \rVert_2 \le \lVert E \rVert_F$ and Weyl's inequality; what is seen, for networks as for
    prescribed spectra, is 0.1 to 2 $\varepsilon s_1$). An eigenvalue then moves by at most
    $2 s_i \tau + \tau^2$, which is less than itself above the noise floor, $(1 + \sqrt 2)^2 \tau^2$.
    If $p < n$ the last $n - p$ eigenvalues are exactly zero.

    For `m` outputs, `jacobian.reshape(n, -1)` gives the spectrum of the kernel traced over outputs.

    **Raises:** `ValueError` if `jacobian` is not a finite, nonempty matrix.
    """
    matrix, epsilon = as_double("jacobian", jacobian, ndim=2)
    n, p = matrix.shape
    triangle = np.transpose(np.linalg.qr(matrix.T, mode="r")) if p > n else matrix
    if vectors:
        eigenvectors, singular_values, _ = np.linalg.svd(triangle)
    else:
        eigenvectors, singular_values = None, np.linalg.svd(triangle, compute_uv=False)
    s = np.zeros(n)
    s[: singular_values.size] = singular_values
    tau = math.sqrt(max(n, p)) * epsilon * s[0]
    floor = (1 + math.sqrt(2)) ** 2 * tau**2
    return Spectrum(
        eigenvalues=s**2,
        size=n,
        noise_floor=float(floor),
        floor_origin="(1 + √2)² max(n, p) ε² s₁² of singular values",
        errors=np.maximum(2 * s * tau + tau**2, floor),
        dtype=precision_name(epsilon),
        source="jacobian",
        eigenvectors=eigenvectors,
        trace=float((s**2).sum()),
    )


def spectrum_of_kernel(kernel: ArrayLike, vectors: bool = False, *, rounding: float | None = None) -> Spectrum:
    r"""Spectrum of a kernel matrix, of shape `(n, n)`, by `eigh` in float64.

    The noise floor is $n \varepsilon \lambda_{\max}$, where $\varepsilon$ belongs to the dtype of `kernel`:
    entries wrong by $\varepsilon$ of the largest, $|K_{ij}| \le \lambda_{\max}$, move an eigenvalue no
    further. It is more where the matrix itself shows larger errors (a float32 kernel handed over in
    float64): at least the size of its most negative eigenvalue and of its asymmetry. It bounds the error of
    every eigenvalue.

    **Arguments:**

    - `rounding`: a bound for the spectral norm of the error of `kernel`, where that is known to be larger, as
      after a cancellation.

    **Raises:** `ValueError` if `kernel` is not finite, nonempty and square, or if it is not symmetric and
    positive semidefinite up to the rounding of its dtype, of float32 or `rounding`, whichever is largest.
    """
    if rounding is not None and not (math.isfinite(rounding) and rounding >= 0):
        raise InputError(f"`rounding` must be a finite number that is not negative; got {rounding}")
    matrix, epsilon = as_double("kernel", kernel, ndim=2)
    return spectrum_of_matrix(matrix, epsilon, rounding or 0.0, vectors)


def spectrum_of_matrix(
    matrix: Float[np.ndarray, "n m"], epsilon: float, rounding: float = 0.0, vectors: bool = False
) -> Spectrum:
    """`spectrum_of_kernel` for finite entries in float64 that were computed with the unit rounding `epsilon`."""
    import scipy.linalg

    symmetric, asymmetry = symmetric_part(matrix, epsilon, rounding)
    if vectors:
        ascending, ascending_vectors = scipy.linalg.eigh(symmetric)
        eigenvectors = ascending_vectors[:, ::-1]
    else:
        ascending, eigenvectors = scipy.linalg.eigvalsh(symmetric), None
    eigenvalues = ascending[::-1]
    floors = {
        **floors_of_eigenvalues("kernel", eigenvalues, len(matrix), epsilon, rounding),
        "the asymmetry of the matrix": asymmetry,
    }
    return at_floor(eigenvalues, floors, epsilon, "kernel", eigenvectors, float(matrix.trace()))


def as_spectrum(kernel: "ArrayLike | Spectrum") -> Spectrum:
    """The spectrum of a kernel matrix (2-D), of eigenvalues (1-D), or the one that is given."""
    if isinstance(kernel, Spectrum):
        return kernel
    return spectrum_of_kernel(kernel) if np.ndim(kernel) == 2 else spectrum_of_eigenvalues(kernel)


def compute_ntk_spectrum(ntk: ArrayLike) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, "n n"]]:
    """Eigenvalues of a kernel matrix, descending and as computed, and its eigenvectors as columns.

    Those below rounding, see `spectrum_of_kernel`, are noise and may be negative; they are returned all the
    same.

    **Returns:** float64 arrays of shapes `(n,)` and `(n, n)`.

    **Raises:** `ValueError` as `spectrum_of_kernel`.
    """
    spectrum = spectrum_of_kernel(ntk, vectors=True)
    return spectrum.eigenvalues, cast(np.ndarray, spectrum.eigenvectors)


def ntk_spectral_filtering(gradient_vector: ArrayLike, eigenvectors: ArrayLike, k: int) -> Float[np.ndarray, " n"]:
    r"""The part of a vector in the `k` leading modes, $Q_k Q_k^\top v$.

    **Arguments:**

    - `gradient_vector`: $v$, of shape `(n,)`, such as the residuals at the points of the kernel;
    - `eigenvectors`: columns in descending order of eigenvalues, as `compute_ntk_spectrum` gives them;
    - `k`: number of modes kept, from 1 to the number of eigenvectors.

    **Raises:** `ValueError` for another `k` and for shapes that do not fit.
    """
    vector, modes = as_modes("gradient_vector", gradient_vector, eigenvectors)
    if k != int(k) or not 1 <= k <= modes.shape[1]:
        raise InputError(f"`k` must be a whole number from 1 to {modes.shape[1]}, the number of eigenvectors; got {k}")
    leading = modes[:, : int(k)]
    return leading @ (leading.T @ vector)


def as_modes(name: str, vector: ArrayLike, eigenvectors: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """A vector and the eigenvectors to split it by, in float64, their shapes checked."""
    values, _ = as_double(name, vector, ndim=1)
    modes, _ = as_double("eigenvectors", eigenvectors, ndim=2)
    if modes.shape[0] != values.size:
        raise InputError(
            f"`{name}` has {values.size} entries and the eigenvectors have {modes.shape[0]}; both belong to "
            f"the points of the kernel"
        )
    return values, modes
