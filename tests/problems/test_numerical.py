"""Numerical references agree with independent methods to their stated accuracy."""

from pathlib import Path

import jax
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import solve_banded
from scipy.sparse import csc_array, diags_array, eye_array, kron
from scipy.sparse.linalg import spsolve
from scipy.special import jv, ndtr

from problems._references import etdrk4, plane, split_step
from tests.problems.gallery import find_problem, module_of


def relative(found, expected):
    return np.linalg.norm(np.asarray(found) - expected) / np.linalg.norm(expected)


# Elliptic equations.


@pytest.mark.slow
def test_darcy_agrees_with_a_galerkin_method():
    """Sine series, whose integrals the midpoint rule gives for even and odd periodic functions."""
    module, k, x = module_of("darcy"), np.arange(1, 37), (np.arange(64) + 0.5) / 64
    sines, cosines = np.sin(np.pi * np.outer(x, k)), np.pi * k * np.cos(np.pi * np.outer(x, k))
    plane = lambda first, second: np.einsum("ik,jl->ijkl", first, second).reshape(64**2, 36**2)
    grid = np.meshgrid(x, x, indexing="ij")
    slopes, a = (plane(cosines, sines), plane(sines, cosines)), module.permeability(*grid, np).reshape(-1, 1)
    stiffness = sum(slope.T @ (a * slope) for slope in slopes)
    values = plane(sines, sines)
    expected = values @ np.linalg.solve(stiffness, values.T @ module.source(*grid, np).ravel())
    assert relative(module.reference(*(axis.ravel() for axis in grid)), expected) <= 1e-12


def test_scattered_waves_satisfy_their_equations_and_interface_conditions():
    """By means over small circles, which for Helmholtz' equation are J₀(kρ) u, and those of u n J₁(kρ) ∇u / k."""
    module = module_of("maxwell_scattering")
    k, unit, rho = module.K, np.exp(2j * np.pi * np.arange(64) / 64), 0.1

    def fields(z):
        e_re, e_im, s_re, s_im = module.reference(z.real.ravel(), z.imag.ravel()).values()
        return (e_re + 1j * e_im).reshape(z.shape), (s_re + 1j * s_im).reshape(z.shape)

    def slope(around, number, direction):
        means = [(around * n).mean(axis=1) * number / jv(1, number * rho) for n in (unit.real, unit.imag)]
        return means[0] * direction.real + means[1] * direction.imag

    for radius in (1.0, module.OUTER):
        z = radius * np.exp(2j * np.pi * np.arange(50) / 50)
        (e, s), (e_around, s_around) = fields(z), fields(z[:, None] + rho * unit)
        np.testing.assert_allclose(s_around.mean(axis=1), jv(0, k * rho) * s, atol=1e-12)
        s_slope = slope(s_around, k, z / radius)
        if radius == 1.0:
            inside = module.INDEX * k
            np.testing.assert_allclose(e_around.mean(axis=1), jv(0, inside * rho) * e, atol=1e-12)
            wave = np.exp(1j * k * z.real)
            np.testing.assert_allclose(e, s + wave, atol=1e-12)
            np.testing.assert_allclose(slope(e_around, inside, z), s_slope + 1j * k * z.real * wave, atol=1e-11)
        else:
            given = np.cos(np.outer(np.angle(z), module.orders)) @ module.outgoing
            np.testing.assert_allclose(s_slope - 1j * k * s, given, atol=1e-11)


