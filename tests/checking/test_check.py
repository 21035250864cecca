"""A problem is examined before it is fitted: what is right passes, and each mistake is named."""

import json
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.interpolate import CubicSpline

import pinnkit
from pinnkit import (
    Box,
    Condition,
    Disk,
    InputTypeError,
    Interval,
    PointSet,
    Problem,
    ProblemError,
    Unknown,
    laplacian,
    partial,
)
from pinnkit.checking.differences import Differences
from pinnkit.checking.parts import collocation_points, parts_of
from pinnkit.checking.reference import reference_residuals
from pinnkit.equations.registry import find_problem

SQUARE = Box(x=(0.0, 1.0), y=(0.0, 2.0))
DISK = Disk(radius=1.0)
ROD = Box(x=(0.0, 1.0), t=(0.0, 0.5))


def on_disk(reference=lambda x, y: 1 - x**2 - y**2, **changes):
    conditions = {
        "pde": Condition(lambda u: laplacian(u) + 4.0, on=DISK.interior),
        "rim": Condition(lambda u: u, on=DISK.boundary()),
    }
    return Problem("membrane", DISK, {**conditions, **changes}, reference=reference)


def heat(k=1.0, **changes):
    conditions = {
        "pde": Condition(lambda u, k: u.t - k * u.xx, on=ROD.interior),
        "initial": Condition(lambda u, x: u - jnp.sin(jnp.pi * x), on=ROD.start()),
        "ends": Condition(lambda u: u, on=ROD.boundary()),
    }
    kept = {name: c for name, c in {**conditions, **changes}.items() if c is not None}
    exact = lambda x, t, k: np.sin(np.pi * x) * np.exp(-k * np.pi**2 * t)
    return Problem("rod", ROD, kept, coefficients={"k": k}, reference=exact)


def titles(problem):
    return [finding.title for finding in pinnkit.check(problem).findings]


def test_a_sound_problem_has_no_findings(capsys):
    found = pinnkit.check(on_disk())
    assert found.is_sound and found.findings == ()
    assert found.derivatives == {"pde": ("u_xx", "u_yy"), "rim": ("u",)}
    assert all(residual.row.relative < 1e-14 for residual in found.reference.values())
    inside, rim = found.parts
    np.testing.assert_allclose([inside.measure, rim.measure], [np.pi, 2 * np.pi], rtol=1e-12)
    assert (inside.conditions, rim.conditions) == ({"pde": 1.0}, {"rim": 1.0})
    assert (inside.points, rim.points) == (len(found.points["pde"]), len(found.points["rim"]))
    found()
    text = capsys.readouterr().out
    assert "Nothing looks wrong." in text and max(map(len, text.splitlines())) <= 80
    assert json.loads(found.json())["conditions"]["pde"]["derivatives"] == ["u_xx", "u_yy"]
    assert "<pre>" in found._repr_html_()


def test_a_wrong_reference_is_found_whoever_differentiates_it():
    wrong = lambda x, y: 1 - x**2 - 1.001 * y**2
    by_numpy_alone = lambda x, y: np.interp(0.0, [0.0, 1.0], [1.0, 2.0]) - np.asarray(x, float) ** 2 - 1.001 * y**2
    for reference in (wrong, by_numpy_alone):
        residuals = reference_residuals(on_disk(reference))
        # Laplacian: 0.002 of 4; at the rim: 0.001 y², whose mean square is 3/8 of 1e-6, over the spread of u
        np.testing.assert_allclose(residuals["pde"].row.rms, 0.002, rtol=1e-5)
        np.testing.assert_allclose(residuals["rim"].row.rms, 1e-3 * np.sqrt(3 / 8), rtol=0.02)
        assert titles(on_disk(reference)) == ["The reference violates 'pde'", "The reference violates 'rim'"]


def test_a_reference_that_only_numpy_evaluates_may_be_right():
    exact = lambda x, y: 1 - np.asarray(x, float) ** 2 - y**2
    residuals = reference_residuals(on_disk(exact))
    assert all(residual.row.relative < 1e-8 for residual in residuals.values())


