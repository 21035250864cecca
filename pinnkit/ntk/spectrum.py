r"""Eigenvalues of a kernel, how many of them rounding lets us see, and what follows from those.

Three ways lead to a `Spectrum`, and each knows its own rounding error, the noise floor:

- `spectrum_of_jacobian`: $\lambda_i = s_i^2$ from the singular values of $J$, resolved down to about
  $n \varepsilon^2 \lambda_1$;
- `spectrum_of_kernel`: `eigh` of $K = J J^\top$, resolved down to $n \varepsilon \lambda_1$ only;
- `spectrum_of_eigenvalues`: eigenvalues that somebody else computed, taken for those of a kernel matrix.

Figures that divide by the smallest eigenvalue use the resolvable ones, or are marked as a bound. Nothing is
clipped, so nothing depends on a constant with a unit: all figures are the same for $K$ and $10^{12} K$.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal, cast

import jax.numpy as jnp
import numpy as np
import scipy.linalg
from jax.typing import ArrayLike
from jaxtyping import Bool, Float


class ConditionNumber(float):
    r"""$\kappa = \lambda_{\max} / \lambda_{\min}$, or a lower bound for it, which prints as `> 4.50e+13`.

    A float in every other respect. `is_lower_bound` is true where the smallest eigenvalue cannot be told
    from zero; the value is then $\lambda_{\max}$ over the noise floor. Formats apply to the number:
    `f"{kappa:.1e}"` gives `> 4.5e+13`.
    """

    is_lower_bound: bool

    def __new__(cls, value: float, is_lower_bound: bool = False) -> "ConditionNumber":
        number = super().__new__(cls, value)
        number.is_lower_bound = is_lower_bound
        return number

    def __format__(self, spec: str) -> str:
        if not self.is_lower_bound:
            return format(float(self), spec)
        return f"> {format(float(self), spec or '.2e')}"

    def __str__(self) -> str:
        return format(self, "")

    __repr__ = __str__


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Eigenvalues of a symmetric positive semidefinite kernel, and the noise floor they stand on.

    - `eigenvalues`: all of them, descending, as computed: those below the noise floor may be negative;
    - `noise_floor`: rounding may have moved an eigenvalue this far; a smaller one is *unresolvable*;
    - `eigenvectors`: their columns, in the same order, where they were asked for;
    - `source`: what the eigenvalues were computed from.

    The zero kernel has rank, effective rank and effective dimension 0, and neither a condition number nor a
    spectral bias: these two raise `ValueError` for it.
    """

    eigenvalues: Float[np.ndarray, " n"]
    noise_floor: float
    eigenvectors: Float[np.ndarray, "n n"] | None
    source: Literal["jacobian", "kernel", "eigenvalues"]

    @property
    def largest_eigenvalue(self) -> float:
        return float(self.eigenvalues[0])

    @property
    def resolvable(self) -> Bool[np.ndarray, " n"]:
        """Which eigenvalues exceed the noise floor."""
        return self.eigenvalues > self.noise_floor

    @property
    def numerical_rank(self) -> int:
        """How many eigenvalues exceed the noise floor."""
        return int(self.resolvable.sum())

    @property
    def condition_number(self) -> ConditionNumber:
        r"""$\lambda_{\max} / \lambda_{\min}$ at full rank, else the bound $\lambda_{\max}$ / noise floor."""
        self._require_a_mode("condition number")
        if self.numerical_rank == self.eigenvalues.size:
            return ConditionNumber(self.largest_eigenvalue / self.eigenvalues[-1])
        return ConditionNumber(self.largest_eigenvalue / self.noise_floor, is_lower_bound=True)

    @property
    def spectral_bias(self) -> float:
        r"""$\ln(\lambda_{\max} / \lambda_{\min})$ over the resolvable eigenvalues."""
        self._require_a_mode("spectral bias")
        return math.log(self.largest_eigenvalue / self.eigenvalues[self.numerical_rank - 1])

    @property
    def effective_rank(self) -> float:
        r"""$(\sum_i \lambda_i)^2 / \sum_i \lambda_i^2$ over the resolvable eigenvalues."""
        if not self.numerical_rank:
            return 0.0
        shares = self.eigenvalues[self.resolvable] / self.largest_eigenvalue
        return float(shares.sum() ** 2 / (shares**2).sum())

    def effective_dimension(self, gamma: float = 1e-4, *, scale: float | None = None) -> float:
        """See the function `effective_dimension`."""
        if not (math.isfinite(gamma) and gamma >= 0):
            raise ValueError(f"`gamma` must be a finite number that is not negative; got {gamma}")
        if scale is not None and not (math.isfinite(scale) and scale > 0):
            raise ValueError(f"`scale` must be a finite positive number; got {scale}")
        modes = self.eigenvalues[self.resolvable]
        return float((modes / (modes + gamma * (self.largest_eigenvalue if scale is None else scale))).sum())

    def _require_a_mode(self, figure: str) -> None:
        if not self.numerical_rank:
            raise ValueError(f"the {figure} of a kernel that is zero does not exist")


