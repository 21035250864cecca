"""Black-Scholes equation of a European call, V_t = ½σ² S² V_SS + r S V_S − r V on [0, 400] × [0, 1].

t is the time to expiry in years; V = max(S − K, 0) at t = 0, K = 100, σ = 0.2, r = 0.05 per year, V(0) = 0 and
V(400) = 400 − K exp(−rt).
Black & Scholes, *The pricing of options and corporate liabilities*, J. Polit. Econ. 81, 1973.

Reference: the formula of Black and Scholes; at S = 400 it differs from the boundary value by less than 1e-8.
"""

import jax.numpy as jnp
import numpy as np
from scipy.special import ndtr

from pinnkit import Box, Condition, Problem, dirichlet, initial

domain = Box(S=(0.0, 400.0), t=(0.0, 1.0))


def formula(S, t, K, sigma, r):
    with np.errstate(divide="ignore", invalid="ignore"):
        d = (np.log(S / K) + (r + sigma**2 / 2) * t) / (sigma * np.sqrt(t))
    value = S * ndtr(d) - K * np.exp(-r * t) * ndtr(d - sigma * np.sqrt(t))
    return np.where((t == 0) | (S == 0), np.maximum(S - K, 0.0), value)


black_scholes = Problem(
    name="black_scholes",
    domain=domain,
    fields=("V",),
    coefficients={"K": 100.0, "sigma": 0.2, "r": 0.05},
    conditions={
        "pde": Condition(
            lambda V, S, sigma, r: V.t - sigma**2 * S**2 * V.SS / 2 - r * S * V.S + r * V, on=domain.interior
        ),
        "expiry": initial(domain, lambda S, K: jnp.maximum(S - K, 0.0), field="V"),
        "worthless": dirichlet(domain.lower_face("S"), field="V"),
        "exercised": dirichlet(domain.upper_face("S"), lambda S, t, K, r: S - K * jnp.exp(-r * t), "V"),
    },
    reference=formula,
)
