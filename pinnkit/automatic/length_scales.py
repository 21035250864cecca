"""The smallest length scales of functions along lines, and the places where they are: layers and fronts."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ..geometry.domain import AbstractDomain
from ..geometry.reference_cube import from_symmetric
from ..networks.stretching import Bump, Stretching

Values = Callable[[Float[np.ndarray, "n d"]], Float[np.ndarray, "n q"]]
"""From points to values of functions."""

LINES, LINE_POINTS = 8, 2048

MOST, APART = 4, 8.0
"""Largest number of the sharpest places, and their least distance in length scales."""

_SEED = 40_009


class Scales(NamedTuple):
    """The smallest length scale along each of some axes, in half widths of the domain, and the sharpest places."""

    smallest: Float[np.ndarray, " k"]
    sharpest: list[Bump]


def scales_of(
    domain: AbstractDomain,
    values: Values,
    axes: Sequence[int],
    periodic: Sequence[bool],
    stretching: Stretching,
) -> Scales:
    """How values vary along lines through a domain, at points that are even in stretched coordinates.

    - `axes`: of these lines; `periodic`: which coordinates are.
    """
    even = np.repeat(np.linspace(-1, 1, LINE_POINTS)[:, None], domain.dimension, axis=1)
    lines = stretching.inverse(even)
    rng, scales, sharpest = np.random.default_rng(_SEED), [], list[Bump]()
    for axis in axes:
        begin = 2 * rng.random((1 if len(axes) == 1 else LINES, 1, domain.dimension)) - 1
        z = np.repeat(begin, LINE_POINTS, axis=1)
        z[:, :, axis] = line = lines[:, axis]
        x = from_symmetric(z, domain.bounds)
        found = values(rows := x.reshape(-1, domain.dimension))
        if not domain.fills_its_bounds:
            found = np.where(domain.contains(rows)[:, None], found, np.nan)
        found = found.reshape(*z.shape[:2], -1)
        scale = _length_scale(line, found, periodic[axis])
        scales.append(float(scale.min()))
        sharpest += [Bump(axis, float(line[i]), float(scale[i])) for i in _minima(line, scale, periodic[axis])]
    return Scales(np.array(scales), sorted(sharpest, key=lambda bump: bump.width)[:MOST])


def _length_scale(
    line: Float[np.ndarray, " n"], values: Float[np.ndarray, "l n q"], periodic: bool
) -> Float[np.ndarray, " n"]:
    r"""The smallest of $(R / |u^{(p)}|)^{1/p}$, p = 1, 2, over all lines and values of range 2R; at most 1.

    Values outside of the domain are NaN.
    """
    scale = np.ones(line.size)
    half_range = (np.nanmax(values, axis=(0, 1)) - np.nanmin(values, axis=(0, 1))) / 2
    slopes = np.moveaxis(values, 1, -1)
    for order in (1, 2):
        if periodic:
            around = np.concatenate([slopes[..., -3:-1], slopes, slopes[..., 1:3]], axis=-1)
            slopes = np.gradient(around, line[1] - line[0], axis=-1)[..., 2:-2]
        else:
            slopes = np.gradient(slopes, line, axis=-1)
        size = np.where(np.isnan(slopes), 0.0, np.abs(slopes)).max(axis=0)
        share = (half_range[:, None] / np.maximum(size, 1e-300)) ** (1 / order)
        scale = np.minimum(scale, share[half_range > 0].min(axis=0, initial=1.0))
    return scale


def _minima(line: Float[np.ndarray, " n"], scale: Float[np.ndarray, " n"], periodic: bool) -> list[int]:
    """The sharpest places, sharpest first, each far from the others."""
    found, order = list[int](), np.argsort(scale, kind="stable")
    for i in order:
        if len(found) == MOST or scale[i] > np.median(scale) / 2:
            break
        apart = [abs(line[i] - line[j]) for j in found]
        apart = [min(gap, 2 - gap) if periodic else gap for gap in apart]
        if all(gap > APART * scale[j] for gap, j in zip(apart, found, strict=True)):
            found.append(int(i))
    return found
