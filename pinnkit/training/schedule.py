"""How long the phases of a training schedule last: their steps, their deadlines, and the next stretch of steps.

Pure functions. The phases divide the interval from 0 to 1 by their shares; scaled to the available steps and seconds,
this gives the end of each phase.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .._base.errors import InputError
from ..runs.stop_reason import StopReason

SPARE = 0.1
"""Share of the predicted time of a stretch that is set aside, since steps do not all take the same time."""


class Limit(NamedTuple):
    """When a phase ends.

    - `steps`: the most it may take; None where only time limits it;
    - `deadline`: seconds on the clock, infinite without a budget.
    """

    steps: int | None
    deadline: float


class Pace(NamedTuple):
    """Seconds that a step takes, and the check after a stretch of steps."""

    step: float
    check: float = 0.0


class Stretch(NamedTuple):
    """The next steps: `length` of them, at least 1, of about `remaining` that are left in the phase."""

    length: int
    remaining: float


def normalised(shares: Sequence[float | None]) -> tuple[float, ...]:
    """Shares that add up to 1.

    None stands for an equal part of what the given shares leave. Without None the given shares are scaled, and all are
    equal if they add up to 0.

    **Raises:** `InputError` if some are None and the given ones leave nothing for them.
    """
    given, unset = sum(share for share in shares if share is not None), sum(share is None for share in shares)
    if unset and given >= 1:
        raise InputError(f"the shares that are given add up to {given:.6g} and leave nothing for the other phases")
    if unset:
        return tuple((1 - given) / unset if share is None else share for share in shares)
    if given == 0:
        return len(shares) * (1 / len(shares),)
    return tuple((share or 0.0) / given for share in shares)


def limit_of(
    number: int,
    shares: Sequence[float],
    usual: Sequence[int],
    *,
    steps: int | None,
    taken: int,
    began: float,
    end: float,
) -> Limit:
    """The limit of a phase.

    Without `steps` and `end` a phase has its usual number of steps. Otherwise a phase of share 0 has none, and the last
    of the others gets the steps or the time that earlier ones did not take.

    - `shares`: see `normalised`; `usual`: steps of each phase if the caller sets no limit, and the largest number for
      all phases but the last;
    - `steps`: of all phases, None for any number; `taken`: before this phase;
    - `began`, `end`: seconds on the clock, `end` infinite without a budget.
    """
    if steps is None and end == math.inf:
        return Limit(usual[number], math.inf)
    last = max(i for i, share in enumerate(shares) if share > 0)
    before, to = (1.0 if i >= last else min(sum(shares[: i + 1]), 1.0) for i in (number - 1, number))
    deadline = end if to == 1 or end == math.inf else min(began + to * max(end - began, 0.0), end)
    if shares[number] == 0:
        return Limit(0, deadline)
    if number == last:
        return Limit(None if steps is None else max(steps - taken, 0), deadline)
    own = usual[number] if steps is None else round(to * steps) - round(before * steps)
    return Limit(min(usual[number], own), deadline)


def next_stretch(
    limit: Limit, done: int, now: float, pace: Pace | None, most: int, stops: Iterable[int] = ()
) -> Stretch | StopReason:
    """The next steps of a phase, or why it is over.

    - `done`: its steps so far; `now`: seconds on the clock;
    - `pace`: None before its first step, which is then taken alone where time is limited;
    - `most`: steps of a stretch; `stops`: steps of the phase at which a stretch has to end.
    """
    if limit.steps is not None and done >= limit.steps:
        return StopReason.STEPS
    remaining = math.inf if limit.steps is None else limit.steps - done
    if limit.deadline < math.inf:
        affordable = _affordable(limit.deadline - now, pace)
        if affordable < 1:
            return StopReason.BUDGET
        remaining = min(remaining, affordable if pace is not None else math.inf)
        most = min(most, affordable)
    length = int(min([most, remaining, *(stop - done for stop in stops if stop > done)]))
    return Stretch(length, remaining)


def _affordable(seconds: float, pace: Pace | None) -> int:
    """Steps that fit into a time, with the check after them."""
    if pace is None:
        return int(seconds > 0)
    return math.floor((seconds / (1 + SPARE) - pace.check) / max(pace.step, 1e-9))


def fraction_of(limit: Limit, done: int, entered: float, now: float) -> float:
    """The share of a phase that is over, by steps or by time, whichever is further on; it never falls.

    - `entered`: seconds on the clock when the phase began.
    """
    by_steps = done / limit.steps if limit.steps else 0.0
    by_time = (now - entered) / (limit.deadline - entered) if entered < limit.deadline < math.inf else 0.0
    return min(max(by_steps, by_time), 1.0)


def snapshot_steps(steps: int | None, has_theory: bool) -> tuple[int, ...]:
    """Steps of a phase at which to take kernel snapshots: at equal ratios, since the kernel moves most at first.

    Twice as many if linear theory is checked. None in the last fifth of the phase, after which one is taken anyway.
    """
    per_decade = 4 if has_theory else 2
    geometric = [round(10 * 10 ** (k / per_decade)) for k in range(6 * per_decade)]
    return tuple(step for step in geometric if steps is None or step < 0.8 * steps)
