"""Burgers' equation with unknown coefficients, u_t + λ₁ u u_x = λ₂ u_xx, from 2000 values of u with noise of 1 %.

λ₁ = 1, λ₂ = 0.01/π, as in `burgers_inverse`; errors have a standard deviation of 1 % of the rms of u.
Raissi, Perdikaris & Karniadakis, *Physics-informed neural networks*, JCP 378, 2019.

Reference: the Cole-Hopf formula by quadrature, to 1e-12.
"""

import numpy as np

from pinnkit import Condition, PointSet, Problem, Unknown
from pinnkit.problems.inverse.burgers_inverse import domain, exact, t, true_coefficients, x

values = exact(x, t)
noise = 0.01 * float(np.sqrt(np.mean(values**2)))
measured = values + noise * np.random.default_rng(1).standard_normal(values.size)

burgers_inverse_noisy = Problem(
    name="burgers_inverse_noisy",
    domain=domain,
    coefficients={"lambda1": Unknown(0.5), "lambda2": Unknown(0.02, positive=True)},
    conditions={
        "pde": Condition(lambda u, lambda1, lambda2: u.t + lambda1 * u * u.x - lambda2 * u.xx, on=domain.interior),
        "data": Condition(lambda u, u_measured: u - u_measured, on=PointSet({"x": x, "t": t}, u_measured=measured)),
    },
    reference=exact,
)

__all__ = ["burgers_inverse_noisy", "true_coefficients"]
