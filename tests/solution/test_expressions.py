"""Expressions of a solution against closed forms: of fields that are known exactly, and of the fields themselves."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pinnkit
from pinnkit import Box, Condition, FunctionalModel, PointSet, Problem, Unknown, fit
from pinnkit.geometry.faces import Interior
from pinnkit.solution.integrals import integral

EPS = np.finfo(float).eps
ROD = Box(x=(0.0, 0.5), t=(0.0, 2.0))
SQUARE = Box(x=(0.0, 1.0), y=(0.0, 2.0))


def exactly(apply):
    """A model whose fields are `apply` of a point, times a trained factor of one."""
    return FunctionalModel(jnp.ones(()), lambda params, x: params * apply(x), lambda params: params)


@pytest.fixture(scope="module")
def rod():
    """T = exp(−t) sin 3x on a rod with ρ c = 2, k = 5; measured at three points."""
    problem = Problem(
        name="rod",
        domain=ROD,
        fields=("T",),
        coefficients={"c": 2.0, "k": Unknown(5.0)},
        conditions={
            "heat": Condition(lambda T, c, k: c * T.t - k * T.xx, on=ROD.interior),
            "left": Condition(lambda T, k, normal: k * T.x * normal[0], on=ROD.lower_face("x")),
            "ends": Condition(lambda T, normal: T.x * normal[0], on=ROD.boundary("x")),
            "data": Condition(lambda T, v: T - v, on=PointSet({"x": [0.1, 0.2, 0.3], "t": 1.0}, v=[1.0, 2.0, 3.0])),
        },
    )
    with jax.enable_x64(True):
        model = exactly(lambda z: jnp.exp(-z[1]) * jnp.sin(3 * z[0])[None])
        return fit(problem, model, strategy="adam", steps=0, points=4)


@pytest.fixture(scope="module")
def flow():
    """v = (x y, −y²/2), p = x: a vector field and a scalar."""
    problem = Problem(
        name="flow",
        domain=SQUARE,
        fields={"v": 2, "p": 1},
        conditions={"mass": Condition(lambda v: pinnkit.div(v), on=SQUARE.interior)},
    )
    with jax.enable_x64(True):
        model = exactly(lambda z: jnp.stack([z[0] * z[1], -(z[1] ** 2) / 2, z[0]]))
        return fit(problem, model, strategy="adam", steps=0, points=4)


def test_expressions_have_fields_coordinates_and_coefficients(rod):
    x, t = np.linspace(0, 0.5, 7)[:, None], np.linspace(0, 2, 5)
    flux = rod.evaluate(lambda T, k, x: -k * T.x + x, x=x, t=t)
    assert flux.shape == (7, 5)
    np.testing.assert_allclose(flux, -5 * 3 * np.exp(-t) * np.cos(3 * x) + x, rtol=100 * EPS)


def test_expressions_have_any_shape(flow):
    at = {"x": np.linspace(0, 1, 4), "y": 0.5}
    np.testing.assert_allclose(flow.evaluate(lambda v: v, **at), np.stack([at["x"] / 2, np.full(4, -0.125)], -1))
    gradient = flow.evaluate(lambda v: pinnkit.grad(v), **at)
    expected = np.array([[[0.5, x], [0.0, -0.5]] for x in at["x"]])
    np.testing.assert_allclose(gradient, expected, atol=4 * EPS)
    pair = flow.evaluate(lambda v, p: [p.x, v[0] * v[1]], **at)
    np.testing.assert_allclose(pair, np.stack([np.ones(4), -at["x"] / 16], -1), rtol=4 * EPS)
    assert flow.evaluate(lambda: 1, **at).tolist() == [1.0] * 4
    assert flow.evaluate(lambda p: p, x=np.empty(0), y=1.0).shape == (0,)


def test_expressions_are_compiled_once(rod):
    program, known = rod._expressions, {}
    for factor in (2.0, 2.0, 3.0):
        rod.evaluate(lambda T, factor=factor: factor * T.xx, x=0.1, t=1.0)
        known[factor] = len(program._compiled)
    assert known[3.0] == known[2.0] + 1


def test_many_points_are_computed_in_blocks(rod):
    x = np.linspace(0, 0.5, 10_001)
    np.testing.assert_allclose(rod.evaluate(lambda T: T.xx, x=x, t=0.0), -9 * np.sin(3 * x), rtol=1e-13, atol=1e-13)


def test_rows_of_an_array_are_points(flow):
    rows = np.random.default_rng(0).uniform(size=(6, 2))
    fields = flow.on(rows)
    np.testing.assert_array_equal(fields["p"], flow(x=rows[:, 0], y=rows[:, 1])["p"])
    with pytest.raises(pinnkit.InputError, match=r"shape \(n, 2\) with the columns x, y; got \(6, 3\)"):
        flow.on(np.zeros((6, 3)))


def test_residuals_of_declared_conditions(rod):
    x, t = np.array([0.1, 0.4]), np.array([0.5, 1.5])
    heat = rod.residual("heat", x=x, t=t)
    np.testing.assert_allclose(heat, np.exp(-t) * np.sin(3 * x) * (-2 + 5 * 9), rtol=100 * EPS)
    np.testing.assert_allclose(rod.residual("left", t=t), -15 * np.exp(-t), rtol=100 * EPS)  # x is that of the face
    at = np.array([0.1, 0.2, 0.3])
    np.testing.assert_allclose(rod.residual("data"), np.exp(-1) * np.sin(3 * at) - [1, 2, 3], rtol=10 * EPS)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda s: s.evaluate(lambda T, q: q * T, x=0, t=0), "takes unknown argument 'q'; there are"),
        (lambda s: s.evaluate(lambda T, normal: T, x=0, t=0), "`normal` exists on boundaries only"),
        (lambda s: s.evaluate(lambda T: np.sin(T), x=0, t=0), "write `jnp.sin"),
        (lambda s: s.evaluate("T", x=0, t=0), "takes a function of fields, coordinates and coefficients"),
        (lambda s: s.evaluate(lambda T: T, x=0), "is a function of x, t; got \\['x'\\]"),
        (lambda s: s.residual("heart", x=0, t=0), "no condition 'heart'; there are heat, left, ends, data"),
        (lambda s: s.residual("data", x=0, t=0), "known at its points only"),
        (lambda s: s.residual("ends", x=0, t=0), "`normal` exists on boundaries only"),
        (lambda s: s.integrate(lambda T: T, over="data"), "cannot integrate over a PointSet"),
        (lambda s: s.integrate(lambda T: T, y=0), "unknown coordinate\\(s\\) \\['y'\\]"),
        (lambda s: s.integrate(lambda T: T, t=3.0), "outside the domain"),
    ],
)
def test_questions_that_have_no_answer(rod, ask, message):
    with pytest.raises(pinnkit.PinnkitError, match=message):
        ask(rod)


def test_integrals_over_the_domain_and_at_times(rod):
    t = np.array([0.0, 1.0, 2.0])
    over_x = (1 - np.cos(1.5)) / 3
    np.testing.assert_allclose(rod.integrate(lambda T: T, t=t), np.exp(-t) * over_x, rtol=1e-13)
    whole = rod.integrate(lambda T: T)
    assert isinstance(whole, float)
    np.testing.assert_allclose(whole, (1 - np.exp(-2)) * over_x, rtol=1e-13)
    np.testing.assert_allclose(rod.integrate(lambda: 1.0), 1.0, rtol=4 * EPS)  # the area of the domain


def test_fluxes_through_the_boundary_balance_the_heat(rod):
    """d/dt ∫ c T = ∮ k T_x n + ∫ (c T_t − k T_xx), by the divergence theorem."""
    t = 0.7
    gain = rod.integrate(lambda T, c: c * T.t, t=t)
    flux = rod.integrate(lambda T, k, normal: k * T.x * normal[0], over="ends", t=t)
    source = rod.integrate(lambda T, c, k: c * T.t - k * T.xx, t=t)
    np.testing.assert_allclose(gain, flux + source, rtol=1e-12)
    np.testing.assert_allclose(flux, 5 * 3 * np.exp(-t) * (np.cos(1.5) - 1), rtol=1e-13)


def test_integrals_of_vectors_over_faces(flow):
    through = flow.integrate(lambda v, normal: v.value @ normal, over=SQUARE.boundary("x", "y"))
    divergence = flow.integrate(lambda v: pinnkit.div(v))
    np.testing.assert_allclose(through, divergence, atol=1e-14)
    np.testing.assert_allclose(flow.integrate(lambda v: v, over=SQUARE.upper_face("x")), [2.0, -4 / 3], rtol=1e-14)


def test_gauss_rules_converge_to_smooth_integrals_and_warn_of_others():
    unit = Interior(Box(x=(0.0, 1.0))).quadrature_cells
    at = lambda function: integral(lambda points: function(np.asarray(points.coordinates)[:, 0]), unit, {})
    np.testing.assert_allclose(at(lambda x: np.cos(40 * x)), np.sin(40) / 40, rtol=1e-12)
    np.testing.assert_allclose(at(np.sqrt), 2 / 3, rtol=1e-6)
    with pytest.warns(pinnkit.QuadratureWarning):
        at(lambda x: 1 / np.sqrt(np.abs(x - 0.3)))


def test_extrapolation_warns_once():
    problem = Problem("line", Box(x=(0.0, 1.0)), {"pde": Condition(lambda u: u.x, on=Box(x=(0.0, 1.0)).interior)})
    solution = fit(problem, steps=0, points=4, width=4, depth=1)
    solution(x=[0.0, 1.0 + 1e-12])
    with pytest.warns(pinnkit.ExtrapolationWarning, match="extrapolated at x = 1.5, outside Box"):
        solution(x=1.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        solution.evaluate(lambda u: u.x, x=2.0)
