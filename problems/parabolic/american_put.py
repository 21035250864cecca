"""American put, min(p_t − ½σ² p_xx − (r − ½σ²) p_x + r p, V − (1 − eˣ)⁺) = 0, for the premium p of early exercise.

x is the logarithm of the price over the strike, t the time to expiry in years, V = p + the European value, over the
strike; σ = 0.2 and r = 0.05 per year. The equation holds for V, too, but V has a kink at expiry, where p = 0. Exercise
is certain at x = −0.5, as V = 1 − eˣ, and p < 1e-9 at x = 1.
Kim, *The analytic valuation of American options*, Rev. Financ. Stud. 3, 1990.

Reference: Kim's integral equation for the boundary of exercise, a polynomial of degree 40 with 200 Gauss nodes. With
degree 60 and 400 nodes it differs by 1.3e-7 in the relative L2 norm, by at most 2e-9.
"""

import jax.numpy as jnp
import numpy as np
from jax.scipy import stats
from scipy.special import ndtr

from pinnkit import Box, Problem, complementarity, dirichlet, initial
from pinnkit.problems._references import american_put as exercise
from pinnkit.problems._references.cache import on_disk

domain = Box(x=(-0.5, 1.0), t=(0.0, 1.0))


def european(x, t, sigma, r, exp=jnp.exp, cdf=stats.norm.cdf):
    d = exercise.quantile(x, t, r, sigma)
    return exp(-r * t) * cdf(-d) - exp(x) * cdf(-d - sigma * t**0.5)


def holding(p, sigma, r):
    """What is lost by holding, per year: zero where the put is held."""
    return p.t - sigma**2 * p.xx / 2 - (r - sigma**2 / 2) * p.x + r * p


def above_payoff(p, x, t, sigma, r):
    return p + european(x, t, sigma, r) - jnp.maximum(1 - jnp.exp(x), 0.0)


@on_disk(exercise.Put)
def put(sigma, r):
    return exercise.solve(r, sigma, domain.upper[1])


def reference(x, t, sigma, r):
    later = np.maximum(t, 1e-12)
    exercised = x <= put(sigma, r).log_boundary(t)
    gain = 1 - np.exp(x) - european(x, later, sigma, r, np.exp, ndtr)
    return np.where(t == 0, 0.0, np.where(exercised, gain, put(sigma, r).premium(x, later)))


american_put = Problem(
    name="american_put",
    domain=domain,
    fields=("p",),
    coefficients={"sigma": 0.2, "r": 0.05},
    conditions={
        "exercise": complementarity(domain.interior, holding, above_payoff),
        "expiry": initial(domain, field="p"),
        "exercised": dirichlet(
            domain.lower_face("x"), lambda x, t, sigma, r: -above_payoff(0.0, x, t, sigma, r), field="p"
        ),
        "worthless": dirichlet(domain.upper_face("x"), field="p"),
    },
    reference=reference,
)
