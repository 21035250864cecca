"""Random features: sines of fixed frequencies."""

import itertools
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from .._base.arguments import check_whole
from .._base.errors import InputError
from ..geometry.domain import AbstractDomain, Hole
from ..geometry.edges import Edge
from .dense import Dense
from .embeddings import AbstractEmbedding, AroundEdges, AroundHoles, Rescale
from .singular_functions import SingularFunctions, Singularity, lowest
from .stretching import Stretching

SMOOTH = 3.0
"""Bandwidth around a hole, of functions that vary along its boundary as slowly as they can."""


DIRECTION, LOGARITHM = 4.0, 8.0
"""Bandwidths around an edge: of the direction from it, and of the logarithm of the distance scaled to [-1, 1]."""


class SineFeatures(eqx.Module):
    r"""One hidden layer of sines, $c_0 + \sum_j c_j \sin(\omega_j \cdot z + b_j)$ with z scaled to [-1, 1].

    The frequencies fill the box $|\omega_a| \le s_a$ evenly (scrambled Sobol points), so $s_a$ is the bandwidth in
    coordinate a: the solution can have about $s_a/\pi$ waves across the domain. The output layer starts from zero.
    Along periodic coordinates the frequencies are whole multiples of the base frequency and are not trained, so the
    network has the period exactly.

    On a domain with holes, half of the sines are those of coordinates around a hole (see `AroundHoles`); with edges
    where the solution is singular, of coordinates around an edge (see `AroundEdges`). With `singularities` at corners
    and in holes, a part of the features are functions that are singular there (see `SingularFunctions`), in place of
    sines: the functions themselves if these are complete, else their products with sines of low frequency.

    - `width`: number of sines; `bandwidth`: radians per half width of the domain, one for all coordinates or for each;
    - `periodic`: names of coordinates whose period is the width of the domain;
    - `edges`: of a box, where the solution is singular;
    - `stretching`: of the coordinates that the sines take, on domains without holes and edges; it is not trained;
    - `interactions`: number of coordinates that each sine depends on, all by default. A sum of functions of few
      coordinates each is represented by far fewer such sines, since their number does not grow with the bandwidth to
      the power of the dimension.

    Rahimi & Recht, *Random features for large-scale kernel machines*, NeurIPS 2007; with few interactions: Hashemi,
    Schaeffer, Shi, Topcu, Tran & Ward, *Generalization bounds for sparse random feature expansions*, ACHA 62, 2023.
    """

    embedding: AbstractEmbedding
    frequency: Float[Array, "k e"]
    phase: Float[Array, " k"]
    head: Dense
    singular: SingularFunctions | None
    stretching: Stretching | None
    is_complete: bool = eqx.field(static=True)
    whole: tuple[bool, ...] = eqx.field(static=True)

    def __init__(
        self,
        domain: AbstractDomain,
        outputs: int = 1,
        width: int = 500,
        bandwidth: float | Sequence[float] = 8.0,
        *,
        periodic: Sequence[str] = (),
        interactions: int | None = None,
        edges: Sequence[Edge] = (),
        singularities: Sequence[Singularity] = (),
        stretching: Stretching | None = None,
        seed: int = 0,
    ):
        from scipy.stats import qmc  # slow to import

        s = np.broadcast_to(np.asarray(bandwidth, float), (domain.dimension,))
        if min(outputs, width) < 1 or not (np.isfinite(s) & (s > 0)).all():
            raise InputError(
                f"sine features need outputs and width ≥ 1 and a bandwidth > 0, got {outputs}, {width}, {bandwidth}"
            )
        if unknown := sorted(set(periodic) - set(domain.coordinates)):
            raise InputError(f"unknown coordinate(s) {unknown}; the coordinates are {list(domain.coordinates)}")
        if interactions is not None:
            check_whole(0, interactions=interactions)
            if not 1 <= interactions <= domain.dimension:
                raise InputError(
                    f"`interactions` is a number of coordinates, 1 to {domain.dimension}, got {interactions}"
                )
        singularities = lowest(singularities, width)
        has_multipoles = any(isinstance(own.place, Hole) for own in singularities)
        self.embedding = _embedding(domain, edges, has_holes=bool(domain.holes) and not has_multipoles)
        whole = tuple(name in periodic for name in domain.coordinates)
        sequence = qmc.Sobol(domain.dimension + 1, rng=np.random.default_rng(seed))
        unit = sequence.random_base2((width - 1).bit_length())[:width]
        spread = s * (2 * unit[:, :-1] - 1)
        waves = np.clip(np.round(s / np.pi), 1, None)
        multiples = np.floor((2 * waves + 1) * unit[:, :-1]) - waves
        frequency = np.where(whole, np.pi * multiples, spread) * _chosen(width, domain.dimension, interactions)
        self.singular = SingularFunctions(domain, singularities) if singularities else None
        self.stretching = stretching
        self.is_complete = all(own.is_complete for own in singularities)
        sines, factors = np.split(frequency, [width - self._count(width)])
        if isinstance(self.embedding, AroundHoles):
            sines = _around_holes(sines, self.embedding, np.random.default_rng(seed))
        if isinstance(self.embedding, AroundEdges):
            sines = _around_edges(sines, self.embedding, np.random.default_rng(seed))
        factors = self._factors(domain, factors, s, whole)
        factors = np.pad(factors, ((0, 0), (0, sines.shape[1] - factors.shape[1])))
        self.frequency = jnp.asarray(np.concatenate([sines, factors]))
        self.whole = whole + (self.frequency.shape[1] - len(whole)) * (False,)
        phase = 2 * np.pi * unit[:, -1]
        if self.is_complete:
            phase[len(sines) :] = np.pi / 2
        self.phase = jnp.asarray(phase)
        self.head = Dense(width, outputs, None)

    def __call__(self, x: Float[Array, " d"]) -> Float[Array, " m"]:
        frequency = jnp.where(jnp.array(self.whole), jax.lax.stop_gradient(self.frequency), self.frequency)
        z = self.embedding(x)
        if self.stretching is not None:
            z = jax.lax.stop_gradient(self.stretching)(z)
        features = jnp.sin(frequency @ z + self.phase)
        if self.singular is None:
            return self.head(features)
        sines, factors = jnp.split(features, [len(features) - self._count(len(features))])
        singular = self.singular(x)
        if len(factors) != len(singular):
            singular = singular[np.arange(len(factors)) % len(singular)]
        return self.head(jnp.concatenate([sines, factors * singular]))

    def _count(self, width: int) -> int:
        """The number of features that are singular."""
        if self.singular is None:
            return 0
        return self.singular.size if self.is_complete else width // 2

    def _factors(
        self,
        domain: AbstractDomain,
        frequency: Float[np.ndarray, "k d"],
        s: Float[np.ndarray, " d"],
        whole: Sequence[bool],
    ) -> Float[np.ndarray, "k d"]:
        """The frequencies of factors of singular functions, from those of sines: slow in space, or along creases."""
        if self.is_complete or self.singular is None:
            return 0 * frequency
        if self.singular.along is not None:
            own = np.array(self.singular.along)[np.arange(len(frequency)) % self.singular.size]
            axes = [domain.coordinates.index(name) for name in domain.space]
            half, found = (domain.upper - domain.lower)[axes] / 2, frequency.copy()
            found[:, axes] = (frequency[:, axes] / half * own).sum(axis=1, keepdims=True) * own * half
            return found
        is_slow = np.array([name in domain.space for name in domain.coordinates]) & ~np.array(whole)
        return frequency * np.where(is_slow, np.minimum(SMOOTH / s, 1.0), 1.0)


