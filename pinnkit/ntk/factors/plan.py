"""How the gradient of a residual is computed in factors, planned once for each residual."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..._base.tracing.program import Program
from ..._base.tracing.value_numbering import Value, number_values
from ..._base.types import Arrays, Params
from .tape import Product, Tape

PointFunction = Callable[[Params, Any], Float[Array, " m"]]


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
    values = number_values(gradients_of(program, leaf_count, products).jaxpr)
    data, cotangents = values[: len(products)], values[len(products) : 2 * len(products)]
    channels = {}
    for leaf in sorted({product.leaf for product in products}):
        uses = [i for i, product in enumerate(products) if product.leaf == leaf]
        channels[leaf] = _merge(uses, products, data, cotangents)
    plan = plan._replace(channels={leaf: terms for leaf, terms in channels.items()})
    expanded = {leaf for leaf in channels if not channels[leaf] or _rows_are_cheaper(plan, leaf)}
    return plan._replace(expanded=frozenset(expanded))


@functools.lru_cache(maxsize=256)
def gradients_of(program: Program, leaf_count: int, products: tuple[Product, ...]) -> Any:
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
