r"""The gradient of a residual by the weights, in factors: what a tangent kernel is built from without a Jacobian.

A weight $W$ enters a network through products $z_c = W h_c$, one for each derivative channel $c$ of each layer that
uses it. So the gradient of a residual $f$ at one point is a sum of outer products,

$$\frac{\partial f}{\partial W} = \sum_c d_c \otimes h_c, \qquad d_c = \frac{\partial f}{\partial z_c},$$

and the inner product of two such gradients needs no gradient: $\sum_{c c'} (h_c \cdot h'_{c'}) (d_c \cdot d'_{c'})$.
`factorise` finds those products in the traced function, whichever library wrote the network, and gives $h$ and $d$ for
every point. Channels whose $d$ (or $h$) are proportional, such as those of $u_{xx}$ and $u_{yy}$ in a Laplacian or of
$u_t$ and $u_{xx}$ in a diffusion equation, are merged: see `number_values`.

What is no such product (biases, coefficients, a weight inside a convolution, a `scan` or a norm) is differentiated as
it stands: the rows of its Jacobian, for that leaf only.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._jaxpr import Program, trace
from .._numbering import Value, evaluate_once, number_values
from .._types import Arrays, Params
from .tape import Product, Tape

PointFunction = Callable[[Params, Any], Float[Array, " m"]]


class Factors(NamedTuple):
    r"""Gradients of `m` residuals at `n` points, leaf by leaf; a leaf is in `rows` or in `left` and `right`.

    - `rows`: by number of the leaf, shape `(n, m, size)`;
    - `left`: $h$, of shape `(c, n, a)`; `right`: $d$, of shape `(c, n, m, b)`; the leaf is a matrix of shape `(a, b)`.
    """

    rows: dict[int, Any]
    left: dict[int, Any]
    right: dict[int, Any]


class Terms(NamedTuple):
    """A channel after merging: its factors are sums of those of some products, with constant coefficients."""

    left: tuple[tuple[int, float], ...]
    right: tuple[tuple[int, float], ...]


class Plan(NamedTuple):
    """How the gradient of one traced function is put together.

    - `outputs`: number of residuals `m`;
    - `shapes`: of the leaves of the parameters;
    - `products`: all uses of weights in products; `channels`: for each factored leaf, what is left of them;
    - `expanded`: factored leaves whose rows are cheaper to multiply than their factors.
    """

    outputs: int
    shapes: tuple[tuple[int, ...], ...]
    products: tuple[Product, ...]
    channels: dict[int, tuple[Terms, ...]]
    expanded: frozenset[int]

    @property
    def factored(self) -> tuple[int, ...]:
        """Leaves that stay in factors."""
        return tuple(leaf for leaf in self.channels if leaf not in self.expanded)

    @property
    def in_rows(self) -> tuple[int, ...]:
        """Leaves that are kept as rows of the Jacobian."""
        return tuple(leaf for leaf in range(len(self.shapes)) if leaf not in self.factored)

    def contracted(self, leaf: int) -> tuple[int, ...]:
        return next(product.contracted for product in self.products if product.leaf == leaf)

    def sides(self, leaf: int) -> tuple[int, int]:
        """`(a, b)`: the two sizes of a factored leaf as a matrix."""
        return _sides(self.shapes[leaf], self.contracted(leaf))

    def entries(self, leaf: int) -> int:
        """Numbers kept for one point."""
        if leaf not in self.factored:
            return self.outputs * math.prod(self.shapes[leaf])
        c, (a, b) = sum(self.width(leaf)), self.sides(leaf)
        return c * (a + self.outputs * b)

    def width(self, leaf: int) -> tuple[int, ...]:
        """Data vectors in each channel of a leaf: one, or one for each token of a sequence."""
        return tuple(self._vectors(self.products[terms.left[0][0]]) for terms in self.channels[leaf])

    def _vectors(self, product: Product) -> int:
        _, b = _sides(self.shapes[product.leaf], product.contracted)
        return math.prod(product.shape) // b

    @property
    def entries_per_point(self) -> int:
        """Numbers kept for one point in all."""
        return sum(self.entries(leaf) for leaf in range(len(self.shapes)))

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of the inner products of all residuals at a point with all at another."""
        m, total = self.outputs, 0
        for leaf, shape in enumerate(self.shapes):
            rows = m**2 * math.prod(shape)
            total += rows if leaf not in self.factored else _factored_cost(sum(self.width(leaf)), self.sides(leaf), m)
        return total


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


