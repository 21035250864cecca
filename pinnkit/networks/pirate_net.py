"""Physics-informed residual adaptive networks."""

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float

from .._base.types import Key
from ..geometry.domain import AbstractDomain
from .dense import Dense
from .embeddings import AbstractEmbedding, FourierFeatures
from .mlp import checked_embedding


class AdaptiveBlock(eqx.Module):
    r"""Three dense layers with a trained weight against the identity, $h \leftarrow \alpha F(h) + (1 - \alpha) h$."""

    layers: tuple[Dense, Dense, Dense]
    alpha: Float[Array, ""]

    def __init__(self, size: int, width: int, key: Key):
        first, second, third = jr.split(key, 3)
        self.layers = Dense(size, width, first), Dense(width, width, second), Dense(width, size, third)
        self.alpha = jnp.zeros(())

    def __call__(
        self, h: Float[Array, " k"], u: Float[Array, " w"], v: Float[Array, " w"], activation: Callable[[Array], Array]
    ) -> Float[Array, " k"]:
        *gated, last = self.layers
        z = h
        for layer in gated:
            z = activation(layer(z))
            z = z * u + (1 - z) * v
        return self.alpha * activation(last(z)) + (1 - self.alpha) * h


class PirateNet(eqx.Module):
    r"""Residual blocks that start as the identity: a deep network that starts as a linear function of its embedding.

    A block passes its input h through three dense layers, the first two gated between encodings U, V of the embedding
    as in `ModifiedMLP`, and adds the result with a trained weight α, $h \leftarrow \alpha F(h) + (1 - \alpha) h$.
    Initially α = 0, so the depth grows during training, and with it the gradient: that of the inner layers is zero in
    the first step.

    - `width`: size of the layers inside a block; `blocks`: number of blocks, of three layers each;
    - `embedding`: its features are the input and output of every block, so it should have many. By default,
      `FourierFeatures(Rescale(domain), width / 2, 2.0)`; with a period,
      `FourierFeatures(Periodic(domain, {"x": 2.0}), 16, 2.0)`.

    The other arguments are those of `MLP`. The output layer starts with random weights; the paper also fits it to
    initial values or data by least squares, which replaces its random weights and is not done here.

    Wang, Li, Chen & Perdikaris, *PirateNets: physics-informed deep learning with residual adaptive networks*, JMLR 25,
    2024.
    """

    embedding: AbstractEmbedding
    encoders: tuple[Dense, Dense]
    blocks: tuple[AdaptiveBlock, ...]
    head: Dense
    activation: Callable[[Array], Array] = eqx.field(static=True)

    def __init__(
        self,
        domain: AbstractDomain,
        outputs: int = 1,
        width: int = 32,
        blocks: int = 2,
        *,
        embedding: AbstractEmbedding | None = None,
        activation: Callable[[Array], Array] = jnp.tanh,
        seed: int = 0,
    ):
        given = checked_embedding(domain, embedding, activation, seed, outputs=outputs, width=width, blocks=blocks)
        self.embedding = FourierFeatures(given, (width + 1) // 2, 2.0, seed) if embedding is None else given
        self.activation = activation
        parts = _make_parts(self.embedding.size, outputs, width, blocks, jr.key(seed))
        self.encoders, self.blocks, self.head = parts

    def __call__(self, x: Float[Array, " d"]) -> Float[Array, " m"]:
        h = self.embedding(x)
        u, v = (self.activation(encoder(h)) for encoder in self.encoders)
        for block in self.blocks:
            h = block(h, u, v, self.activation)
        return self.head(h)


@eqx.filter_jit  # one compilation, not one for each operation and size
def _make_parts(
    size: int, outputs: int, width: int, blocks: int, key: Key
) -> tuple[tuple[Dense, Dense], tuple[AdaptiveBlock, ...], Dense]:
    first, second, last, *keys = jr.split(key, 3 + blocks)
    encoders = Dense(size, width, first), Dense(size, width, second)
    return encoders, tuple(AdaptiveBlock(size, width, key) for key in keys), Dense(size, outputs, last)
