"""The kernel by neural-tangents. ENTRY: an `NtkImplementation`, with `+vmap` for `vmap_axes=0`."""

import jax.numpy as jnp
import neural_tangents as nt
from measuring import BIASES, ENTRY, POINTS, WEIGHTS, report

implementation, _, vmap = ENTRY.partition("+")


def network(params, x):
    *hidden, (W, b) = params
    for V, c in hidden:
        x = jnp.tanh(x @ V + c)
    return x @ W + b


kernel = nt.empirical_ntk_fn(
    network, vmap_axes=0 if vmap else None, implementation=nt.NtkImplementation[implementation]
)
params = [(jnp.asarray(W), jnp.asarray(b)) for W, b in zip(WEIGHTS, BIASES, strict=True)]
report(lambda params, x: kernel(x, None, params), params, jnp.asarray(POINTS), compiled=True)
