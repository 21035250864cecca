r"""Inner products, norms and products of gradients that are given in factors; all of it pure JAX.

With factors $h, d$ of the gradients at points $i$ and $j$, see `factors`, the kernel is

$$K_{ij} = \sum_{\text{leaves}} \sum_{c c'} (h_{ci} \cdot h_{c'j}) \, (d_{ci} \cdot d_{c'j}),$$

`channels² (a + b)` multiply-adds for a leaf of `a b` entries. A product with $J$ or $J^\top$ is two matrix products.
"""

import functools
import itertools
from collections.abc import Sequence

import jax.numpy as jnp
from jaxtyping import Array, Float

from .factors import Factors, as_leaf, as_matrix, expand
from .plan import Plan


def gram(plan: Plan, first: Factors, other_plan: Plan, second: Factors) -> Float[Array, "k l"]:
    """Inner products of all gradients of `first` with all of `second`; rows of one point stand together."""
    both = [leaf for leaf in plan.factored if leaf in other_plan.factored and _fit(plan, other_plan, leaf)]
    rest = [leaf for leaf in range(len(plan.shapes)) if leaf not in both]
    rows, others = _rows(plan, first, rest), _rows(other_plan, second, rest)
    total = _matmul(rows, others.T)
    for leaf in both:
        total = total + _factored_gram(first.left[leaf], first.right[leaf], second.left[leaf], second.right[leaf])
    return total


def squared_norms(plan: Plan, factors: Factors) -> Float[Array, "n m"]:
    """Squared lengths of the gradients: the diagonal of the kernel."""
    total = jnp.zeros(())
    for rows in factors.rows.values():
        total = total + jnp.sum(rows**2, axis=-1)
    for leaf in plan.factored:
        left, right = factors.left[leaf], factors.right[leaf]
        data = jnp.einsum("cna,dna->ncd", left, left, precision="highest")
        cotangents = jnp.einsum("cnmb,dnmb->nmcd", right, right, precision="highest")
        total = total + jnp.einsum("ncd,nmcd->nm", data, cotangents, precision="highest")
    return total


def magnitudes(plan: Plan, factors: Factors) -> Float[Array, "n m"]:
    r"""$\sum_{\text{leaves}} \bigl(\sum_c \lVert h_c \rVert \lVert d_c \rVert\bigr)^2$, a bound for squared lengths.

    Where channels cancel it is larger than `squared_norms`; rounding errors of the kernel grow with it.
    """
    total = jnp.zeros(())
    for rows in factors.rows.values():
        total = total + jnp.sum(rows**2, axis=-1)
    for leaf in plan.factored:
        left = jnp.linalg.norm(factors.left[leaf], axis=-1)
        right = jnp.linalg.norm(factors.right[leaf], axis=-1)
        total = total + jnp.sum(left[..., None] * right, axis=0) ** 2
    return total


def push(plan: Plan, factors: Factors, tangents: Sequence[Float[Array, "k ..."]]) -> Float[Array, "n m k"]:
    """J v for `k` tangents, given leaf by leaf."""
    total = jnp.zeros(())
    for leaf, rows in factors.rows.items():
        flat = tangents[leaf].reshape(len(tangents[leaf]), -1)
        total = total + jnp.einsum("nmp,kp->nmk", rows, flat, precision="highest")
    for leaf in plan.factored:
        matrices = jnp.stack([as_matrix(plan, leaf, tangent) for tangent in tangents[leaf]])
        moved = jnp.einsum("cna,kab->cnkb", factors.left[leaf], matrices, precision="highest")
        total = total + jnp.einsum("cnkb,cnmb->nmk", moved, factors.right[leaf], precision="highest")
    return total


def pull(plan: Plan, factors: Factors, vectors: Float[Array, "n m k"]) -> list[Float[Array, "k ..."]]:
    """Jᵀ a for `k` vectors, leaf by leaf."""
    out: list[Array] = []
    for leaf, shape in enumerate(plan.shapes):
        if leaf in factors.rows:
            flat = jnp.einsum("nmp,nmk->kp", factors.rows[leaf], vectors, precision="highest")
            out.append(flat.reshape(-1, *shape))
            continue
        weighted = jnp.einsum("cnmb,nmk->kcnb", factors.right[leaf], vectors, precision="highest")
        matrices = jnp.einsum("cna,kcnb->kab", factors.left[leaf], weighted, precision="highest")
        out.append(as_leaf(plan, leaf, matrices))
    return out


def traced(factors: Factors) -> Factors:
    """The same gradients with the outputs of a point as one: inner products are then summed over outputs."""
    merge = lambda value: value.reshape(*value.shape[:-2], 1, -1)
    rows = {leaf: merge(value) for leaf, value in factors.rows.items()}
    right = {leaf: merge(value) for leaf, value in factors.right.items()}
    return Factors(rows, factors.left, right)


def _factored_gram(
    left: Float[Array, "c n a"],
    right: Float[Array, "c n m b"],
    other_left: Float[Array, "d l a"],
    other_right: Float[Array, "d l o b"],
) -> Float[Array, "nm lo"]:
    (c, n, a), m, b = left.shape, right.shape[2], right.shape[3]
    (d, size, _), o = other_left.shape, other_right.shape[2]
    data = _matmul(left.reshape(c * n, a), other_left.reshape(d * size, a).T).reshape(c, n, 1, d, size, 1)
    cotangents = _matmul(right.reshape(-1, b), other_right.reshape(-1, b).T).reshape(c, n, m, d, size, o)
    # One fused pass over the pairs of channels; a reduction over strided axes would be slower.
    pairs = itertools.product(range(c), range(d))
    total = functools.reduce(jnp.add, (data[i, :, :, j] * cotangents[i, :, :, j] for i, j in pairs))
    return total.reshape(n * m, size * o)


def _fit(plan: Plan, other: Plan, leaf: int) -> bool:
    return plan.contracted(leaf) == other.contracted(leaf)


def jacobian(plan: Plan, factors: Factors) -> Float[Array, "k p"]:
    """The gradients themselves, leaf after leaf; rows of one point stand together."""
    return _rows(plan, factors, range(len(plan.shapes)))


def _rows(plan: Plan, factors: Factors, leaves: Sequence[int]) -> Float[Array, "k p"]:
    parts = [
        factors.rows[leaf] if leaf in factors.rows else expand(plan, leaf, factors.left[leaf], factors.right[leaf])
        for leaf in leaves
    ]
    rows = jnp.concatenate(parts, axis=-1)
    return rows.reshape(-1, rows.shape[-1])


def _matmul(a: Float[Array, "k p"], b: Float[Array, "p l"]) -> Float[Array, "k l"]:
    return jnp.matmul(a, b, precision="highest")
