"""A training state as a list of plain arrays."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from ..storage.atomic_files import RunFolderError


def packed(tree: Any) -> list[np.ndarray]:
    """The leaves of a tree that are not empty, on the host; keys of random numbers as the numbers they are made of."""
    return [np.asarray(jr.key_data(leaf) if is_key(leaf) else leaf) for leaf in jax.tree.leaves(tree) if leaf.size]


def unpacked(leaves: Sequence[Any], like: Any) -> Any:
    """The tree with the leaves that were packed. **Raises:** `RunFolderError` where they cannot be those of `like`."""
    wanted, tree = jax.tree.flatten(like)
    if [np.shape(leaf) for leaf in leaves] != [leaf.shape for leaf in packed(like)]:
        raise RunFolderError(
            "the run to resume has a state of other shapes: another network, optimizer, or version of these"
        )
    put = lambda leaf, of: jr.wrap_key_data(jnp.asarray(leaf)) if is_key(of) else jnp.asarray(leaf, of.dtype)
    rest = iter(leaves)
    return tree.unflatten([put(next(rest), of) if of.size else of for of in wanted])


def is_key(leaf: Any) -> bool:
    """Whether an array holds keys of random numbers."""
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
