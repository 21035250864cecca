"""Steady flow in the unit square, driven by its lid y = 1, by its streamfunction: u = ψ_y, v = −ψ_x.

Δ²ψ / Re = ψ_y Δψ_x − ψ_x Δψ_y with ψ = 0 and the velocity given on the boundary. ψ is a function that satisfies the
boundary conditions and, for a lid of speed 1, contains the singularities in its corners, plus a polynomial with double
zeros on the boundary, which Newton's method finds by Chebyshev collocation.
"""

from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.polynomial import Polynomial

from .chebyshev import clamped_derivatives, interpolation, nodes
from .corner import Stream, corner_flow, product, separable

TERMS, FLAT = 3, 3
"""Terms of the flow in a corner, and the order to which their blend is flat at its ends."""

COARSE = 40
"""Degree at which the Reynolds number is raised to its value."""

MOST = 1000.0
"""Largest Reynolds number: for larger ones the corners need more than a dense matrix can resolve."""


def uniform_lid(x, y, reynolds):
    """Lid of speed 1: both corner flows, blended so that the walls opposite of them are at rest."""
    s = Polynomial([0, 1])
    blend = (1 - s) ** FLAT * sum(comb(FLAT - 1 + k, k) * s**k for k in range(FLAT))  # 1 at 0, 0 at 1, both flat
    from_left = lambda x, re: product(corner_flow(x, 1 - y, re, TERMS), separable(blend, blend, x, 1 - y))
    left, right = from_left(x, reynolds), from_left(1 - x, -reynolds)
    signs = {"value": (1, 1), "x": (1, -1), "y": (-1, -1), "xx": (1, 1), "xy": (-1, 1), "yy": (1, 1)}
    signs |= {"vorticity_x": (1, -1), "vorticity_y": (-1, -1), "load": (1, 1)}
    return Stream(**{name: a * getattr(left, name) + b * getattr(right, name) for name, (a, b) in signs.items()})


def smooth_lid(x, y, _):
    """Lid of speed 16 x² (1 − x)²."""
    return separable(Polynomial([0, 0, 16, -32, 16]), Polynomial([0, 0, -1, 1]), x, y)


LIDS = {"uniform": uniform_lid, "smooth": smooth_lid}


def solve(lid, reynolds, n):
    """The polynomial by its values at the (n − 1)² interior nodes; `lid` is a name of `LIDS`.

    **Returns:** the arrays of a `Flow`.

    **Raises:** `ValueError` for a Reynolds number above `MOST`, or if Newton's method does not converge.
    """
    if reynolds > MOST:
        raise ValueError(
            f"the reference is resolved up to Re = {MOST:g}, got {reynolds:g}; "
            "give another or none, `dataclasses.replace(problem, reference=None)`"
        )
    psi = np.zeros((COARSE - 1, COARSE - 1))
    for re in [*np.arange(100.0, reynolds, 150.0), reynolds]:
        given = _given(lid, re, COARSE)
        psi = _newton(psi - given.value, given, re) + given.value
    to_fine = interpolation(COARSE, nodes(n)[1:-1])[:, 1:-1]
    given = _given(lid, reynolds, n)
    psi = _newton(to_fine @ psi @ to_fine.T - given.value, given, reynolds)
    return {"psi": psi, "reynolds": np.array(reynolds), "lid": np.array(lid)}


def _given(lid, reynolds, n):
    inside = nodes(n)[1:-1]
    x, y = np.meshgrid(inside, inside, indexing="ij")
    return LIDS[lid](x, y, reynolds)


def _newton(psi, given, reynolds):
    """The polynomial at the interior nodes, from a guess."""
    n = len(psi) + 1
    d = [matrix[1:-1] for matrix in clamped_derivatives(n)]
    for _ in range(25):
        residual, jacobian = _linearised(psi, d, given, reynolds)
        step = np.linalg.solve(jacobian, -residual.ravel()).reshape(psi.shape)
        psi = psi + step
        if np.abs(step).max() <= 1e-9 * np.abs(psi).max():
            return psi
    raise ValueError(f"Newton's method finds no steady flow at Re = {reynolds:g} with {n} modes")


def _linearised(psi, d, given, reynolds):
    """The residual of the equation at the nodes, and its derivatives by the values there."""
    of = lambda a, b: d[a] @ psi @ d[b].T
    x, y = of(1, 0) + given.x, of(0, 1) + given.y
    wx, wy = of(3, 0) + of(1, 2) + given.vorticity_x, of(2, 1) + of(0, 3) + given.vorticity_y
    load = of(4, 0) + 2 * of(2, 2) + of(0, 4) + given.load
    row = lambda values: values.reshape(-1, 1)
    jacobian = (np.kron(d[4], d[0]) + 2 * np.kron(d[2], d[2]) + np.kron(d[0], d[4])) / reynolds
    jacobian -= row(y) * (np.kron(d[3], d[0]) + np.kron(d[1], d[2])) + row(wx) * np.kron(d[0], d[1])
    jacobian += row(x) * (np.kron(d[2], d[1]) + np.kron(d[0], d[3])) + row(wy) * np.kron(d[1], d[0])
    return load / reynolds - y * wx + x * wy, jacobian


@dataclass(frozen=True)
class Flow:
    """A flow by the polynomial part of its streamfunction."""

    psi: np.ndarray
    reynolds: np.ndarray
    lid: np.ndarray

    def __call__(self, x, y):
        """u and v at points, arrays of one shape `(n,)`; NaN where the lid meets a wall at another speed."""
        x, y, n = np.asarray(x, float), np.asarray(y, float), len(self.psi) + 1
        in_corner = (y == 1) & ((x == 0) | (x == 1)) & (self.lid == "uniform")
        to_x, to_y = interpolation(n, x), interpolation(n, y)
        d = clamped_derivatives(n)
        of = lambda a, b: np.einsum("pi,ij,pj->p", to_x @ d[a], self.psi, to_y @ d[b])
        given = LIDS[str(self.lid)](np.where(in_corner, 0.5, x), y, float(self.reynolds))
        return [np.where(in_corner, np.nan, values) for values in (of(0, 1) + given.y, -of(1, 0) - given.x)]
