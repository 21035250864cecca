"""Four forms of a linearization: with the Jacobian, the kernel, the normal matrix, or products alone."""

import functools
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from .._base.linalg.conjugate_gradients import conjugate_gradients
from .._base.linalg.damped import lower_kernel, lower_normal, solve_damped
from .._base.linalg.nystrom import nystrom
from .._base.types import Params, Scalar, Weights
from ..ntk.jacobian import Rows, gram_matrix, jacobian_rows, normal_matrix, squared_gradient_norms
from .functions import Batch, ResidualFunctions
from .linearization import AbstractLinearization, DampedSolver
from .loss import row_weights

RANK, ITERATIONS = 96, 200
"""Default rank of the preconditioner and most iterations of conjugate gradients, for the form with products."""

BLOCK_ENTRIES = 2**23
"""Default for the entries of the Jacobian that are in memory at a time where it is not kept, 64 MiB."""

SKETCH_WIDTH = 8
"""Vectors per batch of products for the preconditioner."""


class Linearization(AbstractLinearization):
    """Residual and Jacobian at one set of parameters.

    - `residual`: all conditions stacked in the order of `rows`, scaled; shape `(n,)`;
    - `rows`: derivatives of the residual of each condition, columns in the order of the raveled parameters, shape
      `(n_k, p)`; each device has those of its points;
    - `unravel`: from a vector of shape `(p,)` to the tree of parameters.
    """

    residual: Float[Array, " n"]
    rows: dict[str, Float[Array, "_ p"]]
    unravel: Callable[[Array], Params] = eqx.field(static=True)

    @property
    def jacobian(self) -> Float[Array, "n p"]:
        """The rows of all conditions."""
        return jnp.concatenate(list(self.rows.values()))

    @property
    def mean_eigenvalue(self) -> Scalar:
        square = jnp.sum(jnp.stack([jnp.sum(rows**2) for rows in self.rows.values()]))
        return square / min(len(self.residual), next(iter(self.rows.values())).shape[1])

    @property
    def ntk(self) -> Float[Array, "n n"]:
        """The training kernel."""
        return self.jacobian @ self.jacobian.T

    def slices(self) -> dict[str, slice]:
        """The rows of each condition."""
        ends = np.cumsum([0, *map(len, self.rows.values())]).tolist()
        return {name: slice(a, b) for name, a, b in zip(self.rows, ends[:-1], ends[1:], strict=True)}

    def blocks(self) -> dict[tuple[str, str], Float[Array, "n_k n_l"]]:
        """The training kernel by pairs of conditions."""
        return {(a, b): self.rows[a] @ self.rows[b].T for a in self.rows for b in self.rows}

    def push(self, v: Float[Array, " p"]) -> Float[Array, " n"]:
        return jnp.concatenate([rows @ v for rows in self.rows.values()])

    def pull(self, a: Float[Array, " n"]) -> Float[Array, " p"]:
        parts = [rows.T @ a[part] for rows, part in zip(self.rows.values(), self.slices().values(), strict=True)]
        return functools.reduce(jnp.add, parts)

    def damped_solver(self, tolerance: Scalar | float = 1e-8) -> DampedSolver:
        """In the space of residuals or of parameters, whichever is smaller (the two agree); the matrix is formed once.

        A λ below rounding error may give NaN.
        """
        rows = list(self.rows.values())
        if len(self.residual) <= rows[0].shape[1]:
            K = lower_kernel(rows)
            return lambda damping, b: -self.pull(solve_damped(K, damping, b))
        normal = lower_normal(rows)
        return lambda damping, b: -solve_damped(normal, damping, self.pull(b))


class AbstractProducts(AbstractLinearization):
    """A linearization without the Jacobian: with products with it and its transpose.

    - `parameters`: p.
    """

    products: eqx.AbstractVar[tuple[Callable[[Array], Array], Callable[[Array], Array]]]
    parameters: eqx.AbstractVar[int]

    def push(self, v: Float[Array, " p"]) -> Float[Array, " n"]:
        return self.products[0](v)

    def pull(self, a: Float[Array, " n"]) -> Float[Array, " p"]:
        return self.products[1](a)


