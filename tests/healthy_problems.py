"""Problems with known solutions that `fit` solves as they stand, beside those that are built in."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from scipy.special import j0

from pinnkit import Box, Condition, Interval, PointSet, Problem, Unknown, laplacian, partial, periodic
from pinnkit.equations.registry import find_problem

from .problems_for_tests import LINE, SQUARE, decay_rate, poisson, stokes
from .unsolvable_problems import block

TIME, ROD = Interval(t=(0.0, 1.0)), Box(x=(0.0, 1.0), t=(0.0, 1.0))


def ode(name: str, rate: Callable, start: float, exact: Callable, end: float = 1.0) -> Problem:
    """u' = rate(u, t)."""
    time = Interval(t=(0.0, end))
    conditions = {
        "ode": Condition(lambda u, t: u.t - rate(u, t), on=time.interior),
        "start": Condition(lambda u: u - start, on=time.start()),
    }
    return Problem(name, time, conditions, reference=exact)


def oscillator() -> Problem:
    """Position and velocity."""
    time = Interval(t=(0.0, 6.0))
    conditions = {
        "motion": Condition(lambda q, p: [q.t - p, p.t + q], on=time.interior),
        "start": Condition(lambda q, p: [q - 1.0, p], on=time.start()),
    }
    return Problem("oscillator", time, conditions, ("q", "p"), reference=lambda t: {"q": np.cos(t), "p": -np.sin(t)})


def chain() -> Problem:
    """Three species that decay into each other."""
    conditions = {
        "decay": Condition(lambda a, b, c: [a.t + 2 * a, b.t - 2 * a + b, c.t - b], on=TIME.interior),
        "start": Condition(lambda a, b, c: [a - 1.0, b, c], on=TIME.start()),
    }

    def exact(t):
        a, b = np.exp(-2 * t), 2 * (np.exp(-t) - np.exp(-2 * t))
        return {"a": a, "b": b, "c": 1 - a - b}

    return Problem("chain", TIME, conditions, ("a", "b", "c"), reference=exact)


def line(name: str, equation: Callable, left: Callable, right: Callable, exact: Callable, **options) -> Problem:
    conditions = {
        "equation": Condition(equation, on=LINE.interior),
        "left": Condition(left, on=LINE.lower_face("x")),
        "right": Condition(right, on=LINE.upper_face("x")),
    }
    return Problem(name, LINE, conditions, reference=exact, **options)


def robin() -> Problem:
    """u'' = u, u' = u − 1 + ... at both ends of exp(x)."""
    return line("robin", lambda u: u.xx - u, lambda u: u.x - u, lambda u: u.x + u - 2 * np.e, lambda x: np.exp(x))


def offset() -> Problem:
    """Temperatures around 300 K that vary by 2 K."""
    exact = lambda x: 300 + 2 * x + 0.5 * x * (1 - x)
    return line("offset", lambda T: T.xx + 1, lambda T: T - 300.0, lambda T: T - 302.0, exact, fields=("T",))


def pressurised() -> Problem:
    """Solutions of size 1e8."""
    return line("large", lambda u: u.xx - u, lambda u: u - 1e8, lambda u: u - 1e8 * np.e, lambda x: 1e8 * np.exp(x))


def microscopic() -> Problem:
    """Solutions of size 1e-9 over a length of 1e-6."""
    film = Interval(x=(0.0, 1e-6))
    conditions = {
        "equation": Condition(lambda u: u.xx + 1e3, on=film.interior),
        "ends": Condition(lambda u: u, on=film.boundary("x")),
    }
    return Problem("microscopic", film, conditions, reference=lambda x: 500 * x * (1e-6 - x))


def beam() -> Problem:
    """A clamped beam under uniform load."""
    conditions = {
        "load": Condition(lambda w: w.xxxx - 24, on=LINE.interior),
        "ends": Condition(lambda w: [w, w.x], on=LINE.boundary("x")),
    }
    return Problem("beam", LINE, conditions, ("w",), reference=lambda x: (x * (1 - x)) ** 2)


def disk() -> Problem:
    """The equation of Bessel's function, singular on the axis."""
    disk = Interval(r=(0.0, 2.0))
    conditions = {
        "bessel": Condition(lambda u, r: r * u.rr + u.r + r * u, on=disk.interior),
        "rim": Condition(lambda u: u - j0(2.0), on=disk.upper_face("r")),
    }
    return Problem("disk", disk, conditions, reference=lambda r: j0(r))