def spectrum_of_jacobian(jacobian: ArrayLike, vectors: bool = False) -> Spectrum:
    r"""Spectrum of $J J^\top$ from the singular values of $J$, of shape `(n, p)`: $\lambda_i = s_i^2$.

    The singular values are computed in float64 on the host, by a QR factorisation of $J^\top$ first where
    $p > n$. Rounding of the entries and of the algorithm moves them by at most
    $\tau = \sqrt{\max(n, p)} \, \varepsilon \, s_1$, where $\varepsilon$ belongs to the dtype of `jacobian`
    ($\lVert E \rVert_2 \le \lVert E \rVert_F$ and Weyl's inequality; what is seen, for networks as for
    prescribed spectra, is 0.1 to 2 $\varepsilon s_1$). The noise floor of the eigenvalues is $\tau^2$.
    If $p < n$ the last $n - p$ eigenvalues are exactly zero.

    For `m` outputs, `jacobian.reshape(n, -1)` gives the spectrum of the kernel traced over outputs.

    **Raises:** `ValueError` if `jacobian` is not a finite, nonempty matrix.
    """
    matrix, epsilon = _as_double("jacobian", jacobian, ndim=2)
    n, p = matrix.shape
    triangle = np.transpose(np.linalg.qr(matrix.T, mode="r")) if p > n else matrix
    if vectors:
        eigenvectors, singular_values, _ = np.linalg.svd(triangle)
    else:
        eigenvectors, singular_values = None, np.linalg.svd(triangle, compute_uv=False)
    floor = math.sqrt(max(n, p)) * epsilon * singular_values[0]
    eigenvalues = np.zeros(n)
    eigenvalues[: singular_values.size] = singular_values**2
    return Spectrum(eigenvalues, float(floor**2), eigenvectors, "jacobian")


def spectrum_of_kernel(kernel: ArrayLike, vectors: bool = False) -> Spectrum:
    r"""Spectrum of a kernel matrix, of shape `(n, n)`, by `eigh` in float64.

    The noise floor is $n \varepsilon \lambda_{\max}$, where $\varepsilon$ belongs to the dtype of `kernel`:
    entries wrong by $\varepsilon$ of the largest, $|K_{ij}| \le \lambda_{\max}$, move an eigenvalue no
    further. It is more where the matrix itself shows larger errors (a float32 kernel handed over in
    float64): at least the size of its most negative eigenvalue and of its asymmetry.

    **Raises:** `ValueError` if `kernel` is not finite, nonempty and square, or if it is not symmetric and
    positive semidefinite up to the rounding of its dtype or of float32, whichever is larger.
    """
    matrix, epsilon = _as_double("kernel", kernel, ndim=2)
    n, columns = matrix.shape
    if n != columns:
        raise ValueError(f"`kernel` must be square; it has shape {matrix.shape}")
    asymmetry = np.linalg.norm(matrix - matrix.T) / 2
    if asymmetry > _tolerance(n, epsilon) * np.abs(matrix).max():
        raise ValueError(
            f"`kernel` must be symmetric; it differs from its transpose by up to "
            f"{np.abs(matrix - matrix.T).max():.2e}. A kernel between two sets of points has no eigenvalues."
        )
    symmetric = (matrix + matrix.T) / 2
    if vectors:
        eigenvalues, eigenvectors = scipy.linalg.eigh(symmetric)
        eigenvectors = eigenvectors[:, ::-1]
    else:
        eigenvalues, eigenvectors = scipy.linalg.eigvalsh(symmetric), None
    eigenvalues = eigenvalues[::-1]
    floor = max(_floor_of_eigenvalues("kernel", eigenvalues, epsilon), float(asymmetry))
    return Spectrum(eigenvalues, floor, eigenvectors, "kernel")


