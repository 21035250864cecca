"""Networks that use their weights in every way that the kernel must understand; wide enough to be factored."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from flax import nnx

WIDTH = 72


class Factorised(eqx.Module):
    """Random weight factorisation: W = V diag(exp(s)), the scales on the outputs."""

    directions: list
    scales: list
    biases: list

    def __init__(self, sizes, key):
        pairs = list(zip(sizes[:-1], sizes[1:], strict=True))
        self.directions = [
            jr.normal(k, pair) / pair[0] ** 0.5 for k, pair in zip(jr.split(key, len(pairs)), pairs, strict=True)
        ]
        self.scales = [jnp.linspace(-0.5, 0.5, b) for _, b in pairs]
        self.biases = [jnp.zeros(b) for _, b in pairs]

    def __call__(self, x):
        layers = list(zip(self.directions, self.scales, self.biases, strict=True))
        for v, s, b in layers[:-1]:
            x = jnp.tanh(x @ (v * jnp.exp(s)) + b)
        v, s, b = layers[-1]
        return x @ (v * jnp.exp(s)) + b


class WithAttention(eqx.Module):
    """Tokens, self-attention (its weights meet several vectors at once), a convolution."""

    embed: eqx.nn.Linear
    attention: eqx.nn.MultiheadAttention
    convolution: eqx.nn.Conv1d
    head: eqx.nn.Linear

    def __init__(self, key, outputs=1):
        a, b, c, d = jr.split(key, 4)
        self.embed = eqx.nn.Linear(2, 3 * WIDTH, key=a)
        self.attention = eqx.nn.MultiheadAttention(2, WIDTH, key=b)
        self.convolution = eqx.nn.Conv1d(3, 3, 3, padding=1, key=c)
        self.head = eqx.nn.Linear(3 * WIDTH, outputs, key=d)

    def __call__(self, x):
        tokens = jnp.tanh(self.embed(x)).reshape(3, WIDTH)
        tokens = tokens + self.attention(tokens, tokens, tokens)
        return self.head(jnp.tanh(self.convolution(tokens)).ravel())


class WithBatchNorm(nnx.Module):
    """Written for batches, as flax models are; the statistics are held."""

    def __init__(self, outputs=1):
        rngs = nnx.Rngs(0)
        self.first = nnx.Linear(2, WIDTH, rngs=rngs)
        self.norm = nnx.BatchNorm(WIDTH, rngs=rngs)
        self.second = nnx.Linear(WIDTH, WIDTH, rngs=rngs)
        self.head = nnx.Linear(WIDTH, outputs, rngs=rngs)

    def __call__(self, x):
        return self.head(jnp.tanh(self.second(self.norm(jnp.tanh(self.first(x))))))


class Unusual(eqx.Module):
    """One inner weight used as `use` says, between layers that are used as ever."""

    first: jax.Array
    inner: jax.Array
    last: jax.Array
    use: object = eqx.field(static=True)

    def __init__(self, use, key):
        a, b, c = jr.split(key, 3)
        self.first, self.last = jr.normal(a, (WIDTH, 2)), jr.normal(b, (1, WIDTH))
        self.inner, self.use = jr.normal(c, (WIDTH, WIDTH)) / WIDTH**0.5, use

    def __call__(self, x):
        return self.last @ self.use(self.inner, jnp.tanh(self.first @ x))


def scanned(W, h):
    return jax.lax.scan(lambda h, _: (jnp.tanh(W @ h), None), h, None, length=2)[0]


USES = {
    "shared": lambda W, h: jnp.tanh(W @ jnp.tanh(W @ h)),
    "tied": lambda W, h: jnp.tanh(W.T @ jnp.tanh(W @ h)),
    "transposed": lambda W, h: jnp.tanh(h @ W),
    "reshaped": lambda W, h: jnp.tanh(W[None] @ h)[0],
    "scaled rows": lambda W, h: jnp.tanh((jnp.arange(1.0, WIDTH + 1)[:, None] / WIDTH * W) @ h),
    "scaled columns": lambda W, h: jnp.tanh((W / jnp.arange(1.0, WIDTH + 1)) @ h),
    "scaled by data": lambda W, h: jnp.tanh((W * jnp.sin(h)) @ h),
    "negative": lambda W, h: jnp.tanh(-(W * 0.5) @ h),
    "normalised": lambda W, h: jnp.tanh((W / jnp.linalg.norm(W, axis=1, keepdims=True)) @ h),
    "scanned": scanned,
    "sliced": lambda W, h: jnp.tanh(W[:, : WIDTH // 2] @ h[: WIDTH // 2]),
    "squared": lambda W, h: jnp.tanh((W @ W) @ h) + jnp.sum(W),
    "checkpointed": lambda W, h: jax.checkpoint(lambda h: jnp.tanh(W @ h))(h),
    "batched": lambda W, h: jnp.tanh(
        jnp.einsum("kij,kj->ki", W.reshape(2, -1, WIDTH), h[None] * jnp.ones((2, 1)))
    ).ravel(),
    "relu": lambda W, h: jax.nn.relu(W @ h),
    "unused": lambda W, h: h,
}
"""Ways to use a square weight on a vector."""

FACTORED = set(USES) - {"tied", "normalised", "scanned", "sliced", "squared", "batched", "unused"}
