"""A model as parameters and a function of one point."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._base.types import Params

Apply = Callable[[Params, Float[Array, " d"]], Float[Array, " m"]]


class FunctionalModel(eqx.Module):
    """A model as data and function.

    - `params`: the trainable parameters, a tree of floating-point arrays;
    - `apply`: `apply(params, x)` maps one point of shape `(d,)` to an output of shape `(m,)`;
    - `merge`: `merge(params)` is a model of the user's own kind.

    Everything in a model that is not a parameter (running statistics of BatchNorm, keys of Dropout, NumPy arrays in
    equinox modules) is fixed inside `apply` and not differentiated.
    """

    params: Params
    apply: Apply = eqx.field(static=True)
    merge: Callable[[Params], Any] = eqx.field(static=True)

    @property
    def size(self) -> int:
        """Number of trainable parameters."""
        return parameter_count(self.params)


def output_size(model: FunctionalModel, size: int) -> int:
    """Number of outputs of `model` on points with `size` coordinates; nothing is computed."""
    return jax.eval_shape(model.apply, model.params, point_shape(model.params, (size,))).shape[0]


def parameter_count(params: Params) -> int:
    """Number of entries of all leaves."""
    return sum(leaf.size for leaf in jax.tree.leaves(params))


def cast(params: Params, dtype: Any) -> Params:
    """`params` with all leaves in `dtype`."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), params)


def point_shape(params: Params, shape: tuple[int, ...]) -> jax.ShapeDtypeStruct:
    """Points of this shape in the precision of the parameters, for abstract evaluation."""
    return jax.ShapeDtypeStruct(shape, jnp.result_type(*jax.tree.leaves(params)))
