"""Lid-driven cavity: steady Navier-Stokes on the unit square at Re = 100, the lid y = 1 slides with u = 1.

(u·∇)u = −∇p + Δu/Re, ∇·u = 0, at rest on the other walls, p = 0 in one corner. The velocity jumps where the lid ends.
Ghia, Ghia & Shin, *High-Re solutions for incompressible flow*, J. Comput. Phys. 48, 1982.

Reference: u and v by Chebyshev collocation of degree 56 with the corner flows taken out. With degree 48 they differ by
8e-7 in the relative L2 norm; at Re = 1000, the largest, those of degrees 56 and 60 differ by 6e-4. Extrema on the
centre lines agree with Botella & Peyret, Computers & Fluids 27, 1998, in six digits, and at Re = 1000 in four.
"""

from pinnkit import Box, Condition, PointSet, Problem, laplacian
from pinnkit.problems._references import cavity
from pinnkit.problems._references.cache import on_disk

domain = Box(x=(0.0, 1.0), y=(0.0, 1.0))


@on_disk(cavity.Flow)
def flow(Re, n=None):
    return cavity.solve("uniform", Re, n or (56 if Re <= 400 else 60))


def reference(x, y, Re):
    u, v = flow(Re)(x, y)
    return {"u": u, "v": v}


def momentum(u, v, p, Re):
    return [
        u * u.x + v * u.y + p.x - laplacian(u) / Re,
        u * v.x + v * v.y + p.y - laplacian(v) / Re,
    ]


lid_driven_cavity = Problem(
    name="lid_driven_cavity",
    domain=domain,
    fields=("u", "v", "p"),
    coefficients={"Re": 100.0},
    conditions={
        "momentum": Condition(momentum, on=domain.interior),
        "mass": Condition(lambda u, v: u.x + v.y, on=domain.interior),
        "lid": Condition(lambda u, v: [u - 1, v], on=domain.upper_face("y")),
        "sides": Condition(lambda u, v: [u, v], on=domain.boundary("x")),
        "bottom": Condition(lambda u, v: [u, v], on=domain.lower_face("y")),
        "pressure": Condition(lambda p: p, on=PointSet({"x": 0.0, "y": 0.0})),
    },
    reference=reference,
)
