"""Sinusoidal representation networks."""

import math

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float

from .._base.arguments import check_flag, check_positive
from .._base.types import Key
from ..geometry.domain import AbstractDomain
from .dense import Dense
from .embeddings import AbstractEmbedding
from .mlp import checked_embedding


class Siren(eqx.Module):
    r"""A multilayer perceptron of sines, $h \leftarrow \sin(\omega_l (W h + b))$, that starts alike at any depth.

    Weights and biases of a layer with n inputs are drawn from $U(-1/n, 1/n)$ in the first layer and from
    $U(-\sqrt{6/n}/\omega, \sqrt{6/n}/\omega)$ in the other hidden layers. If the sines of the first layer cover a
    period, the arguments $\omega (W h + b)$ of the later ones are nearly normal, with a mean of zero and a variance
    between 0.8 and 1, whatever the depth. The output layer has no sine; its weights start from
    $U(-\sqrt{6/n}, \sqrt{6/n})$ and its bias from zero.

    - `frequency`: ω, the initial value for all layers. For the first layer it is the bandwidth: with n coordinates,
      scaled to [-1, 1], its sines have at most ω/n radians per unit of each. The paper takes 30 for images; solutions
      of differential equations are smoother. In later layers ω multiplies the gradient only;
    - `trained_frequency`: whether the $\omega_l$ of all hidden layers are trained, one each.

    The other arguments are those of `MLP`.

    Sitzmann, Martel, Bergman, Lindell & Wetzstein, *Implicit neural representations with periodic activation
    functions*, NeurIPS 2020.
    """

    embedding: AbstractEmbedding
    frequencies: Float[Array, " l"] | tuple[float, ...]
    hidden: tuple[Dense, ...]
    head: Dense

    def __init__(
        self,
        domain: AbstractDomain,
        outputs: int = 1,
        width: int = 32,
        depth: int = 3,
        *,
        frequency: float = 3.0,
        trained_frequency: bool = True,
        embedding: AbstractEmbedding | None = None,
        seed: int = 0,
    ):
        self.embedding = checked_embedding(domain, embedding, jnp.sin, seed, outputs=outputs, width=width, depth=depth)
        check_positive(frequency=frequency)
        check_flag(trained_frequency=trained_frequency)
        frequencies = depth * (float(frequency),)
        self.frequencies = jnp.array(frequencies) if trained_frequency else frequencies
        self.hidden, self.head = _make_layers(self.embedding.size, outputs, width, frequencies, jr.key(seed))

    def __call__(self, x: Float[Array, " d"]) -> Float[Array, " m"]:
        h = self.embedding(x)
        for layer, frequency in zip(self.hidden, self.frequencies, strict=True):
            h = jnp.sin(frequency * layer(h))
        return self.head(h)


@eqx.filter_jit  # one compilation, not one for each operation and size
def _make_layers(
    inputs: int, outputs: int, width: int, frequencies: tuple[float, ...], key: Key
) -> tuple[tuple[Dense, ...], Dense]:
    first, last, *keys = jr.split(key, len(frequencies) + 1)
    bounds = [math.sqrt(6 / width) / frequency for frequency in frequencies[1:]]
    hidden = (_uniform(width, width, bound, key) for bound, key in zip(bounds, keys, strict=True))
    head = _uniform(width, outputs, math.sqrt(6 / width), last)
    head = eqx.tree_at(lambda layer: layer.bias, head, jnp.zeros(outputs))
    return (_uniform(inputs, width, 1 / inputs, first), *hidden), head


def _uniform(inputs: int, outputs: int, bound: float, key: Key) -> Dense:
    """A layer with weights and biases from U(−bound, bound)."""
    drawn = jr.uniform(key, (outputs, inputs + 1), minval=-bound, maxval=bound)
    layer = Dense(inputs, outputs, None)
    return eqx.tree_at(lambda layer: (layer.weight, layer.bias), layer, (drawn[:, :-1], drawn[:, -1]))
