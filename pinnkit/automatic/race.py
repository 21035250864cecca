r"""The race of candidates for the remaining time.

A candidate predicts the relative validation loss $L_c$ that it will leave and the seconds $s_c$ that it will take. The
next to get time is the one that reduces the smallest loss L so far fastest, by the most decades per second

$$v = \log_{10}(L / L_c) / s_c .$$

What was predicted of it and what came of it are recorded as an `Attempt`.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

from .candidates import AbstractCandidate, Prediction, Standing

LEAST_LOSS = 1e-30

SPARED = 0.2
"""Share of the time that is left up to which a candidate goes before one that takes all of it."""


class Entry(NamedTuple):
    """A candidate and what is predicted of it."""

    candidate: AbstractCandidate
    prediction: Prediction

    def decades(self, loss: float) -> float:
        """By how many powers of ten it will reduce a loss."""
        return math.log10(max(loss, LEAST_LOSS) / max(self.prediction.loss, LEAST_LOSS))

    def pace(self, loss: float) -> float:
        """Decades per second."""
        return self.decades(loss) / max(self.prediction.seconds, 1e-9)


def fastest(
    candidates: Iterable[AbstractCandidate], standing: Standing, worthwhile: float
) -> tuple[Entry | None, list[Entry]]:
    """The candidate that is predicted to reduce the loss fastest, None if none has time and is worth it, and faster
    ones for which there is no time.

    - `worthwhile`: the share of the loss that a candidate may leave at most.

    One that takes all the time that is left comes after those that take little of it.
    """
    loss, late = standing.loss, list[Entry]()
    entries = [Entry(each, each.predict(standing)) for each in candidates if loss > each.enough]
    worth = [entry for entry in entries if entry.prediction.loss <= worthwhile * loss]
    is_spared = lambda entry: (
        entry.candidate.ends_the_race
        and any(
            not other.candidate.ends_the_race and other.prediction.needed <= SPARED * other.prediction.left
            for other in worth
        )
    )
    for entry in sorted(worth, key=lambda entry: (is_spared(entry), -entry.pace(loss))):
        if entry.prediction.needed <= entry.prediction.left:
            return entry, late
        late.append(entry)
    return None, late
