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
from ...networks.stretching import Bump, Stretching
from ...runs.resume.replay import Arrays
from ..length_scales import Values, scales_of
from ..random_features.bandwidth import Bandwidth
from .lattice import TIME_SPACING, reach_of
from .marching import Marching

Form = Callable[[Float[np.ndarray, "n d"]], tuple[Float[np.ndarray, "n q"], Float[np.ndarray, "n q"]]]
"""From points to the offset and the factor of the network in space there, (n, q) each."""

LEVELS, FEWEST = 4, 2
"""Frequencies in time of a window: the features are those for each wave in space, times one plus two for each of them.
Fewer, with shorter windows, if space is not resolved otherwise."""

STRETCHES = (12.0, 6.0, 3.0, 1.5)
"""Half widths of bumps that are tried, in length scales of the values."""

AS_GOOD = 3.0
"""Errors within this factor count as equal."""

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
        leaves, tree = jax.tree.flatten(
            (marching.ansatz.stretching(), marching.start_model(width, bandwidth, seed).params)
        )
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


def find_initial_slice(marching: Marching, values: Values, time: float, wanted: Wanted, seed: int) -> InitialSlice:
    """The narrowest slice that represents the values at a time, or the most accurate one."""
    axes, widths = marching.domain.dimension, wanted.widths
    if not marching.space:
        params = jnp.asarray(values(marching.domain.lower[None])[0])
        return InitialSlice(widths[0], axes * (LEVELS * TIME_SPACING,), marching.ansatz.stretching(), params, 0.0)
    scales = scales_of(marching.domain, values, marching.space, marching.ansatz.periodic, marching.ansatz.stretching())
    form = functools.partial(marching.start_form, time=time)
    fit = lambda width, levels, bumps: _fit(marching, values, form, scales.smallest, width, levels, bumps, seed)
    tried: list[tuple[int, int, tuple[Bump, ...], float]] = []
    for width, levels in [*((width, LEVELS) for width in widths), (widths[-1], FEWEST)]:
        smaller = functools.partial(fit, int(width / wanted.margin), levels)
        sharpest = scales.sharpest if marching.stretches and width >= wanted.usual else []
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
    box, bandwidth, stretching = (
        marching.domain,
        _bandwidth(marching, scale, width, levels),
        marching.ansatz.stretching(bumps),
    )
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
