"""The kernel by pinnkit. ENTRY: `compute_ntk`, always float64, or `compute_ntk+jit`, in the precision of the model."""

import equinox as eqx
import jax
import jax.numpy as jnp
from measuring import BIASES, DEPTH, ENTRY, POINTS, WEIGHTS, WIDTH, report

from pinnkit import MLP, Box
from pinnkit.ntk import compute_ntk

entry, _, jit = ENTRY.partition("+")
kernel = {"compute_ntk": compute_ntk}[entry]

model = MLP(Box(x=(-1.0, 1.0), y=(-1.0, 1.0)), width=WIDTH, depth=DEPTH)
model = eqx.tree_at(
    lambda model: [array for layer in (*model.hidden, model.head) for array in (layer.weight, layer.bias)],
    model,
    [jnp.asarray(array) for W, b in zip(WEIGHTS, BIASES, strict=True) for array in (W.T, b)],
)
if jit:
    params, static = eqx.partition(model, lambda leaf: isinstance(leaf, jax.Array))  # NumPy arrays are not trained
    report(lambda params, x: kernel(eqx.combine(params, static), x), params, jnp.asarray(POINTS), compiled=True)
else:
    report(kernel, model, jnp.asarray(POINTS), compiled=False)
