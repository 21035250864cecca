"""The kernel by Opifex. ENTRY: `diagnostics` or `wrapper`, its two entry points, with `+jit` for compiled."""

import jax.numpy as jnp
from flax import nnx
from measuring import BIASES, DTYPE, ENTRY, POINTS, WEIGHTS, N, report
from opifex.core.physics.ntk.wrapper import compute_empirical_ntk
from opifex.diagnostics.ntk_computation import compute_ntk

entry, _, jit = ENTRY.partition("+")
kernel = {"diagnostics": compute_ntk, "wrapper": compute_empirical_ntk}[entry]


class Network(nnx.Module):
    def __init__(self):
        self.layers = nnx.List([nnx.Linear(*W.shape, param_dtype=jnp.dtype(DTYPE), rngs=nnx.Rngs(0)) for W in WEIGHTS])
        for layer, W, b in zip(self.layers, WEIGHTS, BIASES, strict=True):
            layer.kernel[...], layer.bias[...] = jnp.asarray(W), jnp.asarray(b)

    def __call__(self, x):
        *hidden, last = self.layers
        for layer in hidden:
            x = jnp.tanh(layer(x))
        return last(x)


scale = N if entry == "diagnostics" else 1.0  # that one divides by the number of points
model, x = Network(), jnp.asarray(POINTS)
if jit:
    graph, state = nnx.split(model)
    report(lambda state, x: kernel(nnx.merge(graph, state), x), state, x, compiled=True, scale=scale)
else:
    report(kernel, model, x, compiled=False, scale=scale)
