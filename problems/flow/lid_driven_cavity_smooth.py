"""Lid-driven cavity with a smooth lid: steady Navier-Stokes on the unit square, Re = 100, u = 16 x² (1 − x)² at y = 1.

(u·∇)u = −∇p + Δu/Re, ∇·u = 0, at rest on the other walls, p = 0 in one corner: without jumps in the velocity.
Shen, *Hopf bifurcation of the unsteady regularized driven cavity flow*, J. Comput. Phys. 95, 1991.

Reference: u and v by Chebyshev collocation of degree 64. With degree 48 they differ by 2e-8 in the
relative L2 norm.
"""

from pinnkit import Box, Condition, PointSet, Problem, laplacian
from pinnkit.problems._references import cavity
from pinnkit.problems._references.cache import on_disk

domain = Box(x=(0.0, 1.0), y=(0.0, 1.0))


@on_disk(cavity.Flow)
def flow(Re, n=64):
    return cavity.solve("smooth", Re, n)


def reference(x, y, Re):
    u, v = flow(Re)(x, y)
    return {"u": u, "v": v}


def momentum(u, v, p, Re):
    return [
        u * u.x + v * u.y + p.x - laplacian(u) / Re,
        u * v.x + v * v.y + p.y - laplacian(v) / Re,
    ]


lid_driven_cavity_smooth = Problem(
    name="lid_driven_cavity_smooth",
    domain=domain,
    fields=("u", "v", "p"),
    coefficients={"Re": 100.0},
    conditions={
        "momentum": Condition(momentum, on=domain.interior),
        "mass": Condition(lambda u, v: u.x + v.y, on=domain.interior),
        "lid": Condition(lambda u, v, x: [u - 16 * x**2 * (1 - x) ** 2, v], on=domain.upper_face("y")),
        "sides": Condition(lambda u, v: [u, v], on=domain.boundary("x")),
        "bottom": Condition(lambda u, v: [u, v], on=domain.lower_face("y")),
        "pressure": Condition(lambda p: p, on=PointSet({"x": 0.0, "y": 0.0})),
    },
    reference=reference,
)
