r"""Functions that are singular at a corner: powers $w^\lambda$ and $w^m \log w$ of a complex coordinate around it."""

from collections.abc import Sequence
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..geometry.corners import Corner
from ..geometry.domain import AbstractDomain


class Power(NamedTuple):
    r"""$\mathrm{Re}\, e^{-i\varphi} w^\lambda$, or $\mathrm{Re}\, e^{-i\varphi} w^\lambda \log w$.

    - `exponent`: λ; `phase`: φ, with the angle of w counted from the bisector of the corner.
    """

    exponent: float
    phase: float
    is_logarithmic: bool = False


class Singularity(NamedTuple):
    """A corner and the functions that solutions are made of there.

    - `is_complete`: whether sums of these and a smooth function are enough; else they have smooth factors.
    """

    corner: Corner
    powers: tuple[Power, ...]
    is_complete: bool


def lowest(singularities: Sequence[Singularity], most: int) -> tuple[Singularity, ...]:
    """The singularities with at most `most` functions in all, those of the lowest exponents."""
    every = sorted((power, number) for number, own in enumerate(singularities) for power in own.powers)[:most]
    kept = [tuple(power for power, number in every if number == i) for i in range(len(singularities))]
    return tuple(own._replace(powers=powers) for own, powers in zip(singularities, kept, strict=True) if powers)


class CornerFunctions(eqx.Module):
    r"""The functions of several corners, each at most about 1 on the domain.

    With z = x + iy from the vertex, the bisector as the real axis, w = z, whose powers jump against the bisector. Where
    the domain lies there at a distance d, $w = z / (1 + 2z/d)$, whose powers jump up to the distance d/2 only: like
    those of z they are harmonic, and the same near the corner.

    - `axes`: of space; `corners`: vertex, bisector, 1 over the distance up to which there is a jump, and largest |w|.
    """

    axes: tuple[int, ...] = eqx.field(static=True)
    corners: tuple[tuple[tuple[float, float], float, float, float], ...] = eqx.field(static=True)
    powers: tuple[tuple[Power, ...], ...] = eqx.field(static=True)

    def __init__(self, domain: AbstractDomain, singularities: Sequence[Singularity]):
        self.axes = tuple(domain.coordinates.index(name) for name in domain.space)
        low, high = domain.lower[list(self.axes)], domain.upper[list(self.axes)]
        self.corners = tuple(_placed(own.corner, low, high) for own in singularities)
        self.powers = tuple(own.powers for own in singularities)

    @property
    def size(self) -> int:
        return sum(map(len, self.powers))

    def __call__(self, x: Float[Array, " d"]) -> Float[Array, " k"]:
        found = [self._around(x, place, powers) for place, powers in zip(self.corners, self.powers, strict=True)]
        return jnp.concatenate(found)

    def _around(
        self, x: Float[Array, " d"], place: tuple[tuple[float, float], float, float, float], powers: tuple[Power, ...]
    ) -> Float[Array, " k"]:
        (vertex, bisector, inverse, reach), (first, second) = place, self.axes
        offset = x[first] - vertex[0], x[second] - vertex[1]
        c, s = float(np.cos(bisector)), float(np.sin(bisector))
        along, across = c * offset[0] + s * offset[1], c * offset[1] - s * offset[0]
        if inverse:
            square = along * along + across * across
            scale = 1 + 2 * inverse * along + inverse**2 * square
            along, across = (along + inverse * square) / scale, across / scale
        square = along * along + across * across
        square = jnp.where(square > 0, square, jnp.finfo(x.dtype).tiny)
        angle = 2 * jnp.arctan(across / (jnp.sqrt(square) + along))
        logarithm = jnp.log(square) / 2 - float(np.log(reach))
        exponent, phase = (jnp.asarray([own[i] for own in powers], x.dtype) for i in (0, 1))
        size, turn = jnp.exp(exponent * logarithm), exponent * angle - phase
        plain, is_logarithmic = size * jnp.cos(turn), np.array([own.is_logarithmic for own in powers])
        if not is_logarithmic.any():
            return plain
        return jnp.where(is_logarithmic, logarithm * plain - angle * size * jnp.sin(turn), plain)


def _placed(
    corner: Corner, low: Float[np.ndarray, " 2"], high: Float[np.ndarray, " 2"]
) -> tuple[tuple[float, float], float, float, float]:
    reach = float(np.linalg.norm(np.maximum(high - corner.vertex, corner.vertex - low)))
    if not np.isfinite(corner.behind):
        return corner.vertex, corner.bisector, 0.0, reach
    return corner.vertex, corner.bisector, 2 / corner.behind, corner.behind
