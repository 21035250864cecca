r"""Confidence intervals of unknown coefficients and their covariance, from the curvature of the loss (see `posterior`).

All of it holds near a minimum. The Gauss-Newton step of a coefficient estimates the distance to it: if it is not small
compared with the interval, no interval is given, because the coefficient has not converged.
"""

from collections.abc import Mapping
from statistics import NormalDist

import numpy as np

from .._base.types import Params
from ..equations.problem import Problem
from .coefficient_interval import CoefficientInterval, Covariance, Withheld
from .condition_check import SMALL, ConditionCheck
from .data_fit import DataFit
from .determinacy import FAR, Determinacy
from .posterior import Posterior, Spread

CONFIDENCE = 0.95

IDENTIFIED = 0.9
"""A coefficient is unknown if less than this share of its direction changes the residuals."""

MOVING = 0.25
"""A coefficient has not converged if its next step is more than this share of half the interval."""


def half_width(confidence: float = CONFIDENCE) -> float:
    """Half the width of an interval in standard deviations."""
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def coefficient_intervals(
    problem: Problem, params: Params, posterior: Posterior | None, withheld: Withheld | None = None
) -> tuple[dict[str, CoefficientInterval], Covariance | None]:
    """A 95 % interval for each unknown coefficient, or the reason why there is none; the covariance of those that have.

    An interval is symmetric in the trained parameter, which is the logarithm of a positive coefficient.

    - `withheld`: why there are none, whatever the curvature of the loss.
    """
    unknowns, raw = problem.unknowns, params["coefficients"]
    if not unknowns or posterior is None:
        return {}, None
    spread, gradients, names = posterior.spread, posterior.of_coefficients(), sorted(unknowns)
    out: dict[str, CoefficientInterval] = {}
    half = half_width()
    for i, name in enumerate(names):
        found = interval_half(spread, gradients[i : i + 1], half)
        at = lambda shift, name=name: float(unknowns[name].to_value(float(raw[name]) + shift))
        out[name] = found if isinstance(found, Withheld) else withheld or (at(-found), at(found))
    given = [name for name in unknowns if not isinstance(out[name], Withheld)]
    ordered = {name: out[name] for name in unknowns}
    if not given:
        return ordered, None
    rows = np.stack([unknowns[name].slope(float(raw[name])) * gradients[names.index(name)] for name in given])
    return ordered, Covariance(given, spread.covariance(rows).tolist())


def reason_to_withhold(
    determinacy: Determinacy | None,
    checks: Mapping[str, ConditionCheck],
    fits: Mapping[str, DataFit],
    lacks_layers: bool = False,
) -> Withheld | None:
    """Why intervals would not be right, whatever the curvature: they propagate errors that are independent, and those
    of equations or data that a network does not resolve are not. With a prior, noise counts as far from a solution.

    - `lacks_layers`: whether trained layers are not in the curvature.
    """
    has_prior = any(check.prior for check in checks.values())
    if determinacy is not None and not has_prior and determinacy.largest_distance > FAR:
        return Withheld.FAR_FROM_SOLUTION
    unfitted = [name for name, fit in fits.items() if not fit.is_white and not checks[name].worst.relative <= SMALL]
    return Withheld.NOT_NOISE if unfitted else Withheld.TOO_LARGE if lacks_layers else None


def interval_half(spread: Spread, gradient: np.ndarray, half: float) -> float | Withheld:
    """Half the interval of a parameter, from its gradient of shape `(1, k)`, or the reason why there is none."""
    if spread.shares(gradient)[0] < IDENTIFIED:
        return Withheld.NOT_DETERMINED
    found = half * float(spread.deviations(gradient)[0])
    return Withheld.MOVING if abs(float(spread.steps(gradient)[0])) > MOVING * found else found
