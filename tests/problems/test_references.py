"""References by quadrature and by Fourier modes: they satisfy their equations, found by differences, and converge."""

import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pinnkit import Box, Condition, Problem, ProblemError, periodic
from pinnkit.equations.entries import entries
from pinnkit.equations.formulas.reading import FUNCTIONS
from pinnkit.equations.registry import find_problem
from pinnkit.equations.symbols import Symbol
from problems._references import etdrk4

NAMES = ["allen_cahn", "burgers", "kdv"]

# Central differences on seven points, of sixth order for first and second derivatives and of fourth for third ones.
STENCILS = {
    1: np.array([-1, 9, -45, 0, 45, -9, 1]) / 60,
    2: np.array([2, -27, 270, -490, 270, -27, 2]) / 180,
    3: np.array([1, -8, 13, 0, -13, 8, -1]) / 8,
}
STEPS = {"allen_cahn": [2e-4, 2e-3], "kdv": [5e-4, 2e-4]}  # where scales are small


def derivative(problem, field, points, orders):
    """A derivative of the reference by differences."""
    if not any(orders):
        return problem.evaluate_reference(points)[field]
    axis = next(i for i, order in enumerate(orders) if order)
    assert sum(orders) == orders[axis], "mixed derivatives are not needed here"
    box = problem.domain
    step = STEPS.get(problem.name, 2e-3 * (box.upper - box.lower))[axis]
    shifts = [k * step * np.eye(box.dimension)[axis] for k in range(-3, 4)]
    values = problem.evaluate_reference(np.concatenate([points + shift for shift in shifts]))[field]
    return STENCILS[orders[axis]] @ values.reshape(7, -1) / step ** orders[axis]


def residual_of_reference(problem, condition, unit):
    """An equation's residual on its reference, and the size of the terms in it."""
    equation = problem.equation(condition)
    points = np.asarray(problem.conditions[condition].on.points(jnp.asarray(unit)).coordinates)
    values = {Symbol("coordinate", name): points[:, i] for i, name in enumerate(problem.domain.coordinates)}
    values |= {Symbol("coefficient", name): np.full(len(points), v) for name, v in problem.constants.items()}
    for field, indices in equation.derivatives.items():
        for orders in indices:
            values[Symbol("field", field, orders)] = derivative(problem, field, points, orders)
    values = {symbol: jnp.asarray(values[symbol]) for symbol in equation.symbols}
    scale = max(1.0, *(float(jnp.abs(v).max()) for v in values.values()))

    def elsewhere(symbol, point):
        there = lambda *where: derivative(problem, symbol.name, np.stack(where, -1), symbol.orders)
        return jax.pure_callback(there, point[0], *point, vmap_method="broadcast_all")

    return jax.jit(jax.vmap(lambda values: equation(values, elsewhere)))(values), scale


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("x64")
def test_reference_satisfies_every_condition(name):
    problem = find_problem(name)
    rng = np.random.default_rng(0)
    for condition, declared in problem.conditions.items():
        last = 0.35 if name == "burgers" else 0.9  # differences do not resolve the front at x = 0
        unit = rng.uniform(0.1, last, (40, declared.on.dimension))
        residual, scale = residual_of_reference(problem, condition, unit)
        assert np.abs(residual).max() <= 2e-6 * scale, (condition, np.abs(residual).max(), scale)


@pytest.mark.parametrize(
    ("name", "coefficients"),
    [("helmholtz_2d", {"a1": 6, "a2": 6}), ("convection", {"beta": 50}), ("kdv", {"delta": 0.03})],
)
@pytest.mark.usefixtures("x64")
def test_reference_follows_the_coefficients(name, coefficients):
    problem = find_problem(name).with_coefficients(**coefficients)
    residual, scale = residual_of_reference(problem, "pde", np.random.default_rng(0).uniform(0.1, 0.9, (40, 2)))
    assert np.abs(residual).max() <= 2e-6 * scale


