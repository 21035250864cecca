"""A network after training or solving, and its losses."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._base.devices import on_host
from .._base.types import Params
from ..diagnostics.evaluation import Measure
from ..equations.exact.ansatz import Ansatz
from ..networks.functional import FunctionalModel, cast
from ..residuals.functions import Batch, ResidualFunctions
from ..residuals.loss import total_loss
from ..runs.stop_reason import StopReason
from ..training.state import TrainState


@dataclasses.dataclass(frozen=True)
class TrainedNetwork:
    """A network after training or solving.

    - `ansatz`: the hard constraints; `residuals`: of the soft ones;
    - `model`: the network inside its ansatz; `params`: on the host; `measure`: evaluates them on validation points;
    - `batch`, `weights`: points and weights of the final loss; `kept_step`: the step of these parameters;
    - `sigma`: standard deviations of measured values, where known;
    - `described`: what the model can be built from again; `state`: for continuing, None if it was not trained.
    """

    ansatz: Ansatz
    residuals: ResidualFunctions
    model: FunctionalModel
    params: Params
    measure: Measure
    batch: Batch
    weights: dict[str, float]
    described: dict[str, Any]
    kept_step: int
    stop_reason: StopReason
    stop_detail: str | None = None
    state: TrainState | None = None
    sigma: dict[str, float] = dataclasses.field(default_factory=dict)

    @property
    def is_trained(self) -> bool:
        """Whether all its layers were trained, not only the last."""
        return self.state is not None

    def training_losses(self) -> dict[str, float]:
        """Mean square of each condition's residual, as in the loss, on its points."""
        if not self.ansatz.edges:
            return self.measure.mean_squares(self.params, self.batch)  # which has been compiled
        with jax.enable_x64(True):
            found = jax.jit(self.residuals)(self.params, self.batch)
        return {name: float(np.mean(r**2)) for name, r in on_host(found).items()}

    def hard_rows(self) -> dict[str, set[int]]:
        """The rows of each declared condition that are hard constraints."""
        problem, face_values = (
            self.ansatz.problem,
            [face_value for face_values in self.ansatz.face_values.values() for face_value in face_values],
        )
        with jax.enable_x64(True):
            whole = {name: set(range(problem.equation(name).size)) for name in self.ansatz.conditions}
        return {
            name: whole.get(name, {face_value.row for face_value in face_values if face_value.condition == name})
            for name in problem.conditions
        }

    def zero_losses(self) -> dict[str, float]:
        """Mean square of each condition's validation residual if the network is zero."""
        problem = self.ansatz.problem
        zeros = np.zeros(sum(problem.field_sizes.values()))
        zero = FunctionalModel(self.model.params, lambda params, x: jnp.asarray(zeros, x.dtype), self.model.merge)
        with jax.enable_x64(True):
            residuals = ResidualFunctions(problem, self.ansatz.wrap(zero))
        return self.measure.validation_of(residuals, self.params)

    def rounding_loss(self) -> float:
        """The loss of the rounding errors of the residuals in single precision, at these parameters."""
        exact = on_host(jax.jit(self.residuals)(self.params, self.batch))
        with jax.enable_x64(False):
            rounded = ResidualFunctions(self.residuals.problem, cast(self.model, np.float32))
            params, batch = cast(self.params, np.float32), jax.tree.map(lambda x: np.asarray(x, np.float32), self.batch)
            found = on_host(jax.jit(rounded)(params, batch))
        squares = {name: float(np.mean((found[name] - r) ** 2)) for name, r in exact.items()}
        return total_loss(squares, self.weights)

    def validation_loss(self, weights: dict[str, float]) -> float:
        """The validation loss with given weights, so that networks compare."""
        return total_loss(self.measure.validation_losses(self.params), weights)


def merged(model: FunctionalModel, ansatz: Ansatz, params: Params, is_own: bool) -> Any:
    """The trained model: of the same kind as the model of the caller, or with its hard constraints built in."""
    with jax.enable_x64(True):
        network = jax.tree.map(jnp.asarray, params["network"])
        if is_own or not ansatz.face_values:
            return model.merge(network)
        return FunctionalModel(network, model.apply, model.merge)
