r"""Variable projection: Gauss-Newton steps on the parameters that the network is affine in.

If the equations are linear too, the residual is affine in the output layer and one linear solve gives the minimum;
otherwise Gauss-Newton steps are taken while they reduce the loss. The tangent kernel is the sum of a hidden-layer and
an output-layer part, and this solve is one undamped Gauss-Newton step with the second part alone.

Golub & Pereyra, *Separable nonlinear least squares: the variable projection method*, Inverse Problems 19, 2003.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float

from ..._base.compilation import Stopwatch
from ..._base.linalg.arrays import for_algebra, joined, module_of
from ..._base.linalg.least_squares import least_squares
from ..._base.types import Params
from ...residuals.functions import Batch
from ...runs.events import OutputStep
from .output_layer import OutputLayer, Shift, ShiftedResidual, weighted_loss


@dataclass(frozen=True)
class ProjectionState:
    """What a step needs from the steps before it.

    - `shift`: of the output layer so far; `number`: of steps taken;
    - `weights`: of the conditions, None before they are computed; `first_loss`: None before the first step;
    - `is_rough`: whether the last step was solved with low accuracy.
    """

    shift: Shift
    number: int = 0
    weights: Mapping[str, float] | None = None
    first_loss: float | None = None
    is_rough: bool = True


class ProjectionInfo(NamedTuple):
    """- `before`: figures before the step; `loss`: after it; `is_rough`: whether it was solved with low accuracy."""

    before: OutputStep
    loss: float
    is_rough: bool

    @property
    def reduces(self) -> bool:
        """Whether some step length reduced the loss."""
        return self.loss < self.before.loss


class Linearized(NamedTuple):
    """The scaled least-squares problem of a step: minimise |matrix · update + residual|²."""

    matrix: Float[Array | np.ndarray, "n p"]
    residual: Float[Array | np.ndarray, " n"]
    figures: OutputStep

    @property
    def is_finite(self) -> bool:
        return bool(np.isfinite(self.figures.loss)) and bool(module_of(self.matrix).isfinite(self.matrix).all())


@dataclass(frozen=True)
class VariableProjection:
    """Solves for the output layer.

    - `halvings`: a step is tried with lengths 1, 1/2, ..., 1/2^halvings, and is the last one if none reduces the loss;
    - `stalled`: a step that leaves more than this share of the loss is the last: the rest is not in the span of the
      network;
    - `rough_steps`: the first steps of a nonlinear problem are solved with low accuracy, because their linear model is
      not accurate either; `rough_loss`: relative loss on validation points that such solves cannot go below;
    - `spanned`: share of the initial residual of a linear problem above which it is not in the span of the network, and
      more accuracy does not pay.
    """

    halvings: int = 8
    stalled: float = 0.5
    rough_steps: int = 3
    rough_loss: float = 1e-14
    spanned: float = 1e-4

    def steps(
        self,
        layer: OutputLayer,
        params: Params,
        batch: Batch,
        weights: Mapping[str, float] | None = None,
        *,
        most: int = 20,
        enough: float = 0.0,
        is_over: Callable[[float], bool] = lambda _: False,
        earlier: Sequence[OutputStep] = (),
        emphasis: float = 1.0,
    ) -> Iterator[tuple[Params, OutputStep]]:
        """Steps from `params`: the parameters after each, and the figures before it.

        They end when a step no longer reduces the loss; for linear problems, after the first.

        - `weights`: of the conditions; None for those inverse to the traces of the kernel at `params`;
        - `most`: largest number of steps;
        - `enough`: relative loss at which to stop, after an accurate step if it is very small;
        - `is_over`: whether there is no time for a step that takes a number of seconds;
        - `earlier`: steps that led to `params`; they count, and their weights are used;
        - `emphasis`: factor on the highest derivatives (see `continuation`).
        """
        residual, state = layer.shifted(params, batch, emphasis), _initial(layer, weights, earlier)
        seconds = 0.0
        while state.number < most and not (state.number and is_over(seconds)):
            watch = Stopwatch()
            at = linearized(layer, residual, state, params)
            state = _begun(state, at)
            if not at.is_finite or self.is_converged(state, at, enough):
                return
            state, info = self.step(layer.is_linear, residual, state, at, enough)
            if not info.reduces:
                return
            yield layer.moved(params, state.shift), info.before
            if self.is_last(layer.is_linear, info):
                return
            seconds = watch.own

    def step(
        self, is_linear: bool, residual: ShiftedResidual, state: ProjectionState, at: Linearized, enough: float
    ) -> tuple[ProjectionState, ProjectionInfo]:
        """One Gauss-Newton step from the linearization at `state`."""
        is_rough = not (is_linear or _reaches(state, at, enough)) and state.number < self.rough_steps
        worthwhile = self.spanned if is_linear else 1.0
        update = least_squares(at.matrix, -at.residual, 1 if is_rough else 2, worthwhile).x
        shift, loss = self._reduced(residual, state.shift, update, at.figures)
        info = ProjectionInfo(at.figures, loss, is_rough)
        return replace(state, shift=shift, number=state.number + 1, is_rough=is_rough), info

    def is_converged(self, state: ProjectionState, at: Linearized, enough: float) -> bool:
        """Whether the loss is small enough, and accurately so if it has to be very small."""
        return _reaches(state, at, enough) and (enough >= self.rough_loss or not state.is_rough)

    def is_last(self, is_linear: bool, info: ProjectionInfo) -> bool:
        """Whether further steps will not reduce the loss much."""
        return is_linear or (not info.is_rough and info.loss > self.stalled * info.before.loss)

    def _reduced(
        self, residual: ShiftedResidual, shift: Shift, update: Shift, before: OutputStep
    ) -> tuple[Shift, float]:
        """The shift after the longest step along `update` that reduces the loss, and that loss; else no shift."""
        for halving in range(self.halvings + 1):
            moved = shift + 0.5**halving * update
            loss = weighted_loss(residual.values(moved), before.weights)
            if loss < before.loss:
                return moved, loss
        return shift, before.loss


def linearized(layer: OutputLayer, residual: ShiftedResidual, state: ProjectionState, params: Params) -> Linearized:
    """The least-squares problem at the shift of a state from `params`; weights that are not known yet come from its
    traces.
    """
    jacobians, values = jax.tree.map(for_algebra, residual.linearize(state.shift))
    xp = module_of(*jacobians.values())
    counts = residual.counts
    weights = layer.balanced(jacobians, counts) if state.weights is None else dict(state.weights)
    scales = {name: np.sqrt(weights[name] / counts[name]) for name in values}
    stacked = joined([scales[name] * values[name] for name in values])
    matrix = joined([scales[name] * jacobians[name] for name in values])
    losses: dict[str, Any] = {name: float(xp.sum(r**2)) / counts[name] for name, r in values.items()}
    loss, gradient_norm = 0.5 * float(stacked @ stacked), float(xp.linalg.norm(matrix.T @ stacked))
    coefficients = layer.coefficients(layer.moved(params, state.shift))
    return Linearized(matrix, stacked, OutputStep(loss, losses, gradient_norm, weights, coefficients))


def _initial(layer: OutputLayer, weights: Mapping[str, float] | None, earlier: Sequence[OutputStep]) -> ProjectionState:
    shift = np.zeros(layer.size)
    if not earlier:
        return ProjectionState(shift, weights=weights)
    return ProjectionState(shift, len(earlier), earlier[0].weights, earlier[0].loss)


def _begun(state: ProjectionState, at: Linearized) -> ProjectionState:
    """The state with the weights and the first loss of its first linearization."""
    first = at.figures.loss if state.first_loss is None else state.first_loss
    return replace(state, weights=at.figures.weights, first_loss=first)


def _reaches(state: ProjectionState, at: Linearized, enough: float) -> bool:
    assert state.first_loss is not None  # noqa: S101  set by the first linearization
    return at.figures.loss <= enough * state.first_loss
