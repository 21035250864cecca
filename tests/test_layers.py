"""Layered materials, written in the two ways that keep the flux condition, against their closed forms."""

import jax.numpy as jnp
import numpy as np
import pytest

from pinnkit import Box, Condition, Problem, fit, partial

WALL = Box(x=(0.0, 1.0))
BRICK, STEEL = Box(x=(0.0, 0.5)), Box(x=(0.5, 1.0))
INTERFACE = BRICK.upper_face("x")


def wall(k=10.0):
    """Conductivities 1 and k, T = 0 and 1 at the ends: T(1/2) = k / (1 + k)."""
    return Problem(
        name="wall",
        domain=WALL,
        fields=("A", "B"),
        conditions={
            "brick": Condition(lambda A: A.xx, on=BRICK.interior),
            "steel": Condition(lambda B: B.xx, on=STEEL.interior),
            "cold": Condition(lambda A: A, on=WALL.lower_face("x")),
            "hot": Condition(lambda B: B - 1.0, on=WALL.upper_face("x")),
            "interface": Condition(lambda A, B: [A - B, A.x - k * B.x], on=INTERFACE),
        },
    )


@pytest.mark.slow
@pytest.mark.parametrize("k", [10.0, 0.1])
def test_a_field_for_each_layer_keeps_the_flux_condition(k):
    solution = fit(wall(k), strategy="gauss-newton", steps=40, points=30, width=8, depth=1)
    middle = solution(x=0.5)
    assert abs(middle["A"] - k / (1 + k)) < 1e-6 and abs(middle["B"] - k / (1 + k)) < 1e-6


def flux_form():
    def equations(T, q, x):
        return [q - jnp.where(x < 0.5, 1.0, 10.0) * T.x, partial(q, "x")]

    return Problem(
        name="flux_form",
        domain=WALL,
        fields=("T", "q"),
        conditions={
            "heat": Condition(equations, on=WALL.interior),
            "ends": Condition(lambda T, x: T - x, on=WALL.boundary("x")),
        },
        reference=lambda x: {"T": np.where(x < 0.5, 20 / 11 * x, 9 / 11 + 2 / 11 * x), "q": 20 / 11 + 0 * x},
    )


@pytest.mark.slow
def test_a_flux_of_its_own_keeps_the_flux_condition():
    assert fit(flux_form(), budget=60.0).summary.relative_l2["T"] < 1e-2


@pytest.mark.slow
def test_a_fuel_rod_and_its_cladding_are_solved_with_a_field_each():
    """Conductivity 1 / (1 + T/2) in the fuel, 0.3 in the cladding; by Kirchhoff's transform."""
    inner, middle, outer, source, cladding = 0.01, 0.9, 1.0, 4.0, 0.3
    rod, fuel, clad = Box(r=(inner, outer)), Box(r=(inner, middle)), Box(r=(middle, outer))
    k = lambda F: 1 / (1 + F / 2)
    problem = Problem(
        name="fuel_rod",
        domain=rod,
        fields=("F", "C"),
        conditions={
            "fuel": Condition(lambda F, r: partial(r * k(F) * F.r, "r") + r * source, on=fuel.interior),
            "clad": Condition(lambda C, r: partial(r * cladding * C.r, "r"), on=clad.interior),
            "axis": Condition(lambda F: F.r, on=rod.lower_face("r")),
            "interface": Condition(lambda F, C: [F - C, k(F) * F.r - cladding * C.r], on=fuel.upper_face("r")),
            "coolant": Condition(lambda C: C, on=rod.upper_face("r")),
        },
    )
    power = source * (middle**2 - inner**2) / 2
    drop = power / cladding * np.log(outer / middle)

    def in_fuel(r):
        at_middle = 2 * np.log(1 + drop / 2)
        inside = source / 4 * (middle**2 - r**2) - source * inner**2 / 2 * np.log(middle / r)
        return 2 * (np.exp((at_middle + inside) / 2) - 1)

    solution = fit(problem, budget=60.0)
    for field, r, expected in (
        ("F", np.linspace(inner, middle, 200), in_fuel),
        ("C", np.linspace(middle, outer, 50), lambda r: power / cladding * np.log(outer / r)),
    ):
        found = solution(r=r)[field]
        assert np.linalg.norm(found - expected(r)) < 1e-4 * np.linalg.norm(expected(r))
