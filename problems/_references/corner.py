"""The flow near a corner where a wall slides over a fixed one, which makes the velocity discontinuous.

The wall Y = 0 moves along X with speed 1, the wall X = 0 is fixed. The streamfunction is a series in r Re,
ψ = Σ Re^{k−1} r^k f_k(θ), with θ from the moving wall: f_1 is Taylor's Stokes flow, the others follow from
(D² + k²)(D² + (k−2)²) f_k = Σ_{i+j=k} i f_i g_j' − (j−2) f_i' g_j, where
g_j = f_j'' + j² f_j, so that Δ(r^j f_j) = r^{j−2} g_j.

Botella & Peyret, *Benchmark spectral results on the lid-driven cavity flow*, Computers & Fluids 27, 1998.
"""

from dataclasses import dataclass

import numpy as np

from .chebyshev import derivative, interpolation, nodes

DEGREE = 24


@dataclass(frozen=True)
class Stream:
    """A function with the derivatives that the Navier-Stokes equations take of a streamfunction, each of one shape.

    `vorticity` is its Laplacian, `load` the Laplacian of that.
    """

    value: np.ndarray
    x: np.ndarray
    y: np.ndarray
    xx: np.ndarray
    xy: np.ndarray
    yy: np.ndarray
    vorticity_x: np.ndarray
    vorticity_y: np.ndarray
    load: np.ndarray

    @property
    def vorticity(self):
        return self.xx + self.yy


def angular_functions(terms):
    """Of each term f, f', f'', g, g' and the right-hand side, at the nodes of θ / (π/2)."""
    theta, d, one = nodes(DEGREE) * np.pi / 2, derivative(DEGREE) * 2 / np.pi, np.eye(DEGREE + 1)
    sine, cosine, scale = np.sin(theta), np.cos(theta), 4 / (np.pi**2 - 4)
    p, q, r = -scale * np.pi**2 / 4, scale * np.pi / 2, scale
    first = p * sine + theta * (q * sine + r * cosine)
    slope = p * cosine + q * sine + r * cosine + theta * (q * cosine - r * sine)
    g = 2 * (q * cosine - r * sine)
    found = [(first, slope, g - first, g, -2 * (q * sine + r * cosine), 0 * theta)]
    for k in range(2, terms + 1):
        pairs = [(i, found[i - 1], k - i, found[k - i - 1]) for i in range(1, k)]
        right = np.sum([i * f[0] * h[4] - (j - 2) * f[1] * h[3] for i, f, j, h in pairs], axis=0)
        matrix = (d @ d + k**2 * one) @ (d @ d + (k - 2) ** 2 * one)
        matrix[[0, -1, 1, -2]] = [one[0], one[-1], d[0], d[-1]]
        f = np.linalg.solve(matrix, np.r_[0, 0, right[2:-2], 0, 0])
        found.append((f, d @ f, d @ (d @ f), d @ (d @ f) + k**2 * f, d @ (d @ (d @ f)) + k**2 * (d @ f), right))
    return found


def corner_flow(x, y, reynolds, terms):
    """The series at points of any shape but the corner itself."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    r, theta = np.hypot(x, y), np.arctan2(y, x)
    to_points = interpolation(DEGREE, theta.ravel() / (np.pi / 2))
    at = lambda values: (to_points @ values).reshape(x.shape)
    c, s = np.cos(theta), np.sin(theta)
    parts = []
    for k, functions in enumerate(angular_functions(terms), 1):
        f, f1, f2, g, g1, right = map(at, functions)
        gradient = k * c * f - s * f1, k * s * f + c * f1
        slopes = k * c * f1 - s * f2 - s * f * k - c * f1, k * s * f1 + c * f2 + k * c * f - s * f1
        hessian = [
            (k - 1) * c * gradient[0] - s * slopes[0],
            (k - 1) * s * gradient[0] + c * slopes[0],
            (k - 1) * s * gradient[1] + c * slopes[1],
        ]
        vorticity = (k - 2) * c * g - s * g1, (k - 2) * s * g + c * g1
        rows = [(f, 0), *((e, 1) for e in gradient), *((e, 2) for e in hessian), *((e, 3) for e in vorticity)]
        parts.append([reynolds ** (k - 1) * r ** (k - power) * row for row, power in [*rows, (right, 4)]])
    return Stream(*np.sum(parts, axis=0))


def product(a, w):
    """The product of two functions."""
    value = a.value * w.value
    x, y = a.x * w.value + a.value * w.x, a.y * w.value + a.value * w.y
    xx = a.xx * w.value + 2 * a.x * w.x + a.value * w.xx
    xy = a.xy * w.value + a.x * w.y + a.y * w.x + a.value * w.xy
    yy = a.yy * w.value + 2 * a.y * w.y + a.value * w.yy
    crossed = lambda a, w: (
        a.vorticity_x * w.value + a.vorticity * w.x + 2 * (a.xx * w.x + a.xy * w.y),
        a.vorticity_y * w.value + a.vorticity * w.y + 2 * (a.xy * w.x + a.yy * w.y),
    )
    (x1, y1), (x2, y2) = crossed(a, w), crossed(w, a)
    load = a.load * w.value + w.load * a.value + 2 * a.vorticity * w.vorticity
    load += 4 * (a.vorticity_x * w.x + a.vorticity_y * w.y + w.vorticity_x * a.x + w.vorticity_y * a.y)
    load += 4 * (a.xx * w.xx + 2 * a.xy * w.xy + a.yy * w.yy)
    return Stream(value, x, y, xx, xy, yy, x1 + x2, y1 + y2, load)


def separable(f, g, x, y):
    """f(x) g(y) for two polynomials of NumPy."""
    d = lambda a, b: f.deriv(a)(x) * g.deriv(b)(y)
    simple = [d(*orders) for orders in ((0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2))]
    vorticity = [d(3, 0) + d(1, 2), d(2, 1) + d(0, 3)]
    return Stream(*simple, *vorticity, load=d(4, 0) + 2 * d(2, 2) + d(0, 4))
