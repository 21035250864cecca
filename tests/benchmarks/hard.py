"""Problems of the table of accuracy that are not built in: waves, stiffness, many dimensions, eigenvalues."""

import functools

import jax.numpy as jnp
import numpy as np
from scipy.integrate import quad, solve_ivp
from scipy.interpolate import make_interp_spline

from pinnkit import Box, Condition, Interval, Problem, Unknown, laplacian
from pinnkit.problems import _etdrk4 as etdrk4


def _in_time(name, rates, start, end, fields, method="Radau"):
    """y' = rates(y) from `start`; the reference is an integrator's."""
    time = Interval(t=(0.0, end))

    @functools.cache
    def integrated():
        function = lambda t, y: rates(*y)
        return solve_ivp(function, (0, end), start, method, rtol=1e-11, atol=1e-13, dense_output=True).sol

    arguments = ", ".join(fields)
    named = lambda function: eval(f"lambda {arguments}: function([{arguments}])", {"function": function})  # noqa: S307
    conditions = {
        "ode": Condition(named(lambda y: [a.t - b for a, b in zip(y, rates(*y), strict=True)]), on=time.interior),
        "start": Condition(named(lambda y: [a - b for a, b in zip(y, start, strict=True)]), on=time.start()),
    }
    return Problem(
        name, time, conditions, fields=fields, reference=lambda t: dict(zip(fields, integrated()(t), strict=True))
    )


van_der_pol = _in_time("van_der_pol", lambda x, y: [y, 100 * (1 - x**2) * y - x], [2.0, 0.0], 200.0, ("x", "y"))

lorenz = _in_time(
    "lorenz",
    lambda x, y, z: [10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z],
    [-8.0, 7.0, 27.0],
    3.0,
    ("x", "y", "z"),
    "DOP853",
)


def _wave(name, box, force, exact):
    """u_tt = u_xx + force(u, x, t), with values and velocities from the exact solution u(x, t, numpy)."""
    conditions = {
        "pde": Condition(lambda u, x, t: u.tt - u.xx - force(u.value, x, t), on=box.interior),
        "value": Condition(lambda u, x: u - exact(x, 0.0, jnp), on=box.start()),
        "velocity": Condition(lambda u: u.t, on=box.start()),
        "walls": Condition(lambda u, x, t: u - exact(x, t, jnp), on=box.boundary("x")),
    }
    return Problem(name, box, conditions, reference=lambda x, t: exact(x, t, np))


def _breather(x, t, xp):
    return 4 * xp.arctan(0.8 * xp.cos(0.6 * t) / (0.6 * xp.cosh(0.8 * x)))


def _oscillation(x, t, xp):
    return x * xp.cos(5 * np.pi * t) + (x * t) ** 3


def _klein_gordon_force(u, x, t):
    v = _oscillation(x, t, jnp)
    source = 25 * jnp.pi**2 * x * jnp.cos(5 * jnp.pi * t) - 6 * x**3 * t + 6 * x * t**3
    return v**3 - source - u**3


sine_gordon = _wave("sine_gordon", Box(x=(-10.0, 10.0), t=(0.0, 5.0)), lambda u, x, t: -jnp.sin(u), _breather)

klein_gordon = _wave("klein_gordon", Box(x=(0.0, 1.0), t=(0.0, 1.0)), _klein_gordon_force, _oscillation)


