"""The evaluation of a solution once its parameters are final."""

import datetime
import math
import platform
from importlib.metadata import version

import jax
import numpy as np

from ._base.devices import peak_memory_bytes
from .automatic.trained_network import TrainedNetwork
from .diagnostics.condition_check import Scattered
from .diagnostics.confidence_intervals import coefficient_intervals, reason_to_withhold
from .diagnostics.data_fit import DataFit, data_fit
from .diagnostics.determinacy import Determinacy
from .diagnostics.examination import examine
from .diagnostics.posterior import INTERVAL_SEED, Posterior
from .diagnostics.verification import verify
from .equations.problem import Problem
from .networks.functional import parameter_count
from .request import Request
from .residuals.loss import total_loss
from .runs.data_points import DataPoints, data_points
from .runs.decisions import Unexamined
from .runs.declaration import Declaration
from .runs.grid_fields import GridFields
from .runs.recorder import Recorder
from .runs.summary import Spectra, SpectrumSummary, Summary

EXAMINATION_SEED = 40_009
"""Keeps the points of the examination apart from those of training."""

EXAMINATION_SECONDS = 4.0
"""The longest time that the examination takes on a processor, with its compilation."""

MOST_DRAWN = 1500
"""Most collocation points of a condition that are kept for pictures."""


def conclude(request: Request, trained: TrainedNetwork, recorder: Recorder) -> tuple[Summary, GridFields]:
    """The summary of a run and its fields on the reference grid."""
    seed, precision, is_own = request.seed, request.precision, request.model is not None
    problem, history, measure, params = trained.ansatz.problem, recorder.history, trained.measure, trained.params
    with jax.enable_x64(True), recorder.timed("diagnostics"):
        determinacy = _examined(trained, seed, is_own, recorder)  # first: time is reserved for it
        losses = trained.training_losses()
        coefficients = {name: float(value) for name, value in trained.residuals.coefficients(params).items()}
        rounding = trained.rounding_loss() if precision == "single" else None
        fresh = seed + INTERVAL_SEED
        posterior = _posterior(trained, fresh)
        validation_losses, errors = measure.validation_losses(params), measure.errors(params)
        checked = verify(measure.residuals, params, trained.hard_rows(), trained.zero_losses(), seed, precision)
        fields = measure.fields(params, measure.grid.points)
        fits = {} if posterior is None else _data_fits(problem, posterior)
        withheld = reason_to_withhold(
            determinacy, checked.checks, fits, posterior is not None and posterior.is_partial and trained.is_trained
        )
        intervals, covariance = coefficient_intervals(problem, params, posterior, withheld)
    rate = float(history.learning_rate[-1]) if history.learning_rate.size else math.nan
    summary = Summary(
        pinnkit_version=version("pinnkit"),
        problem=problem.name,
        declared=Declaration.of(problem),
        date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        host=platform.node(),
        seed=seed,
        strategy=request.plan.name,
        precision=precision,
        device=_device(),
        parameters=parameter_count(params),
        points={name: len(points) for name, points in trained.batch.items()},
        steps=recorder.step,
        kept_step=trained.kept_step,
        stop_reason=recorder.reason_after(trained.stop_reason),
        stop_detail=trained.stop_detail,
        seconds=recorder.seconds,
        peak_memory_bytes=peak_memory_bytes(),
        loss=total_loss(losses, trained.weights),
        validation_loss=total_loss(validation_losses, trained.weights),
        rounding_loss=rounding,
        losses=losses,
        validation_losses=validation_losses,
        weights={name: trained.weights[name] for name in losses},
        learning_rate=None if math.isnan(rate) else rate,
        relative_l2=errors.relative_l2 or None,
        max_error=errors.max_error or None,
        relative_to_spread=errors.relative_to_spread or None,
        relative_to_range=errors.relative_to_range or None,
        conditions=checked.checks,
        coefficients=coefficients,
        coefficient_intervals=intervals,
        coefficient_covariance=covariance,
        data=fits,
        determinacy=determinacy,
        spectrum=Spectra(SpectrumSummary.of(history.diagnostics[0]), SpectrumSummary.of(history.diagnostics[-1])),
    )
    data = {} if posterior is None else _data_points(trained, posterior)
    return summary, _snapshot(trained, fields, checked.residuals, data)


def _snapshot(
    trained: TrainedNetwork,
    fields: dict[str, np.ndarray],
    residuals: dict[str, Scattered],
    data: dict[str, DataPoints],
) -> GridFields:
    """What pictures of the solution are drawn from."""
    grid = trained.measure.grid
    return GridFields(
        coordinates=trained.ansatz.problem.domain.coordinates,
        points=grid.points,
        shape=grid.shape,
        fields=fields,
        reference=grid.reference,
        triangles=grid.triangles,
        collocation={name: np.asarray(p.thinned(MOST_DRAWN).coordinates) for name, p in trained.batch.items()},
        residuals=residuals,
        titles=trained.ansatz.problem.titles,
        data=data,
    )


def _posterior(trained: TrainedNetwork, seed: int) -> Posterior | None:
    """None where nothing is estimated from data."""
    problem = trained.residuals.problem
    if not problem.unknowns and not problem.measured:
        return None
    return Posterior(trained.residuals, trained.params, trained.weights, trained.sigma, seed)


def _data_fits(problem: Problem, posterior: Posterior) -> dict[str, DataFit]:
    return {
        name: data_fit(
            np.asarray(posterior.batch[name].coordinates),
            values,
            posterior.sigma[name],
            problem.conditions[name].sigma is not None,
            posterior.degrees[name],
        )
        for name, values in posterior.values.items()
    }


def _data_points(trained: TrainedNetwork, posterior: Posterior) -> dict[str, DataPoints]:
    found = {}
    for name, values in posterior.values.items():
        points = posterior.batch[name]
        places = np.asarray(points.coordinates)
        columns = {column: np.asarray(measured) for column, measured in points.columns.items()}
        fields = trained.measure.fields(trained.params, places)
        found[name] = data_points(places, values.reshape(len(places), -1), fields, columns)
    return found


def _examined(trained: TrainedNetwork, seed: int, is_own: bool, recorder: Recorder) -> Determinacy | None:
    """Whether the solution is determined; None where no time is left to find out."""
    limits = recorder.limits
    if limits.whole_left < EXAMINATION_SECONDS:
        recorder.decide(Unexamined(EXAMINATION_SECONDS, limits.whole_left))
        return None
    return examine(trained.ansatz, trained.model, trained.params, trained.weights, seed + EXAMINATION_SEED, is_own)


def _device() -> str:
    device = jax.devices()[0]
    return f"{device.platform}: {device.device_kind} × {jax.device_count()}"
