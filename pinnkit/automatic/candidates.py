"""What the automatic procedure may do next: one network, continuation, wider networks, time windows, a deep network."""

import abc
import dataclasses
import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from ..equations.mistakes import ProblemError
from ..networks.default import default_shape
from ..runs.decisions import RejectedWidth
from ..runs.recorder import Recorder
from .cost_model import CostModel
from .feature_networks import FeatureNetworks
from .feature_solution import FeatureSolution
from .loss_model import LossModel
from .random_features.bandwidth import Choice
from .time_marching.marching import Marching
from .time_marching.settings import WindowSettings, settings_for
from .time_marching.windows import Windows, edges, joined, width_of

AMPLE = 2.0
"""Time windows have enough time for their usual tolerance if this multiple of the predicted seconds is left."""

CHEAP, AMPLE_SHARE = 0.1, 0.4
"""Share of the time that is left up to which a search for the bandwidth of a wider network is always worth it, and a
search along each coordinate where the loss is large.
"""

SPARED, LEAST_RATIO, GRAIN = 0.9, 1.2, 0.05
"""Share of the time that is left for which a network is made as wide as possible, its least ratio to the last one, and
the steps of its width over that for which there is no time.
"""


class Standing(NamedTuple):
    """How far the procedure is.

    - `trial`: the bandwidth found by the first trials; `best`: the best solution so far, None before the first.
    """

    trial: Choice
    best: FeatureSolution | None = None

    @property
    def loss(self) -> float:
        """The smallest relative validation loss so far."""
        found = [self.trial.relative_loss] + ([] if self.best is None else [self.best.relative_loss])
        return min(found)


class Prediction(NamedTuple):
    """- `loss`: relative validation loss that a candidate will leave; `seconds`: that it will take;
    - `needed`: seconds that must be left for it; `left`: seconds that it may use.
    """

    loss: float
    seconds: float
    needed: float
    left: float


@dataclass(frozen=True)
class Models:
    """What predictions are made with.

    - `cost`: of seconds; `loss`: of validation losses; `recorder`: knows the time that is left.
    """

    cost: CostModel
    loss: LossModel
    recorder: Recorder

    @property
    def left(self) -> float:
        return self.recorder.limits.seconds_left

    @property
    def seconds(self) -> CostModel:
        """The costs by which candidates are compared: nominal ones if time is not limited, so that every run of a
        problem makes the same choices.
        """
        return self.cost if self.recorder.limits.budget is not None else self.cost.nominal()


class AbstractCandidate(abc.ABC):
    """A method that may improve the best solution so far.

    - `name`: for decisions; `enough`: relative loss of the best solution below which it is not tried;
    - `ends_the_race`: whether it takes all the time that is left.
    """

    ends_the_race: ClassVar[bool] = False

    @property
    @abc.abstractmethod
    def name(self) -> str: ...

    @property
    @abc.abstractmethod
    def enough(self) -> float: ...

    @abc.abstractmethod
    def predict(self, standing: Standing) -> Prediction: ...

    @abc.abstractmethod
    def solve(self, standing: Standing) -> FeatureSolution | None:
        """Its solution, None if it fails."""

    @property
    def kind(self) -> FeatureNetworks | None:
        """The networks of which its solution is one, where it is one of random features for all times."""
        return None


