"""What an optimizer needs, read from the types in its state.

A state is a tree that contains the states of all parts of the optimizer, so this works through `optax.chain`,
`optax.masked` and the like. The state of your own transformation may have a class attribute `traits`.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import optax


class Traits(NamedTuple):
    """- `needs_double`: its steps are inaccurate in single precision;
    - `needs_fixed`: it takes differences of gradients from different steps, so points and weights must not change;
    - `linearizes`: it takes the keyword `linearize` and needs no gradient.
    """

    needs_double: bool = False
    needs_fixed: bool = False
    linearizes: bool = False


_OF_OPTAX = {optax.ScaleByLBFGSState: Traits(needs_fixed=True)}


def traits_in(state: Any) -> Traits:
    """The needs of all parts of an optimizer with this state; the leaves may be abstract."""
    found = list(_traits(state))
    return Traits(*(any(column) for column in zip(*found, strict=True))) if found else Traits()


def traits_of(optimizer: optax.GradientTransformation, params: Any) -> Traits:
    """The needs of an optimizer for these parameters; nothing is computed."""
    with jax.enable_x64(True):
        return traits_in(jax.eval_shape(optimizer.init, params))


def _traits(state: Any) -> Iterator[Traits]:
    kinds: list[type] = []

    def is_leaf(node: Any) -> bool:  # called for every node
        kinds.append(type(node))
        return False

    jax.tree.leaves(state, is_leaf=is_leaf)
    for kind in kinds:
        traits = getattr(kind, "traits", _OF_OPTAX.get(kind))
        if isinstance(traits, Traits):
            yield traits
