"""Torsion of an elliptic shaft: Prandtl's stress function, Δφ = −2 Gα, φ = 0 on the rim.

φ = Gα a²b²/(a² + b²) (1 − x²/a² − y²/b²) with the shear modulus G and the twist α per length; here Gα = 1.

Timoshenko & Goodier, *Theory of elasticity*, McGraw-Hill 1951, §92.
"""

from pinnkit import Condition, Ellipse, Problem, laplacian

a, b = 1.0, 0.6
domain = Ellipse(radii=(a, b))


def exact(x, y):
    return a**2 * b**2 / (a**2 + b**2) * (1 - x**2 / a**2 - y**2 / b**2)


torsion = Problem(
    name="torsion",
    domain=domain,
    conditions={
        "pde": Condition(lambda phi: laplacian(phi) + 2.0, on=domain.interior),
        "rim": Condition(lambda phi: phi, on=domain.boundary()),
    },
    fields=("phi",),
    reference=exact,
)
