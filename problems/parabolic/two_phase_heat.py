"""Freezing water, Stefan's problem with two phases: T_t = T_xx in ice, 0 < x < s(t), and T_t = a T_xx in water beyond.

T = −1 at x = 0, T = 0 at the front, L s' = T_x(ice) − k T_x(water), T = ½ far away. Both phases have fixed places with
y = x/s < 1 in ice and y = 1 + x − s in water. From t = 0.1 on it is Neumann's similarity solution, s = 2λ√t,
ice = erf(x/2√t) / erf λ − 1, water = ½ (1 − erfc(x/2√(at)) / erfc(λ/√a)); water is within 1e-15 of ½ at y = 4.
Carslaw & Jaeger, *Conduction of heat in solids*, Clarendon Press 1959, § 11.2.

Reference: these formulas, with λ to rounding.
"""

import numpy as np
from jax.scipy import special as jax_special
from scipy import special
from scipy.optimize import brentq

from pinnkit import Box, Condition, Interval, Problem, dirichlet, initial

ice, water, time = Box(y=(0.0, 1.0), t=(0.1, 1.0)), Box(y=(1.0, 4.0), t=(0.1, 1.0)), Interval(t=(0.1, 1.0))
L, k, a = 2.0, 0.25, 0.12


def gain(x):
    """The heat that leaves the front, times √(πt), less that of freezing, where x is λ."""
    into_ice, into_water = np.exp(-(x**2)) / special.erf(x), np.exp(-(x**2) / a) / special.erfc(x / a**0.5)
    return into_ice - k / 2 * into_water / a**0.5 - np.pi**0.5 * L * x


rate = brentq(gain, 1e-3, 2.0, xtol=1e-15)


def similarity(y, t, functions):
    s = 2 * rate * t**0.5
    in_water = functions.erfc((s + y - 1) / (2 * (a * t) ** 0.5)) / special.erfc(rate / a**0.5)
    return {"ice": functions.erf(rate * y) / special.erf(rate) - 1, "water": (1 - in_water) / 2, "s": s}


def at_start(name):
    return lambda y: similarity(y, 0.1, jax_special)[name]


two_phase_heat = Problem(
    name="two_phase_heat",
    fields={"ice": ice, "water": water, "s": time},
    conditions={
        "heat in ice": Condition(lambda ice, s, y: s**2 * ice.t - y * s * s.t * ice.y - ice.yy, on=ice.interior),
        "heat in water": Condition(lambda water, s: water.t - s.t * water.y - a * water.yy, on=water.interior),
        "cold": dirichlet(ice.lower_face("y"), -1.0, "ice"),
        "warm": dirichlet(water.upper_face("y"), 0.5, "water"),
        "melting point": Condition(lambda ice, water: [ice, water], on=ice.boundary(water)),
        "front": Condition(lambda ice, water, s: L * s * s.t - ice.y + k * s * water.y, on=ice.boundary(water)),
        "ice at first": initial(ice, at_start("ice"), field="ice"),
        "water at first": initial(water, at_start("water"), field="water"),
        "front at first": Condition(lambda s: s - 2 * rate * 0.1**0.5, on=time.start()),
    },
    reference=lambda y, t: similarity(y, t, special),
)
