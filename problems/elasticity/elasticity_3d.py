"""Hollow sphere under internal pressure, div σ = 0 with Hooke's law σ = λ tr ε + 2μ ε in three dimensions.

The radii are ½ and 1, lengths and stresses in units of the outer radius and of the pressure, E = 1, ν = 0.3. The
spheres have their tractions, and six points of the outer one fix the rigid motions.
The displacement is radial, A r + B / r². Lamé, *Leçons sur la théorie mathématique de l'élasticité*, Bachelier 1852.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Ball, Condition, PointSet, Problem, div, grad

INNER, E, NU = 0.5, 1.0, 0.3
LAM, MU = E * NU / ((1 + NU) * (1 - 2 * NU)), E / (2 * (1 + NU))

domain = Ball(radius=1.0) - Ball(radius=INNER).named("cavity")


def stress(u):
    strain = (grad(u) + grad(u).T) / 2
    return LAM * jnp.trace(strain) * jnp.eye(3) + 2 * MU * strain


def exact(x, y, z):
    stretch = INNER**3 / (1 - INNER**3) / (3 * LAM + 2 * MU)
    swelling = INNER**3 / (1 - INNER**3) / (4 * MU)
    radius = np.sqrt(x**2 + y**2 + z**2)
    return np.stack([x, y, z], axis=-1) * (stretch + swelling / radius**3)[..., None]


def on_axis(name):
    """The two points of the outer sphere on an axis, which stay on it."""
    return PointSet({axis: [1.0, -1.0] if axis == name else 0.0 for axis in "xyz"})


elasticity_3d = Problem(
    name="elasticity_3d",
    domain=domain,
    fields={"u": 3},
    conditions={
        "equilibrium": Condition(lambda u: [div(row) for row in stress(u)], on=domain.interior),
        "pressure": Condition(lambda u, normal: stress(u) @ normal + normal, on=domain.boundary("cavity")),
        "free": Condition(lambda u, normal: stress(u) @ normal, on=domain.boundary("sphere")),
        "x axis": Condition(lambda u: [u[1], u[2]], on=on_axis("x")),
        "y axis": Condition(lambda u: [u[0], u[2]], on=on_axis("y")),
        "z axis": Condition(lambda u: [u[0], u[1]], on=on_axis("z")),
    },
    reference=exact,
)
