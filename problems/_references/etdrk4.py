"""Periodic equations u_t = L u + N(u) on −1 ≤ x < 1 to nearly machine precision, for reference solutions.

A field is its Fourier coefficients c_0, ..., c_{m−1}: u(x) = c_0 + 2 Re Σ c_n exp(iπnx). The linear part L, a number
for each mode, is integrated exactly, N by a Runge-Kutta scheme of fourth order. Products are formed on 4m grid points,
where up to cubic ones alias nothing.

Kassam & Trefethen, *Fourth-order time-stepping for stiff PDEs*, SIAM J. Sci. Comput. 26, 2005.
"""

from dataclasses import dataclass

import numpy as np

NEIGHBOURS = 12
"""Levels between which values are interpolated in time."""


def wave_numbers(modes):
    return np.pi * np.arange(modes)


def on_grid(c):
    """Values on the grid for products."""
    return np.fft.irfft(c, 4 * len(c), norm="forward")


def to_modes(values):
    """The coefficients that are kept."""
    return np.fft.rfft(values, norm="forward")[: len(values) // 4]


def solve(linear, nonlinear, initial, steps, end=1.0, every=1):
    """Integrate from 0 to `end` in equal steps; `nonlinear` maps coefficients to coefficients.

    **Returns:** the arrays of a `Trajectory`, with one level for `every` so many steps.

    **Raises:** `ValueError` if the solution at the end is not resolved.
    """
    times, levels = integrate(linear, nonlinear, initial, [(end, steps, every)])
    size = np.abs(levels[-1])
    if not size[-len(size) // 8 :].max() <= 1e-9 * size.max():
        raise ValueError(
            f"{len(linear)} Fourier modes do not resolve the reference with these coefficients; "
            "give another or none, `dataclasses.replace(problem, reference=None)`"
        )
    return {"times": times, "levels": levels}


def integrate(linear, nonlinear, initial, spans, keep=lambda c: c):
    """Integrate from 0 through `spans`, each `(end, steps, every)`: equal steps, one level for `every` so many.

    `linear` and the coefficients are arrays of one shape. **Returns:** the times, and `keep(c)` at each.
    """
    c, began = np.asarray(initial, complex), 0.0
    times, levels = [began], [keep(c)]
    for end, steps, every in spans:
        step = (end - began) / steps
        weights = _weights(step * linear)
        for i in range(1, steps + 1):
            c = _advance(c, lambda c, step=step: step * nonlinear(c), *weights)
            if i % every == 0:
                times.append(began + i * step)
                levels.append(keep(c))
        began = end
    return np.array(times), np.array(levels)


def _advance(c, nonlinear, whole, half, inner, first, middle, last):
    n = nonlinear(c)
    a = half * c + inner * n
    n_a = nonlinear(a)
    n_b = nonlinear(half * c + inner * n_a)
    n_c = nonlinear(half * a + inner * (2 * n_b - n))
    return whole * c + first * n + middle * (n_a + n_b) + last * n_c


def _weights(z):
    """The factors of one step; closed forms that cancel near z = 0 as means over a circle around z."""
    w = z[..., None] + np.exp(2j * np.pi * (np.arange(32) + 0.5) / 32)
    inner = (np.exp(w / 2) - 1) / w
    first = (-4 - w + np.exp(w) * (4 - 3 * w + w**2)) / w**3
    middle = 2 * (2 + w + np.exp(w) * (w - 2)) / w**3
    last = (-4 - 3 * w - w**2 + np.exp(w) * (4 - w)) / w**3
    return np.exp(z), np.exp(z / 2), *(f.mean(axis=-1) for f in (inner, first, middle, last))


@dataclass(frozen=True)
class Trajectory:
    """Coefficients of shape `(levels, m)` at ascending `times`."""

    times: np.ndarray
    levels: np.ndarray

    def __call__(self, x, t):
        """u at points, arrays of one shape `(n,)`: the trigonometric polynomial itself in x, of degree 11 in t."""
        x, t = np.asarray(x, float), np.asarray(t, float)
        u = np.empty(len(x))
        for block in np.array_split(np.argsort(t), len(t) // 256 + 1):
            u[block] = self._at_points(x[block], t[block])
        return u

    def _at_points(self, x, t):
        places, place = np.unique(x, return_inverse=True)
        times, time = np.unique(t, return_inverse=True)
        waves = np.exp(1j * np.outer(places, wave_numbers(self.levels.shape[1])))
        c = interpolate(times, self.times, self.levels)
        c[:, 1:] *= 2
        return np.einsum("ij,ij->i", c[time], waves[place]).real


def interpolate(t, times, levels):
    """Lagrange's interpolation between the levels around each time, shape `(len(t), ...)`."""
    first = np.clip(np.searchsorted(times, t) - NEIGHBOURS // 2, 0, len(times) - NEIGHBOURS)
    near = first[:, None] + np.arange(NEIGHBOURS)
    nodes = times[near]
    found = np.zeros((len(t), *levels.shape[1:]), levels.dtype)
    for i in range(NEIGHBOURS):
        others = [j for j in range(NEIGHBOURS) if j != i]
        weight = np.prod((t[:, None] - nodes[:, others]) / (nodes[:, [i]] - nodes[:, others]), axis=1)
        found += weight.reshape(-1, *(1,) * (levels.ndim - 1)) * levels[near[:, i]]
    return found
