"""Conditions hold where they were declared: regions say where they lie, and only what is proved is built in."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pinnkit import Box, Condition, Interval, PointSet, Problem, ProblemError, laplacian, partial, periodic
from pinnkit.automatic.time_marching.marching import find_marching
from pinnkit.equations.exact.ansatz import find_ansatz
from pinnkit.equations.exact.face_values import prescribed

line, square, film = Box(x=(0.0, 1.0)), Box(x=(0.0, 1.0), y=(0.0, 1.0)), Box(x=(0.0, 1.0), t=(0.0, 1.0))
slit = Box(x=(0.0, 1.0), y=(0.0, 0.5))


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def ansatz_of(conditions, domain=square, equation=laplacian, **arguments):
    inside = {"pde": Condition(lambda u: equation(u), on=domain.interior)}
    return find_ansatz(Problem("p", domain, {**inside, **conditions}, **arguments))


def values_of(ansatz, at, fields=1):
    """The fields that the ansatz gives at a point, for a network that is not zero."""
    box = ansatz.problem.domain
    bounds = jnp.asarray(box.lower), jnp.asarray(box.upper)
    return np.asarray(ansatz.outputs(jnp.full(fields, 0.7), jnp.asarray(at), bounds))


# Regions.


@pytest.mark.parametrize(
    "region",
    [
        Box(x=(0.0, 0.5)).upper_face("x"),
        Box(x=(0.25, 0.75)).boundary("x"),
        Box(x=(0.25, 0.75)).interior,
        PointSet({"x": [0.5]}),
    ],
)
def test_a_region_inside_the_domain_prescribes_nothing_on_its_faces(region):
    assert ansatz_of({"c": Condition(lambda u: u - 3, on=region)}, line, lambda u: u.xx).conditions == ()


@pytest.mark.parametrize("face", [slit.lower_face("x"), slit.upper_face("y"), slit.boundary()])
def test_a_part_of_a_face_prescribes_nothing_on_the_whole(face):
    ansatz = ansatz_of({"c": Condition(lambda u: u - 3, on=face)})
    assert ansatz.conditions == () and "other than whole faces" in ansatz.notes[0]


@pytest.mark.parametrize(
    "face",
    [
        Box(x=(0.0, 0.5), y=(0.0, 1.0)).lower_face("x"),
        Box(x=(0.0, 1e-3), y=(-0.0, 1.0 + 1e-12)).lower_face("x"),
        square.lower_face("x"),
    ],
)
def test_a_whole_face_of_the_domain_may_belong_to_another_box(face):
    ansatz = ansatz_of({"c": Condition(lambda u, y: u - y, on=face)})
    assert ansatz.conditions == ("c",)
    np.testing.assert_allclose(values_of(ansatz, [0.0, 0.3]), 0.3, rtol=1e-15)


def test_the_normal_is_that_of_the_box_that_the_face_belongs_to():
    """A strip that ends at the right wall has the normal of the wall; one that begins there has the opposite."""
    flux = lambda u, normal: [u, u.x * normal[0] - 5.0]
    inner = Box(x=(0.5, 1.0), y=(0.0, 1.0)).upper_face("x")
    wider = Box(x=(0.0, 2.0), y=(0.0, 1.0))
    outer = Box(x=(1.0, 2.0), y=(0.0, 1.0)).lower_face("x")
    assert outer.faces_of(square.bounds)[0].direction == -1
    for region, slope in ((inner, 5.0), (outer, -5.0)):
        ansatz = ansatz_of({"c": Condition(flux, on=region)})
        face_value = next(face_value for face_value in ansatz.face_values[0] if face_value.order == 1)
        np.testing.assert_allclose(prescribed(ansatz.problem, face_value)(jnp.array([1.0, 0.3])), slope, rtol=1e-15)
    assert outer.faces_of(wider.bounds) is None


@pytest.mark.parametrize(
    "region, domain",
    [
        (Box(x=(0.0, 2.0)).interior, line),
        (Box(x=(-1.0, 1.0)).boundary(), line),
        (Box(x=(0.5, 1.5)).upper_face("x"), line),
        (Box(x=(0.0, 1.0), y=(0.0, 1.1)).lower_face("x"), square),
        (Box(x=(0.0, 1.0), t=(1.0, 2.0)).end(), film),
    ],
)
def test_regions_outside_the_domain_are_refused(region, domain):
    with pytest.raises(ProblemError, match=r"condition 'c' of problem 'p' .*leaves the domain: . is from"):
        Problem("p", domain, {"c": Condition(lambda u: u, on=region)})


def test_the_bounds_of_a_region_hold_its_points():
    unit = jnp.asarray(np.random.default_rng(0).random((64, 2)))
    for region in (slit.interior, slit.boundary(), slit.upper_face("y"), PointSet({"x": [0.1, 0.9], "y": [0.2, 0.3]})):
        low, high = region.bounds
        points = np.asarray(region.points(unit[:, : max(region.dimension, 1)]).coordinates)
        assert (points >= low).all() and (points <= high).all()


# Windows in time.


def heat(conditions):
    problem = Problem(
        "heat",
        film,
        {
            "pde": Condition(lambda u: u.t - u.xx + u**3, on=film.interior),
            "initial": Condition(lambda u, x: u - jnp.sin(jnp.pi * x), on=film.start()),
            "walls": Condition(lambda u: u, on=film.boundary("x")),
            **conditions,
        },
    )
    return find_marching(find_ansatz(problem))


@pytest.mark.parametrize(
    "name, condition",
    [
        ("source", Condition(lambda u: u.t, on=Box(x=(0.0, 1.0), t=(0.5, 1.0)).interior)),
        ("late wall", Condition(lambda u: u.x, on=Box(x=(0.0, 1.0), t=(0.5, 1.0)).lower_face("x"))),
        ("delay", Condition(lambda u, t: u.x - u(t=t / 2), on=film.lower_face("x"))),
        ("memory", Condition(lambda u: u.x - u(t=0.0), on=film.lower_face("x"))),
        ("late start", Condition(lambda u: u - 1, on=Box(x=(0.0, 1.0), t=(0.5, 1.0)).start())),
    ],
)
def test_what_is_not_the_same_at_all_times_is_not_marched(name, condition):
    assert heat({name: condition}) is None


def test_what_is_the_same_at_all_times_is_marched():
    assert heat({}) is not None
    robin = Condition(lambda u, t: u.x - u + jnp.sin(t) - jnp.pi, on=Box(x=(0.0, 0.5), t=(0.0, 1.0)).lower_face("x"))
    elsewhere = Condition(lambda u, x: u - u(x=1 - x), on=film.interior)
    assert heat({"robin": robin, "symmetry": elsewhere}) is not None
    half = Box(x=(0.0, 0.5), t=(0.0, 1.0))
    assert heat({"part of space": Condition(lambda u: u.t, on=half.interior)}) is not None
    assert heat({"line inside": Condition(lambda u: u.x, on=half.upper_face("x"))}) is not None


# What faces prescribe.


PATCHES = {
    "between the samples": lambda u, y: jnp.where((y > 0.18) & (y < 0.38), u.x - 1.0, u),
    "thin": lambda u, y: jnp.where(jnp.abs(y - 0.3333) < 1e-7, u.x - 1.0, u),
    "of another value": lambda u, y: jnp.where(y > 2.0, u - 1.0, u.x),
    "by rounding": lambda u, y: u + u.x * jnp.floor(y),
    "by a sign": lambda u, y: (1 + jnp.sign(y - 0.2)) * u.x + (1 - jnp.sign(y - 0.2)) * u,
    "by a maximum": lambda u, y: u + jnp.maximum(y - 0.999999, 0.0) * u.x,
    "by truth values": lambda u, y: u + (y > 0.999999) * u.x,
    "by an index": lambda u, y: jnp.array([1.0, 0.0])[(y * 1.5).astype(int)] * u + u.x,
    "smooth": lambda u, y: u + jnp.exp(-((y - 0.3) ** 2) / 1e-12) * u.x,
    "of a gradient that is not followed": lambda u, y: jax.lax.stop_gradient(u.value) - y,
    "by rounding the field": lambda u, y: u.value.astype(int) - y,
}


@pytest.mark.parametrize("name", PATCHES)
def test_what_differs_along_a_face_is_not_built_in(name):
    assert ansatz_of({"c": Condition(PATCHES[name], on=square.lower_face("x"))}).conditions == ()


@pytest.mark.parametrize(
    "residual", [lambda u, y: (1 + y) * u, lambda u, y: (y - 0.31234567) * u, lambda u, y: jnp.exp(-1e9 * y) * u]
)
def test_factors_that_differ_along_a_face_are_not_divided_by(residual):
    ansatz = ansatz_of({"c": Condition(residual, on=square.lower_face("x"))})
    assert ansatz.conditions == () and "divide the equation by it" in ansatz.notes[0]


def test_what_is_the_same_all_over_a_face_is_built_in():
    """A factor of the coordinate that the face fixes, a choice by coefficients, components of the normal."""
    conditions = {
        "left": Condition(lambda u, x, a: jnp.where(a > 1, (2 + x) * u, u.x) - 1, on=square.lower_face("x")),
        "top": Condition(lambda v, w, normal: v * normal[0] + w * normal[1] - 1, on=square.upper_face("y")),
    }
    inside = {"pde": Condition(lambda u, v, w: [laplacian(f) for f in (u, v, w)], on=square.interior)}
    problem = Problem("p", square, {**inside, **conditions}, ("u", "v", "w"), {"a": 2.0})
    ansatz = find_ansatz(problem)
    assert ansatz.conditions == ("left", "top")
    np.testing.assert_allclose(values_of(ansatz, [0.0, 0.4], 3)[0], 0.5, rtol=1e-15)
    np.testing.assert_allclose(values_of(ansatz, [0.4, 1.0], 3)[2], 1.0, rtol=1e-15)


def test_a_value_may_be_written_as_that_of_the_field_elsewhere():
    ansatz = ansatz_of({"c": Condition(lambda u, y: u(x=0.0) - y, on=square.lower_face("x"))})
    assert ansatz.conditions == ("c",)
    np.testing.assert_allclose(values_of(ansatz, [0.0, 0.4]), 0.4, rtol=1e-15)


# Periods.


def seam_of(residual, equation=lambda u: u.t - u.xx, region=None):
    region = film.lower_face("x") if region is None else region
    return ansatz_of({"seam": Condition(residual, on=region)}, film, equation)


PERIODIC = {
    "two rows": lambda u: [u - u(x=1.0), u.x - u.x(x=1.0)],
    "factors": lambda u: [3 * u - 3 * u(x=1.0), u.x(x=1.0) - u.x],
    "both sides elsewhere": lambda u, t: [u(x=0.0, t=t) - u(x=1.0), u.x(x=0.0) - u.x(x=1.0, t=t)],
    "reflected": lambda u, x: [u - u(x=1 - x), u.x - u.x(x=1 - x)],
}
NOT_PERIODIC = {
    "early times": lambda u, t: [jnp.where(t < 0.44, u - u(x=1.0), u - 5.0), u.x - u.x(x=1.0)],
    "other times": lambda u, t: [u - u(x=1.0, t=t / 2), u.x - u.x(x=1.0)],
    "one time": lambda u: [u - u(x=1.0, t=0.5), u.x - u.x(x=1.0)],
    "a place that depends on time": lambda u, t: [u - u(x=jnp.where(t < 0.9, 1.0, 0.5)), u.x - u.x(x=1.0)],
    "values only": lambda u: u - u(x=1.0),
    "slopes only": lambda u: u.x - u.x(x=1.0),
    "a jump": lambda u: [u - u(x=1.0) - 1.0, u.x - u.x(x=1.0)],
    "a jump somewhere": lambda u, t: [u - u(x=1.0) - jnp.where(t > 0.999999, 1.0, 0.0), u.x - u.x(x=1.0)],
    "a factor that varies": lambda u, t: [(1 + t) * (u - u(x=1.0)), u.x - u.x(x=1.0)],
    "antiperiodic": lambda u: [u + u(x=1.0), u.x + u.x(x=1.0)],
    "a sum over places": lambda u: [u - jnp.mean(u(x=jnp.array([1.0, 1.0])).value), u.x - u.x(x=1.0)],
    "a derivative of what is taken elsewhere": lambda u: [u - u(x=1.0), u.x - partial(u(x=1.0) * 1.0, "t")],
}


@pytest.mark.parametrize("name", PERIODIC)
def test_periods_are_recognised(name):
    ansatz = seam_of(PERIODIC[name])
    assert ansatz.conditions == ("seam",) and ansatz.periods == {"x": 1.0}


@pytest.mark.parametrize("name", NOT_PERIODIC)
def test_what_is_not_provably_periodic_stays_in_the_loss(name):
    assert seam_of(NOT_PERIODIC[name]).periods == {}


def test_both_faces_may_say_the_same_period():
    assert seam_of(PERIODIC["two rows"], region=film.boundary("x")).periods == {"x": 1.0}


def test_a_part_of_a_face_is_not_periodic():
    assert seam_of(PERIODIC["two rows"], region=Box(x=(0.0, 1.0), t=(0.0, 0.5)).lower_face("x")).periods == {}


@pytest.mark.parametrize("order", range(3))
def test_a_period_needs_derivatives_up_to_one_less_than_the_equation(order):
    equation = lambda u: u.t + u.d("x", order + 1)
    for declared in range(3):
        condition = {"seam": periodic(film, "x", order=declared)}
        assert bool(ansatz_of(condition, film, equation).periods) == (declared >= order)


def test_every_field_counts_for_a_period():
    """The first field wants slopes, the second values only."""
    equation = lambda u, v: [u.t - u.xx + v, v.t + v.x]
    inside = {"pde": Condition(equation, on=film.interior)}
    both = lambda u, v: [u - u(x=1.0), u.x - u.x(x=1.0), v - v(x=1.0)]
    values = lambda u, v: [u - u(x=1.0), v - v(x=1.0), v.x - v.x(x=1.0)]
    for residual, periods in ((both, {"x": 1.0}), (values, {})):
        seam = {"seam": Condition(residual, on=film.lower_face("x"))}
        assert find_ansatz(Problem("p", film, {**inside, **seam}, ("u", "v"))).periods == periods


def test_an_equation_knows_along_which_coordinates_it_looks_elsewhere():
    residual = lambda u, x, t: u(x=1 - x) + u(t=t) + u(x=x, t=t)
    problem = Problem("p", film, {"c": Condition(residual, on=film.interior)})
    assert problem.equation("c").displaced == {"x"}


def test_bandwidths_are_looked_for_where_the_equation_holds():
    """An equation on a part of the domain is not evaluated on the rest, where it may not even be finite."""
    from pinnkit.automatic.random_features.solver import FeatureSolver, feature_model, residual_bandwidth

    part = Interval(x=(0.5, 1.0))
    conditions = {
        "pde": Condition(lambda u, x: u.xx - jnp.sin(40 * x) / jnp.sqrt(x - 0.4999), on=part.interior),
        "rest": Condition(lambda u: u.xx, on=Interval(x=(0.0, 0.5)).interior),
        "ends": Condition(lambda u: u, on=line.boundary()),
    }
    ansatz = find_ansatz(Problem("p", line, conditions))
    solver = FeatureSolver(ansatz.remaining, lambda s: feature_model(ansatz, 16, s, 0), 0)
    (bandwidth,) = residual_bandwidth(solver, solver.params())
    assert 20 <= bandwidth <= 80  # sin 40 x is 20 radians per half width, and the taper spreads it
