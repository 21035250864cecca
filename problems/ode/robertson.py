"""Robertson's reactions, a' = −k1 a + k3 bc, b' = k1 a − k2 b² − k3 bc, c' = k2 b² on [0, 40], from (1, 0, 0).

k1 = 0.04, k2 = 3e7, k3 = 1e4: b stays below 4e-5 and starts within milliseconds.
Robertson, *The solution of a set of reaction rate equations*, in Numerical Analysis, Academic Press 1966.

Reference: Radau IIA at a tolerance of 1e-12. BDF at 1e-12 differs by 1e-9 in the relative L2 norm of each field.
"""

from pinnkit import Condition, Interval, Problem
from pinnkit.problems._references import ode
from pinnkit.problems._references.cache import on_disk

domain = Interval(t=(0.0, 40.0))


def rates(a, b, c, k1, k2, k3):
    return [-k1 * a + k3 * b * c, k1 * a - k2 * b**2 - k3 * b * c, k2 * b**2]


@on_disk(ode.Trajectory)
def trajectory(k1, k2, k3):
    return ode.solve(lambda a, b, c: rates(a, b, c, k1, k2, k3), [1.0, 0.0, 0.0], domain.upper[0], atol=1e-18)


def equations(a, b, c, k1, k2, k3):
    return [field.t - rate for field, rate in zip((a, b, c), rates(a, b, c, k1, k2, k3), strict=True)]


robertson = Problem(
    name="robertson",
    domain=domain,
    fields=("a", "b", "c"),
    coefficients={"k1": 0.04, "k2": 3e7, "k3": 1e4},
    conditions={
        "kinetics": Condition(equations, on=domain.interior),
        "start": Condition(lambda a, b, c: [a - 1.0, b, c], on=domain.start()),
    },
    reference=lambda t, k1, k2, k3: trajectory(k1, k2, k3)(t),
)