class KernelLinearization(AbstractProducts):
    """A linearization with the kernel, from factors of the gradients, and products.

    - `kernel`: the lower triangle, at least, of the training kernel, shape `(n, n)`.
    """

    residual: Float[Array, " n"]
    kernel: Float[Array, "n n"]
    products: tuple[Callable[[Array], Array], Callable[[Array], Array]]
    parameters: int = eqx.field(static=True)
    unravel: Callable[[Array], Params] = eqx.field(static=True)

    @property
    def mean_eigenvalue(self) -> Scalar:
        return jnp.trace(self.kernel) / min(len(self.kernel), self.parameters)

    def damped_solver(self, tolerance: Scalar | float = 1e-8) -> DampedSolver:
        """In the space of residuals."""
        return lambda damping, b: -self.pull(solve_damped(self.kernel, damping, b))


class NormalLinearization(AbstractProducts):
    r"""A linearization with the normal matrix, summed over blocks of points, and products.

    - `normal`: the lower triangle, at least, of $J^\top J$, shape `(p, p)`.
    """

    residual: Float[Array, " n"]
    normal: Float[Array, "p p"]
    products: tuple[Callable[[Array], Array], Callable[[Array], Array]]
    parameters: int = eqx.field(static=True)
    unravel: Callable[[Array], Params] = eqx.field(static=True)

    @property
    def mean_eigenvalue(self) -> Scalar:
        return jnp.trace(self.normal) / min(len(self.residual), self.parameters)

    def damped_solver(self, tolerance: Scalar | float = 1e-8) -> DampedSolver:
        """In the space of parameters."""
        return lambda damping, b: -solve_damped(self.normal, damping, self.pull(b))


class MatrixFreeLinearization(AbstractProducts):
    """A linearization with products only, for problems whose matrices do not fit into memory.

    - `trace`: of the training kernel;
    - `rank`: of the preconditioner; `iterations`: most iterations of conjugate gradients.
    """

    residual: Float[Array, " n"]
    products: tuple[Callable[[Array], Array], Callable[[Array], Array]]
    trace: Scalar
    parameters: int = eqx.field(static=True)
    unravel: Callable[[Array], Params] = eqx.field(static=True)
    rank: int = eqx.field(static=True, default=RANK)
    iterations: int = eqx.field(static=True, default=ITERATIONS)

    @property
    def mean_eigenvalue(self) -> Scalar:
        return self.trace / min(len(self.residual), self.parameters)

    def damped_solver(self, tolerance: Scalar | float = 1e-8) -> DampedSolver:
        """Conjugate gradients with a Nyström preconditioner, in the smaller space, stopped after `iterations`."""
        n, p = len(self.residual), self.parameters
        product = (lambda a: self.push(self.pull(a))) if n <= p else (lambda v: self.pull(self.push(v)))
        columns = lambda matrix: jax.lax.map(product, matrix.T, batch_size=SKETCH_WIDTH).T
        sketch = nystrom(columns, min(n, p), min(self.rank, n, p), self.residual.dtype)

        def solve(damping: Scalar, b: Float[Array, " m"]) -> Float[Array, " m"]:
            operator = lambda v: product(v) + damping * v
            precondition = lambda v: sketch.precondition(damping, v)
            return conjugate_gradients(operator, b, precondition, tolerance, self.iterations).value

        if n <= p:
            return lambda damping, b: -self.pull(solve(damping, b))
        return lambda damping, b: -solve(damping, self.pull(b))


