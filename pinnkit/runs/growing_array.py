"""An array that grows by stretches of steps."""

import numpy as np
from jaxtyping import Shaped


class GrowingArray:
    """An array with spare room at its end: appending n numbers costs O(n), in whatever pieces they come.

    `values` is the array; arrays that were read from it earlier do not change when more is appended.
    """

    def __init__(self, values: Shaped[np.ndarray, " n"]):
        self.values = self._room = values

    def extend(self, more: Shaped[np.ndarray, " k"]) -> None:
        """Append numbers; the room is doubled when it is full."""
        size, total = len(self.values), len(self.values) + len(more)
        if total > len(self._room):
            self._room = np.empty(max(total, 2 * size), self.values.dtype)
            self._room[:size] = self.values
        self._room[size:total] = more
        self.values = self._room[:total]
