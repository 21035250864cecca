"""Where dense linear algebra is computed: on the host, or on the accelerator that holds a large array."""

from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

LARGE = 2e10
"""Multiply-adds of a Gram matrix from which its algebra is compiled for an accelerator. That took 8 s on an H200, whose
host (16 cores) solved least squares with 2.4e10 in 0.7 s, and a run has some tens of them."""


def for_algebra(array: jax.Array) -> Any:
    """An array, one row for each residual, where its linear algebra takes the least time.

    In the memory of the processor it is one of NumPy, not copied, because LAPACK takes less time than what XLA has for
    processors (`tests.benchmarks.accelerator` compares them); so is a small one of an accelerator.
    """
    is_local = all(device.platform == "cpu" for device in array.devices())
    return np.asarray(array) if is_local or array.size * array.shape[-1] < LARGE else array


def module_of(*arrays: Any) -> ModuleType | Any:
    """`numpy` if all arrays are of NumPy, `jax.numpy` otherwise."""
    return jnp if any(isinstance(array, jax.Array) for array in arrays) else np