@pytest.mark.slow
def test_inclusions_have_equal_values_and_fluxes_at_interfaces_and_conserve_heat():
    """Normal derivatives as moments of values on small circles, between the points of the fit."""
    module, n = module_of("inclusions"), np.exp(2j * np.pi * (np.arange(301) + 0.37) / 301)
    used, rho = module.potential(), 0.02
    outer, *inner = used.split()
    value = lambda functions, z, own, *c: (functions(z.ravel(), *c)[0] @ own).real.reshape(z.shape)
    slope = lambda *of: 2 * (value(*of) * n.real).mean(axis=1) / rho
    for c, (center, own) in enumerate(zip(module.CENTERS, inner, strict=True)):
        z = center + module.RADIUS * n
        around = z[:, None] + rho * n * n[:, None]
        np.testing.assert_allclose(value(used.within, z, own, c), value(used.outside, z, outer), atol=1e-10)
        inside, outside = slope(used.within, around, own, c), slope(used.outside, around, outer)
        np.testing.assert_allclose(module.K * inside, outside, atol=5e-8)
    nodes, weights = np.polynomial.legendre.leggauss(80)
    side = 0.5j * (nodes + 1)
    np.testing.assert_allclose(value(used.outside, side, outer), 1, atol=1e-10)
    np.testing.assert_allclose(value(used.outside, 1 + side, outer), 0, atol=1e-10)
    np.testing.assert_allclose(slope(used.outside, 1j + side[:, None] / 1j + rho * 1j * n, outer), 0, atol=5e-8)
    flux = [slope(used.outside, x + side[:, None] + rho * n, outer) @ weights for x in (0, 1)]
    np.testing.assert_allclose(flux[0], flux[1], rtol=1e-9)


def test_a_radiating_plate_agrees_with_finite_volumes():
    """Their values at common centres, extrapolated from second order."""
    module, constants = module_of("radiating_plate"), find_problem("radiating_plate").constants
    q, h, epsilon = constants.values()

    def volumes(n):
        x = module.side * (np.arange(n) + 0.5) / n
        second = np.diag(np.full(n - 1, 1.0), 1) + np.diag(np.full(n - 1, 1.0), -1)
        second -= np.diag(second.sum(axis=1))
        line = csc_array(module.conductance * (n / module.side) ** 2 * second)
        conduction = kron(line, eye_array(n)) + kron(eye_array(n), line)
        T, source = np.full(n**2, module.air), module.burner(np.repeat(x, n), np.tile(x, n), q, np.exp)
        for _ in range(8):
            slope = 2 * h + 8 * epsilon * module.stefan_boltzmann * T**3
            heat = conduction @ T + source - module.loss(T, h, epsilon)
            T = T - spsolve((conduction - diags_array(slope)).tocsc(), heat)
        return x, T.reshape(n, n)

    (x, coarse), (_, fine) = volumes(40), volumes(120)
    expected = ((9 * fine[1::3, 1::3] - coarse) / 8).ravel()
    assert relative(module.reference(np.repeat(x, 40), np.tile(x, 40), **constants), expected) <= 1e-6


# Ordinary differential equations.


@pytest.mark.parametrize(
    ("name", "method", "tolerance", "accuracy"),
    [
        ("van_der_pol", "DOP853", 1e-13, 3e-10),
        ("lorenz", "DOP853", 1e-13, 1e-10),
        ("robertson", "LSODA", 1e-12, 1e-9),
        ("seir", "DOP853", 1e-13, 1e-11),
    ],
)
def test_a_trajectory_agrees_with_another_integrator(name, method, tolerance, accuracy):
    module, problem = module_of(name), find_problem(name)
    constants = {**problem.constants, **getattr(module, "true_coefficients", {})}.values()
    times = np.linspace(0, problem.domain.upper[0], 400)
    at_start = [values[0] for values in problem.evaluate_reference(times[:1, None]).values()]
    rates = lambda t, y: module.rates(*y, *constants)
    end, absolute = problem.domain.upper[0], np.maximum(1e-16, 1e-13 * np.abs(at_start))
    expected = solve_ivp(rates, (0, end), at_start, method, times, rtol=tolerance, atol=absolute).y
    for found, values in zip(problem.evaluate_reference(times[:, None]).values(), expected, strict=True):
        assert relative(found, values) <= accuracy


@pytest.mark.parametrize(
    "name", ["seir", "paper_ageing", pytest.param("cylinder_wake_inverse", marks=pytest.mark.slow)]
)
def test_a_data_file_has_the_readings_of_known_coefficients(name):
    module = module_of(name)
    stored = np.loadtxt(Path(module.__file__).with_suffix(".csv"), delimiter=",", skiprows=1)
    np.testing.assert_allclose(stored, module.readings(), atol=0.03 * module.noise)


