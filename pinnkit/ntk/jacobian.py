"""Jacobian rows of traced functions, their norms and their Gram matrix, for use inside `jit`."""

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, Int

from .._base.devices import map_shards, sum_sets
from .._base.linalg.damped import lower_gram
from .._base.types import Params
from ..networks.functional import FunctionalModel
from .factors import algebra
from .factors import tiles as blocks
from .factors.factors import Factorisation, Factors, factorise, factors_at
from .factors.plan import PointFunction


def jacobian_rows(
    function: PointFunction, params: Params, points: Any, block_size: int | None = None, padded: bool = False
) -> Float[Array, "n m p"]:
    r"""$J_{i a k} = \partial f_a(\theta; x_i) / \partial \theta_k$, put together from the factors of the gradients.

    Pure JAX in the precision of its arguments, to be used inside `jit`.

    **Arguments:**

    - `function`: `function(params, point)` of shape `(m,)`;
    - `points`: a tree of arrays whose leading axis counts the points;
    - `block_size`: points whose rows are computed together, all of them by default. Blocks bound the memory of the
      intermediate values of `function`;
    - `padded`: rows of zeros at the end, so that all devices have as many (see `map_shards`).

    **Returns:** the Jacobian, its columns in the order of `jax.flatten_util.ravel_pytree(params)`.
    """
    factorisation = factorise(function, params, points)
    plan = factorisation.plan
    rows = lambda factors: algebra.jacobian(plan, factors).reshape(-1, plan.outputs, sum(map(math.prod, plan.shapes)))
    return _by_blocks(rows, factorisation, params, points, block_size, padded)


def squared_gradient_norms(
    function: PointFunction, params: Params, points: Any, block_size: int | None = 64
) -> Float[Array, " n"]:
    r"""Diagonal of the kernel, $K_{ii} = \sum_a \lVert \nabla_\theta f_a(\theta; x_i) \rVert^2$; the sum is the trace.

    Pure JAX, as `jacobian_rows`, but no row of the Jacobian is formed: norms come from the factors, those of
    `block_size` points at a time (None: of all).
    """
    factorisation = factorise(function, params, points)
    norms = lambda factors: algebra.squared_norms(factorisation.plan, factors).sum(axis=1)
    return _by_blocks(norms, factorisation, params, points, block_size)


class Rows(NamedTuple):
    """Scaled rows of a Jacobian, those of one function at its points.

    - `scales`: of the rows, shape `(n, m)`; `block_size`: points whose rows are in memory at a time.
    """

    function: PointFunction
    points: Any
    scales: Array
    block_size: int


def normal_matrix(parts: Mapping[str, Rows], params: Params) -> Float[Array, "p p"]:
    r"""$\sum_{i a} s_{i a}^2 J_{i a}^\top J_{i a}$ over the rows of all parts; only the lower triangle is valid.

    Pure JAX, as `jacobian_rows`, but only a block of rows is in memory at a time.
    """
    factorised = {name: factorise(part.function, params, part.points) for name, part in parts.items()}

    def total(sets: dict[str, Any], own: dict[str, Any], leaves: list[Any]) -> Array:
        of_one = lambda name: _normal_matrix(factorised[name], sets[name], own[name], leaves, parts[name].block_size)
        return functools.reduce(jnp.add, map(of_one, sets))

    sets = {name: (jax.tree.leaves(part.points), part.scales) for name, part in parts.items()}
    return sum_sets(total, sets, jax.tree.leaves(params))


def _normal_matrix(
    factorisation: Factorisation, rows: tuple[list[Any], Any], own: Any, leaves: list[Any], block_size: int
) -> Array:
    """That of one function at the points that count."""
    plan, (arrays, scales) = factorisation.plan, rows
    p = sum(map(math.prod, plan.shapes))
    size, order = _block_order(len(scales), block_size)
    counts = (np.arange(order.size) < len(scales)).reshape(order.shape)
    weighted = jnp.where((counts & own[order])[..., None], scales[order], 0.0)

    def add(total: Array, part: tuple[list[Array], Array]) -> tuple[Array, None]:
        arrays, scale = part
        rows = algebra.jacobian(plan, factors_at(factorisation.program, factorisation.constants, leaves, arrays))
        rows = scale.reshape(-1, 1) * rows.reshape(size * plan.outputs, p)
        return total + lower_gram(jax.lax.optimization_barrier(rows.T)), None

    zero = jnp.zeros((p, p), jnp.result_type(*leaves))
    return jax.lax.scan(add, zero, ([array[order] for array in arrays], weighted))[0]


