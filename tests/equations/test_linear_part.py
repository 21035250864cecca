"""Equations split into linear operators and the rest, against derivatives taken one by one by JAX."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from pinnkit import MLP, Box, Condition, Problem, Unknown
from pinnkit._base.tracing.series import downward_closure
from pinnkit._base.tracing.taylor import derivatives
from pinnkit.equations.calculus import div, grad, laplacian, partial
from pinnkit.equations.linear_part import SplitEquation, laplacian_power
from pinnkit.equations.symbols import Frame, Symbol
from pinnkit.equations.trace import Equation
from pinnkit.networks.adapters import as_functional
from pinnkit.residuals.functions import ResidualFunctions

FRAME = Frame(("x", "y", "t"), ("x", "y"), {"u": 1, "v": 2}, ("nu",), ("a",), has_normal=True)
SLICES = {"u": 0, "v": slice(1, 3)}
POINT = (0.3, -0.4, 0.7)


def known():
    """What does not depend on fields."""
    return {
        **{Symbol("coordinate", name): jnp.asarray(x) for name, x in zip("xyt", POINT, strict=True)},
        Symbol("coefficient", "nu"): jnp.asarray(0.1),
        Symbol("column", "a"): jnp.asarray(2.5),
        Symbol("normal", "normal"): jnp.array([0.6, 0.8, 0.0]),
    }


def network(p):
    """Three fields of a small network, with operations that have no rule of their own."""
    rng = np.random.default_rng(0)
    W = [jnp.asarray(rng.normal(size=shape) / 2) for shape in ((5, 3), (5, 5), (3, 5))]
    h = jnp.tanh(W[0] @ p + 0.1)
    h = jnp.cumsum(h) / 3 + jnp.arctan(W[1] @ h) * h
    return W[2] @ jax.nn.silu(W[1] @ h)


def along(function, direction):
    return lambda p: jax.jvp(function, (p,), (direction,))[1]


def by_jax(index, p):
    function = network
    for axis, order in enumerate(index):
        for _ in range(order):
            function = along(function, jnp.eye(3)[axis])
    return function(p)


def field_value(symbol, point):
    at = lambda *coordinates: by_jax(symbol.orders, jnp.stack(coordinates))
    return jnp.vectorize(at, signature="(),(),()->(m)")(*point)[..., SLICES[symbol.name]]


def arguments_of(residual):
    return residual.__code__.co_varnames[: residual.__code__.co_argcount]


# Name: equation, channels as it is split, channels one by one.
EQUATIONS = {
    "laplacian": (lambda u, x: laplacian(u) - jnp.sin(x), 4, 5),
    "laplacian in three coordinates": (lambda u: laplacian(u, over="xyt"), 5, 7),
    "burgers": (lambda u, nu: u.t + u * u.x - nu * u.xx, 3, 4),
    "heat": (lambda u: u.t - 0.3 * (u.xx + u.yy), 4, 6),
    "wave": (lambda u, nu: u.tt - (u.xx + u.yy) / 4 + nu * u.t, 5, 7),
    "mixed derivatives": (lambda u: u.xx + u.xy + u.yy, 4, 6),
    "biharmonic": (lambda u: laplacian(laplacian(u)), 11, 13),
    "third order": (lambda u: u.t + u * u.x + 0.02 * u.xxx, 4, 5),
    "hidden fourth order": (lambda u: u.t + u * u.x + u.xx + u.xxxx, 5, 6),
    "variable coefficients": (lambda u, x, y: (1 + x**2) * u.xx + jnp.exp(y) * u.yy + x * y * u.x, 4, 5),
    "column as a coefficient": (lambda u, a: a * u.xx + u.yy, 4, 5),
    "divergence of a flux": (lambda u, x: u.t - div((1 + x**2) * grad(u)), 4, 7),
    "divergence with a factor": (lambda u, x: div(jnp.exp(x) * grad(u)), 4, 6),
    "conservation law": (lambda u, nu: u.t + partial(0.5 * u**2 - nu * u.x, "x"), 3, 4),
    "normal derivative": (lambda u, normal: jnp.dot(grad(u, over="xyt"), normal), 2, 4),
    "momentum and mass": (lambda u, v, nu: [*(v.t.value - nu * laplacian(v) + grad(u)), div(v)], 4, 6),
    "operators that differ by a coefficient": (
        lambda u, v, nu: [v[0] * u.x + v[1] * u.y - nu * laplacian(u), laplacian(v[0]) / 2],
        5,
        5,
    ),
    "one nonlinear leading term": (lambda u: jnp.tanh(u.xx) + u.yy + u.tt, 6, 7),
    "nonlinear leading terms": (lambda u: u.xx * u.yy - u.xy**2, 6, 6),
    "leading terms under a function": (lambda u: jnp.floor(u.xx) + jnp.where(u > 0, u.yy, 0.0), 5, 5),
    "leading terms times a field elsewhere": (lambda u: u(x=0.0) * u.xx + u.yy, 5, 5),
    "derivative of a field elsewhere": (lambda u, x: u.xx + u.yy + partial(x * u(x=1 - x), "x"), 4, 5),
    "laplacian of a field elsewhere": (lambda u, x: laplacian(u(x=2 * x)) + 2.0 * u.yy, 3, 3),
    "sum of 500 terms": (
        lambda u, x: u.xx + u.yy + sum(jnp.sin(k * x) * u for k in range(500)),
        4,
        5,
    ),
    "as many operators as derivatives": (lambda u, v: [u.xx - u.yy, v[0].xx + v[0].yy], 5, 5),
    "nothing of the fields": (lambda x: x, 1, 1),
}


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", EQUATIONS)
def test_a_split_equation_has_the_value_of_the_equation(name):
    residual, split_channels, channels = EQUATIONS[name]
    equation = Equation(residual, FRAME, arguments_of(residual))
    split = SplitEquation(equation)

    @jax.jit
    def both(p):
        values = known()
        found = derivatives(network, p, split.indices, split.operators(values))
        one_by_one = {
            Symbol("field", name, index): by_jax(index, p)[SLICES[name]]
            for name, indices in equation.derivatives.items()
            for index in indices
        }
        at_point = lambda name, channel: found[channel][SLICES[name]]
        return split(values, at_point, field_value), equation({**values, **one_by_one}, field_value)

    found, expected = both(jnp.array(POINT))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12 * (1 + abs(expected).max()))
    assert split.channels(3) == split_channels
    wanted = {index for indices in equation.derivatives.values() for index in indices}
    assert len(downward_closure(wanted, 3)) == channels


box = Box(x=(-1.0, 1.0), y=(0.0, 1.0))
diffusion = Problem(
    name="diffusion",
    domain=box,
    coefficients={"nu": Unknown(0.3, positive=True)},
    conditions={"pde": Condition(lambda u, nu, x: u.xx + nu * (1 + x) * u.yy - u**3, on=box.interior)},
)
MODELS = {
    "built in": lambda: MLP(box, 1, 6, 2),
    "equinox": lambda: eqx.nn.MLP(2, 1, 6, 2, jax.nn.gelu, key=jax.random.key(0)),
    "flax": lambda: nnx.Sequential(nnx.Linear(2, 6, rngs=nnx.Rngs(0)), jnp.sin, nnx.Linear(6, 1, rngs=nnx.Rngs(1))),
    "no rule": lambda: (
        lambda key: jax.random.normal(key, (2, 6)),
        lambda W, x: jnp.sum(jnp.sort(jax.lax.erf(x @ W)) * jnp.arange(6.0))[None],
    ),
}


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", MODELS)
def test_residuals_and_their_gradients_are_those_of_a_hessian(name):
    model = as_functional(MODELS[name](), 2)
    residuals = ResidualFunctions(diffusion, model)
    params = jax.tree.map(lambda leaf: jnp.asarray(leaf, float), residuals.initial_params(model.params))
    points = diffusion.conditions["pde"].on.points(jnp.asarray(np.random.default_rng(0).random((5, 2))))

    def by_hessian(params):
        def residual(p):
            u = lambda p: model.apply(params["network"], p)[0]
            H = jax.hessian(u)(p)
            return H[0, 0] + jnp.exp(params["coefficients"]["nu"]) * (1 + p[0]) * H[1, 1] - u(p) ** 3

        return jax.vmap(residual)(points.coordinates)

    by_operator = lambda params: residuals(params, {"pde": points})["pde"]
    found, expected = (
        jax.jit(lambda p, f=f: (f(p), jax.grad(lambda p: jnp.sum(f(p) ** 2))(p)))(params)
        for f in (by_operator, by_hessian)
    )
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10 * (1 + abs(b).max()))


PLANE = {
    "laplacian": (lambda u: laplacian(u) - 1, 4),
    "burgers": (lambda u, y: u.y + u * u.x - 0.01 * u.xx, 3),
    "mixed derivatives": (lambda u: u.xx + u.xy + u.yy - 1, 4),
}


@pytest.mark.parametrize("name", PLANE)
def test_work_of_loss_and_gradient_is_that_of_the_channels(name):
    """Compiled work against three matrix products for each channel of each hidden layer, forward and back."""
    residual, channels = PLANE[name]
    width, depth, count = 128, 4, 4096
    problem = Problem(name="plane", domain=box, conditions={"pde": Condition(residual, on=box.interior)})
    model = as_functional(MLP(box, 1, width, depth), 2)
    residuals = ResidualFunctions(problem, model)
    params = residuals.initial_params(model.params)
    batch = {"pde": box.interior.points(jnp.zeros((count, 2)))}
    loss = lambda params: residuals.loss(params, batch, {"pde": jnp.asarray(1.0)})[0]
    flops = jax.jit(jax.value_and_grad(loss)).lower(params).compile().cost_analysis()["flops"]
    assert flops <= 1.25 * 3 * 2 * channels * count * (depth - 1) * width**2


square = Box(x=(0.0, 1.0), y=(0.0, 1.0))


def elastic(u, v):
    shear, volume = 0.4, 1.1
    return [
        shear * laplacian(u) + (shear + volume) * (u.xx + v.xy),
        shear * laplacian(v) + (shear + volume) * (u.xy + v.yy) - 9.81,
    ]


SYSTEMS = {
    "harmonic": (("u",), [lambda u, x: -2.0 * laplacian(u) + jnp.sin(x)], 1),
    "two harmonic": (("u", "v"), [lambda u, v: [u.xx + v.yy, u.y - v.x]], 0),
    "Cauchy-Riemann": (("u", "v"), [lambda u, v: [u.x - v.y, u.y + v.x]], 1),
    "plate": (("w",), [lambda w: 3 * (w.xxxx + 2 * w.xxyy + w.yyyy)], 2),
    "elastic": (("u", "v"), [elastic], 2),
    "Stokes": (("u", "v", "p"), [lambda u, v, p: [p.x - laplacian(u), p.y - laplacian(v)], lambda u, v: u.x + v.y], 2),
    "orthotropic": (("u", "v"), [lambda u, v: [2 * u.xx + u.yy + v.xy, v.xx + v.yy + u.xy]], 0),
    "with a coefficient": (("u",), [lambda u, k: k * (u.xx + u.yy)], 1),
    "stretched": (("u",), [lambda u, k: k * u.xx + u.yy], 0),
    "Helmholtz": (("u",), [lambda u: laplacian(u) + u], 0),
    "variable": (("u",), [lambda u, x: (1 + x) * laplacian(u)], 0),
    "nonlinear": (("u",), [lambda u: laplacian(u) + u**2], 0),
    "undetermined": (("u", "v"), [lambda u, v: [u.xx + v.xx, 0.5 * u.xx + 0.5 * v.xx]], 0),
    "triharmonic": (("u",), [lambda u: laplacian(laplacian(laplacian(u)))], 0),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_powers_of_the_laplacian_follow_from_the_symbol(name):
    fields, residuals, power = SYSTEMS[name]
    conditions = {f"c{i}": Condition(residual, on=square.interior) for i, residual in enumerate(residuals)}
    problem = Problem("p", square, conditions, fields, {"k": 2.0})
    with jax.enable_x64(True):
        equations = [problem.equation(name) for name in conditions]
    assert laplacian_power(equations, 2, problem.field_sizes, problem.constants) == power