def test_the_pendulum_agrees_with_an_explicit_method():
    module, problem, t = module_of("pendulum"), find_problem("pendulum"), np.linspace(0, 10, 200)
    g, length = problem.constants.values()
    rates = lambda _, y: [y[1], -g / length * np.sin(y[0])]
    expected = solve_ivp(rates, (0, 10), [module.release, 0.0], "DOP853", t, rtol=1e-13, atol=1e-14).y[0]
    assert relative(module.exact(t, g, length), expected) <= 2e-11


def test_growth_with_a_delay_agrees_with_another_method_of_steps():
    """An explicit method of order 8 on each interval, with its own values on the one before."""
    module, y, before, expected = module_of("delay_logistic"), 0.5, lambda t: [0.5], []
    for start in range(5):
        rates = lambda t, y, before=before: 1.8 * y * (1 - before(t - 1)[0])
        step = solve_ivp(rates, (start, start + 1), [y], "DOP853", rtol=1e-13, atol=1e-14, dense_output=True)
        expected.append(step.sol(start + np.linspace(0, 0.95, 20))[0])
        before, y = step.sol, step.y[0, -1]
    assert relative(module.reference(np.arange(100) * 0.05, 1.8, 1.0), np.concatenate(expected)) <= 1e-11


# Free boundaries.


def implicit_steps(x, times, sigma, r):
    """An American put by implicit Euler steps, each by policy iteration."""
    h, payoff = x[1] - x[0], np.maximum(1 - np.exp(x), 0)
    lower, upper = (sigma**2 / h**2 / 2 + s * (r - sigma**2 / 2) / h / 2 for s in (-1, 1))
    middle, value = sigma**2 / h**2 + r, payoff
    for step in np.diff(times):
        held, before = np.zeros(len(x), bool), None
        while before is None or (held != before).any():
            before, rows = held, np.where(held, step, 0)
            bands = np.array([np.roll(-upper * rows, 1), 1 + middle * rows, np.roll(-lower * rows, -1)])
            new = solve_banded((1, 1), bands, np.where(held, value, payoff))
            loss = new[1:-1] - value[1:-1]
            loss += step * (middle * new[1:-1] - lower * new[:-2] - upper * new[2:])
            held = np.pad(np.where(held[1:-1], new[1:-1] > payoff[1:-1] - 1e-13, loss < -1e-13), 1)
        value = new
    return value


def test_an_american_put_agrees_with_finite_differences():
    """Of second order in x and, by extrapolation, in time, whose steps are small near expiry."""
    module, x, one = module_of("american_put"), np.linspace(-0.5, 1, 1201), np.ones(1201)
    sigma, r = find_problem("american_put").constants.values()
    coarse, fine = (implicit_steps(x, np.linspace(0, 1, n) ** 2, sigma, r) for n in (201, 401))
    european = module.european(x, one, sigma, r, np.exp, ndtr)
    np.testing.assert_allclose(module.reference(x, one, sigma, r), 2 * fine - coarse - european, atol=1e-6)


@pytest.mark.usefixtures("x64")
def test_freezing_water_satisfies_its_equations_and_the_condition_of_its_front():
    module = module_of("two_phase_heat")
    values = lambda y, t: module.similarity(y, t, jax.scipy.special)
    slope, bend = jax.jacfwd(values, (0, 1)), jax.jacfwd(jax.jacfwd(values))
    for t in (0.1, 0.4, 1.0):
        s, s_t = values(1.0, t)["s"], slope(1.0, t)["s"][1]
        for y in (0.0, 0.6, 1.0):
            ice_y, ice_t = slope(y, t)["ice"]
            np.testing.assert_allclose(s**2 * ice_t - y * s * s_t * ice_y, bend(y, t)["ice"], atol=1e-13)
        for y in (1.0, 1.5, 3.0):
            water_y, water_t = slope(y, t)["water"]
            np.testing.assert_allclose(water_t - s_t * water_y, module.a * bend(y, t)["water"], atol=1e-13)
        heat = slope(1.0, t)["ice"][0] / s - module.k * slope(1.0, t)["water"][0]
        np.testing.assert_allclose(
            [module.L * s_t, *[values(1.0, t)[name] for name in ("ice", "water")]], [heat, 0, 0], atol=1e-13
        )


