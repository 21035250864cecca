r"""Lengths of time windows from the residuals they leave, as step sizes follow from errors in integrators.

The relative loss that a window leaves on validation points plays the part of the local error. It falls about with a
power of the length, until rounding or the resolution in space dominates; then the length no longer matters. Everything
here is pure.
"""

import dataclasses
import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ControllerState:
    """What the controller carries from window to window.

    - `shortest`: length below which windows are not shortened;
    - `before`, `length_before`: relative loss and length of the last window that was kept;
    - `floor`: relative loss of the last window for which neither shortening nor widening helped;
    - `rough`: relative loss of the window after a rough start: what a kink leaves may persist, as in waves;
    - `ease`: factor on the tolerance, raised when time is short;
    - `target`: tolerance that is sufficient for the target of the run.
    """

    shortest: float
    before: float = 0.0
    length_before: float = math.inf
    floor: float = 0.0
    rough: float = 0.0
    ease: float = 1.0
    target: float = 0.0


@dataclass(frozen=True)
class Controller:
    """Chooses lengths of time windows.

    - `first`, `shortest`: lengths of the first and of the shortest window, as shares of the whole time;
    - `aim`: relative loss that lengths aim at, as a share of the tolerance; `order`: of the loss in the length;
    - `slack`: a window that leaves up to this multiple of the tolerance is accepted: the next one is shortened, which
      costs less than solving this one again;
    - `rising`: a window is shortened in advance only if the loss rose by more than this factor, and grows at least by
      `modest` if a longer window left no more: otherwise the loss is due to rounding or to space;
    - `shrinkage`, `growth`: limits of the factor between lengths;
    - `pays`: a shorter window, or a wider network, must leave less than this share of the loss to be worth it;
    - `inherited`: factor on the floor, `from_start`: factor on the relative error of the initial slice (of residuals,
      so it is squared), that a window may leave: no window can be better than what it starts from;
    - `met`: relative error of an initial slice that is good enough, unless the tolerance is eased;
    - `rough`: relative error above which an initial slice is rough (it has a kink, say);
    - `tolerated`, `tolerated_rough`: relative loss with which a window is kept if nothing helps, and that after a rough
      start, whose error decays soon;
    - `persists`: whether a window that is not tolerable is shortened although that hardly helps: without space, nothing
      else can, and an initial layer is resolved by windows that are short enough;
    - `eased`: factor on the tolerance for a run that becomes short of time, `most_eased` for one that is from the
      start; `easiest`: the largest tolerance they may lead to, since windows that start from worse are not resolved
      later, where fronts form.
    """

    first: float = 1 / 16
    shortest: float = 1 / 512
    aim: float = 0.1
    order: int = 12
    slack: float = 10.0
    rising: float = 2.0
    shrinkage: tuple[float, float] = (0.3, 0.7)
    growth: float = 2.0
    modest: float = 1.4
    pays: float = 0.1
    inherited: float = 10.0
    from_start: float = 30.0
    met: float = 1e-7
    rough: float = 1e-6
    tolerated: float = 1e-6
    tolerated_rough: float = 1e-3
    persists: bool = False
    eased: float = 10.0
    most_eased: float = 1e5
    easiest: float = 1e-8

    def init(self, whole: float) -> tuple[float, ControllerState]:
        """The first length, and the state before it, for a time interval of length `whole`."""
        return self.first * whole, ControllerState(self.shortest * whole)

    def tolerance(self, own: float, start_error: float, state: ControllerState) -> float:
        """Relative loss with which a window is accepted.

        - `own`: the tolerance of its network; `start_error`: relative error of its initial slice.
        """
        eased = max(own, min(state.ease * own, self.easiest))
        return max(eased, state.target, self.inherited * state.floor, (self.from_start * start_error) ** 2)

    def start_error(self, state: ControllerState) -> float:
        """Relative error of an initial slice that is good enough for windows as accurate as is wanted."""
        loss = min(state.ease * (self.from_start * self.met) ** 2, self.easiest)
        return max(self.met, math.sqrt(loss) / self.from_start)

    def harmless(self, tolerance: float) -> float:
        """Relative error of an initial slice with which a window reaches a tolerance as well as with none."""
        return self.aim * math.sqrt(tolerance) / self.from_start

    def adapt(
        self, loss: float, tolerance: float, length: float, state: ControllerState
    ) -> tuple[bool, float, ControllerState]:
        """Whether a window is accepted, and the length of the next one: after it, or in its place.

        A window that is not accepted and cannot be shortened gets its own length again.
        """
        if self.accepts(loss, tolerance):
            return True, *self.keep(loss, tolerance, length, state)
        if length <= state.shortest:
            return False, length, state
        return False, length * float(np.clip(self._factor(loss, tolerance), *self.shrinkage)), state

    def keep(
        self, loss: float, tolerance: float, length: float, state: ControllerState
    ) -> tuple[float, ControllerState]:
        """The length after a window that is kept, be it accepted or because nothing helps."""
        expected = (length / state.length_before) ** self.order
        if not self.accepts(loss, tolerance):
            factor = 1.0
        elif expected > self.rising and loss <= expected**0.5 * state.before:
            factor = max(self._factor(loss, tolerance), self.modest)
        else:
            factor = max(self._factor(loss, tolerance), 1.0 if loss <= self.rising * state.before else 0.0)
        return length * min(factor, self.growth), dataclasses.replace(state, before=loss, length_before=length)

    def accepts(self, loss: float, tolerance: float) -> bool:
        """Whether a window that left this relative loss is good enough."""
        return loss <= self.slack * tolerance

    def helps(self, loss: float, before: float, tolerance: float = 0.0) -> bool:
        """Whether another attempt at a window that left `before` is accepted, or so much better that it pays."""
        return loss <= self.pays * before or self.accepts(loss, tolerance)

    def shortening_helps(self, loss: float, window: float, tolerance: float, tolerated: bool) -> bool:
        """Whether a shorter window, which left `loss`, is worth going on with, after a longer one that left `window`.

        - `tolerated`: whether the longer one is.
        """
        return (self.persists and not tolerated) or self.helps(loss, window, tolerance)

    def is_tolerable(self, loss: float, start_error: float, state: ControllerState) -> bool:
        """Whether a window for which nothing helps is good enough to go on from."""
        if self.is_rough(start_error):
            return loss <= self.tolerated_rough
        return loss <= max(self.tolerated, self.inherited * state.rough)

    def is_rough(self, start_error: float) -> bool:
        """Whether most of a window's residual is due to its start."""
        return start_error > self.rough

    def for_target(self, target: float | None, initial_loss: float) -> float:
        """The tolerance that is sufficient for a target of the run; 0 without one."""
        return min(self.aim * (target or 0.0) / initial_loss, self.easiest) if initial_loss > 0 else 0.0

    def _factor(self, loss: float, tolerance: float) -> float:
        """The factor on the length with which a window would leave what is aimed at."""
        return (self.aim * tolerance / max(loss, 1e-300)) ** (1 / self.order)
