"""Where the fields of a solution lie, given the noise of the data."""

import functools
import warnings
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from .._base.arguments import is_number
from .._base.errors import InputError
from .._base.precision import full_precision
from .._base.types import Params
from ..diagnostics.confidence_intervals import half_width, reason_to_withhold
from ..diagnostics.evaluation import Fields
from ..diagnostics.posterior import INTERVAL_SEED, Posterior
from ..residuals.functions import ResidualFunctions
from ..runs.summary import Summary


class BandWarning(UserWarning):
    """A band does not contain errors that are not noise."""


class Band(NamedTuple):
    """- `lower`, `upper`: ends of the interval at each point; `sigma`: its standard deviation."""

    lower: np.ndarray
    upper: np.ndarray
    sigma: np.ndarray


class Bands:
    """Computes bands of a solution; what does not depend on the points is computed once."""

    def __init__(self, fields: Fields, params: Params, summary: Summary, is_trained: bool):
        self._fields, self._params, self._summary, self._is_trained = fields, params, summary, is_trained

    def __call__(
        self, points: Float[np.ndarray, "n d"], shape: tuple[int, ...], confidence: float
    ) -> Band | dict[str, Band]:
        """See `Solution.band`; `shape`: of the result."""
        if not is_number(confidence) or not 0 < confidence < 1:
            raise InputError(f"`confidence` is a probability between 0 and 1, got {confidence!r}")
        values, half, found = self._fields(self._params, points), half_width(confidence), dict[str, Band]()
        with jax.enable_x64(True), full_precision():
            deviations = self._posterior.deviations(points)
        summary, lacks_layers = self._summary, self._posterior.is_partial and self._is_trained
        if reason := reason_to_withhold(summary.determinacy, summary.conditions, summary.data, lacks_layers):
            warnings.warn(f"the band of '{summary.problem}' is too narrow: {reason.value}", BandWarning, stacklevel=3)
        for name, value in values.items():
            ends = value - half * deviations[name], value + half * deviations[name], deviations[name]
            found[name] = Band(*(each.reshape(shape + value.shape[1:]) for each in ends))
        return next(iter(found.values())) if len(found) == 1 else found

    @functools.cached_property
    def _posterior(self) -> Posterior:
        """From the conditions that were in the loss."""
        summary, residuals = self._summary, self._fields.residuals
        soft = ResidualFunctions(residuals.problem.restricted_to(list(summary.weights)), residuals.model)
        sigma = {name: fit.sigma for name, fit in summary.data.items()}
        return Posterior(soft, self._params, summary.weights, sigma, summary.seed + INTERVAL_SEED)
