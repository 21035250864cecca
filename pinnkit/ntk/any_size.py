"""The spectrum of a kernel of any size: by the most exact way that fits."""

import dataclasses

import numpy as np

from .._base.errors import InputError
from .lanczos import leading_eigenpairs
from .low_rank import nystrom
from .quadrature import spectral_density
from .spectrum import Spectrum
from .spectrum_of import spectrum_of_jacobian, spectrum_of_kernel
from .tangent_kernel import TangentKernel

METHODS = ("auto", "jacobian", "kernel", "lanczos", "nystrom")

JACOBIAN_ROWS, KERNEL_ROWS = 1024, 6000
"""Rows up to which singular values of J and eigenvalues of K take seconds to minutes."""

NARROW = 8
"""Width of the blocks of Lanczos: products with factors that are kept cost as much as there are columns."""


def kernel_spectrum(
    kernel: TangentKernel, *, modes: int = 20, method: str = "auto", vectors: bool = False, seed: int = 0
) -> Spectrum:
    r"""Eigenvalues of a tangent kernel, all of them where that is affordable.

    | `method` | what is computed | "auto" takes it for | resolved to |
    |---|---|---|---|
    | "jacobian" | singular values of J, $O(n^2 p)$ | $n \le 1024$, J in half of `memory` | $n \varepsilon^2 \lambda_1$|
    | "kernel" | all eigenvalues of K, $O(n^3)$ | $n \le 6000$, K in a quarter of it | $n \varepsilon \lambda_1$ |
    | "lanczos" | `modes` leading ones, some products | factors in half of it | their `errors` |
    | "nystrom" | `modes` leading ones, two products | anything larger | their `errors` |

    The last two come with the density of all eigenvalues (`spectral_density`, 8 probes of 40 steps, the leading pairs
    deflated), from which effective rank and dimension are estimated. `source` of the result names the method.

    **Arguments:**

    - `modes`: number of leading eigenvalues where not all are computed;
    - `vectors`: keep the eigenvectors;
    - `seed`: of random starts and probes.

    **Raises:** `ValueError` for another method, a number of modes below 1 and what a method refuses.
    """
    if method not in METHODS:
        raise InputError(f"`method` is one of {', '.join(METHODS)}; got {method!r}")
    if modes < 1:
        raise InputError(f"`modes` is a number of eigenvalues of at least 1; got {modes}")
    chosen = chosen_method(kernel) if method == "auto" else method
    if chosen == "jacobian":
        return spectrum_of_jacobian(kernel.jacobian().astype(kernel.dtype), vectors)
    if chosen == "kernel":
        matrix = np.asarray(kernel).astype(kernel.dtype)
        return spectrum_of_kernel(matrix, vectors, rounding=kernel.rounding)
    modes = min(modes, kernel.rows)
    if chosen == "lanczos":
        leading = leading_eigenpairs(kernel, modes, width=min(NARROW, kernel.rows), seed=seed)
    else:
        leading = nystrom(kernel, modes, seed=seed)
    density = None if leading.is_complete else spectral_density(kernel, deflate=leading, seed=seed)
    spectrum = dataclasses.replace(leading, density=density)
    return spectrum if vectors else spectrum.without_vectors()


def chosen_method(kernel: TangentKernel) -> str:
    """What "auto" stands for: see `kernel_spectrum`."""
    if kernel.rows <= JACOBIAN_ROWS and 2 * kernel.jacobian_bytes <= kernel.memory:
        return "jacobian"
    if kernel.rows <= KERNEL_ROWS and 4 * 8 * kernel.rows**2 <= kernel.memory:
        return "kernel"
    return "lanczos" if kernel.keeps_factors else "nystrom"
