r"""Which frequencies a network starts with: the bandwidth whose kernel resolves the residual best.

A kernel resolves the part of the residual that lies in its modes; what a trial solve with it leaves on points that it
has not seen is the part it does not. The bandwidth is searched along each coordinate on a geometric ladder, since one
solution may be smooth in one coordinate and fast in another.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

Bandwidth = tuple[float, ...]
Steps = tuple[int, ...]

BETTER = 0.5
"""A step of the search must leave less than this share of the held-out loss that was left before."""


FEW = 3
"""With more coordinates than these a search ends one rung after the last gain, not two."""


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
    each: bool = True,
    enough: float = 0.0,
    sweeps: int = 2,
    is_over: Callable[[], bool] = lambda: False,
) -> Choice:
    """The bandwidth that leaves least: along the diagonal first, all of it or from `start`, then along each coordinate.

    - `trial`: from a bandwidth to the share of the held-out loss that a trial solve leaves;
    - `ladders`: ascending bandwidths to choose from, for each coordinate;
    - `each`: whether to search along each coordinate as well;
    - `enough`: what is good enough to stop; `is_over`: whether time is up.
    """
    tried: dict[Bandwidth, float] = {}
    every, tops = range(len(ladders)), [len(ladder) - 1 for ladder in ladders]
    far = 2 if each and len(ladders) <= FEW else 1

    def left(steps: Steps) -> float:
        bandwidth = tuple(ladder[step] for ladder, step in zip(ladders, steps, strict=True))
        if bandwidth not in tried:
            tried[bandwidth] = trial(bandwidth)
        return tried[bandwidth]

    def done() -> bool:
        return bool(tried) and (min(tried.values()) <= enough or is_over())

    def along(axes: Sequence[int], start: Steps) -> Steps:
        """The best when coordinates go down the ladder together, or else up, ending `far` rungs after the last gain."""
        best = start
        for direction in (-1, 1):
            steps, since = start, 0
            while since < far and not done():
                moved = tuple(min(max(k + direction * (axis in axes), 0), tops[axis]) for axis, k in enumerate(steps))
                if moved == steps:
                    break
                steps, since = moved, since + 1
                if left(steps) < BETTER * left(best):
                    best, since = steps, 0
            if best != start:
                break
        return best

    if start is None:
        diagonal = [tuple(min(rung, top) for top in tops) for rung in range(max(tops) + 1)]
        best = diagonal[0]
        for steps in diagonal:
            best = min(best, steps, key=left)
            if done():
                break
    else:
        best = along(every, tuple(_nearest(ladder, value) for ladder, value in zip(ladders, start, strict=True)))
    for _ in range(sweeps if each and len(ladders) > 1 else 0):
        before = best
        for axis in every:
            best = along([axis], best)
        if best == before:
            break
    left(best)
    bandwidth = min(tried, key=tried.__getitem__)
    return Choice(bandwidth, tried[bandwidth], tried)


def _nearest(ladder: Sequence[float], value: float) -> int:
    return min(range(len(ladder)), key=lambda step: abs(math.log(ladder[step] / value)))
