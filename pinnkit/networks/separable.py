"""Separable networks: sums of products of functions of one coordinate."""

import functools
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float

from .._base.errors import InputError, InputTypeError
from ..geometry.box import Box, Interval
from ..geometry.domain import AbstractDomain
from .dense import Dense
from .embeddings import AbstractEmbedding
from .mlp import MLP, checked_embedding


class SeparableNetwork(eqx.Module):
    r"""A sum of products of functions of one coordinate, $\sum_{r=1}^R c_r \prod_a f_{ar}(x_a)$ for each output.

    For each coordinate there is an `MLP` with `rank` outputs, the factors $f_{a1}, \ldots, f_{aR}$. Their products are
    the inputs of the output layer, with weights c (all ones in the paper) and a bias. In d coordinates, factors start
    with a mean of $\sqrt{1 - 1/d}$ and a variance of at most about $1/d$, so products of any number are of order one.

    Like every model of pinnkit it maps one point to its outputs, and is evaluated point by point. So the points may lie
    anywhere, but the saving of the paper, one evaluation of each factor for a whole tensor grid, is not made.

    - `rank`: number R of products;
    - `width`, `depth`: size and number of the hidden layers for each coordinate;
    - `embeddings`: by name of the coordinate, an embedding on its interval, for example
      `{"x": Periodic(Interval(x=(-1.0, 1.0)), {"x": 2.0})}`; other coordinates are scaled to [-1, 1].

    The other arguments are those of `MLP`.

    Cho, Nam, Yang, Yun, Hong & Park, *Separable physics-informed neural networks*, NeurIPS 2023.
    """

    factors: tuple[MLP, ...]
    head: Dense

    def __init__(
        self,
        domain: AbstractDomain,
        outputs: int = 1,
        width: int = 32,
        depth: int = 2,
        *,
        rank: int = 32,
        embeddings: Mapping[str, AbstractEmbedding] | None = None,
        activation: Callable[[Array], Array] = jnp.tanh,
        seed: int = 0,
    ):
        checked_embedding(domain, None, activation, seed, outputs=outputs, width=width, depth=depth, rank=rank)
        given = _checked_embeddings(embeddings, domain)
        last, *seeds = np.random.SeedSequence(seed).generate_state(1 + domain.dimension).tolist()
        factor = lambda name, seed: MLP(
            _interval(domain, name), rank, width, depth, embedding=given.get(name), activation=activation, seed=seed
        )
        factors = map(factor, domain.coordinates, seeds)
        self.factors = tuple(_near_one(factor, domain.dimension) for factor in factors)
        self.head = Dense(rank, outputs, jr.key(last))

    def __call__(self, x: Float[Array, " d"]) -> Float[Array, " m"]:
        if x.shape != (len(self.factors),):
            raise InputError(f"it takes points with {len(self.factors)} coordinate(s), got an array of shape {x.shape}")
        # Not stacked in one array: then each carries derivatives by its own coordinate only, which is faster.
        values = [factor(x[a : a + 1]) for a, factor in enumerate(self.factors)]
        return self.head(functools.reduce(operator.mul, values))


def _near_one(factor: MLP, dimension: int) -> MLP:
    """A factor whose square has a mean of at most about one, closer to a constant the more factors there are."""
    weight = factor.head.weight / math.sqrt(dimension)
    bias = jnp.full_like(factor.head.bias, math.sqrt(1 - 1 / dimension))
    return eqx.tree_at(lambda factor: (factor.head.weight, factor.head.bias), factor, (weight, bias))


def _interval(domain: AbstractDomain, name: str) -> Box:
    axis = domain.coordinates.index(name)
    span: dict[str, Any] = {name: (float(domain.lower[axis]), float(domain.upper[axis]))}
    return Interval(**span)


def _checked_embeddings(
    embeddings: Mapping[str, AbstractEmbedding] | None, domain: AbstractDomain
) -> Mapping[str, AbstractEmbedding]:
    given = {} if embeddings is None else embeddings
    if not isinstance(given, Mapping):
        raise InputTypeError(f"`embeddings` maps names of coordinates to embeddings, got {type(given).__name__}")
    if unknown := sorted(map(str, set(given) - set(domain.coordinates))):
        raise InputError(f"embeddings for unknown coordinate(s) {unknown}; there are {list(domain.coordinates)}")
    for name, embedding in given.items():
        if not isinstance(embedding, AbstractEmbedding):
            raise InputTypeError(f"the embedding of '{name}' is of type {type(embedding).__name__}; give an embedding")
        try:
            jax.eval_shape(embedding, jax.ShapeDtypeStruct((1,), jnp.result_type(float)))
        except InputError:
            raise InputError(f"the embedding of '{name}' takes more coordinates than this one") from None
    return given
