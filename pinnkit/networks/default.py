"""The default network."""

import jax

from ..geometry.domain import AbstractDomain
from .embeddings import AbstractEmbedding
from .mlp import MLP


def default_shape(dimension: int, width: int | None = None, depth: int | None = None) -> tuple[int, int]:
    """Width and depth: 2 hidden layers of 32 in one dimension, 4 of 20 in more."""
    usual = (32, 2) if dimension == 1 else (20, 4)
    return usual[0] if width is None else width, usual[1] if depth is None else depth


def default_network(
    domain: AbstractDomain,
    outputs: int,
    width: int | None = None,
    depth: int | None = None,
    seed: int = 0,
    embedding: AbstractEmbedding | None = None,
) -> MLP:
    """The default network, in float64."""
    width, depth = default_shape(domain.dimension, width, depth)
    with jax.enable_x64(True):
        return MLP(domain, outputs, width, depth, embedding=embedding, seed=seed)