def spectrum_of_eigenvalues(eigenvalues: ArrayLike) -> Spectrum:
    r"""Spectrum from eigenvalues in any order, of shape `(n,)`, taken for those of a computed kernel matrix.

    The noise floor is $n \varepsilon \lambda_{\max}$, where $\varepsilon$ belongs to their dtype, or the size
    of the most negative one if that is larger.

    **Raises:** `ValueError` if they are not finite and nonempty, or if one is more negative than rounding
    (of their dtype or of float32, whichever is larger) explains.
    """
    values, epsilon = _as_double("eigenvalues", eigenvalues, ndim=1)
    values = np.sort(values)[::-1]
    return Spectrum(values, _floor_of_eigenvalues("eigenvalues", values, epsilon), None, "eigenvalues")


def as_spectrum(kernel: "ArrayLike | Spectrum") -> Spectrum:
    """The spectrum of a kernel matrix (2-D), of eigenvalues (1-D), or the one that is given."""
    if isinstance(kernel, Spectrum):
        return kernel
    return spectrum_of_kernel(kernel) if jnp.ndim(kernel) == 2 else spectrum_of_eigenvalues(kernel)


def resolved(eigenvalues: "ArrayLike | Spectrum") -> Float[np.ndarray, " n"]:
    """The eigenvalues in the order given, with exact zeros in place of those below the noise floor."""
    if isinstance(eigenvalues, Spectrum):
        return np.where(eigenvalues.resolvable, eigenvalues.eigenvalues, 0.0)
    floor = spectrum_of_eigenvalues(eigenvalues).noise_floor
    values = np.asarray(eigenvalues, np.float64)
    return np.where(values > floor, values, 0.0)


def compute_ntk_spectrum(ntk: ArrayLike) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, "n n"]]:
    """Eigenvalues of a kernel matrix, descending and as computed, and its eigenvectors as columns.

    Those below rounding, see `spectrum_of_kernel`, are noise and may be negative; they are returned all the
    same.

    **Returns:** float64 arrays of shapes `(n,)` and `(n, n)`.

    **Raises:** `ValueError` as `spectrum_of_kernel`.
    """
    spectrum = spectrum_of_kernel(ntk, vectors=True)
    return spectrum.eigenvalues, cast(np.ndarray, spectrum.eigenvectors)


def compute_condition_number(kernel: "ArrayLike | Spectrum") -> ConditionNumber:
    r"""$\kappa = \lambda_{\max} / \lambda_{\min}$ of a kernel matrix (2-D) or of eigenvalues (1-D).

    Where the smallest eigenvalue is below the noise floor, see `Spectrum`, $\kappa$ cannot be known: the
    result is $\lambda_{\max}$ over the floor, has `is_lower_bound` set, and prints as `> 4.50e+13`. From a
    float64 kernel matrix no more than $1 / (n \varepsilon)$ can be seen;
    `NTKWrapper.compute_condition_number` sees about the square of that.

    **Raises:** `ValueError` for a kernel that is zero, and as `spectrum_of_kernel`.
    """
    return as_spectrum(kernel).condition_number


