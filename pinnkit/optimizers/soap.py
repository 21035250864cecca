r"""SOAP: Adam in the eigenbasis of Shampoo's preconditioner, as an optax transformation.

For a matrix of parameters with gradient G the running means L of $G G^\top$ and R of $G^\top G$ have eigenbases
$Q_L$, $Q_R$. Adam's second moment V is that of the rotated gradient $Q_L^\top G Q_R$, and the direction is
$Q_L \bigl( Q_L^\top \hat M Q_R / (\sqrt{\hat V} + \epsilon) \bigr) Q_R^\top$ with the momentum M.

Vyas et al., *SOAP: improving and stabilizing Shampoo using Adam*, 2024; for physics-informed networks: Wang, Bhartari,
Li & Perdikaris, *Gradient alignment in physics-informed neural networks*, 2025.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from .._base.arguments import check_positive, check_share, check_whole
from .._base.types import Params


class Basis(NamedTuple):
    r"""Running means of $G G^\top$ and $G^\top G$ for a matrix of parameters, and their eigenvectors."""

    left: Float[Array, "m m"]
    right: Float[Array, "k k"]
    left_vectors: Float[Array, "m m"]
    right_vectors: Float[Array, "k k"]

    def rotate(self, G: Float[Array, "m k"]) -> Float[Array, "m k"]:
        return self.left_vectors.T @ G @ self.right_vectors

    def rotate_back(self, G: Float[Array, "m k"]) -> Float[Array, "m k"]:
        return self.left_vectors @ G @ self.right_vectors.T


class SOAPState(NamedTuple):
    """- `adam`: gradients seen, momentum (not rotated), and second moment in the eigenbases;
    - `bases`: a `Basis` for each leaf that is a matrix, in the order of the leaves; None for leaves that get Adam.
    """

    adam: optax.ScaleByAdamState
    bases: tuple[Basis | None, ...]


def scale_by_soap(
    b1: float = 0.95, b2: float = 0.95, eps: float = 1e-8, every: int = 10, largest: int = 2048
) -> optax.GradientTransformation:
    """The directions of SOAP; chain it with a learning rate.

    The first direction is the one of Adam, since the first gradient would be scaled in a basis made of itself.

    - `b1`, `b2`: decay rates of the momentum, and of the second moment and the preconditioner;
    - `every`: steps between two updates of the eigenvectors, each by one step of orthogonal iteration;
    - `largest`: leaves with a longer side than this, and leaves that are not matrices, get Adam.

    **Raises:** `InputError` for invalid values.
    """
    check_share(b1=b1, b2=b2)
    check_positive(eps=eps)
    check_whole(every=every, largest=largest)

    def init(params: Params) -> Any:
        zeros = optax.tree_utils.tree_zeros_like(params)
        bases = tuple(_no_rotation(leaf, largest) for leaf in jax.tree.leaves(params))
        return SOAPState(optax.ScaleByAdamState(jnp.asarray(0), zeros, zeros), bases)

    def update(updates: Params, state: Any, params: Params | None = None) -> tuple[Params, Any]:
        del params
        gradients, tree = jax.tree.flatten(updates)
        count, mu, nu = state.adam.count, jax.tree.leaves(state.adam.mu), jax.tree.leaves(state.adam.nu)
        new = [leaf_update(count, *leaf) for leaf in zip(gradients, mu, nu, state.bases, strict=True)]
        directions, mu, nu, bases = (list(column) for column in zip(*new, strict=True))
        adam = optax.ScaleByAdamState(count + 1, tree.unflatten(mu), tree.unflatten(nu))
        return tree.unflatten(directions), SOAPState(adam, tuple(bases))

    def leaf_update(
        count: Array, g: Array, m: Array, v: Array, basis: Basis | None
    ) -> tuple[Array, Array, Array, Basis | None]:
        """Direction, moments and basis of one leaf."""
        age = (count + 1).astype(g.dtype)
        m = b1 * m + (1 - b1) * g
        m_hat = m / (1 - b1**age)
        scaled = lambda m, v: m / (jnp.sqrt(v / (1 - b2**age)) + eps)
        if basis is None:
            v = b2 * v + (1 - b2) * g**2
            return scaled(m_hat, v), m, v, None
        v = b2 * v + (1 - b2) * basis.rotate(g) ** 2
        direction = basis.rotate_back(scaled(basis.rotate(m_hat), v))
        return direction, m, *_next_basis(count, g, v, basis, 1 - b2, every)

    return optax.GradientTransformation(init, update)


def _no_rotation(leaf: Array, largest: int) -> Basis | None:
    if leaf.ndim != 2 or max(leaf.shape) > largest:
        return None
    m, k = (jnp.eye(side, dtype=leaf.dtype) for side in leaf.shape)
    return Basis(jnp.zeros_like(m), jnp.zeros_like(k), m, k)


def _next_basis(
    count: Array, g: Float[Array, "m k"], v: Float[Array, "m k"], basis: Basis, share: float, every: int
) -> tuple[Float[Array, "m k"], Basis]:
    """The second moment and the basis after the gradient g, which has this share in the running means."""
    of_means = jnp.where(count == 0, 1.0, share)
    left = basis.left + of_means * (g @ g.T - basis.left)
    right = basis.right + of_means * (g.T @ g - basis.right)
    basis = basis._replace(left=left, right=right)

    def first() -> tuple[Array, Basis]:
        initial = basis._replace(left_vectors=_eigenvectors(left), right_vectors=_eigenvectors(right))
        return share * initial.rotate(g) ** 2, initial

    def later() -> tuple[Array, Basis]:
        return jax.lax.cond(count % every == 0, lambda: _renewed(v, basis), lambda: (v, basis))

    return jax.lax.cond(count == 0, first, later)


def _renewed(v: Float[Array, "m k"], basis: Basis) -> tuple[Float[Array, "m k"], Basis]:
    """One step of orthogonal iteration on both sides; the second moment is reordered like the eigenvalues."""
    left_vectors, rows = _iterate(basis.left, basis.left_vectors)
    right_vectors, columns = _iterate(basis.right, basis.right_vectors)
    return v[rows][:, columns], basis._replace(left_vectors=left_vectors, right_vectors=right_vectors)


def _iterate(A: Float[Array, "m m"], Q: Float[Array, "m m"]) -> tuple[Float[Array, "m m"], Array]:
    moved = A @ Q
    order = jnp.argsort(-jnp.sum(Q * moved, axis=0))
    return jnp.linalg.qr(moved[:, order])[0], order


def _eigenvectors(A: Float[Array, "m m"]) -> Float[Array, "m m"]:
    return jnp.linalg.eigh(A)[1][:, ::-1]
