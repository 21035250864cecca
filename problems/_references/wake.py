"""The wake of a cylinder of diameter 1 in a stream of speed 1, by its vorticity and streamfunction, u = ψ_y, v = −ψ_x.

With ξ = log 2r, r² ω_t + ψ_θ ω_ξ − ψ_ξ ω_θ = ν (ω_ξξ + ω_θθ) − r² σ ω and ψ_ξξ + ψ_θθ = −r² ω. ψ is the potential
flow (r − 1/4r) sin θ plus Σ ψ_k(r) exp(ikθ), which vanishes on the cylinder and is harmonic beyond r = R. Modes in θ,
Chebyshev polynomials in r; diffusion is implicit, of third order in time. The wall vorticity of each mode is the one of
no slip; that of the mean has no slope, for else the pressure would not be single-valued. Far away, σ damps the wake.

Peyret, *Spectral methods for incompressible viscous flow*, Springer 2002.
"""

import collections
from dataclasses import dataclass

import numpy as np

from .cache import on_disk
from .chebyshev import derivative, interpolation, nodes
from .etdrk4 import interpolate

RADIUS, CLEAR, FAR, DAMPING = 0.5, 11.0, 22.0, 1.0
"""Of the cylinder, up to which σ is zero, and R; the largest σ."""


def solve(reynolds, spans, every, kept):
    """From a disturbed potential flow, through spans of time, each `(modes, degree, step, duration)`.

    **Returns:** the arrays of a `Wake`: of the last span, one level for `every` so many steps, the last `kept` levels.
    """
    modes, degree, *_ = spans[0]
    r = _radii(degree)
    omega = np.zeros((modes, degree + 1), complex)
    omega[1:4] = np.exp(-10 * (r - 1.5) ** 2) * np.array([[-0.5j], [0.5], [-0.25j]])
    levels = collections.deque()
    for modes, degree, step, duration in spans:
        steps = _steps(_resolved(omega, modes, degree), reynolds, step, round(duration / step))
        levels = collections.deque((state for i, state in enumerate(steps) if i % every == 0), kept)
        omega = levels[-1][0]
    return {"times": spans[-1][2] * every * np.arange(kept), "levels": np.array([psi for _, psi in levels])}


def _radii(degree):
    return RADIUS + (FAR - RADIUS) * nodes(degree)


def _slope(degree):
    """The matrix of the derivative by ξ, r ∂/∂r."""
    return _radii(degree)[:, None] * derivative(degree) / (FAR - RADIUS)


def _resolved(omega, modes, degree):
    """The same vorticity with more modes and of a higher degree."""
    found = np.zeros((modes, degree + 1), complex)
    found[: len(omega)] = omega @ interpolation(omega.shape[1] - 1, nodes(degree)).T
    return found


def _steps(omega, reynolds, step, count):
    """ω and ψ at the start and after each of `count` steps."""
    modes, degree = len(omega), omega.shape[1] - 1
    r, d, k = _radii(degree), _slope(degree), np.arange(modes)[:, None]
    to_vorticity, given, to_stream = _operators(r, d, modes, step, reynolds)
    grid = lambda c: np.fft.irfft(c, 3 * modes, axis=0, norm="forward")

    def advection(omega, psi):
        stream, slope = psi.copy(), psi @ d.T
        stream[1] -= 0.5j * (r - 0.25 / r)
        slope[1] -= 0.5j * (r + 0.25 / r)
        product = grid(1j * k * stream) * grid(omega @ d.T) - grid(slope) * grid(1j * k * omega)
        return np.fft.rfft(product, axis=0, norm="forward")[:modes]

    psi = _apply(to_stream, omega)
    past, rates = 3 * [omega], 3 * [advection(omega, psi)]
    yield omega, psi
    for _ in range(count):
        right = r**2 / step * (3 * past[0] - 1.5 * past[1] + past[2] / 3) - 3 * rates[0] + 3 * rates[1] - rates[2]
        omega = _apply(to_vorticity, right) + given
        psi = _apply(to_stream, omega)
        past, rates = [omega, *past[:2]], [advection(omega, psi), *rates[:2]]
        yield omega, psi


