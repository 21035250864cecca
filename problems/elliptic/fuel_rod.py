"""Fuel rod with cladding, (r k T')' / r + q = 0: the fuel, r < 0.9, conducts as k = 1 / (1 + T/2), the cladding as 0.3.

By Kirchhoff's transform, 2 ln(1 + T/2) = ∫ k dT is quadratic with a logarithm in the fuel; T is logarithmic in the
cladding. All numbers are relative to the rod's radius and the conductivity of cold fuel.
Todreas & Kazimi, *Nuclear systems*, volume 1, CRC Press 2011.
"""

import numpy as np

from pinnkit import Condition, Interval, Problem, dirichlet, interface, neumann, partial

axis, middle, surface = 0.01, 0.9, 1.0
fuel, clad = Interval(r=(axis, middle)), Interval(r=(middle, surface))


def conductivity(fuel):
    return 1 / (1 + fuel / 2)


def exact(r, q, k_clad):
    flux = q * (middle**2 - axis**2) / 2
    at_middle = 2 * np.log(1 + flux / k_clad * np.log(surface / middle) / 2)
    kirchhoff = at_middle + q / 4 * (middle**2 - r**2) - q * axis**2 / 2 * np.log(middle / r)
    return {"fuel": 2 * (np.exp(kirchhoff / 2) - 1), "clad": flux / k_clad * np.log(surface / r)}


fuel_rod = Problem(
    name="fuel_rod",
    fields={"fuel": fuel, "clad": clad},
    coefficients={"q": 4.0, "k_clad": 0.3},
    conditions={
        "fission": Condition(
            lambda fuel, r, q: partial(r * conductivity(fuel) * fuel.r, "r") + r * q, on=fuel.interior
        ),
        "cladding": Condition(lambda clad, r: partial(r * clad.r, "r"), on=clad.interior),
        "axis": neumann(fuel.lower_face("r"), field="fuel"),
        "coolant": dirichlet(clad.upper_face("r"), field="clad"),
        "contact": interface(fuel.boundary(clad), "fuel", "clad", conductivity, lambda k_clad: k_clad),
    },
    reference=exact,
)
