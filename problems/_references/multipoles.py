"""Harmonic functions in a plane domain with round holes, as series around centers, fitted to values on its boundary.

u = Σ_k Re a_k z^k + Σ_c (b_c log(|z − c| / r_c) + Σ_k Re a_ck (r_c / (z − c))^k) with centers c in the holes and in
their images by reflection in straight sides. By the maximum principle the error inside is at most that on the boundary.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Series:
    """- `centers`, `radii`: around which there are poles; `order`, `degree`: highest powers of poles and of z;
    - `size`: the largest |z|; `coefficients`: of the columns of `columns`.
    """

    centers: np.ndarray
    radii: np.ndarray
    order: int
    degree: int
    size: float
    coefficients: np.ndarray

    def __call__(self, x, y):
        return self.columns(np.asarray(x) + 1j * np.asarray(y)) @ self.coefficients

    def columns(self, z):
        """The functions of the series at points of shape `(n,)`."""
        powers = [(z / self.size) ** k for k in range(1, self.degree + 1)]
        found = [np.ones(len(z)), *(part for w in powers for part in (w.real, w.imag))]
        for center, radius in zip(self.centers, self.radii, strict=True):
            w = radius / (z - center)
            powers = [w**k for k in range(1, self.order + 1)]
            found += [np.log(np.abs(w)), *(part for own in powers for part in (own.real, own.imag))]
        return np.stack(found, axis=-1)


def fitted(z, values, centers, radii, order, degree):
    """The series with the least squares of the errors at points z = x + iy of the boundary."""
    empty = Series(np.asarray(centers), np.asarray(radii), order, degree, float(np.abs(z).max()), np.zeros(0))
    columns = empty.columns(z)
    scale = np.linalg.norm(columns, axis=0)
    found = np.linalg.lstsq(columns / scale, values, rcond=1e-15)[0] / scale
    return Series(empty.centers, empty.radii, order, degree, empty.size, found)
