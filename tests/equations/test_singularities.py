"""The exponents of solutions at corners, from the equations and the conditions on the two sides."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pinnkit import Box, Condition, Disk, Ellipse, Mesh, Outline, Polygon, Problem, Sector, div, grad, laplacian
from pinnkit.equations.charges import CLEAR, FARTHEST, SHARE, charges_around
from pinnkit.equations.singularities import singularities_of
from pinnkit.geometry.corners import Corner
from pinnkit.geometry.domain import Hole
from pinnkit.networks.random_features import SineFeatures
from pinnkit.networks.singular_functions import Charge, SingularFunctions
from tests.geometry.meshes import block

pytestmark = pytest.mark.usefixtures("x64")

EDGES = ["first", "top", "left", "bottom", "low", "last"]
L = Polygon([(0, 0), (1, 0), (1, 1), (-1, 1), (-1, -1), (0, -1)], names=EDGES)


def value(u):
    return u


def slope(u, normal):
    return grad(u) @ normal


def problem_on(domain, equation, *sides, **options):
    """With values, or normal derivatives, on the parts of `sides`."""
    conditions = {name: Condition(residual, on=domain.boundary(*parts)) for name, residual, parts in sides}
    return Problem(
        name="p", domain=domain, conditions={"pde": Condition(equation, on=domain.interior), **conditions}, **options
    )


def on_l(equation=lambda u: laplacian(u) + 1.0, first=value, last=value, **options):
    other = [("a", first, ("first",)), ("b", last, ("last",)), ("c", value, ("top", "left", "bottom", "low"))]
    return problem_on(L, equation, *other, **options)


def at_corners(problem):
    return [own for own in singularities_of(problem) if isinstance(own.place, Corner)]


def reentrant(problem):
    (found,) = [own for own in at_corners(problem) if own.place.is_reentrant]
    return found


@pytest.mark.parametrize(
    ("first", "last", "exponents"),
    [
        (value, value, [0, 2 / 3, 4 / 3, 2]),
        (slope, slope, [2 / 3, 4 / 3, 2, 8 / 3]),
        (value, slope, [1 / 3, 1, 5 / 3, 7 / 3]),
        (slope, value, [1 / 3, 1, 5 / 3, 7 / 3]),
    ],
)
def test_functions_satisfy_the_conditions_on_both_sides(first, last, exponents):
    problem = on_l(first=first, last=last)
    found = reentrant(problem)
    np.testing.assert_allclose([power.exponent for power in found.powers][:4], exponents, atol=1e-14)
    assert all(power.is_logarithmic == power.exponent.is_integer() for power in found.powers)
    plain = found._replace(powers=tuple(power for power in found.powers if not power.is_logarithmic))
    functions, along = SingularFunctions(L, [plain]), np.linspace(0.1, 0.9, 5)
    for condition, x in ((first, np.stack([along, 0 * along], 1)), (last, np.stack([0 * along, -along], 1))):
        values, axis = jax.vmap(functions)(x), int(x[0, 0] > 0)
        slopes = jax.vmap(jax.jacobian(functions))(x)[..., axis]
        np.testing.assert_allclose(values if condition is value else slopes, 0.0, atol=1e-13)


@pytest.mark.parametrize(
    ("equation", "is_complete"),
    [
        (lambda u, x: laplacian(u) - x, True),
        (lambda u: 3.0 * laplacian(u), True),
        (lambda u: -laplacian(u) + u, False),
        (lambda u: laplacian(u) - u**3 + u * u.x, False),
        (lambda u, x: div((1 + x**2) * grad(u)), False),
    ],
)
def test_equations_with_the_laplacian_as_principal_part(equation, is_complete):
    found = reentrant(on_l(equation))
    assert found.is_complete is is_complete
    exponents = {round(power.exponent, 3) for power in found.powers}
    assert (len(exponents) > 8) if is_complete else exponents <= {0.0, 0.667, 1.333}


@pytest.mark.parametrize(
    "equation",
    [
        lambda u: u.xx + 2 * u.yy,
        lambda u: laplacian(u) + u.xy,
        lambda u: u * laplacian(u),
        lambda u: laplacian(laplacian(u)),
        lambda u: u.x + u.y,
        lambda u, y: u.xx + y * u.yy,
    ],
)
def test_other_equations_have_no_functions_of_their_own(equation):
    assert singularities_of(on_l(equation)) == ()


def test_systems_are_read_row_by_row():
    two = lambda u, v: [laplacian(u) - v, laplacian(v) - u]
    coupled = lambda u, v: [laplacian(u) + v.xx, laplacian(v) - u]
    conditions = lambda equation: {
        "pde": Condition(equation, on=L.interior),
        "walls": Condition(lambda u, v: [u, v], on=L.boundary()),
    }
    make = lambda equation: Problem(name="p", domain=L, conditions=conditions(equation), fields=("u", "v"))
    assert not reentrant(make(two)).is_complete
    assert singularities_of(make(coupled)) == ()


def test_conditions_that_change_on_a_straight_edge_make_a_corner():
    square = Box(x=(0.0, 1.0), y=(0.0, 1.0)).named("free", where=lambda x, y: (y == 0.0) & (x > 0.5))
    rest = ("left", "right", "bottom", "top")
    problem = problem_on(square, lambda u: laplacian(u), ("free", slope, ("free",)), ("rest", value, rest))
    (found,) = [own for own in at_corners(problem) if abs(own.place.opening - np.pi) < 1e-9]
    np.testing.assert_allclose(found.place.vertex, [0.5, 0.0], atol=1e-12)
    np.testing.assert_allclose([power.exponent for power in found.powers], np.arange(0.5, 8.0), rtol=1e-12)


def test_time_and_curved_sides_ask_for_more_functions():
    sector = Sector(1.0, (0.0, 4.0))
    wall = ("wall", value, ())
    apex = reentrant(problem_on(sector, lambda u: laplacian(u), wall))
    assert len(apex.powers) == int(8 * 4.0 / np.pi)
    of_arc = [own for own in at_corners(problem_on(sector, lambda u: laplacian(u), wall)) if own.place != apex.place]
    assert all(len(own.powers) == 14 for own in of_arc)  # both phases of r² log r, ..., r⁸ log r
    heated = sector.over(t=(0.0, 1.0))
    assert not reentrant(problem_on(heated, lambda u: u.t - laplacian(u), wall)).is_complete


def test_an_edge_without_a_condition_leaves_no_corner():
    problem = problem_on(L, lambda u: laplacian(u), ("walls", value, ("first", "top", "left", "bottom", "low")))
    assert not [own for own in at_corners(problem) if own.place.is_reentrant]


def test_round_holes_have_multipoles_for_the_laplacian_alone():
    square = Box(x=(-1.0, 1.0), y=(-1.0, 1.0))
    holes = lambda domain, equation: [
        own
        for own in singularities_of(problem_on(domain, equation, ("wall", value, ())))
        if isinstance(own.place, Hole)
    ]
    poisson = lambda u: laplacian(u) + 1.0
    (found,) = holes(square - Disk(0.3, x=0.2, y=0.1), poisson)
    assert found.place.radius == pytest.approx(0.3) and len(found.powers) == 41
    assert holes(square - Disk(0.3, x=0.2, y=0.1), lambda u: laplacian(u) + u) == []
    assert holes(square - Ellipse(radii=(0.3, 0.2)), poisson) == []
    assert holes((square - Disk(0.3)) | Box(x=(0.1, 0.5), y=(-0.1, 0.1)), poisson) == []


@pytest.mark.parametrize("domain", [L, Disk(1.0), Box(x=(-1.0, 1.0), y=(-1.0, 1.0)) - Disk(0.3)])
def test_charges_surround_the_domain_for_the_laplacian_alone(domain):
    charges = lambda equation: np.array(
        [
            own.place.point
            for own in singularities_of(problem_on(domain, equation, ("wall", value, ())))
            if isinstance(own.place, Charge)
        ]
    )
    found = charges(lambda u: laplacian(u) - 1.0)
    distance = domain.signed_distance(found) / np.linalg.norm(domain.upper - domain.lower)
    assert len(found) >= 100 and CLEAR * FARTHEST <= distance.min() and distance.max() <= FARTHEST * (1 + 1e-9)
    angles = np.sort(np.arctan2(*(found - (domain.lower + domain.upper) / 2).T))
    assert np.diff(angles, append=angles[0] + 2 * np.pi).max() < 0.3  # all around
    assert len(charges(lambda u: laplacian(u) - u)) == 0


def test_charges_are_close_to_a_concave_boundary_and_dense_there():
    """Inside of an elliptic hole, and outside of a curve with valleys, whose circles of curvature are known."""
    angle = lambda s: 2 * np.pi * s
    radius = lambda s: 1 + 0.1 * np.cos(8 * angle(s))
    gear = Outline(lambda s: (radius(s) * np.cos(angle(s)), radius(s) * np.sin(angle(s))))
    found = np.array([charge.point for charge in charges_around(gear)])
    distance, r, bend = gear.signed_distance(found), 0.9, 6.4  # at the bottom of a valley, and r″ there
    is_bottom = np.abs(np.degrees(np.arctan2(found[:, 1], found[:, 0])) % 45 - 22.5) < 1
    assert distance[is_bottom].min() == pytest.approx(SHARE * r**3 / (r * bend - r**2), rel=0.05)
    nearest = np.linalg.norm(found[:, None] - found, axis=-1) + 1e9 * np.eye(len(found))
    assert (nearest.min(axis=1) < 0.6 * distance).all()
    plate = Box(x=(-1.0, 1.0), y=(-1.0, 1.0)) - Ellipse(radii=(0.4, 0.1))
    inside = [charge.point for charge in charges_around(plate) if np.abs(charge.point).max() < 0.5]
    assert len(inside) >= 20 and (plate.signed_distance(np.array(inside)) > 0).all()


def test_round_holes_need_no_charges():
    plate = Box(x=(-1.0, 1.0), y=(-1.0, 1.0)) - Disk(0.4)
    inside = lambda holes: [each for each in charges_around(plate, holes) if np.hypot(*each.point) < 0.4]
    assert inside(()) and not inside(plate.holes)


def test_boxes_have_hard_constraints_and_no_charges():
    square = Box(x=(-1.0, 1.0), y=(-1.0, 1.0))
    assert singularities_of(problem_on(square, lambda u: laplacian(u), ("wall", value, ()))) == ()


NOTCHED = Mesh(*block()) - Mesh(*block((0.5, 0.5, -1.0), (2.0, 2.0, 2.0)))


def on_notched(equation, *sides):
    conditions = {name: Condition(residual, on=NOTCHED.boundary()) for name, residual in sides}
    return Problem(
        "notched", domain=NOTCHED, conditions={"pde": Condition(equation, on=NOTCHED.interior), **conditions}
    )


def test_the_straight_edges_of_solids_have_the_exponents_of_corners():
    found = singularities_of(on_notched(lambda u: laplacian(u) + 1.0, ("wall", value)))
    exponents = {round(own.place.opening, 6): [power.exponent for power in own.powers] for own in found}
    assert len(found) == 18 and not any(own.is_complete for own in found)
    assert exponents[round(1.5 * np.pi, 6)][:3] == pytest.approx([2 / 3, 4 / 3, 2])
    assert exponents[round(0.5 * np.pi, 6)] == pytest.approx([2, 4, 6, 8])
    assert singularities_of(on_notched(lambda u: u.xx + 2 * u.yy + u.zz, ("wall", value))) == ()


def test_functions_at_straight_edges_are_those_of_the_plane_and_harmonic():
    found = singularities_of(on_notched(lambda u: laplacian(u), ("wall", value)))
    functions, offsets = SingularFunctions(NOTCHED, found[:1]), np.array([[-0.3, 0.1, 0.4], [0.2, -0.2, 0.1]])
    for offset in offsets:
        x = jnp.asarray(np.array([0.5, 0.5, 0.0]) + offset)
        r, angle = np.hypot(*offset[:2]), (np.arctan2(offset[1], offset[0]) - np.pi / 2) % (2 * np.pi)
        values, reach = functions(x), functions.places[0].reach
        first = (r / reach) ** (2 / 3) * np.sin(2 * angle / 3)
        assert abs(float(values[0])) == pytest.approx(abs(first), rel=1e-12)
        curvature = np.trace(np.asarray(jax.jacfwd(jax.jacfwd(functions))(x)), axis1=1, axis2=2)
        np.testing.assert_allclose(curvature, 0.0, atol=1e-10)


def test_factors_at_straight_edges_vary_along_them():
    found = singularities_of(on_notched(lambda u: laplacian(u), ("wall", value)))
    network = SineFeatures(NOTCHED, width=400, bandwidth=6.0, singularities=found)
    own = network.singular
    assert own is not None and own.along is not None and own.size <= 25
    factors = np.asarray(network.frequency)[200:]
    for i, frequency in enumerate(factors):
        assert np.linalg.norm(np.cross(frequency, own.along[i % own.size])) < 1e-12 * np.linalg.norm(frequency)
