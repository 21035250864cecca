"""Laplace equation on a square with four holes, Δu = 0: u = 1 on the sides of [−½, ½]² and 0 on circles of radius 0.1.

The circles are around (±0.3, ±0.3).

Reference: series around the holes and their images (see `_references.multipoles`), to 1e-12.

Hao et al., *PINNacle: a comprehensive benchmark of physics-informed neural networks for solving PDEs*, NeurIPS 2024.
"""

import functools
import itertools

import numpy as np

from pinnkit import Box, Condition, Disk, Problem, laplacian
from pinnkit.problems._references.multipoles import fitted

RADIUS, CENTERS = 0.1, tuple(itertools.product((-0.3, 0.3), repeat=2))
IMAGES = tuple(itertools.product((-0.7, -0.3, 0.3, 0.7), repeat=2))

domain = Box(x=(-0.5, 0.5), y=(-0.5, 0.5))
for x, y in CENTERS:
    domain = domain - Disk(RADIUS, x=x, y=y).named("hole")


def boundary(count):
    """Points of the sides and of the circles, as complex numbers, and the values there."""
    side = 0.5 + 1j * np.cos(np.pi * (np.arange(count) + 0.5) / count) / 2
    circle = RADIUS * np.exp(2j * np.pi * np.arange(count) / count)
    z = np.concatenate([*(side * 1j**k for k in range(4)), *(complex(*center) + circle for center in CENTERS)])
    return z, np.repeat([1.0, 0.0], 4 * count)


@functools.lru_cache
def series(order=18, degree=48):
    return fitted(*boundary(300), [complex(*center) for center in IMAGES], len(IMAGES) * [RADIUS], order, degree)


def reference(x, y):
    return series()(x, y)


poisson_holes = Problem(
    name="poisson_holes",
    domain=domain,
    conditions={
        "pde": Condition(lambda u: laplacian(u), on=domain.interior),
        "sides": Condition(lambda u: u - 1.0, on=domain.boundary("left", "right", "bottom", "top")),
        "holes": Condition(lambda u: u, on=domain.boundary("hole")),
    },
    reference=reference,
)
