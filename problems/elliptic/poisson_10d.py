"""Laplace equation, Δu = 0 on the ten-dimensional unit cube, u = ab + ce + fg + hi + jk given on the boundary.

E & Yu, *The deep Ritz method*, Commun. Math. Stat. 6, 2018.
"""

from pinnkit import Box, Condition, Problem, laplacian

unit = 0.0, 1.0
domain = Box(a=unit, b=unit, c=unit, e=unit, f=unit, g=unit, h=unit, i=unit, j=unit, k=unit)


def exact(a, b, c, e, f, g, h, i, j, k):
    return a * b + c * e + f * g + h * i + j * k


poisson_10d = Problem(
    name="poisson_10d",
    domain=domain,
    conditions={
        "pde": Condition(lambda u: laplacian(u), on=domain.interior),
        "walls": Condition(
            lambda u, a, b, c, e, f, g, h, i, j, k: u - exact(a, b, c, e, f, g, h, i, j, k), on=domain.boundary()
        ),
    },
    reference=exact,
)
