"""Fractional relaxation, D^½ u + u = 0 with u(0) = 1 and Caputo's derivative of order ½ by time, for 0 ≤ t ≤ 9.

u is not smooth in t = 0 but an analytic function of s = √t, the coordinate, and with substitution
D^½ u = π^−½ ∫ u'(τ) dτ / √(t − τ) = π^−½ ∫ u_s(s sin φ) dφ over 0 < φ < π/2.

Reference: exact, u = E_½(−√t) = exp(t) erfc √t.

Gorenflo & Mainardi, *Fractional calculus*, in *Fractals and fractional calculus in continuum mechanics*, Springer 1997.
"""

import jax.numpy as jnp
import numpy as np
from scipy.special import erfcx

from pinnkit import Condition, Interval, Problem, dirichlet

domain = Interval(s=(0.0, 3.0))
nodes, weights = np.polynomial.legendre.leggauss(20)
sines = np.sin(np.pi * (nodes + 1) / 4)


def relaxation(u, s):
    half_derivative = np.sqrt(np.pi) / 4 * jnp.dot(weights, u(s=s * sines).s.value)
    return half_derivative + u


def exact(s):
    return erfcx(s)


fractional = Problem(
    name="fractional",
    domain=domain,
    conditions={
        "relaxation": Condition(relaxation, on=domain.interior),
        "start": dirichlet(domain.lower_face("s"), 1.0),
    },
    reference=exact,
)
