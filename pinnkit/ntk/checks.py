"""What is handed in, checked."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from ..errors import InputError


def as_double(name: str, array: ArrayLike, ndim: int) -> tuple[np.ndarray, float]:
    """A checked copy in float64 on the host, and the rounding unit of what was given."""
    given: Any = np.asarray(array)
    if given.ndim != ndim or given.size == 0:
        kind = {1: "vector", 2: "matrix"}[ndim]
        raise InputError(f"`{name}` must be a {kind} with at least one entry; it has shape {given.shape}")
    if not (jnp.issubdtype(given.dtype, jnp.floating) or jnp.issubdtype(given.dtype, jnp.integer)):
        raise InputError(f"`{name}` must hold real numbers; its dtype is {given.dtype}")
    values = given.astype(np.float64)
    if not np.isfinite(values).all():
        raise InputError(f"`{name}` holds {int((~np.isfinite(values)).sum())} value(s) that are not finite")
    floating = jnp.issubdtype(given.dtype, jnp.floating)
    return values, float(jnp.finfo(given.dtype if floating else np.float64).eps)
