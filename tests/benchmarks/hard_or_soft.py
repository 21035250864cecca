"""Conditions on curves as hard and as soft constraints, with the same random features and points.

`python -m tests.benchmarks.hard_or_soft` prints relative errors for Δu = f and Δu + eᵘ = f with u = 0 on the boundary,
for a smooth and an oscillating solution: the best of three bandwidths with 500 features. Hard: u = φN with a function φ
that vanishes on the boundary, with slope 1 there on a disk and an annulus; soft: a row of the least squares for every
point of the boundary, weighted by the traces.
"""

import jax
import jax.numpy as jnp
import numpy as np

from pinnkit import Annulus, Disk, Ellipse, Polygon, QuasiRandom, SineFeatures
from pinnkit._base.linalg.least_squares import least_squares

ANGLES = 2 * np.pi * np.arange(5) / 5
VERTICES = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=-1)
NORMALS = np.roll(VERTICES, -1, axis=0) - VERTICES
NORMALS = np.stack([NORMALS[:, 1], -NORMALS[:, 0]], axis=-1)
SHAPES = {
    "disk": (Disk(1.0), lambda x: (1 - x @ x) / 2),
    "annulus": (Annulus(0.5, 1.0), lambda x: (1 - x @ x) * (x @ x - 0.25) / 0.75),
    "ellipse": (Ellipse(radii=(2.0, 1.0)), lambda x: 1 - x[0] ** 2 / 4 - x[1] ** 2),
    "pentagon": (Polygon(VERTICES.tolist()), lambda x: jnp.prod(((VERTICES - x) * NORMALS).sum(axis=1))),
}
FEATURES, BANDWIDTHS, STEPS = 500, (3.0, 6.0, 12.0), 6


def laplacians(function, x):
    return np.asarray(jax.jit(jax.vmap(lambda x: jnp.trace(jax.hessian(function)(x), axis1=-2, axis2=-1)))(x))


def relative_error(shape, vanishing, waves, is_nonlinear, is_hard, bandwidth):
    """The error of Gauss-Newton steps on the output layer."""
    exact = lambda x: vanishing(x) * jnp.cos(waves * (x[0] + 0.6 * x[1] + 0.3)) * jnp.exp(0.3 * x[1])
    network = SineFeatures(shape, width=FEATURES, bandwidth=bandwidth)
    sines = lambda x: jnp.append(jnp.sin(network.frequency @ network.embedding(x) + network.phase), 1.0)
    basis = (lambda x: vanishing(x) * sines(x)) if is_hard else sines
    layout = lambda region, count, seed: jnp.asarray(QuasiRandom().layout(region, count, seed))
    x = shape.interior.placed(layout(shape.interior, 2 * FEATURES, 1))
    rim = shape.boundary().placed(layout(shape.boundary(), FEATURES // 4, 2))[0]
    test = shape.interior.placed(layout(shape.interior, 4096, 3))
    values, slopes = np.asarray(jax.vmap(basis)(x)), laplacians(basis, x)
    on_rim = np.asarray(jax.vmap(sines)(rim))
    on_rim = on_rim * np.sqrt(np.mean(slopes**2) / np.mean(on_rim**2) * len(x) / len(rim))
    truth = np.asarray(jax.vmap(exact)(x))
    load = laplacians(exact, x) + is_nonlinear * np.exp(truth)
    c = np.zeros(FEATURES + 1)
    for _ in range(STEPS if is_nonlinear else 1):
        growth = is_nonlinear * np.exp(values @ c)
        rows, residual = slopes + growth[:, None] * values, slopes @ c + growth - load
        if not is_hard:
            rows, residual = np.concatenate([rows, on_rim]), np.concatenate([residual, on_rim @ c])
        c = c - least_squares(rows, residual).x
    wanted = np.asarray(jax.vmap(exact)(test))
    return np.linalg.norm(np.asarray(jax.vmap(basis)(test)) @ c - wanted) / np.linalg.norm(wanted)


def main():
    with jax.enable_x64(True):
        for name, (shape, vanishing) in SHAPES.items():
            for waves, is_nonlinear in ((1, False), (8, False), (1, True), (8, True)):
                best = [
                    min(relative_error(shape, vanishing, waves, is_nonlinear, is_hard, s) for s in BANDWIDTHS)
                    for is_hard in (False, True)
                ]
                equation = "nonlinear" if is_nonlinear else "linear"
                print(f"{name}, {waves} waves, {equation}: soft {best[0]:.1e}, hard {best[1]:.1e}", flush=True)


if __name__ == "__main__":
    main()