# Fourier modes.


def test_a_shock_tube_agrees_with_finite_differences():
    """Of fourth order, with ρ even and u odd beyond the walls, at the last time."""
    module, n, mu = module_of("shock_tube"), 800, 0.02
    x, first = np.linspace(-1, 1, n + 1), n / 24 * np.array([-1, 8, 0, -8, 1])
    second = n**2 / 48 * np.array([-1, 16, -30, 16, -1])

    def rates(_, y):
        rho, u = y.reshape(-1, 2).T
        density, velocity = np.pad(rho, 2, "reflect"), np.pad(u, 2, "reflect", reflect_type="odd")
        slope = lambda f: np.convolve(f, first, "valid")
        force = (mu * np.convolve(velocity, second, "valid") - slope(density)) / rho - u * slope(velocity)
        return np.stack([-slope(density * velocity), np.r_[0, force[1:-1], 0]], axis=1).ravel()

    start = np.stack([module.density(x, np.tanh), 0 * x], axis=1).ravel()
    options = {"rtol": 1e-10, "atol": 1e-12, "lband": 5, "uband": 5}
    expected = solve_ivp(rates, (0, 0.5), start, "LSODA", [0.5], **options).y.reshape(-1, 2).T
    found = module.reference(x, np.full(n + 1, 0.5), mu)
    for values, used in zip(found.values(), expected, strict=True):
        assert relative(values, used) <= 2e-8


@pytest.mark.parametrize(
    ("name", "period", "end"), [("kuramoto_sivashinsky", 2.0, 0.3), ("kuramoto_sivashinsky_chaotic", 2 * np.pi, 0.03)]
)
def test_kuramoto_sivashinsky_agrees_with_an_implicit_method(name, period, end):
    """Radau IIA on 128 real Fourier coefficients, products on a grid that is no multiple of theirs."""
    problem, modes, grid = find_problem(name), 64, 250
    alpha, beta, gamma = problem.constants.values()
    k, x = 2 * np.pi / period * np.arange(modes), period * np.arange(grid) / grid
    start = {"kuramoto_sivashinsky": lambda x: -np.sin(np.pi * x)}.get(name, lambda x: np.cos(x) * (1 + np.sin(x)))
    values = lambda c: np.fft.irfft(c, grid, norm="forward")

    def rates(t, parts):
        c = parts[:modes] + 1j * parts[modes:]
        product = np.fft.rfft(values(c) * values(1j * k * c), norm="forward")[:modes]
        rate = (beta * k**2 - gamma * k**4) * c - alpha * product
        return np.concatenate([rate.real, rate.imag])

    c = np.fft.rfft(start(x), norm="forward")[:modes]
    parts = solve_ivp(rates, (0, end), np.r_[c.real, c.imag], "Radau", rtol=1e-9, atol=1e-11).y[:, -1]
    expected = values(parts[:modes] + 1j * parts[modes:])
    found = module_of(name).reference(x, np.full(grid, end), alpha, beta, gamma)
    assert relative(found, expected) <= 2e-7


