r"""The bandwidth of random features: the one whose kernel resolves the residual best.

A kernel resolves the part of the residual in its modes; the validation loss of a trial solve measures the rest. The
bandwidth is searched along each coordinate on a geometric ladder, since a solution may be smooth in one coordinate and
oscillate in another.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

Bandwidth = tuple[float, ...]

Steps = tuple[int, ...]

BETTER = 0.5
"""A step of the search must reduce the validation loss below this share."""

FEW = 3
"""With more coordinates, a search ends one rung after the last gain, not two."""


class Choice(NamedTuple):
    """- `bandwidth`: the best one; `relative_loss`: validation loss of its trial solve, over the initial one;
    - `trials`: every bandwidth that was tried, with its relative loss.
    """

    bandwidth: Bandwidth
    relative_loss: float
    trials: dict[Bandwidth, float]


def choose_bandwidth(
    trial: Callable[[Bandwidth], float],
    ladders: Sequence[Sequence[float]],
    *,
    start: Bandwidth | None = None,
    each: bool = True,
    enough: float = 0.0,
    sweeps: int = 2,
    up_first: bool = False,
    is_over: Callable[[], bool] = lambda: False,
) -> Choice:
    """The bandwidth of least relative loss: along the diagonal first, all of it or from `start`, then along each axis.

    - `trial`: relative validation loss of a trial solve with a bandwidth;
    - `ladders`: ascending bandwidths to choose from, for each coordinate;
    - `each`: whether to search along each coordinate as well; `sweeps`: how often;
    - `up_first`: whether larger bandwidths are tried before smaller ones, which then are if those gain nothing;
    - `enough`: relative loss at which to stop; `is_over`: whether time is up.
    """
    search = _Search(trial, ladders, enough, is_over, (1, -1) if up_first else (-1, 1))
    every, far = range(len(ladders)), 2 if each and len(ladders) <= FEW else 1
    if start is None:
        best = search.diagonal()
    else:
        best = search.along(
            every, tuple(_nearest(ladder, value) for ladder, value in zip(ladders, start, strict=True)), far
        )
    for _ in range(sweeps if each and len(ladders) > 1 else 0):
        before = best
        for axis in every:
            best = search.along([axis], best, far)
        if best == before:
            break
    bandwidth = min(search.tried, key=search.tried.__getitem__)
    return Choice(bandwidth, search.tried[bandwidth], search.tried)


class _Search:
    """Searches rungs of ladders, one for each coordinate; no bandwidth is tried twice."""

    def __init__(
        self,
        trial: Callable[[Bandwidth], float],
        ladders: Sequence[Sequence[float]],
        enough: float,
        is_over: Callable[[], bool],
        directions: tuple[int, int],
    ):
        self._trial, self._ladders, self._enough, self._is_over = trial, ladders, enough, is_over
        self._directions = directions
        self._tops = [len(ladder) - 1 for ladder in ladders]
        self.tried: dict[Bandwidth, float] = {}

    def loss(self, steps: Steps) -> float:
        bandwidth = tuple(ladder[step] for ladder, step in zip(self._ladders, steps, strict=True))
        if bandwidth not in self.tried:
            self.tried[bandwidth] = self._trial(bandwidth)
        return self.tried[bandwidth]

    @property
    def done(self) -> bool:
        return min(self.tried.values(), default=math.inf) <= self._enough or self._is_over()

    def diagonal(self) -> Steps:
        """The best bandwidth with all coordinates on the same rung."""
        best = len(self._tops) * (0,)
        for rung in range(max(self._tops) + 1):
            best = min(best, tuple(min(rung, top) for top in self._tops), key=self.loss)
            if self.done:
                break
        return best

    def along(self, axes: Sequence[int], start: Steps, far: int) -> Steps:
        """The best bandwidth when `axes` go one way together, else the other; ends `far` rungs after the last gain."""
        best, least = start, self.loss(start)
        for direction in self._directions:
            steps, since = start, 0
            while since < far and not self.done:
                before, steps = steps, self._moved(steps, axes, direction)
                if steps == before:
                    break
                since += 1
                if self.loss(steps) < BETTER * least:
                    best, least, since = steps, self.loss(steps), 0
            if best != start:
                break
        return best

    def _moved(self, steps: Steps, axes: Sequence[int], direction: int) -> Steps:
        moved = (step + direction * (axis in axes) for axis, step in enumerate(steps))
        return tuple(min(max(step, 0), top) for step, top in zip(moved, self._tops, strict=True))


def _nearest(ladder: Sequence[float], value: float) -> int:
    return min(range(len(ladder)), key=lambda step: abs(math.log(ladder[step] / value)))
