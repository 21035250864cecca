"""A kernel that is known by its products with vectors, and what follows from them at once."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Float

from .._base.arguments import as_double
from .._base.errors import InputError
from .spectrum import symmetric_part


@runtime_checkable
class Kernel(Protocol):
    r"""A symmetric positive semidefinite kernel of $n$ rows that need not exist as a matrix.

    - `epsilon`: the unit rounding of its entries, as `np.finfo(dtype).eps`;
    - `rounding`: a bound for the spectral norm of their errors; it counts where it exceeds
      $n \varepsilon \lambda_1$, as after cancellations, and may be 0.

    `np.asarray` of it is the matrix.
    """

    @property
    def rows(self) -> int: ...

    @property
    def epsilon(self) -> float: ...

    @property
    def rounding(self) -> float: ...

    def matmat(self, vectors: np.ndarray, /) -> np.ndarray:
        """The product with vectors, from shape `(n, k)` to `(n, k)`."""
        ...

    def diagonal(self) -> np.ndarray: ...

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray: ...


@dataclass(frozen=True, eq=False)
class DenseKernel:
    """A kernel matrix as a `Kernel`."""

    matrix: Float[np.ndarray, "n n"]
    epsilon: float
    rounding: float

    @property
    def rows(self) -> int:
        return len(self.matrix)

    def matmat(self, vectors: Float[np.ndarray, "n k"], /) -> Float[np.ndarray, "n k"]:
        return self.matrix @ vectors

    def diagonal(self) -> Float[np.ndarray, " n"]:
        return np.diagonal(self.matrix)

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.matrix, dtype) if copy else np.asarray(self.matrix, dtype)


def as_kernel(kernel: ArrayLike | Kernel) -> Kernel:
    """A symmetric matrix as a `Kernel`; a `Kernel` as it is.

    What a matrix lacks in symmetry is the `rounding` of its entries.

    **Raises:** `ValueError` for a matrix that is empty, not square, not finite or not symmetric, and for a kernel
    without rows.
    """
    if isinstance(kernel, Kernel):
        if kernel.rows < 1:
            raise InputError("`kernel` must have at least one row; it has none")
        return kernel
    matrix, epsilon = as_double("kernel", kernel, ndim=2)
    symmetric, asymmetry = symmetric_part(matrix, epsilon)
    return DenseKernel(symmetric, epsilon, asymmetry)


def ntk_diagonal(kernel: ArrayLike | Kernel) -> Float[np.ndarray, " n"]:
    """The diagonal of a kernel, of shape `(n,)`, in float64.

    **Raises:** `ValueError` as `as_kernel`, and for entries that are not finite or are negative.
    """
    given = as_kernel(kernel)
    diagonal = np.asarray(given.diagonal(), np.float64)
    if diagonal.shape != (given.rows,) or not (np.isfinite(diagonal).all() and (diagonal >= 0).all()):
        raise InputError(f"`kernel` must have a diagonal of {given.rows} finite numbers, none of them negative")
    return diagonal


def ntk_trace(kernel: ArrayLike | Kernel) -> float:
    """The trace of a kernel, the sum of its eigenvalues. **Raises:** `ValueError` as `ntk_diagonal`."""
    return float(ntk_diagonal(kernel).sum())


def ntk_matvec(kernel: ArrayLike | Kernel, v: ArrayLike) -> Float[np.ndarray, "n ..."]:
    """The product of a kernel with a vector, of shape `(n,)`, or with the columns of a matrix, `(n, k)`.

    **Returns:** float64, of the shape of `v`.

    **Raises:** `ValueError` as `as_kernel`, for another shape, and if `v` or the product is not finite.
    """
    given = as_kernel(kernel)
    if np.ndim(v) not in (1, 2) or np.shape(v)[0] != given.rows:
        raise InputError(f"`v` must have shape ({given.rows},) or ({given.rows}, k); it has {np.shape(v)}")
    vectors, _ = as_double("v", v, ndim=np.ndim(v))
    return product(given, vectors.reshape(given.rows, -1)).reshape(vectors.shape)


def product(kernel: Kernel, vectors: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n k"]:
    """The product in float64, its shape and finiteness checked."""
    image = np.asarray(kernel.matmat(np.ascontiguousarray(vectors)), np.float64)
    if image.shape != vectors.shape:
        raise InputError(f"`kernel` took vectors of shape {vectors.shape} to products of shape {image.shape}")
    if not np.isfinite(image).all():
        raise InputError("`kernel` has products that are not finite: its entries are not finite, or overflow")
    return image
