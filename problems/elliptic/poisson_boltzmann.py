"""Poisson-Boltzmann equation, u'' = sinh u on [0, 10]: a charged wall in a salt solution, u(0) = 4, given at x = 10.

u is the potential in units of kT/e, x in Debye lengths: u = 2 ln((1 + γ e^−x) / (1 − γ e^−x)), γ = tanh(u(0)/4).
Gouy, *Sur la constitution de la charge électrique*, J. Phys. 9, 1910; Chapman, Phil. Mag. 25, 1913.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Condition, Interval, Problem, dirichlet

domain = Interval(x=(0.0, 10.0))


def exact(x, wall):
    decay = np.tanh(wall / 4) * np.exp(-x)
    return 2 * np.log((1 + decay) / (1 - decay))


poisson_boltzmann = Problem(
    name="poisson_boltzmann",
    domain=domain,
    coefficients={"wall": 4.0},
    conditions={
        "pde": Condition(lambda u: u.xx - jnp.sinh(u.value), on=domain.interior),
        "wall": dirichlet(domain.lower_face("x"), lambda wall: wall),
        "far": dirichlet(domain.upper_face("x"), lambda wall: 4 * jnp.arctanh(jnp.tanh(wall / 4) * np.exp(-10))),
    },
    reference=exact,
)
