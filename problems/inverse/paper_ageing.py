"""Ageing of paper, P_t = −k(T) P², k(T) = k₀ exp(−E/R (1/T − 1/T₀)): k₀ and E from readings at three temperatures.

P is the degree of polymerisation of its cellulose, 1000 at first: 1/P = 1/1000 + k t. The network takes t, in days,
and T, in K, as inputs, T₀ = 413.15 K. k₀ = 4.4e-5 per day and the activation energy E = 111 kJ/mol are to be found from
paper_ageing.csv, 48 readings of P with errors of 10.
Ekenstam, *Berichte der deutschen chemischen Gesellschaft* 69, 1936; Emsley & Stevens, *Kinetics and mechanisms of the
low-temperature degradation of cellulose*, Cellulose 1, 1994.
"""

from pathlib import Path

import jax.numpy as jnp
import numpy as np

from pinnkit import Box, Condition, Problem, Unknown, data, initial

domain = Box(t=(0.0, 30.0), units={"t": "d"}).over(parameters={"T": (393.15, 433.15)})
gas_constant, middle = 8.314462618e-3, 413.15
true_coefficients = {"k0": 4.4e-5, "E": 111.0}
noise = 10.0


def exponent(T, E):
    """That of the Arrhenius equation."""
    return -E / gas_constant * (1 / T - 1 / middle)


def exact(t, T):
    rate = true_coefficients["k0"] * np.exp(exponent(T, true_coefficients["E"]))
    return 1 / (1 / 1000 + rate * t)


def readings():
    """The rows of paper_ageing.csv: t, T and P."""
    T, t = (axis.ravel() for axis in np.meshgrid([393.15, 413.15, 433.15], np.linspace(0.0, 30.0, 16), indexing="ij"))
    return np.stack([t, T, exact(t, T) + noise * np.random.default_rng(0).standard_normal(t.size)], axis=1)


paper_ageing = Problem(
    name="paper_ageing",
    domain=domain,
    fields=("P",),
    units={"T": "K", "k0": "1/d", "E": "kJ/mol"},
    labels={"P": "degree of polymerisation"},
    coefficients={"k0": Unknown(1e-5, positive=True), "E": Unknown(80.0, positive=True)},
    conditions={
        "scission": Condition(lambda P, T, k0, E: P.t + k0 * jnp.exp(exponent(T, E)) * P**2, on=domain.interior),
        "new": initial(domain, 1000.0, field="P"),
        "readings": data(Path(__file__).with_name("paper_ageing.csv"), domain, ("P",)),
    },
    reference=exact,
)
