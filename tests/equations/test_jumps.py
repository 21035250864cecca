"""Expressions under derivatives that jump are found and located; what is continuous there is left alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pinnkit
from pinnkit import Box, Condition, PointSet, Problem, ProblemError, Unknown, div, grad, laplacian, partial
from pinnkit.equations.jumps.switches import find_switches
from pinnkit.runs.decisions import Doubt

LINE, SQUARE = Box(x=(0.0, 1.0)), Box(x=(0.0, 1.0), y=(0.0, 1.0))
FILM = Box(x=(0.0, 1.0), t=(0.0, 2.0))


def declared(residual, domain=LINE, on=None, **changes):
    conditions = {"pde": Condition(residual, on=domain.interior if on is None else on)}
    return Problem(name="p", domain=domain, conditions=conditions, **changes)


def conducting(k):
    """Divergence of k(x) u_x."""
    return lambda u, x: partial(k(x) * u.x, "x")


def conducting_in_plane(k):
    return lambda u, x, y: partial(k(x, y) * u.x, "x") + partial(k(x, y) * u.y, "y")


def inside(x, y, low, high):
    return (x > low[0]) & (x < high[0]) & (y > low[1]) & (y < high[1])


# Name: domain, residual, and the coordinate with the place where it jumps.
JUMPS = {
    "where": (LINE, conducting(lambda x: jnp.where(x < 0.5, 1.0, 10.0)), "x = 0.5"),
    "a layer of 2e-5": (LINE, conducting(lambda x: jnp.where(abs(x - 0.3123) < 1e-5, 1.0, 10.0)), "x = 0.3122"),
    "floor": (LINE, conducting(lambda x: 1 + jnp.floor(3 * x)), "x = 0.333333"),
    "ceil": (LINE, conducting(lambda x: 1 + jnp.ceil(3 * x)), "x = 0.333333"),
    "round": (LINE, conducting(lambda x: 1 + jnp.round(x)), "x = 0.5"),
    "sign": (LINE, conducting(lambda x: 2 + jnp.sign(x - 0.3)), "x = 0.3"),
    "comparison as a number": (LINE, conducting(lambda x: 1 + (x > 0.3)), "x = 0.3"),
    "cast to an integer": (LINE, conducting(lambda x: 1 + (3 * x).astype(int)), "x = 0.333333"),
    "remainder": (LINE, conducting(lambda x: 1 + x % 0.3), "x = 0.3"),
    "heaviside": (LINE, conducting(lambda x: 1 + jnp.heaviside(x - 0.4, 0.5)), "x = 0.4"),
    "piecewise": (LINE, conducting(lambda x: jnp.piecewise(x, [x < 0.3, x > 0.6], [1.0, 2.0, 3.0])), "x = 0.3"),
    "select": (LINE, conducting(lambda x: jnp.select([x < 0.3, x < 0.6], [1.0, 2.0], 3.0)), "x = 0.3"),
    "a table": (
        LINE,
        conducting(lambda x: jnp.array([1.0, 2.0, 3.0])[jnp.searchsorted(jnp.array([0.3, 0.6]), x)]),
        "x = 0.3",
    ),
    "a branch": (LINE, conducting(lambda x: jax.lax.cond(x < 0.4, lambda: 1.0, lambda: 2.0)), "x = 0.4"),
    "quotient of an absolute value": (LINE, conducting(lambda x: 2 + (x - 0.4) / abs(x - 0.4)), "x = 0.4"),
    "quotient of a root": (LINE, conducting(lambda x: 2 + (x - 0.4) / jnp.sqrt((x - 0.4) ** 2)), "x = 0.4"),
    "arctangent of a pole": (LINE, conducting(lambda x: 2 + jnp.arctan(1 / (x - 0.4))), "x = 0.4"),
    "polar angle": (
        Box(x=(-1.0, 1.0), y=(-1.0, 1.0)),
        lambda u, x, y: partial(jnp.arctan2(y, x) * u.y, "y"),
        "y = 0|y = -?[0-9.]+e-",
    ),
    "coefficient alone": (LINE, lambda u, x: u.xx + partial(jnp.where(x < 0.5, 1.0, 2.0), "x"), "x = 0.5"),
    "laplacian": (LINE, lambda u, x: laplacian(jnp.where(x < 0.5, 1.0, 2.0) * u), "x = 0.5"),
    "kink under two derivatives": (LINE, lambda u, x: partial(abs(x - 0.5) * u, "x", 2), "x = 0.5"),
    "kink of relu under two derivatives": (LINE, lambda u, x: laplacian(jax.nn.relu(x - 0.5) * u), "x = 0.5"),
    "flux as a vector": (
        SQUARE,
        lambda u, x, y: div(jnp.where(inside(x, y, (0.2, 0.3), (0.5, 0.6)), 9.0, 1.0) * grad(u)),
        "x = 0.2, y = 0.[345]",
    ),
    "a square of 0.002": (
        SQUARE,
        conducting_in_plane(lambda x, y: jnp.where(inside(x, y, (0.6, 0.5), (0.602, 0.502)), 9.0, 1.0)),
        "x = 0.60.*y = 0.50?",
    ),
    "a disc of radius 0.01": (
        SQUARE,
        conducting_in_plane(lambda x, y: jnp.where((x - 0.3) ** 2 + (y - 0.712) ** 2 < 1e-4, 5.0, 1.0)),
        "x = 0.[23].*y = 0.7",
    ),
    "a front that moves": (
        FILM,
        lambda u, x, t: u.t - partial(jnp.where(x < 0.3 + 0.2 * t, 1.0, 2.0) * u.x, "x"),
        "x = 0.[3-7].*t = ",
    ),
    "a field at a point that jumps": (LINE, lambda u, x: partial(u(x=jnp.where(x < 0.5, x, 0.0)), "x"), "x = 0.5"),
}


@pytest.mark.parametrize("name", JUMPS)
def test_a_jump_with_a_coordinate_is_refused_with_its_place(name):
    domain, residual, place = JUMPS[name]
    with pytest.raises(
        ProblemError, match=rf"jumps near .*({place}).* \(test_jumps.py, line \d+\): .* give each layer a field, or"
    ):
        declared(residual, domain)


@settings(max_examples=10, deadline=None)
@given(place=st.floats(0.01, 0.99), ratio=st.floats(1.01, 1e6))
def test_a_jump_is_located_to_rounding(place, ratio):
    with pytest.raises(ProblemError, match=f"near x = {place:.6g} "):
        declared(conducting(lambda x: jnp.where(x < place, 1.0, ratio)))


# What is continuous, or does not jump along the coordinate of the derivative.
CONTINUOUS = {
    "max": (LINE, conducting(lambda x: jnp.maximum(x, 0.5))),
    "abs": (LINE, conducting(lambda x: 1 + abs(x - 0.5))),
    "clip": (LINE, conducting(lambda x: jnp.clip(x, 0.2, 0.7))),
    "relu": (LINE, conducting(lambda x: 1 + jax.nn.relu(x - 0.5))),
    "where with equal values": (LINE, conducting(lambda x: jnp.where(x < 0.5, 1.0, 2 * x))),
    "where with equal values in the plane": (
        SQUARE,
        conducting_in_plane(lambda x, y: jnp.where(x * y < 0.3, 0.3, x * y)),
    ),
    "where with equal slopes under two derivatives": (
        LINE,
        lambda u, x: laplacian(jnp.where(x < 0.5, 1.0, 1 + (x - 0.5) ** 2) * u),
    ),
    "interpolation": (
        LINE,
        conducting(lambda x: jnp.interp(x, jnp.array([0.0, 0.5, 1.0]), jnp.array([1.0, 2.0, 1.0]))),
    ),
    "a series for small arguments": (
        LINE,
        conducting(lambda x: jnp.where(x < 1e-2, 1 - x**2 / 6 + x**4 / 120, jnp.sin(x) / jnp.where(x < 1e-2, 1.0, x))),
    ),
    "sinc": (Box(x=(-1.0, 1.0)), conducting(jnp.sinc)),
    "a pole": (Box(x=(-1.0, 1.0)), lambda u, x: partial(u.x / x, "x")),
    "a loop of fixed length": (LINE, conducting(lambda x: jax.lax.fori_loop(0, 3, lambda i, c: c * x + 1, x))),
    "a jump across another coordinate": (
        SQUARE,
        lambda u, x, y: partial(jnp.where(y < 0.5, 1.0, 2.0) * u.x, "x") + u.yy,
    ),
    "a capacity that jumps in space": (FILM, lambda u, x, t: partial(jnp.where(x < 0.5, 1.0, 2.0) * u, "t") - u.xx),
    "a source that jumps": (LINE, lambda u, x: partial((1 + x) * u.x, "x") + jnp.where(x < 0.5, 1.0, 0.0)),
    "a coefficient outside of derivatives": (LINE, lambda u, x: jnp.where(x < 0.5, 1.0, 2.0) * u.xx),
    "a jump outside of the domain": (LINE, conducting(lambda x: jnp.where(x < 2.0, 1.0, 10.0))),
    "a jump at the end of the domain": (LINE, conducting(lambda x: jnp.where(x < 1.0, 1.0, 10.0))),
    "positive part of a field": (LINE, lambda u: partial(jax.nn.relu(u.value) * u.x, "x")),
    "porous medium": (LINE, lambda u: partial(jnp.where(u > 0, u, 0.0) ** 2 * u.x, "x")),
    "p-Laplacian": (LINE, lambda u: partial(abs(u.x) ** 2 * u.x, "x")),
    "mean curvature": (SQUARE, lambda u: div(grad(u) / jnp.sqrt(1 + jnp.sum(grad(u) ** 2)))),
    "quotients of fields": (LINE, lambda u: u.x / u - partial((u - 1) / (u + 2) * u.x, "x")),
}


@pytest.mark.parametrize("name", CONTINUOUS)
def test_what_is_continuous_is_left_alone(name):
    domain, residual = CONTINUOUS[name]
    assert declared(residual, domain).doubts == ()


DOUBTFUL = {
    "phase change": (lambda u: partial(jnp.where(u > 273.15, 1.0, 2.0) * u.x, "x"), "at a value of the fields"),
    "sign of a field": (lambda u: partial(jnp.sign(u.value) * u.x, "x"), "at a value of the fields"),
    "sign of a slope": (lambda u: partial(jnp.where(u.x > 0, 1.0, 2.0) * u, "x"), "at a value of the fields"),
    "a loop until": (
        lambda u, x: partial(jax.lax.while_loop(lambda c: c < 0.5, lambda c: 1.1 * c + 0.01, x) * u.x, "x"),
        "may jump at a `while`",
    ),
}


@pytest.mark.parametrize("name", DOUBTFUL)
def test_what_may_jump_with_the_solution_is_a_doubt(name):
    residual, message = DOUBTFUL[name]
    (doubt,) = declared(residual).doubts
    assert message in doubt and doubt.startswith("condition 'pde' of problem 'p'") and "\n" not in doubt


def test_a_doubt_is_among_the_decisions_and_findings_of_a_run():
    problem = declared(lambda u: partial(jnp.where(u > 5.0, 1.0, 2.0) * u.x, "x") + 1.0)
    solution = pinnkit.fit(problem, strategy="adam", steps=2, points=16, width=4, depth=1)
    assert Doubt(str(problem.doubts[0])) in solution.history.decisions
    assert "A flux condition may be lost at a jump" in {finding.title for finding in solution.report.findings}


def test_a_jump_matters_only_on_the_region_of_the_condition():
    k = conducting(lambda x: jnp.where(x < 0.5, 1.0, 10.0))
    for region in (Box(x=(0.0, 0.4)).interior, LINE.boundary("x"), PointSet({"x": [0.7, 0.9]})):
        declared(k, on=region)
    for region in (Box(x=(0.3, 0.6)).interior, PointSet({"x": [0.2, 0.6, 0.9]})):
        with pytest.raises(ProblemError, match="near x = 0.5"):
            declared(k, on=region)


def test_a_jump_along_a_face_is_found_on_the_face():
    residual = lambda u, y: u.x + partial(jnp.where(y < 0.5, 1.0, 2.0) * u.y, "y")
    declared(residual, SQUARE, on=SQUARE.boundary("y"))
    with pytest.raises(ProblemError, match="near x = 0, y = 0.5"):
        declared(residual, SQUARE, on=SQUARE.lower_face("x"))


def test_a_place_that_is_sought_counts_with_its_first_value():
    with pytest.raises(ProblemError, match="near x = 0.25"):
        declared(lambda u, x, a: partial(jnp.where(x < a, 1.0, 2.0) * u.x, "x"), coefficients={"a": Unknown(0.25)})


def test_a_division_by_a_constant_is_not_searched():
    with jax.enable_x64(True):
        equation = declared(lambda u, x: partial(u.x / 2 + u / (1 + x), "x")).equation("pde")
    root = next(node.inputs[0] for node in equation.nodes() if node.eqn.primitive.name == "partial")
    (switch,) = find_switches(equation, root, "x").followed
    assert switch.name == "div" and not switch.depends_on_fields


def test_a_flux_of_its_own_is_no_jump_under_a_derivative():
    flux = lambda u, q, x: [q - jnp.where(x < 0.5, 1.0, 10.0) * u.x, partial(q, "x")]
    assert declared(flux, fields=("u", "q")).doubts == ()


def test_large_and_shifted_scales_do_not_matter():
    far = Box(x=(1e6, 1e6 + 1e-3))
    with pytest.raises(ProblemError, match="near x = 1e\\+06"):
        declared(conducting(lambda x: jnp.where(x < 1e6 + 4e-4, 1e-12, 3e-12)), far)
    assert declared(conducting(lambda x: 1e-12 * jnp.maximum(x - 1e6, 5e-4)), far).doubts == ()


@pytest.mark.parametrize(
    "stopped", [lambda u, x: jax.lax.stop_gradient(u.value), lambda u, x: jax.lax.stop_gradient(x)]
)
def test_a_derivative_that_is_held_back_is_refused(stopped):
    with pytest.raises(ProblemError, match="has a `stop_gradient` inside"):
        declared(lambda u, x: partial(stopped(u, x) * u.x, "x"))
    declared(lambda u, x: stopped(u, x) * u.xx + partial(jax.lax.stop_gradient(2.0) * u.x, "x"))


def test_halves_of_a_wall_lose_their_flux_condition_without_it():
    """What the refusal is for: any T(1/2) makes the pointwise residual zero, 10/11 is right."""
    x = np.array([0.2, 0.4, 0.6, 0.8])
    for middle in (0.5, 10 / 11):
        T = lambda x, m=middle: jnp.where(x < 0.5, 2 * m * x, m + 2 * (1 - m) * (x - 0.5))
        flux = lambda x, T=T: jnp.where(x < 0.5, 1.0, 10.0) * jax.grad(T)(x)
        assert np.all(np.asarray(jax.vmap(jax.grad(flux))(x)) == 0)
        assert (abs(flux(0.49) - flux(0.51)) < 1e-5) == (middle == 10 / 11)
