"""Residuals of fields in closed form, on points and against scales that are known."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pinnkit import Box, Condition, FunctionalModel, Interval, PointSet, Problem, grad, laplacian, partial
from pinnkit.diagnostics.dense_points import dense_points
from pinnkit.diagnostics.verification import indices_of, jets_at, verify
from pinnkit.equations.singularities import singularities_of
from pinnkit.equations.terms import RowTerms
from pinnkit.geometry.corners import Corner
from pinnkit.geometry.points import Points
from pinnkit.networks.singular_functions import SingularFunctions
from pinnkit.residuals.functions import ResidualFunctions

from ..problems_for_tests import LINE, SQUARE, stokes


def checked(problem, *fields, exact=()):
    """The checks of fields given as functions of the coordinates."""
    with jax.enable_x64(True):
        stacked = lambda x: jnp.stack([jnp.asarray(f(*x), x.dtype) for f in fields])
        model = FunctionalModel(jnp.zeros(1), lambda params, x: stacked(x) + 0 * params[0], lambda params: params)
        residuals = ResidualFunctions(problem, model)
        params = {"coefficients": {}, "network": model.params}
        rows = {name: range(problem.equation(name).size) if name in exact else () for name in problem.conditions}
        return verify(residuals, params, rows, dict.fromkeys(problem.conditions, 1.0), 0).checks


def on_line(name="p", fields=("u",), **conditions):
    return Problem(name, LINE, {key: Condition(f, on=LINE.interior) for key, f in conditions.items()}, fields=fields)


def test_points_have_the_ends_of_faces_and_all_of_a_set_and_come_close_to_the_corners_of_an_interior():
    box = Box(x=(0.0, 1.0), y=(-1.0, 2.0), z=(0.0, 5.0))
    given = PointSet({"x": [0.1, 0.2], "y": 0.0, "z": 1.0})
    conditions = {"all": box.interior, "faces": box.boundary(), "set": given}
    problem = Problem("p", box, {name: Condition(lambda u: u, on=region) for name, region in conditions.items()})
    with jax.enable_x64(True):
        points, even = dense_points(problem, 0)
    corners = set(itertools.product(*zip(box.lower, box.upper, strict=True)))
    assert corners <= set(map(tuple, points["faces"].coordinates)) and 0.6 < even["faces"].mean() < 0.9
    inside = points["all"].coordinates
    assert (inside > box.lower).all() and (inside < box.upper).all()
    for corner in corners:
        assert np.min(np.max(np.abs(inside - corner) / (box.upper - box.lower), axis=1)) < 2e-6
    for axis, side in itertools.product(range(3), (box.lower, box.upper)):
        face = points["faces"].coordinates[points["faces"].coordinates[:, axis] == side[axis]]
        assert len({tuple(x) for x in face if tuple(x) in corners}) == 4
    np.testing.assert_array_equal(points["set"].coordinates, given.values)


def test_an_equation_that_is_singular_on_the_boundary_of_its_domain_is_no_fault():
    disk = Interval(r=(0.0, 1.0))
    problem = Problem("disk", disk, {"pde": Condition(lambda u, r: u.rr + u.r / r + 4, on=disk.interior)})
    check = checked(problem, lambda r: 1 - r**2)["pde"]
    assert check.holds and check.worst.relative < 1e-12


EQUATIONS = {
    "sum": (lambda u, x: u.xx + 3 * u - jnp.sin(x), ("u",), [2]),
    "derivative of a sum": (lambda u, x: partial(x * u.x + u**2 - 3 * x, "x") + u, ("u",), [2]),
    "rows": (lambda u, v, x: [u.x - v, -(v.x + u) + x, jnp.stack([u + 1.0, v - u.xx])], ("u", "v"), [1, 1, 0, 2]),
    "dot": (lambda u, v: jnp.sum(jnp.stack([u.x, v.xx, u * v]) * jnp.array([1.0, 2.0, 3.0])), ("u", "v"), [2]),
    "elsewhere": (lambda u: u - u(x=1.0) + u.d("x")(x=0.0), ("u",), [1]),
    "opaque": (lambda u, x: jnp.where(x < 0.5, u.x + 1, u), ("u",), [1]),
}


@pytest.mark.parametrize("name", EQUATIONS)
def test_the_terms_of_a_row_add_up_to_it(name):
    residual, fields, orders = EQUATIONS[name]
    problem = on_line(fields=fields, row=residual)
    with jax.enable_x64(True):
        equation = problem.equation("row")
        terms, rng = RowTerms(equation), np.random.default_rng(0)
        values = {s: jnp.asarray(rng.standard_normal(3 if s.kind == "normal" else ())) for s in equation.symbols}
        elsewhere = lambda symbol, point: jnp.cos(point[0]) + sum(symbol.orders)
        found = [float(jnp.sum(groups)) for groups in terms(values, elsewhere)]
        np.testing.assert_allclose(found, equation(values, elsewhere), rtol=1e-14, atol=1e-14)
    assert terms.orders == orders


def test_values_without_derivatives_are_one_term_beside_derivatives():
    radiation = on_line(fields=("T",), row=lambda T: 20 * T.x - 5e-8 * T**4 + 5e-8 * 300.0**4)
    sums = on_line(row=lambda u: u.xx + u.x - (u - 300) * 2)
    with jax.enable_x64(True):
        assert [len(group) for group in RowTerms(radiation.equation("row")).rows[0]] == [1, 2]
        assert sorted(len(group) for group in RowTerms(sums.equation("row")).rows[0]) == [1, 1, 1]


def test_a_prescribed_value_is_compared_with_the_variation_of_the_field_not_with_its_offset():
    problem = Problem(
        "rod",
        LINE,
        {
            "heat": Condition(lambda T: T.xx, on=LINE.interior),
            "left": Condition(lambda T: T - 300.0, on=LINE.lower_face("x")),
        },
        fields=("T",),
    )
    check = checked(problem, lambda x: 300.1 + 2.5 * x)["left"]
    (row,) = check.rows
    assert row.scale == pytest.approx(2.5 / np.sqrt(12), rel=0.01)
    assert row.relative == pytest.approx(0.1 / row.scale) and row.at == {"x": 0.0}


def test_an_equation_whose_terms_all_vanish_is_compared_with_the_field_over_the_domain():
    problem = Problem("p", SQUARE, {"pde": Condition(lambda u: laplacian(u), on=SQUARE.interior)})
    small = 1e-6
    (row,) = checked(problem, lambda x, y: 6 * x + small * jnp.sin(np.pi * y))["pde"].rows
    assert row.scale == pytest.approx(6 / np.sqrt(12), rel=0.05)
    assert row.rms == pytest.approx(np.pi**2 * small / np.sqrt(2), rel=0.05)


def test_rows_of_one_condition_have_scales_of_their_own():
    """Displacement in metres beside stress in pascals: an error of 10 % in the first is one, however small it is."""
    bar, modulus, pull = Interval(x=(0.0, 1.0)), 210e9, 1e8
    problem = Problem(
        "bar",
        bar,
        {
            "law": Condition(lambda u, s: s - modulus * u.x, on=bar.interior),
            "held": Condition(lambda u, s: [u, s - modulus * u.x], on=bar.lower_face("x")),
        },
        fields=("u", "s"),
    )
    shifted = lambda x: pull / modulus * (x + 0.1)
    displacement, stress = checked(problem, shifted, lambda x: pull + 0 * x)["held"].rows
    assert displacement.relative == pytest.approx(0.1 * np.sqrt(12), rel=0.01)
    assert stress.relative < 1e-14 and stress.scale == pytest.approx(pull)


def test_a_condition_on_values_elsewhere_is_compared_with_the_field():
    """A mean that is zero has no term that is not; half a unit of it is half of the field."""
    nodes, weights = np.polynomial.legendre.leggauss(8)
    mean = lambda u: jnp.dot(weights / 2, u(x=(nodes + 1) / 2).value)
    ends = lambda u: u.d("x")(x=0.0) - u.d("x")(x=1.0)
    conditions = {name: Condition(f, on=LINE.lower_face("x")) for name, f in (("mean", mean), ("ends", ends))}
    conditions["pde"] = Condition(lambda u: u, on=LINE.interior)
    found = checked(Problem("p", LINE, conditions), lambda x: jnp.cos(np.pi * x) + 1e-9 * x)
    assert found["mean"].worst.scale == pytest.approx(np.sqrt(0.5), rel=0.01)
    assert found["ends"].worst.scale == pytest.approx(2 * np.sqrt(0.5), rel=0.01)  # slopes of the field over its domain
    assert found["mean"].worst.relative < 1e-8 and found["ends"].worst.relative < 1e-8


def test_the_forcing_of_a_run_that_found_nothing_is_a_term():
    (row,) = checked(on_line(pde=lambda u, x: u.xx + jnp.sin(x)), lambda x: 0 * x)["pde"].rows
    assert row.relative == pytest.approx(1.0)


def test_fields_that_vanish_in_the_solution_are_no_cause_of_alarm():
    """Plane Poiseuille flow: the second component is zero, and the divergence has no term that is not."""
    u = lambda x, y: y * (1 - y)
    found = checked(stokes(), u, lambda x, y: 1e-12 * jnp.sin(x + y), lambda x, y: x)
    assert max(check.worst.relative for check in found.values()) < 1e-8
    scalar = Problem(
        "flow",
        SQUARE,
        {
            "momentum": Condition(
                lambda u, v, p: [u * u.x + v * u.y + grad(p)[0] - u.yy - 3, v.xx + p.y], on=SQUARE.interior
            ),
            "mass": Condition(lambda u, v: u.x + v.y, on=SQUARE.interior),
            "walls": Condition(lambda u, v: [u, v], on=SQUARE.boundary("y")),
        },
        fields=("u", "v", "p"),
    )
    found = checked(scalar, u, lambda x, y: 1e-12 * jnp.sin(x + y), lambda x, y: x)
    assert max(check.worst.relative for check in found.values()) < 1e-8
    wrong = checked(scalar, u, lambda x, y: 0.05 + 0 * x, lambda x, y: x)
    assert wrong["walls"].worst.relative > 0.1


def test_a_row_is_the_same_in_other_units():
    """Kilometres and days instead of metres and seconds change no relative residual."""

    def found(length, time):
        domain = Box(x=(0.0, 2.0 * length), t=(0.0, 3.0 * time))
        speed = length / time
        conditions = {
            "wave": Condition(lambda u: u.tt - speed**2 * u.xx, on=domain.interior),
            "rest": Condition(lambda u: [u, u.t], on=domain.start()),
        }
        u = lambda x, t: jnp.sin(x / length) * jnp.sin(1.1 * t / time)
        return [row.relative for check in checked(Problem("w", domain, conditions), u).values() for row in check.rows]

    np.testing.assert_allclose(found(1.0, 1.0), found(1e3, 86400.0), rtol=1e-9)
    np.testing.assert_allclose(found(1.0, 1.0), found(1e-6, 1e-9), rtol=1e-9)


def patch(value):
    """A condition that is another one on a small part of the face, or at one of its ends."""
    where = {"patch": lambda y: (y > 0.18) & (y < 0.2), "end": lambda y: y == 1.0}[value]
    left = lambda u, y: jnp.where(where(y), 1.0, 0.0) + u
    return Problem("p", SQUARE, {"left": Condition(left, on=SQUARE.lower_face("x"))})


@pytest.mark.parametrize("value", ["patch", "end"])
def test_a_built_in_condition_that_is_broken_on_a_small_part_of_its_face_does_not_hold(value):
    x_times_y = lambda x, y: x * (1 + y)
    found = checked(patch(value), x_times_y, exact=("left",))["left"]
    assert found.hard and not found.holds and found.worst.largest == pytest.approx(1.0)
    assert found.worst.at["y"] == 1.0 if value == "end" else 0.18 < found.worst.at["y"] < 0.2
    assert checked(patch(value), x_times_y)["left"].holds, "in the loss it is a matter of degree"


def test_built_in_conditions_hold_to_rounding_of_their_own_terms():
    problem = lambda offset: Problem("p", LINE, {"left": Condition(lambda u: u - offset, on=LINE.lower_face("x"))})
    for offset in (1e-8, 1.0, 1e8):
        near = checked(problem(offset), lambda x, offset=offset: offset * (1 + 1e-14) + x, exact=("left",))
        far = checked(problem(offset), lambda x, offset=offset: offset * (1 + 1e-9) + x, exact=("left",))
        assert near["left"].holds and not far["left"].holds


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_condition_that_is_not_finite_at_a_corner_does_not_hold(bad):
    pole = lambda u, x, y: jnp.where((x == 1.0) & (y == 1.0), bad, u)
    problem = Problem("p", SQUARE, {"top": Condition(pole, on=SQUARE.upper_face("y"))})
    found = checked(problem, lambda x, y: 0 * x)["top"]
    assert not found.holds and found.worst.at == {"x": 1.0, "y": 1.0} and not np.isfinite(found.worst.largest)


def test_values_at_a_corner_are_finite_where_second_derivatives_are_not():
    """The functions of a re-entrant corner vanish there; in one Taylor pass with their Laplacian they would be lost."""
    square = Box(x=(-1.0, 1.0), y=(-1.0, 1.0)) - Box(x=(0.0, 1.0), y=(-1.0, 0.0))
    conditions = {
        "pde": Condition(lambda u: laplacian(u), on=square.interior),
        "walls": Condition(lambda u: u, on=square.boundary()),
    }
    problem = Problem("corner", square, conditions)
    with jax.enable_x64(True):
        own = [each for each in singularities_of(problem) if isinstance(each.place, Corner) and each.place.is_reentrant]
        functions = SingularFunctions(square, own)
        model = FunctionalModel(jnp.zeros(()), lambda params, x: functions(x)[:1], lambda params: None)
        residuals = ResidualFunctions(problem, model)
        points = {"walls": Points(np.array([[0.0, 0.0], [0.0, -0.5]]), None, {})}
        found = jets_at(residuals, residuals.initial_params(jnp.zeros(())), points, indices_of(problem))["walls"]
    assert np.isfinite(found[:, 0]).all() and found[0, 0] == pytest.approx(0.0, abs=1e-9)


def test_conditions_with_measured_values_are_told_apart():
    data = PointSet({"x": [0.0, 0.5]}, sample=[1.0, 2.0])
    problem = Problem(
        "p",
        LINE,
        {
            "data": Condition(lambda u, sample: u - sample, on=data),
            "source": Condition(lambda u, sample: u.xx - sample, on=data),
        },
    )
    found = checked(problem, lambda x: 1.1 + 2 * x)
    assert found["data"].measured and not found["source"].measured
    assert found["data"].worst.rms == pytest.approx(0.1)