def test_conditions_that_the_reference_does_not_know_are_left_out():
    given = PointSet({"x": [0.1, 0.2], "t": 0.1}, noisy=[1.0, 2.0])
    data = Condition(lambda u, noisy: u - noisy, on=given)
    assert set(reference_residuals(heat(data=data))) == {"pde", "initial", "ends"}
    still = lambda x, t: 0 * x * t
    inverse = Problem("inverse", ROD, heat(data=data).conditions, coefficients={"k": Unknown(0.5)}, reference=still)
    assert set(reference_residuals(inverse)) == {"initial", "ends"}


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_differences_are_accurate_also_at_the_bounds(order):
    x = np.stack([np.linspace(0.0, 1.0, 21), np.linspace(2.0, 0.0, 21)], axis=1)
    wave = lambda p: (np.sin(2 * p[:, 0]) * np.exp(p[:, 1]))[:, None]
    derivative = Differences(wave, SQUARE.bounds, 1.0)
    expected = 2.0**order * np.sin(2 * x[:, 0] + order * np.pi / 2) * np.exp(x[:, 1])
    limit = 10.0 ** (-9 + order)
    np.testing.assert_allclose(derivative(x, (order, 0))[:, 0], expected, atol=limit * np.exp(2) * 2.0**order)
    mixed = derivative(x, (1, 1))[:, 0]
    np.testing.assert_allclose(mixed, 2 * np.cos(2 * x[:, 0]) * np.exp(x[:, 1]), atol=1e-6)


def test_what_lacks_conditions_is_named():
    assert titles(heat()) == []
    assert titles(heat(initial=None)) == ["No initial values of 'u'"]
    left = Condition(lambda u: u, on=ROD.lower_face("x"))
    assert titles(heat(ends=left)) == ["A part without a condition: 'right'"]
    assert titles(heat(initial=None, ends=None)) == [
        "An equation without data for 'u'",
        "No initial values of 'u'",
        "A part without a condition: 'left'",
        "A part without a condition: 'right'",
    ]


def test_a_field_needs_conditions_only_where_its_equation_holds():
    wall = find_problem("layered_wall")
    assert titles(wall) == titles(find_problem("fuel_rod")) == []
    open_wall = replace(wall, conditions={k: c for k, c in wall.conditions.items() if k != "outside"})
    assert titles(open_wall) == ["A part without a condition: 'right'"]


def test_a_field_on_a_part_needs_conditions_on_its_own_boundary_only():
    disk, box = Disk(radius=0.5), Box(x=(-1.0, 1.0), y=(-1.0, 1.0))
    conditions = {
        "inner": Condition(lambda inner: pinnkit.laplacian(inner), on=disk.interior),
        "outer": Condition(lambda outer: pinnkit.laplacian(outer), on=(box - disk).interior),
        "sides": pinnkit.dirichlet((box - disk).boundary("left", "right", "bottom"), 0.0, field="outer"),
        "contact": pinnkit.interface(disk.boundary(box - disk), "inner", "outer"),
    }
    problem = Problem("inclusion", conditions=conditions, fields={"inner": disk, "outer": box - disk})
    found = pinnkit.check(problem).findings
    assert [finding.title for finding in found if "without" in finding.title] == ["A part without a condition: 'top'"]


def test_a_second_initial_condition_is_missed():
    rate = Condition(lambda u: u.t, on=ROD.start())
    wave = {"pde": Condition(lambda u: u.tt - u.xx, on=ROD.interior), "ends": heat().conditions["ends"]}
    both = {"initial": heat().conditions["initial"], "rate": rate}
    problem = lambda **conditions: Problem("wave", ROD, {**wave, **conditions})
    assert titles(problem(**both)) == []
    assert titles(problem(initial=both["initial"])) == ["Too few initial values of 'u'"]


