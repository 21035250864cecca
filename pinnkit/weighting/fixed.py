"""Constant weights."""

from collections.abc import Collection, Mapping

import jax.numpy as jnp

from .._base.arguments import is_number
from .._base.types import Weights
from ..equations.condition import PRIOR
from ..equations.mistakes import ProblemError


def fixed_weights(
    conditions: Collection[str], weights: Mapping[str, float] | None, priors: Collection[str] = ()
) -> Weights:
    """The weight of each condition, by default 1, and `PRIOR` for priors.

    **Raises:** `ProblemError` for an unknown condition or a weight that is not a finite number ≥ 0.
    """
    given = dict(weights or {})
    if unknown := sorted(set(given) - set(conditions)):
        raise ProblemError(
            f"weights are given for unknown condition(s) {unknown}; the conditions are {list(conditions)}"
        )
    if wrong := {name: w for name, w in given.items() if not is_number(w) or w < 0}:
        raise ProblemError(f"a weight must be a finite number ≥ 0, got {wrong}")
    return {name: jnp.asarray(given.get(name, PRIOR if name in priors else 1.0), float) for name in conditions}
