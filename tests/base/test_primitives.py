"""Every property in the table of primitives, against its definition on random arrays."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from pinnkit._base.tracing import primitives
from pinnkit._base.tracing.primitives import (
    ANALYTIC,
    BILINEAR,
    COPYING,
    JUMPING,
    LINEAR,
    LINEAR_IN_FIRST,
    MOVING,
    RESHAPING,
    SINGLE_POINTS,
)

pytestmark = pytest.mark.usefixtures("x64")

INDICES = jnp.array([2, 0, 1])

# By primitive: a function that consists of it alone, and the shapes of its operands.
EXAMPLES = {
    "reshape": (lambda a: lax.reshape(a, (4, 3)), [(3, 4)]),
    "squeeze": (lambda a: lax.squeeze(a, (1,)), [(3, 1)]),
    "broadcast_in_dim": (lambda a: lax.broadcast_in_dim(a, (2, 3), (1,)), [(3,)]),
    "copy": (jnp.copy, [(3,)]),
    "convert_element_type": (lambda a: lax.convert_element_type(a, jnp.complex128), [(3,)]),
    "transpose": (lambda a: lax.transpose(a, (1, 0)), [(3, 4)]),
    "rev": (lambda a: lax.rev(a, (0,)), [(3, 4)]),
    "slice": (lambda a: lax.slice(a, (1,), (5,), (2,)), [(6,)]),
    "split": (lambda a: lax.split(a, (2, 4)), [(6,)]),
    "concatenate": (lambda a, b: lax.concatenate((a, b), 0), [(3,), (2,)]),
    "stack": (lambda a, b: jnp.stack([a, b]), [(3,), (3,)]),
    "unstack": (lambda a: jnp.unstack(a), [(2, 3)]),
    "tile": (lambda a: jnp.tile(a, 2), [(3,)]),
    "pad": (lambda a, b: lax.pad(a, b, ((1, -1, 2),)), [(4,), ()]),
    "neg": (lax.neg, [(3,)]),
    "add": (lax.add, [(3,), (3,)]),
    "sub": (lax.sub, [(3,), (3,)]),
    "add_any": (lambda a, b: jax.interpreters.ad.add_jaxvals_p.bind(a, b), [(3,), (3,)]),
    "reduce_sum": (lambda a: lax.reduce_sum(a, (0,)), [(3, 4)]),
    "cumsum": (lambda a: lax.cumsum(a, reverse=True), [(5,)]),
    "real": (lax.real, [(3,)]),
    "imag": (lax.imag, [(3,)]),
    "mul": (lax.mul, [(3,), (3,)]),
    "dot_general": (lax.dot, [(3, 4), (4, 2)]),
    "conv_general_dilated": (lambda a, b: lax.conv(a, b, (1,), "SAME"), [(1, 2, 5), (3, 2, 2)]),
    "div": (lax.div, [(3,), (3,)]),
    "gather": (lambda a: a.at[INDICES].get(mode="promise_in_bounds"), [(4,)]),
    "dynamic_slice": (lambda a: lax.dynamic_slice(a, (jnp.asarray(1),), (2,)), [(4,)]),
    "integer_pow": (lambda a: lax.integer_pow(a, 3), [(3,)]),
    "pow": (lax.pow, [(3,), (3,)]),
    "square": (lax.square, [(3,)]),
    "atan2": (lax.atan2, [(3,), (3,)]),
    **{name: (getattr(lax, name), [(3,)]) for name in "exp exp2 expm1 log log1p logistic sqrt rsqrt cbrt".split()},
    **{name: (getattr(lax, name), [(3,)]) for name in "sin cos tan asin acos atan sinh cosh tanh asinh".split()},
    **{name: (getattr(lax, name), [(3,)]) for name in "atanh erf erfc erf_inv lgamma digamma".split()},
    "acosh": (lambda a: lax.acosh(a), [(3,)]),
}
COMPLEX = ("real", "imag")


def operands(name, seed=0, low=0.2, high=0.8):
    rng = np.random.default_rng(seed)
    arrays = [rng.uniform(low, high, shape) for shape in EXAMPLES[name][1]]
    return [jnp.asarray(a + 1j * a[::-1] if name in COMPLEX else a) for a in arrays]


def results(name, arrays):
    return jax.tree.leaves(EXAMPLES[name][0](*arrays))


def combined(a, xs, b, ys):
    return [a * x + b * y for x, y in zip(xs, ys, strict=True)]


CROSSINGS = {
    "sign": lambda s: lax.sign(s),
    "floor": lambda s: lax.floor(s),
    "ceil": lambda s: lax.ceil(s),
    "round": lambda s: lax.round(s + 0.5),
    "rem": lambda s: lax.rem(s + 1.0, 1.0),
    "atan2": lambda s: lax.atan2(s, -1.0),
}
"""By primitive: a function of one number that jumps at zero."""


def assert_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_every_example_consists_of_its_primitive(name):
    names = {eqn.primitive.name for eqn in jax.make_jaxpr(EXAMPLES[name][0])(*operands(name)).jaxpr.eqns}
    assert name in names


def test_every_primitive_in_the_table_has_an_example():
    properties = [value for value in vars(primitives).values() if isinstance(value, frozenset)]
    assert len(properties) == 9
    assert frozenset().union(*properties) - set(CROSSINGS) - SINGLE_POINTS == set(EXAMPLES) - set(CROSSINGS)


@pytest.mark.parametrize("name", sorted(LINEAR))
def test_linear_operations_are_linear_in_all_operands_together(name):
    xs, ys = operands(name, 1), operands(name, 2)
    found = results(name, combined(2.0, xs, -3.0, ys))
    assert_same(found, combined(2.0, results(name, xs), -3.0, results(name, ys)))


@pytest.mark.parametrize("name", sorted(BILINEAR))
@pytest.mark.parametrize("place", range(2))
def test_bilinear_operations_are_linear_in_each_operand(name, place):
    xs, ys = operands(name, 1), operands(name, 2)
    ys[1 - place] = xs[1 - place]
    both = [xs[0], xs[1]]
    both[place] = 2.0 * xs[place] - 3.0 * ys[place]
    assert_same(results(name, both), combined(2.0, results(name, xs), -3.0, results(name, ys)))


@pytest.mark.parametrize("name", sorted(LINEAR_IN_FIRST))
def test_operations_are_linear_in_the_first_operand(name):
    xs, ys = operands(name, 1), operands(name, 2)
    ys[1:] = xs[1:]
    found = results(name, [2.0 * xs[0] - 3.0 * ys[0], *xs[1:]])
    assert_same(found, combined(2.0, results(name, xs), -3.0, results(name, ys)))


@pytest.mark.parametrize("name", sorted(MOVING))
def test_moving_operations_only_move_entries_and_do_not_look_at_them(name):
    """Applied to the numbers of entries it says where each entry of the result comes from, whatever the values are."""
    xs = operands(name)
    starts = np.cumsum([0, *(x.size for x in xs)])
    numbers = [jnp.arange(a, a + x.size, dtype=float).reshape(x.shape) for a, x in zip(starts, xs, strict=False)]
    entries = np.concatenate([np.ravel(x) for x in xs])
    for value, number in zip(results(name, xs), results(name, numbers), strict=True):
        np.testing.assert_array_equal(value, entries[np.asarray(number).astype(int)])


@pytest.mark.parametrize("name", sorted(RESHAPING))
def test_reshaping_operations_keep_the_order_of_entries(name):
    (x,), (result,) = operands(name), results(name, operands(name))
    np.testing.assert_array_equal(np.ravel(result), np.resize(np.ravel(x), result.size))


@pytest.mark.parametrize("name", sorted(COPYING))
def test_copies_are_equal(name):
    assert_same(results(name, operands(name)), operands(name))


SHIFTED = {"acosh": 1.5}
"""Where an operation is defined only elsewhere."""


@pytest.mark.parametrize("name", sorted(ANALYTIC - set(COMPLEX)))
def test_analytic_operations_converge_geometrically_under_interpolation(name):
    """The error of interpolation in Chebyshev points falls geometrically for analytic functions, by Bernstein."""
    shift = SHIFTED.get(name, 0.0)
    ends = [[x + shift for x in operands(name, seed)] for seed in (1, 2)]
    curve = lambda s: jnp.concatenate([jnp.ravel(r) for r in results(name, combined(1 - s, ends[0], s, ends[1]))])
    nodes = 0.5 * (1 - np.cos(np.pi * (np.arange(30) + 0.5) / 30))
    values = np.stack([np.asarray(curve(s)) for s in nodes])
    between = np.linspace(0.01, 0.99, 57)
    for column in range(values.shape[1]):
        found = np.polynomial.Chebyshev.fit(nodes, values[:, column], 29, domain=[0, 1])
        expected = np.array([float(curve(s)[column]) for s in between])
        np.testing.assert_allclose(found(between), expected, rtol=1e-11, atol=1e-11 * np.abs(expected).max())


@pytest.mark.parametrize("name", sorted(JUMPING))
def test_jumping_operations_have_a_jump_between_finite_values(name):
    sides = [float(CROSSINGS[name](jnp.asarray(side * 1e-12))) for side in (-1, 1)]
    assert np.isfinite(sides).all() and abs(sides[1] - sides[0]) > 0.5
