r"""Harmonic functions that are singular at a corner or in a hole: powers $w^\lambda$ and $w^m \log w$ of a complex
coordinate around it, biharmonic ones, which are these times a coordinate, and the logarithms of the distances from
charges outside.
"""

from collections.abc import Sequence
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..geometry.corners import Corner
from ..geometry.domain import AbstractDomain, Hole


class Charge(NamedTuple):
    """A point outside of a domain."""

    point: tuple[float, float]


class Power(NamedTuple):
    r"""$\mathrm{Re}\, e^{-i\varphi} w^\lambda$, or $\mathrm{Re}\, e^{-i\varphi} w^\lambda \log w$.

    - `exponent`: λ; `phase`: φ, with the angle of w counted from the bisector of the corner, or the first coordinate;
    - `factor`: "" for the function itself, "x" or "y" for its product with the real or imaginary part of w.
    """

    exponent: float
    phase: float
    is_logarithmic: bool = False
    factor: str = ""


class Singularity(NamedTuple):
    """A corner, a round hole or a charge, and the functions that solutions are made of there.

    - `is_complete`: whether sums of these and a smooth function are enough; else they have smooth factors.
    """

    place: Corner | Hole | Charge
    powers: tuple[Power, ...]
    is_complete: bool


SHARES = {Corner: 0.5, Hole: 0.125, Charge: 0.125}
"""Largest shares of the features that are singular at places of each kind. More multipoles and charges than the points
on the boundary resolve would be fitted to these alone.
"""


def lowest(singularities: Sequence[Singularity], width: int) -> tuple[Singularity, ...]:
    """The singularities with those functions that a network of this width has room for: of the smallest exponents at
    corners and in holes, and evenly spread charges.
    """
    found = list[Singularity]()
    for kind, share in SHARES.items():
        own = [each for each in singularities if isinstance(each.place, kind)]
        found += _chosen(own, int(share * width), is_even=kind is Charge)
    return tuple(found)


def _chosen(singularities: Sequence[Singularity], most: int, is_even: bool) -> list[Singularity]:
    every = [(power, number) for number, own in enumerate(singularities) for power in own.powers]
    every.sort(key=lambda each: abs(each[0].exponent))
    rows = np.linspace(0, len(every) - 1, min(len(every), most)).round() if is_even else np.arange(len(every))[:most]
    kept = [every[int(row)] for row in rows]
    powers = [tuple(power for power, i in kept if i == number) for number in range(len(singularities))]
    return [own._replace(powers=chosen) for own, chosen in zip(singularities, powers, strict=True) if chosen]


class SingularFunctions(eqx.Module):
    r"""The functions of several corners and holes, each at most about 1 on the domain.

    With z = x + iy from the vertex, the bisector as the real axis, w = z, whose powers jump against the bisector. Where
    the domain lies there at a distance d, $w = z / (1 + 2z/d)$, whose powers jump up to the distance d/2 only: like
    those of z they are harmonic, and the same near the corner. Around a hole w = z has its origin in the center.

    - `axes`: of space; `places`: origin, bisector, 1 over the distance up to which there is a jump, and the |w| with
      powers of 1;
    - `powers`: with the number of its place each.
    """

    axes: tuple[int, ...] = eqx.field(static=True)
    places: tuple[tuple[float, ...], ...] = eqx.field(static=True)
    powers: tuple[tuple[int, Power], ...] = eqx.field(static=True)

    def __init__(self, domain: AbstractDomain, singularities: Sequence[Singularity]):
        self.axes = tuple(domain.coordinates.index(name) for name in domain.space)
        low, high = domain.lower[list(self.axes)], domain.upper[list(self.axes)]
        self.places = tuple(_placed(own.place, low, high) for own in singularities)
        self.powers = tuple((number, power) for number, own in enumerate(singularities) for power in own.powers)

    @property
    def size(self) -> int:
        return len(self.powers)

    def __call__(self, x: Float[Array, " d"]) -> Float[Array, " k"]:
        owner, (exponent, phase, is_logarithmic) = np.array([i for i, _ in self.powers]), self._columns(x)
        logarithm, angle = (each[owner] for each in self._polar(x))
        size, turn = jnp.exp(exponent * logarithm), exponent * angle - phase
        found = size * jnp.cos(turn)
        if is_logarithmic.any():
            found = found + is_logarithmic * (logarithm * found - angle * size * jnp.sin(turn) - found)
        factors = np.array([power.factor for _, power in self.powers])
        if not (factors != "").any():
            return found
        along, across = jnp.exp(logarithm) * jnp.cos(angle), jnp.exp(logarithm) * jnp.sin(angle)
        return found * jnp.where(factors == "x", along, jnp.where(factors == "y", across, 1.0))

    def _columns(self, x: Float[Array, " d"]) -> tuple[Array, Array, np.ndarray]:
        exponent, phase, is_logarithmic = (np.array([power[i] for _, power in self.powers], float) for i in range(3))
        return jnp.asarray(exponent, x.dtype), jnp.asarray(phase, x.dtype), is_logarithmic.astype(x.dtype)

    def _polar(self, x: Float[Array, " d"]) -> tuple[Float[Array, " c"], Float[Array, " c"]]:
        """The logarithm of |w|, 0 where a power is 1, and the angle of w, for each place."""
        first, second, bisector, inverse, reach = (np.array(each, x.dtype) for each in zip(*self.places, strict=True))
        c, s, (right, up) = np.cos(bisector), np.sin(bisector), self.axes
        along = c * (x[right] - first) + s * (x[up] - second)
        across = c * (x[up] - second) - s * (x[right] - first)
        if inverse.any():
            square = along * along + across * across
            scale = 1 + 2 * inverse * along + inverse**2 * square
            along, across = (along + inverse * square) / scale, across / scale
        square = along * along + across * across
        square = jnp.where(square > 0, square, jnp.finfo(x.dtype).tiny)
        angle = 2 * jnp.arctan(across / (jnp.sqrt(square) + jnp.where(along >= 0, along, -along)))
        angle = jnp.where(along >= 0, angle, jnp.where(across >= 0, np.pi, -np.pi) - angle)
        return jnp.log(square) / 2 - np.log(reach), angle


def _placed(
    place: Corner | Hole | Charge, low: Float[np.ndarray, " 2"], high: Float[np.ndarray, " 2"]
) -> tuple[float, ...]:
    if isinstance(place, Hole):
        return *place.center, 0.0, 0.0, place.radius
    origin = place.point if isinstance(place, Charge) else place.vertex
    reach = float(np.linalg.norm(np.maximum(high - origin, origin - low)))
    if isinstance(place, Charge):
        return *origin, 0.0, 0.0, reach
    if not np.isfinite(place.behind):
        return *place.vertex, place.bisector, 0.0, reach
    return *place.vertex, place.bisector, 2 / place.behind, place.behind
