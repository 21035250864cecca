"""Gray-Scott reaction and diffusion, u_t = ε₁ Δu + b₁ (1 − u) − c uv², v_t = ε₂ Δv − b₂ v + c uv²: a growing pattern.

On [−1, 1]² × [0, 2], periodic, ε₁ = 0.2, ε₂ = 0.1, b₁ = 40, b₂ = 100, c = 1000, from two Gauss curves.
Wang, Li, Chen & Perdikaris, *PirateNets*, JMLR 25, 2024.

Reference: 160² Fourier modes, 20,200 steps, which takes a minute or two once and 110 MB of the cache. Half the steps'
length changes it by 6e-10 in the relative L2 norm, by at most 1e-9 from t = 0.0005 on.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Box, Condition, Problem, laplacian, periodic
from pinnkit.problems._references import plane
from pinnkit.problems._references.cache import on_disk

domain = Box(x=(-1.0, 1.0), y=(-1.0, 1.0), t=(0.0, 2.0))


@on_disk(plane.Trajectory)
def trajectory(eps1, eps2, b1, b2, c, grid=160, refined=1, kept=60):
    k, n = plane.wave_numbers(grid)
    gauss = lambda k, center: plane.modes_of_line(lambda x: np.exp(-10 * (x - center) ** 2), k)
    mean = (k == 0) * (n == 0)
    linear = np.stack([-eps1 * (k**2 + n**2) - b1, -eps2 * (k**2 + n**2) - b2])

    def nonlinear(modes):
        u, v = plane.on_grid(modes)
        rate = plane.to_modes(c * u * v**2)
        return np.stack([b1 * mean - rate, rate])

    initial = np.stack([mean - gauss(k, -0.05) * gauss(n, -0.02), gauss(k, 0.05) * gauss(n, 0.02)])
    spans = [(0.02, 400, 4), (0.1, 800, 10), (0.5, 4000, 40), (2.0, 15_000, 80)]
    return plane.solve(
        linear, nonlinear, initial, [(end, refined * n, refined * every) for end, n, every in spans], kept
    )


def reference(x, y, t, eps1, eps2, b1, b2, c):
    u, v = trajectory(eps1, eps2, b1, b2, c)(x, y, t)
    gauss = lambda sign: np.exp(-10 * ((x + sign * 0.05) ** 2 + (y + sign * 0.02) ** 2))
    return {"u": np.where(t == 0, 1 - gauss(1), u), "v": np.where(t == 0, gauss(-1), v)}


def reaction(u, v, eps1, eps2, b1, b2, c):
    rate = c * u * v**2
    return [u.t - eps1 * laplacian(u) - b1 * (1 - u) + rate, v.t - eps2 * laplacian(v) + b2 * v - rate]


def start(u, v, x, y):
    gauss = lambda sign: jnp.exp(-10 * ((x + sign * 0.05) ** 2 + (y + sign * 0.02) ** 2))
    return [u - 1 + gauss(1), v - gauss(-1)]


gray_scott = Problem(
    name="gray_scott",
    domain=domain,
    fields=("u", "v"),
    coefficients={"eps1": 0.2, "eps2": 0.1, "b1": 40.0, "b2": 100.0, "c": 1000.0},
    conditions={
        "pde": Condition(reaction, on=domain.interior),
        "initial": Condition(start, on=domain.start()),
        "periodic_x": periodic(domain, "x", order=1),
        "periodic_y": periodic(domain, "y", order=1),
    },
    reference=reference,
)
