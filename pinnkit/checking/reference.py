"""Whether the reference of a problem satisfies its conditions."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from msgspec.structs import replace

from .._base.tracing.series import Index
from ..diagnostics.condition_check import RowCheck
from ..diagnostics.dense_points import dense_points
from ..diagnostics.verification import Evaluated, evaluate, indices_of, jets_at, row_check
from ..equations.mistakes import ProblemError
from ..equations.problem import Problem
from ..residuals.functions import Batch, ResidualFunctions
from .differences import FINER, differenced_reference
from .traced_reference import traced_reference

EXACT, FULL, FACE = (1024, 256), (384, 128), 128
"""Points of regions of full dimension and of each part of others, where JAX differentiates and where it does not."""

SCATTERED, COMPARED = 1000, 16
"""Points of the domain, about, and how many of them are those at which the values by NumPy and by JAX are compared."""

SEED = 50_021


class ReferenceResidual(NamedTuple):
    """The residual of the reference in one condition.

    - `row`: the one that is largest relative to its terms; `uncertainty`: of its `relative`, by finite differences.
    """

    row: RowCheck
    uncertainty: float


def reference_residuals(problem: Problem) -> dict[str, ReferenceResidual]:
    """By condition; without those that take unknown coefficients, data columns or fields that the reference lacks, and
    without priors.
    """
    scattered = problem.domain.evaluation(SCATTERED).points
    middle = scattered[np.linspace(0, len(scattered) - 1, COMPARED).astype(int)]
    known = problem.evaluate_reference(middle)
    conditions = [name for name in problem.conditions if known is not None and _is_known(problem, name, list(known))]
    if known is None or not conditions:
        return {}
    asked = problem.restricted_to(conditions)
    with jax.enable_x64(True):
        traced = traced_reference(asked, list(known), middle)
        if traced is not None:
            points, even = dense_points(asked, SEED, *EXACT)
            params = traced.initial_params(jnp.zeros(()))
            jets = jets_at(traced, params, points, indices_of(asked))
            rows = _rows(traced, points, even, jets)
            found = {name: ReferenceResidual(row, 0.0) for name, row in rows.items()}
            return {name: _of_values(asked, name, each, known) for name, each in found.items()}
        points, even = dense_points(asked, SEED, *FULL)
        coarse, fine = (_differenced(asked, list(known), factor, points, even) for factor in (1.0, FINER))
    return {name: _of_values(asked, name, _of_both(coarse[name], fine[name]), known) for name in coarse}


def _of_values(
    problem: Problem, condition: str, found: ReferenceResidual, known: dict[str, np.ndarray]
) -> ReferenceResidual:
    """A condition on values alone, such as that a field vanishes, relative to the fields inside if those are larger."""
    derivatives = problem.equation(condition).derivatives
    if any(any(index) for indices in derivatives.values() for index in indices):
        return found
    row, size = (
        found.row,
        max((float(np.nanmax(np.abs(known[name]))) for name in derivatives if name in known), default=0.0),
    )
    return found if size <= row.scale else found._replace(row=replace(row, scale=size, relative=row.rms / size))


def _is_known(problem: Problem, condition: str, fields: Sequence[str]) -> bool:
    """Whether the reference says something about a condition."""
    if condition in problem.priors:
        return False
    equation = problem.equation(condition)
    symbols = [*equation.symbols, *equation.elsewhere]
    if any(symbol.kind == "column" or symbol.name in problem.unknowns for symbol in symbols):
        return False
    return all(symbol.name in fields for symbol in symbols if symbol.kind in ("field", "elsewhere"))


def _differenced(
    problem: Problem, fields: Sequence[str], factor: float, points: Batch, even: dict[str, np.ndarray]
) -> dict[str, RowCheck]:
    failures = list[ProblemError]()
    residuals, at = differenced_reference(problem, fields, factor, failures)
    indices: list[Index] = indices_of(problem)
    jets = {name: at(np.asarray(points[name].coordinates), indices) for name in points}
    found = _rows(residuals, points, even, jets)
    if failures:
        raise failures[0]
    return found


def _rows(residuals: ResidualFunctions, points: Batch, even: Any, jets: dict[str, np.ndarray]) -> dict[str, RowCheck]:
    """The worst row of each condition, at points where the reference is known and finite."""
    problem = residuals.problem
    found, sizes = evaluate(residuals, residuals.initial_params(jnp.zeros(())), points, even, jets)
    kept = {name: _finite(each) for name, each in found.items()}
    checks = {
        name: [row_check(problem, each, i, sizes, False) for i in range(problem.equation(name).size)]
        for name, each in kept.items()
        if each.even.any()
    }
    return {name: max(rows, key=lambda row: row.relative) for name, rows in checks.items()}


def _finite(found: Evaluated) -> Evaluated:
    """A condition at those of its points where its residual is finite."""
    kept = np.isfinite(found.residual).all(axis=1)
    return Evaluated(
        residual=found.residual[kept],
        terms=[groups[kept] for groups in found.terms],
        orders=found.orders,
        slopes={symbol: slopes[kept] for symbol, slopes in found.slopes.items()},
        formulas=found.formulas,
        coordinates=found.coordinates[kept],
        even=found.even[kept],
    )


def _of_both(coarse: RowCheck, fine: RowCheck) -> ReferenceResidual:
    best = min(coarse, fine, key=lambda row: row.relative)
    return ReferenceResidual(best, abs(coarse.relative - fine.relative))
