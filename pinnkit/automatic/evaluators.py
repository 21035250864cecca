"""What evaluates a network: first batches, validation points, kernel snapshots, and the check for finite values."""

from .._base.types import Params
from ..diagnostics.diagnostician import Diagnostician, diagnostic_batch
from ..diagnostics.evaluation import Measure, ReferenceGrid
from ..diagnostics.nonfinite import find_fault
from ..equations.exact.ansatz import Ansatz
from ..equations.mistakes import ProblemError
from ..networks.functional import FunctionalModel
from ..residuals.functions import Batch, ResidualFunctions
from ..samplers.counts import point_counts
from ..samplers.sampler import AbstractSampler, batch_of
from ..samplers.space_filling import QuasiRandom

_VALIDATION_SEED, _DIAGNOSTIC_SEED = 10_007, 20_011  # offsets that keep these points apart from training points


def sampled(residuals: ResidualFunctions, sampler: AbstractSampler, counts: dict[str, int], seed: int) -> Batch:
    """The first batch of a sampler."""
    return batch_of(residuals.problem, sampler.init(residuals.problem, counts, seed))


def diagnostician_of(residuals: ResidualFunctions, counts: dict[str, int], seed: int, parameters: int) -> Diagnostician:
    """Takes kernel snapshots on points that are not trained on."""
    batch = sampled(residuals, QuasiRandom(), counts, seed + _DIAGNOSTIC_SEED)
    return Diagnostician(residuals, diagnostic_batch(batch, residuals, parameters))


def measure_of(
    ansatz: Ansatz, model: FunctionalModel, counts: dict[str, int], seed: int, grid: ReferenceGrid
) -> Measure:
    """Evaluates the residuals of all conditions on validation points, those of hard constraints too."""
    problem = ansatz.problem
    full = ResidualFunctions(problem, model)
    every = point_counts(problem, {name: counts[name] for name in counts if problem.conditions[name].on.count is None})
    return Measure(full, sampled(full, QuasiRandom(), every, seed + _VALIDATION_SEED), grid)


def check_finite(residuals: ResidualFunctions, params: Params, batch: Batch) -> None:
    """**Raises:** `ProblemError` if parameters, or residuals at them, are not finite."""
    if fault := find_fault(residuals, params, batch):
        raise ProblemError(f"not finite before the first step of problem '{residuals.problem.name}': {fault}")
