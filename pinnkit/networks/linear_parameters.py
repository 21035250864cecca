"""Which parameters a network is linear in."""

from typing import Any

import jax
import jax.numpy as jnp

from .._base.tracing.degrees import AFFINE, degrees
from .functional import FunctionalModel


def linear_leaves(model: FunctionalModel, dimension: int) -> tuple[int, ...]:
    """Leaves of the parameters in which the output is jointly affine, as positions in `jax.tree.leaves`.

    They are collected from the output inwards.
    """
    leaves, tree = jax.tree.flatten(model.params)
    x = jax.ShapeDtypeStruct((dimension,), jnp.result_type(*leaves))

    def degree_in(chosen: tuple[int, ...]) -> int:
        merged = lambda part: [part[chosen.index(i)] if i in chosen else leaf for i, leaf in enumerate(leaves)]
        point = jnp.zeros(x.shape, x.dtype)
        return max(degrees(lambda part: model.apply(tree.unflatten(merged(part)), point), [leaves[i] for i in chosen]))

    jaxpr = jax.make_jaxpr(lambda leaves, x: model.apply(tree.unflatten(leaves), x))(leaves, x).jaxpr
    used = {atom: number for number, eqn in reversed(list(enumerate(jaxpr.eqns))) for atom in _variables(eqn)}
    chosen: tuple[int, ...] = ()
    for i in sorted(range(len(leaves)), key=lambda i: -used.get(jaxpr.invars[i], -1)):
        if jaxpr.invars[i] in used and degree_in((i,)) == AFFINE and degree_in((*chosen, i)) == AFFINE:
            chosen = (*chosen, i)
    return tuple(sorted(chosen))


def _variables(eqn: Any) -> list[Any]:
    return [atom for atom in eqn.invars if not hasattr(atom, "val")]
