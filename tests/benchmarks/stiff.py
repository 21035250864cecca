"""A problem on which a time budget is hard to keep: a plate in SI units that radiates."""

import functools

import numpy as np
from scipy.integrate import solve_ivp
from scipy.interpolate import RectBivariateSpline

from pinnkit import Box, Condition, Problem

DENSITY, CAPACITY, CONDUCTIVITY, EMISSION = 3000.0, 1000.0, 20.0, 5.67e-8
AROUND = 300.0, 310.0
"""Temperatures around the faces of the plate."""


@functools.cache
def _temperature(cells: int = 400, end: float = 1e5) -> RectBivariateSpline:
    """By finite volumes and BDF."""
    z = np.linspace(0, 1, cells + 1)
    volumes = np.full(cells + 1, z[1])
    volumes[[0, -1]] /= 2

    def rates(_, T):
        inside = -CONDUCTIVITY * np.diff(T) / z[1]
        flux = np.r_[EMISSION * (AROUND[0] ** 4 - T[0] ** 4), inside, EMISSION * (T[-1] ** 4 - AROUND[1] ** 4)]
        return -np.diff(flux) / volumes / DENSITY / CAPACITY

    times, start = end * np.linspace(0, 1, 301), np.full(cells + 1, AROUND[0])
    return RectBivariateSpline(
        z, times, solve_ivp(rates, (0, end), start, "BDF", rtol=1e-10, atol=1e-10, t_eval=times).y
    )


def _radiating_plate() -> Problem:
    plate = Box(z=(0.0, 1.0), t=(0.0, 1e5))
    conditions = {
        "heat": Condition(lambda T: DENSITY * CAPACITY * T.t - CONDUCTIVITY * T.zz, on=plate.interior),
        "start": Condition(lambda T: T - AROUND[0], on=plate.start()),
        "left": Condition(lambda T: CONDUCTIVITY * T.z - EMISSION * (T**4 - AROUND[0] ** 4), on=plate.lower_face("z")),
        "right": Condition(lambda T: CONDUCTIVITY * T.z + EMISSION * (T**4 - AROUND[1] ** 4), on=plate.upper_face("z")),
    }
    reference = lambda z, t: _temperature().ev(z, t)
    return Problem("radiating_plate", plate, conditions, fields=("T",), reference=reference)


radiating_plate = _radiating_plate()
