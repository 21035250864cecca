"""The default network of a problem."""

from collections.abc import Mapping, Sequence

import equinox as eqx

from ..geometry.domain import AbstractDomain
from ..geometry.edges import Edge
from ..networks.default import default_network, default_shape
from ..networks.embeddings import embedding_for
from ..networks.mlp import MLP
from .problem import Problem


def default_network_of(
    problem: Problem,
    width: int | None = None,
    depth: int | None = None,
    seed: int = 0,
    periods: Mapping[str, float] | None = None,
    edges: Sequence[Edge] = (),
) -> eqx.Module:
    """The default network for the fields of a problem, of one shape for each domain of fields, in float64.

    - `periods`: of periodic coordinates; `edges`: of a box that all fields live on, where the solution is singular.
    """
    width, depth = default_shape(problem.domain.dimension, width, depth)

    def make(domain: AbstractDomain, outputs: int, number: int) -> MLP:
        own = {name: period for name, period in (periods or {}).items() if name in domain.coordinates}
        return default_network(domain, outputs, width, depth, seed + number, embedding_for(domain, own, edges))

    return problem.field_domains.network(make)
