"""Advection and diffusion with a boundary layer, u' = u''/Pe on [0, 1], u(0) = 0, u(1) = 1, Péclet number 100.

u = (exp(Pe (x − 1)) − exp(−Pe)) / (1 − exp(−Pe)); Pe = 1000 is harder: the layer has the width 1/Pe.
Roos, Stynes & Tobiska, *Robust numerical methods for singularly perturbed differential equations*, Springer 2008.
"""

import numpy as np

from pinnkit import Condition, Interval, Problem, dirichlet

domain = Interval(x=(0.0, 1.0))


def exact(x, Pe):
    return (np.exp(Pe * (x - 1)) - np.exp(-Pe)) / (1 - np.exp(-Pe))


boundary_layer = Problem(
    name="boundary_layer",
    domain=domain,
    coefficients={"Pe": 100.0},
    conditions={
        "pde": Condition(lambda u, Pe: u.x - u.xx / Pe, on=domain.interior),
        "inflow": dirichlet(domain.lower_face("x")),
        "outflow": dirichlet(domain.upper_face("x"), 1.0),
    },
    reference=exact,
)
