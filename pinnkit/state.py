"""What is carried from step to step, as a state and as plain arrays, and what is reported of each."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array

from ._types import Key, Params, Scalar, Weights
from .files import RunFolderError


class TrainState(eqx.Module):
    """All a run needs to go on.

    - `params`: network and unknown coefficients; `previous`: those of the step before, in case loss or gradient turn
      out not to be finite at the present ones;
    - `layouts`: points of each condition in the unit cube of its region;
    - `weights`: a number for each condition, or one for each of its points.
    """

    params: Params
    previous: Params
    opt_state: Any
    layouts: dict[str, Array]
    weights: Weights
    weighting_state: Any
    rate_state: Any
    key: Key
    step: Array


class StepInfo(eqx.Module):
    """What a step reports: figures at the parameters it started from, and the rate and weights it used.

    - `losses`: mean square of each condition's residual, unweighted; `weights`: means over the points;
    - `learning_rate`: NaN where the optimizer keeps its rate to itself;
    - `finite`: whether loss, gradient and update were.
    """

    loss: Scalar
    losses: dict[str, Scalar]
    gradient_norm: Scalar
    learning_rate: Scalar
    weights: Weights
    finite: Array


def packed(tree: Any) -> list[Array]:
    """The leaves of a tree that are not empty; keys of random numbers as the numbers they are made of."""
    return [jr.key_data(leaf) if is_key(leaf) else leaf for leaf in jax.tree.leaves(tree) if leaf.size]


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
