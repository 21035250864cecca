"""A solution by random features: the result of the automatic procedure."""

import functools
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from .._base.padding import padded
from .._base.types import Params
from ..equations.exact.ansatz import Ansatz
from ..networks.functional import FunctionalModel
from ..residuals.functions import Batch
from .length_scales import Values
from .random_features.solver import FeatureSolver


@dataclass(frozen=True)
class FeatureSolution:
    """The network of random features that solves a problem best.

    - `solver`: of the network; `ansatz`: with its hard constraints;
    - `model`, `params`: the network inside its ansatz;
    - `initial`, `final`, `batch`: parameters of the solver's own model before and after the solve, and its points; with
      several time windows, those of the worst;
    - `relative_loss`: final over initial validation loss; `loss`: the final validation loss; `weights`: of the loss;
    - `settings`: what the model can be built from again;
    - `sufficient_loss`: relative loss below which no deep network is tried;
    - `sigma`: standard deviations of the data conditions.
    """

    solver: FeatureSolver
    ansatz: Ansatz
    model: FunctionalModel
    params: Params
    initial: Params
    final: Params
    batch: Batch
    relative_loss: float
    loss: float
    weights: dict[str, float]
    settings: dict[str, Any]
    sufficient_loss: float
    sigma: dict[str, float] = field(default_factory=dict)

    @functools.cached_property
    def fields(self) -> Values:
        """The fields as a function of points."""
        apply, params = jax.jit(jax.vmap(self.model.apply, (None, 0))), self.params["network"]
        return lambda x: padded(functools.partial(apply, params), np.asarray(x))

    @property
    def is_sufficient(self) -> bool:
        """Whether no deep network is needed."""
        return self.relative_loss <= self.sufficient_loss

    @property
    def is_windowed(self) -> bool:
        """Whether it consists of time windows."""
        return "windows" in self.settings
