"""Vibrating cantilever, u_tt + u_xxxx = 0 on [0, 1], clamped at x = 0, free at x = 1, released at rest.

The first two modes, φ = cosh βx − cos βx − s (sinh βx − sin βx) with cos β cosh β = −1, times cos β²t, for one period
of the first one, in units of L² √(m/EI).
Timoshenko, *Vibration problems in engineering*, Van Nostrand 1928.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Box, Condition, Problem, initial

BETAS, AMPLITUDES = (1.8751040687119612, 4.694091132974175), (0.5, 0.1)

domain = Box(x=(0.0, 1.0), t=(0.0, 2 * np.pi / BETAS[0] ** 2))


def mode(x, beta, np=jnp):
    s = (np.cosh(beta) + np.cos(beta)) / (np.sinh(beta) + np.sin(beta))
    return np.cosh(beta * x) - np.cos(beta * x) - s * (np.sinh(beta * x) - np.sin(beta * x))


def start(x):
    return sum(a * mode(x, beta) for a, beta in zip(AMPLITUDES, BETAS, strict=True))


def exact(x, t):
    return sum(a * mode(x, beta, np) * np.cos(beta**2 * t) for a, beta in zip(AMPLITUDES, BETAS, strict=True))


vibrating_beam = Problem(
    name="vibrating_beam",
    domain=domain,
    conditions={
        "beam": Condition(lambda u: u.tt + u.xxxx, on=domain.interior),
        "initial": initial(domain, start, velocity=0.0),
        "clamped": Condition(lambda u: [u, u.x], on=domain.lower_face("x")),
        "free": Condition(lambda u: [u.xx, u.xxx], on=domain.upper_face("x")),
    },
    reference=exact,
)
