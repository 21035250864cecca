r"""How alike two kernels are, and how much of a residual a kernel reduces fast.

The kernels are symmetric matrices on the same points, in float64 on the host. An alignment is the cosine of the
angle between two of them, in the inner product $\langle A, B \rangle_F = \operatorname{tr} A^\top B$: between 0
and 1 for positive semidefinite ones, and the same for $K$ and $c K$.

Centring takes out what is the same at all points, which for tangent kernels of outputs is often most of them:
$K \to H K H$ with the projector $H = I - 1 1^\top / n$. In a stacked kernel a constant of each condition is such
a common part. `groups` then assigns rows to groups, and $H$ subtracts the mean of every group,
$H = I - G G^\top$ with one column $1_g / \sqrt{n_g}$ of $G$ for each. A row that is a group of its own vanishes.
"""

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from .._base.arguments import as_double
from .._base.errors import InputError


def kernel_drift(kernel: ArrayLike, initial: ArrayLike) -> float:
    r"""$\lVert K_t - K_0 \rVert_F / \lVert K_0 \rVert_F$: how far a kernel has moved, in units of its first value.

    It sees a change of scale, which the alignment does not.

    **Arguments:**

    - `kernel`, `initial`: $K_t$ and $K_0$ on the same points, of one shape `(n, m)`.

    **Raises:** `ValueError` for other shapes, values that are not finite, and $K_0 = 0$, from which no distance
    can be measured.

    Jacot, Gabriel & Hongler, *Neural tangent kernel*, NeurIPS 2018: it tends to 0 with the width.
    """
    first, _ = as_double("initial", initial, ndim=2)
    present, _ = _of_shape(first.shape, "kernel", kernel)
    scale = np.abs(first).max()
    if not scale:
        raise InputError("`initial` is zero: a drift in units of its norm does not exist")
    return float(np.linalg.norm((present - first) / scale) / np.linalg.norm(first / scale))


def kernel_alignment(
    first: ArrayLike, second: ArrayLike, centred: bool = True, groups: ArrayLike | None = None
) -> float:
    r"""$\langle H K_1 H, H K_2 H \rangle_F / (\lVert H K_1 H \rVert_F \lVert H K_2 H \rVert_F)$.

    1 for kernels that are proportional after centring, 0 for orthogonal ones. Adding a constant to all entries
    changes nothing where centred.

    **Arguments:**

    - `first`, `second`: $K_1$ and $K_2$ on the same points, of shape `(n, n)`;
    - `centred`: False takes the kernels as they are, $H = I$;
    - `groups`: for stacked kernels, an integer for each row: rows with the same one are centred together.

    **Raises:** `ValueError` for shapes that do not fit, values that are not finite, and a kernel that is zero,
    or only rounding after centring.

    Cristianini, Shawe-Taylor, Elisseeff & Kandola, NIPS 2001; centred: Cortes, Mohri & Rostamizadeh, *Algorithms
    for learning kernels based on centered alignment*, JMLR 13, 2012; Kornblith, Norouzi, Lee & Hinton, ICML 2019.
    """
    n = len(np.atleast_1d(first))
    G = _constants(n, centred, groups)
    return float(np.vdot(_unit((n, n), "first", first, G), _unit((n, n), "second", second, G)))


def residual_alignment(
    kernel: ArrayLike, residual: ArrayLike, centred: bool = True, groups: ArrayLike | None = None
) -> float:
    r"""Alignment of $K$ with $r r^\top$: $r^\top H K H r / (\lVert H K H \rVert_F \, \lVert H r \rVert^2)$.

    1 for the kernel whose only mode is the residual. For the training kernel, without centring, it measures how
    well the kernel suits the residual: gradient flow takes the loss ½‖r‖² down by $r^\top K r$ in unit time, the
    alignment's share of the most that a kernel of the same norm could. Training reduces the mean of a residual
    as any other part of it, so `centred=False` is meant there.

    **Arguments:**

    - `kernel`, `residual`: of shapes `(n, n)` and `(n,)`; `centred` and `groups` as for `kernel_alignment`.

    **Raises:** `ValueError` for shapes that do not fit, values that are not finite, and a kernel or residual that
    is zero, or only rounding after centring.
    """
    n = np.size(residual)
    G = _constants(n, centred, groups)
    r, K = _unit((n,), "residual", residual, G), _unit((n, n), "kernel", kernel, G)
    return float(r @ K @ r)


def _constants(n: int, centred: bool, groups: ArrayLike | None) -> Float[np.ndarray, "n g"]:
    """The columns of $G$: an orthonormal basis of what centring takes out."""
    if not centred:
        return np.zeros((n, 0))
    labels = np.zeros(n, int) if groups is None else np.asarray(groups)
    if labels.shape != (n,):
        raise InputError(f"`groups` must have an entry for each of {n} rows; it has shape {labels.shape}")
    members = labels[:, None] == np.unique(labels)
    return members / np.sqrt(members.sum(axis=0))


def _unit(
    shape: tuple[int, ...], name: str, array: ArrayLike, G: Float[np.ndarray, "n g"]
) -> Float[np.ndarray, " n *m"]:
    """$H r$ of a vector or $H K H$ of a matrix, over its norm."""
    values, epsilon = _of_shape(shape, name, array)
    scaled = values / (np.abs(values).max() or 1.0)
    centred = scaled - G @ (G.T @ scaled)
    if centred.ndim == 2:
        centred -= (centred @ G) @ G.T
    norm = np.linalg.norm(centred)
    if norm <= len(values) * epsilon * np.linalg.norm(scaled):
        raise InputError(f"`{name}` is zero{' when centred, up to rounding' if G.size else ''}: it has no alignment")
    return centred / norm


def _of_shape(shape: tuple[int, ...], name: str, array: ArrayLike) -> tuple[np.ndarray, float]:
    """As `as_double`, with the required shape."""
    values, epsilon = as_double(name, array, ndim=len(shape))
    if values.shape != shape:
        raise InputError(f"`{name}` must be of shape {shape}; it has shape {values.shape}")
    return values, epsilon
