"""Schrödinger equations i h_t + ½ h_xx + |h|² h = 0 with a period, for reference solutions.

Both parts are solved exactly in turn, composed to fourth order.

Yoshida, *Construction of higher order symplectic integrators*, Phys. Lett. A 150, 1990.
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft

from .etdrk4 import interpolate


def to_modes(values, modes):
    """The `modes` slowest coefficients of values on a finer grid, in the order of `np.fft.fftfreq`."""
    c = np.fft.fft(values, norm="forward")
    return np.concatenate([c[: modes // 2], c[-(modes // 2) :]])


def solve(initial, period, steps, end, every):
    """Integrate coefficients from 0 to `end`.

    **Returns:** the arrays of a `Trajectory`, with one level for `every` so many steps.
    """
    k = 2 * np.pi / period * np.fft.fftfreq(len(initial), 1 / len(initial))
    outer = 1 / (2 - 2 ** (1 / 3))
    shares = np.array([outer, 1 - 2 * outer, outer]) * end / steps
    halves = [np.exp(-0.25j * k**2 * share) for share in shares]
    c, levels = np.asarray(initial, complex), [initial]
    for i in range(1, steps + 1):
        for share, half in zip(shares, halves, strict=True):
            h = scipy.fft.ifft(half * c, norm="forward")
            h *= np.exp(1j * np.abs(h) ** 2 * share)
            c = half * scipy.fft.fft(h, norm="forward")
        if i % every == 0:
            levels.append(c)
    return {"k": k, "times": np.linspace(0, end, len(levels)), "levels": np.array(levels)}


@dataclass(frozen=True)
class Trajectory:
    """Coefficients of the waves exp(ikx) at `times`, shape `(levels, n)`; x starts with the period."""

    k: np.ndarray
    times: np.ndarray
    levels: np.ndarray

    def __call__(self, x, t):
        """h at points, arrays of one shape `(n,)`."""
        h = np.empty(len(x), complex)
        for block in np.array_split(np.argsort(t), len(t) // 256 + 1):
            places, place = np.unique(x[block], return_inverse=True)
            times, time = np.unique(t[block], return_inverse=True)
            waves = np.exp(1j * np.outer(places, self.k))
            h[block] = np.einsum("ij,ij->i", interpolate(times, self.times, self.levels)[time], waves[place])
        return h
