"""Random weight factorization."""

from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float

from .._base.arguments import check_not_negative, check_whole, is_number
from .._base.errors import InputError, InputTypeError
from .._base.types import Key
from .dense import Dense

Network = TypeVar("Network", bound=eqx.Module)


class FactorizedDense(eqx.Module):
    r"""A dense layer with the weights $W = \mathrm{diag}(e^s)\, V$, of which s and V are trained."""

    direction: Float[Array, "m k"]
    scale: Float[Array, " m"]
    bias: Float[Array, " m"]

    def __init__(self, layer: Dense, mean: float, std: float, key: Key):
        """The function of `layer`, with s drawn from a normal distribution."""
        with jax.enable_x64(layer.weight.dtype == jnp.float64):
            self.scale = mean + std * jr.normal(key, layer.bias.shape, layer.weight.dtype)
            self.direction = layer.weight / jnp.exp(self.scale)[:, None]
        self.bias = layer.bias

    @property
    def weight(self) -> Float[Array, "m k"]:
        """The product W."""
        return jnp.exp(self.scale)[:, None] * self.direction

    def __call__(self, x: Float[Array, " k"]) -> Float[Array, " m"]:
        return jnp.exp(self.scale) * (self.direction @ x) + self.bias


def factorize_weights(network: Network, mean: float = 1.0, std: float = 0.1, seed: int = 0) -> Network:
    r"""The same network with all dense weights as products $W = \mathrm{diag}(e^s)\, V$, $s_j \sim N(\mu, \sigma^2)$.

    Every unit gets a trained scale of its own. The initial function does not change, but its gradient does: that by a
    row of V is $e^{s_j}$ times that by the row of W, and the scales are parameters in addition.

    **Arguments:**

    - `network`: a built-in network such as `MLP(domain)`; it is not changed;
    - `mean`, `std`: μ and σ of the logarithms of the scales; the paper recommends μ of 0.5 or 1 and σ = 0.1.

    **Returns:** a network of the same class with `FactorizedDense` layers.

    **Raises:** `TypeError` for a network without dense layers of pinnkit, such as a Flax module; `ValueError` for
    numbers out of range.

    Wang, Wang, Seidman & Perdikaris, *Random weight factorization improves the training of continuous neural
    representations*, arXiv:2210.01274, 2022.
    """
    is_dense = lambda node: isinstance(node, Dense)
    nodes, tree = jax.tree.flatten(network, is_leaf=is_dense)
    if not any(map(is_dense, nodes)):
        raise InputTypeError(
            f"a network to factorize has dense layers of pinnkit, such as `MLP(domain)`; got {type(network).__name__}"
        )
    if not is_number(mean):
        raise InputError(f"`mean` is a finite number, got {mean!r}")
    check_not_negative(std=std)
    check_whole(0, seed=seed)
    keys = jr.split(jr.key(seed), len(nodes))
    pairs = zip(nodes, keys, strict=True)
    return tree.unflatten(FactorizedDense(node, mean, std, key) if is_dense(node) else node for node, key in pairs)
