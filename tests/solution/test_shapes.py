"""Integrals over shapes and pictures along their boundary, of a solution in closed form."""

import jax.numpy as jnp
import numpy as np
import pytest

import pinnkit
from pinnkit import Box, Condition, Disk, FunctionalModel, InputError, Problem, fit, grad, laplacian
from pinnkit.geometry.curves import Boundary

PLATE = Box(x=(-1.0, 1.0), y=(-0.5, 0.5)) - Disk(radius=0.2, x=0.3, y=0.1).named("hole")
HEATED = PLATE.over(t=(0.0, 2.0))


def solved(domain, function, **changes):
    """A solution whose field is a function of the coordinates."""
    conditions = {
        "pde": Condition(lambda u: laplacian(u), on=domain.interior),
        "rim": Condition(lambda u: u, on=domain.boundary()),
    }
    problem = Problem("closed", domain, conditions, **changes)
    apply = lambda params, x: jnp.stack([function(*x)]) + 0 * params
    return fit(
        problem, model=FunctionalModel(jnp.zeros(()), apply, lambda params: params), strategy="adam", steps=0, points=16
    )


@pytest.fixture(scope="module")
def heated():
    exact = lambda x, y, t: np.exp(-t) * np.sin(2 * x) * np.cosh(y)
    return solved(HEATED, lambda x, y, t: jnp.exp(-t) * jnp.sin(2 * x) * jnp.cosh(y), reference=exact)


def test_fluxes_through_the_boundary_of_a_shape_balance(heated):
    t = np.array([0.0, 0.7])
    inside = heated.integrate(lambda u: laplacian(u), t=t)
    around = heated.integrate(lambda u, normal: grad(u) @ normal[:2], over="rim", t=t)
    np.testing.assert_allclose(around, inside, rtol=1e-11)
    parts = sum(
        heated.integrate(lambda u, normal: grad(u) @ normal[:2], over=HEATED.boundary(name), t=0.7)
        for name in HEATED.parts
    )
    np.testing.assert_allclose(parts, around[1], rtol=1e-11)


def test_areas_times_and_ends(heated):
    np.testing.assert_allclose(heated.integrate(lambda: 1.0), HEATED.measure, rtol=1e-11)
    np.testing.assert_allclose(heated.integrate(lambda: 1.0, over=HEATED.start()), PLATE.measure, rtol=1e-11)
    decay = heated.integrate(lambda u, x: u * jnp.sin(2 * x)) / heated.integrate(lambda u, x: u * jnp.sin(2 * x), t=0.0)
    np.testing.assert_allclose(decay, 1 - np.exp(-2), rtol=1e-10)
    with pytest.raises(InputError, match="fixes time and parameters only"):
        heated.integrate(lambda u: u, x=0.3)


def test_curves_along_a_hole_start_and_end_at_one_place(heated):
    picture = heated.plot(along="hole", t=[0.0, 1.0])
    rows, arc = picture.data, picture.data["arc length"]
    np.testing.assert_allclose(arc.max(), 0.4 * np.pi, rtol=1e-12)
    np.testing.assert_allclose(np.hypot(rows["x"] - 0.3, rows["y"] - 0.1), 0.2, rtol=1e-12)
    np.testing.assert_allclose(rows["u"], np.exp(-rows["t"]) * np.sin(2 * rows["x"]) * np.cosh(rows["y"]), rtol=1e-12)
    np.testing.assert_allclose(rows["u_reference"], rows["u"], rtol=1e-12)
    steps = np.hypot(np.diff(rows["x"][: len(arc) // 2]), np.diff(rows["y"][: len(arc) // 2]))
    np.testing.assert_allclose(steps, np.diff(arc[: len(arc) // 2]), rtol=1e-3)


def test_fluxes_are_drawn_and_separate_curves_have_a_gap(heated):
    flux = lambda u, normal: grad(u) @ normal[:2]
    rows = heated.plot(flux, along="rim", t=0.0).data
    gaps = np.isnan(rows["expression"])
    assert gaps.sum() == 1 and np.isnan(rows["x"][gaps]).all()  # the outer edges are one curve, the hole another
    np.testing.assert_allclose(rows["arc length"].max(), sum(PLATE.parts.values()), rtol=1e-12)
    right = rows["x"] == 1.0
    inner = right & (np.abs(rows["y"]) < 0.499)
    np.testing.assert_allclose(rows["expression"][inner], 2 * np.cos(2.0) * np.cosh(rows["y"][inner]), rtol=1e-12)


def test_without_times_there_are_three_and_faces_of_boxes_have_lengths():
    box = Box(x=(0.0, 2.0), y=(0.0, 1.0)).over(t=(0.0, 1.0))
    solution = solved(box, lambda x, y, t: x + 10 * y + 100 * t)
    rows = solution.plot(along="right").data
    assert sorted(set(rows["t"])) == [0.0, 0.5, 1.0] and set(rows["x"]) == {2.0}
    np.testing.assert_allclose(rows["u"], 2 + 10 * rows["arc length"] + 100 * rows["t"], rtol=1e-14)
    around = solution.plot(along="rim", t=0.0).data
    np.testing.assert_allclose(around["arc length"].max(), 6.0)
    assert np.isfinite(around["u"]).all()  # the four faces are one closed curve


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda s: s.plot(along="rum", t=0.0), "no part or condition 'rum'; its boundary has the parts"),
        (lambda s: s.plot(along="pde", t=0.0), "needs curves in the plane"),
        (lambda s: s.plot(along="hole", x=0.0), "fixes \\['t'\\]; got \\['x'\\]"),
        (lambda s: s.plot("w", along="hole"), "has no field 'w'"),
        (lambda s: s.plot(lambda u: u), "draws expressions along a boundary only"),
    ],
)
def test_pictures_that_do_not_exist(heated, ask, message):
    with pytest.raises(pinnkit.PinnkitError, match=message):
        ask(heated)


def test_solids_are_drawn_by_their_three_middle_sections():
    cube = Box(x=(0.0, 2.0), y=(0.0, 4.0), z=(-1.0, 1.0))
    picture = solved(cube, lambda x, y, z: x + 10 * y + 100 * z).plot()
    titles = [ax.get_title() for ax in picture.figure.axes if ax.get_title()]
    assert titles == ["u at z = 0", "u at y = 2", "u at x = 1"]
    rows = picture.data
    np.testing.assert_allclose(rows["u"], rows["x"] + 10 * rows["y"] + 100 * rows["z"], rtol=1e-13, atol=1e-12)


def test_pieces_of_one_curve_are_joined_in_any_order():
    half = PLATE.boundary("left", "bottom", "top")
    trace = half.traced(200)
    assert isinstance(half, Boundary) and trace is not None and np.isfinite(trace.places).all()
    np.testing.assert_allclose(np.diff(trace.arc), np.hypot(*np.diff(trace.places, axis=0).T), atol=1e-12)
    np.testing.assert_allclose(trace.places[[0, -1]], [[1.0, 0.5], [1.0, -0.5]], atol=1e-12)  # counterclockwise
