"""Viscous gas of one temperature between walls at x = ±1, for reference solutions: Fourier modes in a mirrored tube."""

import numpy as np
from scipy.integrate import solve_ivp


def solve(density, mu, end, modes, tolerance):
    """Integrate ρ_t + (ρu)_x = 0, ρ (u_t + u u_x) + ρ_x = μ u_xx from rest, with a density of x, from 0 to `end`.

    Beyond a wall ρ is even and u is odd, so ρ + iu has a period of 4. `modes` is odd.

    **Returns:** the arrays of a `split_step.Trajectory` of ρ + iu.
    """
    x, k = 4 * np.arange(modes) / modes, np.pi / 2 * np.fft.fftfreq(modes, 1 / modes)

    def rates(_, h):
        c = np.fft.fft(h)
        slope, bend = np.fft.ifft(1j * k * c), np.fft.ifft(-(k**2) * c)
        force = (mu * bend.imag - slope.real) / h.real
        return -h.imag * slope.real - h.real * slope.imag + 1j * (force - h.imag * slope.imag)

    times, start = np.linspace(0, end, 201), density(1 - np.abs(x - 2)).astype(complex)
    levels = solve_ivp(rates, (0, end), start, "DOP853", times, rtol=tolerance, atol=tolerance).y.T
    return {"k": k, "times": times, "levels": np.fft.fft(levels, norm="forward")}
