"""Affine functions are recognised from their trace, and nothing else is."""

import jax
import jax.numpy as jnp
import pytest

from pinnkit._base.tracing.degrees import AFFINE, CONSTANT, OTHER, degrees, is_affine

x = jnp.linspace(0.1, 0.9, 4)
A = jnp.arange(16.0).reshape(4, 4)

AFFINE_FUNCTIONS = {
    "product with data": lambda v: jnp.sin(x) * v - 3 * jnp.cos(x),
    "matrix": lambda v: A @ v + x,
    "division by data": lambda v: v / (1 + x),
    "choice by data": lambda v: jnp.where(x > 0.5, v, 2 * v),
    "jit inside": lambda v: jax.jit(lambda w: 2 * w + 1)(v),
    "indexing": lambda v: v[1] - v[::-1].sum() + jnp.concatenate([v, x])[jnp.array([0, 5])].sum(),
    "mean": lambda v: jnp.mean(v) + jnp.stack([v, v]).reshape(-1),
    "constant": lambda v: x,
}
OTHER_FUNCTIONS = {
    "square": lambda v: v**2,
    "product of two": lambda v: v * v[::-1],
    "sine": jnp.sin,
    "division by it": lambda v: 1 / (2 + v),
    "choice by it": lambda v: jnp.where(v > 0, v, 0.0),
    "relu": jax.nn.relu,
    "norm": lambda v: jnp.linalg.norm(v),
    "held fixed": lambda v: jax.lax.stop_gradient(v),
    "cast to whole numbers": lambda v: v.astype(int) * 1.0,
    "cast to truth values": lambda v: v.astype(bool) * 1.0,
    "loop": lambda v: jax.lax.fori_loop(0, 2, lambda _, w: w * 2.0, v),
}


@pytest.mark.parametrize("name", AFFINE_FUNCTIONS)
def test_affine_functions_are_recognised(name):
    assert is_affine(AFFINE_FUNCTIONS[name], x)


@pytest.mark.parametrize("name", OTHER_FUNCTIONS)
def test_what_is_not_provably_affine_is_not_called_so(name):
    assert not is_affine(OTHER_FUNCTIONS[name], x)


def test_degrees_are_told_output_by_output():
    function = lambda tree: (tree["a"] * 2, tree["a"] * tree["b"], x)
    assert degrees(function, {"a": x, "b": x}) == [AFFINE, OTHER, CONSTANT]


def test_functions_may_be_affine_whatever_other_arguments_are():
    assert is_affine(lambda v, y: jnp.where(y > 0.5, v, 2 * v) * jnp.sin(y), x, 0.3)
    assert not is_affine(lambda v, y: jnp.where(y > 0.5, v, v**2), x, 0.3)
