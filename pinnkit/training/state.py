"""The state of training, and the figures of a step."""

from typing import Any

import equinox as eqx
from jaxtyping import Array

from .._base.types import Key, Params, Scalar, Weights


class TrainState(eqx.Module):
    """Everything a training run needs to continue.

    - `params`: network and unknown coefficients; `previous`: those of the step before, in case loss or gradient
      are not finite at the present ones;
    - `layouts`: points of each condition in the unit cube of its region;
    - `weights`: a number for each condition, or one for each of its points.
    """

    params: Params
    previous: Params
    opt_state: Any
    layouts: dict[str, Array]
    weights: Weights
    weighting_state: Any
    rate_state: Any
    key: Key
    step: Array


class StepInfo(eqx.Module):
    """Figures of a step at the parameters that it started from, and its learning rate and weights.

    - `losses`: mean square of each condition's residual, unweighted; `weights`: means over the points;
    - `coefficients`: values of the unknown ones; `learning_rate`: NaN if the optimizer does not report it;
    - `finite`: whether loss, gradient and update were.
    """

    loss: Scalar
    losses: dict[str, Scalar]
    gradient_norm: Scalar
    learning_rate: Scalar
    weights: Weights
    coefficients: dict[str, Scalar]
    finite: Array