def test_a_soliton_of_schroedinger_only_turns_its_phase():
    """h = sech x exp(it/2), whose tails are below 1e-8 in the middle between two periods."""
    x, points = np.linspace(-20, 20, 512, endpoint=False), np.linspace(0, 40, 101)
    c = split_step.to_modes(1 / np.cosh(x), 512)
    errors = []
    for steps in (40, 80):
        used = split_step.Trajectory(**split_step.solve(c, 40.0, steps, 2.0, every=steps // 40))
        errors.append(np.abs(used(points, np.full(101, 1.73)) - np.exp(1j * 1.73 / 2) / np.cosh(points - 20)).max())
    assert errors[1] <= 1e-5 and 12 <= errors[0] / errors[1] <= 20


def test_waves_of_schroedinger_agree_with_another_integrator():
    """An exponential Runge-Kutta method in place of splitting."""
    x, modes, end = np.linspace(0, 10, 128, endpoint=False), 128, 1.0
    k = 2 * np.pi / 10 * np.fft.fftfreq(modes, 1 / modes)
    start = split_step.to_modes(1 + 0.5 * np.exp(np.cos(2 * np.pi * x / 10)) + 0.2j, modes)

    def cubic(c):
        h = np.fft.ifft(c, norm="forward")
        return 1j * np.fft.fft(np.abs(h) ** 2 * h, norm="forward")

    _, levels = etdrk4.integrate(-0.5j * k**2, cubic, start, [(end, 4000, 4000)])
    used = split_step.solve(start, 10.0, 8000, end, every=8000)["levels"]
    assert relative(used[-1], levels[-1]) <= 1e-9


def test_modes_in_the_plane_diffuse_and_react():
    """Diffusion of one wave next to u' = u², both exactly known."""
    k, n = plane.wave_numbers(16)
    linear = np.stack([-0.3 * (k**2 + n**2), 0 * (k + n)])
    nonlinear = lambda c: np.stack([0 * c[0], plane.to_modes(plane.on_grid(c[1]) ** 2)])
    x = 2 * np.arange(16) / 16
    wave = np.cos(np.pi * (2 * x[:, None] + x))
    initial = plane.to_modes(np.stack([wave, np.full((16, 16), 0.5)]))
    trajectory = plane.Trajectory(**plane.solve(linear, nonlinear, initial, [(0.3, 30, 1), (1.0, 400, 10)], kept=4))
    x, y, t = np.random.default_rng(0).uniform([-1, -1, 0], [1, 1, 1], (50, 3)).T
    found = trajectory(x, y, t)
    np.testing.assert_allclose(found[0], np.cos(np.pi * (2 * x + y)) * np.exp(-1.5 * np.pi**2 * t), atol=1e-9)
    np.testing.assert_allclose(found[1], 1 / (2 - t), rtol=1e-9)


def test_modes_of_a_line_are_its_fourier_integrals():
    k = np.pi * np.array([[0.0, 1.0, -3.0]])
    expected = np.sinh(1) * np.cos(k) / (1 + k**2)
    found = plane.modes_of_line(np.exp, k)
    np.testing.assert_allclose(found.real, expected, atol=1e-14)


@pytest.mark.slow
def test_gray_scott_satisfies_its_equations():
    """By differences of the reference."""
    problem = find_problem("gray_scott")
    eps1, eps2, b1, b2, c = problem.constants.values()
    points = np.random.default_rng(0).uniform([-0.9, -0.9, 0.2], [0.9, 0.9, 1.9], (40, 3))
    first, second = np.array([1, -8, 0, 8, -1]) / 12, np.array([-1, 16, -30, 16, -1]) / 12

    def differences(axis, weights, step, order):
        shifted = [points + k * step * np.eye(3)[axis] for k in range(-2, 3)]
        values = problem.evaluate_reference(np.concatenate(shifted))
        return np.array([weights @ values[name].reshape(5, -1) / step**order for name in "uv"])

    u, v = problem.evaluate_reference(points).values()
    diffusion = differences(0, second, 2e-3, 2) + differences(1, second, 2e-3, 2)
    rate = c * u * v**2
    expected = [eps1 * diffusion[0] + b1 * (1 - u) - rate, eps2 * diffusion[1] - b2 * v + rate]
    np.testing.assert_allclose(differences(2, first, 1e-3, 1), expected, atol=2e-5)


@pytest.mark.slow
def test_gray_scott_is_converged():
    constants, trajectory = find_problem("gray_scott").constants.values(), module_of("gray_scott").trajectory
    x, y, t = np.random.default_rng(0).uniform([-1, -1, 0.001], [1, 1, 2], (200, 3)).T
    assert relative(trajectory(*constants)(x, y, t), trajectory(*constants, refined=2)(x, y, t)) <= 1e-9
