"""Stokes flow in a plane domain with round holes, by two analytic functions fitted to velocities on its boundary.

u − iv = z̄ f'(z) + g'(z) − conj f(z) and p − iω = 4 f'(z), for viscosity 1. f and g' are polynomials, series around
centers c in the holes and in their images by reflection, and logarithms: a hole with f = a log(z − c) + ... is subject
to the force −8π conj a. The error of the velocity inside is bounded by a small multiple of that on the boundary.

Brubeck & Trefethen, *Lightning Stokes solver*, SIAM J. Sci. Comput. 44, 2022.
"""

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev


@dataclass(frozen=True)
class StokesFlow:
    """- `centers`, `radii`: around which there are poles, those of the first `holes` with logarithms;
    - `low`, `high`: between which Chebyshev polynomials of z are taken, along x; `order`, `degree`: highest powers;
    - `coefficients`: of the columns of f and g', real and imaginary parts; `wrong`: the largest error on the boundary.
    """

    centers: np.ndarray
    radii: np.ndarray
    holes: np.ndarray
    low: np.ndarray
    high: np.ndarray
    order: np.ndarray
    degree: np.ndarray
    coefficients: np.ndarray
    wrong: np.ndarray

    def columns(self, z):
        """The functions of the series, and their derivatives, at complex points."""
        w, scale = (2 * z - self.low - self.high) / (self.high - self.low), 2 / (self.high - self.low)
        values = list(chebyshev.chebvander(w, int(self.degree)).T)
        slopes = [scale * chebyshev.chebval(w, chebyshev.chebder(row)) for row in np.eye(int(self.degree) + 1)]
        for center, radius in zip(self.centers, self.radii, strict=True):
            q = radius / (z - center)
            values += [q**k for k in range(1, int(self.order) + 1)]
            slopes += [-k / radius * q ** (k + 1) for k in range(1, int(self.order) + 1)]
        return np.stack(values, axis=-1), np.stack(slopes, axis=-1)

    def velocities(self, z):
        """u − iv as a real-linear function of the coefficients: one column for each."""
        values, slopes = self.columns(z)
        real = z.conj()[:, None] * slopes - values.conj()
        imaginary = 1j * (z.conj()[:, None] * slopes + values.conj())
        parts = [real, imaginary, values, 1j * values]
        for center, radius in zip(self.centers[: int(self.holes)], self.radii, strict=False):
            away, both = z - center, 2 * np.log(np.abs(z - center) / radius)
            turn = (z.conj() - center.conjugate()) / away
            parts.append(np.stack([turn - both, 1j * (turn + both)], axis=-1))
        return np.concatenate(parts, axis=1)

    def pressures(self, z):
        """p as a real-linear function of the coefficients."""
        _, slopes = self.columns(z)
        none = np.zeros((len(z), 2 * slopes.shape[1]))
        parts = [4 * np.real(slopes), -4 * np.imag(slopes), none]
        for center in self.centers[: int(self.holes)]:
            slope = 4 / (z - center)
            parts.append(np.stack([np.real(slope), -np.imag(slope)], axis=-1))
        return np.concatenate(parts, axis=1)

    def __call__(self, x, y):
        """u, v and p, which is determined up to a constant."""
        z = np.asarray(x) + 1j * np.asarray(y)
        w = self.velocities(z) @ self.coefficients
        return w.real, -w.imag, self.pressures(z) @ self.coefficients

    def force(self, hole):
        """The force on a hole as a complex number."""
        a, b = self.coefficients[-2 * int(self.holes) :].reshape(-1, 2)[hole]
        return -8 * np.pi * complex(a, -b)


def fitted(z, velocity, centers, radii, holes, ends, order, degree):
    """The arrays of the flow with the least squares of the errors of u − iv at points z of the boundary.

    - `holes`: number of the first centers that are inside of holes; `ends`: of the domain along x.
    """
    low, high = (np.array(float(end)) for end in ends)
    numbers = {"holes": np.array(holes), "low": low, "high": high, "order": np.array(order), "degree": np.array(degree)}
    arrays = {"centers": np.asarray(centers, complex), "radii": np.asarray(radii, float), **numbers}
    columns = StokesFlow(**arrays, coefficients=np.zeros(0), wrong=np.array(0.0)).velocities(z)
    stacked, wanted = np.concatenate([columns.real, columns.imag]), np.concatenate([velocity.real, velocity.imag])
    scale = np.linalg.norm(stacked, axis=0)
    found = np.linalg.lstsq(stacked / scale, wanted, rcond=1e-14)[0] / scale
    return {**arrays, "coefficients": found, "wrong": np.abs(columns @ found - velocity).max()}
