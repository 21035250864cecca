"""Van der Pol oscillator with stiff relaxation, x' = y, y' = μ (1 − x²) y − x on [0, 200], μ = 100, from (2, 0).

Hairer & Wanner, *Solving Ordinary Differential Equations II*, Springer 1996.

Reference: Radau IIA at a tolerance of 1e-12. With 3e-14 it differs by 1e-12 in the relative L2 norm.
"""

from pinnkit import Condition, Interval, Problem
from pinnkit.problems._references import ode
from pinnkit.problems._references.cache import on_disk

domain = Interval(t=(0.0, 200.0))
start = 2.0, 0.0


def rates(x, y, mu):
    return [y, mu * (1 - x**2) * y - x]


@on_disk(ode.Trajectory)
def trajectory(mu, rtol=1e-12):
    return ode.solve(lambda x, y: rates(x, y, mu), start, domain.upper[0], rtol)


def equations(x, y, mu):
    slope_x, slope_y = rates(x, y, mu)
    return [x.t - slope_x, y.t - slope_y]


van_der_pol = Problem(
    name="van_der_pol",
    domain=domain,
    fields=("x", "y"),
    coefficients={"mu": 100.0},
    conditions={
        "ode": Condition(equations, on=domain.interior),
        "start": Condition(lambda x, y: [x - start[0], y - start[1]], on=domain.start()),
    },
    reference=lambda t, mu: trajectory(mu)(t),
)
