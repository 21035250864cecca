"""A run with random features, from the decision procedure to its kernel snapshots."""

import jax
import numpy as np

from ..diagnostics.diagnostician import FEW_ROWS, ROWS, Diagnostician, diagnostic_batch
from ..diagnostics.evaluation import ReferenceGrid
from ..equations.exact.ansatz import Ansatz
from ..networks.functional import parameter_count
from ..residuals.functions import ResidualFunctions
from ..residuals.loss import total_loss
from ..runs.events import Check
from ..runs.recorder import Recorder
from ..runs.stop_reason import StopReason
from .candidates import DeepNetwork
from .choices import Choices
from .evaluators import check_finite, measure_of
from .feature_networks import CONCLUSION, OUTPUT_LAYER
from .feature_solution import FeatureSolution
from .procedure import Automatic
from .thresholds import Thresholds
from .trained_network import TrainedNetwork
from .warm_start import WarmStart


def by_features(
    ansatz: Ansatz,
    seed: int,
    grid: ReferenceGrid,
    recorder: Recorder,
    choices: Choices,
    warm: WarmStart | None = None,
) -> tuple[TrainedNetwork, FeatureSolution, DeepNetwork]:
    """The network of random features (see `procedure`), as a network and as a solution, and a deep network as the next
    candidate.

    - `warm`: a solution by random features to start from.
    """
    with recorder.timed("train"):
        automatic = Automatic(ansatz, seed, recorder, choices, warm=warm)
        first = automatic.first
        for batch in (first.batch, first.validation_batch):
            check_finite(first.residuals, first.params(), batch)
        found = automatic.run()
    measure = measure_of(found.ansatz, found.model, found.solver.counts, seed, grid)
    trained = TrainedNetwork(
        ansatz=found.ansatz,
        residuals=ResidualFunctions(found.ansatz.remaining, found.model),
        model=found.model,
        params=jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), found.params),
        measure=measure,
        batch=found.solver.batch,
        weights=found.weights,
        described=found.settings,
        kept_step=recorder.step,
        stop_reason=_reason(found, recorder, automatic.cost.thresholds),
        sigma=found.sigma,
    )
    limits, began = recorder.limits, recorder.limits.seconds()
    with recorder.timed("diagnostics"):
        losses, errors = measure.validation_losses(trained.params), measure.errors(trained.params).relative_l2
    limits.keep(CONCLUSION, max(limits.kept(CONCLUSION) - (limits.seconds() - began), 0.0))  # a part of it is over
    loss = total_loss(losses, found.weights)
    recorder.check(Check(recorder.step, recorder.limits.seconds(), loss, losses, errors))
    return trained, found, automatic.deep


def take_snapshots(found: FeatureSolution, recorder: Recorder) -> None:
    """Replace all kernel snapshots by those of the network before and after its solve.

    They are of fewer residuals if the time that was kept for the end is no longer there.
    """
    solver = found.solver
    recorder.history.diagnostics.clear()
    is_short = not recorder.has_time(
        "kernel snapshots of the usual size", recorder.limits.kept(CONCLUSION), recorder.limits.whole_left
    )
    rows, parameters = FEW_ROWS if is_short else ROWS, parameter_count(found.final)
    take = Diagnostician(solver.residuals, diagnostic_batch(found.batch, solver.residuals, parameters, rows))
    horizon = max(recorder.limits.steps or recorder.step, 1)
    with recorder.timed("diagnostics"):
        for step, params in ((0, found.initial), (recorder.step, found.final)):
            recorder.diagnosed(take(params, found.weights, step=step, phase=OUTPUT_LAYER, horizon=horizon))


def _reason(found: FeatureSolution, recorder: Recorder, thresholds: Thresholds) -> StopReason:
    limits = recorder.limits
    if limits.target is not None and found.loss <= limits.target:
        return StopReason.TARGET
    if recorder.stopped:
        return StopReason.INTERRUPTED
    if limits.is_over:
        return StopReason.BUDGET
    if found.relative_loss <= thresholds.exhausted:
        return StopReason.SOLVED
    return StopReason.CONVERGED if found.relative_loss <= thresholds.converged else StopReason.STALLED
