"""Columns of figures that grow by stretches of steps."""

import numpy as np
from jaxtyping import Shaped


class Column:
    """An array that grows at its end, with room to spare, so that n numbers cost O(n) whatever pieces they come in.

    `values` is the array; what it held before stays as it is when more is appended.
    """

    def __init__(self, values: Shaped[np.ndarray, " n"]):
        self.values = self._room = values

    def extend(self, more: Shaped[np.ndarray, " k"]) -> None:
        """Append numbers; the room is doubled where it does not hold them."""
        size, total = len(self.values), len(self.values) + len(more)
        if total > len(self._room):
            self._room = np.empty(max(total, 2 * size), self.values.dtype)
            self._room[:size] = self.values
        self._room[size:total] = more
        self.values = self._room[:total]
