"""Shock tube with viscous gas of one temperature, ρ_t + (ρu)_x = 0, ρ (u_t + u u_x) + ρ_x = μ u_xx on [−1, 1] × [0, ½].

At rest at first, with densities of 1 on the left and ¼ on the right and a smooth step between them; u = 0 at the walls.
The speed of sound is 1, μ = 0.02: a rarefaction runs to the left, a shock of a width of about 0.1 to the right.
LeVeque, *Finite volume methods for hyperbolic problems*, Cambridge University Press 2002, § 14.6.

Reference: 513 Fourier modes of the mirrored tube in time by an explicit method of order 8. With 257 modes it differs
by 1e-8 in the relative L2 norm, with ten times the tolerance by 2e-9. Refused for μ < 0.01.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Box, Condition, Problem, dirichlet, partial
from pinnkit.problems._references import split_step, viscous_gas
from pinnkit.problems._references.cache import on_disk

domain = Box(x=(-1.0, 1.0), t=(0.0, 0.5))


def density(x, tanh=jnp.tanh):
    return (5 - 3 * tanh(x / 0.1)) / 8


@on_disk(split_step.Trajectory)
def trajectory(mu, modes=513, tolerance=1e-12):
    if mu < 0.01:
        raise ValueError(f"the reference is resolved from mu = 0.01 on, got {mu:g}")
    return viscous_gas.solve(lambda x: density(x, np.tanh), mu, domain.upper[1], modes, tolerance)


def reference(x, t, mu):
    h = trajectory(mu)(x + 1, t)
    return {"rho": h.real, "u": h.imag}


def equations(rho, u, mu):
    return [rho.t + partial(rho * u, "x"), rho * (u.t + u * u.x) + rho.x - mu * u.xx]


shock_tube = Problem(
    name="shock_tube",
    domain=domain,
    fields=("rho", "u"),
    coefficients={"mu": 0.02},
    conditions={
        "flow": Condition(equations, on=domain.interior),
        "start": Condition(lambda rho, u, x: [rho - density(x), u], on=domain.start()),
        "walls": dirichlet(domain.boundary("x"), field="u"),
    },
    reference=reference,
)
