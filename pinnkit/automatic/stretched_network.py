"""A network in stretched coordinates, for layers and fronts along coordinates of a box."""

import functools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..equations.exact.ansatz import Ansatz
from ..geometry.box import Box
from ..geometry.domain import TIME_NAMES
from ..networks.stretching import BUMPS, Bump
from ..runs.decisions import StretchedCoordinates
from .candidates import AbstractCandidate, Models, Prediction, Standing
from .feature_networks import FeatureNetworks
from .feature_solution import FeatureSolution
from .length_scales import Values, scales_of
from .random_features.bandwidth import BETTER, Bandwidth

WIDTHS = (0.1, 0.01, 1e-3, 1e-4)
"""Half widths of bumps at the faces, in half widths of the domain."""

STRETCHES = (10.0, 3.0, 1.0)
"""Half widths of bumps at the sharpest places of a solution, in its length scales there."""

NESTED = 2
"""Bumps at each place: one of the layer, and one between it and the domain, of the geometric mean of their widths."""

REACH = 0.5
"""Bandwidth with which stretchings are compared, over the number of unknowns along each coordinate."""

THIN = 0.05
"""Largest length scale of a layer, in half widths of the domain."""

TIME_SHARE = 0.5
"""Share of the time that is left in which trials of stretchings may begin."""

ROUNDS = 3
"""Searches for the sharpest places, each with the solution of the last."""


