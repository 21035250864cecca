"""The tangent kernel of a model's output, and the Jacobian it comes from."""

import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from .._base.devices import MEMORY
from .._base.errors import InputError
from .._base.precision import full_precision
from .._base.types import Model
from ..networks.adapters import as_functional
from ..networks.functional import FunctionalModel
from .jacobian import is_traced, jacobian_rows, traced_ntk
from .tangent_kernel import Part, TangentKernel


def output_ntk(model: Model, x: ArrayLike, *, memory: int = MEMORY, precision: str = "double") -> TangentKernel:
    r"""The tangent kernel of the output at points, $K_{ij} = \sum_a J_a(x_i) \cdot J_a(x_j)$, not yet computed.

    Arguments as for `compute_ntk`, which is `np.asarray(output_ntk(model, x))`. For products, the diagonal and whatever
    needs no more than those, see `TangentKernel`.

    **Raises:** `ValueError` as `compute_ntk`.
    """
    return _output_kernel(model, {"x": x}, memory, checked_dtype(precision))


def compute_jacobian(model: Model, x: ArrayLike) -> Float[Array | np.ndarray, "n m p"]:
    r"""Jacobian of the output by the parameters, $J_{i a k} = \partial u_a(x_i; \theta) / \partial \theta_k$.

    The columns are in the order of `jax.flatten_util.ravel_pytree` of the parameters; what is no
    parameter (statistics of BatchNorm, masks of Dropout) is fixed in evaluation mode.

    **Arguments:**

    - `model`: an `nnx.Module`, an `eqx.Module`, a pair `(init, apply)` or a `FunctionalModel`, written
      for one point or for a batch. A pair is taken at the parameters that its `init` gives.
    - `x`: points, of shape `(n, d)`.

    **Returns:** a NumPy array of shape `(n, m, p)` for `m` outputs and `p` parameters. Parameters and
    points are cast to float64, so it is float64, unless the model itself computes in a lower precision
    (as with `nnx.Linear(..., dtype=jnp.float32)`): then it has the dtype of the model's output, and the
    functions of the spectrum take its rounding into account. Nothing is compiled anew for another model that does
    the same operations on as many points. Under `jit`, `vmap` or `grad`
    (`model` or `x` holds tracers) it is a JAX array in the precision of the arguments.

    **Raises:** `ValueError` if `x` is not `(n, d)` with `n >= 1` and finite numbers, if the parameters or
    the result are not finite, or if the model does not accept points with `d` coordinates.
    """
    size = _check_points("x", x)
    if is_traced(model, x):
        functional = as_functional(model, size)
        return jacobian_rows(functional.apply, functional.params, x)
    kernel = output_ntk(model, x)
    return kernel.jacobian().reshape(kernel.rows, kernel.columns, -1).astype(kernel.dtype)


def compute_ntk(
    model: Model, x1: ArrayLike, x2: ArrayLike | None = None, *, memory: int = MEMORY
) -> Float[Array | np.ndarray, "n1 n2"]:
    r"""Empirical neural tangent kernel of the output, $K_{ij} = \sum_a J_a(x_i) \cdot J_a(x_j)$.

    Here $J_a(x) = \partial u_a(x; \theta) / \partial \theta$. There is no $1/n$, and for several outputs
    the trace over them is taken. No Jacobian is formed: see `pinnkit.ntk.factors`.

    **Arguments:**

    - `model`: as for `compute_jacobian`.
    - `x1`, `x2`: points, of shapes `(n1, d)` and `(n2, d)`; `x2=None` means `x1`, and the kernel is then
      exactly symmetric.
    - `memory`: bytes that the kernel may take, and as many again for what it is computed from.

    **Returns:** a NumPy array, float64 as for `compute_jacobian`; a JAX array under `jit`.

    **Raises:** `ValueError` as `compute_jacobian`, if `x1` and `x2` differ in the number of coordinates, and if the
    kernel does not fit `memory`: `output_ntk` gives it without the matrix.

    Jacot, Gabriel & Hongler, *Neural tangent kernel*, NeurIPS 2018; structured derivatives: Novak, Sohl-Dickstein &
    Schoenholz, *Fast finite width neural tangent kernel*, ICML 2022.
    """
    size = _check_points("x1", x1)
    if x2 is not None and _check_points("x2", x2) != size:
        raise InputError(
            f"`x1` has {size} coordinate(s) and `x2` has {jnp.shape(x2)[1]}; they must be points of one space"
        )
    if is_traced(model, x1, x2):
        return traced_ntk(as_functional(model, size), x1, x2)
    kernel = _output_kernel(model, {"x1": x1} if x2 is None else {"x1": x1, "x2": x2}, memory, np.float64)
    return kernel.block("x1", "x1" if x2 is None else "x2").astype(kernel.dtype)


