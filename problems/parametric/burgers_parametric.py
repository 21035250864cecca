"""Viscous Burgers equation for all viscosities of a range, u_t + u u_x = ν u_xx on [−1, 1] × [0, 1], 0.01 ≤ ν ≤ 0.1,
u(x, 0) = −sin πx, u(±1, t) = 0.

The network takes ν as an input.
Reference: the Cole-Hopf formula by quadrature, as for one viscosity in `burgers`.
"""

import jax.numpy as jnp

from pinnkit import Box, Condition, Problem, dirichlet, initial
from pinnkit.problems.parabolic.burgers import cole_hopf

domain = Box(x=(-1.0, 1.0), t=(0.0, 1.0)).over(parameters={"nu": (0.01, 0.1)})

burgers_parametric = Problem(
    name="burgers_parametric",
    domain=domain,
    conditions={
        "pde": Condition(lambda u, nu: u.t + u * u.x - nu * u.xx, on=domain.interior),
        "initial": initial(domain, lambda x: -jnp.sin(jnp.pi * x)),
        "walls": dirichlet(domain.boundary()),
    },
    reference=cole_hopf,
)
