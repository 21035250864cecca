r"""Smooth changes of a solution, and how the residuals answer to them.

A change of the fields is $\delta u = \Phi\, \sum_k c_k \varphi_k$ with products $\varphi_k$ of Legendre polynomials,
along periodic axes of sines and cosines, up to a total degree. Φ is that of the ansatz, so conditions that are built
into the network still hold. Unknown coefficients change too. Nothing of this depends on the network or its training.
"""

import dataclasses
import itertools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int

from .._base.devices import on_host
from .._base.types import Params
from ..equations.exact.ansatz import Ansatz
from ..geometry.domain import AbstractDomain
from ..geometry.embedded import Embedded
from ..geometry.reference_cube import to_symmetric
from ..networks.functional import FunctionalModel
from ..residuals.functions import Batch, ResidualFunctions
from ..samplers.counts import counts_of_rows
from ..samplers.sampler import batch_of
from ..samplers.space_filling import QuasiRandom

MOST_DIRECTIONS = 240
"""Changes of the fields in all; their degree is the highest with no more."""

HIGHEST_DEGREE = 24
"""Total degree at most: enough for about eight half-waves."""

ROWS_PER_DIRECTION = 3
"""Residuals of the equations for each direction, so that none hides between the points."""


@dataclasses.dataclass(frozen=True)
class Family:
    """Products of one function along each axis, of mean square 1 over the box around a domain.

    - `indices`: of shape `(k, d)`, the number of the function along each axis, by ascending total degree;
    - `periodic`: the axes with sines.
    """

    box: AbstractDomain
    periodic: frozenset[int]
    indices: Int[np.ndarray, "k d"]

    @property
    def degrees(self) -> Int[np.ndarray, " k"]:
        """Total degrees, ascending; a sine or cosine of m periods counts as 2m."""
        return _degrees(self.indices, self.periodic)

    def __len__(self) -> int:
        return len(self.indices)

    def __call__(self, x: Float[Array, " d"]) -> Float[Array, " k"]:
        value = jnp.ones(len(self), x.dtype)
        for axis, highest in enumerate(self.indices.max(axis=0)):
            bounds = self.box.lower[axis], self.box.upper[axis]
            along = _fourier if axis in self.periodic else _legendre
            values = along(to_symmetric(x[axis], bounds), int(highest))
            value = value * (np.eye(highest + 1)[self.indices[:, axis]] @ values)
        return value


def family_of(box: AbstractDomain, periodic: frozenset[int], outputs: int, axes: Sequence[int] | None = None) -> Family:
    """The family of the highest degree that has no more than `MOST_DIRECTIONS` members for all outputs.

    - `axes`: along which its members vary; all by default.
    """
    best = np.zeros((1, box.dimension), int)  # constants
    for degree in range(1, HIGHEST_DEGREE + 1):
        indices = _up_to(degree, box.dimension, periodic, range(box.dimension) if axes is None else axes)
        if len(indices) * outputs > MOST_DIRECTIONS:
            break
        best = indices[np.argsort(_degrees(indices, periodic), kind="stable")]
    return Family(box, periodic, best)


class Response(NamedTuple):
    """Residuals at a changed solution, and their derivatives; each row over the root of the number of its points.

    - `jacobian`: columns are the unknown coefficients by name, then the changes of the fields, output by output;
    - `rows`: those of each equation, by condition and number of the equation.
    """

    residual: Float[np.ndarray, " n"]
    jacobian: Float[np.ndarray, "n k"]
    rows: dict[tuple[str, int], slice]