def checked_model(model: Model, size: int) -> FunctionalModel:
    """The functional form of a model whose parameters are finite numbers of one dtype.

    **Raises:** `ValueError`.
    """
    functional = as_functional(model, size)
    dtypes = sorted({str(leaf.dtype) for leaf in jax.tree.leaves(functional.params)})
    if len(dtypes) > 1:
        raise InputError(
            f"the parameters of the model have mixed dtypes ({', '.join(dtypes)}); cast them to one, "
            f"since a kernel has the precision of the lowest"
        )
    for path, leaf in jax.tree_util.tree_leaves_with_path(functional.params):
        if not np.isfinite(np.asarray(leaf)).all():
            raise InputError(
                f"the parameter {jax.tree_util.keystr(path)} of the model holds "
                f"{int((~np.isfinite(np.asarray(leaf))).sum())} value(s) that are not finite"
            )
    return functional


def checked_dtype(precision: str) -> Any:
    """What "double" or "single" means.

    **Raises:** `ValueError` for another word.
    """
    if precision not in ("double", "single"):
        raise InputError(f"`precision` is 'double' or 'single', got {precision!r}")
    return np.float64 if precision == "double" else np.float32


def double_points(name: str, x: ArrayLike) -> Float[np.ndarray, "n d"]:
    """Points in float64.

    **Raises:** `ValueError` if they are not finite.
    """
    points = np.asarray(x, np.float64)
    if not np.isfinite(points).all():
        bad = np.flatnonzero(~np.isfinite(points).all(axis=1))
        raise InputError(f"`{name}` holds {bad.size} point(s) that are not finite, the first in row {bad[0]}")
    return points


def _output_kernel(model: Model, points: Mapping[str, ArrayLike], memory: int, dtype: Any) -> TangentKernel:
    """The kernel of the output at sets of points, which are named as the arguments they came in."""
    sizes = {name: _check_points(name, x) for name, x in points.items()}
    with jax.enable_x64(True), full_precision():
        functional = checked_model(model, next(iter(sizes.values())))
        parts = {name: Part(functional.apply, double_points(name, x)) for name, x in points.items()}
        return TangentKernel(parts, functional.params, traced=True, memory=memory, dtype=dtype)


def _check_points(name: str, x: ArrayLike) -> int:
    """Number of coordinates of the points `x`."""
    dtype = getattr(x, "dtype", None) or np.asarray(x).dtype
    if not (jnp.issubdtype(dtype, jnp.floating) or jnp.issubdtype(dtype, jnp.integer)):
        raise InputError(f"`{name}` must hold real numbers; its dtype is {dtype}")
    shape = np.shape(x)
    if len(shape) != 2 or math.prod(shape) == 0:
        hint = f"; did you mean `{name}[:, None]`?" if len(shape) == 1 and shape[0] else ""
        raise InputError(f"`{name}` must have shape (n, d), n points with d coordinates; it has {shape}{hint}")
    return shape[1]
