"""Figures of any kernel: a matrix, its eigenvalues, a `Spectrum`, or a `Kernel` known by its products.

A `Kernel` of up to `DENSE_ROWS` rows is made dense. Of a larger one the leading eigenvalues are found, and where a
figure needs all of them the rest is estimated by stochastic Lanczos quadrature: the figure is then an `Estimate`
with its standard error. To choose ranks, probes and steps, call `leading_eigenpairs` and `spectral_density` and
take the figure from their results.
"""

import dataclasses

import numpy as np
from jax.typing import ArrayLike

from .._base.arguments import as_double
from .bounded_numbers import ConditionNumber, NumericalRank
from .lanczos import leading_eigenpairs
from .protocol import Kernel
from .quadrature import spectral_density
from .spectrum import Spectrum
from .spectrum_of import as_spectrum, spectrum_of_matrix

DENSE_ROWS = 2048
"""A kernel of so many rows is made dense: 32 MiB, and seconds for its eigenvalues."""

LEADING = 20
"""Eigenvalues that are found of a larger one."""


def compute_condition_number(kernel: ArrayLike | Spectrum | Kernel) -> ConditionNumber:
    r"""$\kappa = \lambda_{\max} / \lambda_{\min}$ of a kernel, or of eigenvalues (1-D).

    Where the smallest eigenvalue is unresolvable or not known, see `Spectrum`, $\kappa$ cannot be known: the
    result is a lower bound, has `is_lower_bound` set, and prints as `> 4.50e+13`. From a float64 kernel matrix no
    more than $1 / (2 n \varepsilon)$ can be seen; `NTKWrapper.compute_condition_number` sees about the square.

    **Raises:** `ValueError` for a kernel that is zero, and as `spectrum_of_kernel`.
    """
    return _leading(kernel).condition_number


def numerical_rank(kernel: ArrayLike | Spectrum | Kernel) -> NumericalRank:
    """How many eigenvalues of a kernel, or of the given ones (1-D), are resolvable, see `Spectrum`.

    **Returns:** an integer, marked as a lower bound (`≥ 20`) where not all eigenvalues are known.

    **Raises:** `ValueError` as `spectrum_of_kernel`.
    """
    return _leading(kernel).numerical_rank


def effective_rank(kernel: ArrayLike | Spectrum | Kernel) -> float:
    r"""$(\sum_i \lambda_i)^2 / \sum_i \lambda_i^2$: between 1 and $n$; how many eigenvalues share the trace.

    Unresolvable ones, see `Spectrum`, do not count; 0 for a kernel that is zero.

    **Arguments:**

    - `kernel`: a kernel, or eigenvalues (1-D) in any order.

    **Raises:** `ValueError` as `spectrum_of_kernel`, and for an incomplete spectrum without a density.
    """
    return _all(kernel).effective_rank


def effective_dimension(kernel: ArrayLike | Spectrum | Kernel, gamma: float = 1e-4, *, relative: bool = False) -> float:
    r"""$N_{\mathrm{eff}}(\gamma) = \sum_i \lambda_i / (\lambda_i + \gamma)$: how many eigenvalues are above $\gamma$.

    **Arguments:**

    - `kernel`: a kernel, or eigenvalues (1-D) in any order; unresolvable ones, see `Spectrum`, do not count.
    - `gamma`: the threshold, in the unit of the eigenvalues.
    - `relative`: take `gamma` in units of $\lambda_{\max}$: $\sum_i \lambda_i / (\lambda_i + \gamma \lambda_{\max})$
      does not depend on the unit of the kernel. Reports use this form.

    **Returns:** a number between 0 and $n$; 0 for a kernel that is zero.

    **Raises:** `ValueError` for a negative `gamma`, and as `effective_rank`.
    """
    return _all(kernel).effective_dimension(gamma, relative=relative)


def log_determinant(kernel: ArrayLike | Spectrum | Kernel, shift: float) -> float:
    r"""$\ln \det(K + \sigma I)$ for the shift $\sigma > 0$.

    Unresolvable eigenvalues count as zero. Rounding moves the result by at most $n / \sigma$ times the noise floor.

    **Raises:** `ValueError` for a shift that is not positive or below the noise floor, and as `effective_rank`.
    """
    return _all(kernel).log_determinant(shift)


def _leading(kernel: ArrayLike | Spectrum | Kernel) -> Spectrum:
    if not isinstance(kernel, Kernel):
        return as_spectrum(kernel)
    if kernel.rows > DENSE_ROWS:
        return leading_eigenpairs(kernel, LEADING)
    matrix, _ = as_double("kernel", np.asarray(kernel), ndim=2)
    return spectrum_of_matrix(matrix, kernel.epsilon, kernel.rounding)


def _all(kernel: ArrayLike | Spectrum | Kernel) -> Spectrum:
    """A spectrum with what the sums over all eigenvalues need."""
    spectrum = _leading(kernel)
    if not isinstance(kernel, Kernel) or spectrum.is_complete:
        return spectrum
    return dataclasses.replace(spectrum, density=spectral_density(kernel, deflate=spectrum))
