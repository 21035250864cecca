"""Stokes flow in a channel past a cylinder: −Δu + ∇p = 0, ∇·u = 0, at rest on the walls and on the cylinder.

The channel of the benchmark of Schäfer & Turek, 2.2 by 0.41 with a cylinder of radius 0.05 around (0.2, 0.2), in units
of the viscosity; u = 4 y (H − y)/H² at both ends, p = 0 in the middle of the outlet.

Reference: u, v and p by two analytic functions fitted to the boundary (see `_references.stokes`), whose velocities
differ from the given ones by at most 3e-6; the drag, 20.949511, is the integral of the stresses in nine digits.

Schäfer & Turek, *Benchmark computations of laminar flow around a cylinder*, Notes Numer. Fluid Mech. 52, 1996.
"""

import numpy as np

from pinnkit import Box, Condition, Disk, PointSet, Problem, laplacian
from pinnkit.problems._references import stokes
from pinnkit.problems._references.cache import on_disk

LENGTH, HEIGHT, RADIUS, CENTER = 2.2, 0.41, 0.05, 0.2 + 0.2j

channel = Box(x=(0.0, LENGTH), y=(0.0, HEIGHT))
domain = channel - Disk(RADIUS, x=CENTER.real, y=CENTER.imag).named("cylinder")


def parabola(y):
    return 4 * y * (HEIGHT - y) / HEIGHT**2


@on_disk(stokes.StokesFlow)
def flow(order=24, degree=130, count=600):
    """From points of the boundary that are denser in its corners."""
    share = (1 - np.cos(np.pi * (np.arange(count) + 0.5) / count)) / 2
    circle = CENTER + RADIUS * np.exp(2j * np.pi * np.arange(count) / count)
    along, across = LENGTH * share, 1j * HEIGHT * share
    z = np.concatenate([along, along + 1j * HEIGHT, across, LENGTH + across, circle])
    velocity = np.where(np.arange(len(z)) < 4 * count, parabola(z.imag), 0.0)
    x, y = CENTER.real, CENTER.imag
    images = [complex(a, b) for a in (x, -x) for b in (y, -y, 2 * HEIGHT - y) if (a, b) != (x, y)]
    centers = [CENTER, *images]
    return stokes.fitted(z, velocity + 0j, centers, len(centers) * [RADIUS], 1, (0, LENGTH), order, degree)


def drag():
    """The force on the cylinder along the channel."""
    return flow().force(0).real


def reference(x, y):
    u, v, p = flow()(x, y)
    (base,) = flow()(np.array([LENGTH]), np.array([HEIGHT / 2]))[2]
    return {"u": u, "v": v, "p": p - base}


stokes_cylinder = Problem(
    name="stokes_cylinder",
    domain=domain,
    fields=("u", "v", "p"),
    conditions={
        "momentum": Condition(lambda u, v, p: [p.x - laplacian(u), p.y - laplacian(v)], on=domain.interior),
        "mass": Condition(lambda u, v: u.x + v.y, on=domain.interior),
        "ends": Condition(lambda u, v, y: [u - parabola(y), v], on=domain.boundary("left", "right")),
        "walls": Condition(lambda u, v: [u, v], on=domain.boundary("bottom", "top")),
        "cylinder": Condition(lambda u, v: [u, v], on=domain.boundary("cylinder")),
        "pressure": Condition(lambda p: p, on=PointSet({"x": LENGTH, "y": HEIGHT / 2})),
    },
    reference=reference,
)
