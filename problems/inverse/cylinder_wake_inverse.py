"""Navier-Stokes with unknown λ₁ and λ₂, u_t + λ₁ (u·∇)u = −∇p + λ₂ Δu, ∇·u = 0, from velocities behind a cylinder.

The cylinder has a diameter of 1 and Re = 100, so λ₁ = 1 and λ₂ = 0.01. cylinder_wake_inverse.csv has u and v at 10,000
random points of space and time, with errors of 1 % of their rms; nothing is known of p. u = ψ_y and v = −ψ_x conserve
mass, and ψ and p are 0 at one place.
Raissi, Perdikaris & Karniadakis, *Physics-informed neural networks*, JCP 378, 2019.

Reference: ψ by Fourier modes and Chebyshev polynomials (see `_references.wake`), computed once, in minutes. With more
of them and half the step it differs by 1e-5 in velocities, after a shift of time by 6e-4. The Strouhal number is
0.1654.
"""

from pathlib import Path

import numpy as np

from pinnkit import Box, Condition, PointSet, Problem, Unknown, laplacian, partial
from pinnkit.problems._references.wake import shedding

domain = Box(x=(2.0, 4.0), y=(-1.0, 1.0), t=(0.0, 2.0))
true_coefficients = {"lambda1": 1.0, "lambda2": 0.01}

noise = 0.0054
x, y, t, u, v = np.loadtxt(Path(__file__).with_name("cylinder_wake_inverse.csv"), delimiter=",", skiprows=1).T


def readings():
    """The rows of cylinder_wake_inverse.csv."""
    rng = np.random.default_rng(0)
    points = np.round(rng.uniform(*domain.bounds, (10000, 3)), 4)
    velocity = shedding()(*points.T)[:2]
    return np.column_stack([points, np.round(velocity + noise * rng.standard_normal(velocity.shape), 4).T])


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
            lambda psi, u, v: [psi.y - u, -psi.x - v],
            on=PointSet({"x": x, "y": y, "t": t}, u=u, v=v),
            sigma=noise,
        ),
    },
    reference=exact,
)
