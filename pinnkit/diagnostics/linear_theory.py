r"""Linear theory of first-order steps, and how good it was.

An optimizer that moves the parameters by $-\eta P^{-1} J^\top r$ takes the residual, while J and P do not change,
from $r$ to $(1 - \eta \tilde K) r$ with $\tilde K = J P^{-1} J^\top$. Gradient descent has $P = 1$; Adam and SOAP have
their own, and use a momentum in place of the gradient. In the eigenvectors $q_i$ of $\tilde K$ every coefficient
$c_i = q_i^\top r$ evolves separately, with $v_i$ that of the momentum:

$$v_i \leftarrow \beta v_i + (1 - \beta) \lambda_i c_i, \qquad c_i \leftarrow c_i - \eta_s v_i / (1 - \beta^s).$$

Without momentum that is a factor $1 - \eta_s \lambda_i$ a step. The next kernel snapshot on the same points checks it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

GOOD = 0.1
"""Theory is trusted while the relative error of the loss that it predicted is no larger."""

FALL, UNMOVED = 0.5, 1e-3
"""Nor the relative error of the fall of the logarithm of the loss, unless neither fall is larger than the second."""

FEWEST_STEPS = 2
"""A single step is not a prediction: it implies nothing about further ones."""

DIVERGED = 1e3
"""A prediction diverges if it exceeds the loss before by more than this factor."""

RECENT, FEWEST_PREDICTIONS, TRUSTED = 5, 3, 0.75
"""Theory is trusted if, of the steps of the last predictions, more than this share were in good ones."""

MOST_STEPS = 10**9
"""Further ahead no step is foreseen."""

_AT_A_TIME = 4096


@dataclass(frozen=True)
class Theory:
    """Modes of the kernel through which steps move the residual, at one snapshot.

    - `rates`: eigenvalues, descending, 0 where rounding hides them;
    - `coefficients`: of the scaled residual in the modes; the loss is half the sum of their squares;
    - `beta`, `velocity`, `age`: of the momentum; `velocity` are its coefficients in the modes.
    """

    rates: Float[np.ndarray, " n"]
    coefficients: Float[np.ndarray, " n"]
    beta: float
    velocity: Float[np.ndarray, " n"]
    age: int

    @property
    def loss(self) -> float:
        return 0.5 * float(np.sum(self.coefficients**2))

    def after(self, learning_rates: Float[np.ndarray, " s"]) -> Float[np.ndarray, " n"]:
        """The coefficients after steps of these lengths; infinite where they grow beyond floats."""
        if not self.beta:
            return self.coefficients * decay(self.rates, learning_rates)
        c, v = self.coefficients.copy(), self.velocity.copy()
        pull, left = (1 - self.beta) * self.rates, self.beta**self.age
        with np.errstate(over="ignore", invalid="ignore"):
            for rate in learning_rates:
                left *= self.beta
                v = self.beta * v + pull * c
                c = c - rate / (1 - left) * v
        return np.where(np.isfinite(c), c, np.inf)

    def steps_to(self, loss: float, learning_rate: float) -> int | None:
        """Steps of one length until the loss is reached; None if it never is, or only beyond the horizon."""
        factors = _factors(self.rates, learning_rate, self.beta)

        def remaining(steps: int) -> float:
            with np.errstate(divide="ignore"):
                return 0.5 * float(np.sum((self.coefficients * np.exp(steps * np.log(factors))) ** 2))

        if factors.max(initial=0.0) > 1 or remaining(MOST_STEPS) > loss:
            return None
        low, high = 0, MOST_STEPS
        if self.loss <= loss:
            return 0
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if remaining(middle) <= loss else (middle + 1, high)
        return low


@dataclass(frozen=True)
class Prediction:
    """The steps between two kernel snapshots: predicted at the first and observed at the second, on the same points.

    - `start`, `end`: steps taken at the two snapshots;
    - `rates`: of the modes, as in the `Theory` of the first snapshot;
    - `before`, `predicted`, `actual`: coefficients of the residual in the modes of the first snapshot, shape `(n,)`:
      at the first snapshot, predicted for the second from the actual learning rates, and observed there.
    """

    start: int
    end: int
    rates: Float[np.ndarray, " n"]
    before: Float[np.ndarray, " n"]
    predicted: Float[np.ndarray, " n"]
    actual: Float[np.ndarray, " n"]

    @property
    def losses(self) -> tuple[float, float, float]:
        """Before, predicted and actual, with the weights of the first snapshot."""
        first, predicted, actual = (0.5 * float(np.sum(c**2)) for c in (self.before, self.predicted, self.actual))
        return first, predicted, actual

    @property
    def error(self) -> float:
        """|predicted − actual| over the larger of the two losses: 0 if theory was exact, 1 if it was useless."""
        _, predicted, actual = self.losses
        larger = max(predicted, actual)
        if not math.isfinite(larger):
            return 1.0
        return abs(predicted - actual) / larger if larger else 0.0

    @property
    def steps(self) -> int:
        return self.end - self.start

    @property
    def diverges(self) -> bool:
        """Whether theory predicted that the loss grows without bound."""
        before, predicted, _ = self.losses
        return not predicted <= DIVERGED * before

    @property
    def is_good(self) -> bool:
        """Whether loss and fall were predicted well: if the loss hardly changes, its value alone is no test."""
        before, predicted, actual = self.losses
        if not (before > 0 and predicted > 0 and actual > 0):
            return self.error <= GOOD
        falls = math.log(before / predicted) if math.isfinite(predicted) else -math.inf, math.log(before / actual)
        return self.error <= GOOD and abs(falls[0] - falls[1]) <= max(FALL * max(map(abs, falls)), UNMOVED)

    def decays(self) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
        """Remaining share of each mode, predicted and observed; NaN for modes without a residual."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.predicted / self.before, self.actual / self.before


