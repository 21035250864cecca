"""Multilayer perceptrons."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float

from .._base.arguments import check_whole
from .._base.errors import InputTypeError
from .._base.types import Key
from ..geometry.domain import AbstractDomain
from .dense import Dense
from .embeddings import AbstractEmbedding, Rescale


class MLP(eqx.Module):
    """A multilayer perceptron on an embedding of the coordinates (scaled to [-1, 1] by default).

    - `domain`: the domain, by whose bounds the coordinates are scaled;
    - `outputs`: number of outputs, one for each component of each field;
    - `width`, `depth`: size and number of hidden layers;
    - `embedding`: such as `Periodic(domain, {"x": 2.0})` or `FourierFeatures(Rescale(domain), 64, 5.0)`.
    """

    embedding: AbstractEmbedding
    hidden: tuple[Dense, ...]
    head: Dense
    activation: Callable[[Array], Array] = eqx.field(static=True)

    def __init__(
        self,
        domain: AbstractDomain,
        outputs: int = 1,
        width: int = 32,
        depth: int = 3,
        *,
        embedding: AbstractEmbedding | None = None,
        activation: Callable[[Array], Array] = jnp.tanh,
        seed: int = 0,
    ):
        sizes = {"outputs": outputs, "width": width, "depth": depth}
        self.embedding = checked_embedding(domain, embedding, activation, seed, **sizes)
        self.hidden, self.head = make_layers(self.embedding.size, outputs, width, depth, jr.key(seed))
        self.activation = activation

    def __call__(self, x: Float[Array, " d"]) -> Float[Array, " m"]:
        h = self.embedding(x)
        for layer in self.hidden:
            h = self.activation(layer(h))
        return self.head(h)


def checked_embedding(
    domain: AbstractDomain, embedding: AbstractEmbedding | None, activation: Any, seed: int, **sizes: int
) -> AbstractEmbedding:
    """The embedding of a network, by default `Rescale(domain)`, after checks of all arguments.

    `sizes` are whole numbers ≥ 1, such as `width`.
    """
    if not isinstance(domain, AbstractDomain):
        raise InputTypeError(
            f"the `domain` of a network is a `Box` or a shape such as a `Disk`, got {type(domain).__name__}"
        )
    if embedding is not None and not isinstance(embedding, AbstractEmbedding):
        raise InputTypeError(f"an `embedding` is for example `Rescale(domain)`, got {type(embedding).__name__}")
    if not callable(activation):
        raise InputTypeError(f"an `activation` is a function such as `jnp.tanh`, got {type(activation).__name__}")
    check_whole(**sizes)
    check_whole(0, seed=seed)
    return Rescale(domain) if embedding is None else embedding


@eqx.filter_jit  # one compilation, not one for each operation and size
def make_layers(inputs: int, outputs: int, width: int, depth: int, key: Key) -> tuple[tuple[Dense, ...], Dense]:
    """Hidden layers of one width, and the output layer."""
    keys = jr.split(key, depth + 1)
    sizes = [inputs] + depth * [width]
    hidden = tuple(Dense(a, b, k) for a, b, k in zip(sizes[:-1], sizes[1:], keys[:-1], strict=True))
    return hidden, Dense(width, outputs, keys[-1])
