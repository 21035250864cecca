"""The modified multilayer perceptron."""

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float

from ..geometry.domain import AbstractDomain
from .dense import Dense
from .embeddings import AbstractEmbedding
from .mlp import checked_embedding, make_layers


class ModifiedMLP(eqx.Module):
    r"""An MLP whose layers are gated between two encodings U, V of the input, $h \leftarrow h U + (1 - h) V$.

    Wang, Teng & Perdikaris, *Understanding and mitigating gradient flow pathologies in physics-informed neural
    networks*, SIAM J. Sci. Comput. 43, 2021. Arguments as for `MLP`.
    """

    embedding: AbstractEmbedding
    encoders: tuple[Dense, Dense]
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
        key, first, second = jr.split(jr.key(seed), 3)
        self.encoders = Dense(self.embedding.size, width, first), Dense(self.embedding.size, width, second)
        self.hidden, self.head = make_layers(self.embedding.size, outputs, width, depth, key)
        self.activation = activation

    def __call__(self, x: Float[Array, " d"]) -> Float[Array, " m"]:
        h = self.embedding(x)
        u, v = (self.activation(encoder(h)) for encoder in self.encoders)
        for layer in self.hidden:
            h = self.activation(layer(h))
            h = h * u + (1 - h) * v
        return self.head(h)