def trust(predictions: Sequence[Prediction]) -> float | None:
    """The share of steps in good predictions among the recent ones; None with too few of them."""
    recent = predictions[-RECENT:]
    if len(recent) < FEWEST_PREDICTIONS:
        return None
    return sum(prediction.steps for prediction in recent if prediction.is_good) / sum(
        prediction.steps for prediction in recent
    )


def is_trusted(predictions: Sequence[Prediction]) -> bool:
    """Whether theory can be trusted for the steps to come."""
    share = trust(predictions)
    return share is not None and share > TRUSTED


def decay(rates: Float[np.ndarray, " n"], learning_rates: Float[np.ndarray, " s"]) -> Float[np.ndarray, " n"]:
    r"""$\prod_s (1 - \eta_s \lambda_i)$: what steps of these lengths leave of each mode; ±∞ beyond floats."""
    lengths, counts = np.unique(learning_rates, return_counts=True)
    log, sign = np.zeros_like(rates), np.ones_like(rates)
    for start in range(0, lengths.size, _AT_A_TIME):
        part = slice(start, start + _AT_A_TIME)
        left = 1 - lengths[part, None] * rates
        with np.errstate(divide="ignore"):
            sizes = np.where(left > 0, np.log1p(-np.minimum(lengths[part, None] * rates, 1)), np.log(np.abs(left)))
        log += counts[part] @ sizes
        sign *= np.where(counts[part, None] % 2 == 1, np.sign(left), np.abs(np.sign(left))).prod(axis=0)
    with np.errstate(over="ignore"):
        return np.where(sign == 0, 0.0, sign * np.exp(log))


def _factors(rates: Float[np.ndarray, " n"], learning_rate: float, beta: float) -> Float[np.ndarray, " n"]:
    """What a step leaves of each mode in the long run: the larger root of z² − (1 + β − η(1 − β)λ) z + β = 0."""
    half = (1 + beta - learning_rate * (1 - beta) * rates) / 2
    root = np.sqrt((half**2 - beta).astype(complex))
    return np.maximum(np.abs(half + root), np.abs(half - root))
