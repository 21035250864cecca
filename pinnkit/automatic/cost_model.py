"""Predicted seconds of what the automatic procedure may do next, from what it has done so far."""

import dataclasses
from dataclasses import dataclass

from .._base.devices import has_accelerator
from .thresholds import Thresholds

DEEP, DEEP_ON_ACCELERATORS = 14.0, 4.0
"""Seconds of compiling and starting a deep network, as a multiple of the compilation of the first trial; less on
devices for which every program takes seconds to compile."""

DEEP_WIDTHS = (12, 14, 16, 20, 24, 28)
"""Widths of deep networks."""

NOMINAL = (2.0, 0.5)
"""Seconds of compiling a network, and of a trial with 500 unknowns, where time is not limited."""


@dataclass
class CostModel:
    """Measures trials and solves, and predicts what wider networks, time windows and a deep network will take.

    - `growth`: exponent of the width in the time of a solve (2.5: unknowns and points grow together, and 500 of them
      are few);
    - `trials`, `all_trials`: number of trials of bandwidths for a wider network, if the last trials gave information
      about the bandwidth, and if not;
    - `window_widths`, `fewest_windows`: networks of time windows that are compiled, and windows that are solved;
    - `windows_by_loss`: time windows take the fewest seconds, or as many more as this times the relative loss of one
      network for all times: the less it resolves, the more and larger windows there are (19 to 26 were observed for
      fronts and solitons, but 70 and 350 for Kuramoto-Sivashinsky), times their order if the highest derivatives in
      space are of odd order, which damp no waves;
    - `rough_start`: factor on these seconds if the initial values are not smooth enough to be hard constraints;
    - `unknowns_on_a_line`: of time windows with one coordinate in space; with more, they take the most there are;
    - `solve_in_trials`: seconds of a solve, as a multiple of those of a trial, before the first solve;
    - `concluding`, `deep`: seconds of what follows the last solve (validation, kernel snapshots, dense checks), and of
      training a deep network, as multiples of the compilation of the first trial; `usual_deep`: the same of training
      one without a budget;
    - `deep_steps`, `deep_step`: Gauss-Newton steps that a deep network of the usual width should take, and seconds of
      one, as a multiple of those of a trial with 500 unknowns; they grow with the power `deep_growth` of the number of
      its parameters;
    - `unknowns`: of the last solve, or of the last trial before the first one, from which wider networks are predicted;
    - `stretchings`: number of trials of stretched coordinates;
    - `continued`: seconds of continuation with its trials, as a multiple of those of a solve;
    - `close`, `share_if_close`, `share_if_far`: if one network has not resolved the residual, a wider one may use this
      share of the remaining time, depending on whether its relative loss is below `close` (smooth solutions converge
      fast with the width, fronts and peaks do not); the rest is for a deep network.
    """

    growth: float = 2.5
    trials: int = 4
    all_trials: int = 12
    window_widths: int = 3
    fewest_windows: int = 8
    windows_by_loss: float = 20.0
    rough_start: float = 2.5
    unknowns_on_a_line: int = 800
    solve_in_trials: float = 5.0
    concluding: float = 6.0
    deep: float = dataclasses.field(default_factory=lambda: DEEP_ON_ACCELERATORS if has_accelerator() else DEEP)
    usual_deep: float = 280.0
    deep_steps: int = 400
    deep_step: float = 0.9
    deep_growth: float = 1.9
    stretchings: int = 12
    continued: float = 20.0
    close: float = 1e-4
    share_if_close: float = 0.7
    share_if_far: float = 0.5
    thresholds: Thresholds = Thresholds()
    first_compilation: float = 0.0
    solve_seconds: float = 0.0
    unknowns: int | None = None
    trial_times: dict[int, list[float]] = dataclasses.field(default_factory=dict)

    def add_trial(self, unknowns: int, seconds: float, compile_seconds: float) -> None:
        """A trial with this number of unknowns took these seconds, some of them for compilation."""
        if not self.trial_times:
            self.first_compilation = compile_seconds
        self.trial_times.setdefault(unknowns, []).append(seconds)
        if not self.solve_seconds:
            self.unknowns = unknowns

    def add_solve(self, unknowns: int, seconds: float, has_trial: bool) -> None:
        """A solve with this number of unknowns took these seconds, besides those of its trial if it continued one."""
        self.unknowns = unknowns
        self.solve_seconds = seconds + (self.trial_seconds if has_trial else 0.0)

    @property
    def compile_seconds(self) -> float:
        """Seconds to compile a network: a first trial less the fastest of its width, or all of the only one."""
        known = [times[0] - min(times[1:]) for times in self.trial_times.values() if len(times) > 1]
        return max(known or [times[0] for times in self.trial_times.values()], default=0.0)

    @property
    def trial_seconds(self) -> float:
        """Seconds of a trial of the last width, without compilation."""
        first, *others = list(self.trial_times.values())[-1] if self.trial_times else [0.0]
        return min(others, default=max(first - self.compile_seconds, 0.0))

    @property
    def deep_seconds(self) -> float:
        """The fewest seconds in which a deep network can be trained."""
        return self.deep * self.first_compilation

    @property
    def usual_deep_seconds(self) -> float:
        """Seconds in which a deep network is trained without a budget."""
        return self.usual_deep * self.first_compilation

    def deep_width(self, seconds: float, usual: int) -> int:
        """Width of a deep network that takes enough steps in these seconds: narrow ones take more steps and stall at a
        larger loss. On accelerators, where a step of the usual network takes no time, the usual one.
        """
        if has_accelerator() or not self.trial_times:
            return usual
        step = self.deep_step * min(min(times) * (500 / n) ** self.growth for n, times in self.trial_times.items())
        ratio = max(seconds - self.deep_seconds, 0.0) / (self.deep_steps * step)
        wanted = usual * ratio ** (0.5 / self.deep_growth)  # parameters grow with the square of the width
        return min(DEEP_WIDTHS, key=lambda width: max(width / wanted, wanted / width) if wanted else width)

    def nominal(self) -> "CostModel":
        """The same with seconds that depend on numbers of unknowns only, not on this machine and its load."""
        compiling, trial = NOMINAL
        ratio_of = lambda unknowns: (unknowns / 500) ** self.growth
        ratio = {unknowns: ratio_of(unknowns) for unknowns in self.trial_times}
        times = {unknowns: [compiling + trial * ratio[unknowns], trial * ratio[unknowns]] for unknowns in ratio}
        is_solved = self.solve_seconds and ratio and self.unknowns
        seconds = self.solve_in_trials * trial * ratio_of(self.unknowns) if is_solved else 0.0
        return dataclasses.replace(self, first_compilation=compiling, trial_times=times, solve_seconds=seconds)

    def wider(self, ratio: float, loss: float) -> float:
        """The fewest seconds for a network wider by a ratio than the last, which left this relative loss: without a
        search for its bandwidth, unless the loss says nothing about it; compiled twice, for what follows it as well.
        """
        return 2 * self.compile_seconds + ratio**self.growth * self._solving(loss)

    def widest(self, seconds: float, loss: float) -> float:
        """By which ratio a network can be wider than the last if `wider` is to be these seconds; 0 if by none."""
        rest = max(seconds - 2 * self.compile_seconds, 0.0)
        return (rest / max(self._solving(loss), 1e-9)) ** (1 / self.growth)

    def _solving(self, loss: float) -> float:
        """Seconds of a solve, with a search for the bandwidth if the loss says nothing about it."""
        trials = self.all_trials if loss > self.thresholds.hopeless else 0
        return trials * self.trial_seconds + (self.solve_seconds or self.solve_in_trials * self.trial_seconds)

    def search(self, ratio: float) -> float:
        """Seconds of a short search for the bandwidth of a network wider by a ratio than the last."""
        return self.trials * ratio**self.growth * self.trial_seconds

    @property
    def full_search(self) -> float:
        """Seconds of a search along each coordinate with the width of the last trial."""
        return self.all_trials * self.trial_seconds

    @property
    def stretching(self) -> float:
        """Seconds of a search for stretched coordinates with the narrowest network, and of its solve."""
        trial = min(next(iter(self.trial_times.values()), [0.0]))
        return 2 * self.compile_seconds + (self.stretchings + self.solve_in_trials) * trial

    @property
    def continuation(self) -> float:
        """Seconds of finding the narrowest network by continuation, once it was solved from zero."""
        return self.continued * (self.solve_seconds or self.solve_in_trials * self.trial_seconds)

    @property
    def short_windows(self) -> float:
        """Seconds that must be left for time windows without space, whose networks are small: those to compile one."""
        return self.compile_seconds

    def windows(
        self, unknowns: int, first_unknowns: int, patience: float, loss: float, order: int = 2, is_rough: bool = False
    ) -> float:
        """Seconds that must be left for time windows: where they probably cannot end, a deep network has better uses.

        - `unknowns`: of a window; `first_unknowns`: of the trials; `loss`: relative loss of one network for all times;
        - `patience`: the share of the remaining time in which the networks must be compiled; `order`: of the highest
          derivatives in space; `is_rough`: whether the initial values are not smooth.
        """
        compiling, ratio = self.window_widths * self.compile_seconds, max(unknowns / first_unknowns, 1.0)
        solving = self.fewest_windows * ratio**self.growth * self.trial_seconds
        fewest = max(compiling + solving, compiling / patience)
        dispersion, start = order if order % 2 else 1, self.rough_start if is_rough else 1.0
        return max(1.0, self.windows_by_loss * loss * dispersion) * start * fewest

    def time_for_wider(self, left: float, loss: float, is_sufficient: bool) -> float:
        """Seconds of those left that a wider network may use after a relative loss: if that is not sufficient, time for
        a deep network is set aside, provided that it would be enough for one.
        """
        share = 1.0 if is_sufficient else self.share_if_close if loss < self.close else self.share_if_far
        return share * left if (1 - share) * left >= self.deep_seconds else left
