"""Prescribed values become part of the solution only where the equations can differentiate them."""

import jax.numpy as jnp
import pytest

from pinnkit import Box, Condition, Problem
from pinnkit.equations.exact.ansatz import find_ansatz

strip = Box(x=(-1.0, 1.0), t=(0.0, 0.5))
HEAT, BEAM = (lambda u: u.t - u.xx), (lambda u: u.t + u.xxxx)

VALUES = {
    "sine": (lambda x: jnp.sin(20 * x), HEAT, None),
    "constant": (lambda x: 3.0 + 0 * x, HEAT, None),
    "front": (lambda x: jnp.tanh(x / 0.01), HEAT, None),
    "distance": (lambda x: jnp.hypot(x, 0.5) + jnp.sinc(3 * x), HEAT, None),
    "bounded second derivative": (lambda x: jnp.abs(x - 0.1) ** 3, HEAT, "nothing proves that they are smooth"),
    "patch between the samples": (
        lambda x: jnp.where(jnp.abs(x - 0.1234567) < 1e-9, 1.0, 0.0),
        HEAT,
        "its values depend on x through a comparison",
    ),
    "unbounded fourth derivative": (
        lambda x: jnp.abs(x - 0.1) ** 3,
        BEAM,
        "derivative of order 3 that is not continuous near x = 0.1",
    ),
    "hat": (
        lambda x: jnp.maximum(1 - jnp.abs(x - 0.25), 0.5),
        HEAT,
        "derivative of order 1 that is not continuous near x = ",
    ),
    "step": (lambda x: jnp.where(x > 0.4, 1.0, 0.0), HEAT, "its values are not continuous near x = 0.4"),
    "root": (lambda x: jnp.sqrt(x + 1), HEAT, "not continuous near x = -1"),
    "only values are taken": (lambda x: jnp.abs(x), lambda u: u.t + u, None),
}


@pytest.mark.parametrize("name", VALUES)
def test_values_are_built_in_where_the_equations_can_differentiate_them(name):
    value, equation, reason = VALUES[name]
    conditions = {
        "pde": Condition(equation, on=strip.interior),
        "initial": Condition(lambda u, x: u - value(x), on=strip.start()),
    }
    ansatz = find_ansatz(Problem("p", strip, conditions))
    assert ansatz.conditions == (("initial",) if reason is None else ())
    assert len(ansatz.notes) == (reason is not None)
    assert reason is None or reason in ansatz.notes[0]


def test_corners_where_derivatives_are_unbounded_are_found_on_walls_of_a_cube():
    """r^(2/3) around an edge, the singularity of a corner that reaches inwards."""
    cube = Box(x=(0.0, 1.0), y=(0.0, 1.0), z=(0.0, 1.0))
    away = lambda x, y: jnp.where(x**2 + y**2 > 0, x**2 + y**2, 1.0)
    conditions = {
        "pde": Condition(lambda u: u.xx + u.yy + u.zz, on=cube.interior),
        "wall": Condition(lambda u, x, y: u - jnp.where(x > 0, away(x, y) ** (1 / 3), 0.0), on=cube.lower_face("y")),
        "lid": Condition(lambda u, x, z: u - x * z, on=cube.upper_face("y")),
    }
    ansatz = find_ansatz(Problem("p", cube, conditions))
    assert ansatz.conditions == ("lid",)
    assert "not continuous near x = 0" in ansatz.notes[0]
