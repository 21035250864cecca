"""Twenty ways to declare a condition: what is declared is solved, or a finding names the condition."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

from pinnkit import Box, Condition, PointSet, Problem, fit, grad, laplacian, periodic
from pinnkit.report import interpret

from .problems_for_tests import stokes

line, square, film = Box(x=(0.0, 1.0)), Box(x=(0.0, 1.0), y=(0.0, 1.0)), Box(x=(0.0, 1.0), t=(0.0, 1.0))
rod, half = Box(x=(0.0, 1.0), t=(0.0, 0.2)), Box(x=(0.0, 0.5))
beyond = Box(x=(1.0, 2.0), y=(0.0, 1.0))
lower, upper = Box(x=(0.0, 1.0), y=(0.0, 0.5)), Box(x=(0.0, 1.0), y=(0.5, 1.0))

ACCURATE = 1e-3


def on_line(name, equation, reference, **conditions):
    return Problem(name, line, {"pde": Condition(equation, on=line.interior), **conditions}, reference=reference)


def on_square(name, reference, **conditions):
    """Laplace's equation."""
    return Problem(
        name, square, {"pde": Condition(lambda u: laplacian(u), on=square.interior), **conditions}, reference=reference
    )


def diffusing(name, start, reference, **conditions):
    """The heat equation on a rod."""
    inside = {"pde": Condition(lambda u: u.t - u.xx, on=rod.interior)}
    initial = {"initial": Condition(lambda u, x: u - start(x), on=rod.start())}
    return Problem(name, rod, {**inside, **initial, **conditions}, reference=reference)


harmonic = lambda x, y: jnp.exp(x) * jnp.sin(y)
slope = lambda x, y: jnp.exp(x) * jnp.sin(y)  # of it, along x
exact = lambda x, y: np.exp(x) * np.sin(y)
given = lambda u, x, y: u - harmonic(x, y)


def hat_reference(x, t):
    odd = np.arange(1, 400, 2)
    series = [
        8 / (np.pi * n) ** 2 * np.sin(n * np.pi / 2) * np.sin(n * np.pi * x) * np.exp(-((n * np.pi) ** 2) * t)
        for n in odd
    ]
    return np.sum(series, axis=0)


