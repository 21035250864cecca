"""Taylor-Green vortices: unsteady Navier-Stokes on [0, π]² × [0, 1], ν = 0.1, with velocity given at the walls.

u = cos x sin y e^−2νt, v = −sin x cos y e^−2νt, p = −¼ (cos 2x + cos 2y) e^−4νt, p given at the middle.
Taylor & Green, *Mechanism of the production of small eddies from large ones*, Proc. R. Soc. A 158, 1937.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Box, Condition, Problem, laplacian

domain = Box(x=(0.0, np.pi), y=(0.0, np.pi), t=(0.0, 1.0))


def momentum(u, v, p, nu):
    return [
        u.t + u * u.x + v * u.y + p.x - nu * laplacian(u),
        v.t + u * v.x + v * v.y + p.y - nu * laplacian(v),
    ]


def velocity(u, v, x, y, t, nu):
    decay = jnp.exp(-2 * nu * t)
    return [u - jnp.cos(x) * jnp.sin(y) * decay, v + jnp.sin(x) * jnp.cos(y) * decay]


def middle(p, t, nu):
    return p(x=np.pi / 2, y=np.pi / 2) - jnp.exp(-4 * nu * t) / 2


def exact(x, y, t, nu):
    decay = np.exp(-2 * nu * t)
    return {
        "u": np.cos(x) * np.sin(y) * decay,
        "v": -np.sin(x) * np.cos(y) * decay,
        "p": -(np.cos(2 * x) + np.cos(2 * y)) / 4 * decay**2,
    }


taylor_green = Problem(
    name="taylor_green",
    domain=domain,
    fields=("u", "v", "p"),
    coefficients={"nu": 0.1},
    conditions={
        "momentum": Condition(momentum, on=domain.interior),
        "mass": Condition(lambda u, v: u.x + v.y, on=domain.interior),
        "initial": Condition(velocity, on=domain.start()),
        "walls": Condition(velocity, on=domain.boundary()),
        "pressure": Condition(middle, on=domain.lower_face("x")),
    },
    reference=exact,
)