@dataclass(frozen=True)
class OneNetwork(AbstractCandidate):
    """The narrowest network, solved as accurately as possible, with wider ones in view.

    - `next_unknowns`: of the next wider network; `is_searched`: whether the trials searched along each coordinate.
    """

    networks: FeatureNetworks
    models: Models
    next_unknowns: int
    is_searched: bool

    @property
    def name(self) -> str:
        return f"width {self.networks.width}"

    @property
    def enough(self) -> float:
        return 0.0

    @property
    def kind(self) -> FeatureNetworks:
        return self.networks

    def predict(self, standing: Standing) -> Prediction:
        layer, cost = self.networks.narrowest.layer, self.models.seconds
        ratio = self.next_unknowns / layer.size
        dimension = self.networks.interactions
        loss = self.models.loss.wider(self.networks.losses, self.next_unknowns, dimension, layer.is_linear)
        return Prediction(loss, cost.wider(ratio, standing.loss), 0.0, self.models.left)

    def solve(self, standing: Standing) -> FeatureSolution | None:
        """With the bandwidth of the trials, searched along each coordinate unless a deep network comes next."""
        networks, first, bandwidth = self.networks, self.networks.narrowest, standing.trial.bandwidth
        recorder, thresholds = self.models.recorder, self.models.cost.thresholds
        is_settled = self.is_searched or standing.loss <= thresholds.settled
        if not is_settled and not (standing.loss > thresholds.far and recorder.limits.budget is not None):
            bandwidth = networks.choose(first).bandwidth
        return networks.solve(first, networks.width, bandwidth)


@dataclass(frozen=True)
class Continued(AbstractCandidate):
    """The narrowest network, found by continuation in the size of the highest derivatives."""

    networks: FeatureNetworks
    models: Models

    @property
    def name(self) -> str:
        return f"width {self.networks.width} by continuation"

    @property
    def enough(self) -> float:
        return self.models.cost.thresholds.failed

    @property
    def kind(self) -> FeatureNetworks:
        return self.networks

    def predict(self, standing: Standing) -> Prediction:
        loss, needed = self.models.loss.continued * standing.loss, self.models.cost.continuation
        return Prediction(loss, self.models.seconds.continuation, needed, self.models.left)

    def solve(self, standing: Standing) -> FeatureSolution | None:
        """Its solution, None if it leaves about as much as that from zero."""
        networks = self.networks
        networks.continues = True
        bandwidth = networks.choose(networks.narrowest, standing.trial.bandwidth).bandwidth
        found = networks.solve(networks.narrowest, networks.width, bandwidth)
        networks.continues = found.relative_loss <= self.models.cost.thresholds.worthwhile * standing.loss
        return found if networks.continues else None


@dataclass(frozen=True)
class WiderNetwork(AbstractCandidate):
    """One network for all times, of a larger width than those before it."""

    width: int
    unknowns: int
    networks: FeatureNetworks
    models: Models

    @property
    def name(self) -> str:
        return f"width {self.width}" + (", sines around the corners" if self.networks.is_sharp else "")

    @property
    def enough(self) -> float:
        return self.models.cost.thresholds.solved

    @property
    def _ratio(self) -> float:
        """Its number of unknowns over that of the network whose times are known."""
        return self.unknowns / (self.models.cost.unknowns or max(self.networks.losses))

    @property
    def kind(self) -> FeatureNetworks:
        return self.networks

    def predict(self, standing: Standing) -> Prediction:
        is_linear, loss, dimension = self.networks.narrowest.layer.is_linear, standing.loss, self.networks.interactions
        left = self.models.loss.wider(self.networks.losses, self.unknowns, dimension, is_linear)
        ratio = self._ratio
        needed = self.models.cost.wider(ratio, loss)
        is_sufficient = standing.best is not None and standing.best.is_sufficient
        share = self.models.cost.time_for_wider(self.models.left, loss, is_sufficient)
        return Prediction(left, self.models.seconds.wider(ratio, loss), needed, share)

    def fitted(self, standing: Standing) -> "WiderNetwork | None":
        """The widest one for which there is time, None if it is no wider than what was solved already."""
        ratio = self.models.cost.widest(SPARED * self.predict(standing).left, standing.loss)
        share = math.floor(min(ratio / self._ratio, 1.0) / GRAIN) * GRAIN
        width, unknowns = round(share * self.width), round(share * self.unknowns)
        is_wider = unknowns >= LEAST_RATIO * max(self.networks.losses)
        return dataclasses.replace(self, width=width, unknowns=unknowns) if is_wider else None

    def solve(self, standing: Standing) -> FeatureSolution | None:
        """With the bandwidth of the best network, or another if its loss asks for one and there is time.

        Without its noise the loss of data is small long before the equations are resolved.
        """
        best, cost = self.networks.best, self.models.cost
        loss, bandwidth = standing.trial.relative_loss, standing.trial.bandwidth
        if best is not None:
            loss, bandwidth = best.relative_loss, tuple(best.settings["bandwidth"])
        prediction = self.predict(standing)
        searching, solver = cost.search(self._ratio), self.networks.solver(self.width)
        has_time, is_cheap = prediction.needed + searching <= prediction.left, searching <= CHEAP * prediction.left
        if loss > cost.thresholds.hopeless:
            bandwidth = self.networks.choose(solver).bandwidth
        elif has_time and (loss > cost.thresholds.settled or is_cheap or solver.problem.measured):
            ample = AMPLE_SHARE * prediction.left
            bandwidth = self.networks.choose(solver, bandwidth, each=False, ample=ample).bandwidth
        try:
            return self.networks.solve(solver, self.width, bandwidth)
        except ProblemError as error:
            self.models.recorder.decide(RejectedWidth(self.width, str(error)))
            return None


