r"""The gradient of a residual by the weights, in factors: what a tangent kernel is built from without a Jacobian.

A weight $W$ enters a network through products $z_c = W h_c$, one for each derivative channel $c$ of each layer that
uses it. So the gradient of a residual $f$ at one point is a sum of outer products,

$$\frac{\partial f}{\partial W} = \sum_c d_c \otimes h_c, \qquad d_c = \frac{\partial f}{\partial z_c},$$

and the inner product of two such gradients needs no gradient: $\sum_{c c'} (h_c \cdot h'_{c'}) (d_c \cdot d'_{c'})$.
`factorise` finds those products in the traced function, whichever library wrote the network, and gives $h$ and $d$ for
every point. Channels whose $d$ (or $h$) are proportional, such as those of $u_{xx}$ and $u_{yy}$ in a Laplacian or of
$u_t$ and $u_{xx}$ in a diffusion equation, are merged: see `number_values`.

Leaves outside such products (biases, coefficients, a weight inside a convolution, a `scan` or a norm) are
differentiated directly: the rows of its Jacobian, for that leaf only.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..._base.tracing.program import Program, trace
from ..._base.tracing.value_numbering import evaluate_once
from ..._base.types import Arrays, Params
from .plan import Plan, PointFunction, gradients_of, plan_of


class Factors(NamedTuple):
    r"""Gradients of `m` residuals at `n` points, leaf by leaf; a leaf is in `rows` or in `left` and `right`.

    - `rows`: by number of the leaf, shape `(n, m, size)`;
    - `left`: $h$, of shape `(c, n, a)`; `right`: $d$, of shape `(c, n, m, b)`; the leaf is a matrix of shape `(a, b)`.
    """

    rows: dict[int, Any]
    left: dict[int, Any]
    right: dict[int, Any]


class Factorisation(NamedTuple):
    """A traced function of parameters and one point, and the arrays it closes over."""

    program: Program
    constants: list[Any]
    plan: Plan


def factorise(function: PointFunction, params: Params, points: Any) -> Factorisation:
    """Trace `function(params, point)`, of shape `(m,)`, and plan its gradient; nothing is computed."""
    shaped = lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype)
    point = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), points)
    program, constants = trace(function, jax.tree.map(shaped, params), point)
    return Factorisation(program, constants, plan_of(program, len(jax.tree.leaves(params))))


def factors_at(program: Program, constants: Arrays, leaves: Arrays, points: Arrays) -> Factors:
    """The factors at some points, all at once, in the dtype of the parameters.

    `leaves` are those of the parameters, `points` those of the points, whose leading axis counts them.
    """
    plan = plan_of(program, len(leaves))
    axes = Factors(dict.fromkeys(plan.in_rows, 0), dict.fromkeys(plan.factored, 1), dict.fromkeys(plan.factored, 1))
    one = lambda point: _at_point(program, plan, constants, leaves, point)
    return jax.vmap(one, out_axes=axes)(list(points))


# From one point's trace to its factors.


def _at_point(program: Program, plan: Plan, constants: Arrays, leaves: Arrays, point: Arrays) -> Factors:
    closed = gradients_of(program, len(leaves), plan.products)
    results = evaluate_once(closed.jaxpr, [*closed.consts, *constants, *leaves, *point])
    results = [value.astype(leaves[0].dtype) for value in results]
    count = len(plan.products)
    data, cotangents, rest = results[:count], results[count : 2 * count], results[2 * count :]
    m = plan.outputs
    direct = [leaf for leaf in range(len(leaves)) if leaf not in plan.channels]
    rows = {leaf: value.reshape(m, -1) for leaf, value in zip(direct, rest, strict=True)}
    left, right = {}, {}
    for leaf, channels in plan.channels.items():
        if not channels:
            rows[leaf] = jnp.zeros((m, math.prod(plan.shapes[leaf])), data[0].dtype)
            continue
        h = jnp.concatenate([_combine(terms.left, data) for terms in channels])
        d = jnp.concatenate([_combine(terms.right, cotangents) for terms in channels], axis=1)
        if leaf in plan.expanded:
            rows[leaf] = expand(plan, leaf, h[:, None], jnp.swapaxes(d, 0, 1)[:, None])[0]
        else:
            left[leaf], right[leaf] = h, jnp.swapaxes(d, 0, 1)
    return Factors(rows, left, right)


def expand(
    plan: Plan, leaf: int, left: Float[Array, "c n a"], right: Float[Array, "c n m b"]
) -> Float[Array, "n m size"]:
    """The rows of the Jacobian that belong to a factored leaf."""
    matrices = jnp.einsum("cna,cnmb->nmab", left, right, precision="highest")
    return as_leaf(plan, leaf, matrices).reshape(*matrices.shape[:2], -1)


def as_matrix(plan: Plan, leaf: int, value: Float[Array, "..."]) -> Float[Array, "a b"]:
    """A leaf, or its tangent, as the matrix that its factors speak of."""
    contracted = plan.contracted(leaf)
    free = [axis for axis in range(value.ndim) if axis not in contracted]
    return jnp.transpose(value, (*contracted, *free)).reshape(plan.sides(leaf))


def as_leaf(plan: Plan, leaf: int, matrices: Float[Array, "... a b"]) -> Array:
    """The inverse of `as_matrix` on the last two axes."""
    shape, contracted = plan.shapes[leaf], plan.contracted(leaf)
    order = (*contracted, *(axis for axis in range(len(shape)) if axis not in contracted))
    leading = matrices.ndim - 2
    split = matrices.reshape(*matrices.shape[:leading], *(shape[axis] for axis in order))
    inverse = np.argsort(order)
    return jnp.transpose(split, (*range(leading), *(leading + inverse)))


def _combine(terms: Sequence[tuple[int, float]], values: Sequence[Array]) -> Array:
    total = None
    for index, coefficient in terms:
        term = values[index] if coefficient == 1 else coefficient * values[index]
        total = term if total is None else total + term
    assert total is not None  # noqa: S101  a channel has at least one product
    return total
