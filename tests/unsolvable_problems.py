"""Problems that are wrong, not determined, badly scaled, or that a small run cannot solve: none may be called solved.

Each is a problem and the arguments of `fit`. Where there is a true solution it stands as the reference; most tests look
at the run without it too.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from pinnkit import Box, Condition, Interval, PointSet, Problem, Unknown, grad, laplacian, partial
from pinnkit.equations.registry import find_problem

from .problems_for_tests import LINE, SQUARE, poisson

ROD = Box(x=(0.0, 1.0), t=(0.0, 1.0))


class Case(NamedTuple):
    """- `problem`: made when it is run; `options`: of `fit`."""

    problem: Callable[[], Problem]
    options: dict[str, Any]


def trained(problem: Callable[[], Problem] | str, steps: int, **options: Any) -> Case:
    """A small network that gets so few steps."""
    make = (lambda: find_problem(problem)) if isinstance(problem, str) else problem
    return Case(make, {"strategy": "gauss-newton", "width": 8, "depth": 1, "points": 100, "steps": steps, **options})


def adam(problem: Callable[[], Problem] | str, steps: int = 100, **options: Any) -> Case:
    return trained(problem, steps, **{"strategy": "adam", **options})


def automatic(problem: Callable[[], Problem], **options: Any) -> Case:
    return Case(problem, {"budget": 20.0, **options})


def line(equation: Callable, left: Callable | None = None, right: Callable | None = None, **options: Any) -> Problem:
    conditions = {"equation": Condition(equation, on=LINE.interior)}
    conditions |= {"left": Condition(left, on=LINE.lower_face("x"))} if left is not None else {}
    conditions |= {"right": Condition(right, on=LINE.upper_face("x"))} if right is not None else {}
    return Problem("line", LINE, conditions, **options)


def in_time(equation: Callable, start: Callable, end: float, fields: tuple[str, ...] = ("u",), exact=None) -> Problem:
    time = Interval(t=(0.0, end))
    conditions = {"ode": Condition(equation, on=time.interior), "start": Condition(start, on=time.start())}
    return Problem("ode", time, conditions, fields, reference=exact)


# What a run of this size cannot resolve.


def fast_oscillator() -> Problem:
    exact = lambda t: np.cos(30 * t)
    return in_time(lambda u: u.tt + 900 * u, lambda u: [u - 1, u.t], 10.0, exact=exact)


def van_der_pol() -> Problem:
    return in_time(lambda u: u.tt - 20 * (1 - u**2) * u.t + u, lambda u: [u - 2, u.t], 40.0)


def lorenz() -> Problem:
    motion = lambda x, y, z: [x.t - 10 * (y - x), y.t - x * (28 - z) + y, z.t - x * y + 8 / 3 * z]
    return in_time(motion, lambda x, y, z: [x - 1, y - 1, z - 1], 20.0, ("x", "y", "z"))


def robertson() -> Problem:
    """Errors of 35 to 199 % were once called converged."""
    kinetics = lambda a, b, c: [
        a.t + 0.04 * a - 1e4 * b * c,
        b.t - 0.04 * a + 3e7 * b**2 + 1e4 * b * c,
        c.t - 3e7 * b**2,
    ]
    return in_time(kinetics, lambda a, b, c: [a - 1, b, c], 40.0, ("a", "b", "c"))


def fast_sine() -> Problem:
    return line(
        lambda u, x: u.xx + (16 * jnp.pi) ** 2 * jnp.sin(16 * jnp.pi * x),
        lambda u: u,
        lambda u: u,
        reference=lambda x: np.sin(16 * np.pi * x),
    )


def boundary_layer() -> Problem:
    exact = lambda x: np.expm1(x / 1e-3 - 1e3) + 1
    return line(lambda u: 1e-3 * u.xx - u.x, lambda u: u, lambda u: u - 1, reference=exact)


def shock() -> Problem:
    """Inviscid Burgers' equation after the waves broke."""
    tube = Box(x=(-1.0, 1.0), t=(0.0, 1.0))
    conditions = {
        "pde": Condition(lambda u: u.t + u * u.x, on=tube.interior),
        "initial": Condition(lambda u, x: u + jnp.sin(jnp.pi * x), on=tube.start()),
        "walls": Condition(lambda u: u, on=tube.boundary("x")),
    }
    return Problem("shock", tube, conditions)


