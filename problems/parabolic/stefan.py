"""Melting ice, Stefan's problem: T_t = T_xx on 0 < x < s(t), T = 1 at x = 0; T = 0 and L s' = −T_x at the front.

The front s is a field of time alone. With y = x / s(t) the melt fills 0 < y < 1: s² T_t − y s s' T_y = T_yy. From
t = 0.1 on it is the similarity solution T = 1 − erf(λ y) / erf λ, s = 2λ√t with √π λ exp(λ²) erf λ = 1/L.
Carslaw & Jaeger, *Conduction of heat in solids*, Clarendon Press 1959, § 11.2.

Reference: these formulas, with λ to rounding.
"""

import numpy as np
from jax.scipy.special import erf
from scipy import special
from scipy.optimize import brentq

from pinnkit import Box, Condition, Interval, Problem, dirichlet, initial

melt, time = Box(y=(0.0, 1.0), t=(0.1, 1.0)), Interval(t=(0.1, 1.0))


def rate(L):
    """λ from the latent heat."""
    return brentq(lambda x: np.sqrt(np.pi) * x * np.exp(x**2) * special.erf(x) - 1 / L, 1e-6, 5.0)


def exact(y, t):
    return {"T": 1 - special.erf(front * y) / special.erf(front), "s": 2 * front * np.sqrt(t)}


L, front = 2.0, rate(2.0)

stefan = Problem(
    name="stefan",
    fields={"T": melt, "s": time},
    conditions={
        "heat": Condition(lambda T, s, y: s**2 * T.t - y * s * s.t * T.y - T.yy, on=melt.interior),
        "hot": dirichlet(melt.lower_face("y"), 1.0, "T"),
        "melting": dirichlet(melt.upper_face("y"), 0.0, "T"),
        "front": Condition(lambda T, s: L * s * s.t + T.y, on=melt.upper_face("y")),
        "start": initial(melt, lambda y: 1 - erf(front * y) / special.erf(front), field="T"),
        "start of the front": Condition(lambda s: s - 2 * front * np.sqrt(0.1), on=time.start()),
    },
    reference=exact,
)
