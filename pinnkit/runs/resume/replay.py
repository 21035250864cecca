"""Finished pieces of work, by which a run that is resumed is where it was without doing them again.

What decides between pieces of work, decides from their results and from the clock. So it is enough to keep the results
and the times: gone through again, the same decisions ask for the same pieces in the same order.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from ..._base.clock import Clock

Arrays = dict[str, np.ndarray]

Result = TypeVar("Result")


class Piece(NamedTuple):
    """- `name`: what was asked for; `seconds`: on the clock of the run when it was done; `arrays`: the result."""

    name: str
    seconds: float
    arrays: Arrays


class Replay:
    """- `pieces`: those that are done;
    - `seconds`: on the clock when the last run was interrupted, from which it goes on.
    """

    def __init__(self, clock: Clock, pieces: Sequence[Piece] = (), seconds: float = 0.0):
        self._clock, self._seconds = clock, seconds
        self.pieces = tuple(pieces)
        self._next = 0
        if pieces:
            clock.hold(0.0)
        elif seconds:
            clock.run_on(seconds)

    @property
    def is_replaying(self) -> bool:
        """Whether there are pieces that were not asked for again."""
        return self._next < len(self.pieces)

    def recall(
        self,
        name: str,
        work: Callable[[], Result],
        pack: Callable[[Result], Arrays],
        unpack: Callable[[Arrays], Result],
    ) -> Result:
        """The result of a piece of work that is known, or else of doing it."""
        if self.is_replaying and self.pieces[self._next].name == name:
            piece = self.pieces[self._next]
            self._next += 1
            if self.is_replaying:
                self._clock.hold(piece.seconds)
            else:
                self._clock.run_on(self._seconds)
            return unpack(piece.arrays)
        self.finish()
        result = work()
        self.pieces = (*self.pieces, Piece(name, self._clock.seconds(), pack(result)))
        self._next = len(self.pieces)
        return result

    def finish(self) -> None:
        """Nothing more is known: what was not asked for again is dropped."""
        if self.is_replaying:
            self.pieces = self.pieces[: self._next]
            self._clock.run_on(self._seconds)
