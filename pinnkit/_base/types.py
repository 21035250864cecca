"""Types that the whole package shares."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import jax
import numpy as np
from jaxtyping import Array, Float, PyTree

Params: TypeAlias = PyTree[Array | np.ndarray]
"""Trainable parameters, as a tree of arrays."""

Arrays: TypeAlias = Sequence[Array | np.ndarray]
"""The leaves of a tree."""

Scalar: TypeAlias = Float[Array, ""]

Residuals: TypeAlias = dict[str, Float[Array, " n_k"]]
"""Unscaled residuals of each condition."""

Weights: TypeAlias = dict[str, Float[Array, "..."]]
"""The weight of each condition in the loss: a number, or one for each of its points."""

Key: TypeAlias = jax.Array

Model: TypeAlias = Any
"""An `nnx.Module`, an `eqx.Module`, a pair `(init, apply)` or a `FunctionalModel`."""
