"""Stationary Fokker-Planck equation, (x p)' + D p'' = 0 on [−8, 8] with ∫p = 1, D = 1: without it, p = 0 is a solution.

p = exp(−x²/2D) / √(2πD), a particle in a harmonic trap. Risken, *The Fokker-Planck equation*, Springer 1989.
"""

import numpy as np

from pinnkit import Condition, Interval, Problem, dirichlet, integral, partial

domain = Interval(x=(-8.0, 8.0))


def exact(x, D):
    return np.exp(-(x**2) / (2 * D)) / np.sqrt(2 * np.pi * D)


fokker_planck = Problem(
    name="fokker_planck",
    domain=domain,
    fields=("p",),
    coefficients={"D": 1.0},
    conditions={
        "flux": Condition(lambda p, x, D: partial(x * p + D * p.x, "x"), on=domain.interior),
        "far": dirichlet(domain.boundary("x"), field="p"),
        "norm": integral(domain, 1.0, field="p", nodes=64),
    },
    reference=exact,
)
