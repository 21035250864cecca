"""Power iteration for the largest eigenvalue of the kernel."""

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array

from .._base.types import Params, Scalar
from .rule import StepContext


def power_iteration(
    probe: Params, eigenvalue: Scalar, context: StepContext, tolerance: float = 0.02, products: int = 30
) -> tuple[Params, Scalar]:
    """The leading eigenvector of the kernel in the space of parameters, and its eigenvalue.

    - `probe`, `eigenvalue`: those of the last call, or a random tree and 0. One product is enough if the eigenvalue has
      not changed since;
    - `tolerance`: relative change of the eigenvalue in one product at which the iteration stops;
    - `products`: most products with $J^\\top J$.
    """

    def step(carry: tuple[Params, Scalar, Scalar, Array]) -> tuple[Params, Scalar, Scalar, Array]:
        probe, eigenvalue, _, count = carry
        unit = optax.tree_utils.tree_scale(1 / optax.tree_utils.tree_norm(probe), probe)
        pushed = context.push(unit)
        return context.pull(pushed), jnp.vdot(pushed, pushed), eigenvalue, count + 1

    def is_moving(carry: tuple[Params, Scalar, Scalar, Array]) -> Array:
        _, eigenvalue, before, count = carry
        return (count == 0) | ((count < products) & (jnp.abs(eigenvalue - before) > tolerance * eigenvalue))

    start = probe, eigenvalue, eigenvalue, jnp.asarray(0)
    probe, eigenvalue, _, _ = jax.lax.while_loop(is_moving, step, start)
    return probe, eigenvalue
