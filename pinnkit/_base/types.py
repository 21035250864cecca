"""The shapes and names that every room of the package shares."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import jax
import numpy as np
from jaxtyping import Array, Float, PyTree

Params: TypeAlias = PyTree[Array | np.ndarray]
"""Trainable parameters, in whatever tree their model keeps them."""

Arrays: TypeAlias = Sequence[Array | np.ndarray]
"""The leaves of a tree."""

Scalar: TypeAlias = Float[Array, ""]

Residuals: TypeAlias = dict[str, Float[Array, " n_k"]]
"""Unscaled residuals of each condition."""

Weights: TypeAlias = dict[str, Float[Array, "..."]]
"""How much each condition counts in the loss: a number, or one for each of its points."""

Key: TypeAlias = jax.Array

Model: TypeAlias = Any
"""An `nnx.Module`, an `eqx.Module`, a pair `(init, apply)` or a `FunctionalModel`."""
