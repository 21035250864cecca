"""Taylor propagation against nested forward mode, rule by rule."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pinnkit._base.tracing.series import downward_closure
from pinnkit._base.tracing.taylor import derivatives

pytestmark = pytest.mark.usefixtures("x64")

WANTED = [(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (3, 0), (2, 2), (0, 4)]

FUNCTIONS = {
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
    "silu": jax.nn.silu,
    "gelu": jax.nn.gelu,
    "softplus": jax.nn.softplus,
    "elu": jax.nn.elu,
    "sin": jnp.sin,
    "gaussian": lambda z: jnp.exp(-(z**2)),
    "square root": lambda z: jnp.sqrt(1 + z**2),
    "reciprocal square root": lambda z: jax.lax.rsqrt(1 + z**2),
    "quotient": lambda z: (1 + z) / (2 + jnp.cos(z)),
    "logarithm": lambda z: jnp.log(3 + z**3 / 10),
    "real power": lambda z: (2 + z**2) ** 0.3,
    "negative power": lambda z: (2 + z**2) ** -2,
    "power of two series": lambda z: (3 + z) ** z,
    "piecewise": lambda z: jnp.where(z > 0, z**3, z**2),
    "arctangent": jnp.arctan,
    "hyperbolic arcsine (no rule of its own)": jnp.arcsinh,
    "error function (no rule of its own)": jax.lax.erf,
    "cumulative sum (linear)": jnp.cumsum,
    "softmax": jax.nn.softmax,
    "normalisation": lambda z: z / jnp.linalg.norm(z),
    "stack and reduce": lambda z: jnp.stack([z, 2 * z**2]).sum(0),
    "loop": lambda z: jax.lax.scan(lambda c, a: (0.5 * c + a, c * a), z[0], z)[1],
    "checkpoint": jax.checkpoint(jnp.tanh),
}


def nested_forward_mode(function, x, index):
    for axis, order in enumerate(index):
        for _ in range(order):
            function = along(function, jnp.eye(len(x))[axis])
    return function(x)


def along(function, direction):
    return lambda x: jax.jvp(function, (x,), (direction,))[1]


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_agree_with_nested_forward_mode(name):
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(4, 2)), rng.normal(size=(3, 4)) / 2
    network = lambda x: second @ FUNCTIONS[name](first @ x + 0.1)
    x = jnp.array([0.3, 0.7])
    found = derivatives(network, x, WANTED)
    for index in WANTED:
        expected = nested_forward_mode(network, x, index)
        np.testing.assert_allclose(found[index], expected, rtol=1e-11, atol=1e-11 * (1 + abs(expected).max()))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=4))
def test_monomials_have_their_closed_form_derivatives(wanted):
    from math import perm

    a, b, x, y = 3, 4, 0.7, -1.2
    found = derivatives(lambda p: (p[0] ** a * p[1] ** b)[None], jnp.array([x, y]), wanted)
    for i, j in wanted:
        expected = perm(a, i) * x ** (a - i) * perm(b, j) * y ** (b - j)
        np.testing.assert_allclose(found[i, j][0], expected, rtol=1e-13)


def test_a_function_that_ignores_its_input_has_no_derivatives():
    found = derivatives(lambda x: jnp.ones(2), jnp.zeros(1), [(0,), (1,)])
    np.testing.assert_array_equal(found[1,], 0.0)


def test_channels_are_closed_downward_and_sorted_by_order():
    assert downward_closure([(2, 1)], 2) == ((0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1))


def test_relu_at_its_kink_has_the_derivative_that_jax_gives_it():
    found = derivatives(jax.nn.relu, jnp.zeros(1), [(1,)])
    np.testing.assert_array_equal(found[1,], jax.grad(jax.nn.relu)(0.0))


def test_laplacian_costs_no_more_than_its_channels():
    """Compiled work against five matrix products a layer (value, two slopes, two curvatures), forward and back."""
    width, points = 64, 256
    keys = jax.random.split(jax.random.key(0), 4)
    weights = [jax.random.normal(k, (width, width)) / 8 for k in keys[:3]]
    first, last = jax.random.normal(keys[3], (width, 2)), jnp.ones((1, width)) / width

    def network(weights, x):
        h = jnp.tanh(first @ x)
        for w in weights:
            h = jnp.tanh(w @ h)
        return last @ h

    def loss(weights, xs):
        def laplacian(x):
            found = derivatives(lambda x: network(weights, x), x, [(2, 0), (0, 2)])
            return found[2, 0] + found[0, 2]

        return jnp.mean(jax.vmap(laplacian)(xs) ** 2)

    xs = jax.random.uniform(keys[3], (points, 2))
    flops = jax.jit(jax.grad(loss)).lower(weights, xs).compile().cost_analysis()["flops"]
    channels = 3 * 5 * 2 * points * width**2 * len(weights)
    assert flops <= 1.25 * channels


def test_a_coordinate_varies_along_its_own_axis_only():
    function = lambda x: jnp.sin(x[0]) * x[1]
    traced = lambda index: str(jax.make_jaxpr(lambda x: derivatives(function, x, [index])[index])(jnp.ones(2)))
    assert "cos" in traced((1, 1)) and "cos" not in traced((0, 1))
