"""Shapes of space: measures, points, normals and distances are exact, and set operations obey their laws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

import pinnkit
from pinnkit import Ball, Box, Condition, Cone, Cylinder, Problem, QuasiRandom, Torus, laplacian

from .shapes import sample, uniform
from .solids import CUBE, SPACE

NAMES = pytest.mark.parametrize("name", SPACE)
MOST_BY_DEFAULT = pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow if n in ("crossing cylinders", "extruded plate") else ()) for n in SPACE],
)
EPS = np.finfo(float).eps


@pytest.mark.slow
@NAMES
def test_measures_are_exact(name):
    shape, volume, parts = SPACE[name]
    np.testing.assert_allclose(shape.measure, volume, rtol=1e-11)
    assert set(shape.parts) == set(parts)
    np.testing.assert_allclose([shape.parts[part] for part in parts], list(parts.values()), rtol=1e-11)


@MOST_BY_DEFAULT
def test_points_of_the_boundary_lie_on_it_with_outward_unit_normals(name):
    shape, step = SPACE[name][0], 1e-6
    x, normals = sample(shape.boundary(), 500)
    assert np.abs(shape.signed_distance(x)).max() <= 16 * EPS * shape.solid.size
    np.testing.assert_allclose((normals**2).sum(axis=1), 1.0, rtol=8 * EPS)
    beside = [shape.signed_distance(x + side * step * normals) for side in (1, -1)]
    assert (beside[0] >= 0.3 * step).mean() > 0.99 and (beside[1] < 0).mean() > 0.99  # but at edges


@MOST_BY_DEFAULT
def test_points_of_the_interior_lie_inside(name):
    shape = SPACE[name][0]
    x = sample(shape.interior, 1024)[0]
    assert (shape.signed_distance(x) < 0).all() and shape.contains(x).all()


@NAMES
def test_points_of_the_interior_are_uniform(name):
    """Counts in cells of a grid, against the share of each of a fine grid inside."""
    shape, n = SPACE[name][0], 6000
    sides = [np.linspace(low, high, 61) for low, high in zip(shape.lower, shape.upper, strict=True)]
    fine = np.stack(np.meshgrid(*[(side[1:] + side[:-1]) / 2 for side in sides], indexing="ij"), axis=-1).reshape(-1, 3)
    bins = [side[::15] for side in sides]
    expected = np.histogramdd(fine[shape.solid.level(fine) < 0], bins)[0].ravel()
    counts = np.histogramdd(uniform(shape.interior, n, seed=3), bins)[0].ravel()
    kept = expected > 0.005 * expected.sum()  # slivers are not known well by the grid
    expected = expected[kept] / expected[kept].sum() * counts[kept].sum()
    assert chi2.sf(((counts[kept] - expected) ** 2 / expected).sum(), kept.sum() - 1) > 1e-4


@pytest.mark.slow
@NAMES
def test_points_of_each_part_are_uniform_by_area(name):
    """Moments of points of a part, against integrals over it."""
    shape, n = SPACE[name][0], 4000
    for number, pieces in enumerate(shape.boundary().pieces):
        found = [own.nodes() for own in pieces]
        nodes, weights = np.concatenate([own[0] for own in found]), np.concatenate([own[2] for own in found])
        x = uniform(shape.boundary(shape.boundary().names[number]), n, seed=number)
        for function in (lambda x: x, lambda x: x**2, lambda x: np.sin(5 * x) * np.cos(4 * np.roll(x, 1, axis=1))):
            values = function(nodes)
            mean = weights @ values / weights.sum()
            spread = np.sqrt(weights @ (values - mean) ** 2 / weights.sum() / n)
            assert (np.abs(function(x).mean(axis=0) - mean) <= 4.5 * spread + 1e-12).all()


@NAMES
def test_what_a_shape_contains_is_where_its_distance_is_negative(name):
    shape = SPACE[name][0]
    x = np.random.default_rng(0).uniform(shape.lower - 0.1, shape.upper + 0.1, (1000, 3))
    distance = shape.signed_distance(x)
    np.testing.assert_array_equal(shape.contains(x), distance <= 0)
    around = sample(shape.boundary(), 2000)[0]
    nearest = np.sqrt(((x[:200, None] - around) ** 2).sum(axis=-1)).min(axis=1)
    assert (np.abs(distance[:200]) <= nearest + 1e-12).all()
    if shape.is_distance_exact:
        np.testing.assert_allclose(np.abs(distance[:200]), nearest, atol=0.15)


def test_lines_cross_a_torus_where_its_level_is_zero():
    torus = Torus(1.0, 0.3).solid
    rng = np.random.default_rng(0)
    origin, direction = rng.uniform(-1, 1, (200, 3)), rng.normal(size=(200, 3))
    t = torus.crossings(origin, direction)
    found = np.isfinite(t)
    x = origin[:, None] + np.where(found, t, 0.0)[..., None] * direction[:, None]
    assert np.abs(torus.level(x)[found]).max() <= 1e-13 and (found.sum(axis=1) % 2 == 0).all()
    along = origin[:, None] + np.linspace(-4, 4, 2001)[:, None] * direction[:, None]
    changes = (np.diff(np.sign(torus.level(along)), axis=1) != 0).sum(axis=1)
    inside = (np.abs(np.where(found, t, 9.0)) < 4).sum(axis=1)
    assert (inside >= changes).all() and (inside == changes).mean() > 0.95


WHOLE = Ball(1.0)
LEAVES = [
    Ball(0.6, x=0.5, y=0.4, z=0.6),
    Cylinder(0.3, x=(-0.5, 1.5), y=0.5, z=0.5),
    Cone((0.6, 0.1), x=0.6, y=0.5, z=(0.0, 0.9)).rotate(0.3, "x"),
    Torus(0.4, 0.15, x=0.5, y=0.5, z=0.5).rotate(0.7, "y"),
]


@pytest.mark.slow
@settings(max_examples=4, deadline=None, derandomize=True)
@given(st.permutations(range(len(LEAVES))))
def test_de_morgan(order):
    """W − (A ∪ B) = (W − A) ∩ (W − B), in volume and in area."""
    a, b = (LEAVES[k] for k in order[:2])
    left, right = WHOLE - (a | b), (WHOLE - a) & (WHOLE - b)
    np.testing.assert_allclose(left.measure, right.measure, rtol=1e-10)
    np.testing.assert_allclose(sum(left.parts.values()), sum(right.parts.values()), rtol=1e-10)


@pytest.mark.slow
def test_the_volume_of_a_union():
    """|A ∪ B| + |A ∩ B| = |A| + |B|."""
    a, b = LEAVES[0], LEAVES[2]
    np.testing.assert_allclose((a | b).measure + (a & b).measure, a.measure + b.measure, rtol=1e-11)


def test_faces_that_two_shapes_share_count_once():
    both = CUBE | Box(x=(1.0, 2.0), y=(0.0, 1.0), z=(0.0, 1.0))
    np.testing.assert_allclose([both.measure, sum(both.parts.values())], [2.0, 10.0], rtol=1e-12)


def test_a_finer_description_of_a_solid_is_the_same_solid():
    """A cylinder of two halves; points and normals have the same distribution, measures agree to rounding."""
    whole = Cylinder(0.5, z=(0.0, 2.0))
    halves = Cylinder(0.5, z=(0.0, 1.0)) | Cylinder(0.5, z=(1.0, 2.0))
    np.testing.assert_allclose(halves.measure, whole.measure, rtol=1e-12)
    assert halves.parts == pytest.approx(whole.parts, rel=1e-12)
    np.testing.assert_allclose(sample(halves.interior, 64)[0], sample(whole.interior, 64)[0], atol=1e-13)


@pytest.mark.parametrize("name", ["cube without a corner", "torus"])
def test_points_are_the_same_inside_compiled_programs(name, x64):
    shape = SPACE[name][0]
    for region in (shape.interior, shape.boundary()):
        unit = QuasiRandom().layout(region, 64, seed=0)
        found = jax.jit(lambda unit, region=region: region.points(unit))(unit)
        x, normals = sample(region, 64)
        np.testing.assert_allclose(found.coordinates, x, atol=1e-12)
        if normals is not None:
            np.testing.assert_allclose(found.normals, normals, atol=1e-12)


def test_parts_are_chosen_by_predicate():
    half = SPACE["cube without a corner"][0].boundary("sphere", lambda z: z > 0.5)
    measures = dict(zip(half.names, half.measures, strict=True))
    assert measures["right (selected)"] == pytest.approx(0.5, rel=1e-9)
    assert measures["left (selected)"] == pytest.approx(0.5, rel=1e-9) and "sphere" in measures


def test_evaluation_points_lie_inside():
    shape = SPACE["cube without a corner"][0]
    assert shape.contains(shape.evaluation(1000).points).all()


@pytest.mark.slow
def test_poisson_on_a_ball_with_a_hole():
    """Δu = −4u with u = exp(x) sin(2y) cos(z) on both spheres, without any choice."""
    shell = SPACE["ball with a hole"][0]
    exact = lambda x, y, z: jnp.exp(x) * jnp.sin(2 * y) * jnp.cos(z)
    conditions = {
        "pde": Condition(lambda u, x, y, z: laplacian(u) + 4 * exact(x, y, z), on=shell.interior),
        "rim": Condition(lambda u, x, y, z: u - exact(x, y, z), on=shell.boundary()),
    }
    reference = lambda x, y, z: np.exp(x) * np.sin(2 * y) * np.cos(z)
    solution = pinnkit.fit(Problem("shell", shell, conditions, reference=reference), budget=120.0, progress=False)
    assert solution.summary.relative_l2["u"] <= 1e-6


REFUSED = {
    "radius": (lambda: Ball(-1.0), "`radius` is a finite number > 0"),
    "NaN radius": (lambda: Ball(np.nan), "`radius` is a finite number > 0"),
    "NaN center": (lambda: Ball(1.0, x=np.nan, y=0.0, z=0.0), "finite coordinates"),
    "two coordinates": (lambda: Ball(1.0, x=0.0, y=0.0), "has 3 coordinates"),
    "no axis": (lambda: Cylinder(1.0, x=0.0, y=0.0, z=1.0), "two ends"),
    "no height": (lambda: Cylinder(1.0, z=(1.0, 1.0)), "must ascend"),
    "radii": (lambda: Cone((0.0, 0.0), z=(0.0, 1.0)), "finite number > 0"),
    "one radius": (lambda: Cone(1.0, z=(0.0, 1.0)), "two numbers"),
    "negative radii": (lambda: Cone((1.0, -0.1), z=(0.0, 1.0)), "number ≥ 0"),
    "thick torus": (lambda: Torus(0.3, 0.5), "must be smaller than `major`"),
    "axis": (lambda: Torus(1.0, 0.5, axis="r"), "one of its coordinates"),
    "empty difference": (lambda: (Ball(0.1) - Ball(0.2)).interior, "is empty: its set operations leave nothing"),
    "rotation": (lambda: Ball(1.0).rotate(0.3), "needs the coordinate of its `axis`"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_invalid_shapes_are_refused_in_one_line(name):
    declare, message = REFUSED[name]
    with pytest.raises((ValueError, TypeError), match=message) as raised:
        declare()
    assert "\n" not in str(raised.value)
