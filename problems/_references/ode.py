"""Systems y' = f(y) to nearly machine precision, for reference solutions: Radau IIA of order 5 with tiny steps."""

from dataclasses import dataclass

import numpy as np
from scipy.integrate import solve_ivp
from scipy.interpolate import CubicHermiteSpline


def solve(rates, start, end, rtol=1e-12, atol=1e-14):
    """Integrate y' = rates(*y) from 0 to `end`.

    **Returns:** the arrays of a `Trajectory`.

    **Raises:** `ValueError` if the integrator stops early.
    """
    function = lambda _, y: rates(*y)
    found = solve_ivp(function, (0.0, end), start, "Radau", rtol=rtol, atol=atol)
    if not found.success:
        raise ValueError(f"the reference ends at t = {found.t[-1]:.6g}, before {end:g}: {found.message}")
    return {"times": found.t, "values": found.y, "slopes": np.array([function(0.0, y) for y in found.y.T]).T}


@dataclass(frozen=True)
class Trajectory:
    """Values and slopes, of shape `(m, n)`, at the `times` of the steps."""

    times: np.ndarray
    values: np.ndarray
    slopes: np.ndarray

    def __call__(self, t):
        """y at times of shape `(k,)`, of shape `(m, k)`: cubic between the steps."""
        return CubicHermiteSpline(self.times, self.values, self.slopes, axis=1)(t)
