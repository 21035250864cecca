"""What is wrong with a residual is said in one line, with the expression, what to write instead, and its place."""

import functools
import inspect
import math
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

import pinnkit
from pinnkit import Box, Condition, Problem, ProblemError, partial
from pinnkit._base.origin import is_of_library

PLANE = Box(x=(0.0, 1.0), t=(0.0, 1.0))


def message_of(residual):
    with pytest.raises(ProblemError) as caught:
        Problem(
            name="p", domain=PLANE, fields={"u": 1, "v": 2}, conditions={"pde": Condition(residual, on=PLANE.interior)}
        )
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix("condition 'pde' of problem 'p': ")


# Name: residual, what its expression is, and what to write instead.
NUMBERS = {
    "numpy function of a coordinate": (lambda x: np.sin(x), "np.sin(x)", "`jnp.sin(x)`"),
    "numpy function of a field": (lambda u: np.exp(u), "np.exp(u)", "`jnp.exp(u)`"),
    "numpy function of a product": (lambda u, x: np.cos(2 * x) * u, "np.cos(2 * x)", "`jnp.cos(2 * x)`"),
    "numpy reduction": (lambda v: np.sum(v), "np.sum(v)", "`jnp.sum(v)`"),
    "numpy mean": (lambda v: np.mean(v), "np.mean(v)", "`jnp.mean(v)`"),
    "numpy array of fields": (lambda u: np.array([u.x, u.t]), "np.array([u.x, u.t])", "`jnp.array([u.x, u.t])`"),
    "numpy where": (lambda u, x: np.where(x > 0, u, 0.0), "np.where(x > 0, u, 0.0)", "`jnp.where(x > 0, u, 0.0)`"),
    "math": (lambda x: math.exp(x), "math.exp(x)", "`jnp.exp(x)`"),
    "math of a field": (lambda u: math.exp(u), "math.exp(u)", "`jnp.exp(u)`"),
    "math under another name": (lambda u: math.fabs(u), "math.fabs(u)", "`jnp.abs(u)`"),
    "scipy": (lambda x: scipy.special.erf(x), "scipy.special.erf(x)", "`jax.scipy.special.erf(x)`"),
    "float of a coordinate": (lambda x: float(x), "float(x)", "`x` itself"),
    "float of a field": (lambda u: float(u), "float(u)", "`u` itself"),
    "max": (lambda u: max(u, 0.0), "max(u, 0.0)", "`jnp.maximum(u, 0.0)`"),
    "min": (lambda u, x: min(u, x), "min(u, x)", "`jnp.minimum(u, x)`"),
    "rounding": (lambda u: math.floor(u), "math.floor(u)", "`jnp.floor(u)`"),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_what_needs_numbers_says_what_to_write(name):
    residual, expression, instead = NUMBERS[name]
    line = inspect.getsourcelines(residual)[1]
    assert message_of(residual) == (
        f"`{expression}` needs numbers, but an equation is traced with symbols; write {instead} "
        f"(test_mistakes.py, line {line})"
    )


BRANCHES = {
    "if": (lambda u, x: u if x > 0.5 else 0.0, "x > 0.5"),
    "and": (lambda u, x: u if x > 0.5 and u > 0 else 0.0, "x > 0.5"),
    "a field as a condition": (lambda u: u.x if u else 0.0, "u"),
    "not": (lambda u, x: 1.0 if not x < 0.1 else u, "x < 0.1"),
}


@pytest.mark.parametrize("name", BRANCHES)
def test_a_branch_on_a_value_says_jnp_where(name):
    residual, condition = BRANCHES[name]
    message = message_of(residual)
    assert f"it branches on the value of `{condition}`; use `jnp.where({condition}, a, b)` instead of `if`" in message
    assert message.endswith(f"(test_mistakes.py, line {inspect.getsourcelines(residual)[1]})")


OTHERS = {
    "entry of a coordinate": (lambda x: x[0], r"`x\[0\]` takes an entry of a number: .*; write `x`"),
    "entry of a scalar field": (lambda u: u[0], "field 'u' is a number at each point"),
    "column of a product": (lambda u, x: (u * x)[:, 0], r"`\(u \* x\)\[:, 0\]` takes an entry .*; write `u \* x`"),
    "length of a coordinate": (lambda x: len(x), r"`len\(x\)` needs a vector and has a number"),
    "loop over a coordinate": (lambda x: [a for a in x], "needs a vector and has a number"),
    "derivative of a product": (lambda u: (u * u).x, r"write `partial\(u \* u, 'x'\)`"),
    "second derivative of a product": (lambda u: (u * u).tt, r"write `partial\(u \* u, 't', 2\)`"),
    "mixed derivative of a product": (lambda u: (u * u).xt, r"write `partial\(expression, 'x'\)`"),
    "derivative of a coordinate": (lambda x: x.y, "derivatives by name are those of fields"),
    "unknown derivative": (lambda u: u.y, "field 'u' has no derivative 'y'"),
    "coordinate elsewhere": (lambda x: x(0.5), "only fields are taken elsewhere"),
    "unnamed coordinate": (lambda u: u(0.5), r"names its coordinates, as in `u\(x=0.5\)`"),
    "function of arrays": (lambda u: jax.lax.sin(u), r"`jax.lax.sin\(u\)` takes arrays only; .* `u.value`"),
    "derivative by JAX of a derivative": (
        lambda u, x: jax.grad(lambda s: partial(s * u, "x"))(x),
        "differentiates a derivative with JAX",
    ),
    "missing key": (lambda u: {}["k"] * u, "KeyError: 'k'"),
    "division by zero": (lambda u: 1 / 0 * u, "ZeroDivisionError: division by zero"),
    "shapes": (lambda u, v: v.value + jnp.ones(3), "TypeError: add got incompatible shapes"),
    "no message": (lambda u: (_ for _ in ()).throw(RuntimeError()), "RuntimeError: no message"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_mistakes_say_what_they_are(name):
    residual, message = OTHERS[name]
    found = message_of(residual)
    assert re.search(message, found)
    assert "(test_mistakes.py, line " in found


def conductivity(x):
    return np.exp(
        -(x**2) / 2,
    )


def test_the_place_is_the_innermost_line_of_the_user():
    line = inspect.getsourcelines(conductivity)[1] + 1
    message = message_of(lambda u, x: partial(conductivity(x) * u.x, "x"))
    assert message.startswith("`np.exp(-x ** 2 / 2)` needs numbers")
    assert message.endswith(f"(test_mistakes.py, line {line})")


def test_a_residual_that_returns_the_wrong_thing_is_named_by_its_definition():
    def residual(u):
        return None

    line = inspect.getsourcelines(residual)[1]
    assert message_of(residual).endswith(f"a number (test_mistakes.py, line {line})")


def test_long_expressions_are_not_quoted():
    message = message_of(lambda x: np.sin(x + 1.0 + 2.0 + 3.0 + 4.0 + 5.0 + 6.0 + 7.0 + 8.0 + 9.0 + 10.0 + 11.0 + 12.0))
    assert message.startswith("the expression needs numbers") and "`jnp.sin(...)`" in message


@pytest.mark.parametrize(
    ("code", "message"),
    [("math.exp(x)", "it needs numbers.*`jax.numpy`"), ("x if x > 0 else 0", "it branches.*`jnp.where")],
)
def test_code_without_a_file_is_explained_too(code, message):
    names = {"math": math}
    exec(f"def residual(x):\n    return {code}", names)  # noqa: S102
    found = message_of(names["residual"])
    assert re.match(message, found) and found.endswith("(<string>, line 2)")


def test_a_callable_without_code_is_explained():
    message = message_of(functools.partial(lambda scale, u: scale / 0 * u, 2.0))
    assert message.startswith("ZeroDivisionError") and "test_mistakes.py" in message


def test_installed_packages_are_no_users():
    assert (
        is_of_library(jax.__file__) and is_of_library(inspect.__file__) and is_of_library(partial.__code__.co_filename)
    )
    assert not is_of_library(__file__)
    assert not is_of_library(f"{Path(pinnkit.__file__).parent}_problems/heat.py")
