"""What an optimizer needs, known from the types in its state.

A state is a tree that holds the states of whatever the optimizer is made of, so that this survives `optax.chain`,
`optax.masked` and the like. The state of a transformation of one's own may have a class attribute `traits`.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import optax


class Traits(NamedTuple):
    """- `needs_double`: single precision would spoil its steps;
    - `needs_fixed`: it subtracts gradients of different steps, so that points and weights must not change;
    - `linearizes`: it takes the keyword `linearize` and needs no gradient besides.
    """

    needs_double: bool = False
    needs_fixed: bool = False
    linearizes: bool = False


_OF_OPTAX = {optax.ScaleByLBFGSState: Traits(needs_fixed=True)}


def traits_in(state: Any) -> Traits:
    """What any part of an optimizer with this state needs; the leaves may be abstract."""
    found = list(_traits(state))
    return Traits(*(any(column) for column in zip(*found, strict=True))) if found else Traits()


def traits_of(optimizer: optax.GradientTransformation, params: Any) -> Traits:
    """What an optimizer of these parameters needs; nothing is computed."""
    with jax.enable_x64(True):
        return traits_in(jax.eval_shape(optimizer.init, params))


def _traits(state: Any) -> Iterator[Traits]:
    kinds: list[type] = []

    def is_leaf(node: Any) -> bool:  # called on every node
        kinds.append(type(node))
        return False

    jax.tree.leaves(state, is_leaf=is_leaf)
    for kind in kinds:
        traits = getattr(kind, "traits", _OF_OPTAX.get(kind))
        if isinstance(traits, Traits):
            yield traits
