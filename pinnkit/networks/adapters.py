"""Flax and equinox modules and `(init, apply)` pairs as parameters and a function."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax

from .._base.errors import InputError, InputTypeError
from .._base.types import Key, Model
from .functional import Apply, FunctionalModel, point_shape

if TYPE_CHECKING:
    from flax import nnx


def as_functional(model: Model, size: int, key: Key | None = None) -> FunctionalModel:
    """The functional form of `model` on points with `size` coordinates.

    Flax and equinox modules are taken in evaluation mode. A module may be written for one point,
    `(d,) -> (m,)` or `(d,) -> ()`, or for a batch, `(n, d) -> (n, m)` or `(n, d) -> (n,)`; this is inferred
    from shapes. In a pair `(init, apply)`, `init(key)` returns the parameters and `apply(params, x)` the output.

    **Raises:** `TypeError` for an object that is not a model; `ValueError` for a model without parameters or one that
    does not accept `size` coordinates.
    """
    if isinstance(model, optax.GradientTransformation):  # a pair of functions too
        raise InputTypeError("got an optimizer in place of a model; pass it to `fit` as `strategy=`")
    if isinstance(model, FunctionalModel):
        functional = model
    elif _is_nnx(model):
        functional = _from_nnx(model)
    elif isinstance(model, eqx.Module):
        functional = _from_equinox(model)
    elif isinstance(model, tuple) and len(model) == 2 and all(callable(part) for part in model):
        functional = _from_functions(*model, key=jax.random.key(0) if key is None else key)
    else:
        raise InputTypeError(
            f"a model is an `nnx.Module`, an `eqx.Module`, a pair `(init, apply)` or a `FunctionalModel`; "
            f"got {type(model).__name__}"
        )
    if not jax.tree.leaves(functional.params):
        raise InputError(f"the model {type(model).__name__} has no trainable parameters")
    dtypes = [jnp.result_type(float), *(leaf.dtype for leaf in jax.tree.leaves(functional.params))]
    with jax.enable_x64(jnp.float64 in dtypes):  # a trained model comes in float64
        return FunctionalModel(functional.params, _for_one_point(functional, size), functional.merge)


def _is_nnx(model: Any) -> bool:
    return "flax.nnx" in sys.modules and isinstance(model, sys.modules["flax.nnx"].Module)


def _from_nnx(model: "nnx.Module") -> FunctionalModel:
    from flax import nnx

    model = nnx.clone(model)
    model.eval()
    graph, params, fixed = nnx.split(model, nnx.Param, ...)
    return FunctionalModel(
        params,
        lambda params, x: nnx.merge(graph, params, fixed)(x),
        lambda params: nnx.merge(graph, params, fixed),
    )


def _from_equinox(model: eqx.Module) -> FunctionalModel:
    params, fixed = eqx.partition(eqx.nn.inference_mode(model), _is_parameter)
    return FunctionalModel(
        params,
        lambda params, x: eqx.combine(params, fixed)(x),  # pyright: ignore[reportCallIssue]
        lambda params: eqx.combine(params, fixed),
    )


def _is_parameter(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array) and eqx.is_inexact_array(leaf)


def _from_functions(init: Callable[[Key], Any], apply: Apply, key: Key) -> FunctionalModel:
    return FunctionalModel(init(key), apply, lambda params: params)


def _for_one_point(model: FunctionalModel, size: int) -> Apply:
    """`model.apply` with input `(size,)` and output `(m,)`, whether it was written for one point or for a batch."""
    apply = model.apply
    try:
        shape = jax.eval_shape(apply, model.params, point_shape(model.params, (size,))).shape
        if len(shape) <= 1:
            return apply if shape else lambda params, x: apply(params, x)[None]
        reason = f"it returns shape {shape} for one point"
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error) else type(error).__name__
    try:
        shape = jax.eval_shape(apply, model.params, point_shape(model.params, (1, size))).shape
        if shape in ((1,), (1, *shape[1:2])):
            return lambda params, x: jnp.reshape(apply(params, x[None]), (-1,))
    except Exception:  # noqa: S110  the reason for a single point is reported
        pass
    raise InputError(f"the model does not accept points with {size} coordinate(s): {reason}")