def step_in_the_data() -> Problem:
    return line(lambda u, x: u.x - jnp.where(jnp.abs(x - 0.5) < 0.005, 100.0, 0.0), lambda u: u)


def eikonal() -> Problem:
    return line(lambda u: u.x**2 - 1, lambda u: u, lambda u: u)


def blow_up() -> Problem:
    """u = 1 / (1 − t), beyond t = 1."""
    return in_time(lambda u: u.t - u**2, lambda u: u - 1, 1.5)


def radiating_plate() -> Problem:
    """Temperatures of 300.0 to 302.6 K: an error of 6 % of the rise is one of 2e-5 of the temperature."""
    plate = Box(z=(0.0, 1.0), t=(0.0, 1e5))
    conditions = {
        "heat": Condition(lambda T: 3e6 * T.t - 20 * T.zz, on=plate.interior),
        "start": Condition(lambda T: T - 300.0, on=plate.start()),
        "left": Condition(lambda T: 20 * T.z - 5.67e-8 * (T**4 - 300.0**4), on=plate.lower_face("z")),
        "right": Condition(lambda T: 20 * T.z + 5.67e-8 * (T**4 - 310.0**4), on=plate.upper_face("z")),
    }
    return Problem("plate", plate, conditions, ("T",))


# What is scaled so that the loss does not see a part of it.


def block() -> Problem:
    """A block of steel under pressure, in metres and pascals, with both in one condition."""
    modulus, nu, pressure = 210e9, 0.3, -100e6
    lam, mu = modulus * nu / (1 + nu) / (1 - 2 * nu), modulus / 2 / (1 + nu)
    block = Box(x=(0.0, 0.1), y=(0.0, 0.2))
    strains = lambda u, v: (u.x, v.y, (u.y + v.x) / 2)

    def stress(u, v):
        x, y, shear = strains(u, v)
        return lam * (x + y) + 2 * mu * x, lam * (x + y) + 2 * mu * y, 2 * mu * shear

    def balance(u, v):
        sx, sy, shear = stress(u, v)
        return [partial(sx, "x") + partial(shear, "y"), partial(shear, "x") + partial(sy, "y")]

    conditions = {
        "balance": Condition(balance, on=block.interior),
        "axis": Condition(lambda u, v: [u, stress(u, v)[2]], on=block.lower_face("x")),
        "free": Condition(lambda u, v: [stress(u, v)[0], stress(u, v)[2]], on=block.upper_face("x")),
        "bottom": Condition(lambda u, v: [v, stress(u, v)[2]], on=block.lower_face("y")),
        "press": Condition(lambda u, v: [stress(u, v)[1] - pressure, stress(u, v)[2]], on=block.upper_face("y")),
    }
    plane = modulus / (1 - nu**2)
    exact = lambda x, y: {"u": -nu / (1 - nu) * pressure / plane * x, "v": pressure / plane * y}
    return Problem("block", block, conditions, ("u", "v"), reference=exact)


def faint_ends() -> Problem:
    """Ends that hardly count: any straight line may be added."""
    conditions = {
        "pde": Condition(lambda u, x: u.xx + jnp.pi**2 * jnp.sin(jnp.pi * x), on=LINE.interior),
        "ends": Condition(lambda u: 1e-9 * u, on=LINE.boundary("x")),
    }
    return Problem("faint", LINE, conditions, reference=lambda x: np.sin(np.pi * x))


def tiny_field() -> Problem:
    """A field of 1e-7 beside one of 1, each in a condition of its own."""
    conditions = {
        "large": Condition(lambda u, x: u.xx + jnp.sin(3 * x), on=LINE.interior),
        "small": Condition(lambda v, x: v.xx + 1e-7 * jnp.cos(3 * x), on=LINE.interior),
        "ends": Condition(lambda u, v: [u, v], on=LINE.boundary("x")),
    }
    return Problem("tiny", LINE, conditions, ("u", "v"))


# What has no solution, or not the one that is given.


def contradiction() -> Problem:
    """Two values at one point."""
    conditions = {
        "pde": Condition(lambda u: u.xx, on=LINE.interior),
        "one": Condition(lambda u: u - 1, on=LINE.lower_face("x")),
        "two": Condition(lambda u: u - 2, on=PointSet({"x": [0.0, 1.0]})),
    }
    return Problem("contradiction", LINE, conditions)


def unbalanced_flux() -> Problem:
    """A source and insulated ends: the temperature never stops to rise."""
    return line(lambda u: u.xx + 1, lambda u: u.x, lambda u: u.x)


