"""Lorenz system, x' = σ (y − x), y' = x (ρ − z) − y, z' = xy − βz on [0, 3], σ = 10, ρ = 28, β = 8/3: chaos.

From (−8, 7, 27). Lorenz, *Deterministic nonperiodic flow*, J. Atmos. Sci. 20, 1963.

Reference: Radau IIA at a tolerance of 1e-12. An explicit method of order 8 at 3e-14 differs by less than 1e-10.
"""

from pinnkit import Condition, Interval, Problem
from pinnkit.problems._references import ode
from pinnkit.problems._references.cache import on_disk

domain = Interval(t=(0.0, 3.0))
start = -8.0, 7.0, 27.0


def rates(x, y, z, sigma, rho, beta):
    return [sigma * (y - x), x * (rho - z) - y, x * y - beta * z]


@on_disk(ode.Trajectory)
def trajectory(sigma, rho, beta):
    return ode.solve(lambda x, y, z: rates(x, y, z, sigma, rho, beta), start, domain.upper[0])


def equations(x, y, z, sigma, rho, beta):
    return [field.t - rate for field, rate in zip((x, y, z), rates(x, y, z, sigma, rho, beta), strict=True)]


lorenz = Problem(
    name="lorenz",
    domain=domain,
    fields=("x", "y", "z"),
    coefficients={"sigma": 10.0, "rho": 28.0, "beta": 8 / 3},
    conditions={
        "ode": Condition(equations, on=domain.interior),
        "start": Condition(lambda x, y, z: [x - start[0], y - start[1], z - start[2]], on=domain.start()),
    },
    reference=lambda t, sigma, rho, beta: trajectory(sigma, rho, beta)(t),
)
