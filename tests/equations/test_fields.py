"""Equations written in fields, against derivatives taken by JAX of closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pinnkit._base.tracing.taylor import derivatives
from pinnkit.equations.calculus import div, grad, laplacian, partial
from pinnkit.equations.symbols import Frame, Symbol
from pinnkit.equations.trace import Equation

pytestmark = pytest.mark.usefixtures("x64")

FRAME = Frame(("x", "t"), ("x",), {"u": 1, "v": 2}, ("nu",), ("measured",), has_normal=True)
FIELDS = {
    "u": lambda p: jnp.sin(2 * p[0]) * jnp.exp(p[1] * p[0]),
    "v": lambda p: jnp.array([p[0] ** 3 * p[1], jnp.cos(p[0] * p[1])]),
}
X, T, NU = 0.3, 0.7, 0.1


def U(x, t):
    return FIELDS["u"](jnp.stack([jnp.asarray(x), jnp.asarray(t)]))


u_x, u_t = jax.grad(U, 0), jax.grad(U, 1)
u_xx, u_xt = jax.grad(u_x, 0), jax.grad(u_x, 1)


def evaluate(residual, *arguments):
    equation = Equation(residual, FRAME, arguments)
    point = jnp.array([X, T])
    values = {
        Symbol("coordinate", "x"): point[0],
        Symbol("coordinate", "t"): point[1],
        Symbol("coefficient", "nu"): jnp.asarray(NU),
        Symbol("normal", "normal"): jnp.array([0.6, 0.8]),
        Symbol("column", "measured"): jnp.asarray(5.0),
    }
    for name, wanted in equation.derivatives.items():
        found = derivatives(FIELDS[name], point, wanted)
        values |= {Symbol("field", name, index): found[index] for index in wanted}

    def field_value(symbol, point):
        at = lambda *c: derivatives(FIELDS[symbol.name], jnp.stack(c), [symbol.orders])[symbol.orders]
        size = "()" if FRAME.fields[symbol.name] == 1 else "(m)"
        return jnp.vectorize(at, signature="(),()->" + size)(*point)

    return equation(values, field_value)


def cases():
    return {
        "burgers": (
            lambda u, nu: u.t + u * u.x - nu * u.xx,
            u_t(X, T) + U(X, T) * u_x(X, T) - NU * u_xx(X, T),
        ),
        "mixed": (lambda u: u.xt - u.d("x", 2) + u.d("t", "x"), 2 * u_xt(X, T) - u_xx(X, T)),
        "derivative of a derivative": (lambda u: u.x.t, u_xt(X, T)),
        "jax.numpy functions": (
            lambda u, x: jnp.sin(u) + jnp.where(x > 0, u.x, 0.0),
            jnp.sin(U(X, T)) + u_x(X, T),
        ),
        "reflected operators": (lambda u: 2 - 1 / u + 2**u, 2 - 1 / U(X, T) + 2 ** U(X, T)),
        "normal derivative": (
            lambda u, normal: u.x * normal[0] + u.t * normal[1],
            0.6 * u_x(X, T) + 0.8 * u_t(X, T),
        ),
        "data": (lambda u, measured: u - measured, U(X, T) - 5.0),
        "list": (lambda u, v: [u, v], [U(X, T), X**3 * T, jnp.cos(X * T)]),
        "conservative flux": (
            lambda u, x, nu: partial(nu * jnp.exp(u) * u.x * x, "x"),
            jax.grad(lambda x: NU * jnp.exp(U(x, T)) * u_x(x, T) * x)(X),
        ),
        "second derivative of an expression": (
            lambda u, x: partial(partial(jnp.tanh(u) * u.x * x, "x"), "t"),
            jax.grad(jax.grad(lambda x, t: jnp.tanh(U(x, t)) * u_x(x, t) * x, 0), 1)(X, T),
        ),
        "derivative of a coordinate": (lambda x: partial(x**3, "x") + partial(x, "t"), 3 * X**2),
        "derivative of a constant": (lambda nu: partial(nu, "x") + partial(2.0, "x"), 0.0),
        "laplacian of an expression": (
            lambda u: laplacian(u**2, over=("x", "t")),
            jnp.trace(jax.hessian(lambda p: U(p[0], p[1]) ** 2)(jnp.array([X, T]))),
        ),
        "laplacian leaves out time": (lambda u: laplacian(u), u_xx(X, T)),
        "gradient": (lambda u: grad(u, over=("x", "t")), [u_x(X, T), u_t(X, T)]),
        "divergence": (lambda v: div(v, over=("x", "t")), 3 * X**2 * T - X * jnp.sin(X * T)),
        "divergence of an expression": (
            lambda u, v: div(u * v.value, over=("x", "t")),
            jnp.trace(jax.jacfwd(lambda p: U(p[0], p[1]) * FIELDS["v"](p))(jnp.array([X, T]))),
        ),
        "components": (lambda v: v[0].x + v[-1].t, 3 * X**2 * T - X * jnp.sin(X * T)),
        "elsewhere": (lambda u: u(x=0.0) - u(x=1.0).x, U(0.0, T) - u_x(1.0, T)),
        "derivative through elsewhere": (
            lambda u, x: partial(u(x=x**2) * u, "x"),
            jax.grad(lambda x: U(x**2, T) * U(x, T))(X),
        ),
        "field at the mirror image": (
            lambda u, x: partial(u(x=1 - x), "x"),
            jax.grad(lambda x: U(1 - x, T))(X),
        ),
        "derivative by name at the mirror image": (lambda u, x: u(x=1 - x).x, u_x(1 - X, T)),
        "derivative of that": (lambda u, x: partial(u(x=1 - x).x, "x"), -u_xx(1 - X, T)),
        "field at a fixed point": (lambda u: partial(u(x=0.5), "x") + partial(u(x=0.5), "t"), u_t(0.5, T)),
        "laplacian at a scaled point": (lambda u, x: laplacian(u(x=2 * x)), 4 * u_xx(2 * X, T)),
        "gradient at a moving point": (
            lambda u, x, t: grad(u(x=x * t, t=x), over=("x", "t")),
            jax.grad(lambda p: U(p[0] * p[1], p[0]))(jnp.array([X, T])),
        ),
        "divergence of a vector at swapped coordinates": (
            lambda v, x, t: div(v(x=t, t=x), over=("x", "t")),
            jnp.trace(jax.jacfwd(lambda p: FIELDS["v"](p[::-1]))(jnp.array([X, T]))),
        ),
        "mixed derivative elsewhere": (
            lambda u, x, t: partial(partial(u(x=x * t), "x"), "t"),
            jax.grad(jax.grad(lambda x, t: U(x * t, t), 0), 1)(X, T),
        ),
        "product with a field elsewhere": (
            lambda u, x: partial(u(x=1 - x) * u * x, "x", 2),
            jax.grad(jax.grad(lambda x: U(1 - x, T) * U(x, T) * x))(X),
        ),
        "sum over moving points": (
            lambda u, x: partial(jnp.sum(u(x=x * jnp.linspace(0, 1, 5)).value), "x"),
            jax.grad(lambda x: jnp.sum(jax.vmap(lambda s: U(s * x, T))(jnp.linspace(0, 1, 5))))(X),
        ),
        "point that depends on the field": (
            lambda u: partial(u(x=u), "x"),
            jax.grad(lambda x: U(U(x, T), T))(X),
        ),
        "point that depends on a coefficient": (
            lambda u, x, nu: partial(u(x=nu * x), "x"),
            jax.grad(lambda x: U(NU * x, T))(X),
        ),
        "field elsewhere of a field elsewhere": (
            lambda u, x: partial(u(x=u(x=1 - x)), "x"),
            jax.grad(lambda x: U(U(1 - x, T), T))(X),
        ),
        "mapped derivative": (
            lambda u, x: jnp.sum(jax.vmap(lambda s: partial(u(x=s * x), "x"))(jnp.linspace(0, 1, 5))),
            jax.grad(lambda x: jnp.sum(jax.vmap(lambda s: U(s * x, T))(jnp.linspace(0, 1, 5))))(X),
        ),
        "derivative by JAX along the point": (
            lambda u, v, x: [
                jax.grad(lambda s: u(x=s**2).value)(x),
                *jax.jacfwd(lambda s: v(x=jnp.sin(s)).value)(x),
            ],
            [
                jax.grad(lambda s: U(s**2, T))(X),
                *jax.jacfwd(lambda s: FIELDS["v"](jnp.stack([jnp.sin(s), T])))(X),
            ],
        ),
        "integral": (
            lambda u: jnp.sum(u(x=jnp.linspace(0, 1, 5)).value),
            jax.vmap(lambda s: U(s, T))(jnp.linspace(0, 1, 5)).sum(),
        ),
        "mapped": (
            lambda u: jnp.sum(jax.vmap(lambda s: u(x=s).x.value)(jnp.linspace(0, 1, 5))),
            jax.vmap(lambda s: u_x(s, T))(jnp.linspace(0, 1, 5)).sum(),
        ),
    }


with jax.enable_x64(True):
    CASES = cases()


@pytest.mark.parametrize("name", CASES)
def test_equation_agrees_with_closed_form(name):
    residual, expected = CASES[name]
    arguments = residual.__code__.co_varnames[: residual.__code__.co_argcount]
    np.testing.assert_allclose(evaluate(residual, *arguments), np.ravel(expected), rtol=1e-12, atol=1e-12)


@settings(max_examples=10, deadline=None)
@given(a=st.floats(-1, 1), b=st.floats(-2, 2), c=st.floats(-1, 1), n=st.integers(0, 2), m=st.integers(0, 2))
def test_derivatives_of_a_composition_obey_the_chain_rule(a, b, c, n, m):
    def times(function, axis, order):
        for _ in range(order):
            function = jax.grad(function, axis)
        return function

    def residual(u, v, x, t):
        expression = u(x=a + b * x + c * x * t) * v[0](t=b * t)
        expression = partial(expression, "x", n) if n else expression
        return partial(expression, "t", m) if m else expression

    with jax.enable_x64(True):
        composed = lambda x, t: U(a + b * x + c * x * t, t) * FIELDS["v"](jnp.stack([x, b * t]))[0]
        expected = times(times(composed, 0, n), 1, m)(X, T)
        np.testing.assert_allclose(evaluate(residual, "u", "v", "x", "t"), [expected], rtol=1e-11, atol=1e-11)


OPERATORS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "truediv": lambda a, b: a / b,
    "floordiv": lambda a, b: a // b,
    "mod": lambda a, b: a % b,
    "divmod": lambda a, b: sum(divmod(a, b)),
    "pow": lambda a, b: abs(a) ** b,
    "lt": lambda a, b: jnp.where(a < b, 1.0, 2.0),
    "ge": lambda a, b: jnp.where(a >= b, 1.0, 2.0),
}


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("other", [np.array([1.5, 2.0]), np.float64(1.5), np.float32(1.5), np.int64(2)], ids=repr)
def test_numpy_is_an_operand_on_both_sides(name, other):
    operation = OPERATORS[name]
    here = np.asarray(U(X, T))
    left, right = evaluate(lambda u: operation(other, u), "u"), evaluate(lambda u: operation(u, other), "u")
    np.testing.assert_allclose(left, np.ravel(operation(other, here)), rtol=1e-14)
    np.testing.assert_allclose(right, np.ravel(operation(here, other)), rtol=1e-14)


def test_numpy_matrices_multiply_vector_fields():
    matrix = np.array([[1.0, 2.0], [3.0, 4.0]])
    expected = matrix @ np.asarray(FIELDS["v"](jnp.array([X, T])))
    np.testing.assert_allclose(evaluate(lambda v: matrix @ v, "v"), expected, rtol=1e-14)


@pytest.mark.parametrize("terms", [500, 5000])
def test_a_long_sum_is_evaluated(terms):
    factors = np.random.default_rng(0).normal(size=terms)
    residual = lambda u, x: u.xx + sum(float(a) * jnp.sin(k * x) for k, a in enumerate(factors)) * u
    expected = u_xx(X, T) + np.sum(factors * np.sin(np.arange(terms) * X)) * U(X, T)
    np.testing.assert_allclose(evaluate(residual, "u", "x"), [expected], rtol=1e-11)


def test_a_long_sum_is_differentiated():
    residual = lambda u, x: partial(sum(u * jnp.sin(k * x) for k in range(500)), "x")
    expected = jax.grad(lambda x: U(x, T) * jnp.sum(jnp.sin(jnp.arange(500) * x)))(X)
    np.testing.assert_allclose(evaluate(residual, "u", "x"), [expected], rtol=1e-11)


def test_only_what_is_used_is_planned():
    equation = Equation(lambda u: (u.xx, u.t)[1], FRAME, ["u"])
    assert equation.derivatives == {"u": ((0, 1),), "v": ()}


def test_partial_plans_the_derivatives_it_needs():
    equation = Equation(lambda u: partial(u.value**2, "x"), FRAME, ["u"])
    assert equation.derivatives["u"] == ((0, 0), (1, 0))


REFUSED = {
    "unknown derivative": (lambda u: u.z, "no derivative 'z'.*'x', 't'"),
    "unknown coordinate": (lambda u: u.d("z"), "no derivative in 'z'"),
    "order before the name": (lambda u: u.d(2, "x"), "orders ≥ 1"),
    "evaluation at an unknown coordinate": (lambda u: u(z=1.0), "unknown coordinate.*'z'"),
    "partial by an unknown coordinate": (lambda u: partial(u * u, "z"), "unknown coordinate 'z'"),
    "component of a scalar": (lambda u: u[0], "no components"),
    "unnamed coordinate": (lambda u: u(0.5), r"as in `u\(x=0.5\)`"),
    "partial by a value": (lambda u, x: partial(u, x), "name of a coordinate"),
    "partial of order 0": (lambda u: partial(u, "x", 0), "whole number ≥ 1"),
    "fractional order": (lambda u: u.d("x", 1.5), "orders ≥ 1"),
    "laplacian over nothing": (lambda u: laplacian(u, over=()), "need a coordinate"),
    "component out of range": (lambda v: v[2], "components 0 to 1"),
    "divergence of the wrong length": (lambda v: div(v), "2 component"),
    "nothing returned": (lambda u: None, "returns NoneType"),
    "text returned": (lambda u: "u", "returns str"),
    "matrix returned": (lambda u: u * jnp.ones((2, 3)), r"shape \(2, 3\)"),
    "complex returned": (lambda u: 1j * u, "complex128"),
    "truth value": (lambda u: u if u else 0.0, "boolean conversion"),
    "inside a branch": (lambda u: jax.lax.cond(u.value > 0, lambda: u.x.value, lambda: 0.0), "inside `cond`"),
    "derivative of data": (lambda u, measured: partial(u * measured, "x"), "known at the points only"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_meant_is_refused(name):
    residual, message = REFUSED[name]
    arguments = residual.__code__.co_varnames[: residual.__code__.co_argcount]
    with pytest.raises((ValueError, TypeError, AttributeError, IndexError), match=message):
        Equation(residual, FRAME, arguments)


def test_ambiguous_names_are_refused():
    frame = Frame(("a", "aa"), ("a", "aa"), {"u": 1})
    with pytest.raises(AttributeError, match="can be read as"):
        Equation(lambda u: u.aaa, frame, ["u"])


def test_fields_exist_only_inside_equations():
    with pytest.raises(RuntimeError, match="only inside"):
        partial(1.0, "x")
