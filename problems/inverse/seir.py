"""An epidemic, s' = −β s i, e' = β s i − σ e, i' = σ e − γ i, r' = γ i: β, σ and γ from daily readings with noise.

Shares of a population: susceptible, exposed, infected, removed; t is in days. β = 0.5, σ = 0.25 and γ = 0.1 per day
are to be found from seir.csv, 60 readings of i and r with errors of 0.002, and the known shares at t = 0.
Hethcote, *The mathematics of infectious diseases*, SIAM Review 42, 2000.

Reference: Radau IIA at a tolerance of 1e-12. An explicit method of order 8 differs by 4e-13 in the relative L2 norm.
"""

from pathlib import Path

import numpy as np

from pinnkit import Condition, Interval, Problem, Unknown, data
from pinnkit.problems._references import ode
from pinnkit.problems._references.cache import on_disk

domain = Interval(t=(0.0, 60.0), units={"t": "d"})
start = 0.98, 0.02, 0.0, 0.0
true_coefficients = {"beta": 0.5, "sigma": 0.25, "gamma": 0.1}
noise = 0.002


def rates(s, e, i, r, beta, sigma, gamma):
    return [-beta * s * i, beta * s * i - sigma * e, sigma * e - gamma * i, gamma * i]


@on_disk(ode.Trajectory)
def trajectory():
    return ode.solve(lambda *shares: rates(*shares, **true_coefficients), start, domain.upper[0])


def readings():
    """The rows of seir.csv: t, i and r."""
    t = np.arange(1.0, 61.0)
    exact = trajectory()(t)[2:]
    return np.stack([t, *(exact + noise * np.random.default_rng(0).standard_normal(exact.shape))], axis=1)


def equations(s, e, i, r, beta, sigma, gamma):
    slopes = rates(s, e, i, r, beta, sigma, gamma)
    return [field.t - slope for field, slope in zip((s, e, i, r), slopes, strict=True)]


seir = Problem(
    name="seir",
    domain=domain,
    fields=("s", "e", "i", "r"),
    units=dict.fromkeys(true_coefficients, "1/d"),
    coefficients={name: Unknown(0.3, positive=True) for name in true_coefficients},
    conditions={
        "epidemic": Condition(equations, on=domain.interior),
        "start": Condition(
            lambda s, e, i, r: [field - share for field, share in zip((s, e, i, r), start, strict=True)],
            on=domain.start(),
        ),
        "readings": data(Path(__file__).with_name("seir.csv"), domain, ("i", "r")),
    },
    reference=lambda t: trajectory()(t),
)