@functools.lru_cache(maxsize=256)
def plan_of(program: Program, leaf_count: int) -> Plan:
    """The plan for a program whose first `leaf_count` arguments are the leaves of the parameters."""
    leaves, point = _arguments(program, leaf_count)
    constants = [_struct(var.aval) for var in program.jaxpr.constvars]
    products = _find_products(program, constants, leaves, point)
    (output,) = program.jaxpr.outvars
    plan = Plan(output.aval.shape[0], tuple(leaf.shape for leaf in leaves), products, {}, frozenset())
    if not products:
        return plan
    values = number_values(_gradients_of(program, leaf_count, products).jaxpr)
    data, cotangents = values[: len(products)], values[len(products) : 2 * len(products)]
    channels = {}
    for leaf in sorted({product.leaf for product in products}):
        uses = [i for i, product in enumerate(products) if product.leaf == leaf]
        channels[leaf] = _merge(uses, products, data, cotangents)
    plan = plan._replace(channels={leaf: terms for leaf, terms in channels.items()})
    expanded = {leaf for leaf in channels if not channels[leaf] or _rows_are_cheaper(plan, leaf)}
    return plan._replace(expanded=frozenset(expanded))


@functools.lru_cache(maxsize=256)
def _gradients_of(program: Program, leaf_count: int, products: tuple[Product, ...]) -> Any:
    """`_product_gradients` traced: a closed jaxpr from constants, leaves and one point."""
    leaves, point = _arguments(program, leaf_count)
    constants = [_struct(var.aval) for var in program.jaxpr.constvars]
    return jax.make_jaxpr(functools.partial(_product_gradients, program, products))(constants, leaves, point)


def _rows_are_cheaper(plan: Plan, leaf: int) -> bool:
    a, b = plan.sides(leaf)
    return plan.outputs**2 * a * b <= _factored_cost(sum(plan.width(leaf)), (a, b), plan.outputs)


def _factored_cost(channels: int, sides: tuple[int, int], outputs: int) -> int:
    a, b = sides
    return channels**2 * (a + outputs**2 * (b + 1))


def _merge(
    uses: Sequence[int], products: Sequence[Product], left: list[Value], right: list[Value]
) -> tuple[Terms, ...]:
    """The channels of one leaf: products with proportional factors on one side become one."""
    live = [i for i in uses if left[i].factor and right[i].factor]
    groups: dict[Any, list[int]] = {}
    for i in live:
        groups.setdefault((products[i].shape, right[i].number), []).append(i)
    merged, alone = [], []
    for members in groups.values():
        if len(members) == 1:
            alone += members
            continue
        first = members[0]
        scales = tuple((i, right[i].factor / right[first].factor) for i in members)
        merged.append(Terms(scales, ((first, 1.0),)))
    groups = {}
    for i in alone:
        groups.setdefault((products[i].shape, left[i].number), []).append(i)
    for members in groups.values():
        first = members[0]
        scales = tuple((i, left[i].factor / left[first].factor) for i in members)
        merged.append(Terms(((first, 1.0),), scales))
    return tuple(merged)


# From one point's trace to its factors.


def _at_point(program: Program, plan: Plan, constants: Arrays, leaves: Arrays, point: Arrays) -> Factors:
    closed = _gradients_of(program, len(leaves), plan.products)
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


def _product_gradients(
    program: Program,
    products: Sequence[Product],
    constants: Arrays,
    leaves: Arrays,
    point: Arrays,
) -> list[Array]:
    """Data vectors `(c, a)` and cotangents `(m, c, b)` of all products, then the rows of the other leaves."""
    factored = {product.leaf for product in products}
    direct = [leaf for leaf in range(len(leaves)) if leaf not in factored]

    def run(shifts: list[Array], others: list[Array]) -> tuple[Array, list[Array]]:
        values = list(leaves)
        for leaf, value in zip(direct, others, strict=True):
            values[leaf] = value
        tape = Tape(factored, shifts)
        return tape.run(program, constants, values, point), tape.data

    shifts = [jnp.zeros(product.shape, product.dtype) for product in products]
    output, pullback, data = jax.vjp(run, shifts, [leaves[leaf] for leaf in direct], has_aux=True)
    cotangents, rows = jax.vmap(pullback)(jnp.eye(output.size, dtype=output.dtype))
    return [*data, *cotangents, *rows]


def _find_products(
    program: Program, constants: Sequence[Any], leaves: Sequence[Any], point: Sequence[Any]
) -> tuple[Product, ...]:
    """The products of every leaf that is used in products alone, each time in the same orientation."""
    tape = Tape({i for i, leaf in enumerate(leaves) if len(leaf.shape) >= 2}, None)
    jax.eval_shape(lambda *arguments: tape.run(program, *arguments), constants, leaves, point)
    orientations: dict[int, set[tuple[int, ...]]] = {}
    for product in tape.products:
        orientations.setdefault(product.leaf, set()).add(product.contracted)
    good = {leaf for leaf, found in orientations.items() if len(found) == 1} - tape.otherwise
    return tuple(product for product in tape.products if product.leaf in good)


def _sides(shape: tuple[int, ...], contracted: Sequence[int]) -> tuple[int, int]:
    a = math.prod(shape[axis] for axis in contracted)
    return a, math.prod(shape) // a


def _arguments(program: Program, leaf_count: int) -> tuple[list[Any], list[Any]]:
    structs = [_struct(var.aval) for var in program.jaxpr.invars]
    return structs[:leaf_count], structs[leaf_count:]


def _struct(aval: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(aval.shape, aval.dtype)
