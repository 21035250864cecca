"""Interiors with more points around round holes, where features are singular that points far away cannot tell apart."""

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .denser import AbstractDenser
from .domain import AbstractDomain, Hole
from .points import Points
from .region import AbstractRegion, are_same

SAMPLED, CLEAR, ROUND = 4096, 0.98, 1e-6
"""Points of the boundary by which the free ring around a hole is found, the share of it that is used, and the relative
distance from the rim up to which a point is on it."""

NARROW, COMPARED = 1e-3, 16
"""Width of a ring over its radius below which it is left out, and points by which two regions are compared."""


class Ring(NamedTuple):
    """- `center`; `inner`, `outer`: the radii."""

    center: tuple[float, ...]
    inner: float
    outer: float


class AroundRoundHoles(AbstractDenser):
    """The interior of a plane domain with half of the points in rings around its holes, evenly by angle and by the
    logarithm of the distance from the center.

    - `places`: the rings.
    """

    base: AbstractRegion
    places: tuple[Ring, ...]
    coordinates: tuple[str, ...]
    dimension: int
    least: int
    count: int | None

    def __init__(self, base: AbstractRegion, rings: tuple[Ring, ...]):
        self.base, self.places, self.coordinates, self.dimension = base, rings, base.coordinates, base.dimension
        self.least, self.count = base.least + len(rings), None

    def near(self, place: Ring, unit: Float[Array, "n 2"]) -> Points:
        radius, angle = place.inner * (place.outer / place.inner) ** unit[:, 0], 2 * jnp.pi * unit[:, 1]
        around = radius[:, None] * jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=-1)
        return Points(jnp.asarray(place.center, unit.dtype) + around, None, {})


def around_holes(region: AbstractRegion, domain: AbstractDomain, holes: Sequence[Hole]) -> AbstractRegion:
    """The interior of a domain with more points around some of its holes; other regions as they are."""
    if not _is_same(region, domain.interior):
        return region
    rings = tuple(Ring(hole.center, hole.radius, _free(domain, hole)) for hole in holes)
    rings = tuple(ring for ring in rings if ring.outer > (1 + NARROW) * ring.inner)
    return AroundRoundHoles(region, rings) if rings else region


def _is_same(region: AbstractRegion, interior: AbstractRegion) -> bool:
    """Whether a region is the interior, which a domain that was built twice has twice: it has the same points then."""
    if region is interior:
        return True
    if type(region) is not type(interior) or not are_same(region.bounds, interior.bounds):
        return False
    unit = jnp.asarray(np.random.default_rng(0).random((max(COMPARED, interior.least), interior.dimension)))
    return bool(jnp.array_equal(region.points(unit).coordinates, interior.points(unit).coordinates))


def _free(domain: AbstractDomain, hole: Hole) -> float:
    """The radius up to which there is nothing but the domain around a hole."""
    boundary = domain.boundary()
    unit = np.concatenate([(np.arange(count) + 0.5) / count for count in boundary.parts(SAMPLED)])
    distance = np.linalg.norm(np.asarray(boundary.points(jnp.asarray(unit[:, None])).coordinates) - hole.center, axis=1)
    return CLEAR * float(distance[distance > (1 + ROUND) * hole.radius].min())