def gram_matrix(parts: Sequence[tuple[PointFunction, Any]], params: Params) -> Float[Array, "k k"]:
    """Inner products of the gradients of several functions, each at its points: the kernel of the stacked rows.

    Pure JAX, as `jacobian_rows`, but no Jacobian is formed; exactly symmetric.

    - `parts`: pairs of `function(params, point)` of shape `(m,)` and its points.
    """
    leaves = jax.tree.leaves(params)
    factorised = [(factorise(function, params, points), points) for function, points in parts]
    stacks = [_stack(factorisation, leaves, points) for factorisation, points in factorised]
    sizes = [len(jax.tree.leaves(points)[0]) * factorisation.plan.outputs for factorisation, points in factorised]
    out: dict[tuple[int, int], Array] = {}
    for i, (first, _) in enumerate(factorised):
        out[i, i] = blocks.symmetric(first.program, False, leaves, stacks[i])[: sizes[i], : sizes[i]]
        for j, (second, _) in enumerate(factorised[:i]):
            block = blocks.cross(first.program, second.program, False, leaves, stacks[i], stacks[j])
            out[i, j] = block[: sizes[i], : sizes[j]]
            out[j, i] = out[i, j].T
    return jnp.block([[out[i, j] for j in range(len(parts))] for i in range(len(parts))])


def gram_multiply_adds(parts: Sequence[tuple[PointFunction, Any]], params: Params) -> float:
    """Multiply-adds of `gram_matrix` without its symmetry; between two parts the geometric mean of theirs is taken."""
    plans = [(factorise(function, params, points).plan, points) for function, points in parts]
    return sum(len(jax.tree.leaves(points)[0]) * math.sqrt(plan.multiply_adds) for plan, points in plans) ** 2


def factor_entries(parts: Sequence[tuple[PointFunction, Any]], params: Params) -> int:
    """Numbers in the factors of the gradients that `gram_matrix` multiplies."""
    plans = [(factorise(function, params, points).plan, points) for function, points in parts]
    return sum(len(jax.tree.leaves(points)[0]) * plan.entries_per_point for plan, points in plans)


def _by_blocks(
    figure: Callable[[Factors], Array],
    factorisation: Factorisation,
    params: Params,
    points: Any,
    block_size: int | None,
    padded: bool = False,
) -> Array:
    """What `figure` makes of the factors of each block of points, put together."""
    program, constants, _ = factorisation

    def rows(arrays: list[Any], leaves: list[Any]) -> Array:
        n = len(arrays[0])
        _, order = _block_order(n, block_size or n)
        found = jax.lax.map(
            lambda part: figure(factors_at(program, constants, leaves, part)), [array[order] for array in arrays]
        )
        return found.reshape(-1, *found.shape[2:])[:n]

    return map_shards(rows, jax.tree.leaves(points), jax.tree.leaves(params), padded=padded)


def _block_order(n: int, most: int) -> tuple[int, Int[np.ndarray, "blocks size"]]:
    """The size of a block of at most so many points, and the points of all blocks, filled up with the last point."""
    blocks = math.ceil(n / most)
    size = math.ceil(n / blocks)
    return size, np.arange(blocks * size).clip(max=n - 1).reshape(blocks, size)


def traced_ntk(functional: FunctionalModel, x1: Any, x2: Any | None) -> Float[Array, "n1 n2"]:
    factorisation = factorise(functional.apply, functional.params, x1)
    program, leaves = factorisation.program, jax.tree.leaves(functional.params)
    left = _stack(factorisation, leaves, x1)
    if x2 is None:
        return blocks.symmetric(program, True, leaves, left)[: len(x1), : len(x1)]
    return blocks.cross(program, program, True, leaves, left, _stack(factorisation, leaves, x2))[: len(x1), : len(x2)]


def _stack(factorisation: Factorisation, leaves: Sequence[Any], points: Any) -> Factors:
    """The factors at some points in tiles, filled up with the last point."""
    arrays = [jnp.asarray(array) for array in jax.tree.leaves(points)]
    n = len(arrays[0])
    tile = blocks.tile_size(factorisation.plan, n)
    order = np.arange(blocks.filled(tile, n)).clip(max=n - 1)
    return blocks.stacked(factorisation.program, tile, factorisation.constants, leaves, [a[order] for a in arrays])


def is_traced(*arguments: Any) -> bool:
    return any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(arguments))