def _operators(r, d, modes, step, reynolds):
    """Matrices from right-hand sides to ω without slip, what the stream adds to these, and matrices from ω to ψ."""
    one, second = np.eye(len(r)), d @ d
    s = np.clip((r - CLEAR) / (FAR - CLEAR), 0, 1)
    rate = r**2 * (11 / 6 / step + DAMPING * s**2 * (3 - 2 * s))
    wall, far = -1, 0  # the nodes are in descending order
    inverses, given, streams = [], np.zeros((modes, len(r)), complex), []
    for k in range(modes):
        stream = second - k**2 * one
        diffusion = np.diag(rate) - stream / reynolds
        stream[[wall, far]] = [one[wall], d[far] + k * one[far] if k else d[wall]]
        to_stream = np.linalg.solve(stream, np.diag(np.where(np.isin(r, r[[wall, far]]), 0, -(r**2))))
        diffusion[[wall, far]] = [one[wall] if k else d[wall], one[far]]
        inverse = np.linalg.inv(diffusion)
        from_wall, inverse[:, [wall, far]] = inverse[:, wall].copy(), 0
        if k:
            slip = d[wall] @ to_stream
            from_wall /= slip @ from_wall
            inverse -= np.outer(from_wall, slip @ inverse)
        if k == 1:
            given[1] = 0.5j * from_wall
        inverses.append(inverse)
        streams.append(to_stream)
    return np.array(inverses), given, np.array(streams)


def _apply(matrices, values):
    """A real matrix for each mode, times complex values."""
    pairs = np.ascontiguousarray(values).view(float).reshape(*values.shape, 2)
    return np.ascontiguousarray(matrices @ pairs).view(complex)[..., 0]


@dataclass(frozen=True)
class Wake:
    """ψ_k at the nodes of ξ, shape `(levels, modes, degree + 1)`, at ascending `times`."""

    times: np.ndarray
    levels: np.ndarray

    def __call__(self, x, y, t):
        """u, v and ψ at points, arrays of one shape `(n,)`: the polynomials themselves, of degree 11 in t."""
        r, angle, (modes, size) = np.hypot(x, y), np.arctan2(y, x), self.levels.shape[1:]
        to_points = interpolation(size - 1, (r - RADIUS) / (FAR - RADIUS))
        to_slopes = to_points @ _slope(size - 1)
        k = np.arange(modes)
        waves = np.where(k, 2, 1) * np.exp(1j * np.outer(angle, k))
        stream = (r - 0.25 / r) * np.sin(angle)
        outward, around = (1 - 0.25 / r**2) * np.cos(angle), -(1 + 0.25 / r**2) * np.sin(angle)
        shares = interpolate(np.asarray(t, float), self.times, np.eye(len(self.times)))
        for psi, share in zip(self.levels, shares.T, strict=True):
            near = np.flatnonzero(share)
            weights = share[near, None] * waves[near]
            parts = weights * (to_points[near] @ psi.T)
            stream[near] += parts.sum(axis=1).real
            outward[near] += (parts @ (1j * k)).real / r[near]
            around[near] -= np.sum(weights * (to_slopes[near] @ psi.T), axis=1).real / r[near]
        cosine, sine = np.cos(angle), np.sin(angle)
        return np.stack([outward * cosine - around * sine, outward * sine + around * cosine, stream])


@on_disk(Wake)
def shedding(modes=96, degree=160, step=0.0025, every=40):
    """6.5 units of time of the periodic flow at Re = 100, whose period is 6.05."""
    return solve(100.0, [(48, 96, 0.005, 80.0), (modes, degree, step, 15.5)], every, kept=66)
