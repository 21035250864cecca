"""Burgers' equation with unknown coefficients, u_t + λ₁ u u_x = λ₂ u_xx, from 2000 values of u on [−1, 1] × [0, 1].

λ₁ = 1, λ₂ = 0.01/π; the values are exact.
Raissi, Perdikaris & Karniadakis, *Physics-informed neural networks*, JCP 378, 2019.

Reference: the Cole-Hopf formula by quadrature, to 1e-12.
"""

import numpy as np

from pinnkit import Box, Condition, PointSet, Problem, Unknown
from pinnkit.problems.parabolic.burgers import cole_hopf

domain = Box(x=(-1.0, 1.0), t=(0.0, 1.0))
true_coefficients = {"lambda1": 1.0, "lambda2": 0.01 / np.pi}
x, t = np.random.default_rng(0).uniform(*domain.bounds, (2000, 2)).T


def exact(x, t):
    return cole_hopf(x, t, true_coefficients["lambda2"])


burgers_inverse = Problem(
    name="burgers_inverse",
    domain=domain,
    coefficients={"lambda1": Unknown(0.5), "lambda2": Unknown(0.02, positive=True)},
    conditions={
        "pde": Condition(lambda u, lambda1, lambda2: u.t + lambda1 * u * u.x - lambda2 * u.xx, on=domain.interior),
        "data": Condition(lambda u, u_measured: u - u_measured, on=PointSet({"x": x, "t": t}, u_measured=exact(x, t))),
    },
    reference=exact,
)
