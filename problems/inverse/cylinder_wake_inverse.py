"""Navier-Stokes with unknown λ₁ and λ₂, u_t + λ₁ (u·∇)u = −∇p + λ₂ Δu, ∇·u = 0, from velocities behind a cylinder.

The cylinder has a diameter of 1 and Re = 100, so λ₁ = 1 and λ₂ = 0.01. u and v are known at 10,000 random points of
space and time, with errors of 1 % of their rms; nothing is known of p. u = ψ_y and v = −ψ_x conserve mass, and ψ and p
are 0 at one place.
Raissi, Perdikaris & Karniadakis, *Physics-informed neural networks*, JCP 378, 2019.

Reference: ψ by Fourier modes and Chebyshev polynomials (see `_references.wake`), computed once, in minutes. With more
of them and half the step it differs by 1e-5 in velocities, after a shift of time by 6e-4. The Strouhal number is
0.1654.
"""

import numpy as np

from pinnkit import Box, Condition, PointSet, Problem, Unknown, laplacian, partial
from pinnkit.problems._references.wake import shedding

domain = Box(x=(2.0, 4.0), y=(-1.0, 1.0), t=(0.0, 2.0))
true_coefficients = {"lambda1": 1.0, "lambda2": 0.01}

rng, count = np.random.default_rng(0), 10000
x, y, t = rng.uniform(*domain.bounds, (count, 3)).T
velocity = shedding()(x, y, t)[:2]
noise = 0.01 * float(np.sqrt(np.mean(velocity**2)))
u_measured, v_measured = velocity + noise * rng.standard_normal((2, count))


def momentum(psi, p, lambda1, lambda2):
    u, v = psi.y, -psi.x
    rate = lambda s: partial(s, "t") + lambda1 * (u * partial(s, "x") + v * partial(s, "y")) - lambda2 * laplacian(s)
    return [rate(u) + p.x, rate(v) + p.y]


def exact(x, y, t):
    corner = shedding()(np.full_like(t, 2.0), np.zeros_like(t), t)[2]
    return {"psi": shedding()(x, y, t)[2] - corner}


cylinder_wake_inverse = Problem(
    name="cylinder_wake_inverse",
    domain=domain,
    fields=("psi", "p"),
    coefficients={"lambda1": Unknown(0.5), "lambda2": Unknown(0.02, positive=True)},
    conditions={
        "momentum": Condition(momentum, on=domain.interior),
        "base": Condition(lambda psi, p: [psi(x=2.0, y=0.0), p(x=2.0, y=0.0)], on=domain.lower_face("x")),
        "data": Condition(
            lambda psi, u_measured, v_measured: [psi.y - u_measured, -psi.x - v_measured],
            on=PointSet({"x": x, "y": y, "t": t}, u_measured=u_measured, v_measured=v_measured),
            sigma=noise,
        ),
    },
    reference=exact,
)
