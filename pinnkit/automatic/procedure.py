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

from collections.abc import Iterable, Mapping
from typing import Any

from .._base.errors import InputError
from ..equations.exact.ansatz import Ansatz
from ..geometry.corners import Corner
from ..geometry.creases import Crease
from ..geometry.domain import TIME_NAMES, Hole
from ..networks.functional import FunctionalModel, parameter_count
from ..networks.singular_functions import Charge
from ..runs.decisions import Attempt, Note, SinesAroundCorners, SingularFeatures
from ..runs.recorder import Recorder
from .candidates import (
    AbstractCandidate,
    Continued,
    DeepNetwork,
    Models,
    OneNetwork,
    Standing,
    TimeWindows,
    WiderNetwork,
)
from .choices import Choices
from .cost_model import CostModel
from .feature_networks import OUTPUT_LAYER, FeatureNetworks, better, bumps_of, settled
from .feature_solution import FeatureSolution
from .loss_model import LossModel
from .race import Entry, fastest
from .random_features.bandwidth import Choice
from .random_features.solver import FeatureSolver, feature_model
from .stretched_network import StretchedNetwork, can_stretch
from .time_marching.marching import find_marching, piecewise
from .warm_start import WarmStart

UNKNOWNS = {1: (128, 512, 2048), 2: (500, 1500, 3000, 6000), 3: (800, 2000, 4000, 8000)}
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
        first = max(unknowns[0] // outputs, 1) if warm is None else int(warm.described["width"])
        self._wider = [width for n in unknowns if (width := n // outputs) > first]
        described = {} if warm is None else warm.described
        make = lambda ansatz, is_sharp: FeatureNetworks(
            ansatz,
            seed,
            recorder,
            self.cost,
            width=first,
            bandwidth=choices.bandwidth,
            warm=warm,
            is_sharp=is_sharp,
            bumps=bumps_of(described),
        )
        own = settled(ansatz, described)
        self._make, self._rival, self._is_warm = make, None, warm is not None
        self._networks = self._plain = make(own, own is not ansatz)
        self.cost.solve_in_trials = self.first.final_steps / self.first.trial_steps if not self.is_linear else 1.0
        self._marching = find_marching(ansatz) if choices.time_windows else None
        domains = ansatz.problem.field_domains
        if domains.is_split and choices.time_windows and set(TIME_NAMES) & set(domains.whole.coordinates):
            recorder.decide(Note("time windows are not tried: fields have domains of their own"))
        self.deep = DeepNetwork(self._models, ansatz.problem.domain.dimension)

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
        if singularities := self._ansatz.singularities:
            corners, edges, holes, charges = (
                sum(isinstance(own.place, kind) for own in singularities) for kind in (Corner, Crease, Hole, Charge)
            )
            features = sum(len(own.powers) for own in singularities)
            self._recorder.decide(SingularFeatures(corners, edges, holes, charges, features))
        windows = self.time_windows()
        is_searched = windows is None or self.is_linear
        standing = Standing(self._sharpened(self._networks.choose(self.first, each=is_searched)))
        one, continued = self._one_network(is_searched), self._continued(standing)
        candidates: list[AbstractCandidate] = [one, *([] if windows is None else [windows]), *self._last()]
        if continued is not None:  # whether a solve fails from zero shows when its steps end
            standing = self._after(Entry(one, one.predict(standing)), standing)
            has_failed = standing.loss > continued.enough
            candidates = [*([continued] if has_failed else self._wider_networks()), *self._last()]
        while not self._is_over(standing):
            chosen, late = fastest(candidates, standing, self.cost.thresholds.worthwhile)
            if chosen is None and not late and self._has_idle_time(standing):
                chosen, late = fastest(candidates, standing, self.cost.thresholds.gain)
            if chosen is None or chosen.candidate is self.deep:
                for candidate, prediction in late:
                    self._recorder.has_time(candidate.name, prediction.needed, prediction.left)
                candidates = self._fitted(late, standing) if chosen is None else []
                if not candidates:
                    break
                continue
            candidates.remove(chosen.candidate)
            standing = self._after(chosen, standing)
            if standing.best is not None and standing.best.is_windowed and standing.best.is_sufficient:
                return standing.best
            if isinstance(chosen.candidate, OneNetwork | Continued):
                candidates += [*self._wider_networks(), *self._stretched(standing)]
            candidates += self._following(chosen.candidate, standing, candidates)
            candidates = [each for each in candidates if not _is_narrower(each)]
        if standing.best is None:
            standing = self._after(Entry(one, one.predict(standing)), standing)
        assert standing.best is not None  # noqa: S101  one network does not fail without an exception
        return standing.best

    def time_windows(self) -> TimeWindows | None:
        """Time windows as a candidate, None if the problem or the caller does not allow them."""
        if self._marching is None:
            return None
        return TimeWindows(self._marching, self._seed, self._networks, self._models)

    def _has_idle_time(self, standing: Standing) -> bool:
        """Whether the time that is left is of no use for a deep network."""
        is_limited = self._recorder.limits.budget is not None
        return is_limited and self.deep.predict(standing).loss > self.cost.thresholds.gain * standing.loss

    def _one_network(self, is_searched: bool) -> OneNetwork:
        following = min((each.unknowns for each in self._wider_networks()), default=self.first.layer.size)
        return OneNetwork(self._networks, self._models, following, is_searched)

    def _wider_networks(self) -> list[WiderNetwork]:
        """In place of the narrowest network, of both kinds of sines."""
        return [each for kind in (self._networks, self._rival) if kind is not None for each in self._wider_of(kind)]

    def _wider_of(self, kind: FeatureNetworks) -> list[WiderNetwork]:
        per_feature = self.first.layer.size / self._networks.width
        return [WiderNetwork(width, round(per_feature * width), kind, self._models) for width in self._wider]

    def _following(
        self, candidate: AbstractCandidate, standing: Standing, others: Iterable[AbstractCandidate]
    ) -> list[AbstractCandidate]:
        """What to try after a success: wider networks in stretched coordinates, or coordinates stretched around layers
        that a wider network has found.
        """
        if isinstance(candidate, StretchedNetwork):
            return [*self._wider_of(candidate.kind)] if standing.best is candidate.kind.best else []
        if not isinstance(candidate, WiderNetwork) or any(isinstance(each, StretchedNetwork) for each in others):
            return []
        losses, failed = candidate.networks.losses, self.cost.thresholds.failed
        is_new = candidate.networks.bumps is None or losses[min(losses)] > failed
        return [*self._stretched(standing)] if is_new and standing.best is candidate.networks.best else []

    def _stretched(self, standing: Standing) -> list[StretchedNetwork]:
        """A network in stretched coordinates, where they may be and there may be layers."""
        if not can_stretch(self._ansatz) or standing.loss <= self.cost.thresholds.solved:
            return []
        candidate = StretchedNetwork(self._ansatz, self._plain, self._models)
        return [candidate] if candidate.suits(standing) else []

    def _fitted(self, late: Iterable[Entry], standing: Standing) -> list[AbstractCandidate]:
        """In place of wider networks for which there is no time, one for which there is."""
        wider = (entry.candidate for entry in late)
        found = [each.fitted(standing) for each in wider if isinstance(each, WiderNetwork)]
        return list[AbstractCandidate](filter(None, found))[:1]

    def _sharpened(self, choice: Choice) -> Choice:
        """The choice, or that with sines around the corners of the domain if a trial of these leaves less.

        Otherwise wider networks with such sines are candidates, too: theirs may converge faster.
        """
        sharp = self._ansatz.with_edges
        if sharp is None or self._is_warm or choice.relative_loss <= self.cost.thresholds.converged:
            return choice
        if self._recorder.is_over or self._models.left < self.cost.trial_seconds + self.cost.compile_seconds:
            return choice
        networks = self._make(sharp, True)
        loss = networks.attempt(choice.bandwidth)
        self._recorder.decide(SinesAroundCorners(loss < choice.relative_loss, loss, choice.relative_loss))
        if loss >= choice.relative_loss:
            self._rival = networks
            return choice
        self._networks = networks
        networks.reserve()
        return networks.choose(networks.narrowest, choice.bandwidth)

    def _continued(self, standing: Standing) -> Continued | None:
        """Continuation, for nonlinear equations without time that trials do not solve, unless steps are limited."""
        candidate = Continued(self._networks, self._models)
        is_timed = bool(set(TIME_NAMES) & set(self._ansatz.problem.domain.coordinates))
        is_limited = self._recorder.limits.steps is not None
        if is_timed or is_limited or self._is_warm or not self.first.layer.uses_channels:
            return None
        return candidate if standing.loss > candidate.enough else None

    def _last(self) -> list[AbstractCandidate]:
        """A deep network, unless the number of steps is limited, or a prior has to be weighed by noise."""
        problem = self._ansatz.problem
        return [self.deep] if self._recorder.limits.steps is None and not (problem.priors and problem.measured) else []

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
        best = better(standing.best, found)
        if best is found and entry.candidate.kind is not None:
            entry.candidate.kind.reserve()
        return standing._replace(best=best)

    def _is_over(self, standing: Standing) -> bool:
        target, best = self._recorder.limits.target, standing.best
        return self._recorder.is_over or (target is not None and best is not None and best.loss <= target)


def _is_narrower(candidate: AbstractCandidate) -> bool:
    """Whether a network of its kind was as wide already."""
    return isinstance(candidate, WiderNetwork) and candidate.unknowns <= max(candidate.networks.losses)


def model_from(ansatz: Ansatz, settings: Mapping[str, Any], seed: int) -> FunctionalModel:
    """The model of these settings, with its initial parameters.

    **Raises:** `InputError` if the problem cannot have been solved with them.
    """
    if "windows" not in settings:
        bandwidth, interactions = [float(s) for s in settings["bandwidth"]], settings.get("interactions")
        found = settled(ansatz, settings)
        return feature_model(found, settings["width"], bandwidth, seed, interactions, bumps_of(settings))
    marching = find_marching(ansatz)
    if marching is None:
        raise InputError(f"problem '{ansatz.problem.name}' cannot be solved in time windows, as the settings say")
    model = marching.model(settings["width"], ansatz.problem.domain.dimension * (1.0,), seed)
    times = settings["windows"]
    return piecewise(model, marching.axis, times, (len(times) - 1) * [model.params])
