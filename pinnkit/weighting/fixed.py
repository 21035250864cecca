"""Constant weights."""

from collections.abc import Mapping

import jax.numpy as jnp

from .._base.arguments import is_number
from .._base.types import Weights
from ..equations.mistakes import ProblemError


def fixed_weights(conditions: tuple[str, ...], weights: Mapping[str, float] | None) -> Weights:
    """The weight of each condition, 1 by default.

    **Raises:** `ProblemError` for an unknown condition or a weight that is not a finite number ≥ 0.
    """
    given = dict(weights or {})
    if unknown := sorted(set(given) - set(conditions)):
        raise ProblemError(
            f"weights are given for unknown condition(s) {unknown}; the conditions are {list(conditions)}"
        )
    if wrong := {name: w for name, w in given.items() if not is_number(w) or w < 0}:
        raise ProblemError(f"a weight must be a finite number ≥ 0, got {wrong}")
    return {name: jnp.asarray(given.get(name, 1.0), float) for name in conditions}
