"""A square with five round inclusions that conduct ten times better, Δu = 0 in each, u and its flux continuous.

u = 1 on the left side of the unit square and 0 on the right one, nothing flows through the others.

Reference: series around the inclusions and their images (see `_references.composite`), to 1e-10. With degree 24 and
order 14 they differ by 3e-10 in the relative L2 norm.

Milton, *The theory of composites*, Cambridge University Press 2002.
"""

import functools
import operator

import numpy as np

from pinnkit import Box, Condition, Disk, Problem, dirichlet, interface, laplacian, neumann
from pinnkit.problems._references import composite
from pinnkit.problems._references.cache import on_disk

RADIUS, K = 0.12, 10.0
CENTERS = (0.22 + 0.25j, 0.75 + 0.2j, 0.5 + 0.5j, 0.25 + 0.78j, 0.8 + 0.7j)

square = Box(x=(0.0, 1.0), y=(0.0, 1.0))
disks = functools.reduce(operator.or_, (Disk(RADIUS, x=c.real, y=c.imag) for c in CENTERS))
plate = square - disks


@on_disk(composite.Potential)
def potential(degree=32, order=18, count=220):
    share = (1 - np.cos(np.pi * (np.arange(count) + 0.5) / count)) / 2
    sides = [(1j * share, None, 1.0), (1 + 1j * share, None, 0.0), (share, -1j, 0.0), (1j + share, 1j, 0.0)]
    reflected = lambda s: (s, -s, 2 - s)
    images = [complex(x, y) for c in CENTERS for x in reflected(c.real) for y in reflected(c.imag)]
    centers = [*CENTERS, *(c for c in images if c not in CENTERS)]
    return composite.fitted(centers, len(CENTERS), RADIUS, K, sides, degree, order, count)


def reference(x, y):
    u = potential()(x, y)
    return {"inner": u, "outer": u}


inclusions = Problem(
    name="inclusions",
    fields={"inner": disks, "outer": plate},
    conditions={
        "inner": Condition(lambda inner: K * laplacian(inner), on=disks.interior),
        "outer": Condition(lambda outer: laplacian(outer), on=plate.interior),
        "left": dirichlet(plate.boundary("left"), 1.0, field="outer"),
        "right": dirichlet(plate.boundary("right"), 0.0, field="outer"),
        "insulated": neumann(plate.boundary("bottom", "top"), field="outer"),
        "contact": interface(disks.boundary(plate), "inner", "outer", K),
    },
    reference=reference,
)
