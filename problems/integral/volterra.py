"""Volterra equation with a derivative, u' + u = ∫₀ˣ exp(s − x) u(s) ds on [0, 5], u(0) = 1: u = e^−x cosh x.

Lu, Meng, Mao & Karniadakis, *DeepXDE: a deep learning library for solving differential equations*, SIAM Rev. 63, 2021.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Condition, Interval, Problem, dirichlet

domain = Interval(x=(0.0, 5.0))
nodes, weights = np.polynomial.legendre.leggauss(32)


def equation(u, x):
    s = x * (nodes + 1) / 2
    return u.x + u - x / 2 * jnp.dot(weights * jnp.exp(s - x), u(x=s).value)


def exact(x):
    return np.exp(-x) * np.cosh(x)


volterra = Problem(
    name="volterra",
    domain=domain,
    conditions={
        "equation": Condition(equation, on=domain.interior),
        "start": dirichlet(domain.lower_face("x"), 1.0),
    },
    reference=exact,
)
