"""What is carried from step to step, as a state and as plain arrays, and what is reported of each."""

from typing import Any

import equinox as eqx
from jaxtyping import Array

from .._base.types import Key, Params, Scalar, Weights


class TrainState(eqx.Module):
    """All a run needs to go on.

    - `params`: network and unknown coefficients; `previous`: those of the step before, in case loss or gradient turn
      out not to be finite at the present ones;
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
    """What a step reports: figures at the parameters it started from, and the rate and weights it used.

    - `losses`: mean square of each condition's residual, unweighted; `weights`: means over the points;
    - `learning_rate`: NaN where the optimizer keeps its rate to itself;
    - `finite`: whether loss, gradient and update were.
    """

    loss: Scalar
    losses: dict[str, Scalar]
    gradient_norm: Scalar
    learning_rate: Scalar
    weights: Weights
    finite: Array
