"""Built-in networks: an embedding of the coordinates, then layers.

What an embedding holds (bounds, frequencies) is static: it is not trained, nor ever traced.
"""

import abc
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float

from ._checks import check_whole
from ._types import Key
from .domains import Box
from .errors import InputError, InputTypeError


class AbstractEmbedding(eqx.Module):
    """What the first layer sees of a point."""

    @property
    @abc.abstractmethod
    def size(self) -> int:
        """Number of features."""

    @abc.abstractmethod
    def __call__(self, x: Float[Array, " d"]) -> Float[Array, " k"]:
        """The features of one point."""


class Rescale(AbstractEmbedding):
    """Coordinates scaled to [-1, 1] on the domain."""

    lower: tuple[float, ...] = eqx.field(static=True)
    upper: tuple[float, ...] = eqx.field(static=True)

    def __init__(self, domain: Box):
        self.lower, self.upper = tuple(domain.lower.tolist()), tuple(domain.upper.tolist())

    @property
    def size(self) -> int:
        return len(self.lower)

    def __call__(self, x: Float[Array, " d"]) -> Float[Array, " k"]:
        if x.shape != (self.size,):
            raise InputError(f"it takes points with {self.size} coordinate(s), got an array of shape {x.shape}")
        lower, upper = np.array(self.lower), np.array(self.upper)
        center, half = (lower + upper) / 2, (upper - lower) / 2
        return (x - jnp.asarray(center, x.dtype)) / jnp.asarray(half, x.dtype)


class Periodic(AbstractEmbedding):
    r"""Coordinates with a period as $\cos(2\pi x/P), \sin(2\pi x/P)$, the others scaled to [-1, 1].

    Every function of these features has the period exactly, with all its derivatives.

    Dong & Ni, *A method for representing periodic functions and enforcing exactly periodic boundary
    conditions with deep neural networks*, JCP 435, 2021.
    """

    rescale: Rescale
    axes: tuple[int, ...] = eqx.field(static=True)
    periods: tuple[float, ...] = eqx.field(static=True)

    def __init__(self, domain: Box, periods: Mapping[str, float]):
        """`periods` maps coordinate names to periods, most often the width of the domain."""
        if unknown := sorted(set(periods) - set(domain.coordinates)):
            raise InputError(f"periods for unknown coordinate(s) {unknown}; there are {list(domain.coordinates)}")
        if wrong := {name: period for name, period in periods.items() if not period > 0}:
            raise InputError(f"a period is a positive number, got {wrong}")
        self.rescale = Rescale(domain)
        self.axes = tuple(domain.coordinates.index(name) for name in periods)
        self.periods = tuple(float(period) for period in periods.values())

    @property
    def size(self) -> int:
        return self.rescale.size + len(self.axes)

    def __call__(self, x: Float[Array, " d"]) -> Float[Array, " k"]:
        axes = np.array(self.axes, dtype=int)
        free = np.delete(np.arange(len(x)), axes)
        angle = jnp.asarray(2 * np.pi / np.array(self.periods), x.dtype) * x[axes]
        return jnp.concatenate([jnp.cos(angle), jnp.sin(angle), self.rescale(x)[free]])


class FourierFeatures(AbstractEmbedding):
    r"""Random Fourier features $\cos(Bz), \sin(Bz)$, $B_{ij} \sim N(0, \sigma^2)$, of another embedding's features z.

    Tancik et al., *Fourier features let networks learn high frequency functions*, NeurIPS 2020.
    """

    inner: AbstractEmbedding
    frequencies: tuple[tuple[float, ...], ...] = eqx.field(static=True, repr=False)

    def __init__(self, inner: AbstractEmbedding, count: int, scale: float, seed: int = 0):
        """`count` frequencies with standard deviation `scale`, in radians per unit of the features."""
        if count < 1 or not scale > 0:
            raise InputError(f"Fourier features need a count ≥ 1 and a scale > 0, got {count} and {scale}")
        self.inner = inner
        frequencies = scale * np.random.default_rng(seed).standard_normal((count, inner.size))
        self.frequencies = tuple(map(tuple, frequencies.tolist()))

    @property
    def size(self) -> int:
        return 2 * len(self.frequencies)

    def __call__(self, x: Float[Array, " d"]) -> Float[Array, " k"]:
        angle = jnp.asarray(self.frequencies, x.dtype) @ self.inner(x)
        return jnp.concatenate([jnp.cos(angle), jnp.sin(angle)])