class Perturbation:
    """A solution that can be changed. Double precision must be in force.

    - `ansatz`: the hard constraints; `model`: the network inside it; `params`: everything that was trained.
    """

    def __init__(self, ansatz: Ansatz, model: FunctionalModel, params: Params):
        problem = ansatz.problem
        self.problem, self.outputs = problem, sum(problem.field_sizes.values())
        self.families = self._families(frozenset(ansatz.seams))
        self.coefficients = tuple(sorted(problem.unknowns))
        everything = frozenset(face_value for face_values in ansatz.face_values.values() for face_value in face_values)
        self._homogeneous = dataclasses.replace(ansatz, zeros=everything)
        self.raw = {name: jnp.asarray(params["coefficients"][name], float) for name in self.coefficients}
        self._network = jax.tree.map(jnp.asarray, params["network"])
        self._solution = lambda x: model.apply(self._network, x)
        at_rest = jnp.zeros(sum(map(len, self.families)))
        changed = lambda c, x: self._solution(x) + self.change(c, x)
        self._remaining = ansatz.remaining
        self._residuals = ResidualFunctions(self._remaining, FunctionalModel(at_rest, changed, lambda c: c))
        self._both = jax.jit(self._residual_and_jacobian)
        self._changes = jax.jit(jax.vmap(lambda x: jax.jacrev(self.change)(at_rest, x)))

    @property
    def size(self) -> int:
        """Number of directions."""
        return len(self.coefficients) + sum(map(len, self.families))

    @property
    def columns(self) -> list[slice]:
        """The directions of each output."""
        ends = np.cumsum([len(self.coefficients), *map(len, self.families)]).tolist()
        return [slice(first, last) for first, last in itertools.pairwise(ends)]

    def change(self, c: Float[Array, " k"], x: Float[Array, " d"]) -> Float[Array, " m"]:
        """The change of all outputs at a point."""
        functions = {id(family): family(x) for family in self.families}
        parts = jnp.split(c, np.cumsum([len(family) for family in self.families])[:-1])
        changes = [part @ functions[id(family)] for part, family in zip(parts, self.families, strict=True)]
        return self._homogeneous.outputs(jnp.stack(changes), x)

    def points(self, count: int, seed: int) -> Float[np.ndarray, "m n d"]:
        """Quasi-random points of the domain of each output."""
        domains, whole = self.problem.field_domains, self.problem.domain

        def drawn(own: AbstractDomain) -> Float[np.ndarray, "n d"]:
            region = own.interior if own is whole else Embedded(own.interior, whole.coordinates, whole.lower)
            return np.asarray(region.points(jnp.asarray(QuasiRandom().layout(region, count, seed))).coordinates)

        found = {id(own): drawn(own) for own in domains.own.values()}
        return np.stack([found[id(domains.own[name])] for name in domains.outputs])

    def solution(self, x: Float[np.ndarray, "m n d"]) -> Float[np.ndarray, "n m"]:
        """The outputs themselves, each at its own points."""
        return self.at_points(jax.jit(jax.vmap(self._solution)), x)

    def fields(self, x: Float[np.ndarray, "m n d"]) -> Float[np.ndarray, "n m k"]:
        """What each direction changes in the outputs."""
        return self.at_points(self._changes, x)

    def at_points(self, function: Callable[[Array], Array], x: Float[np.ndarray, "m n d"]) -> np.ndarray:
        """A function of points, of shape `(n, m, ...)`, with the values of each output at its own points."""
        own = [self.problem.field_domains.own[name] for name in self.problem.field_domains.outputs]
        first = [next(i for i, other in enumerate(own) if other is each) for each in own]
        found = {i: np.asarray(function(jnp.asarray(x[i]))) for i in set(first)}
        return np.stack([found[i][:, output] for output, i in enumerate(first)], axis=1)

    def _families(self, periodic: frozenset[int]) -> list[Family]:
        """The family of each output, the same object for fields on one domain."""
        domains, found = self.problem.field_domains, dict[int, Family]()
        for name, own in domains.own.items():
            if id(own) not in found:
                found[id(own)] = family_of(domains.extents[name], periodic, self.outputs, domains.axes(own))
        return [found[id(domains.own[name])] for name in domains.outputs]

    def batch(self, seed: int) -> Batch:
        """Points of the conditions, enough to see every direction."""
        problem = self._remaining
        counts = counts_of_rows(problem, float(ROWS_PER_DIRECTION * self.size))
        enough = lambda name, count: count if problem.conditions[name].on.count is not None else max(count, self.size)
        counts = {name: enough(name, count) for name, count in counts.items()}
        return batch_of(problem, QuasiRandom().init(problem, counts, seed))

    def response(self, c: Float[np.ndarray, " k"], batch: Batch) -> Response:
        """Residuals, and their derivatives, after a change."""
        number = len(self.coefficients)
        raw = {name: self.raw[name] + c[i] for i, name in enumerate(self.coefficients)}
        network = jnp.asarray(c[number:])
        found = self._both({"coefficients": raw, "network": network}, batch)
        residual, jacobian, rows, first = [], [], {}, 0
        for name, (r, J) in found.items():
            r, J = on_host((r, J))
            scale = 1 / math.sqrt(len(r))
            for i in range(r.shape[1]):
                residual.append(scale * r[:, i])
                jacobian.append(scale * J[:, i])
                rows[name, i] = slice(first, first + len(r))
                first += len(r)
        return Response(np.concatenate(residual), np.concatenate(jacobian), rows)

    def _residual_and_jacobian(self, params: Params, batch: Batch) -> dict[str, tuple[Array, Array]]:
        """By condition, of shapes `(n, e)` and `(n, e, k)`."""
        flat, unravel = ravel_pytree(params)
        out = {}
        for name in self._residuals.conditions:
            at = lambda flat, point, name=name: self._residuals.at_point(name)(unravel(flat), point)
            both = lambda point, at=at: (at(flat, point), jax.jacrev(at)(flat, point))
            out[name] = jax.vmap(both)(batch[name])
        return out


def _up_to(degree: int, dimension: int, periodic: frozenset[int], axes: Sequence[int]) -> Int[np.ndarray, "k d"]:
    """The indices of total degree at most `degree`, not zero along `axes` only, built axis by axis."""
    indices = np.zeros((1, 0), int)
    for axis in range(dimension):
        numbers = np.arange(1 if axis not in axes else 2 * (degree // 2) + 1 if axis in periodic else degree + 1)
        longer = np.hstack([np.repeat(indices, len(numbers), axis=0), np.tile(numbers, len(indices))[:, None]])
        indices = longer[_degrees(longer, periodic) <= degree]
    return indices


def _degrees(indices: Int[np.ndarray, "k d"], periodic: frozenset[int]) -> Int[np.ndarray, " k"]:
    in_sines = np.isin(np.arange(indices.shape[1]), list(periodic))
    return np.where(in_sines, 2 * ((indices + 1) // 2), indices).sum(axis=1)


def _legendre(position: Array, highest: int) -> Float[Array, " n"]:
    """√(2k + 1) Pₖ on [−1, 1] by Bonnet's recursion."""
    values = [jnp.ones_like(position), position]
    for k in range(1, highest):
        values.append(((2 * k + 1) * position * values[k] - k * values[k - 1]) / (k + 1))
    return jnp.stack([np.sqrt(2 * k + 1) * value for k, value in enumerate(values[: highest + 1])])


def _fourier(position: Array, highest: int) -> Float[Array, " n"]:
    """1, √2 sin πx, √2 cos πx, √2 sin 2πx, ... on [−1, 1]."""
    waves = [(jnp.cos, jnp.sin)[k % 2]((k + 1) // 2 * np.pi * position) for k in range(1, highest + 1)]
    return jnp.stack([jnp.ones_like(position), *(np.sqrt(2) * wave for wave in waves)])