def numerical_rank(kernel: "ArrayLike | Spectrum") -> int:
    """How many eigenvalues of a kernel matrix (2-D), or of the given ones (1-D), exceed the noise floor.

    **Raises:** `ValueError` as `spectrum_of_kernel`.
    """
    return as_spectrum(kernel).numerical_rank


def effective_rank(eigenvalues: "ArrayLike | Spectrum") -> float:
    r"""$(\sum_i \lambda_i)^2 / \sum_i \lambda_i^2$: between 1 and $n$; how many eigenvalues share the trace.

    Those below the noise floor, see `spectrum_of_eigenvalues`, do not count; 0 for a kernel that is zero.

    **Raises:** `ValueError` as `spectrum_of_eigenvalues`.
    """
    return as_spectrum(eigenvalues).effective_rank


def effective_dimension(
    eigenvalues: "ArrayLike | Spectrum", gamma: float = 1e-4, *, scale: float | None = None
) -> float:
    r"""$N_{\mathrm{eff}}(\gamma) = \sum_i \lambda_i / (\lambda_i + \gamma s)$: modes above $\gamma s$.

    **Arguments:**

    - `eigenvalues`: in any order; those below the noise floor, see `spectrum_of_eigenvalues`, do not count.
    - `gamma`: the threshold, in units of `scale`.
    - `scale`: $s$, by default $\lambda_{\max}$, so that the figure does not depend on the unit of the kernel;
      `scale=1.0` gives the absolute form $\sum_i \lambda_i / (\lambda_i + \gamma)$.

    **Returns:** a number between 0 and $n$; 0 for a kernel that is zero.

    **Raises:** `ValueError` for a negative `gamma`, a `scale` that is not positive, and as
    `spectrum_of_eigenvalues`.
    """
    return as_spectrum(eigenvalues).effective_dimension(gamma, scale=scale)


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
        raise ValueError(f"`k` must be a whole number from 1 to {modes.shape[1]}, the number of eigenvectors; got {k}")
    leading = modes[:, : int(k)]
    return leading @ (leading.T @ vector)


def as_modes(name: str, vector: ArrayLike, eigenvectors: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """A vector and the eigenvectors to split it by, in float64, their shapes checked."""
    values, _ = _as_double(name, vector, ndim=1)
    modes, _ = _as_double("eigenvectors", eigenvectors, ndim=2)
    if modes.shape[0] != values.size:
        raise ValueError(
            f"`{name}` has {values.size} entries and the eigenvectors have {modes.shape[0]}; both belong to "
            f"the points of the kernel"
        )
    return values, modes


def _as_double(name: str, array: ArrayLike, ndim: int) -> tuple[np.ndarray, float]:
    """A checked copy in float64 on the host, and the rounding unit of what was given."""
    given: Any = np.asarray(array)
    if given.ndim != ndim or given.size == 0:
        kind = {1: "vector", 2: "matrix"}[ndim]
        raise ValueError(f"`{name}` must be a {kind} with at least one entry; it has shape {given.shape}")
    if not (jnp.issubdtype(given.dtype, jnp.floating) or jnp.issubdtype(given.dtype, jnp.integer)):
        raise ValueError(f"`{name}` must hold real numbers; its dtype is {given.dtype}")
    values = given.astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError(f"`{name}` holds {int((~np.isfinite(values)).sum())} value(s) that are not finite")
    floating = jnp.issubdtype(given.dtype, jnp.floating)
    return values, float(jnp.finfo(given.dtype if floating else np.float64).eps)


def _floor_of_eigenvalues(name: str, descending: np.ndarray, epsilon: float) -> float:
    largest, smallest = float(descending[0]), float(descending[-1])
    if -smallest > _tolerance(descending.size, epsilon) * max(largest, 0.0):
        raise ValueError(
            f"`{name}` must be positive semidefinite up to rounding, as kernels J Jᵀ are; the largest "
            f"eigenvalue is {largest:.3e} and the smallest {smallest:.3e}"
        )
    return max(descending.size * epsilon * largest, -smallest)


def _tolerance(n: int, epsilon: float) -> float:
    return n * max(epsilon, float(np.finfo(np.float32).eps))
