"""Replay of finished pieces of work, so that a resumed run does not repeat them.

Decisions depend only on earlier results and on the clock, so replaying those makes a resumed run request the same
solves in the same order.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from ..._base.clock import Clock

Arrays = dict[str, np.ndarray]

Result = TypeVar("Result")


class Piece(NamedTuple):
    """- `name`: of the request; `seconds`: on the clock of the run when it was done; `arrays`: the result."""

    name: str
    seconds: float
    arrays: Arrays


class Replay:
    """Returns the results of pieces of work that were done before, and does the others.

    - `pieces`: those that are done;
    - `seconds`: on the clock when the run was interrupted, at which it resumes.
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
        """Whether recorded results are still to be replayed."""
        return self._next < len(self.pieces)

    def recall(
        self,
        name: str,
        work: Callable[[], Result],
        pack: Callable[[Result], Arrays],
        unpack: Callable[[Arrays], Result],
    ) -> Result:
        """The recorded result of a piece of work, or else that of doing it now."""
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
        """End the replay: results that were not requested again are dropped."""
        if self.is_replaying:
            self.pieces = self.pieces[: self._next]
            self._clock.run_on(self._seconds)