PROBLEMS = [
    on_line(
        "value_inside",
        lambda u: u.xx,
        lambda x: 6 * x,
        left=Condition(lambda u: u, on=line.lower_face("x")),
        middle=Condition(lambda u: u - 3.0, on=half.upper_face("x")),
    ),
    on_line(
        "value_and_slope_inside",
        lambda u: u.xx + 9 * u,
        lambda x: np.sin(3 * (x - 0.5)),
        middle=Condition(lambda u: [u, u.x - 3.0], on=half.upper_face("x")),
    ),
    Problem(
        "two_halves",
        line,
        {
            "left_half": Condition(lambda u: u.xx, on=half.interior),
            "right_half": Condition(lambda u: u.xx + 1.0, on=Box(x=(0.5, 1.0)).interior),
            "ends": Condition(lambda u: u, on=line.boundary()),
        },
        reference=lambda x: np.where(x < 0.5, x / 8, x / 8 - (x - 0.5) ** 2 / 2),
    ),
    Problem(
        "state_in_the_middle_of_time",
        film,
        {
            "pde": Condition(lambda u: u.tt - u.xx, on=film.interior),
            "walls": Condition(lambda u: u, on=film.boundary("x")),
            "displacement": Condition(lambda u, x: u - jnp.sin(jnp.pi * x), on=Box(x=(0.0, 1.0), t=(0.5, 1.0)).start()),
            "velocity": Condition(lambda u: u.t, on=Box(x=(0.0, 1.0), t=(0.5, 1.0)).start()),
        },
        reference=lambda x, t: np.sin(np.pi * x) * np.cos(np.pi * (t - 0.5)),
    ),
    on_square(
        "faces_in_parts",
        exact,
        below=Condition(given, on=lower.boundary("x")),
        above=Condition(given, on=upper.boundary("x")),
        floor=Condition(given, on=lower.lower_face("y")),
        ceiling=Condition(given, on=upper.upper_face("y")),
    ),
    on_square(
        "value_below_and_flux_above",
        exact,
        below=Condition(given, on=lower.lower_face("x")),
        above=Condition(lambda u, x, y: u.x - slope(x, y), on=upper.lower_face("x")),
        right=Condition(given, on=square.upper_face("x")),
        rest=Condition(given, on=square.boundary("y")),
    ),
    on_square(
        "normal_of_a_neighbour",
        exact,
        wall=Condition(lambda u, normal, x, y: grad(u) @ normal + slope(x, y), on=beyond.lower_face("x")),
        rest=Condition(given, on=square.boundary("y")),
        left=Condition(given, on=Box(x=(0.0, 0.1), y=(0.0, 1.0)).lower_face("x")),
    ),
    on_square(
        "patch",
        exact,
        left=Condition(
            lambda u, x, y: jnp.where((y > 0.18) & (y < 0.38), u.x - slope(x, y), u - harmonic(x, y)),
            on=square.lower_face("x"),
        ),
        right=Condition(given, on=square.upper_face("x")),
        rest=Condition(given, on=square.boundary("y")),
    ),
    on_square("factor", exact, walls=Condition(lambda u, x, y: (1 + y) * given(u, x, y), on=square.boundary())),
    on_square(
        "points_for_a_face",
        exact,
        left=Condition(given, on=PointSet({"x": np.zeros(41), "y": np.linspace(0, 1, 41)})),
        right=Condition(given, on=square.upper_face("x")),
        rest=Condition(given, on=square.boundary("y")),
    ),
    diffusing(
        "periodic_at_first",
        lambda x: jnp.sin(2 * jnp.pi * x),
        lambda x, t: np.exp(-4 * np.pi**2 * t) * np.sin(2 * np.pi * x),
        walls=Condition(lambda u, t: jnp.where(t < 0.044, u - u(x=1.0), u), on=rod.lower_face("x")),
        right=Condition(lambda u: u, on=rod.upper_face("x")),
    ),
    on_line(
        "periodic_values_only",
        lambda u: u.xx + 1.0,
        lambda x: 7 / 8 + (x - x**2) / 2,
        ends=periodic(line, "x", order=0),
        middle=Condition(lambda u: u - 1.0, on=PointSet({"x": [0.5]})),
    ),
    diffusing(
        "periodic",
        lambda x: jnp.sin(2 * jnp.pi * x),
        lambda x, t: np.exp(-4 * np.pi**2 * t) * np.sin(2 * np.pi * x),
        seam=periodic(rod, "x", order=1),
    ),
    diffusing(
        "antiperiodic",
        lambda x: jnp.cos(jnp.pi * x),
        lambda x, t: np.exp(-(np.pi**2) * t) * np.cos(np.pi * x),
        seam=Condition(lambda u: [u + u(x=1.0), u.x + u.x(x=1.0)], on=rod.lower_face("x")),
    ),
    diffusing(
        "periodic_but_for_a_jump",
        lambda x: x + jnp.sin(2 * jnp.pi * x),
        lambda x, t: x + np.exp(-4 * np.pi**2 * t) * np.sin(2 * np.pi * x),
        seam=Condition(lambda u: [u - u(x=1.0) + 1.0, u.x - u.x(x=1.0)], on=rod.lower_face("x")),
    ),
    diffusing(
        "hat",
        lambda x: jnp.minimum(2 * x, 2 - 2 * x),
        hat_reference,
        walls=Condition(lambda u: u, on=rod.boundary("x")),
    ),
    on_line(
        "reflected",
        lambda u, x: u.xx + jnp.pi**2 * u(x=1 - x),
        lambda x: np.sin(np.pi * x),
        left=Condition(lambda u: [u, u.x - jnp.pi], on=line.lower_face("x")),
    ),
    on_line(
        "pantograph",
        lambda u, x: u.x - u(x=x / 2),
        lambda x: np.sum([x**n / 2 ** (n * (n - 1) / 2) / math.factorial(n) for n in range(20)], axis=0),
        left=Condition(lambda u: u - 1.0, on=line.lower_face("x")),
    ),
    Problem(
        "memory_of_the_start",
        film,
        {
            "pde": Condition(lambda u: u.t + u(t=0.0) * 1.0, on=film.interior),
            "initial": Condition(lambda u, x: u - jnp.cos(x), on=film.start()),
        },
        reference=lambda x, t: (1 - t) * np.cos(x),
    ),
    stokes(),
]


@pytest.mark.slow
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_what_is_declared_is_solved_or_the_condition_is_named(problem):
    solution = fit(problem, budget=60.0)
    error = max(solution.summary.relative_l2.values())
    named = " ".join(f"{finding.title} {finding.reason}" for finding in interpret(solution.run))
    assert error <= ACCURATE or any(f"'{name}'" in named for name in problem.conditions), (error, named)