def linearize(
    residuals: ResidualFunctions, params: Params, batch: Batch, weights: Weights, block_size: int | None = 256
) -> Linearization:
    """Residual and Jacobian on `batch`; the Jacobian is computed in blocks of `block_size` points."""
    rows = {}
    for name in residuals.conditions:
        J = jacobian_rows(residuals.at_point(name), params, batch[name], block_size)
        size = J.shape[0] * J.shape[1]
        rows[name] = _row_scales(weights[name], size)[:, None] * J.reshape(size, -1)
    return Linearization(residual=residuals.stacked(params, batch, weights), rows=rows, unravel=ravel_pytree(params)[1])


def linearize_by_kernel(
    residuals: ResidualFunctions, params: Params, batch: Batch, weights: Weights
) -> KernelLinearization:
    """Residual, training kernel and products with the Jacobian on `batch`."""
    scales = _all_scales(residuals, batch, weights)
    parts = [(residuals.at_point(name), batch[name]) for name in residuals.conditions]
    kernel = scales[:, None] * gram_matrix(parts, params) * scales
    return KernelLinearization(kernel=kernel, **_products(residuals, params, batch, weights))


def linearize_by_normal_matrix(
    residuals: ResidualFunctions, params: Params, batch: Batch, weights: Weights, block_entries: int = BLOCK_ENTRIES
) -> NormalLinearization:
    """Residual, normal matrix and products with the Jacobian on `batch`.

    - `block_entries`: entries of the Jacobian that are in memory at a time.
    """
    p, parts = sum(leaf.size for leaf in jax.tree.leaves(params)), {}
    for name in residuals.conditions:
        points, rows = batch[name], residuals.rows(name, 1)
        scales = _row_scales(weights[name], len(points) * rows).reshape(len(points), rows)
        parts[name] = Rows(residuals.at_point(name), points, scales, max(block_entries // (rows * p), 1))
    return NormalLinearization(normal=normal_matrix(parts, params), **_products(residuals, params, batch, weights))


def linearize_matrix_free(
    residuals: ResidualFunctions, params: Params, batch: Batch, weights: Weights
) -> MatrixFreeLinearization:
    """Residual and products with the Jacobian on `batch`."""
    scales = _all_scales(residuals, batch, weights)
    norms = [
        jnp.repeat(squared_gradient_norms(residuals.at_point(name), params, batch[name]) / size, size)
        for name, size in ((name, residuals.rows(name, 1)) for name in residuals.conditions if name in batch)
    ]
    trace = jnp.sum(scales**2 * jnp.concatenate(norms))
    return MatrixFreeLinearization(trace=trace, **_products(residuals, params, batch, weights))


def block_traces(residuals: ResidualFunctions, params: Params, batch: Batch, block_size: int = 64) -> dict[str, Scalar]:
    r"""tr K_kk of the unweighted kernel (rows scaled by $1/\sqrt{N_k}$) for each condition, exact.

    Per-point gradients are formed for `block_size` points at a time, without a Jacobian.
    """
    return {
        name: jnp.sum(squared_gradient_norms(residuals.at_point(name), params, points, block_size))
        / residuals.rows(name, len(points))
        for name, points in batch.items()
    }


def _row_scales(weight: Array, rows: int) -> Float[Array, " n_k"]:
    """√(w/N) for each row of a condition; a weight is one number, or one for each point."""
    return jnp.sqrt(row_weights(weight, rows) / rows)


def _all_scales(residuals: ResidualFunctions, batch: Batch, weights: Weights) -> Float[Array, " n"]:
    names = [name for name in residuals.conditions if name in batch]
    return jnp.concatenate([_row_scales(weights[name], residuals.rows(name, len(batch[name]))) for name in names])


def _products(residuals: ResidualFunctions, params: Params, batch: Batch, weights: Weights) -> dict[str, Any]:
    """The stacked residual and products, for the forms without a Jacobian."""
    flat, unravel = ravel_pytree(params)
    residual, push = jax.linearize(lambda flat: residuals.stacked(unravel(flat), batch, weights), flat)
    transpose = jax.linear_transpose(push, flat)
    products = push, lambda a: transpose(a)[0]
    return {"residual": residual, "products": products, "parameters": len(flat), "unravel": unravel}
