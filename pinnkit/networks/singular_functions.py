r"""Harmonic functions that are singular at a corner or in a hole: powers $w^\lambda$ and $w^m \log w$ of a complex
coordinate around it, biharmonic ones, which are these times a coordinate, and the logarithms of the distances from
charges outside.
"""

import functools
import math
import operator
from collections.abc import Sequence
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..geometry.corners import Corner
from ..geometry.creases import Crease
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
    """A corner, a crease, a round hole or a charge, and the functions that solutions are made of there.

    - `is_complete`: whether sums of these and a smooth function are enough; else they have smooth factors.
    """

    place: Corner | Crease | Hole | Charge
    powers: tuple[Power, ...]
    is_complete: bool


SHARES = {Corner: 0.5, Crease: 0.0625, Hole: 0.125, Charge: 0.125}
"""Largest shares of the features that are singular at places of each kind. More multipoles and charges than the points
on the boundary resolve would be fitted to these alone; functions of creases have eight factors each.
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

    - `axes`: of space; `places`: see `_Placed`;
    - `powers`: with the number of its place each.
    """

    axes: tuple[int, ...] = eqx.field(static=True)
    places: tuple["_Placed", ...] = eqx.field(static=True)
    powers: tuple[tuple[int, Power], ...] = eqx.field(static=True)

    def __init__(self, domain: AbstractDomain, singularities: Sequence[Singularity]):
        self.axes = tuple(domain.coordinates.index(name) for name in domain.space)
        low, high = domain.lower[list(self.axes)], domain.upper[list(self.axes)]
        self.places = tuple(_placed(own.place, low, high) for own in singularities)
        self.powers = tuple((number, power) for number, own in enumerate(singularities) for power in own.powers)

    @property
    def along(self) -> tuple[tuple[float, ...], ...] | None:
        """The direction of the crease of each function; None in a plane."""
        if len(self.axes) == 2:
            return None
        own = [np.cross(place.bisector, place.turned) for place in self.places]
        return tuple(tuple(map(float, own[number])) for number, _ in self.powers)

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
        origin, bisector, turned, inverse, reach = (np.array(each, x.dtype) for each in zip(*self.places, strict=True))
        offsets = [x[axis] - origin[:, i] for i, axis in enumerate(self.axes)]
        along, across = (
            functools.reduce(operator.add, (each[:, i] * own for i, own in enumerate(offsets)))
            for each in (bisector, turned)
        )
        if inverse.any():
            square = along * along + across * across
            scale = 1 + 2 * inverse * along + inverse**2 * square
            along, across = (along + inverse * square) / scale, across / scale
        square = along * along + across * across
        square = jnp.where(square > 0, square, jnp.finfo(x.dtype).tiny)
        angle = 2 * jnp.arctan(across / (jnp.sqrt(square) + jnp.where(along >= 0, along, -along)))
        angle = jnp.where(along >= 0, angle, jnp.where(across >= 0, np.pi, -np.pi) - angle)
        return jnp.log(square) / 2 - np.log(reach), angle


class _Placed(NamedTuple):
    """- `origin`; `bisector`, `turned`: the directions of the real and the imaginary axis;
    - `inverse`: 1 over the distance up to which there is a jump; `reach`: the |w| with powers of 1.
    """

    origin: tuple[float, ...]
    bisector: tuple[float, ...]
    turned: tuple[float, ...]
    inverse: float
    reach: float


def _placed(
    place: Corner | Crease | Hole | Charge, low: Float[np.ndarray, " k"], high: Float[np.ndarray, " k"]
) -> _Placed:
    axes = (1.0, 0.0), (0.0, 1.0)
    if isinstance(place, Hole):
        return _Placed(place.center, *axes, 0.0, place.radius)
    if isinstance(place, Charge):
        return _Placed(place.point, *axes, 0.0, _farthest(place.point, low, high))
    if isinstance(place, Corner):
        c, s = math.cos(place.bisector), math.sin(place.bisector)
        axes = (c, s), (-s, c)
    else:
        axes = place.bisector, place.turned
    inverse, reach = (2 / place.behind, place.behind) if math.isfinite(place.behind) else (0.0, None)
    return _Placed(place.vertex, *axes, inverse, reach or _farthest(place.vertex, low, high))


def _farthest(point: tuple[float, ...], low: Float[np.ndarray, " k"], high: Float[np.ndarray, " k"]) -> float:
    """The largest distance of a point from one of a box."""
    return float(np.linalg.norm(np.maximum(high - point, point - low)))
