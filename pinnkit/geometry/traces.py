"""Curves by their arc length: parts of the boundary of plane shapes and boxes as polylines."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

CLOSE = 1e-9
"""Share of the size of a curve below which two of its ends are the same point."""


class Trace(NamedTuple):
    """Points along curves, with a row of NaN between two curves that do not meet.

    - `arc`: the length of what comes before; `places`: in the coordinates of space; `normals`: outward.
    """

    arc: Float[np.ndarray, " n"]
    places: Float[np.ndarray, "n 2"]
    normals: Float[np.ndarray, "n 2"]


def joined(lines: Sequence[Trace]) -> Trace:
    """Lines one after the other, those that meet without a break; the end of a line is where the next one starts.

    Each line begins with arc length 0.
    """
    rest, found, total, size = list(lines), list[Trace](), 0.0, max(float(line.arc[-1]) for line in lines)
    while rest:
        following = _following(found[-1], rest, size) if found else None
        if following is None:
            following = _first(rest, size)
            if found:
                nothing = np.full((1, 2), np.nan)
                found.append(Trace(np.array([total]), nothing, nothing))
        rest = [line for line in rest if line is not following]
        found.append(following._replace(arc=total + following.arc))
        total = float(found[-1].arc[-1])
    return Trace(*(np.concatenate(columns) for columns in zip(*found, strict=True)))


def straight(start: Float[np.ndarray, " 2"], end: Float[np.ndarray, " 2"], normal: np.ndarray, count: int) -> Trace:
    """A line from `start` to `end`."""
    share = np.linspace(0.0, 1.0, max(count, 2))
    places = (1 - share[:, None]) * start + share[:, None] * end
    return Trace(share * float(np.linalg.norm(end - start)), places, np.broadcast_to(normal, places.shape))


def _following(line: Trace, others: Sequence[Trace], size: float) -> Trace | None:
    near = (other for other in others if np.abs(other.places[0] - line.places[-1]).max() <= CLOSE * size)
    return next(near, None)


def _first(lines: Sequence[Trace], size: float) -> Trace:
    """A line that follows no other one, or any of a closed curve."""
    followed = [_following(line, lines, size) for line in lines]
    return next((line for line in lines if not any(line is other for other in followed)), lines[0])
