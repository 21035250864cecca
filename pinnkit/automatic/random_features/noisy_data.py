r"""Fits to noisy data: how much each data condition counts is found from its noise, so that the equations hold.

Weights inverse to the traces of the kernel let a network reproduce the noise at the expense of the equations. Here the
noise of each data condition is estimated by restricted likelihood, unless it is given, and its weight is inverse to the
variance, beside equations whose variance is what the network cannot represent of them.

Priors, such as that an unknown function is smooth, get a weight too: that of the smallest error at data which are left
out (see `cross_validation`). Then the variances are those of the residuals of equations and of data over their degrees
of freedom, found in turn: data that determine a function have few of them.

As long as neighbouring residuals of the data are correlated, they are not noise: then the fit has not converged, or the
network does not resolve the solution, and their weight stays as it is.

With equations that hold far more accurately than data, the minimum lies in a narrow curved valley: for each value of
the unknown coefficients there is one best field. So each Gauss-Newton step is followed by one for the field alone, with
the coefficients that it led to (a second-order correction), before its loss is judged.

Golub & Pereyra, *Separable nonlinear least squares*, Inverse Problems 19, 2003; Nocedal & Wright, *Numerical
optimization*, Springer 2006, §18.11; Bates & Watts, *A relative offset orthogonality convergence criterion for
nonlinear least squares*, Technometrics 23, 1981.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ..._base.compilation import Stopwatch
from ..._base.linalg.cross_validation import Block, penalty_weight
from ..._base.linalg.least_squares import least_squares
from ..._base.linalg.restricted_likelihood import variance_ratio
from ..._base.types import Params
from ..._base.whiteness import DEVIATIONS, neighbour_correlation
from ...residuals.functions import Batch
from ...runs.events import OutputStep
from .output_layer import OutputLayer, Shift, ShiftedResidual, weighted_loss

LEAST = 1e-4
"""Least factor of the weight of a data condition: equations are then imposed 100 times as strictly as data. More would
spare no noise, and let what the network cannot represent of the equations outweigh the data."""

PRIORS = 1.0, 1e16
"""Bounds of the factor on the weight of a prior."""

ROUNDS, SETTLED = 4, 0.2
"""Most rounds in which variances and the weight of a prior are found in turn, and the change of the logarithms of all
factors at which they end."""

CONVERGED = 0.1
"""The fit has converged if a step changes the values at the data by less than this many standard errors in all."""

STALLED = 0.9
"""Without noise, a step that leaves more than this share of the loss is the last."""


class Weighed(NamedTuple):
    """Data conditions as weighed by their noise.

    - `factors`: of their weights, 1 where the data are as accurate as the equations, and of those of priors; `sigma`:
      standard deviations;
    - `variance`: of a scaled row.
    """

    factors: dict[str, float]
    sigma: dict[str, float]
    variance: float


@dataclass(frozen=True)
class NoisyFit:
    """Gauss-Newton steps with data weighted by their noise.

    - `sigma`: standard deviations of the data conditions, None where they are to be estimated;
    - `weights`: of all conditions as if there were no noise;
    - `unknowns`: number of unknown coefficients, which are the first of the parameters solved for;
    - `priors`: names of the conditions that are preferences.
    """

    layer: OutputLayer
    sigma: Mapping[str, float | None]
    weights: Mapping[str, float]
    unknowns: int
    priors: tuple[str, ...] = ()
    halvings: int = 6

    def steps(
        self, params: Params, batch: Batch, most: int, is_over: Callable[[float], bool]
    ) -> Iterator[tuple[Params, OutputStep, Weighed]]:
        """Steps from `params`, which fit the data: the parameters after each, the figures before it, and the noise
        found there; at least one, unless there is no time.
        """
        residual, shift, seconds = self.layer.shifted(params, batch), np.zeros(self.layer.size), 0.0
        weighed = Weighed(dict.fromkeys((*self.sigma, *self.priors), 1.0), {}, 0.0)
        for _ in range(most):
            if is_over(seconds):
                return
            watch = Stopwatch()
            jacobians, values = residual.on_host(shift)
            weigh = self.weigh_with_priors if self.priors else self.weigh
            weighed = weigh(jacobians, values, self._noisy(batch, values), weighed.factors)
            weights = self.scaled(weighed.factors)
            A, b = stacked(jacobians, values, weights)
            if not (np.isfinite(A).all() and np.isfinite(b).all()):
                return
            figures = OutputStep(
                0.5 * float(b @ b),
                {name: float(np.mean(r**2)) for name, r in values.items()},
                float(np.linalg.norm(A.T @ b)),
                weights,
                self.layer.coefficients(self.layer.moved(params, shift)),
            )
            update = least_squares(A, -b).x
            shift, loss = self._moved(residual, shift, update, figures)
            yield self.layer.moved(params, shift), figures, weighed
            at_data, _ = stacked(jacobians, {name: values[name] for name in self.sigma}, weights)
            is_near = np.linalg.norm(at_data @ update) <= CONVERGED * np.sqrt(weighed.variance)
            is_noisy = any(weighed.factors[name] < 1 for name in self.sigma)
            if loss >= figures.loss or is_near or (not is_noisy and loss > STALLED * figures.loss):
                return
            seconds = watch.own

    def scaled(self, factors: Mapping[str, float]) -> dict[str, float]:
        """The weights of all conditions with these factors for data."""
        return {name: weight * factors.get(name, 1.0) for name, weight in self.weights.items()}

    def weigh(
        self,
        jacobians: Mapping[str, Float[np.ndarray, "_ p"]],
        values: Mapping[str, Float[np.ndarray, " _"]],
        noisy: Mapping[str, bool],
        factors: Mapping[str, float],
    ) -> Weighed:
        """The noise of each data condition at a linearization, the others weighted by the factors before.

        - `noisy`: whether the residuals of a condition may be noise; if not, its factor is 1.
        """
        found, sigma, variances = dict(factors), dict[str, float](), list[float]()
        for name, known in self.sigma.items():
            if not noisy[name]:
                found[name], sigma[name] = 1.0, known or float(np.sqrt(np.mean(values[name] ** 2)))
                continue
            weights = self.scaled({**found, name: 1.0})
            rest = {other: r for other, r in values.items() if other != name}
            own = {name: values[name]}
            blocks = [stacked(jacobians, part, weights) for part in (rest, own)]
            ratio = variance_ratio(*zip(*blocks, strict=True), least=LEAST)
            scale = weights[name] / values[name].size
            if known is None:
                found[name], sigma[name] = ratio.value, float(np.sqrt(ratio.second / scale))
            else:
                found[name] = float(np.clip(ratio.first / (scale * known**2), LEAST, 1.0))
                sigma[name] = known
            variances.append(ratio.first)
        return Weighed(found, sigma, float(np.mean(variances)) if variances else 0.0)

    def weigh_with_priors(
        self,
        jacobians: Mapping[str, Float[np.ndarray, "_ p"]],
        values: Mapping[str, Float[np.ndarray, " _"]],
        noisy: Mapping[str, bool],
        factors: Mapping[str, float],
    ) -> Weighed:
        """The same with priors, all of which have one factor."""
        found, sigma, variances = dict(factors), dict[str, float](), dict[str, float]()
        blocks = {name: Block.of(jacobians[name], r) for name, r in values.items()}
        equations = [name for name in values if name not in (*self.sigma, *self.priors)]
        for _ in range(ROUNDS):
            before, weights = dict(found), self.scaled({**found, **dict.fromkeys(self.priors, 1.0)})
            scaled = {name: block.times(np.sqrt(weights[name] / block.size)) for name, block in blocks.items()}
            fit = penalty_weight(scaled, self.sigma, self.priors, *PRIORS)
            found |= dict.fromkeys(self.priors, fit.value)
            free = {name: max(block.size - fit.misfits[name].leverage, 1.0) for name, block in blocks.items()}
            square = lambda names, fit=fit: sum(fit.misfits[name].square for name in names)
            of_equations = square(equations) / sum(free[name] for name in equations)
            for name, known in self.sigma.items():
                own, scale = square([name]) / free[name] / found[name], self.weights[name] / blocks[name].size
                sigma[name], own = (float(np.sqrt(own / scale)), own) if known is None else (known, scale * known**2)
                found[name] = float(np.clip(of_equations / own, LEAST, 1.0)) if noisy[name] and own > 0 else 1.0
                variances[name] = found[name] * own
            if all(abs(np.log(found[name] / before[name])) < SETTLED for name in found):
                break
        return Weighed(found, sigma, float(np.mean(list(variances.values()))))

    def _noisy(self, batch: Batch, values: Mapping[str, Float[np.ndarray, " _"]]) -> dict[str, bool]:
        """Whether the residuals of each data condition may be noise."""
        return {
            name: neighbour_correlation(np.asarray(batch[name].coordinates), values[name]) <= DEVIATIONS
            for name in self.sigma
        }

    def _moved(self, residual: ShiftedResidual, shift: Shift, update: Shift, before: OutputStep) -> tuple[Shift, float]:
        """The shift after the longest corrected step that reduces the loss, and that loss; without one, as it was."""
        q = self.unknowns
        for halving in range(self.halvings + 1):
            moved = shift + 0.5**halving * update
            if not q and (loss := weighted_loss(residual.values(moved), before.weights)) < before.loss:
                return moved, loss
            jacobians, values = residual.on_host(moved)
            A, b = stacked(jacobians, values, before.weights)
            if np.isfinite(A).all() and np.isfinite(b).all():
                moved[q:] += least_squares(A[:, q:], -b).x
                if (loss := weighted_loss(residual.values(moved), before.weights)) < before.loss:
                    return moved, loss
        return shift, before.loss


def stacked(
    jacobians: Mapping[str, Float[np.ndarray, "_ p"]],
    values: Mapping[str, Float[np.ndarray, " _"]],
    weights: Mapping[str, float],
) -> tuple[Float[np.ndarray, "n p"], Float[np.ndarray, " n"]]:
    """The Jacobian and the residuals of the conditions in `values`, rows scaled."""
    scales = {name: np.sqrt(weights[name] / r.size) for name, r in values.items()}
    return (
        np.concatenate([scale * jacobians[name] for name, scale in scales.items()]),
        np.concatenate([scale * values[name] for name, scale in scales.items()]),
    )