@functools.cache
def _split_steps(modes=512, steps=8000, kept=400):
    """Fourier coefficients over time of i h_t + h_xx / 2 + |h|² h = 0 by Yoshida's fourth-order splitting."""
    x, k = -5 + 10 * np.arange(modes) / modes, 2 * np.pi * np.fft.fftfreq(modes, 1 / modes) / 10
    shares = np.array([1.0, 1 - 2 * (c := 1 / (2 - 2 ** (1 / 3))), 1.0]) * np.array([c, 1.0, c])
    h, step = (2 / np.cosh(x)).astype(complex), np.pi / 2 / steps
    levels = [np.fft.fft(h)]
    for i in range(steps):
        for share in shares:
            half = np.exp(-0.25j * k**2 * share * step)
            h = np.fft.ifft(half * np.fft.fft(h))
            h *= np.exp(1j * np.abs(h) ** 2 * share * step)
            h = np.fft.ifft(half * np.fft.fft(h))
        if (i + 1) % (steps // kept) == 0:
            levels.append(np.fft.fft(h))
    return k, make_interp_spline(np.linspace(0, np.pi / 2, kept + 1), np.array(levels), k=7)


def _soliton(x, t):
    k, coefficients = _split_steps()
    x, t, h = np.asarray(x), np.asarray(t), np.empty(len(x), complex)
    for block in np.array_split(np.arange(len(x)), len(x) // 256 + 1):
        waves = np.exp(1j * k * (x[block, None] + 5)) / len(k)
        h[block] = (coefficients(t[block]) * waves).sum(axis=1)
    return {"a": h.real, "b": h.imag}


def _schroedinger():
    box = Box(x=(-5.0, 5.0), t=(0.0, np.pi / 2))
    size = lambda a, b: a**2 + b**2
    equation = lambda a, b: [-b.t + a.xx / 2 + size(a, b) * a, a.t + b.xx / 2 + size(a, b) * b]
    conditions = {
        "pde": Condition(equation, on=box.interior),
        "initial": Condition(lambda a, b, x: [a - 2 / jnp.cosh(x), b], on=box.start()),
        "periodic": Condition.periodic(box, "x", order=1),
    }
    return Problem("schroedinger", box, conditions, fields=("a", "b"), reference=_soliton)


schroedinger = _schroedinger()


def _kuramoto_sivashinsky(name, box, factors, start, initial, period, modes, steps):
    """u_t + α u u_x + β u_xx + γ u_xxxx = 0; `initial` from places on the grid of the reference, period 2π."""
    a, b, c = factors

    @functools.cache
    def trajectory():
        k = 2 * np.pi / period * np.arange(modes)
        quadratic = lambda u: -0.5j * a * k * etdrk4.to_modes(etdrk4.on_grid(u) ** 2)
        places = 2 * np.pi * np.arange(4 * modes) / (4 * modes)
        return etdrk4.solve(b * k**2 - c * k**4, quadratic, etdrk4.to_modes(initial(places)), steps)

    conditions = {
        "pde": Condition(lambda u: u.t + a * u * u.x + b * u.xx + c * u.xxxx, on=box.interior),
        "initial": Condition(lambda u, x: u - start(x), on=box.start()),
        "periodic": Condition.periodic(box, "x", order=3),
    }
    return Problem(name, box, conditions, reference=lambda x, t: trajectory()(2 * np.asarray(x) / period, t))


kuramoto_sivashinsky = _kuramoto_sivashinsky(
    "kuramoto_sivashinsky",
    Box(x=(-1.0, 1.0), t=(0.0, 1.0)),
    (5.0, 0.5, 0.005),
    lambda x: -jnp.sin(jnp.pi * x),
    lambda places: -np.sin(places),
    2.0,
    256,
    10_000,
)

kuramoto_sivashinsky_chaotic = _kuramoto_sivashinsky(
    "kuramoto_sivashinsky_chaotic",
    Box(x=(0.0, 2 * np.pi), t=(0.0, 1.0)),
    (100 / 16, 100 / 16**2, 100 / 16**4),
    lambda x: jnp.cos(x) * (1 + jnp.sin(x)),
    lambda places: np.cos(places) * (1 + np.sin(places)),
    2 * np.pi,
    512,
    20_000,
)


def _poisson(name, coordinates, exact):
    """Δu = Δu*, with values on the boundary; u* is a function of a list of coordinates and of numpy or jax.numpy."""
    cube = Box(**dict.fromkeys(coordinates, (0.0, 1.0)))
    scope = {"exact": lambda *x: exact(x, jnp), "np_exact": lambda *x: exact(x, np), "laplacian": laplacian}
    arguments = ", ".join(coordinates)
    written = lambda text: eval(text, scope)  # noqa: S307  arguments are coordinates by name
    conditions = {
        "pde": Condition(
            written(f"lambda u, {arguments}: laplacian(u) - laplacian(exact({arguments}))"), on=cube.interior
        ),
        "walls": Condition(written(f"lambda u, {arguments}: u - exact({arguments})"), on=cube.boundary()),
    }
    return Problem(name, cube, conditions, reference=written(f"lambda {arguments}: np_exact({arguments})"))


poisson_5d_cos = _poisson("poisson_5d_cos", "vwxyz", lambda x, xp: sum(xp.cos(np.pi * c) for c in x))

poisson_10d = _poisson(
    "poisson_10d", "abcefghijk", lambda x, xp: sum(a * b for a, b in zip(x[::2], x[1::2], strict=True))
)

poisson_2d_multiscale = _poisson(
    "poisson_2d_multiscale",
    "xy",
    lambda x, xp: sum(xp.sin(w * np.pi * x[0]) * xp.sin(w * np.pi * x[1]) for w in (4, 8, 12, 16)) / 4,
)


def _poeschl_teller():
    """−ψ''/2 − 15 sech² x ψ = E ψ with ∫ψ² = 1: the ground state is sech⁵ x with E = −12.5."""
    line = Interval(x=(-5.0, 5.0))
    nodes, weights = np.polynomial.legendre.leggauss(100)
    norm = np.sqrt(quad(lambda x: np.cosh(x) ** -10.0, -5, 5)[0])
    conditions = {
        "schroedinger": Condition(
            lambda psi, x, E: -psi.xx / 2 - 15 / jnp.cosh(x) ** 2 * psi - E * psi, on=line.interior
        ),
        "ends": Condition(lambda psi: psi, on=line.boundary("x")),
        "norm": Condition(lambda psi: jnp.dot(5 * weights, psi(x=5 * nodes).value ** 2) - 1, on=line.lower_face("x")),
    }
    return Problem(
        "poeschl_teller",
        line,
        conditions,
        fields=("psi",),
        coefficients={"E": Unknown(-10.0)},
        reference=lambda x: np.cosh(x) ** -5.0 / norm,
    )


poeschl_teller = _poeschl_teller()
