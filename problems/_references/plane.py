"""Periodic systems on [−1, 1]² × time by Fourier modes, for reference solutions.

A field is its coefficients c_mn of exp(iπ(mx + ny)) on a grid of N² points: m in the order of `np.fft.fftfreq`, n ≥ 0.
Products are formed on the same grid, so modes near its edge have to be negligible.
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft

from .etdrk4 import integrate, interpolate


def wave_numbers(grid):
    """πm of shape `(N, 1)` and πn of shape `(1, N/2 + 1)`."""
    return np.pi * np.fft.fftfreq(grid, 1 / grid)[:, None], np.pi * np.arange(grid // 2 + 1)[None]


def on_grid(c):
    return scipy.fft.irfft2(c, norm="forward")


def to_modes(values):
    return scipy.fft.rfft2(values, norm="forward")


def modes_of_line(function, k):
    """½ ∫ f(x) exp(−ikx) dx over [−1, 1] for wave numbers of any shape; f need not be periodic."""
    nodes, weights = np.polynomial.legendre.leggauss(400)
    return np.exp(-1j * k[..., None] * nodes) @ (function(nodes) * weights / 2)


def solve(linear, nonlinear, initial, spans, kept):
    """Integrate fields of shape `(fields, N, N/2 + 1)` through `spans` (see `etdrk4.integrate`).

    **Returns:** the arrays of a `Trajectory`, with the modes |m|, n ≤ `kept`.

    **Raises:** `ValueError` if these do not resolve the solution at the end.
    """
    ends = lambda c: np.concatenate([c[:, : kept + 1, : kept + 1], c[:, -kept:, : kept + 1]], axis=1)
    times, levels = integrate(linear, nonlinear, initial, spans, ends)
    last, edge = np.abs(levels[-1]), [kept, kept + 1]
    if not max(last[:, edge].max(), last[:, :, -1].max()) <= 1e-9 * last.max():
        raise ValueError(
            f"{kept} Fourier modes a direction do not resolve the reference with these coefficients; "
            "give another or none, `dataclasses.replace(problem, reference=None)`"
        )
    return {"times": times, "levels": levels}


@dataclass(frozen=True)
class Trajectory:
    """Coefficients of shape `(levels, fields, 2 kept + 1, kept + 1)` at ascending `times`."""

    times: np.ndarray
    levels: np.ndarray

    def __call__(self, x, y, t):
        """The fields at points, arrays of one shape `(n,)`; shape `(fields, n)`."""
        kept = self.levels.shape[-1] - 1
        n = np.arange(kept + 1)
        m = np.concatenate([n, n[:0:-1] * -1])
        found = np.empty((self.levels.shape[1], len(t)))
        for time in np.unique(t):
            here = np.flatnonzero(t == time)
            places, place = np.unique(x[here], return_inverse=True)
            c = interpolate(np.array([time]), self.times, self.levels)[0]
            rows = np.exp(1j * np.pi * np.outer(places, m)) @ c
            waves = np.where(n == 0, 1, 2) * np.exp(1j * np.pi * np.outer(y[here], n))
            found[:, here] = np.einsum("fpn,pn->fp", rows[:, place], waves).real
        return found
