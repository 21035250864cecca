"""Plate that a burner heats and air and radiation cool, k d ΔT + q = 2 h (T − T₀) + 2 ε σ (T⁴ − T₀⁴), in SI units.

Steel, 0.2 m × 0.2 m and d = 2 mm thick, k = 15 W/(m K), with insulated edges; its two faces lose heat by convection,
h = 10 W/(m² K), and by radiation, ε = 0.8, to surroundings at T₀ = 293.15 K. The burner brings q = 60 kW/m² at
(0.09 m, 0.1 m), and less around it, as a Gaussian of a width of 0.018 m: 587 K there, 299 K in a corner.
Incropera & DeWitt, *Fundamentals of heat and mass transfer*, Wiley 2006.

Reference: cosine collocation with 40 × 40 waves and Newton's method. With 48 × 48 it differs by 4e-12 in the relative
L2 norm.
"""

import jax.numpy as jnp
import numpy as np

from pinnkit import Box, Condition, Problem, laplacian, neumann
from pinnkit.problems._references.cache import on_disk

side, conductance, air, stefan_boltzmann = 0.2, 15.0 * 0.002, 293.15, 5.670374419e-8
domain = Box(x=(0.0, side), y=(0.0, side), units={"x": "m", "y": "m"})


def burner(x, y, q, exp=jnp.exp):
    return q * exp(-((x - 0.09) ** 2 + (y - 0.1) ** 2) / 0.018**2)


def loss(T, h, epsilon):
    """Of both faces, in W/m²."""
    return 2 * h * (T - air) + 2 * epsilon * stefan_boltzmann * (T**4 - air**4)


def waves(x, n):
    return np.cos(np.pi / side * x[..., None] * np.arange(n))


@on_disk(dict)
def amplitudes(q, h, epsilon, n=40):
    """Those of products of cosines, by Newton's method on the temperatures at n × n points."""
    x, identity = side * (np.arange(n) + 0.5) / n, np.eye(n)
    second = waves(x, n) @ np.diag(-((np.pi / side * np.arange(n)) ** 2)) @ np.linalg.inv(waves(x, n))
    conduction = conductance * (np.kron(second, identity) + np.kron(identity, second))
    T, source = np.full(n**2, air), burner(np.repeat(x, n), np.tile(x, n), q, np.exp)
    for _ in range(8):
        slope = 2 * h + 8 * epsilon * stefan_boltzmann * T**3
        T = T - np.linalg.solve(conduction - np.diag(slope), conduction @ T + source - loss(T, h, epsilon))
    inverse = np.linalg.inv(waves(x, n))
    return {"c": inverse @ T.reshape(n, n) @ inverse.T}


def reference(x, y, q, h, epsilon):
    c = amplitudes(q, h, epsilon)["c"]
    return np.einsum("...i,ij,...j->...", waves(x, len(c)), c, waves(y, len(c)), optimize=True)


radiating_plate = Problem(
    name="radiating_plate",
    domain=domain,
    fields=("T",),
    units={"T": "K", "q": "W/m²", "h": "W/(m² K)"},
    labels={"T": "temperature"},
    coefficients={"q": 6e4, "h": 10.0, "epsilon": 0.8},
    conditions={
        "heat": Condition(
            lambda T, x, y, q, h, epsilon: conductance * laplacian(T) + burner(x, y, q) - loss(T, h, epsilon),
            on=domain.interior,
        ),
        "edges": neumann(domain.boundary(), field="T"),
    },
    reference=reference,
)
