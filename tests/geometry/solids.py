"""Shapes of space for tests, with their exact measures."""

import numpy as np

from pinnkit import Ball, Box, Cone, Cylinder, Disk, Ellipse, Polygon, Torus

PI, CUBE = np.pi, Box(x=(0.0, 1.0), y=(0.0, 1.0), z=(0.0, 1.0))
RING = np.sqrt(3.0)  # the height of a ball without a cylinder of half its radius

SPACE = {
    "ball": (Ball(0.7, x=0.3, y=-0.2, z=0.1), 4 / 3 * PI * 0.343, {"sphere": 4 * PI * 0.49}),
    "cylinder": (
        Cylinder(0.5, x=(0.0, 2.0), y=1.0, z=0.0),
        PI / 2,
        {"side": 2 * PI, "bottom": PI / 4, "top": PI / 4},
    ),
    "cone": (Cone((1.0, 0.0), z=(0.0, 2.0)), 2 * PI / 3, {"side": PI * np.sqrt(5.0), "bottom": PI}),
    "truncated cone": (
        Cone((1.0, 0.5), z=(0.0, 2.0)),
        2 * PI / 3 * 1.75,
        {"side": 1.5 * PI * np.sqrt(4.25), "bottom": PI, "top": PI / 4},
    ),
    "torus": (Torus(1.0, 0.3, axis="y"), 0.18 * PI**2, {"torus": 1.2 * PI**2}),
    "ball with a hole": (
        Ball(1.0) - Ball(0.3, x=0.2, y=0.0, z=0.1).named("hole"),
        4 / 3 * PI * (1 - 0.027),
        {"sphere": 4 * PI, "hole": 0.36 * PI},
    ),
    "cube without a corner": (
        CUBE - Ball(0.5, x=0.0, y=0.0, z=0.0),
        1 - PI / 48,
        dict.fromkeys(("left", "front", "bottom"), 1 - PI / 16)
        | dict.fromkeys(("right", "back", "top"), 1.0)
        | {"sphere": PI / 8},
    ),
    "lens": (Ball(1.0) & Ball(1.0, x=1.0, y=0.0, z=0.0), 5 * PI / 12, {"sphere": 2 * PI}),
    "ring": (
        Ball(1.0) - Cylinder(0.5, z=(-2.0, 2.0)),
        PI * RING**3 / 6,
        {"sphere": 2 * PI * RING, "side": PI * RING},
    ),
    "crossing cylinders": (
        Cylinder(1.0, z=(-2.0, 2.0)) & Cylinder(1.0, x=(-2.0, 2.0)).named("other"),
        16 / 3,
        {"side": 8.0, "other": 8.0},
    ),
    "extruded plate": (
        (Ellipse((2.0, 1.0)) - Disk(0.5, x=1.0, y=0.0).named("hole")).scale(0.5).extrude(z=(1.0, 2.0)).rotate(0.5, "x"),
        0.4375 * PI,
        {"ellipse": 9.688448220547676 / 2, "hole": PI / 2, "bottom": 0.4375 * PI, "top": 0.4375 * PI},
    ),
    "extruded polygon": (
        Polygon([(0, 0), (2, 0), (0, 1)], names=["floor", "roof", "wall"]).extrude(z=(0.0, 3.0)),
        3.0,
        {"floor": 6.0, "roof": 3 * np.sqrt(5.0), "wall": 3.0, "bottom": 1.0, "top": 1.0},
    ),
    "half a torus, moved": (
        (Torus(1.0, 0.3) & Box(x=(0.0, 2.0), y=(-2.0, 2.0), z=(-1.0, 1.0)))
        .rotate(0.4, "y")
        .scale(2.0)
        .translate(z=1.0),
        0.72 * PI**2,
        {"torus": 2.4 * PI**2, "left": 0.72 * PI},
    ),
}