class Dense(eqx.Module):
    """An affine layer with Glorot-normal weights (zero without a key) and zero bias."""

    weight: Float[Array, "m k"]
    bias: Float[Array, " m"]

    def __init__(self, inputs: int, outputs: int, key: Key | None):
        shape = outputs, inputs
        self.weight = jnp.zeros(shape) if key is None else jax.nn.initializers.glorot_normal()(key, shape)
        self.bias = jnp.zeros(outputs)

    def __call__(self, x: Float[Array, " k"]) -> Float[Array, " m"]:
        return self.weight @ x + self.bias


class MLP(eqx.Module):
    """A multilayer perceptron on an embedding of the coordinates (scaled to [-1, 1] by default).

    - `domain`: the box the coordinates come from;
    - `outputs`: number of outputs, one per component of every field;
    - `width`, `depth`: size and number of hidden layers;
    - `embedding`: such as `Periodic(domain, {"x": 2.0})` or `FourierFeatures(Rescale(domain), 64, 5.0)`.
    """

    embedding: AbstractEmbedding
    hidden: tuple[Dense, ...]
    head: Dense
    activation: Callable[[Array], Array] = eqx.field(static=True)

    def __init__(
        self,
        domain: Box,
        outputs: int = 1,
        width: int = 32,
        depth: int = 3,
        *,
        embedding: AbstractEmbedding | None = None,
        activation: Callable[[Array], Array] = jnp.tanh,
        seed: int = 0,
    ):
        self.embedding = _checked_embedding(domain, embedding, activation, outputs, width, depth, seed)
        self.hidden, self.head = _layers(self.embedding.size, outputs, width, depth, jr.key(seed))
        self.activation = activation

    def __call__(self, x: Float[Array, " d"]) -> Float[Array, " m"]:
        h = self.embedding(x)
        for layer in self.hidden:
            h = self.activation(layer(h))
        return self.head(h)


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
        domain: Box,
        outputs: int = 1,
        width: int = 32,
        depth: int = 3,
        *,
        embedding: AbstractEmbedding | None = None,
        activation: Callable[[Array], Array] = jnp.tanh,
        seed: int = 0,
    ):
        self.embedding = _checked_embedding(domain, embedding, activation, outputs, width, depth, seed)
        key, first, second = jr.split(jr.key(seed), 3)
        self.encoders = Dense(self.embedding.size, width, first), Dense(self.embedding.size, width, second)
        self.hidden, self.head = _layers(self.embedding.size, outputs, width, depth, key)
        self.activation = activation

    def __call__(self, x: Float[Array, " d"]) -> Float[Array, " m"]:
        h = self.embedding(x)
        u, v = (self.activation(encoder(h)) for encoder in self.encoders)
        for layer in self.hidden:
            h = self.activation(layer(h))
            h = h * u + (1 - h) * v
        return self.head(h)


