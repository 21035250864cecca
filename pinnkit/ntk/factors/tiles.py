"""A kernel tile by tile: the compiled pieces.

Points come in tiles. The factors of a tile are computed together, and inner products are formed between pairs of tiles;
of a symmetric kernel, the lower half. Each function is compiled once for every `Program` and shape, whichever model it
was traced from. All take `points` as the list of their arrays, the number of points a multiple of `tile`.
"""

import functools
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from ..._base.devices import has_accelerator, map_shards, shards, sum_shards
from ..._base.tracing.program import Program
from ..._base.types import Arrays
from . import algebra
from .factors import Factors, factors_at
from .plan import Plan, plan_of

TILE_SIDE, LARGE_TILE_SIDE = 128, 4096
"""Rows of the matrices that are multiplied for one pair of tiles: channels × points × outputs. With the first, a pair
stays in the cache of a processor; accelerators need large matrices."""


def tile_size(plan: Plan, points: int) -> int:
    """Points per tile: tiles have equal sizes, and few places of the last one are empty."""
    channels = max([sum(plan.width(leaf)) for leaf in plan.factored], default=1)
    side = LARGE_TILE_SIDE if has_accelerator() else TILE_SIDE
    tiles = math.ceil(points / max(1, side // (channels * plan.outputs)) / shards()) * shards()
    return math.ceil(points / tiles)


def filled(tile: int, points: int) -> int:
    """A number of points filled up to whole tiles, as many on each device."""
    return math.ceil(points / (tile * shards())) * tile * shards()


@functools.partial(jax.jit, static_argnames=("program", "tile"))
def stacked(program: Program, tile: int, constants: Arrays, leaves: Arrays, points: Arrays) -> Factors:
    """The factors of all points, with a leading axis for the tiles."""
    factors = lambda tiles, leaves: jax.lax.map(lambda part: factors_at(program, constants, leaves, part), tiles)
    return map_shards(factors, _tiles(points, tile), leaves)


@functools.partial(jax.jit, static_argnames=("program", "traced"))
def symmetric(program: Program, traced: bool, leaves: Arrays, stack: Factors) -> Float[Array, "k k"]:
    """The kernel of some points with themselves, exactly symmetric.

    Each tile is multiplied with itself and those up to half of the way around the circle of all tiles, so that devices
    have equal parts of half of the work; the transpose adds the other half.
    """
    plan, count = plan_of(program, len(leaves)), _count(stack)
    take = _taking(stack, traced)
    side = jax.eval_shape(lambda: algebra.gram(plan, take(0), plan, take(0))).shape[0]
    ahead = np.arange(count // 2 + 1)
    shares = np.ones(len(ahead))
    shares[0] = 0.5
    if count % 2 == 0 and count > 1:
        shares[-1] = 0.5  # the opposite tile meets this one as well

    def strips(own: tuple[Factors, Array], stack: Factors) -> Float[Array, "t s k"]:
        take_other = _taking(stack, traced)

        def strip(one: tuple[Factors, Array]) -> Float[Array, "s k"]:
            factors, i = one
            factors = algebra.traced(factors) if traced else factors

            def add(strip: Array, other: tuple[Array, Array]) -> tuple[Array, None]:
                j, share = (i + other[0]) % count, other[1]
                block = share * algebra.gram(plan, factors, plan, take_other(j))
                return jax.lax.dynamic_update_slice(strip, block, (0, j * side)), None

            zero = jnp.zeros((side, count * side), leaves[0].dtype)
            return jax.lax.scan(add, zero, (jnp.asarray(ahead), jnp.asarray(shares, leaves[0].dtype)))[0]

        return jax.lax.map(strip, own)

    half = map_shards(strips, (stack, jnp.arange(count)), stack).reshape(count * side, -1)
    return half + half.T


@functools.partial(jax.jit, static_argnames=("program", "other", "traced"))
def cross(
    program: Program, other: Program, traced: bool, leaves: Arrays, stack: Factors, other_stack: Factors
) -> Float[Array, "k l"]:
    """The kernel between two sets of points, of one function or of two."""
    plan, other_plan = plan_of(program, len(leaves)), plan_of(other, len(leaves))

    def blocks(stack: Factors, other_stack: Factors) -> Float[Array, "t u r c"]:
        take, take_other = _taking(stack, traced), _taking(other_stack, traced)
        return jax.lax.map(
            lambda i: jax.lax.map(
                lambda j: algebra.gram(plan, take(i), other_plan, take_other(j)), np.arange(_count(other_stack))
            ),
            np.arange(_count(stack)),
        )

    found = map_shards(blocks, stack, other_stack)
    tiles, others, rows, columns = found.shape
    return found.swapaxes(1, 2).reshape(tiles * rows, others * columns)


@functools.partial(jax.jit, static_argnames=("program", "tile"))
def diagonal(
    program: Program, tile: int, constants: Arrays, leaves: Arrays, points: Arrays
) -> tuple[Float[Array, "n m"], Float[Array, "n m"]]:
    """Squared lengths of the gradients, and the bounds for them that rounding errors grow with."""
    plan = plan_of(program, len(leaves))

    def norms(tiles: list[Array], leaves: Arrays) -> tuple[Array, Array]:
        def one(part: Arrays) -> tuple[Array, Array]:
            factors = factors_at(program, constants, leaves, part)
            return algebra.squared_norms(plan, factors), algebra.magnitudes(plan, factors)

        return jax.lax.map(one, tiles)

    found = map_shards(norms, _tiles(points, tile), leaves)
    return jax.tree.map(lambda value: value.reshape(-1, value.shape[-1]), found)


@functools.partial(jax.jit, static_argnames=("program",))
def rows(program: Program, leaves: Arrays, stack: Factors) -> Float[Array, "k p"]:
    """The Jacobian."""
    plan = plan_of(program, len(leaves))
    found = map_shards(lambda stack: jax.lax.map(lambda factors: algebra.jacobian(plan, factors), stack), stack)
    return found.reshape(-1, found.shape[-1])


@functools.partial(jax.jit, static_argnames=("program",))
def push(
    program: Program, leaves: Arrays, stack: Factors, tangents: Sequence[Float[Array, "k ..."]]
) -> Float[Array, "n m k"]:
    """J v for `k` tangents."""
    plan = plan_of(program, len(leaves))
    pushed = lambda stack, tangents: jax.lax.map(lambda factors: algebra.push(plan, factors, tangents), stack)
    found = map_shards(pushed, stack, tangents)
    return found.reshape(-1, *found.shape[2:])


@functools.partial(jax.jit, static_argnames=("program",))
def pull(
    program: Program, leaves: Arrays, stack: Factors, vectors: Float[Array, "n m k"]
) -> list[Float[Array, "k ..."]]:
    """Jᵀ a for `k` vectors."""
    plan = plan_of(program, len(leaves))

    def pulled(own: tuple[Factors, Array], _: Array) -> list[Array]:
        def add(total: list[Array], part: tuple[Factors, Array]) -> tuple[list[Array], None]:
            return [a + b for a, b in zip(total, algebra.pull(plan, *part), strict=True)], None

        start = [jnp.zeros((vectors.shape[-1], *leaf.shape), leaf.dtype) for leaf in leaves]
        return jax.lax.scan(add, start, own)[0]

    return sum_shards(pulled, (stack, vectors.reshape(_count(stack), -1, *vectors.shape[1:])))


def _tiles(points: Arrays, tile: int) -> list[Array]:
    return [jnp.reshape(leaf, (-1, tile, *leaf.shape[1:])) for leaf in points]


def _count(stack: Factors) -> int:
    return jax.tree.leaves(stack)[0].shape[0]


def _taking(stack: Factors, traced: bool) -> Any:
    """The factors of one tile, by its number."""

    def take(i: Any) -> Factors:
        factors = jax.tree.map(lambda value: jax.lax.dynamic_index_in_dim(value, i, keepdims=False), stack)
        return algebra.traced(factors) if traced else factors

    return take
