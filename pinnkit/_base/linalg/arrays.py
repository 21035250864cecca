"""Where dense linear algebra is computed: on the host, or on the accelerator that holds a large array."""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..devices import is_sharded, joined_rows

LARGE = 2e10
"""Multiply-adds of a Gram matrix from which its algebra is compiled for an accelerator. That took 8 s on an H200, whose
host (16 cores) solved least squares with 2.4e10 in 0.7 s, and a run has some tens of them."""


def for_algebra(array: jax.Array) -> Any:
    """An array, one row for each residual, where its linear algebra takes the least time.

    In the memory of the processor it is one of NumPy, not copied, because LAPACK takes less time than what XLA has for
    processors (`tests.benchmarks.accelerator` compares them); so is a small one of an accelerator. An array whose rows
    are on several devices stays there.
    """
    if is_sharded(array):
        return array
    is_local = all(device.platform == "cpu" for device in array.devices())
    return np.asarray(array) if is_local or array.size * array.shape[-1] < LARGE else array


def joined(blocks: Sequence[Any]) -> Any:
    """Blocks of rows as one array, where they are; on several devices in another order, with rows of zeros."""
    return joined_rows(blocks) if any(map(is_sharded, blocks)) else module_of(*blocks).concatenate(blocks)


def module_of(*arrays: Any) -> ModuleType | Any:
    """`numpy` if all arrays are of NumPy, `jax.numpy` otherwise."""
    return jnp if any(isinstance(array, jax.Array) for array in arrays) else np