def _chosen(width: int, dimension: int, interactions: int | None) -> Bool[np.ndarray, "k d"]:
    """Which coordinates each sine depends on: each set of `interactions` coordinates equally often."""
    if interactions is None:
        return np.ones((width, dimension), bool)
    sets = np.array(list(itertools.combinations(range(dimension), interactions)))
    chosen = np.zeros((width, dimension), bool)
    np.put_along_axis(chosen, sets[np.arange(width) % len(sets)], True, axis=1)
    return chosen


def _embedding(domain: AbstractDomain, edges: Sequence[Edge], has_holes: bool) -> AbstractEmbedding:
    if edges:
        return AroundEdges(domain, edges)
    return AroundHoles(domain) if has_holes else Rescale(domain)


def _around_edges(
    frequency: Float[np.ndarray, "k d"], embedding: AroundEdges, random: np.random.Generator
) -> Float[np.ndarray, "k e"]:
    """Frequencies of which half stay, and the others are those of sines around one edge each, in turn.

    These keep the frequencies along the edge.
    """
    d, edges = frequency.shape[1], embedding.edges
    found = np.zeros((len(frequency), embedding.size))
    found[:, :d] = frequency
    for number, edge in enumerate(edges):
        rows = np.arange(1 + 2 * number, len(frequency), 2 * len(edges))
        found[np.ix_(rows, np.array(edge.axes))] = 0.0
        own = np.array([DIRECTION, DIRECTION, LOGARITHM]) * random.uniform(-1, 1, (len(rows), 3))
        found[np.ix_(rows, d + 3 * number + np.arange(3))] = own
    return found


def _around_holes(
    frequency: Float[np.ndarray, "k d"], embedding: AroundHoles, random: np.random.Generator
) -> Float[np.ndarray, "k e"]:
    """Frequencies of which half stay, and the others are those of sines around one hole each, in turn.

    In space these are sines of the inverse point; one in four of them also, or instead, of the logarithm.
    """
    axes, found = np.array(embedding.axes), np.zeros((len(frequency), embedding.size))
    found[:, : frequency.shape[1]] = frequency
    for number, (_, radius, reach) in enumerate(embedding.holes):
        rows = np.arange(1 + 2 * number, len(frequency), 2 * len(embedding.holes))
        first = frequency.shape[1] + number * (len(axes) + 1)
        own, low = frequency[rows][:, axes], np.abs(frequency).max(axis=0)[axes]
        own = own / low * np.maximum(SMOOTH, low * radius / reach)
        found[np.ix_(rows, axes)] = 0.0
        found[np.ix_(rows, first + np.arange(len(axes)))] = own
        found[rows[::4], first + len(axes)] = SMOOTH * random.uniform(-1, 1, len(rows[::4]))
        found[np.ix_(rows[::8], first + np.arange(len(axes)))] = 0.0
    return found
