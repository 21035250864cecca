r"""The stacked, scaled residual and its Jacobian: the one object every adaptive thing is a function of.

With rows scaled by $\sqrt{w_k/N_k}$ (by $\sqrt{w_i/N_k}$ where each point $i$ has a weight of its own) the loss is
½‖r‖², its gradient $J^\top r$ and the training kernel $J J^\top$: the eigenvalues of that kernel are the rates at which
gradient flow reduces the modes of the residual.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from ._types import Params, Scalar, Weights
from .ntk.kernel import jacobian_rows, squared_gradient_norms
from .residuals import Batch, ResidualFunctions, row_weights


class Linearization(eqx.Module):
    """Residual and Jacobian at one set of parameters.

    - `residual`: all conditions stacked in the order of `sizes`, rows scaled; shape `(n,)`;
    - `jacobian`: derivatives of `residual`, columns in the order of the raveled parameters; shape `(n, p)`;
    - `sizes`: number of rows of each condition, in stacking order;
    - `unravel`: from a vector of shape `(p,)` to the tree of parameters.
    """

    residual: Float[Array, " n"]
    jacobian: Float[Array, "n p"]
    sizes: dict[str, int] = eqx.field(static=True)
    unravel: Callable[[Array], Params] = eqx.field(static=True)

    @property
    def loss(self) -> Scalar:
        return 0.5 * jnp.vdot(self.residual, self.residual)

    @property
    def gradient(self) -> Float[Array, " p"]:
        return self.jacobian.T @ self.residual

    @property
    def ntk(self) -> Float[Array, "n n"]:
        """The training kernel."""
        return self.jacobian @ self.jacobian.T

    def slices(self) -> dict[str, slice]:
        """The rows of each condition."""
        out, start = {}, 0
        for name, size in self.sizes.items():
            out[name] = slice(start, start + size)
            start += size
        return out

    def blocks(self) -> dict[tuple[str, str], Float[Array, "n_k n_l"]]:
        """The training kernel by pairs of conditions."""
        rows = {name: self.jacobian[part] for name, part in self.slices().items()}
        return {(a, b): rows[a] @ rows[b].T for a in rows for b in rows}

    def damped_solver(self) -> Callable[[Scalar], Float[Array, " p"]]:
        r"""A function from damping λ to $-(J^\top J + \lambda I)^{-1} J^\top r$.

        The system is solved in the space of residuals or of parameters, whichever is smaller (the two
        agree); its matrix is formed once. A λ below rounding error may give NaN.
        """
        J, r = self.jacobian, self.residual
        n, p = J.shape
        if n <= p:
            K = J @ J.T
            return lambda damping: -J.T @ _solve_positive(K, damping, r)
        normal, g = J.T @ J, self.gradient
        return lambda damping: -_solve_positive(normal, damping, g)


class MatrixFreeLinearization(eqx.Module):
    """The same for problems whose Jacobian would not fit: products instead of the matrix."""

    residual: Float[Array, " n"]
    push: Callable[[Array], Array]
    pull: Callable[[Array], Array]
    unravel: Callable[[Array], Params] = eqx.field(static=True)
    tolerance: float = 1e-6
    iterations: int = 200

    @property
    def gradient(self) -> Float[Array, " p"]:
        return self.pull(self.residual)

    def damped_solver(self) -> Callable[[Scalar], Float[Array, " p"]]:
        """As for `Linearization`, by conjugate gradients on the normal equations, stopped after `iterations`."""
        g = self.gradient

        def solve(damping: Scalar) -> Float[Array, " p"]:
            operator = lx.FunctionLinearOperator(
                lambda v: self.pull(self.push(v)) + damping * v,
                jax.eval_shape(lambda: g),
                lx.positive_semidefinite_tag,
            )
            method = lx.CG(rtol=self.tolerance, atol=0.0, max_steps=self.iterations)
            return -lx.linear_solve(operator, g, method, throw=False).value

        return solve


def linearize(
    residuals: ResidualFunctions, params: Params, batch: Batch, weights: Weights, block_size: int | None = 256
) -> Linearization:
    """Residual and Jacobian on `batch`; the Jacobian is computed in blocks of `block_size` points."""
    values, rows, sizes = [], [], {}
    for name in residuals.conditions:
        function, points = residuals.at_point(name), batch[name]
        r = jax.vmap(function, (None, 0))(params, points).ravel()
        J = jacobian_rows(function, params, points, block_size)
        scale = jnp.sqrt(row_weights(weights[name], r.size) / r.size)
        values.append(scale * r)
        rows.append(scale[:, None] * J.reshape(r.size, -1))
        sizes[name] = r.size
    return Linearization(jnp.concatenate(values), jnp.concatenate(rows), sizes, ravel_pytree(params)[1])


def linearize_matrix_free(
    residuals: ResidualFunctions, params: Params, batch: Batch, weights: Weights
) -> MatrixFreeLinearization:
    """Residual and products with the Jacobian on `batch`."""
    flat, unravel = ravel_pytree(params)
    function = lambda flat: residuals.stacked(unravel(flat), batch, weights)
    residual, push = jax.linearize(function, flat)
    transpose = jax.linear_transpose(push, flat)
    return MatrixFreeLinearization(residual, push, lambda a: transpose(a)[0], unravel)


def block_traces(residuals: ResidualFunctions, params: Params, batch: Batch, block_size: int = 64) -> dict[str, Scalar]:
    r"""tr K_kk of the unweighted kernel (rows scaled by $1/\sqrt{N_k}$) for each condition, exact.

    Per-point gradients are formed `block_size` points at a time and dropped, so no Jacobian is held.
    """
    return {
        name: jnp.sum(squared_gradient_norms(residuals.at_point(name), params, points, block_size))
        / residuals.rows(name, len(points))
        for name, points in batch.items()
    }


def _solve_positive(matrix: Float[Array, "k k"], damping: Scalar, b: Float[Array, " k"]) -> Float[Array, " k"]:
    factor = jax.scipy.linalg.cho_factor(matrix + damping * jnp.eye(len(matrix), dtype=matrix.dtype), lower=True)
    return jax.scipy.linalg.cho_solve(factor, b)
