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

    - `axes`: of space; `corners`: vertex, bisector, 1 over the distance up to which there is a jump, and largest |w|;
    - `powers`: with the number of its corner each.
    """

    axes: tuple[int, ...] = eqx.field(static=True)
    corners: tuple[tuple[float, ...], ...] = eqx.field(static=True)
    powers: tuple[tuple[int, Power], ...] = eqx.field(static=True)

    def __init__(self, domain: AbstractDomain, singularities: Sequence[Singularity]):
        self.axes = tuple(domain.coordinates.index(name) for name in domain.space)
        low, high = domain.lower[list(self.axes)], domain.upper[list(self.axes)]
        self.corners = tuple(_placed(own.corner, low, high) for own in singularities)
        self.powers = tuple((number, power) for number, own in enumerate(singularities) for power in own.powers)

    @property
    def size(self) -> int:
        return len(self.powers)

    def __call__(self, x: Float[Array, " d"]) -> Float[Array, " k"]:
        owner, (exponent, phase, is_logarithmic) = np.array([i for i, _ in self.powers]), self._columns(x)
        logarithm, angle = (each[owner] for each in self._polar(x))
        size, turn = jnp.exp(exponent * logarithm), exponent * angle - phase
        plain = size * jnp.cos(turn)
        if not is_logarithmic.any():
            return plain
        return plain + is_logarithmic * (logarithm * plain - angle * size * jnp.sin(turn) - plain)

    def _columns(self, x: Float[Array, " d"]) -> tuple[Array, Array, np.ndarray]:
        exponent, phase, is_logarithmic = (np.array([power[i] for _, power in self.powers], float) for i in range(3))
        return jnp.asarray(exponent, x.dtype), jnp.asarray(phase, x.dtype), is_logarithmic.astype(x.dtype)

    def _polar(self, x: Float[Array, " d"]) -> tuple[Float[Array, " c"], Float[Array, " c"]]:
        """The logarithm of |w|, 0 where it is largest, and the angle of w, for each corner."""
        first, second, bisector, inverse, reach = (np.array(each, x.dtype) for each in zip(*self.corners, strict=True))
        c, s, (right, up) = np.cos(bisector), np.sin(bisector), self.axes
        along = c * (x[right] - first) + s * (x[up] - second)
        across = c * (x[up] - second) - s * (x[right] - first)
        if inverse.any():
            square = along * along + across * across
            scale = 1 + 2 * inverse * along + inverse**2 * square
            along, across = (along + inverse * square) / scale, across / scale
        square = along * along + across * across
        square = jnp.where(square > 0, square, jnp.finfo(x.dtype).tiny)
        return jnp.log(square) / 2 - np.log(reach), 2 * jnp.arctan(across / (jnp.sqrt(square) + along))


def _placed(corner: Corner, low: Float[np.ndarray, " 2"], high: Float[np.ndarray, " 2"]) -> tuple[float, ...]:
    reach = float(np.linalg.norm(np.maximum(high - corner.vertex, corner.vertex - low)))
    if not np.isfinite(corner.behind):
        return *corner.vertex, corner.bisector, 0.0, reach
    return *corner.vertex, corner.bisector, 2 / corner.behind, corner.behind
