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

from ..errors import InputError
from .density import Quadrature, SpectralDensity
from .products import Kernel, as_kernel, ntk_trace, product
from .spectrum import Source, Spectrum, floors_of_eigenvalues, precision_name

OVERSAMPLING = 10
"""Columns of a block beyond the eigenpairs asked for; 5 to 10 make failure improbable (Halko et al. 2011)."""

DEFLATABLE = 1e-2
"""Relative error up to which an eigenpair is deflated: traces then err by its square in that mode, 1e-4."""


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
    - `steps`: stop after so many, converged or not: `errors` of the result tell.
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
    _check_count("k", k, 1, given.rows)
    _check_count("steps", steps, 1)
    if not tolerance > 0:
        raise InputError(f"`tolerance` must be positive; got {tolerance}")
    most = min(k + OVERSAMPLING, given.rows)
    _check_count("width", most if width is None else width, 1, given.rows)
    basis = _krylov_basis(given, width or most, k, tolerance, steps, np.random.default_rng(seed))[:, :most]
    image = product(given, basis)
    values, ritz = _descending(basis.T @ image)
    return _verified(given, values, basis @ ritz, image @ ritz, k, "lanczos")


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
    _check_count("rank", rank, 1, given.rows)
    start = np.random.default_rng(seed).standard_normal((given.rows, min(rank + OVERSAMPLING, given.rows)))
    sketch = np.linalg.qr(start)[0]
    values, vectors = _nystrom_pairs(given, sketch, product(given, sketch))
    return _verified(given, values, vectors, product(given, vectors), rank, "nystrom")


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
    - `steps`: of Lanczos, which resolve so many parts of the spectrum.
    - `deflate`: leading eigenpairs, as from `leading_eigenpairs`. They are taken as known where their error is below
      1 %, and the directions are drawn from their orthogonal complement, which makes the standard error of most
      figures much smaller.
    - `seed`: of the directions.

    **Raises:** `ValueError` for fewer than 2 probes, no step, a spectrum of another size or without eigenvectors, and
    a kernel that is not finite or not positive semidefinite.
    """
    given = as_kernel(kernel)
    _check_count("probes", probes, 2)
    _check_count("steps", steps, 1)
    known, vectors = _deflatable(deflate, given.rows)
    floor = given.rounding if deflate is None else max(given.rounding, deflate.noise_floor)
    remaining = given.rows - known.size
    project = lambda block: block - (block @ vectors) @ vectors.T
    start = _normalised(project(np.random.default_rng(seed).standard_normal((probes, given.rows))))
    apply = lambda block: product(given, block.T).T
    rounding = given.rows * given.epsilon
    diagonal, off = _lanczos(apply, project, start, min(steps, remaining), floor, rounding)
    gauss = _gauss(diagonal, off, remaining)
    nodes = np.sort(np.concatenate([known, gauss.nodes.ravel()]))[::-1]
    floors = floors_of_eigenvalues("kernel", nodes, given.rows, given.epsilon, given.rounding)
    noise_floor = max(floor, *floors.values())
    radau = _gauss(*_with_node(diagonal, off, -noise_floor), remaining)
    return SpectralDensity(given.rows, ntk_trace(given), noise_floor, known, gauss, radau)


def _krylov_basis(
    kernel: Kernel, width: int, k: int, tolerance: float, steps: int, rng: np.random.Generator
) -> Float[np.ndarray, "n b"]:
    """Ritz vectors of a block Krylov space, `k` or more, of which the `k` leading ones have converged, if they do.

    Where the space is exhausted before it has `k` dimensions it goes on from another random block.
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
        values, ritz = _descending(projected)
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


def _nystrom_pairs(
    kernel: Kernel, sketch: Float[np.ndarray, "n b"], image: Float[np.ndarray, "n b"]
) -> tuple[Float[np.ndarray, " b"], Float[np.ndarray, "n b"]]:
    r"""Eigenpairs of the Nyström approximation.

    The inverse root of $\Omega^\top Y + \nu I$ is taken by eigenvectors rather than by Cholesky's method: that fails
    where $Y$ holds more rounding than expected, which the most negative eigenvalue shows, and $\nu$ then covers.
    """
    core, modes = _descending(sketch.T @ image)
    floors = floors_of_eigenvalues("kernel", core, kernel.rows, kernel.epsilon, kernel.rounding)
    shift = max(kernel.rows * kernel.epsilon * float(np.linalg.norm(image, 2)), 2 * max(floors.values()))
    if not shift:
        return np.zeros_like(core), sketch
    roots = (image + shift * sketch) @ (modes / np.sqrt(core + shift))
    vectors, sizes, _ = np.linalg.svd(roots, full_matrices=False)
    return sizes**2 - shift, vectors


def _verified(
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


def _lanczos(
    apply: Callable[[np.ndarray], np.ndarray],
    project: Callable[[np.ndarray], np.ndarray],
    start: Float[np.ndarray, "m n"],
    steps: int,
    floor: float,
    rounding: float,
) -> tuple[Float[np.ndarray, "m s"], Float[np.ndarray, "m s"]]:
    """Diagonals and off-diagonals of one recurrence for each row of `start`, up to the last that goes on.

    A recurrence that breaks down, its next vector being rounding, goes on with zeros: these add nodes of weight zero.
    """
    m, n = start.shape
    basis = np.empty((m, steps, n))
    diagonal, off = np.zeros((m, steps)), np.zeros((m, steps))
    vectors = start
    for j in range(steps):
        basis[:, j] = vectors
        image = apply(vectors)
        diagonal[:, j] = (vectors * image).sum(axis=1)
        image = _orthogonalised(basis[:, : j + 1], project, image)
        sizes = np.linalg.norm(image, axis=1)
        scales = np.maximum(diagonal[:, : j + 1].max(axis=1), off[:, : j + 1].max(axis=1))
        alive = sizes > np.maximum(floor, rounding * scales)
        off[alive, j] = sizes[alive]
        vectors = np.divide(image, sizes[:, None], out=np.zeros_like(image), where=alive[:, None])
        if not alive.any():
            return diagonal[:, : j + 1], off[:, : j + 1]
    return diagonal, off


def _orthogonalised(
    basis: Float[np.ndarray, "m s n"], project: Callable[[np.ndarray], np.ndarray], image: Float[np.ndarray, "m n"]
) -> Float[np.ndarray, "m n"]:
    """Each row made orthogonal to its basis, twice, which is enough (Parlett & Kahan)."""
    for _ in range(2):
        image = project(image)
        coefficients = basis @ image[:, :, None]
        image = image - (basis.transpose(0, 2, 1) @ coefficients)[:, :, 0]
    return image


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


def _descending(matrix: Float[np.ndarray, "s s"]) -> tuple[Float[np.ndarray, " s"], Float[np.ndarray, "s s"]]:
    """Eigenvalues and eigenvectors of a matrix that is symmetric up to rounding."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return values[::-1], vectors[:, ::-1]


def _normalised(rows: Float[np.ndarray, "m n"]) -> Float[np.ndarray, "m n"]:
    sizes = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, sizes, out=np.zeros_like(rows), where=sizes > 0)


def _check_count(name: str, count: int, least: int, most: int | None = None) -> None:
    if count != int(count) or count < least or (most is not None and count > most):
        limits = f"{least} or more" if most is None else f"from {least} to {most}, the rows of the kernel"
        raise InputError(f"`{name}` must be a whole number, {limits}; got {count}")
