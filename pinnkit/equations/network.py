"""The default network of a problem."""

from collections.abc import Mapping

import equinox as eqx

from ..geometry.domain import AbstractDomain
from ..networks.default import default_network, default_shape
from ..networks.embeddings import Periodic
from ..networks.mlp import MLP
from .problem import Problem


def default_network_of(
    problem: Problem,
    width: int | None = None,
    depth: int | None = None,
    seed: int = 0,
    periods: Mapping[str, float] | None = None,
) -> eqx.Module:
    """The default network for the fields of a problem, of one shape for each domain of fields, in float64.

    - `periods`: of periodic coordinates.
    """
    width, depth = default_shape(problem.domain.dimension, width, depth)

    def make(domain: AbstractDomain, outputs: int, number: int) -> MLP:
        own = {name: period for name, period in (periods or {}).items() if name in domain.coordinates}
        embedding = Periodic(domain, own) if own else None
        return default_network(domain, outputs, width, depth, seed + number, embedding)

    return problem.field_domains.network(make)
