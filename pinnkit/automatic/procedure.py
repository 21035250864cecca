r"""The decision procedure of strategy "auto"; every decision is recorded with its figures.

1. Conditions that can be hard constraints become such (`ansatz`).
2. A network of random features with few unknowns is tried with several bandwidths along each coordinate; the one with
   the smallest validation loss is taken (`random_features`).
3. From then on candidates race for the time that is left (`race`): one network whose output layer is solved for, by
   Gauss-Newton steps if the residual is not affine in it; wider ones; time windows, if the problem has a time
   coordinate (`time_marching`); a deep network. What each will leave and take is predicted by a `CostModel` and a
   `LossModel` from what was measured so far.
4. A deep network is the last: it gets all the remaining time, and the network with the smaller validation loss is kept
   (`fit`).
"""

from collections.abc import Mapping
from typing import Any

from .._base.errors import InputError
from ..equations.exact.ansatz import Ansatz
from ..geometry.domain import TIME_NAMES
from ..networks.functional import FunctionalModel, parameter_count
from ..runs.decisions import Attempt, Note
from ..runs.recorder import Recorder
from .candidates import AbstractCandidate, DeepNetwork, Models, OneNetwork, Standing, TimeWindows, WiderNetwork
from .choices import Choices
from .cost_model import CostModel
from .feature_networks import OUTPUT_LAYER, FeatureNetworks
from .feature_solution import FeatureSolution
from .loss_model import LossModel
from .race import Entry, fastest
from .random_features.solver import FeatureSolver, feature_model
from .time_marching.marching import find_marching, piecewise
from .warm_start import WarmStart

UNKNOWNS = {1: (128, 512, 2048), 2: (500, 1500, 3000), 3: (800, 2000, 4000)}
"""Unknowns of the output layer to try, by dimension of the domain; the last entry serves all higher dimensions."""


class Automatic:
    """Steps 2 and 3 for one problem.

    - `cost`: predicts seconds; `first`: the solver of the narrowest network;
    - `warm`: a solution by random features to start from, None without one.
    """

    def __init__(
        self,
        ansatz: Ansatz,
        seed: int,
        recorder: Recorder,
        choices: Choices,
        cost: CostModel | None = None,
        warm: WarmStart | None = None,
    ):
        self._ansatz, self._seed, self._recorder = ansatz, seed, recorder
        self.cost = CostModel() if cost is None else cost
        self._models = Models(self.cost, LossModel(), recorder)
        outputs = sum(ansatz.problem.field_sizes.values())
        unknowns = choices.unknowns or UNKNOWNS[min(ansatz.problem.domain.dimension, max(UNKNOWNS))]
        first, *wider = (max(n // outputs, 1) for n in unknowns)
        if warm is not None:
            first = int(warm.described["width"])
        self._wider = [width for width in wider if width > first]
        given = choices.bandwidth
        self._networks = FeatureNetworks(ansatz, seed, recorder, self.cost, width=first, bandwidth=given, warm=warm)
        self.cost.solve_in_trials = self.first.final_steps / self.first.trial_steps if not self.is_linear else 1.0
        self._marching = find_marching(ansatz) if choices.time_windows else None
        domains = ansatz.problem.field_domains
        if domains.is_split and choices.time_windows and set(TIME_NAMES) & set(domains.whole.coordinates):
            recorder.decide(Note("time windows are not tried: fields have domains of their own"))
        self.deep = DeepNetwork(self._models)

    @property
    def first(self) -> FeatureSolver:
        return self._networks.narrowest

    @property
    def is_linear(self) -> bool:
        return self.first.layer.is_linear

    def run(self) -> FeatureSolution:
        """The best solution by random features, in time windows if those win, when nothing else but a deep network is
        worth its time.
        """
        self._recorder.announce((OUTPUT_LAYER,), parameter_count(self.first.params()), self.first.counts)
        windows = self.time_windows()
        one = self._one_network(is_searched=windows is None or self.is_linear)
        trial = self._networks.choose(self.first, each=one.is_searched)
        standing = Standing(trial, None, {self.first.layer.size: trial.relative_loss})
        candidates: list[AbstractCandidate] = [one, *([] if windows is None else [windows]), *self._last()]
        while not self._is_over(standing):
            chosen, late = fastest(candidates, standing, self.cost.thresholds.worthwhile)
            if chosen is None or chosen.candidate is self.deep:
                for candidate, prediction in late:
                    self._recorder.has_time(candidate.name, prediction.needed, prediction.left)
                break
            candidates.remove(chosen.candidate)
            standing = self._after(chosen, standing)
            if standing.best is not None and standing.best.is_windowed and standing.best.is_sufficient:
                return standing.best
            if chosen.candidate is one:
                candidates += self._wider_networks()
            candidates = [each for each in candidates if not _is_narrower(each, standing)]
        if standing.best is None:
            standing = self._after(Entry(one, one.predict(standing)), standing)
        assert standing.best is not None  # noqa: S101  one network does not fail without an exception
        return standing.best

    def time_windows(self) -> TimeWindows | None:
        """Time windows as a candidate, None if the problem or the caller does not allow them."""
        if self._marching is None:
            return None
        return TimeWindows(self._marching, self._seed, self._networks, self._models)

    def _one_network(self, is_searched: bool) -> OneNetwork:
        following = min((each.unknowns for each in self._wider_networks()), default=self.first.layer.size)
        return OneNetwork(self._networks, self._models, following, is_searched)

    def _wider_networks(self) -> list[WiderNetwork]:
        """In place of the narrowest network."""
        per_feature = self.first.layer.size / self._networks.width
        make = lambda width: WiderNetwork(width, round(per_feature * width), self._networks, self._models)
        return [make(width) for width in self._wider]

    def _last(self) -> list[AbstractCandidate]:
        """A deep network, unless the number of steps is limited."""
        return [self.deep] if self._recorder.limits.steps is None else []

    def _after(self, entry: Entry, standing: Standing) -> Standing:
        """How far the procedure is after an attempt, which is recorded."""
        recorder, prediction, before = self._recorder, entry.prediction, standing.loss
        began = recorder.limits.seconds()
        found = entry.candidate.solve(standing)
        recorder.decide(
            Attempt(
                candidate=entry.candidate.name,
                began=began,
                seconds=recorder.limits.seconds() - began,
                predicted_seconds=prediction.needed or None,
                before=before,
                relative_loss=None if found is None else found.relative_loss,
                predicted_loss=prediction.loss if prediction.needed else None,
            )
        )
        if found is None:
            return standing
        standing = standing._replace(best=_better(standing.best, found))
        if found.is_windowed:
            return standing
        losses = {**standing.losses, found.solver.layer.size: found.relative_loss}
        return standing._replace(losses=losses, network=_better(standing.network, found))

    def _is_over(self, standing: Standing) -> bool:
        target, best = self._recorder.limits.target, standing.best
        return self._recorder.is_over or (target is not None and best is not None and best.loss <= target)


def _better(one: FeatureSolution | None, other: FeatureSolution) -> FeatureSolution:
    """The solution of smaller relative loss; the first may be missing."""
    return one if one is not None and one.relative_loss <= other.relative_loss else other


def _is_narrower(candidate: AbstractCandidate, standing: Standing) -> bool:
    return isinstance(candidate, WiderNetwork) and candidate.unknowns <= max(standing.losses)


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