@dataclass(frozen=True)
class StretchedNetwork(AbstractCandidate):
    """The narrowest network in stretched coordinates.

    Bumps are tried at all faces, and at the sharpest places of the best solution, and of those found on the way.
    """

    ansatz: Ansatz
    networks: FeatureNetworks
    models: Models

    @functools.cached_property
    def _stretched(self) -> FeatureNetworks:
        return self.networks.stretched()

    @property
    def kind(self) -> FeatureNetworks:
        return self._stretched

    @property
    def name(self) -> str:
        return f"width {self.networks.width} in stretched coordinates"

    @property
    def enough(self) -> float:
        return self.models.cost.thresholds.solved

    def suits(self, standing: Standing) -> bool:
        """Whether the best solution has layers, or is none, so that it tells nothing about them."""
        best = standing.best
        return standing.loss > self.models.cost.thresholds.far or (best is not None and bool(self._layers(best)))

    def predict(self, standing: Standing) -> Prediction:
        loss, needed = self.models.loss.stretched * standing.loss, self.models.cost.stretching
        return Prediction(loss, self.models.seconds.stretching, needed, self.models.left)

    def solve(self, standing: Standing) -> FeatureSolution | None:
        """Its solution, None if no stretching leaves much less."""
        kind, bandwidth = self.kind, self._bandwidth(standing.trial.bandwidth)
        kind.best = standing.best
        loss = self._search(bandwidth, standing.best)
        domain, bumps = self.ansatz.problem.domain, kind.bumps or ()
        places = [bump.place(domain.bounds) for bump in bumps]
        names = [domain.coordinates[bump.axis] for bump in bumps]
        is_chosen = loss <= BETTER * standing.loss
        self.models.recorder.decide(StretchedCoordinates(is_chosen, names, places, loss, standing.loss))
        if not is_chosen:
            return None
        return kind.solve(kind.narrowest, kind.width, kind.choose(kind.narrowest, bandwidth).bandwidth)

    def _search(self, bandwidth: Bandwidth, best: FeatureSolution | None) -> float:
        """Choose the bumps of the networks; the loss of the trial with them."""
        trials = _Trials(self.kind, bandwidth, self.models)
        if best is not None:
            trials.at_places(self._layers(best))
        for width in WIDTHS:
            trials.narrowing([self._at_faces(width)])
        for _ in range(ROUNDS):
            before = trials.choose()
            trials.at_places(self._sharpest(self.kind.values(bandwidth), self.kind.bumps or ()))
            if trials.is_over or trials.choose() > BETTER * before:
                break
        return trials.choose()

    def _bandwidth(self, least: Bandwidth) -> Bandwidth:
        """With which stretchings are compared: in stretched coordinates all of the network can be needed anywhere."""
        reach = REACH * self.kind.narrowest.layer.size ** (1 / len(least))
        periodic = self.ansatz.periodic
        return tuple(s if periodic[axis] else max(s, reach) for axis, s in enumerate(least))

    @property
    def _axes(self) -> list[int]:
        domain = self.ansatz.problem.domain
        return [domain.coordinates.index(name) for name in domain.space]

    def _at_faces(self, width: float) -> list[Bump]:
        axes = [axis for axis in self._axes if not self.ansatz.periodic[axis]]
        return [Bump(axis, side, width) for axis in axes for side in (-1.0, 1.0)]

    def _sharpest(self, values: Values, bumps: Sequence[Bump]) -> list[Bump]:
        """The sharpest places of a solution, on lines on which points are as dense as the bumps make them."""
        ansatz = self.ansatz
        scales = scales_of(ansatz.problem.domain, values, self._axes, ansatz.periodic, ansatz.stretching(bumps))
        return [place for place in scales.sharpest if place.width <= THIN][: BUMPS // NESTED]

    def _layers(self, solution: FeatureSolution) -> list[Bump]:
        """Those of the best solution so far."""
        return self._sharpest(solution.fields, ())


class _Trials:
    """Trials with bumps, and their losses."""

    def __init__(self, kind: FeatureNetworks, bandwidth: Bandwidth, models: Models):
        self._kind, self._bandwidth, self._models = kind, bandwidth, models
        self._losses = dict[tuple[Bump, ...], float]()
        self._least = (1 - TIME_SHARE) * models.left

    @property
    def is_over(self) -> bool:
        """Whether a trial has solved the problem, or there is no time for another."""
        cost = self._models.cost
        has_time = not self._models.recorder.is_over and self._models.left >= max(self._least, cost.trial_seconds)
        return not has_time or min(self._losses.values(), default=math.inf) <= cost.thresholds.solved

    def choose(self) -> float:
        """Give the networks the best bumps so far; the loss with them."""
        self._kind.bumps = min(self._losses, key=self._losses.__getitem__)
        return self._losses[self._kind.bumps]

    def at_places(self, places: Sequence[Bump]) -> None:
        """Bumps at the first of these places, the first two, and so on."""
        for count in range(1, len(places) + 1):
            wide = lambda factor, count=count: [
                place._replace(width=min(factor * place.width, 1.0)) for place in places[:count]
            ]
            self.narrowing(map(wide, STRETCHES))

    def narrowing(self, choices: Iterable[Sequence[Bump]]) -> None:
        """Narrower and narrower bumps while these leave less."""
        before = math.inf
        for places in choices:
            if self.is_over and self._losses:
                return
            bumps = tuple(bump for place in places for bump in (place, place._replace(width=math.sqrt(place.width))))
            if bumps not in self._losses:
                self._kind.bumps = bumps
                self._losses[bumps] = self._kind.attempt(self._bandwidth)
            if self._losses[bumps] > before:
                return
            before = self._losses[bumps]


def can_stretch(ansatz: Ansatz) -> bool:
    """Whether coordinates may be stretched: a plane box or an interval without time, conditions on all of it or whole
    faces, and one field domain.
    """
    problem, box = ansatz.problem, ansatz.problem.domain
    if not isinstance(box, Box) or set(TIME_NAMES) & set(box.coordinates) or not box.space:
        return False
    if 2 * NESTED * len(box.space) > BUMPS or problem.field_domains.is_split or problem.measured or ansatz.edges:
        return False
    is_whole = lambda on: on.fills(box.bounds) or on.faces_of(box.bounds) is not None or on.dimension == 0
    return all(is_whole(condition.on) for condition in problem.conditions.values())
