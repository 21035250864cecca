"""The relative validation losses at which the automatic procedure decides."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Thresholds:
    """Validation losses over their initial values, of squares: 1e-9 means residuals a thirty-thousandth of the initial.

    - `exhausted`: nothing is to be gained below this in double precision;
    - `solved`: a wider network is not worth its time; `converged`: the problem counts as solved;
    - `settled`: a trial has found the bandwidth, also for wider networks;
    - `hopeless`: a trial above this gives no information about the bandwidth;
    - `failed`: nonlinear equations that one network leaves above this may not be solvable from zero;
    - `far`: a trial above this is of a solution with fronts or many scales, for which windows are many and large;
    - `worthwhile`: what is tried next must be predicted to leave at most this share of the loss;
    - `gain`: the same where the time that is left has no other use;
    - `sufficient`, `sufficient_windows`: no deep network is tried below this, after one network for all times or after
      time windows.
    """

    exhausted: float = 1e-20
    solved: float = 1e-17
    converged: float = 1e-9
    settled: float = 1e-6
    hopeless: float = 0.5
    failed: float = 1e-3
    far: float = 0.1
    worthwhile: float = 0.1
    gain: float = 0.5
    sufficient: float = 1e-7
    sufficient_windows: float = 3e-5
