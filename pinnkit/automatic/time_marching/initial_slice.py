r"""The initial slice of a time window: its initial values, represented by a small network in space.

The network of a window must be wide enough, and its coordinates stretched where the values have fronts. Both are found
here, where they are cheap: the initial values are fitted by least squares with more and more random features, and with
coordinates stretched around the places of smallest length scale, until the error on other points is small.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ..._base.linalg.least_squares import least_squares
from ..._base.types import Params
from ...geometry.domain import AbstractDomain
from ...geometry.reference_cube import from_symmetric
from ...runs.resume.replay import Arrays
from ..random_features.bandwidth import Bandwidth
from .lattice import TIME_SPACING, reach_of
from .marching import Marching
from .stretching import BUMPS, Bump, Stretching

Form = Callable[[Float[np.ndarray, "n d"]], tuple[Float[np.ndarray, "n q"], Float[np.ndarray, "n q"]]]
"""From points to the offset and the factor of the network in space there, (n, q) each."""

Values = Callable[[Float[np.ndarray, "n d"]], Float[np.ndarray, "n q"]]
"""From points to the initial values of a window."""

LEVELS, FEWEST = 4, 2
"""Frequencies in time of a window: the features are those for each wave in space, times one plus two for each of them.
Fewer, with shorter windows, if space is not resolved otherwise."""

STRETCHES = (12.0, 6.0, 3.0, 1.5)
"""Half widths of bumps that are tried, in length scales of the values."""

AS_GOOD = 3.0
"""Errors within this factor count as equal."""

LINES, LINE_POINTS = 8, 2048

ROWS_PER_SINE, UNSEEN = 3, 256

_SEED = 40_009


class InitialSlice(NamedTuple):
    """- `width`: of the window's network; `bandwidth`: of window and slice; `stretching`: of the coordinates in space;
    - `params`: of the network in space; `error`: its relative error on validation points.
    """

    width: int
    bandwidth: Bandwidth
    stretching: Stretching
    params: Params
    error: float

    def packed(self) -> Arrays:
        """As arrays, see `Replay`."""
        leaves = jax.tree.leaves((self.stretching, self.params))
        figures = {"width": np.array(self.width), "bandwidth": np.array(self.bandwidth), "error": np.array(self.error)}
        return {**figures, **{f"{i}": np.asarray(leaf) for i, leaf in enumerate(leaves)}}

    @classmethod
    def unpacked(cls, arrays: Arrays, marching: Marching, seed: int) -> "InitialSlice":
        """Read what `packed` returned."""
        width, bandwidth = int(arrays["width"]), tuple(arrays["bandwidth"].tolist())
        leaves, tree = jax.tree.flatten((marching.stretching(), marching.start_model(width, bandwidth, seed).params))
        stretching, params = tree.unflatten([jnp.asarray(arrays[f"{i}"]) for i in range(len(leaves))])
        return cls(width, bandwidth, stretching, params, float(arrays["error"]))


class Wanted(NamedTuple):
    """What is asked of an initial slice.

    - `widths`: of the window, ascending; `margin`: its features over those that the values need, since the solution
      evolves from there;
    - `met`: relative error that is good enough; `plenty`: relative error below which a search ends;
    - `usual`: width for which, and for larger ones, stretched coordinates are tried.
    """

    widths: Sequence[int]
    margin: float = 1.25
    met: float = 1e-7
    plenty: float = 1e-11
    usual: int = 0


class _Shape(NamedTuple):
    """Of initial values: the smallest length scale along each axis of space, and the sharpest places."""

    scale: Float[np.ndarray, " k"]
    sharpest: list[Bump]


def find_initial_slice(marching: Marching, values: Values, time: float, wanted: Wanted, seed: int) -> InitialSlice:
    """The narrowest slice that represents the values at a time, or the most accurate one."""
    axes, widths = marching.domain.dimension, wanted.widths
    if not marching.space:
        params = jnp.asarray(values(marching.domain.lower[None])[0])
        return InitialSlice(widths[0], axes * (LEVELS * TIME_SPACING,), marching.stretching(), params, 0.0)
    shape, form = _shape(marching, values), functools.partial(marching.start_form, time=time)
    fit = lambda width, levels, bumps: _fit(marching, values, form, shape.scale, width, levels, bumps, seed)
    tried: list[tuple[int, int, tuple[Bump, ...], float]] = []
    for width, levels in [*((width, LEVELS) for width in widths), (widths[-1], FEWEST)]:
        smaller = functools.partial(fit, int(width / wanted.margin), levels)
        sharpest = shape.sharpest if marching.stretches and width >= wanted.usual else []
        tried.append((width, levels, *_stretched(smaller, sharpest, wanted.plenty)))
        if tried[-1][-1] <= wanted.met:
            break
    least = max(min(error for *_, error in tried), wanted.met)
    width, levels, bumps = next(found for *found, error in tried if error <= least)
    return fit(width, levels, bumps)


def _stretched(
    fit: Callable[[tuple[Bump, ...]], InitialSlice], sharpest: Sequence[Bump], plenty: float
) -> tuple[tuple[Bump, ...], float]:
    """The bumps, at the sharpest places, with which the network fits the values best, and its error."""
    best, least = (), fit(()).error
    for count in range(1, len(sharpest) + 1):
        for factor in STRETCHES:
            if least <= plenty:
                return best, least
            bumps = tuple(place._replace(width=factor * place.width) for place in sharpest[:count])
            error = fit(bumps).error
            if error < least / AS_GOOD:
                best, least = bumps, error
    return best, least


def _fit(
    marching: Marching,
    values: Values,
    form: Form,
    scale: Float[np.ndarray, " k"],
    width: int,
    levels: int,
    bumps: tuple[Bump, ...],
    seed: int,
) -> InitialSlice:
    """The network in space that fits the values best in these coordinates."""
    box, bandwidth, stretching = marching.domain, _bandwidth(marching, scale, width, levels), marching.stretching(bumps)
    network: Any = marching.start_model(width, bandwidth, seed).params
    count = ROWS_PER_SINE * len(network.phase) + UNSEEN
    z = _places(box, stretching, count)
    x = from_symmetric(z, box.bounds)
    targets, (offsets, factors) = values(x), form(x)
    places = stretching.many(z)[:, marching.space]
    angles = places @ np.asarray(network.frequency).T + np.asarray(network.phase)
    design = np.column_stack([np.sin(angles), np.ones(count)])
    seen, unseen = slice(UNSEEN, None), slice(UNSEEN)
    columns = zip(factors.T, (targets - offsets).T, strict=True)
    found = np.stack([least_squares(factor[seen, None] * design[seen], rest[seen]).x for factor, rest in columns])
    wrong = np.linalg.norm((offsets + factors * (design @ found.T) - targets)[unseen], axis=0)
    norm = np.linalg.norm(targets[unseen], axis=0)
    error = float(np.max(wrong / np.where(norm > 0, norm, 1.0)))
    head = jnp.asarray(found[:, :-1]), jnp.asarray(found[:, -1])
    params = eqx.tree_at(lambda f: (f.head.weight, f.head.bias), network, head)
    return InitialSlice(width, bandwidth, stretching, params, error)


def _places(domain: AbstractDomain, stretching: Stretching, count: int) -> Float[np.ndarray, "n d"]:
    """Sobol points of a domain, evenly distributed in stretched coordinates, by their places in [-1, 1]^d."""
    from scipy.stats import qmc  # slow to import

    share = 1.0 if domain.fills_its_bounds else domain.measure / float(np.prod(domain.upper - domain.lower))
    sequence = qmc.Sobol(domain.dimension, rng=np.random.default_rng(_SEED))
    unit = sequence.random_base2((math.ceil(count / share) - 1).bit_length())
    if domain.fills_its_bounds:
        return stretching.inverse(2 * unit[:count] - 1)
    while (inside := domain.contains(from_symmetric(2 * unit - 1, domain.bounds))).sum() < count:
        unit = np.concatenate([unit, sequence.random(len(unit))])
    return 2 * unit[inside][:count] - 1


def _bandwidth(marching: Marching, scale: Float[np.ndarray, " k"], width: int, levels: int) -> Bandwidth:
    """The highest frequencies of `width` features: along each coordinate in proportion to how fast the values vary."""
    waves = 1 / scale
    waves *= (max(width / (2 * levels + 1), 2.0**scale.size) / np.prod(2 * waves)) ** (1 / scale.size)
    bandwidth = np.full(marching.domain.dimension, levels * TIME_SPACING)
    for axis, number in zip(marching.space, waves, strict=True):
        bandwidth[axis] = reach_of(max(number, 1.0), marching.domain.coordinates[axis] in marching.ansatz.periods)
    return tuple(float(s) for s in bandwidth)


def _shape(marching: Marching, values: Values) -> _Shape:
    """How values vary along lines through space."""
    box, rng = marching.domain, np.random.default_rng(_SEED)
    line, scales, sharpest = np.linspace(-1, 1, LINE_POINTS), [], list[Bump]()
    for axis in marching.space:
        begin = 2 * rng.random((1 if len(marching.space) == 1 else LINES, 1, box.dimension)) - 1
        z = np.repeat(begin, line.size, axis=1)
        z[:, :, axis] = line
        x = from_symmetric(z, box.bounds)
        found = values(rows := x.reshape(-1, box.dimension))
        if not box.fills_its_bounds:
            found = np.where(box.contains(rows)[:, None], found, np.nan)
        found = found.reshape(*z.shape[:2], -1)
        periodic = box.coordinates[axis] in marching.ansatz.periods
        scale = _length_scale(line, found, periodic)
        scales.append(float(scale.min()))
        sharpest += [Bump(axis, float(line[i]), float(scale[i])) for i in _minima(line, scale, periodic)]
    return _Shape(np.array(scales), sorted(sharpest, key=lambda bump: bump.width)[:BUMPS])


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
            slopes = np.gradient(slopes, line[1] - line[0], axis=-1)
        size = np.where(np.isnan(slopes), 0.0, np.abs(slopes)).max(axis=0)
        share = (half_range[:, None] / np.maximum(size, 1e-300)) ** (1 / order)
        scale = np.minimum(scale, share[half_range > 0].min(axis=0, initial=1.0))
    return scale


def _minima(line: Float[np.ndarray, " n"], scale: Float[np.ndarray, " n"], periodic: bool) -> list[int]:
    """The sharpest places, sharpest first, none within eight length scales of another."""
    found, order = list[int](), np.argsort(scale, kind="stable")
    for i in order:
        if len(found) == BUMPS or scale[i] > np.median(scale) / 2:
            break
        apart = [abs(line[i] - line[j]) for j in found]
        apart = [min(gap, 2 - gap) if periodic else gap for gap in apart]
        if all(gap > 8 * scale[j] for gap, j in zip(apart, found, strict=True)):
            found.append(int(i))
    return found
