"""The Jacobian of a model's output by its parameters, and the tangent kernel it spans."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from .._types import Model, Params
from ..model import FunctionalModel, as_functional, cast, output_size

PointFunction = Callable[[Params, Any], Float[Array, " m"]]

BLOCK_ENTRIES = 2**24
"""Entries of the Jacobian computed at a time: 128 MB in float64."""


def jacobian_rows(
    function: PointFunction, params: Params, points: Any, block_size: int | None = None
) -> Float[Array, "n m p"]:
    r"""$J_{i a k} = \partial f_a(\theta; x_i) / \partial \theta_k$, one point at a time in reverse mode.

    Pure JAX in the precision of its arguments, to be used inside `jit`.

    **Arguments:**

    - `function`: `function(params, point)` of shape `(m,)`;
    - `points`: a tree of arrays whose leading axis counts the points;
    - `block_size`: rows computed together, all of them by default. Blocks bound the memory of the
      intermediate values of `function`.

    **Returns:** the Jacobian, its columns in the order of `jax.flatten_util.ravel_pytree(params)`.
    """

    def rows(point):
        gradients, m = _output_gradients(function, params, point)
        return jnp.concatenate([leaf.reshape(m, -1) for leaf in gradients], axis=1)

    if block_size is None:
        return jax.vmap(rows)(points)
    return jax.lax.map(rows, points, batch_size=block_size)


def squared_gradient_norms(
    function: PointFunction, params: Params, points: Any, block_size: int | None = None
) -> Float[Array, " n"]:
    r"""The diagonal of the kernel, $K_{ii} = \sum_a \lVert \nabla_\theta f_a(\theta; x_i) \rVert^2$.

    Pure JAX, as `jacobian_rows`, but no more than `block_size` rows of the Jacobian exist at a time; by
    default as many as make 128 MB in float64 for a scalar function. The trace of the kernel is the sum.
    """
    if block_size is None:
        block_size = _block_size(sum(leaf.size for leaf in jax.tree.leaves(params)))

    def squared_norm(point):
        gradients, _ = _output_gradients(function, params, point)
        return jnp.sum(jnp.stack([jnp.sum(leaf**2) for leaf in gradients]))

    return jax.lax.map(squared_norm, points, batch_size=block_size)


def compute_jacobian(model: Model, x: ArrayLike) -> Float[Array | np.ndarray, "n m p"]:
    r"""Jacobian of the output by the parameters, $J_{i a k} = \partial u_a(x_i; \theta) / \partial \theta_k$.

    The columns are in the order of `jax.flatten_util.ravel_pytree` of the parameters; what is no
    parameter (statistics of BatchNorm, masks of Dropout) is held in evaluation mode.

    **Arguments:**

    - `model`: an `nnx.Module`, an `eqx.Module`, a pair `(init, apply)` or a `FunctionalModel`, written
      for one point or for a batch. A pair is taken at the parameters that its `init` gives.
    - `x`: points, of shape `(n, d)`.

    **Returns:** a NumPy array of shape `(n, m, p)` for `m` outputs and `p` parameters. Parameters and
    points are cast to float64, so it is float64, unless the model itself computes in a lower precision
    (as with `nnx.Linear(..., dtype=jnp.float32)`): then it has the dtype of the model's output, and the
    functions of the spectrum take its rounding into account. It is computed operation by operation:
    nothing is compiled anew at the next call with as many points. Under `jit`, `vmap` or `grad`
    (`model` or `x` holds tracers) it is a JAX array in the precision of the arguments.

    **Raises:** `ValueError` if `x` is not `(n, d)` with `n >= 1` and finite numbers, if the parameters or
    the result are not finite, or if the model does not accept points with `d` coordinates.
    """
    size = _check_points("x", x)
    if _is_traced(model, x):
        functional = as_functional(model, size)
        return jacobian_rows(functional.apply, functional.params, x)
    with jax.enable_x64(True):
        functional, points = _double_model(model, size), _double_points("x", x)
        blocks = [_jacobian_block(functional, points[rows]) for rows in _row_blocks(functional, points)]
        return np.concatenate([np.asarray(block) for block in blocks]).astype(_dtype(functional, size))


def compute_ntk(model: Model, x1: ArrayLike, x2: ArrayLike | None = None) -> Float[Array | np.ndarray, "n1 n2"]:
    r"""Empirical neural tangent kernel of the output, $K_{ij} = \sum_a J_a(x_i) \cdot J_a(x_j)$.

    Here $J_a(x) = \partial u_a(x; \theta) / \partial \theta$. There is no $1/n$, and for several outputs
    the trace over them is taken.

    **Arguments:**

    - `model`: as for `compute_jacobian`.
    - `x1`, `x2`: points, of shapes `(n1, d)` and `(n2, d)`; `x2=None` means `x1`, and the kernel is then
      exactly symmetric.

    **Returns:** a NumPy array, float64 as `compute_jacobian` says; a JAX array under `jit`. Where the
    Jacobian is larger than 128 MB the kernel is put together from blocks of its rows, and the whole
    Jacobian is never held.

    **Raises:** `ValueError` as `compute_jacobian`, and if `x1` and `x2` differ in the number of coordinates.

    Jacot, Gabriel & Hongler, *Neural tangent kernel*, NeurIPS 2018.
    """
    size = _check_points("x1", x1)
    if x2 is not None and _check_points("x2", x2) != size:
        raise ValueError(
            f"`x1` has {size} coordinate(s) and `x2` has {jnp.shape(x2)[1]}; they must be points of one space"
        )
    if _is_traced(model, x1, x2):
        return _traced_ntk(as_functional(model, size), x1, x2)
    with jax.enable_x64(True):
        functional, points = _double_model(model, size), _double_points("x1", x1)
        others = points if x2 is None else _double_points("x2", x2)
        ntk = _ntk_by_blocks(functional, points, others, symmetric=x2 is None)
        return ntk.astype(_dtype(functional, size))


def _output_gradients(function: PointFunction, params: Params, point: Any) -> tuple[list[Array], int]:
    """The gradients of all outputs at one point, leaf by leaf with the outputs in front; their number."""
    output, pullback = jax.vjp(lambda params: function(params, point), params)
    (gradients,) = jax.vmap(pullback)(jnp.eye(output.size, dtype=output.dtype))
    return jax.tree.leaves(gradients), output.size


def _traced_ntk(functional: FunctionalModel, x1: ArrayLike, x2: ArrayLike | None) -> Float[Array, "n1 n2"]:
    def flat_jacobian(x):
        rows = jacobian_rows(functional.apply, functional.params, x)
        return rows.reshape(rows.shape[0], -1)

    left = flat_jacobian(x1)
    right = left if x2 is None else flat_jacobian(x2)
    ntk = jnp.matmul(left, right.T, precision="highest")
    return jnp.tril(ntk) + jnp.tril(ntk, -1).T if x2 is None else ntk


def _ntk_by_blocks(functional: FunctionalModel, x1: np.ndarray, x2: np.ndarray, symmetric: bool) -> np.ndarray:
    """The kernel block by block; of a symmetric one, the lower half and its mirror image."""
    ntk = np.zeros((len(x1), len(x2)))
    for rows in _row_blocks(functional, x1):
        left = _flat(_jacobian_block(functional, x1[rows]))
        for columns in _row_blocks(functional, x2):
            if symmetric and columns.start > rows.start:
                break
            same = symmetric and columns == rows
            right = left if same else _flat(_jacobian_block(functional, x2[columns]))
            ntk[rows, columns] = left @ right.T
    return np.tril(ntk) + np.tril(ntk, -1).T if symmetric else ntk


def _jacobian_block(functional: FunctionalModel, points: np.ndarray) -> Float[Array, "n m p"]:
    rows = jacobian_rows(functional.apply, functional.params, jnp.asarray(points))
    bad = ~np.asarray(jnp.isfinite(rows).all(axis=(1, 2)))
    if bad.any():
        raise ValueError(
            f"the derivative of the model by its parameters is not finite at {bad.sum()} of {len(bad)} "
            f"points, the first of them x = {points[np.argmax(bad)].tolist()}: the model or its gradient "
            f"overflows or is undefined there"
        )
    return rows


def _flat(rows: Float[Array, "n m p"]) -> Float[Array, "n mp"]:
    return rows.reshape(rows.shape[0], -1)


def _row_blocks(functional: FunctionalModel, points: np.ndarray) -> list[slice]:
    entries = functional.size * output_size(functional, points.shape[1])
    size = _block_size(entries)
    return [slice(start, start + size) for start in range(0, len(points), size)]


def _block_size(entries: int) -> int:
    return max(1, BLOCK_ENTRIES // entries)


def _dtype(functional: FunctionalModel, size: int) -> np.dtype:
    """The precision that the model itself computes in when everything it is given is float64."""
    point = jax.ShapeDtypeStruct((size,), jnp.float64)
    return jax.eval_shape(functional.apply, functional.params, point).dtype


def _double_model(model: Model, size: int) -> FunctionalModel:
    functional = as_functional(model, size)
    for path, leaf in jax.tree_util.tree_leaves_with_path(functional.params):
        if not np.isfinite(np.asarray(leaf)).all():
            raise ValueError(
                f"the parameter {jax.tree_util.keystr(path)} of the model holds "
                f"{int((~np.isfinite(np.asarray(leaf))).sum())} value(s) that are not finite"
            )
    return FunctionalModel(cast(functional.params, jnp.float64), functional.apply, functional.merge)


def _double_points(name: str, x: ArrayLike) -> Float[np.ndarray, "n d"]:
    points = np.asarray(x, np.float64)
    if not np.isfinite(points).all():
        bad = np.flatnonzero(~np.isfinite(points).all(axis=1))
        raise ValueError(f"`{name}` holds {bad.size} point(s) that are not finite, the first in row {bad[0]}")
    return points


def _check_points(name: str, x: ArrayLike) -> int:
    """Number of coordinates of the points `x`."""
    dtype = getattr(x, "dtype", None) or np.asarray(x).dtype
    if not (jnp.issubdtype(dtype, jnp.floating) or jnp.issubdtype(dtype, jnp.integer)):
        raise ValueError(f"`{name}` must hold real numbers; its dtype is {dtype}")
    shape = np.shape(x)
    if len(shape) != 2 or math.prod(shape) == 0:
        hint = f"; did you mean `{name}[:, None]`?" if len(shape) == 1 and shape[0] else ""
        raise ValueError(f"`{name}` must have shape (n, d), n points with d coordinates; it has {shape}{hint}")
    return shape[1]


def _is_traced(*arguments: Any) -> bool:
    return any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(arguments))