def test_cole_hopf_does_not_depend_on_the_number_of_nodes():
    """Against adaptive quadrature of the same formula, also where the front is steep."""
    from scipy.integrate import quad

    burgers, nu = find_problem("burgers"), 0.01 / np.pi
    for x, t in [(0.3, 0.1), (-0.01, 0.6), (0.004, 1.0), (0.9, 0.5)]:
        log_density = lambda eta, x=x, t=t: -np.cos(np.pi * (x - eta)) / (2 * np.pi * nu) - eta**2 / (4 * nu * t)
        grid = np.linspace(-2, 2, 4001)
        shift = log_density(grid).max()
        density = lambda eta, f=log_density, s=shift: np.exp(f(eta) - s)
        options = {"limit": 2000, "epsabs": 1e-15, "epsrel": 1e-13, "points": [0.0, x]}
        top = quad(lambda eta, x=x, d=density: np.sin(np.pi * (x - eta)) * d(eta), -2, 2, **options)[0]
        bottom = quad(density, -2, 2, **options)[0]
        found = burgers.evaluate_reference(np.array([[x, t]]))["u"][0]
        np.testing.assert_allclose(found, -top / bottom, atol=1e-9)


# References by Fourier modes.


def test_weights_of_a_step_agree_with_their_power_series():
    """Cox and Matthews' formulas in φ functions, φ_k(z) = Σ z^j / (j + k)!."""
    z = np.array([0.0, 1e-9, -1e-4, 0.3j, -1.0, 1 + 1j])
    phi = lambda k, z: sum(z**j / math.factorial(j + k) for j in range(30))
    expected = [
        np.exp(z),
        np.exp(z / 2),
        phi(1, z / 2) / 2,
        phi(1, z) - 3 * phi(2, z) + 4 * phi(3, z),
        2 * phi(2, z) - 4 * phi(3, z),
        4 * phi(3, z) - phi(2, z),
    ]
    np.testing.assert_allclose(etdrk4._weights(z), expected, atol=1e-14)


def test_a_soliton_keeps_its_form_with_fourth_order_error():
    """u = 3v sech²(√v (x − vt)/2δ) solves KdV on the line; on the period its tails are below rounding."""
    delta, speed, modes = 0.022, 1.0, 192
    k = etdrk4.wave_numbers(modes)
    soliton = lambda x: 3 * speed / np.cosh(np.sqrt(speed) * x / (2 * delta)) ** 2
    x = np.arange(4 * modes) / (2 * modes)
    start = etdrk4.to_modes(soliton((x + 1) % 2 - 1))
    quadratic = lambda c: -0.5j * k * etdrk4.to_modes(etdrk4.on_grid(c) ** 2)
    points = np.linspace(-1, 1, 301)
    errors = []
    for steps in (500, 1000):
        arrays = etdrk4.solve(1j * delta**2 * k**3, quadratic, start, steps, end=0.5)
        found = etdrk4.Trajectory(**arrays)(points, np.full(301, 0.43))
        errors.append(np.abs(found - soliton((points - 0.43 + 1) % 2 - 1)).max())
    assert errors[1] <= 1e-5
    assert 12 <= errors[0] / errors[1] <= 30


def test_kdv_conserves_mass_momentum_and_energy():
    """∫u, ∫u² and ∫(u³/3 − δ² u_x²)."""
    from problems.hyperbolic.kdv import trajectory

    k, levels = etdrk4.wave_numbers(256), trajectory(0.022).levels[::500]
    integral = lambda values: values.mean()
    value, slope = [np.array([etdrk4.on_grid(f * c) for c in levels]) for f in (1, 1j * k)]
    for density in (value, value**2, value**3 / 3 - 0.022**2 * slope**2):
        integrals = [integral(row) for row in density]
        np.testing.assert_allclose(integrals, integrals[0], atol=2e-9)


def grid_without_the_start():
    return np.meshgrid(np.linspace(-1, 1, 101), np.linspace(0.01, 1, 100), indexing="ij")


def relative_difference(first, second):
    x, t = (axis.ravel() for axis in grid_without_the_start())
    return np.linalg.norm(first(x, t) - second(x, t)) / np.linalg.norm(second(x, t))


