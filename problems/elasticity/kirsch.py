"""Plate with a hole under tension in x, div σ = 0 in plane stress: Kirsch's solution of a large plate, cut at ±5 radii.

Steel, in SI units: a hole of 1 cm in radius under 100 MPa; displacements u, v in metres. The hole is free, and the cut
has the tractions of the large plate. Four points of the hole fix the rigid motions. At the hole σ_x reaches 3 S.

Kirsch, *Die Theorie der Elastizität und die Bedürfnisse der Festigkeitslehre*, Zeitschrift VDI 42, 1898.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Box, Condition, Disk, PointSet, Problem, partial

RADIUS, TENSION, E, NU = 0.01, 100e6, 210e9, 0.3

plate = Box(x=(-5 * RADIUS, 5 * RADIUS), y=(-5 * RADIUS, 5 * RADIUS)) - Disk(RADIUS).named("hole")


def stresses(u, v):
    """σ_x, σ_y and τ by Hooke's law."""
    stretch = lambda first, second: E / (1 - NU**2) * (first + NU * second)
    return stretch(u.x, v.y), stretch(v.y, u.x), E / (2 + 2 * NU) * (u.y + v.x)


def equilibrium(u, v):
    sx, sy, t = stresses(u, v)
    return [partial(sx, "x") + partial(t, "y"), partial(t, "x") + partial(sy, "y")]


def traction(sx, sy, t, normal):
    return jnp.stack([sx * normal[0] + t * normal[1], t * normal[0] + sy * normal[1]])


def exact_stresses(x, y):
    q, angle = RADIUS**2 / (x**2 + y**2), jnp.arctan2(y, x)
    c2, c4, s2, s4 = jnp.cos(2 * angle), jnp.cos(4 * angle), jnp.sin(2 * angle), jnp.sin(4 * angle)
    sx, sy = 1 - q * (1.5 * c2 + c4) + 1.5 * q**2 * c4, -q * (0.5 * c2 - c4) - 1.5 * q**2 * c4
    return TENSION * sx, TENSION * sy, TENSION * (-q * (0.5 * s2 + s4) + 1.5 * q**2 * s4)


def exact(x, y):
    kappa, rho, angle = (3 - NU) / (1 + NU), np.sqrt(x**2 + y**2) / RADIUS, np.arctan2(y, x)
    scale = TENSION * RADIUS * (1 + NU) / (4 * E)
    far = lambda function: 2 / rho * (1 - 1 / rho**2) * function(3 * angle)
    u = (rho * (kappa + 1) + 2 / rho * (1 + kappa)) * np.cos(angle) + far(np.cos)
    v = (rho * (kappa - 3) + 2 / rho * (1 - kappa)) * np.sin(angle) + far(np.sin)
    return {"u": scale * u, "v": scale * v}


kirsch = Problem(
    name="kirsch",
    domain=plate,
    fields=("u", "v"),
    conditions={
        "equilibrium": Condition(equilibrium, on=plate.interior),
        "hole": Condition(
            lambda u, v, normal: traction(*stresses(u, v), normal),
            on=plate.boundary("hole"),
        ),
        "cut": Condition(
            lambda u, v, x, y, normal: traction(*stresses(u, v), normal) - traction(*exact_stresses(x, y), normal),
            on=plate.boundary("left", "right", "bottom", "top"),
        ),
        "no sway": Condition(lambda u: u, on=PointSet({"x": 0.0, "y": [RADIUS, -RADIUS]})),
        "no lift": Condition(lambda v: v, on=PointSet({"x": [RADIUS, -RADIUS], "y": 0.0})),
    },
    reference=exact,
)
