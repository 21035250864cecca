"""Spectra by the Nyström approximation."""

import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Float

from .._base.linalg.eigenpairs import descending
from .._base.linalg.nystrom import nystrom_pairs
from .lanczos import OVERSAMPLING, check_count, verified
from .protocol import Kernel, as_kernel, product
from .spectrum import Spectrum, floors_of_eigenvalues


def nystrom(kernel: ArrayLike | Kernel, rank: int, *, seed: int = 0) -> Spectrum:
    r"""Eigenvalues and eigenvectors of the randomised Nyström approximation of a given rank.

    $\hat K = Y (\Omega^\top Y)^{-1} Y^\top$ with $Y = K \Omega$ and a random orthonormal block $\Omega$ of
    `rank + 10` columns, truncated. It is computed for $K + \nu I$, where $\nu$ is the rounding of $Y$, and $\nu$
    subtracted again, which makes it stable. Takes one product of `rank + 10` columns, and one more to verify. Good
    where eigenvalues fall fast; `errors` of the result tell.

    **Returns:** a spectrum of `rank` eigenvalues, none above those of the kernel but for rounding, with eigenvectors
    of shape `(n, rank)` and the trace.

    **Raises:** `ValueError` for a rank outside 1 to $n$, and a kernel that is not finite or not positive
    semidefinite.
    """
    given = as_kernel(kernel)
    check_count("rank", rank, 1, given.rows)
    start = np.random.default_rng(seed).standard_normal((given.rows, min(rank + OVERSAMPLING, given.rows)))
    sketch = np.linalg.qr(start)[0]
    values, vectors = _nystrom_pairs(given, sketch, product(given, sketch))
    return verified(given, values, vectors, product(given, vectors), rank, "nystrom")


def _nystrom_pairs(
    kernel: Kernel, sketch: Float[np.ndarray, "n b"], image: Float[np.ndarray, "n b"]
) -> tuple[Float[np.ndarray, " b"], Float[np.ndarray, "n b"]]:
    r"""Eigenpairs of the Nyström approximation.

    The shift $\nu$ covers the rounding of $Y$: what is expected, and what the most negative eigenvalue of
    $\Omega^\top Y$ shows.
    """
    core, modes = descending(sketch.T @ image)
    floors = floors_of_eigenvalues("kernel", core, kernel.rows, kernel.epsilon, kernel.rounding)
    shift = max(kernel.rows * kernel.epsilon * float(np.linalg.norm(image, 2)), 2 * max(floors.values()))
    return nystrom_pairs(sketch, image, (core, modes), shift) if shift else (np.zeros_like(core), sketch)