def test_a_half_of_a_part_and_a_beam_with_half_of_its_conditions():
    upper = Condition(lambda u: u, on=DISK.boundary(lambda y: y > 0.0))
    check = pinnkit.check(on_disk(rim=upper))
    assert [finding.title for finding in check.findings] == ["A part without a condition: 'circle'"]
    np.testing.assert_allclose(check.parts[1].conditions["rim"], 0.5, atol=0.02)
    line = Interval(x=(0.0, 1.0))
    held = Condition(lambda u: u, on=line.boundary())
    beam = {"pde": Condition(lambda u: u.xxxx - 1.0, on=line.interior), "held": held}
    assert titles(Problem("beam", line, beam)) == ["Too few conditions on 'left'", "Too few conditions on 'right'"]
    hinged = Condition(lambda u: u.xx, on=line.boundary())
    assert titles(Problem("beam", line, {**beam, "hinged": hinged})) == []


def test_periodic_conditions_hold_on_both_faces():
    periodic = pinnkit.periodic(ROD, "x", order=1)
    check = pinnkit.check(heat(ends=periodic, initial=Condition(lambda u: u, on=ROD.start())))
    assert {part.name: part.conditions for part in check.parts if part.name in ("left", "right")} == {
        "left": {"ends": 1.0},
        "right": {"ends": 1.0},
    }
    assert not any("part" in finding.title for finding in check.findings)


def test_units_that_do_not_match():
    plate = Box(x=(0.0, 1.0), y=(0.0, 1e-6))
    equation = {
        "pde": Condition(lambda u: laplacian(u), on=plate.interior),
        "rim": Condition(lambda u: u, on=plate.boundary()),
    }
    assert titles(Problem("plate", plate, equation)) == [
        "Lengths of very different sizes",
        "Terms of very different sizes",
    ]
    assert titles(heat(k=1e-12)) == ["Terms of very different sizes"]


def test_unused_coefficients_and_fields_without_equations():
    used = {"pde": Condition(lambda u: u.xx, on=SQUARE.interior), "rim": Condition(lambda u: u, on=SQUARE.boundary())}
    problem = Problem("p", SQUARE, used, fields=("u", "v"), coefficients={"k": 2.0})
    assert titles(problem) == ["Nothing about 'v'", "Unused coefficient 'k'"]


def test_points_are_counted_on_the_parts_on_which_they_lie():
    plate = Box(x=(-1.0, 1.0), y=(-1.0, 1.0)) - Disk(radius=0.4, x=0.2, y=0.0).named("hole")
    core = Box(x=(-0.9, -0.5), y=(-0.2, 0.2))
    conditions = {
        "pde": Condition(lambda u: laplacian(u), on=plate.interior),
        "all": Condition(lambda u: u, on=plate.boundary()),
        "hole": Condition(lambda u: u, on=plate.boundary("hole")),
        "core": Condition(lambda u, normal: u.x * normal[0], on=core.boundary()),
    }
    problem = Problem("plate", plate, conditions)
    points = collocation_points(problem)
    found = {part.name: part for part in parts_of(problem, points)}
    on_hole = np.isclose(np.hypot(points["all"].coordinates[:, 0] - 0.2, points["all"].coordinates[:, 1]), 0.4).sum()
    assert found["hole"].points == on_hole + len(points["hole"]) and set(found["hole"].conditions) == {"all", "hole"}
    assert found["left"].conditions == {"all": 1.0}
    assert found["elsewhere inside"].points == len(points["core"])
    assert sum(part.points for part in found.values()) == sum(map(len, points.values()))


@pytest.mark.parametrize(
    ("domain", "panels"),
    [
        (Interval(x=(0.0, 1.0)), 1),
        (ROD, 1),
        (DISK.over(t=(0.0, 1.0)), 3),
        (Box(x=(0.0, 1.0), y=(0.0, 1.0), z=(0.0, 2.0)), 4),
        (Box(x=(0.0, 1.0), y=(0.0, 1.0), z=(0.0, 1.0), w=(0.0, 1.0), v=(0.0, 1.0)), 4),
    ],
)
def test_pictures_of_any_dimension(domain, panels, tmp_path):
    conditions = {
        "pde": Condition(lambda u, x: u - x, on=domain.interior),
        "rim": Condition(lambda u: u, on=domain.boundary()),
    }
    picture = pinnkit.check(Problem("p", domain, conditions)).picture
    assert len(picture.figure.axes) == panels
    assert set(picture.data) == {"set", *domain.coordinates}
    assert picture.save(tmp_path / "points.png").stat().st_size > 1000


