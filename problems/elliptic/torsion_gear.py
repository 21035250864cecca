"""Torsion of a gear-shaped shaft: Prandtl's stress function, Δφ = −2 Gα, φ = 0 on r = 1 + 0.1 cos 8θ; here Gα = 1.

Reference: φ + r²/2 is harmonic: a series in powers of z^8 with poles beyond the valleys, fitted to its values r²/2 on
the rim (see `_references.multipoles`). By the maximum principle its error is at most that on the rim, 1e-14.

Timoshenko & Goodier, *Theory of elasticity*, McGraw-Hill 1951, §90.
"""

import functools

import numpy as np

from pinnkit import Condition, Outline, Problem, laplacian
from pinnkit.problems._references.multipoles import fitted

TEETH, DEPTH = 8, 0.1


def rim(s):
    angle = 2 * np.pi * s
    r = 1 + DEPTH * np.cos(TEETH * angle)
    return r * np.cos(angle), r * np.sin(angle)


domain = Outline(rim)


@functools.lru_cache
def series(order=3, degree=35):
    """In terms of z^8, by which all teeth are one."""
    x, y = rim(np.linspace(0, 1 / TEETH, 1000, endpoint=False))
    z, valley, away = (x + 1j * y) ** TEETH, -((1 - DEPTH) ** TEETH), np.geomspace(0.2, 5, 6)
    return fitted(z, (x**2 + y**2) / 2, valley * (1 + away), -valley * away, order, degree)


def reference(x, y):
    z = (np.asarray(x) + 1j * np.asarray(y)) ** TEETH
    return series()(z.real, z.imag) - (np.asarray(x) ** 2 + np.asarray(y) ** 2) / 2


torsion_gear = Problem(
    name="torsion_gear",
    domain=domain,
    conditions={
        "pde": Condition(lambda phi: laplacian(phi) + 2.0, on=domain.interior),
        "rim": Condition(lambda phi: phi, on=domain.boundary()),
    },
    fields=("phi",),
    reference=reference,
)
