r"""The decision procedure of strategy "auto"; every decision is recorded with its figures.

1. Conditions that can be hard constraints become such (`ansatz`).
2. A network of random features with few unknowns is tried with several bandwidths along each coordinate; the one with
   the smallest validation loss is taken (`random_features`).
3. If the problem has a time coordinate, is nonlinear and these trials leave too much, or one network for all times does
   not resolve the residual, it is solved in time windows (`time_marching`). If the trials leave far too much and the
   budget has no time for all windows, the rest of it is for a deep network (5).
4. Otherwise the output layer is solved for: directly if the residual is affine in it, by Gauss-Newton steps if not. The
   width grows while that pays on validation points.
5. If none of this resolves the residual, a deep network is trained as well, and the network with the smaller validation
   loss is kept (`fit`).
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from .._base.errors import InputError
from ..equations.exact.ansatz import Ansatz
from ..networks.functional import FunctionalModel, parameter_count
from ..runs.recorder import Recorder
from .candidates import AbstractCandidate, TimeWindows, WiderNetwork
from .choices import Choices
from .cost_model import CostModel
from .feature_networks import OUTPUT_LAYER, FeatureNetworks
from .feature_solution import FeatureSolution
from .random_features.solver import FeatureSolver, feature_model
from .time_marching.marching import find_marching, piecewise

UNKNOWNS = {1: (128, 512, 2048), 2: (500, 1500, 3000), 3: (800, 2000, 4000)}
"""Unknowns of the output layer to try, by dimension of the domain; the last entry serves all higher dimensions."""


class Automatic:
    """Steps 2 to 4 for one problem.

    - `cost`: predicts seconds; `first`: the solver of the narrowest network.
    """

    def __init__(self, ansatz: Ansatz, seed: int, recorder: Recorder, choices: Choices, cost: CostModel | None = None):
        self._ansatz, self._seed, self._recorder = ansatz, seed, recorder
        self.cost = CostModel() if cost is None else cost
        problem = ansatz.problem
        outputs = sum(problem.field_sizes.values())
        unknowns = choices.unknowns or UNKNOWNS[min(problem.domain.dimension, max(UNKNOWNS))]
        first, *wider = (max(n // outputs, 1) for n in unknowns)
        self._networks = FeatureNetworks(ansatz, seed, recorder, self.cost, width=first, bandwidth=choices.bandwidth)
        self._wider = [WiderNetwork(width, self._networks, self.cost, recorder) for width in wider]
        self._marching = find_marching(ansatz) if choices.time_windows else None

    @property
    def first(self) -> FeatureSolver:
        return self._networks.narrowest

    def run(self) -> FeatureSolution:
        """The best solution by random features, in time windows if those are needed."""
        self._recorder.announce((OUTPUT_LAYER,), parameter_count(self.first.params()), self.first.counts)
        windows, start, thresholds = self.time_windows(), None, self.cost.thresholds
        if windows is not None and not self.first.layer.is_linear:
            choice = self._networks.choose(self.first, each=False)
            start = choice.bandwidth
            if choice.relative_loss > thresholds.settled:
                trial = dataclasses.replace(windows, trial_loss=choice.relative_loss)
                if (windowed := self._tried(trial, None)) is not None:
                    return windowed
                if choice.relative_loss > thresholds.far and self._recorder.limits.budget is not None:
                    return self._networks.solve(self.first, self._networks.width, choice.bandwidth)
                windows = start = None
        bandwidth = self._networks.choose(self.first, start).bandwidth
        best = self._networks.solve(self.first, self._networks.width, bandwidth)
        stages: list[Sequence[AbstractCandidate]] = [self._wider]
        if windows is not None:
            stages.insert(0 if best.relative_loss > thresholds.late else 1, [windows])
        for candidates in stages:
            best = self._improved(best, candidates)
            if best.is_windowed:
                break
        return best

    def time_windows(self) -> TimeWindows | None:
        """Time windows as a candidate, None if the problem or the caller does not allow them."""
        if self._marching is None:
            return None
        return TimeWindows(self._marching, self._seed, self._networks, self.cost, self._recorder)

    def _improved(self, best: FeatureSolution, candidates: Sequence[AbstractCandidate]) -> FeatureSolution:
        """The best solution after candidates of one kind, which are tried as long as that pays."""
        for candidate in candidates:
            if best.relative_loss <= candidate.enough or self._is_over(best.loss):
                break
            if (other := self._tried(candidate, best)) is None:
                break
            pays = candidate.pays(other, best)
            best = min(best, other, key=lambda solution: solution.relative_loss)
            if not pays:
                break
        return best

    def _tried(self, candidate: AbstractCandidate, best: FeatureSolution | None) -> FeatureSolution | None:
        """The solution of a candidate, None if it fails or if there is no time for it."""
        if not self._recorder.has_time(candidate.name, candidate.estimate(best), candidate.time_left(best)):
            return None
        return candidate.solve(best)

    def _is_over(self, validation_loss: float) -> bool:
        target = self._recorder.limits.target
        return self._recorder.is_over or (target is not None and validation_loss <= target)


def model_from(ansatz: Ansatz, settings: Mapping[str, Any], seed: int) -> FunctionalModel:
    """The model of these settings, with its initial parameters.

    **Raises:** `InputError` if the problem cannot have been solved with them.
    """
    if "windows" not in settings:
        bandwidth, interactions = [float(s) for s in settings["bandwidth"]], settings.get("interactions")
        return feature_model(ansatz, settings["width"], bandwidth, seed, interactions)
    marching = find_marching(ansatz)
    if marching is None:
        raise InputError(f"problem '{ansatz.problem.name}' cannot be solved in time windows, as the settings say")
    model = marching.model(settings["width"], ansatz.problem.domain.dimension * (1.0,), seed)
    times = settings["windows"]
    return piecewise(model, marching.axis, times, (len(times) - 1) * [model.params])
