"""Shapes for tests, with their exact measures."""

import numpy as np

from pinnkit import Annulus, Box, Disk, Ellipse, Implicit, Outline, Polygon, QuasiRandom, Sector, Uniform

L = [(0.0, 0.0), (2.0, 0.0), (2.0, 1.0), (1.0, 1.0), (1.0, 2.0), (0.0, 2.0)]
SQUARE = Box(x=(-0.5, 0.5), y=(-0.5, 0.5))
PLATE = SQUARE - Disk(0.2, x=0.1, y=0.0).named("hole") - Disk(0.1, x=0.5, y=0.5).named("notch")

PLANE = {
    "disk": (Disk(0.7, x=0.3, y=-0.2), 0.49 * np.pi, {"circle": 1.4 * np.pi}),
    "ellipse": (Ellipse(radii=(2.0, 1.0)), 2 * np.pi, {"ellipse": 9.688448220547676}),
    "annulus": (Annulus(0.5, 1.0), 0.75 * np.pi, {"outer": 2 * np.pi, "inner": np.pi}),
    "sector": (Sector(2.0, (0.3, 1.3)), 2.0, {"arc": 2.0, "start": 2.0, "end": 2.0}),
    "half disk": (Sector(1.0, (0.0, np.pi)), np.pi / 2, {"arc": np.pi, "start": 1.0, "end": 1.0}),
    "re-entrant sector": (
        Sector(1.0, (0.0, 1.5 * np.pi)),
        0.75 * np.pi,
        {"arc": 1.5 * np.pi, "start": 1.0, "end": 1.0},
    ),
    "polygon": (Polygon(L), 3.0, {"outer": 8.0}),
    "polygon with a hole": (
        Polygon(L, holes=[[(0.2, 0.2), (0.6, 0.2), (0.6, 0.5)]]),
        3.0 - 0.06,
        {"outer": 8.0, "hole": 1.2},
    ),
    "plate": (
        PLATE,
        1 - 0.04 * np.pi - 0.0025 * np.pi,
        {"left": 1.0, "right": 0.9, "bottom": 1.0, "top": 0.9, "hole": 0.4 * np.pi, "notch": 0.05 * np.pi},
    ),
    "lens": (Disk(1.0) & Disk(1.0, x=1.0, y=0.0), 2 * np.pi / 3 - np.sqrt(0.75), {"circle": 4 * np.pi / 3}),
    "outline": (
        Outline(lambda s: (2 * np.sin(2 * np.pi * s), np.cos(2 * np.pi * s))).rotate(0.3),
        2 * np.pi,
        {"outline": 9.688448220547676},
    ),
    "outline with a notch": (
        Outline(lambda s: (np.cos(2 * np.pi * s), np.sin(2 * np.pi * s))) - Disk(1.0, x=1.0, y=0.0),
        np.pi / 3 + np.sqrt(0.75),
        {"outline": 4 * np.pi / 3, "circle": 2 * np.pi / 3},
    ),
    "implicit": (
        Implicit(lambda x, y: (x**2 + y**2 - 1) * (x**2 + y**2 - 0.25), x=(-1.5, 1.5), y=(-1.5, 1.5)),
        0.75 * np.pi,
        {"level": 3 * np.pi},
    ),
    "turned and enlarged": (
        Polygon(L).rotate(0.4, x=1.0, y=1.0).scale(1.5).translate(y=2.0),
        3.0 * 2.25,
        {"outer": 12.0},
    ),
}


def sample(region, n, seed=0, sampler=None):
    """Points of a region and their normals, None in the interior."""
    found = region.placed((sampler or QuasiRandom()).layout(region, n, seed))
    return found if isinstance(found, tuple) else (found, None)


def uniform(region, n, seed=0):
    """Independent uniform points of a region."""
    return sample(region, n, seed, Uniform())[0]
