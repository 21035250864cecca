r"""Which frequencies a network starts with: the bandwidth whose kernel resolves the residual best.

A kernel resolves the part of the residual that lies in its modes; what a trial solve with it leaves on points that it
has not seen is the part it does not. The bandwidth is searched along each coordinate on a geometric ladder, since one
solution may be smooth in one coordinate and fast in another.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

Bandwidth = tuple[float, ...]

BETTER = 0.5
"""A step of the search must leave less than this share of the held-out loss that was left before."""


class Choice(NamedTuple):
    """- `bandwidth`: the best one; `left`: what its trial leaves of the held-out loss;
    - `trials`: every bandwidth that was tried, with what it left.
    """

    bandwidth: Bandwidth
    left: float
    trials: dict[Bandwidth, float]


def choose_bandwidth(
    trial: Callable[[Bandwidth], float],
    ladders: Sequence[Sequence[float]],
    *,
    start: Bandwidth | None = None,
    enough: float = 0.0,
    sweeps: int = 2,
    is_over: Callable[[], bool] = lambda: False,
) -> Choice:
    """The bandwidth that leaves least, by search along each coordinate from `start` or the best of the diagonal.

    - `trial`: from a bandwidth to the share of the held-out loss that a trial solve leaves;
    - `ladders`: ascending bandwidths to choose from, for each coordinate;
    - `enough`: what is good enough to stop; `is_over`: whether time is up.
    """
    tried: dict[Bandwidth, float] = {}

    def left(steps: tuple[int, ...]) -> float:
        bandwidth = tuple(ladder[step] for ladder, step in zip(ladders, steps, strict=True))
        if bandwidth not in tried:
            tried[bandwidth] = trial(bandwidth)
        return tried[bandwidth]

    def done() -> bool:
        return bool(tried) and (min(tried.values()) <= enough or is_over())

    if start is None:
        best = len(ladders) * (0,)
        for rung in range(max(map(len, ladders))):
            best = min(best, tuple(min(rung, len(ladder) - 1) for ladder in ladders), key=left)
            if done():
                break
    else:
        best = tuple(_nearest(ladder, value) for ladder, value in zip(ladders, start, strict=True))
    for _ in range(sweeps if len(ladders) > 1 or start is not None else 0):
        if done():
            break
        before = best
        for axis, ladder in enumerate(ladders):
            best = _along(axis, best, len(ladder), left, done)
        if best == before:
            break
    bandwidth = tuple(ladder[step] for ladder, step in zip(ladders, best, strict=True))
    return Choice(bandwidth, left(best), tried)


def _nearest(ladder: Sequence[float], value: float) -> int:
    return min(range(len(ladder)), key=lambda step: abs(math.log(ladder[step] / value)))


def _along(
    axis: int,
    best: tuple[int, ...],
    rungs: int,
    left: Callable[[tuple[int, ...]], float],
    done: Callable[[], bool],
) -> tuple[int, ...]:
    """The best rung of one coordinate; a search in each direction ends two rungs after the last gain."""
    for direction in (-1, 1):
        start = best[axis]
        for distance in range(1, rungs):
            rung = start + direction * distance
            if not 0 <= rung < rungs or done():
                break
            steps = (*best[:axis], rung, *best[axis + 1 :])
            if left(steps) < BETTER * left(best):
                best = steps
            elif abs(rung - best[axis]) >= 2:
                break
    return best
