"""Which results of a traced function are seen to be equal or proportional."""

import jax
import jax.numpy as jnp
import pytest

from pinnkit._base.tracing.program import trace
from pinnkit._base.tracing.value_numbering import number_values


def values_of(function, *arguments):
    return number_values(jax.make_jaxpr(function)(*arguments).jaxpr)


@pytest.fixture
def x():
    return jnp.arange(1.0, 4.0)


def test_equal_results_have_one_number(x):
    a, b, c = values_of(lambda x: (jnp.sin(x) * x, x * jnp.sin(x), jnp.cos(x) * x), x)
    assert a == b and a.number != c.number


@pytest.mark.parametrize(
    ("function", "factor"),
    [
        (lambda x, W: W @ (-4.0 * x), -4.0),
        (lambda x, W: -(W @ x) / 2, -0.5),
        (lambda x, W: (3.0 * W) @ (2.0 * x), 6.0),
        (lambda x, W: W @ x + W @ x, 2.0),
        (lambda x, W: W @ x - 3.0 * (W @ x), -2.0),
        (lambda x, W: jax.jit(lambda y: 5.0 * y)(W @ x), 5.0),
    ],
)
def test_factors_pass_through_linear_operations(function, factor, x):
    one, other = values_of(lambda x, W: (W @ x, function(x, W)), x, jnp.eye(3))
    assert other.number == one.number and other.factor == factor * one.factor


def test_factors_pass_through_changes_of_shape(x):
    one, other = values_of(lambda x: (x[:, None].T[:, 1:].sum(), (2.0 * x)[:, None].T[:, 1:].sum()), x)
    assert other.number == one.number and other.factor == 2 * one.factor


def test_sums_are_proportional_if_their_terms_are(x):
    a, b, c = values_of(lambda x, y: (x + 2 * y, -4 * y - 2 * x, x + 3 * y), x, x)
    assert a.number == b.number and b.factor == -2 * a.factor
    assert c.number != a.number


@pytest.mark.parametrize(
    "function",
    [
        lambda x: (jnp.sin(2 * x), 2 * jnp.sin(x)),
        lambda x: (x * x, x),
        lambda x: (x / 0.0, 0.0 * x),
        lambda x: (x + 1, x),
        lambda x: (jnp.where(x > 0, 2 * x, x), 2 * x),
        lambda x: (x[:2], x[1:]),
        lambda x: (jnp.sum(x), jnp.prod(x)),
        lambda x: (jax.lax.fori_loop(0, 3, lambda i, y: y + x, x), jax.lax.fori_loop(0, 3, lambda i, y: y * x, x)),
    ],
)
def test_what_is_not_proportional_is_not_taken_for_it(function, x):
    first, second = values_of(function, x)
    assert first.number != second.number


def test_zeros_are_known(x):
    zero, one = values_of(lambda x: (0.0 * x + jnp.zeros(3) * jnp.sin(x), x), x)
    assert zero.factor == 0 and one.factor == 1


def test_programs_are_equal_if_they_compute_the_same(x):
    def program(constant, literal, *, power=2):
        held = jnp.full(3, constant)
        return trace(lambda x: literal * jnp.sin(x) ** power + held, x)

    (a, (held_a,)), (b, (held_b,)) = program(1.0, 0.1), program(2.0, 0.1)
    assert a == b and hash(a) == hash(b) and held_a[0] != held_b[0]
    assert a != program(1.0, 0.1 + 1e-7)[0]
    assert a != program(1.0, 0.1, power=3)[0]
    assert a != trace(lambda x: x, x)[0] and a != "program"
