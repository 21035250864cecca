"""The largest eigenvalue by power iteration."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array

from ..types import Params, Scalar


def power_iteration(
    push: Callable[[Params], Array],
    pull: Callable[[Array], Params],
    probe: Params,
    eigenvalue: Scalar,
    tolerance: float = 0.02,
    iterations: int = 30,
) -> tuple[Params, Scalar]:
    r"""Leading eigenvector and eigenvalue of $J^\top J$, until the eigenvalue changes by less than `tolerance`.

    - `push`, `pull`: products with $J$ and $J^\top$, on trees of parameters;
    - `probe`, `eigenvalue`: first guesses, such as those of an earlier matrix; if the eigenvalue is the same, one
      iteration is enough.
    """

    def step(carry: tuple[Params, Scalar, Scalar, Array]) -> tuple[Params, Scalar, Scalar, Array]:
        probe, eigenvalue, _, count = carry
        unit = optax.tree_utils.tree_scale(1 / optax.tree_utils.tree_norm(probe), probe)
        pushed = push(unit)
        return pull(pushed), jnp.vdot(pushed, pushed), eigenvalue, count + 1

    def is_moving(carry: tuple[Params, Scalar, Scalar, Array]) -> Array:
        _, eigenvalue, before, count = carry
        return (count == 0) | ((count < iterations) & (jnp.abs(eigenvalue - before) > tolerance * eigenvalue))

    start = probe, eigenvalue, eigenvalue, jnp.asarray(0)
    probe, eigenvalue, _, _ = jax.lax.while_loop(is_moving, step, start)
    return probe, eigenvalue