@dataclass(frozen=True)
class TimeWindows(AbstractCandidate):
    """Time windows from the first time to the last."""

    marching: Marching
    seed: int
    networks: FeatureNetworks
    models: Models

    @property
    def name(self) -> str:
        return "time windows"

    @property
    def settings(self) -> WindowSettings:
        return settings_for(self.marching)

    @property
    def enough(self) -> float:
        """A nonlinear problem that a trial resolves for all times needs none."""
        thresholds, is_linear = self.models.cost.thresholds, self.networks.narrowest.layer.is_linear
        return thresholds.converged if is_linear else thresholds.settled

    def predict(self, standing: Standing) -> Prediction:
        seconds, needed = (self._needed(cost, standing.loss) for cost in (self.models.seconds, self.models.cost))
        return Prediction(self.models.loss.windows, seconds, needed, self.models.left)

    def _needed(self, cost: CostModel, loss: float) -> float:
        """Windows need networks of several widths, each of which is compiled, and several solves."""
        if not self.marching.space:
            return cost.short_windows
        unknowns = cost.unknowns_on_a_line if len(self.marching.space) == 1 else max(self.settings.unknowns)
        problem = self.marching.problem
        order = max(max(problem.highest_orders(axis).values()) for axis in self.marching.space)
        first, patience = self.networks.narrowest.layer.size, self.settings.patience
        return cost.windows(unknowns, first, patience, loss, order, self.marching.starts_roughly)

    def solve(self, standing: Standing) -> FeatureSolution | None:
        prediction = self.predict(standing)
        is_short = AMPLE * prediction.needed > prediction.left
        windows = Windows(self.marching, self.seed, self.models.recorder, self.settings).run(is_short)
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
            sufficient_loss=self.models.cost.thresholds.sufficient_windows,
        )


@dataclass(frozen=True)
class DeepNetwork(AbstractCandidate):
    """A deep network, trained for the rest of the time; it ends the race.

    - `dimension`: of the domain.
    """

    ends_the_race: ClassVar[bool] = True
    models: Models
    dimension: int

    @property
    def width(self) -> int:
        """The usual width, or that which suits the time that is left."""
        usual, _ = default_shape(self.dimension)
        is_limited = self.models.recorder.limits.budget is not None
        return self.models.cost.deep_width(self.models.left, usual) if is_limited and self.dimension > 1 else usual

    @property
    def name(self) -> str:
        return "a deep network"

    @property
    def enough(self) -> float:
        return self.models.cost.thresholds.sufficient

    def predict(self, standing: Standing) -> Prediction:
        return self.prediction

    @property
    def prediction(self) -> Prediction:
        """The same whatever was found so far."""
        cost, is_limited = self.models.seconds, self.models.recorder.limits.budget is not None
        seconds = self.models.left if is_limited else cost.usual_deep_seconds
        loss = self.models.loss.deep(seconds, cost.deep_seconds)
        return Prediction(loss, seconds, cost.deep_seconds, seconds)

    def solve(self, standing: Standing) -> FeatureSolution | None:
        """None: it is trained after the race."""
        return None
