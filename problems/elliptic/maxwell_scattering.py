"""Scattering of a plane wave by a dielectric cylinder (TM): Δe + (nk)² e = 0 inside, Δs + k² s = 0 outside.

The wave exp(ikx) has a length of 2, the cylinder a radius of 1 and the index n = 2. Inside, e is the total field; the
scattered field s lives outside, up to r = 2, where s_r − iks is given. Total fields and their normal derivatives are
continuous. All fields have real and imaginary parts.

Reference: the Mie series with 31 orders, to 1e-13.

Bohren & Huffman, *Absorption and scattering of light by small particles*, Wiley 1983, section 8.4.
"""

import jax.numpy as jnp
import numpy as np
from scipy.special import h1vp, hankel1, jv, jvp

from pinnkit import Annulus, Condition, Disk, Problem, grad, laplacian

K, INDEX, OUTER = np.pi, 2.0, 2.0
cylinder, air = Disk(radius=1.0), Annulus(inner=1.0, outer=OUTER)

orders = np.arange(31)
jump = INDEX * jvp(orders, INDEX * K) / jv(orders, INDEX * K)  # the logarithmic derivative inside, over k
scattered = -(jvp(orders, K) - jump * jv(orders, K)) / (h1vp(orders, K) - jump * hankel1(orders, K))
inner = (jv(orders, K) + scattered * hankel1(orders, K)) / jv(orders, INDEX * K)
double = np.where(orders, 2, 1) * 1j**orders  # n and −n
outgoing = double * scattered * K * (h1vp(orders, K * OUTER) - 1j * hankel1(orders, K * OUTER))


def reference(x, y):
    r, angle = np.hypot(x, y)[:, None], np.arctan2(y, x)[:, None]
    waves = double * np.cos(orders * angle)
    e = np.sum(waves * inner * jv(orders, INDEX * K * r), axis=1)
    s = np.sum(waves * scattered * hankel1(orders, K * np.maximum(r, 0.8)), axis=1)
    return {"e_re": e.real, "e_im": e.imag, "s_re": s.real, "s_im": s.imag}


def contact(e_re, e_im, s_re, s_im, x, normal):
    c, s = jnp.cos(K * x), jnp.sin(K * x)
    slope = lambda field: grad(field) @ normal
    return [
        e_re - s_re - c,
        e_im - s_im - s,
        slope(e_re) - slope(s_re) + K * s * normal[0],
        slope(e_im) - slope(s_im) - K * c * normal[0],
    ]


def radiation(s_re, s_im, x, y, normal):
    waves = jnp.cos(orders * jnp.arctan2(y, x))
    return [
        grad(s_re) @ normal + K * s_im - waves @ outgoing.real,
        grad(s_im) @ normal - K * s_re - waves @ outgoing.imag,
    ]


maxwell_scattering = Problem(
    name="maxwell_scattering",
    domain=Disk(radius=OUTER),
    fields={"e_re": cylinder, "e_im": cylinder, "s_re": air, "s_im": air},
    conditions={
        "inside": Condition(
            lambda e_re, e_im: [laplacian(e) + (INDEX * K) ** 2 * e for e in (e_re, e_im)], on=cylinder.interior
        ),
        "outside": Condition(lambda s_re, s_im: [laplacian(s) + K**2 * s for s in (s_re, s_im)], on=air.interior),
        "contact": Condition(contact, on=cylinder.boundary(air)),
        "radiation": Condition(radiation, on=air.boundary("outer")),
    },
    reference=reference,
)
