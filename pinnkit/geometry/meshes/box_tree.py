"""A binary tree of boxes around many small things, so that few of them are looked at."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Int

BITS = 16
"""Bits of each coordinate that decide on the order of points."""


def morton_order(points: Float[np.ndarray, "n d"]) -> Int[np.ndarray, " n"]:
    """Numbers of points along a curve on which those that follow each other are close (Morton, 1966)."""
    low, high = points.min(axis=0), points.max(axis=0)
    width = np.where(high > low, high - low, 1.0)
    places = np.minimum((points - low) / width * 2**BITS, 2**BITS - 1).astype(np.int64)
    code = np.zeros(len(points), np.int64)
    for bit in range(BITS):
        for axis, place in enumerate(places.T):
            code |= (place >> bit & 1) << (places.shape[1] * bit + axis)
    return np.argsort(code, kind="stable")


class BoxTree:
    """Boxes in the order of a curve, and the boxes around two, four, eight... that follow each other.

    - `levels`: lower and upper corners, of the box around all of them first; those of missing boxes are empty.
    """

    levels: list[tuple[Float[np.ndarray, "k d"], Float[np.ndarray, "k d"]]]

    def __init__(self, lower: Float[np.ndarray, "m d"], upper: Float[np.ndarray, "m d"]):
        self._order = morton_order((lower + upper) / 2)
        low = np.full((1 << (len(lower) - 1).bit_length(), lower.shape[1]), np.inf)
        high = np.full_like(low, -np.inf)
        low[: len(lower)], high[: len(lower)] = lower[self._order], upper[self._order]
        self.levels = [(low, high)]
        while len(self.levels[0][0]) > 1:
            low, high = self.levels[0]
            self.levels.insert(0, (np.minimum(low[::2], low[1::2]), np.maximum(high[::2], high[1::2])))

    def pairs(
        self, count: int, is_met: Callable[[np.ndarray, np.ndarray, np.ndarray], Bool[np.ndarray, " k"]]
    ) -> tuple[Int[np.ndarray, " p"], Int[np.ndarray, " p"]]:
        """Pairs of a question, by number, and a box that it meets.

        - `is_met(question, lower, upper)`: whether questions meet boxes; it is false for empty ones, and true for a box
          around one for which it is true.
        """
        question, node = np.arange(count), np.zeros(count, int)
        for number, (low, high) in enumerate(self.levels):
            if number:
                question, node = np.repeat(question, 2), np.repeat(2 * node, 2)
                node[1::2] += 1
            met = is_met(question, low[node], high[node])
            question, node = question[met], node[met]
        return question, self._order[node]
