"""Embeddings: the features of a point that the first layer of a network takes.

The numbers of an embedding (bounds, frequencies) are static: they are neither trained nor traced.
"""

import abc
from collections.abc import Mapping, Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._base.errors import InputError
from ..geometry.domain import AbstractDomain
from ..geometry.edges import NEAREST, Edge


class AbstractEmbedding(eqx.Module):
    """A map from points to features, the input of the first layer."""

    @property
    @abc.abstractmethod
    def size(self) -> int:
        """Number of features."""

    @abc.abstractmethod
    def __call__(self, x: Float[Array, " d"]) -> Float[Array, " k"]:
        """The features of one point."""


class Rescale(AbstractEmbedding):
    """Coordinates scaled to [-1, 1] on the domain."""

    lower: tuple[float, ...] = eqx.field(static=True)
    upper: tuple[float, ...] = eqx.field(static=True)

    def __init__(self, domain: AbstractDomain):
        self.lower, self.upper = tuple(domain.lower.tolist()), tuple(domain.upper.tolist())

    @property
    def size(self) -> int:
        return len(self.lower)

    def __call__(self, x: Float[Array, " d"]) -> Float[Array, " k"]:
        if x.shape != (self.size,):
            raise InputError(f"it takes points with {self.size} coordinate(s), got an array of shape {x.shape}")
        lower, upper = np.array(self.lower), np.array(self.upper)
        center, half = (lower + upper) / 2, (upper - lower) / 2
        return (x - jnp.asarray(center, x.dtype)) / jnp.asarray(half, x.dtype)


class AroundHoles(AbstractEmbedding):
    r"""Coordinates scaled to [-1, 1], and for each hole of a domain the inverse point $a (x - c) / |x - c|^2$ and
    $\log |x - c|$, scaled to [-1, 1].

    A function that is smooth up to a singularity in a hole, such as a multipole or a logarithm, is a smooth function of
    these.

    - `axes`: of space; `holes`: center and radius of each, and the largest distance of a point of the domain from it.
    """

    rescale: Rescale
    axes: tuple[int, ...] = eqx.field(static=True)
    holes: tuple[tuple[tuple[float, ...], float, float], ...] = eqx.field(static=True)

    def __init__(self, domain: AbstractDomain):
        self.rescale = Rescale(domain)
        self.axes = tuple(domain.coordinates.index(name) for name in domain.space)
        low, high = domain.lower[list(self.axes)], domain.upper[list(self.axes)]
        reach = lambda center: float(np.linalg.norm(np.maximum(high - center, center - low)))
        self.holes = tuple((hole.center, hole.radius, reach(np.array(hole.center))) for hole in domain.holes)

    @property
    def size(self) -> int:
        return self.rescale.size + len(self.holes) * (len(self.axes) + 1)

    def __call__(self, x: Float[Array, " d"]) -> Float[Array, " k"]:
        parts = [self.rescale(x)]
        for center, radius, reach in self.holes:
            offset = x[np.array(self.axes)] - jnp.asarray(center, x.dtype)
            apart = jnp.finfo(x.dtype).eps * radius**2  # finite at the center, where another field may live
            square, span = jnp.sum(offset * offset) + apart, np.log(reach / radius)
            logarithm = (jnp.log(square) - np.log(radius * reach)) / span  # -1 at the hole, 1 at the largest distance
            parts += [radius * offset / square, logarithm[None]]
        return jnp.concatenate(parts)