def test_something_that_is_no_problem_is_refused():
    with pytest.raises(InputTypeError, match="`problem` is a `Problem`, got str"):
        pinnkit.check("poisson_1d")  # pyright: ignore[reportArgumentType]


def test_a_reference_that_is_infinite_outside_of_the_domain_is_said_so():
    """An equation that takes the field before the start: the error comes from a function that JAX calls."""
    line = Interval(t=(0.0, 2.0))
    decay = CubicSpline(np.linspace(0, 2, 50), np.exp(-np.linspace(0, 2, 50)))
    delayed = Problem(
        "delayed",
        line,
        {
            "rate": Condition(lambda y, t: y.t + y(t=t - 0.5), on=line.interior),
            "start": Condition(lambda y: y - 1.0, on=line.start("t")),
        },
        fields=("y",),
        reference=lambda t: np.where(t < 0, np.inf, decay(t)),
    )
    with pytest.raises(ProblemError, match="the reference of problem 'delayed' is infinite for field 'y' at t = -0"):
        pinnkit.check(delayed)


def test_values_that_vanish_are_relative_to_the_field_inside():
    """The reference is 1e-12 where it has to be zero, as a state in a well that is cut off."""
    line = Interval(x=(-6.0, 6.0))
    conditions = {
        "pde": Condition(lambda u, e: u.xx - e * u, on=line.interior),
        "ends": Condition(lambda u: u, on=line.boundary()),
    }
    well = Problem(
        "well", line, conditions, coefficients={"e": Unknown(1.0)}, reference=lambda x: np.exp(-(x**2)) + 1e-12
    )
    assert found_in(well, "ends") < 1e-10


def found_in(problem, condition):
    return reference_residuals(problem)[condition].row.relative


def test_an_inaccurate_reference_is_a_warning_and_a_wrong_one_a_problem():
    off = lambda error: on_disk(lambda x, y: (1 + error) * (1 - x**2 - y**2))
    levels = [pinnkit.check(off(error)).findings for error in (1e-5, 1e-2)]
    assert [(finding.severity, finding.title) for finding, *_ in levels] == [
        ("warning", "The reference is not accurate in 'pde'"),
        ("problem", "The reference violates 'pde'"),
    ]


def test_a_field_on_a_part_needs_no_condition_on_a_circle_around_it():
    inner, outer = Disk(radius=0.5), Disk(radius=1.0).named("outer") - Disk(radius=0.5)
    problem = Problem(
        "coated",
        domain=Disk(radius=1.0),
        fields={"a": inner, "b": outer},
        conditions={
            "a": Condition(lambda a: laplacian(a), on=inner.interior),
            "b": Condition(lambda b: laplacian(b), on=outer.interior),
            "contact": pinnkit.interface(inner.boundary(outer), "a", "b"),
            "rim": Condition(lambda b: b, on=outer.boundary("outer")),
        },
    )
    assert not [title for title in titles(problem) if "without a condition" in title]


def test_a_prior_is_no_equation_whose_residual_or_boundary_values_are_asked_for():
    """A conductivity k = 1 + x that the equation differentiates, known by data of u and a prior alone."""
    line, places = Interval(x=(0.0, 1.0)), np.linspace(0.1, 0.9, 9)
    flux = lambda u, k: partial(k * u.x, "x") - 1.0
    conditions = {
        "pde": Condition(flux, on=line.interior),
        "ends": Condition(lambda u, x: u - x, on=line.boundary()),
        "data": Condition(lambda u, value: u - value, on=PointSet({"x": places}, value=places)),
        "smooth": Condition(lambda k: k.xx - 5.0, on=line.interior, prior=True),
    }
    exact = lambda x: {"u": x, "k": 1 + x}
    problem = Problem("conductor", line, conditions, fields=("u", "k"), reference=exact)
    assert titles(problem) == [] and set(reference_residuals(problem)) == {"pde", "ends"}
