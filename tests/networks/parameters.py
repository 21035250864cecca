"""Parameters away from their initial values."""

import equinox as eqx
import jax
import jax.random as jr


def moved(model, size=0.3, seed=0):
    """The model after a random change of all parameters."""
    params, fixed = eqx.partition(model, eqx.is_inexact_array)
    leaves, tree = jax.tree.flatten(params)
    keys = jr.split(jr.key(seed), len(leaves))
    changed = [leaf + size * jr.normal(key, leaf.shape) for leaf, key in zip(leaves, keys, strict=True)]
    return eqx.combine(tree.unflatten(changed), fixed)