class AroundEdges(AbstractEmbedding):
    r"""Coordinates scaled to [-1, 1], and for each edge of a box the direction $(x - c)/r$ from it, and $\log r$ scaled
    to [-1, 1].

    A function that depends on the direction however near the edge, or has a singularity there, is a smooth function of
    these.
    """

    rescale: Rescale
    edges: tuple[Edge, ...] = eqx.field(static=True)

    def __init__(self, domain: AbstractDomain, edges: Sequence[Edge]):
        self.rescale, self.edges = Rescale(domain), tuple(edges)

    @property
    def size(self) -> int:
        return self.rescale.size + 3 * len(self.edges)

    def __call__(self, x: Float[Array, " d"]) -> Float[Array, " k"]:
        parts = [self.rescale(x)]
        for edge in self.edges:
            distance = edge.distance(x)
            logarithm = 1 - 2 * jnp.log(distance) / np.log(NEAREST)  # -1 at the edge, 1 at the reach
            parts += [edge.direction(x, distance), logarithm[None]]
        return jnp.concatenate(parts)


class Periodic(AbstractEmbedding):
    r"""Coordinates with a period as $\cos(2\pi x/P), \sin(2\pi x/P)$, the others scaled to [-1, 1].

    Every function of these features has the period exactly, with all its derivatives.

    Dong & Ni, *A method for representing periodic functions and enforcing exactly periodic boundary
    conditions with deep neural networks*, JCP 435, 2021.
    """

    rescale: Rescale
    axes: tuple[int, ...] = eqx.field(static=True)
    periods: tuple[float, ...] = eqx.field(static=True)

    def __init__(self, domain: AbstractDomain, periods: Mapping[str, float]):
        """`periods` maps coordinate names to periods, usually the width of the domain."""
        if unknown := sorted(set(periods) - set(domain.coordinates)):
            raise InputError(f"periods for unknown coordinate(s) {unknown}; there are {list(domain.coordinates)}")
        if wrong := {name: period for name, period in periods.items() if not period > 0}:
            raise InputError(f"a period is a positive number, got {wrong}")
        self.rescale = Rescale(domain)
        self.axes = tuple(domain.coordinates.index(name) for name in periods)
        self.periods = tuple(float(period) for period in periods.values())

    @property
    def size(self) -> int:
        return self.rescale.size + len(self.axes)

    def __call__(self, x: Float[Array, " d"]) -> Float[Array, " k"]:
        axes = np.array(self.axes, dtype=int)
        free = np.delete(np.arange(len(x)), axes)
        angle = jnp.asarray(2 * np.pi / np.array(self.periods), x.dtype) * x[axes]
        return jnp.concatenate([jnp.cos(angle), jnp.sin(angle), self.rescale(x)[free]])


def embedding_for(
    domain: AbstractDomain, periods: Mapping[str, float], edges: Sequence[Edge] = ()
) -> AbstractEmbedding:
    """Periodic features, or else coordinates around edges, or scaled coordinates alone."""
    if periods:
        return Periodic(domain, periods)
    return AroundEdges(domain, edges) if edges else Rescale(domain)


class FourierFeatures(AbstractEmbedding):
    r"""Random Fourier features $\cos(Bz), \sin(Bz)$, $B_{ij} \sim N(0, \sigma^2)$, of another embedding's features z.

    Tancik et al., *Fourier features let networks learn high frequency functions*, NeurIPS 2020.
    """

    inner: AbstractEmbedding
    frequencies: tuple[tuple[float, ...], ...] = eqx.field(static=True, repr=False)

    def __init__(self, inner: AbstractEmbedding, count: int, scale: float, seed: int = 0):
        """`count` frequencies with standard deviation `scale`, in radians per unit of the features."""
        if count < 1 or not scale > 0:
            raise InputError(f"Fourier features need a count ≥ 1 and a scale > 0, got {count} and {scale}")
        self.inner = inner
        frequencies = scale * np.random.default_rng(seed).standard_normal((count, inner.size))
        self.frequencies = tuple(map(tuple, frequencies.tolist()))

    @property
    def size(self) -> int:
        return 2 * len(self.frequencies)

    def __call__(self, x: Float[Array, " d"]) -> Float[Array, " k"]:
        angle = jnp.asarray(self.frequencies, x.dtype) @ self.inner(x)
        return jnp.concatenate([jnp.cos(angle), jnp.sin(angle)])
