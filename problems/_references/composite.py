"""Potentials in a plane conductor with round inclusions of another conductivity, as series fitted to all conditions.

u = Re F outside, F = Σ a_k (z / size)^k + Σ_c Σ_k a_ck (r / (z − c))^k with centers c of the inclusions and of their
images by reflection in straight sides; u = Re G_c inside, G_c = Σ g_ck ((z − c) / r)^k. Normal derivatives are Re F' n.

Greengard & Lee, *Electrostatics and heat conduction in high contrast composite materials*, J. Comput. Phys. 211, 2006.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Potential:
    """- `centers`: of the inclusions, the first `inside` of them, and of the images; `radius`: of all;
    - `size`: the largest |z|; `degree`, `order`: highest powers of z, and of poles and inside;
    - `coefficients`: real and imaginary parts, those of F and then those of each G; `wrong`: the largest error.
    """

    centers: np.ndarray
    inside: np.ndarray
    radius: np.ndarray
    size: np.ndarray
    degree: np.ndarray
    order: np.ndarray
    coefficients: np.ndarray
    wrong: np.ndarray

    def outside(self, z):
        """The functions of F and their derivatives, shape `(n, columns)`."""
        parts = [_powers(z / self.size, int(self.degree), 1 / self.size)]
        for center in self.centers:
            w = self.radius / (z - center)
            values, slopes = _powers(w, int(self.order), 1.0)
            parts.append((values[:, 1:], slopes[:, 1:] * (-(w**2) / self.radius)[:, None]))
        return tuple(np.concatenate(of, axis=1) for of in zip(*parts, strict=True))

    def within(self, z, c):
        """Those of the G of an inclusion."""
        return _powers((z - self.centers[c]) / self.radius, int(self.order), 1 / self.radius)

    def split(self):
        """The coefficients of F and those of each G, as complex numbers."""
        numbers = self.coefficients.view(complex)
        return np.split(numbers, len(numbers) - (int(self.order) + 1) * np.arange(int(self.inside), 0, -1))

    def __call__(self, x, y):
        """u at points, arrays of one shape `(n,)`."""
        z = np.asarray(x) + 1j * np.asarray(y)
        outer, *inner = self.split()
        u = np.empty(len(z))
        distance = np.abs(z[:, None] - self.centers[: int(self.inside)])
        for c, own in enumerate([*inner, outer]):
            here = distance[:, c] < self.radius if c < len(inner) else (distance >= self.radius).all(axis=1)
            functions = self.within(z[here], c) if c < len(inner) else self.outside(z[here])
            u[here] = np.real(functions[0] @ own)
        return u


def fitted(centers, inside, radius, conductivity, sides, degree, order, count):
    """The arrays of the potential with the least squares of all errors.

    - `sides`: each `(z, normal, value)`: points, and the values there, or a normal along which nothing flows;
    - `conductivity`: of the inclusions; `count`: of points on each circle.
    """
    numbers = {"inside": np.array(inside), "radius": np.array(radius), "degree": np.array(degree)}
    size = np.array(max(np.abs(z).max() for z, *_ in sides))
    arrays = {"centers": np.asarray(centers, complex), **numbers, "size": size, "order": np.array(order)}
    empty = Potential(**arrays, coefficients=np.zeros(0), wrong=np.array(0.0))
    width = order + 1
    rows, right = [], []

    def add(outer, inner=None, c=0, value=0.0):
        blocks = np.zeros((len(outer), inside * width), complex)
        if inner is not None:
            blocks[:, c * width : (c + 1) * width] = -inner
        rows.append(np.concatenate([outer, blocks], axis=1))
        right.append(np.broadcast_to(value, len(outer)))

    for z, normal, value in sides:
        values, slopes = empty.outside(z)
        add(values, value=value) if normal is None else add(slopes * normal)
    n = np.exp(2j * np.pi * np.arange(count) / count)
    for c in range(inside):
        z = empty.centers[c] + radius * n
        (values, slopes), (inner, inner_slopes) = empty.outside(z), empty.within(z, c)
        add(values, inner, c)
        add(slopes * radius * n[:, None], inner_slopes * conductivity * radius * n[:, None], c)
    stacked, wanted = np.concatenate(rows), np.concatenate(right)
    matrix = np.stack([np.real(stacked), -np.imag(stacked)], axis=-1).reshape(len(stacked), -1)
    scale = np.linalg.norm(matrix, axis=0)
    scale[scale == 0] = 1.0  # imaginary parts of constants
    found = np.linalg.lstsq(matrix / scale, wanted, rcond=1e-15)[0] / scale
    return {**arrays, "coefficients": found, "wrong": np.abs(matrix @ found - wanted).max()}


def _powers(w, highest, slope):
    """w^k for k from 0 on, and the derivatives for a given one of w."""
    values = w[:, None] ** np.arange(highest + 1)
    slopes = np.zeros_like(values)
    slopes[:, 1:] = values[:, :-1] * np.arange(1, highest + 1) * slope
    return values, slopes
