"""The problems that come with pinnkit: each reference satisfies its equation, found by differences of itself."""

import importlib
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pinnkit.fields import Symbol

NAMES = ["burgers", "poisson_1d", "poisson_1d_multiscale", "poisson_2d", "wave_1d"]

# Central differences of sixth order for first and second derivatives.
FIRST = np.array([-1, 9, -45, 0, 45, -9, 1]) / 60
SECOND = np.array([2, -27, 270, -490, 270, -27, 2]) / 180


def load(name):
    return getattr(importlib.import_module(f"problems.{name}"), name)


def derivative(problem, points, orders, step):
    """A derivative of the reference by differences, one coordinate after the other."""
    if not any(orders):
        return problem.evaluate_reference(points)["u"]
    axis = next(i for i, order in enumerate(orders) if order)
    assert sum(orders) == orders[axis], "mixed derivatives are not needed here"
    stencil = {1: FIRST, 2: SECOND}[orders[axis]]
    shifted = [points + k * step[axis] * np.eye(points.shape[1])[axis] for k in range(-3, 4)]
    values = [problem.evaluate_reference(p)["u"] for p in shifted]
    return sum(c * v for c, v in zip(stencil, values, strict=True)) / step[axis] ** orders[axis]


def residual_of_reference(problem, condition, unit):
    """An equation's residual on its reference, and the size of the terms in it."""
    box, equation = problem.domain, problem.equation(condition)
    points = np.asarray(problem.conditions[condition].on.points(jnp.asarray(unit)).coordinates)
    step = 2e-3 * (box.upper - box.lower) if problem.name != "poisson_1d_multiscale" else np.array([5e-4])
    values = {Symbol("coordinate", name): points[:, i] for i, name in enumerate(box.coordinates)}
    values |= {Symbol("coefficient", name): np.full(len(points), v) for name, v in problem.constants.items()}
    for orders in equation.derivatives["u"]:
        values[Symbol("field", "u", orders)] = derivative(problem, points, orders, step)
    values = {symbol: jnp.asarray(values[symbol]) for symbol in equation.symbols}
    scale = max(1.0, *(float(jnp.abs(v).max()) for v in values.values()))
    return jax.vmap(lambda values: equation(values, lambda *_: jnp.nan))(values), scale


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("x64")
def test_reference_satisfies_every_condition(name):
    problem = load(name)
    rng = np.random.default_rng(0)
    for condition, declared in problem.conditions.items():
        last = 0.35 if name == "burgers" else 0.9  # differences do not resolve the front at x = 0
        unit = rng.uniform(0.1, last, (40, declared.on.dimension))
        if name == "wave_1d" and condition == "velocity":
            continue  # one-sided at the start: the reference is even in time by its formula
        residual, scale = residual_of_reference(problem, condition, unit)
        assert np.abs(residual).max() <= 2e-6 * scale, (condition, np.abs(residual).max(), scale)


@pytest.mark.usefixtures("x64")
def test_wave_starts_at_rest():
    wave = load("wave_1d")
    x = np.linspace(0, 1, 9)
    early, late = (wave.evaluate_reference(np.stack([x, np.full(9, t)], -1))["u"] for t in (-1e-3, 1e-3))
    np.testing.assert_allclose(early, late, atol=1e-14)


def test_cole_hopf_does_not_depend_on_the_number_of_nodes():
    """Against adaptive quadrature of the same formula, also where the front is steep."""
    from scipy.integrate import quad

    burgers, nu = load("burgers"), 0.01 / np.pi
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


@pytest.mark.parametrize("name", NAMES)
def test_a_problem_says_its_equation_and_source_first(name):
    module = importlib.import_module(f"problems.{name}")
    assert "u" in inspect.getdoc(module).splitlines()[0]
