"""Eigenpairs of symmetric matrices."""

from typing import TypeVar

import numpy as np
from jaxtyping import Array, Float

AnyArray = TypeVar("AnyArray", Array, np.ndarray)


def descending(matrix: Float[AnyArray, "s s"]) -> tuple[Float[AnyArray, " s"], Float[AnyArray, "s s"]]:
    """Eigenvalues and eigenvectors, largest first, of a matrix that is symmetric up to rounding."""
    values, vectors = matrix.__array_namespace__().linalg.eigh((matrix + matrix.T) / 2)
    return values[::-1], vectors[:, ::-1]
