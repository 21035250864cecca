"""Preconditioned conjugate gradients."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..types import Scalar

Product = Callable[[Float[Array, "m k"]], Float[Array, "m k"]]


class Solved(NamedTuple):
    """The solution, and how many iterations it took."""

    value: Float[Array, " m"]
    iterations: Array


def conjugate_gradients(
    product: Callable[[Array], Array],
    b: Float[Array, " m"],
    precondition: Callable[[Array], Array],
    tolerance: Scalar | float,
    iterations: int,
) -> Solved:
    r"""Preconditioned conjugate gradients from zero until $\|b - A x\| \le$ `tolerance` $\|b\|$."""
    bound = tolerance * jnp.linalg.norm(b)
    z = precondition(b)

    def unfinished(carry: tuple[Array, ...]) -> Array:
        _, r, _, _, count = carry
        return (jnp.linalg.norm(r) > bound) & (count < iterations)

    def iterate(carry: tuple[Array, ...]) -> tuple[Array, ...]:
        x, r, d, rz, count = carry
        Ad = product(d)
        step = rz / jnp.vdot(d, Ad)
        r = r - step * Ad
        z = precondition(r)
        following = jnp.vdot(r, z)
        return x + step * d, r, z + following / rz * d, following, count + 1

    start = jnp.zeros_like(b), b, z, jnp.vdot(b, z), jnp.asarray(0)
    x, _, _, _, count = jax.lax.while_loop(unfinished, iterate, start)
    return Solved(x, count)
