"""What the automatic procedure may try next: wider networks, and time windows."""

import abc
from dataclasses import dataclass

from ..equations.mistakes import ProblemError
from ..runs.decisions import RejectedWidth, SolvedWidth, TriedWindows
from ..runs.recorder import Recorder
from .cost_model import CostModel
from .feature_networks import FeatureNetworks
from .feature_solution import FeatureSolution
from .time_marching.marching import Marching
from .time_marching.settings import WindowSettings, settings_for
from .time_marching.windows import Windows, edges, joined, width_of


class AbstractCandidate(abc.ABC):
    """A method that may improve the best solution so far.

    - `name`: for decisions; `enough`: relative loss of the best solution below which it is not tried.
    """

    @property
    @abc.abstractmethod
    def name(self) -> str: ...

    @property
    @abc.abstractmethod
    def enough(self) -> float: ...

    @abc.abstractmethod
    def estimate(self, best: FeatureSolution | None) -> float:
        """Seconds that must be left for it."""

    @abc.abstractmethod
    def time_left(self, best: FeatureSolution | None) -> float:
        """Seconds that it may use."""

    @abc.abstractmethod
    def solve(self, best: FeatureSolution | None) -> FeatureSolution | None:
        """Its solution, None if it fails."""

    @abc.abstractmethod
    def pays(self, solution: FeatureSolution, best: FeatureSolution) -> bool:
        """Whether the next candidate of the same kind is worth trying after this solution."""


@dataclass(frozen=True)
class WiderNetwork(AbstractCandidate):
    """One network for all times, of a larger width than the best one."""

    width: int
    networks: FeatureNetworks
    cost: CostModel
    recorder: Recorder

    @property
    def name(self) -> str:
        return f"width {self.width}"

    @property
    def enough(self) -> float:
        return self.cost.thresholds.solved

    def estimate(self, best: FeatureSolution | None) -> float:
        assert best is not None  # noqa: S101  the narrowest network comes first
        return self.cost.wider(self.width / best.settings["width"], best.relative_loss)

    def time_left(self, best: FeatureSolution | None) -> float:
        assert best is not None  # noqa: S101  the narrowest network comes first
        return self.cost.time_for_wider(self.recorder.limits.seconds_left, best.relative_loss, best.is_sufficient)

    def solve(self, best: FeatureSolution | None) -> FeatureSolution | None:
        """With the bandwidth of the best network, or another if its loss asks for one and there is time."""
        assert best is not None  # noqa: S101  the narrowest network comes first
        searching = self.estimate(best) + self.cost.search(self.width / best.settings["width"])
        has_time = searching <= self.time_left(best)
        solver, bandwidth = self.networks.solver(self.width), tuple(best.settings["bandwidth"])
        if best.relative_loss > self.cost.thresholds.hopeless:
            bandwidth = self.networks.choose(solver).bandwidth
        elif best.relative_loss > self.cost.thresholds.settled and has_time:
            bandwidth = self.networks.choose(solver, bandwidth, each=False).bandwidth
        try:
            wider = self.networks.solve(solver, self.width, bandwidth)
        except ProblemError as error:
            self.recorder.decide(RejectedWidth(self.width, str(error)))
            return None
        self.recorder.decide(SolvedWidth(self.width, wider.relative_loss, best.relative_loss))
        return wider

    def pays(self, solution: FeatureSolution, best: FeatureSolution) -> bool:
        return self.cost.thresholds.pays(solution.relative_loss, best.relative_loss)


@dataclass(frozen=True)
class TimeWindows(AbstractCandidate):
    """Time windows from the first time to the last.

    - `trial_loss`: relative loss of a trial for all times, where no network has been solved for.
    """

    marching: Marching
    seed: int
    networks: FeatureNetworks
    cost: CostModel
    recorder: Recorder
    trial_loss: float = 0.0

    @property
    def name(self) -> str:
        return "time windows"

    @property
    def settings(self) -> WindowSettings:
        return settings_for(self.marching)

    @property
    def enough(self) -> float:
        return self.cost.thresholds.converged

    def estimate(self, best: FeatureSolution | None) -> float:
        """Windows need networks of several widths, each of which is compiled, and several solves."""
        if not self.marching.space:
            return self.cost.short_windows
        unknowns = self.cost.unknowns_on_a_line if len(self.marching.space) == 1 else max(self.settings.unknowns)
        loss = self.trial_loss if best is None else best.relative_loss
        return self.cost.windows(unknowns, self.networks.narrowest.layer.size, self.settings.patience, loss)

    def time_left(self, best: FeatureSolution | None) -> float:
        return self.recorder.limits.seconds_left

    def solve(self, best: FeatureSolution | None) -> FeatureSolution | None:
        loss = self.trial_loss if best is None else best.relative_loss
        self.recorder.decide(TriedWindows(loss, is_trial=best is None))
        windows = Windows(self.marching, self.seed, self.recorder, self.settings).run()
        if windows is None:
            return None
        worst = max(windows, key=lambda window: window.relative_loss)
        model, solver = joined(self.marching, windows), worst.solver
        return FeatureSolution(
            solver=solver,
            ansatz=self.marching.ansatz,
            model=model,
            params={**worst.solve.params, "network": model.params},
            initial=worst.initial,
            final=worst.solve.params,
            batch=self.marching.move(solver.batch, worst.span, worst.start.stretching),
            relative_loss=worst.relative_loss,
            loss=worst.solve.final_loss,
            weights=worst.solve.weights,
            settings={"network": "SineFeatures", "width": width_of(windows), "windows": edges(windows)},
            sufficient_loss=self.cost.thresholds.sufficient_windows,
        )

    def pays(self, solution: FeatureSolution, best: FeatureSolution) -> bool:
        return False