class SineFeatures(eqx.Module):
    r"""One hidden layer of sines, $c_0 + \sum_j c_j \sin(\omega_j \cdot z + b_j)$ with z scaled to [-1, 1].

    The frequencies fill the box $|\omega_a| \le s_a$ evenly (scrambled Sobol points), so $s_a$ is the bandwidth in
    coordinate a: the solution can have about $s_a/\pi$ waves across the domain. The output layer starts from zero.
    Along periodic coordinates the frequencies are whole multiples of the base frequency and are not trained, so the
    network has the period exactly.

    - `width`: number of sines; `bandwidth`: radians per half width of the domain, a number or one a coordinate;
    - `periodic`: names of coordinates whose period is the width of the domain.

    Rahimi & Recht, *Random features for large-scale kernel machines*, NeurIPS 2007.
    """

    embedding: Rescale
    frequency: Float[Array, "k d"]
    phase: Float[Array, " k"]
    head: Dense
    whole: tuple[bool, ...] = eqx.field(static=True)

    def __init__(
        self,
        domain: Box,
        outputs: int = 1,
        width: int = 500,
        bandwidth: float | Sequence[float] = 8.0,
        *,
        periodic: Sequence[str] = (),
        seed: int = 0,
    ):
        from scipy.stats import qmc  # slow to import

        s = np.broadcast_to(np.asarray(bandwidth, float), (domain.dimension,))
        if min(outputs, width) < 1 or not (np.isfinite(s) & (s > 0)).all():
            raise InputError(
                f"sine features need outputs and width ≥ 1 and a bandwidth > 0, got {outputs}, {width}, {bandwidth}"
            )
        if unknown := sorted(set(periodic) - set(domain.coordinates)):
            raise InputError(f"there are no coordinate(s) {unknown}; there are {list(domain.coordinates)}")
        self.embedding = Rescale(domain)
        self.whole = tuple(name in periodic for name in domain.coordinates)
        sequence = qmc.Sobol(domain.dimension + 1, rng=np.random.default_rng(seed))
        unit = sequence.random_base2((width - 1).bit_length())[:width]
        spread = s * (2 * unit[:, :-1] - 1)
        waves = np.clip(np.round(s / np.pi), 1, None)
        multiples = np.floor((2 * waves + 1) * unit[:, :-1]) - waves
        self.frequency = jnp.asarray(np.where(self.whole, np.pi * multiples, spread))
        self.phase = jnp.asarray(2 * np.pi * unit[:, -1])
        self.head = Dense(width, outputs, None)

    def __call__(self, x: Float[Array, " d"]) -> Float[Array, " m"]:
        frequency = jnp.where(jnp.array(self.whole), jax.lax.stop_gradient(self.frequency), self.frequency)
        return self.head(jnp.sin(frequency @ self.embedding(x) + self.phase))


def default_network(
    domain: Box,
    outputs: int,
    width: int | None = None,
    depth: int | None = None,
    seed: int = 0,
    embedding: AbstractEmbedding | None = None,
) -> MLP:
    """The network for who brings none, in float64: 2 hidden layers of 32 in one dimension, 4 of 20 in more."""
    usual = (32, 2) if len(domain.coordinates) == 1 else (20, 4)
    width, depth = usual[0] if width is None else width, usual[1] if depth is None else depth
    with jax.enable_x64(True):
        return MLP(domain, outputs, width, depth, embedding=embedding, seed=seed)


def _checked_embedding(
    domain: Box, embedding: AbstractEmbedding | None, activation: Any, outputs: int, width: int, depth: int, seed: int
) -> AbstractEmbedding:
    """The embedding of a network whose arguments can be meant."""
    if not isinstance(domain, Box):
        raise InputTypeError(f"the `domain` of a network is a `Box`, got {type(domain).__name__}")
    if embedding is not None and not isinstance(embedding, AbstractEmbedding):
        raise InputTypeError(f"an `embedding` is one such as `Rescale(domain)`, got {type(embedding).__name__}")
    if not callable(activation):
        raise InputTypeError(f"an `activation` is a function such as `jnp.tanh`, got {type(activation).__name__}")
    check_whole(outputs=outputs, width=width, depth=depth)
    check_whole(0, seed=seed)
    return Rescale(domain) if embedding is None else embedding


@eqx.filter_jit  # one compilation, not one an operation and size
def _layers(inputs: int, outputs: int, width: int, depth: int, key: Key) -> tuple[tuple[Dense, ...], Dense]:
    keys = jr.split(key, depth + 1)
    sizes = [inputs] + depth * [width]
    hidden = tuple(Dense(a, b, k) for a, b, k in zip(sizes[:-1], sizes[1:], keys[:-1], strict=True))
    return hidden, Dense(width, outputs, keys[-1])