def wrong_reference() -> Problem:
    return Problem("wrong", LINE, poisson().conditions, reference=lambda x: np.sin(np.pi * x) + 0.1 * x)


def noise_only() -> Problem:
    rng = np.random.default_rng(0)
    x = np.linspace(0.02, 0.98, 60)
    conditions = {
        "pde": Condition(lambda u: u.xx, on=LINE.interior),
        "data": Condition(lambda u, sample: u - sample, on=PointSet({"x": x}, sample=rng.standard_normal(60))),
    }
    return Problem("noise", LINE, conditions)


def not_finite_on_a_face() -> Problem:
    conditions = {
        "pde": Condition(lambda u: laplacian(u), on=SQUARE.interior),
        "rim": Condition(lambda u, x, y: u - jnp.where(y == 1.0, jnp.nan, x), on=SQUARE.boundary("x")),
    }
    return Problem("pole", SQUARE, conditions)


# What jumps under a derivative.


def layers() -> Problem:
    """The flux at the jump is lost; right: T(1/2) = 10/11."""
    exact = lambda x: np.where(x < 0.5, 20 / 11 * x, 1 - 2 / 11 * (1 - x))
    conductivity = lambda x: jnp.where(x < 0.5, 1.0, 10.0)
    return line(
        lambda T, x: partial(conductivity(x) * T.x, "x"), lambda T: T, lambda T: T - 1, fields=("T",), reference=exact
    )


def fuel_rod() -> Problem:
    rod = Interval(r=(0.01, 1.0))

    def heat(T, r):
        k = jnp.where(r < 0.9, 1 / (1 + 0.5 * T), 0.3)
        return partial(r * k * T.r, "r") + r * jnp.where(r < 0.9, 4.0, 0.0)

    conditions = {
        "heat": Condition(heat, on=rod.interior),
        "axis": Condition(lambda T: T.r, on=rod.lower_face("r")),
        "coolant": Condition(lambda T: T, on=rod.upper_face("r")),
    }
    source = 2 * (0.9**2 - 0.01**2)
    at_gap = np.log(1 + 0.5 * source / 0.3 * np.log(1 / 0.9)) / 0.5

    def exact(r):
        theta = at_gap + 0.9**2 - r**2 - 2e-4 * np.log(0.9 / r)
        return np.where(r < 0.9, np.expm1(0.5 * theta) / 0.5, source / 0.3 * np.log(1 / r))

    return Problem("fuel_rod", rod, conditions, ("T",), reference=exact)


def inclusion() -> Problem:
    def heat(T, x, y):
        k = jnp.where((x > 0.2) & (x < 0.5) & (y > 0.2) & (y < 0.5), 10.0, 1.0)
        return partial(k * T.x, "x") + partial(k * T.y, "y")

    conditions = {
        "heat": Condition(heat, on=SQUARE.interior),
        "hot": Condition(lambda T: T - 100, on=SQUARE.lower_face("x")),
        "warm": Condition(lambda T: T - 50, on=SQUARE.upper_face("x")),
        "insulated": Condition(lambda T: T.y, on=SQUARE.boundary("y")),
    }
    return Problem("inclusion", SQUARE, conditions, ("T",))


# What the conditions do not determine.


def free_constant() -> Problem:
    return line(lambda u, x: u.xx + jnp.pi**2 * jnp.cos(jnp.pi * x), lambda u: u.x, lambda u: u.x)


def free_cosine() -> Problem:
    """B cos x may be added to the first field."""
    span = Interval(x=(np.pi / 2, np.pi))
    conditions = {
        "ode": Condition(lambda y1, y2: [y1.x - y2, y2.x + y1], on=span.interior),
        "left": Condition(lambda y1: y1 - 1.0, on=span.lower_face("x")),
        "right": Condition(lambda y2: y2 + 1.0, on=span.upper_face("x")),
    }
    return Problem("free_cosine", span, conditions, ("y1", "y2"))


def no_ends() -> Problem:
    return line(lambda u: u.xx - 1)


def one_end() -> Problem:
    return line(lambda u: u.xx - 1, lambda u: u)


def free_mode() -> Problem:
    """Any multiple of sin πx may be added to cos πx."""
    return line(lambda u: u.xx + jnp.pi**2 * u, lambda u: u - 1, lambda u: u + 1)