def graded() -> Problem:
    """A conductivity that varies."""
    exact = lambda x: np.log1p(x) / np.log(2)
    return line("graded", lambda u, x: partial((1 + x) * u.x, "x"), lambda u: u, lambda u: u - 1, exact)


def straight() -> Problem:
    return line("straight", lambda u: u.xx, lambda u: u - 1.0, lambda u: u - 7.0, lambda x: 1 + 6 * x)


def level() -> Problem:
    """A solution that is constant."""
    return line("level", lambda u: u.xx, lambda u: u.x, lambda u: u - 5.0, lambda x: 5 + 0 * x)


def harmonic() -> Problem:
    conditions = {
        "laplace": Condition(lambda u: laplacian(u), on=SQUARE.interior),
        "rim": Condition(lambda u, x, y: u - x**2 + y**2, on=SQUARE.boundary()),
    }
    return Problem("harmonic", SQUARE, conditions, reference=lambda x, y: x**2 - y**2)


def mixed() -> Problem:
    """Values on two sides, fluxes on the others."""
    conditions = {
        "pde": Condition(lambda u, x, y: laplacian(u) + 2 * jnp.sin(x) * jnp.cos(y), on=SQUARE.interior),
        "sides": Condition(lambda u, x, y: u - jnp.sin(x) * jnp.cos(y), on=SQUARE.boundary("x")),
        "flux": Condition(lambda u, x, y: u.y + jnp.sin(x) * jnp.sin(y), on=SQUARE.boundary("y")),
    }
    return Problem("mixed", SQUARE, conditions, reference=lambda x, y: np.sin(x) * np.cos(y))


def heat() -> Problem:
    conditions = {
        "pde": Condition(lambda u: u.t - 0.1 * u.xx, on=ROD.interior),
        "initial": Condition(lambda u, x: u - jnp.sin(jnp.pi * x), on=ROD.start()),
        "walls": Condition(lambda u: u, on=ROD.boundary("x")),
    }
    return Problem("heat", ROD, conditions, reference=lambda x, t: np.exp(-0.1 * np.pi**2 * t) * np.sin(np.pi * x))


def ring() -> Problem:
    circle = Box(x=(0.0, 2 * np.pi), t=(0.0, 1.0))
    conditions = {
        "pde": Condition(lambda u: u.t + u.x - 0.1 * u.xx, on=circle.interior),
        "initial": Condition(lambda u, x: u - jnp.sin(x), on=circle.start()),
        "period": periodic(circle, "x", order=1),
    }
    return Problem("ring", circle, conditions, reference=lambda x, t: np.exp(-0.1 * t) * np.sin(x - t))


def rod_in_si_units() -> Problem:
    """Steel, heated: metres, seconds and kelvins, its equation divided by ρc."""
    rod, diffusivity = Box(x=(0.0, 0.1), t=(0.0, 200.0)), 1.2e-5
    rate = diffusivity * (np.pi / 0.1) ** 2
    conditions = {
        "heat": Condition(lambda T: T.t - diffusivity * T.xx, on=rod.interior),
        "start": Condition(lambda T, x: T - 300.0 - 40 * jnp.sin(jnp.pi * x / 0.1), on=rod.start()),
        "ends": Condition(lambda T: T - 300.0, on=rod.boundary("x")),
    }
    exact = lambda x, t: 300 + 40 * np.exp(-rate * t) * np.sin(np.pi * x / 0.1)
    return Problem("rod", rod, conditions, ("T",), reference=exact)


def bar_in_si_units() -> Problem:
    """A displacement of 5e-4 m beside a stress of 1e8 Pa, each row in units of its own."""
    modulus, pull = 210e9, 1e8
    conditions = {
        "law": Condition(lambda u, s: s / modulus - u.x, on=LINE.interior),
        "balance": Condition(lambda s, x: s.x / pull + 1, on=LINE.interior),
        "held": Condition(lambda u: u, on=LINE.lower_face("x")),
        "free": Condition(lambda s: s / pull, on=LINE.upper_face("x")),
    }
    exact = lambda x: {"u": pull / modulus * (x - x**2 / 2), "s": pull * (1 - x)}
    return Problem("bar", LINE, conditions, ("u", "s"), reference=exact)