def test_kdv_reference_is_converged():
    from problems.hyperbolic.kdv import trajectory

    assert relative_difference(trajectory(0.022, modes=128), trajectory(0.022)) <= 2e-10
    assert relative_difference(trajectory(0.022, steps=5000), trajectory(0.022)) <= 4e-9  # so 16 times less is left


@pytest.mark.slow
def test_allen_cahn_reference_is_converged():
    from problems.parabolic.allen_cahn import trajectory

    used = trajectory(1e-4, 5.0)
    for finer in (trajectory(1e-4, 5.0, steps=2000), trajectory(1e-4, 5.0, modes=4096)):
        assert relative_difference(used, finer) <= 2e-11
    assert relative_difference(trajectory(1e-4, 5.0, modes=1024), used) <= 1e-10
    assert relative_difference(trajectory(1e-4, 5.0, modes=512), used) <= 3e-7


def test_allen_cahn_starts_where_it_should_and_loses_energy():
    from problems.parabolic.allen_cahn import initial_modes, trajectory

    nodes, weights = np.polynomial.legendre.leggauss(200)
    start = nodes**2 * np.cos(np.pi * nodes) * weights / 2
    n = np.arange(40)
    np.testing.assert_allclose(initial_modes(n), np.cos(np.pi * np.outer(n, nodes)) @ start, atol=1e-15)
    k, levels = etdrk4.wave_numbers(2048), trajectory(1e-4, 5.0).levels[::100]
    value, slope = [np.array([etdrk4.on_grid(f * c) for c in levels]) for f in (1, 1j * k)]
    energy = (1e-4 / 2 * slope**2 + 5 / 4 * (1 - value**2) ** 2).mean(axis=1)
    assert np.all(np.diff(energy) < 0)


def test_a_reference_that_is_not_resolved_is_refused():
    from problems.hyperbolic.kdv import trajectory

    with pytest.raises(ValueError, match="32 Fourier modes do not resolve"):
        trajectory(0.022, modes=32, steps=500)


# Periodic conditions.


def test_periodic_condition_is_the_field_less_itself_on_the_opposite_face():
    box = Box(x=(0.0, 2.0), t=(0.0, 1.0))
    by_hand = lambda u, v: [u - u(x=2.0), u.x - u(x=2.0).x, v - v(x=2.0), v.x - v(x=2.0).x]
    conditions = {"helper": periodic(box, "x", order=1), "hand": Condition(by_hand, on=box.lower_face("x"))}
    problem = Problem(name="p", domain=box, fields={"u": 1, "v": 2}, conditions=conditions)
    helper, hand = (problem.equation(name) for name in ("helper", "hand"))
    assert helper.size == hand.size == 6
    assert helper.symbols == hand.symbols
    values = {symbol: jnp.asarray(np.ones({"v": 2}.get(symbol.name, ()))) for symbol in helper.symbols}
    here = lambda symbol: values[Symbol("field", symbol.name, symbol.orders)]
    there = lambda symbol, point: float(point[0]) * (3 + sum(symbol.orders)) * here(symbol)
    np.testing.assert_array_equal(helper(values, there), hand(values, there))
    np.testing.assert_array_equal(helper(values, there), [1 - 6, 1 - 8, 1 - 6, 1 - 6, 1 - 8, 1 - 8])


def test_a_periodic_condition_of_a_negative_order_is_refused():
    with pytest.raises(ProblemError, match="whole number ≥ 0, got -1"):
        periodic(Box(x=(0.0, 2.0)), "x", order=-1)


@pytest.mark.parametrize("name", entries())
def test_equations_of_built_in_problems_are_shown_in_full(name):
    """Every operation in them has a sign or a name of its own."""
    problem = find_problem(name)
    rows = [row for rows in problem.statements.values() for row in rows]
    words = {word for row in rows for word in re.findall(r"(?<![\w∂])[a-z]{2,}(?=\()", row.text)}
    assert words <= {*FUNCTIONS.values(), "where", *problem.field_sizes}
    assert not any("…" in row.text.removesuffix(" …") for row in rows)  # sums with many terms are cut off