def free_level() -> Problem:
    """A pressure that enters by its gradient only."""
    conditions = {
        "gradient": Condition(lambda p, x, y: grad(p) - jnp.stack([y, x]), on=SQUARE.interior),
    }
    return Problem("free_level", SQUARE, conditions, ("p",))


def insulated_plate() -> Problem:
    source = lambda x, y: jnp.cos(jnp.pi * x) * jnp.cos(jnp.pi * y)
    conditions = {
        "pde": Condition(lambda u, x, y: laplacian(u) + source(x, y), on=SQUARE.interior),
        "rim": Condition(lambda u, normal: grad(u) @ normal, on=SQUARE.boundary()),
    }
    return Problem("insulated", SQUARE, conditions)


def no_start() -> Problem:
    conditions = {
        "pde": Condition(lambda u: u.t - u.xx, on=ROD.interior),
        "walls": Condition(lambda u, t: u - jnp.sin(t), on=ROD.boundary("x")),
    }
    return Problem("no_start", ROD, conditions)


def no_velocity() -> Problem:
    conditions = {
        "pde": Condition(lambda u: u.tt - u.xx, on=ROD.interior),
        "initial": Condition(lambda u, x: u - jnp.sin(jnp.pi * x), on=ROD.start()),
        "walls": Condition(lambda u: u, on=ROD.boundary("x")),
    }
    return Problem("no_velocity", ROD, conditions)


def two_factors() -> Problem:
    """Only the product of two coefficients is determined."""
    x = np.linspace(0, 1, 9)
    conditions = {
        "ode": Condition(lambda u, k, m: u.x + k * m * u, on=LINE.interior),
        "data": Condition(lambda u, sample: u - sample, on=PointSet({"x": x}, sample=np.exp(-2 * x))),
    }
    return Problem("factors", LINE, conditions, coefficients={"k": Unknown(1.0), "m": Unknown(1.5)})


QUICK: dict[str, Case] = {
    "one step": adam("poisson_1d", 1),
    "4 points": trained(fast_sine, 30, points=4, width=16),
    "wrong reference": trained(wrong_reference, 30, width=16),
    "contradiction": trained(contradiction, 20),
}

SLOW: dict[str, Case] = {
    "no step": trained(poisson, 0, constraints="soft"),
    "17 parameters": trained(fast_sine, 30, width=5),
    "fast oscillator": trained(fast_oscillator, 10),
    "unbalanced flux": trained(unbalanced_flux, 20),
    "multiscale": adam("poisson_1d_multiscale"),
    "Burgers": adam("burgers"),
    "Helmholtz": adam("helmholtz_2d"),
    "convection": adam("convection"),
    "Allen-Cahn": adam("allen_cahn"),
    "wave": adam("wave_1d", constraints="soft"),
    "van der Pol": trained(van_der_pol, 10),
    "Lorenz": trained(lorenz, 10),
    "Robertson": trained(robertson, 30, width=16),
    "boundary layer": trained(boundary_layer, 10),
    "shock": trained(shock, 20),
    "step": trained(step_in_the_data, 20),
    "eikonal": trained(eikonal, 30),
    "blow-up": trained(blow_up, 20),
    "radiating plate": adam(radiating_plate, constraints="soft"),
    "block": automatic(block, constraints="soft"),
    "block, trained": adam(block, constraints="soft"),
    "faint ends": trained(faint_ends, 10, constraints="soft", weights={"ends": 1.0}),
    "tiny field": adam(tiny_field, constraints="soft"),
    "noise": trained(noise_only, 20),
    "pole": adam(not_finite_on_a_face, 20, constraints="soft"),
    "single precision": adam(fast_sine, precision="single"),
}

JUMPS: dict[str, Case] = {
    "layers": automatic(layers),
    "layers, trained": trained(layers, 20),
    "fuel rod": automatic(fuel_rod),
    "inclusion": trained(inclusion, 10),
}
"""Refused, or not called solved."""

UNDETERMINED: dict[str, Case] = {
    "free constant": automatic(free_constant),
    "free cosine": automatic(free_cosine),
    "no ends": automatic(no_ends),
    "one end": automatic(one_end),
    "free mode": automatic(free_mode),
    "free level": automatic(free_level),
    "insulated plate": automatic(insulated_plate),
    "no start": automatic(no_start),
    "no velocity": automatic(no_velocity),
    "two factors": automatic(two_factors),
}
