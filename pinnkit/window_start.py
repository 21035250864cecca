r"""The start of a time window: values on a slice in time, held by a small network in space.

A network must be wide enough, and its coordinates stretched where the values have fronts, for the window to be
resolved. Both are found here, where they cost little: the values to start from are fitted by least squares with more
and more sines, and with coordinates stretched around the places of smallest length scale, until points that were not
fitted are met.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ._types import Params
from .bandwidth import Bandwidth
from .least_squares import least_squares
from .marching import START_SHARE, Marching
from .warp import BUMPS, Bump, Warp

Values = Callable[[Float[np.ndarray, "n d"]], Float[np.ndarray, "n q"]]
"""From points to the values that a window starts from."""

SINES_PER_MODE = 12
"""Sines of a window for each wave that space resolves: two for each degree of freedom along half a dozen in time."""

TIME_BANDWIDTH = 4.0
"""Of a window, in radians per half of its length."""

STRETCHES = (0.75, 1.5, 3.0, 6.0, 12.0)
"""Half widths of bumps to try, in length scales of the values."""

MET, PLENTY = 1e-8, 1e-11
"""Relative errors at which values are met, and at which nothing is left to be gained."""

AS_GOOD = 3.0
"""Errors within this factor count as the same."""

LINES, LINE_POINTS, POINTS, UNSEEN = 8, 2049, 2048, 512

_SEED = 40_009


class Start(NamedTuple):
    """- `width`: of the window; `bandwidth`: of window and start; `warp`: the coordinates of space;
    - `params`: of the network in space; `error`: its relative error on points that were not fitted.
    """

    width: int
    bandwidth: Bandwidth
    warp: Warp
    params: Params
    error: float


class _Samples(NamedTuple):
    """Places in [-1, 1]^d, values there, the smallest length scale along each axis of space, and the sharpest places."""

    z: Float[np.ndarray, "n d"]
    values: Float[np.ndarray, "n q"]
    scale: Float[np.ndarray, " k"]
    sharpest: list[Bump]


def find_start(marching: Marching, values: Values, widths: Sequence[int], margin: float, seed: int) -> Start:
    """The narrowest of `widths` that meets the values, or comes as close as any.

    - `margin`: so many times the sines that meet the values, since a window goes on from there.
    """
    axes = marching.domain.dimension
    if not marching.space:
        params = jnp.asarray(values(marching.domain.lower[None])[0])
        return Start(widths[0], axes * (TIME_BANDWIDTH,), marching.warp(), params, 0.0)
    samples = _sample(marching, values)
    tried: list[tuple[int, tuple[Bump, ...], float]] = []
    for width in widths:
        tried.append((width, *_stretched(marching, samples, int(width / margin), seed)))
        if tried[-1][-1] <= MET:
            break
    least = max(min(error for *_, error in tried), MET)
    width, bumps = next((width, bumps) for width, bumps, error in tried if error <= AS_GOOD * least)
    return _fit(marching, samples, width, bumps, seed)


def _stretched(marching: Marching, samples: _Samples, width: int, seed: int) -> tuple[tuple[Bump, ...], float]:
    """The best coordinates for a network of this width, and its error: plain ones, or bumps at the sharpest places."""
    best, least = (), _fit(marching, samples, width, (), seed).error
    for count in range(1, len(samples.sharpest) + 1):
        for factor in STRETCHES:
            if least <= PLENTY:
                return best, least
            bumps = tuple(place._replace(width=factor * place.width) for place in samples.sharpest[:count])
            error = _fit(marching, samples, width, bumps, seed).error
            if error < least / AS_GOOD:
                best, least = bumps, error
    return best, least


def _fit(marching: Marching, samples: _Samples, width: int, bumps: tuple[Bump, ...], seed: int) -> Start:
    """The network in space, in these coordinates, that is closest to the values."""
    bandwidth = _bandwidth(marching, samples.scale, width)
    network: Any = marching.start_model(width // START_SHARE, bandwidth, seed).params
    warp = marching.warp(bumps)
    places = np.asarray(warp.many(jnp.asarray(samples.z)))[:, marching.space]
    angles = places @ np.asarray(network.frequency).T + np.asarray(network.phase)
    design = np.column_stack([np.sin(angles), np.ones(len(angles))])
    seen, unseen = slice(UNSEEN, None), slice(UNSEEN)
    found = np.stack([least_squares(design[seen], column[seen]).x for column in samples.values.T])
    wrong = np.linalg.norm(design[unseen] @ found.T - samples.values[unseen], axis=0)
    norm = np.linalg.norm(samples.values[unseen], axis=0)
    error = float(np.max(wrong / np.where(norm > 0, norm, 1.0)))
    head = jnp.asarray(found[:, :-1]), jnp.asarray(found[:, -1])
    params = eqx.tree_at(lambda f: (f.head.weight, f.head.bias), network, head)
    return Start(width, bandwidth, warp, params, error)


def _bandwidth(marching: Marching, scale: Float[np.ndarray, " k"], width: int) -> Bandwidth:
    """What so many sines resolve: in each coordinate in proportion to how fast the values vary."""
    modes = max(width / SINES_PER_MODE, 2.0**scale.size)
    rates = 1 / scale
    rates *= (modes / np.prod(2 * rates / np.pi)) ** (1 / scale.size)
    bandwidth = np.full(marching.domain.dimension, TIME_BANDWIDTH)
    for axis, rate in zip(marching.space, rates, strict=True):
        periodic = marching.domain.coordinates[axis] in marching.ansatz.periods
        bandwidth[axis] = np.pi * max(round(rate / np.pi), 1) if periodic else rate
    return tuple(float(s) for s in bandwidth)


def _sample(marching: Marching, values: Values) -> _Samples:
    """Places for a fit, more of them where the values vary fast."""
    from scipy.stats import qmc  # slow to import

    box, rng = marching.domain, np.random.default_rng(_SEED)
    at = lambda z: values(box.lower + (z + 1) / 2 * (box.upper - box.lower))
    line = np.linspace(-1, 1, LINE_POINTS)
    unit = qmc.Sobol(box.dimension, rng=rng).random(POINTS + UNSEEN)
    z, scales, sharpest = 2 * unit - 1, [], list[Bump]()
    dense = rng.permutation(POINTS + UNSEEN) % 3 > 0
    for axis in marching.space:
        lines = np.repeat(
            2 * rng.random((1 if len(marching.space) == 1 else LINES, 1, box.dimension)) - 1, line.size, 1
        )
        lines[:, :, axis] = line
        found = at(lines.reshape(-1, box.dimension)).reshape(*lines.shape[:2], -1)
        periodic = box.coordinates[axis] in marching.ansatz.periods
        scale = _length_scale(line, found, periodic)
        mass = np.concatenate([[0.0], np.cumsum((1 / scale[1:] + 1 / scale[:-1]) / 2)])
        z[dense, axis] = np.interp(unit[dense, axis], mass / mass[-1], line)
        scales.append(float(scale.min()))
        sharpest += [Bump(axis, float(line[i]), float(scale[i])) for i in _minima(line, scale, periodic)]
    sharpest = sorted(sharpest, key=lambda bump: bump.width)[:BUMPS]
    return _Samples(z, at(z), np.array(scales), sharpest)


def _length_scale(
    line: Float[np.ndarray, " n"], values: Float[np.ndarray, "l n q"], periodic: bool
) -> Float[np.ndarray, " n"]:
    r"""The smallest of $(R / |u^{(p)}|)^{1/p}$, p = 1, 2, over all lines and values of range 2R; at most 1."""
    scale = np.ones(line.size)
    half_range = np.ptp(values, axis=(0, 1)) / 2
    slopes = np.moveaxis(values, 1, -1)
    for order in (1, 2):
        if periodic:
            around = np.concatenate([slopes[..., -3:-1], slopes, slopes[..., 1:3]], axis=-1)
            slopes = np.gradient(around, line[1] - line[0], axis=-1)[..., 2:-2]
        else:
            slopes = np.gradient(slopes, line[1] - line[0], axis=-1)
        size = np.abs(slopes).max(axis=0)
        share = (half_range[:, None] / np.maximum(size, 1e-300)) ** (1 / order)
        scale = np.minimum(scale, share[half_range > 0].min(axis=0, initial=1.0))
    return scale


def _minima(line: Float[np.ndarray, " n"], scale: Float[np.ndarray, " n"], periodic: bool) -> list[int]:
    """The sharpest places, sharpest first, none within a few length scales of another."""
    found, order = list[int](), np.argsort(scale, kind="stable")
    for i in order:
        if len(found) == BUMPS or scale[i] > np.median(scale) / 2:
            break
        apart = [abs(line[i] - line[j]) for j in found]
        apart = [min(gap, 2 - gap) if periodic else gap for gap in apart]
        if all(gap > 8 * scale[j] for gap, j in zip(apart, found, strict=True)):
            found.append(int(i))
    return found
