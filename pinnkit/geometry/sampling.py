"""Quasi-random points on the host."""

import numpy as np
from jaxtyping import Float


def sobol(dimension: int, count: int, seed: int = 0) -> Float[np.ndarray, "n d"]:
    """Scrambled Sobol points of the unit cube: the largest power of two that is at most `count`."""
    from scipy.stats import qmc  # slow to import

    return qmc.Sobol(dimension, rng=np.random.default_rng(seed)).random_base2(count.bit_length() - 1)
