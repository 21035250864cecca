"""Ground state in a Pöschl-Teller well, −½ψ'' − 15 sech² x ψ = E ψ on [−6, 6], ψ = 0 at the ends, ∫ψ² = 1.

On the line E = −12.5 and ψ ∝ sech⁵ x; at the ends of the interval ψ is 3e-12 instead of 0.
Pöschl & Teller, *Bemerkungen zur Quantenmechanik des anharmonischen Oszillators*, Z. Phys. 83, 1933.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Condition, Interval, Problem, Unknown

domain = Interval(x=(-6.0, 6.0))
true_coefficients = {"E": -12.5}
nodes, weights = np.polynomial.legendre.leggauss(100)


def norm(psi):
    return jnp.dot(6 * weights, psi(x=6 * nodes).value ** 2)


def exact(x):
    return np.sqrt(315 / 256) / np.cosh(x) ** 5  # ∫ sech¹⁰ = 256/315


poeschl_teller = Problem(
    name="poeschl_teller",
    domain=domain,
    fields=("psi",),
    coefficients={"E": Unknown(-10.0)},
    conditions={
        "schroedinger": Condition(
            lambda psi, x, E: -psi.xx / 2 - 15 / jnp.cosh(x) ** 2 * psi - E * psi, on=domain.interior
        ),
        "ends": Condition(lambda psi: psi, on=domain.boundary("x")),
        "norm": Condition(lambda psi: norm(psi) - 1, on=domain.lower_face("x")),
    },
    reference=exact,
)
