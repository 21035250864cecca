"""Spectral densities by stochastic Lanczos quadrature."""

from collections.abc import Callable

import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Float

from .._base.errors import InputError
from .density import Quadrature, SpectralDensity
from .lanczos import check_count, normalised, orthogonalised_against
from .protocol import Kernel, as_kernel, ntk_trace, product
from .spectrum import Spectrum, floors_of_eigenvalues

DEFLATABLE = 1e-2
"""Relative error up to which an eigenpair is deflated: traces then err by its square in that mode, 1e-4."""


def spectral_density(
    kernel: ArrayLike | Kernel,
    *,
    probes: int = 8,
    steps: int = 40,
    deflate: Spectrum | None = None,
    seed: int = 0,
) -> SpectralDensity:
    r"""The density of eigenvalues by stochastic Lanczos quadrature.

    Takes up to `steps` products of `probes` columns. Memory is `8 * n * probes * steps` bytes.

    **Arguments:**

    - `probes`: number of random directions; the standard error falls with its root.
    - `steps`: of Lanczos; each resolves one more part of the spectrum.
    - `deflate`: leading eigenpairs, as from `leading_eigenpairs`. They are taken as known where their error is below
      1 %, and the directions are drawn from their orthogonal complement, which makes the standard error of most
      figures much smaller.
    - `seed`: of the directions.

    **Raises:** `ValueError` for fewer than 2 probes, no step, a spectrum of another size or without eigenvectors, and
    a kernel that is not finite or not positive semidefinite.
    """
    given = as_kernel(kernel)
    check_count("probes", probes, 2)
    check_count("steps", steps, 1)
    known, vectors = _deflatable(deflate, given.rows)
    floor = given.rounding if deflate is None else max(given.rounding, deflate.noise_floor)
    remaining = given.rows - known.size
    project = lambda block: block - (block @ vectors) @ vectors.T
    start = normalised(project(np.random.default_rng(seed).standard_normal((probes, given.rows))))
    apply = lambda block: product(given, block.T).T
    rounding = given.rows * given.epsilon
    diagonal, off = _lanczos(apply, project, start, min(steps, remaining), floor, rounding)
    gauss = _gauss(diagonal, off, remaining)
    nodes = np.sort(np.concatenate([known, gauss.nodes.ravel()]))[::-1]
    floors = floors_of_eigenvalues("kernel", nodes, given.rows, given.epsilon, given.rounding)
    noise_floor = max(floor, *floors.values())
    radau = _gauss(*_with_node(diagonal, off, -noise_floor), remaining)
    return SpectralDensity(given.rows, ntk_trace(given), noise_floor, known, gauss, radau)


def _lanczos(
    apply: Callable[[np.ndarray], np.ndarray],
    project: Callable[[np.ndarray], np.ndarray],
    start: Float[np.ndarray, "m n"],
    steps: int,
    floor: float,
    rounding: float,
) -> tuple[Float[np.ndarray, "m s"], Float[np.ndarray, "m s"]]:
    """Diagonals and off-diagonals of one recurrence for each row of `start`, until all have broken down.

    A recurrence breaks down when its next vector is rounding; zeros follow, which add nodes of weight zero.
    """
    m, n = start.shape
    basis = np.empty((m, steps, n))
    diagonal, off = np.zeros((m, steps)), np.zeros((m, steps))
    vectors = start
    for j in range(steps):
        basis[:, j] = vectors
        image = apply(vectors)
        diagonal[:, j] = (vectors * image).sum(axis=1)
        image = orthogonalised_against(basis[:, : j + 1], project, image)
        sizes = np.linalg.norm(image, axis=1)
        scales = np.maximum(diagonal[:, : j + 1].max(axis=1), off[:, : j + 1].max(axis=1))
        alive = sizes > np.maximum(floor, rounding * scales)
        off[alive, j] = sizes[alive]
        vectors = np.divide(image, sizes[:, None], out=np.zeros_like(image), where=alive[:, None])
        if not alive.any():
            return diagonal[:, : j + 1], off[:, : j + 1]
    return diagonal, off


def _gauss(diagonal: Float[np.ndarray, "m s"], off: Float[np.ndarray, "m s"], total: int) -> Quadrature:
    """Nodes and weights of the sum `total` from the recurrences (Golub & Welsch 1969)."""
    m, steps = diagonal.shape
    matrices = np.zeros((m, steps, steps))
    i = np.arange(steps)
    matrices[:, i, i] = diagonal
    matrices[:, i[1:], i[:-1]] = off[:, :-1]
    nodes, vectors = np.linalg.eigh(matrices)
    return Quadrature(nodes, total * vectors[:, 0, :] ** 2 if steps else nodes)


def _with_node(
    diagonal: Float[np.ndarray, "m s"], off: Float[np.ndarray, "m s"], node: float
) -> tuple[Float[np.ndarray, "m s+1"], Float[np.ndarray, "m s+1"]]:
    """The recurrences with a last row for which Gauss's rule has a given node, below all others (Golub 1973).

    The node is put at the lower end of rounding around 0, so that the pivots stay positive.
    """
    m, steps = diagonal.shape
    pivot, ratio = np.zeros(m), np.zeros(m)
    for j in range(steps):
        pivot = diagonal[:, j] - node - ratio
        ratio = np.divide(off[:, j] ** 2, pivot, out=np.zeros(m), where=pivot > 0)
    return np.column_stack([diagonal, node + ratio]), np.column_stack([off, np.zeros(m)])


def _deflatable(spectrum: Spectrum | None, rows: int) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, "n k"]]:
    """The eigenpairs that are accurate enough to be taken as known."""
    if spectrum is None:
        return np.empty(0), np.empty((rows, 0))
    if spectrum.eigenvectors is None or spectrum.size != rows:
        raise InputError(
            f"`deflate` must be a spectrum with eigenvectors of a kernel of {rows} rows; it has {spectrum.size} rows"
            + (" and no eigenvectors" if spectrum.eigenvectors is None else "")
        )
    accurate = spectrum.errors <= DEFLATABLE * spectrum.eigenvalues
    return spectrum.eigenvalues[accurate], spectrum.eigenvectors[:, accurate]
