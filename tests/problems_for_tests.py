"""Small problems that several tests share."""

import jax.numpy as jnp
import numpy as np

from pinnkit import Box, Condition, Interval, PointSet, Problem, Unknown, div, grad

LINE = Interval(x=(0.0, 1.0))
PLANE = Box(x=(0.0, 1.0), t=(0.0, 1.0))
SQUARE = Box(x=(0.0, 1.0), y=(0.0, 1.0))


def poisson() -> Problem:
    """−u'' = π² sin πx, u = 0 at both ends."""
    return Problem(
        name="poisson",
        domain=LINE,
        conditions={
            "pde": Condition(lambda u, x: -u.xx - jnp.pi**2 * jnp.sin(jnp.pi * x), on=LINE.interior),
            "walls": Condition(lambda u: u, on=LINE.boundary("x")),
        },
        reference=lambda x: np.sin(np.pi * x),
    )


def decay_rate() -> Problem:
    """Find k in u' = −k u from samples of exp(−2x)."""
    x = np.linspace(0, 1, 9)
    return Problem(
        name="decay_rate",
        domain=LINE,
        coefficients={"k": Unknown(1.0, positive=True)},
        conditions={
            "pde": Condition(lambda u, k: u.x + k * u, on=LINE.interior),
            "data": Condition(lambda u, sample: u - sample, on=PointSet({"x": x}, sample=np.exp(-2 * x))),
        },
        reference=lambda x: np.exp(-2 * x),
    )


def stokes() -> Problem:
    """A vector field and a scalar, a vector residual, a normal: a manufactured solution of Stokes' equations."""

    def momentum(velocity, p, y):
        laplacian = jnp.stack([c.xx.value + c.yy.value for c in velocity])
        force = jnp.stack([2.0 + 1.0, 0 * y])
        return -laplacian + grad(p) - force

    return Problem(
        name="stokes",
        domain=SQUARE,
        fields={"velocity": 2, "p": 1},
        conditions={
            "momentum": Condition(momentum, on=SQUARE.interior),
            "mass": Condition(lambda velocity: div(velocity), on=SQUARE.interior),
            "slip": Condition(lambda velocity, normal: velocity.value @ normal, on=SQUARE.boundary("y")),
            "profile": Condition(
                lambda velocity, p, x, y: [velocity[0] - y * (1 - y), velocity[1], p - x],
                on=SQUARE.boundary("x"),
            ),
        },
        reference=lambda x, y: {"velocity": np.stack([y * (1 - y), 0 * y], -1), "p": x},
    )