def diffusivity() -> Problem:
    """Find k in u_t = k u_xx from values without noise."""
    x, t = np.meshgrid(np.linspace(0.1, 0.9, 5), np.linspace(0.0, 1.0, 5))
    sample = np.exp(-0.1 * np.pi**2 * t) * np.sin(np.pi * x)
    conditions = {
        "pde": Condition(lambda u, k: u.t - k * u.xx, on=ROD.interior),
        "initial": Condition(lambda u, x: u - jnp.sin(jnp.pi * x), on=ROD.start()),
        "walls": Condition(lambda u: u, on=ROD.boundary("x")),
        "data": Condition(
            lambda u, sample: u - sample, on=PointSet({"x": x.ravel(), "t": t.ravel()}, sample=sample.ravel())
        ),
    }
    return Problem("diffusivity", ROD, conditions, coefficients={"k": Unknown(0.3)}, reference=heat().reference)


def inner_face() -> Problem:
    """A value prescribed in the middle: u = 6x."""
    half = Box(x=(0.0, 0.5))
    conditions = {
        "pde": Condition(lambda u: u.xx, on=LINE.interior),
        "left": Condition(lambda u: u, on=LINE.lower_face("x")),
        "middle": Condition(lambda u: u - 3.0, on=half.upper_face("x")),
    }
    return Problem("inner_face", LINE, conditions, reference=lambda x: 6 * x)


def equal_ends() -> Problem:
    """Values that are periodic while slopes are not."""
    conditions = {
        "pde": Condition(lambda u: u.xx + 1.0, on=LINE.interior),
        "ends": periodic(LINE, "x", order=0),
        "middle": Condition(lambda u: u - 1.0, on=PointSet({"x": [0.5]})),
    }
    return Problem("equal_ends", LINE, conditions, reference=lambda x: 7 / 8 + (x - x**2) / 2)


def zero_mean() -> Problem:
    """Fluxes at both ends, and the mean of the solution."""
    nodes, weights = np.polynomial.legendre.leggauss(16)
    nodes, weights = (nodes + 1) / 2, weights / 2
    conditions = {
        "pde": Condition(lambda u, x: u.xx + jnp.pi**2 * jnp.cos(jnp.pi * x), on=LINE.interior),
        "flux": Condition(lambda u: u.x, on=LINE.boundary("x")),
        "mean": Condition(lambda u: jnp.dot(weights, u(x=nodes).value), on=LINE.lower_face("x")),
    }
    return Problem("zero_mean", LINE, conditions, reference=lambda x: np.cos(np.pi * x))


QUICK: dict[str, Callable[[], Problem]] = {
    "poisson": poisson,
    "bar": bar_in_si_units,
    "growth": lambda: ode("growth", lambda u, t: u, 1.0, lambda t: np.exp(t)),
}

SLOW: dict[str, Callable[[], Problem]] = {
    "offset": offset,
    "straight": straight,
    "robin": robin,
    "logistic": lambda: ode("logistic", lambda u, t: 3 * u * (1 - u), 0.1, lambda t: 1 / (1 + 9 * np.exp(-3 * t))),
    "hyperbola": lambda: ode("hyperbola", lambda u, t: -(u**2), 1.0, lambda t: 1 / (1 + t)),
    "stiff": lambda: ode(
        "stiff", lambda u, t: -50 * (u - jnp.cos(t)) - jnp.sin(t), 2.0, lambda t: np.cos(t) + np.exp(-50 * t)
    ),
    "forced": lambda: ode("forced", lambda u, t: jnp.cos(5 * t), 0.0, lambda t: np.sin(5 * t) / 5, 3.0),
    "fast reaction": lambda: ode("fast_reaction", lambda u, t: -1e6 * u**2, 1.0, lambda t: 1 / (1 + 1e6 * t)),
    "robertson": lambda: find_problem("robertson"),
    "oscillator": oscillator,
    "chain": chain,
    "large": pressurised,
    "microscopic": microscopic,
    "beam": beam,
    "disk": disk,
    "graded": graded,
    "level": level,
    "harmonic": harmonic,
    "mixed": mixed,
    "heat": heat,
    "ring": ring,
    "rod": rod_in_si_units,
    "decay_rate": decay_rate,
    "diffusivity": diffusivity,
    "stokes": stokes,
    "inner_face": inner_face,
    "equal_ends": equal_ends,
    "zero_mean": zero_mean,
    "block": block,
}

BUILT_IN = (
    "advection",
    "burgers",
    "convection",
    "heat_multiscale",
    "helmholtz_2d",
    "kovasznay",
    "poisson_1d",
    "poisson_1d_multiscale",
    "poisson_2d",
    "reaction",
    "wave_1d",
)
"""Without those that take minutes, for which the benchmark of accuracy stands."""
