"""Shapes of the plane: measures, points, normals and distances are exact, and set operations obey their laws."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from pinnkit import Box, Disk, Ellipse, Polygon, QuasiRandom

from .shapes import PLANE, PLATE, SQUARE, L, sample, uniform

NAMES = pytest.mark.parametrize("name", PLANE)
EPS = np.finfo(float).eps


@NAMES
def test_measures_are_exact(name):
    shape, area, parts = PLANE[name]
    np.testing.assert_allclose(shape.measure, area, rtol=1e-12)
    assert set(shape.parts) == set(parts)
    np.testing.assert_allclose([shape.parts[part] for part in parts], list(parts.values()), rtol=1e-12)


@NAMES
def test_points_of_the_boundary_lie_on_it_with_outward_unit_normals(name):
    shape, step = PLANE[name][0], 1e-6
    x, normals = sample(shape.boundary(), 400)
    assert np.abs(shape.signed_distance(x)).max() <= 8 * EPS * shape.solid.size
    np.testing.assert_allclose((normals**2).sum(axis=1), 1.0, rtol=8 * EPS)
    beside = [shape.signed_distance(x + side * step * normals) for side in (1, -1)]
    assert (beside[0] > 0).mean() > 0.99 and (beside[1] < 0).mean() > 0.99  # but at corners
    assert (beside[0] >= 0.3 * step).mean() > 0.99


@NAMES
def test_points_of_the_interior_lie_inside(name):
    shape = PLANE[name][0]
    x = sample(shape.interior, 1024)[0]
    assert (shape.signed_distance(x) < 0).all() and shape.contains(x).all()
    low, high = shape.interior.bounds
    assert (x >= low).all() and (x <= high).all()


def chi_square(x, low, high, inside):
    """Tail probability of the counts of points in squares, against areas of a fine grid of points inside."""
    bins = [np.linspace(a, b, 7) for a, b in zip(low, high, strict=True)]
    fine = np.stack(np.meshgrid(*[np.linspace(a, b, 253) for a, b in zip(low, high, strict=True)]), axis=-1)
    middles = (fine[:-1, :-1] + fine[1:, 1:]).reshape(-1, 2) / 2
    expected = np.histogramdd(middles[inside(middles)], bins)[0].ravel()
    counts = np.histogramdd(x, bins)[0].ravel()
    kept = expected > 0.004 * expected.sum()  # slivers are not known well by the grid
    expected = expected[kept] / expected[kept].sum() * counts[kept].sum()
    return chi2.sf(((counts[kept] - expected) ** 2 / expected).sum(), kept.sum() - 1)


@pytest.mark.slow
@NAMES
def test_points_of_the_interior_are_uniform(name):
    shape = PLANE[name][0]
    x = uniform(shape.interior, 20_000, seed=3)
    assert chi_square(x, shape.lower, shape.upper, lambda x: shape.signed_distance(x) < 0) > 1e-4


@pytest.mark.slow
@NAMES
def test_points_of_each_part_are_uniform_by_length(name):
    """Each half plane has its share of the points, by the length that a predicate selects."""
    shape, n = PLANE[name][0], 4000
    for number, (part, length) in enumerate(shape.parts.items()):
        x = uniform(shape.boundary(part), n, seed=number)
        for angle in (0.3, 1.2, 2.5):
            direction = np.array([np.cos(angle), np.sin(angle)])
            level = np.quantile(x @ direction, 0.4)
            chosen = shape.boundary(lambda x, y, d=direction, c=level: x * d[0] + y * d[1] > c)
            lengths = dict(zip(chosen.names, chosen.measures, strict=True))
            share = lengths[f"{part} (selected)"] / length
            deviation = (np.mean(x @ direction > level) - share) / np.sqrt(0.24 / n)
            assert abs(deviation) < 4.5


@NAMES
def test_quasi_random_points_integrate_better_than_random_ones(name):
    """∫ ∂f/∂x = ∮ f nₓ for f = x² y + x, by points of the interior and of the boundary."""
    shape, _, parts = PLANE[name]
    inside, (around, normals) = sample(shape.interior, 4096)[0], sample(shape.boundary(), 8192)
    x, y = around.T
    flux = np.mean((x**2 * y + x) * normals[:, 0]) * sum(parts.values())
    volume = np.mean(2 * inside[:, 0] * inside[:, 1] + 1) * shape.measure
    np.testing.assert_allclose(flux, volume, atol=3e-3 * sum(parts.values()) * (1 + np.abs(x).max() ** 3))


@NAMES
def test_what_a_shape_contains_is_where_its_distance_is_negative(name):
    shape = PLANE[name][0]
    x = np.random.default_rng(0).uniform(shape.lower - 0.1, shape.upper + 0.1, (2000, 2))
    np.testing.assert_array_equal(shape.contains(x), shape.signed_distance(x) <= 0)


@NAMES
def test_the_distance_is_that_to_the_boundary_or_a_lower_bound(name):
    shape = PLANE[name][0]
    x = np.random.default_rng(1).uniform(shape.lower, shape.upper, (200, 2))
    around = sample(shape.boundary(), 3000)[0]
    exact = np.sqrt(((x[:, None] - around) ** 2).sum(axis=-1)).min(axis=1)
    found, gap = np.abs(shape.signed_distance(x)), 2e-3
    assert (found <= exact + 1e-12).all()
    if shape.is_distance_exact:
        np.testing.assert_allclose(found, exact, atol=gap)


LEAVES = [
    Disk(0.6, x=0.1, y=0.2),
    Disk(0.5, x=-0.4, y=0.1),
    Ellipse(radii=(0.8, 0.3), x=0.0, y=0.3).rotate(0.5),
    Polygon([(-0.5, -0.6), (0.7, -0.4), (0.2, 0.8)]),
    Box(x=(-0.7, 0.3), y=(-0.2, 0.6)),
]
FRAME = Box(x=(-1.5, 1.5), y=(-1.5, 1.5))
numbers = st.integers(0, len(LEAVES) - 1)
trees = st.recursive(numbers, lambda below: st.tuples(st.sampled_from("|&-"), below, below), max_leaves=4)


def built(tree):
    if isinstance(tree, int):
        return LEAVES[tree]
    operation, a, b = tree[0], built(tree[1]), built(tree[2])
    return {"|": lambda: a | b, "&": lambda: a & b, "-": lambda: a - b}[operation]()


def measures(shape):
    """The area and the length of the boundary, zero of an empty shape."""
    try:
        return shape.measure, sum(shape.parts.values())
    except ValueError as error:
        assert "is empty" in str(error)
        return 0.0, 0.0


@settings(max_examples=5, deadline=None, derandomize=True)
@given(trees, trees)
def test_de_morgan(a, b):
    """F − (A ∪ B) = (F − A) ∩ (F − B) and F − (A ∩ B) = (F − A) ∪ (F − B), in area and in length."""
    a, b = built(a), built(b)
    for left, right in ((FRAME - (a | b), (FRAME - a) & (FRAME - b)), (FRAME - (a & b), (FRAME - a) | (FRAME - b))):
        np.testing.assert_allclose(measures(left), measures(right), atol=1e-9)


@settings(max_examples=6, deadline=None, derandomize=True)
@given(trees, trees)
def test_the_area_of_a_union(a, b):
    """|A ∪ B| + |A ∩ B| = |A| + |B|."""
    a, b = built(a), built(b)
    area = lambda shape: measures(shape)[0]
    np.testing.assert_allclose(area(a | b) + area(a & b), area(a) + area(b), atol=1e-9)


def test_faces_that_two_shapes_share_count_once():
    left, right = Box(x=(0.0, 1.0), y=(0.0, 1.0)), Box(x=(1.0, 2.0), y=(0.0, 1.0))
    both = left | right
    np.testing.assert_allclose([both.measure, sum(both.parts.values())], [2.0, 6.0], rtol=1e-12)
    strip = Box(x=(0.0, 2.0), y=(0.0, 1.0)) - left
    np.testing.assert_allclose([strip.measure, sum(strip.parts.values())], [1.0, 4.0], rtol=1e-11)


def test_a_finer_description_of_a_boundary_is_the_same_boundary():
    """A square by four and by forty edges: the same points, normals and measures."""
    corners = np.array([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)])
    fine = np.concatenate(
        [
            a + np.linspace(0, 1, 10, endpoint=False)[:, None] * (b - a)
            for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True)
        ]
    )
    coarse, fine = Polygon(corners), Polygon(fine)
    for a, b in ((coarse.interior, fine.interior), (coarse.boundary(), fine.boundary())):
        for one, other in zip(sample(a, 64), sample(b, 64), strict=True):
            np.testing.assert_allclose(one if one is not None else 0, other if other is not None else 0, atol=1e-14)


@pytest.mark.parametrize("name", ["plate", "turned and enlarged"])
def test_points_are_the_same_inside_compiled_programs(name, x64):
    shape = PLANE[name][0]
    for region in (shape.interior, shape.boundary()):
        unit = QuasiRandom().layout(region, 64, seed=0)
        found = jax.jit(lambda unit, region=region: region.points(unit))(unit)
        x, normals = sample(region, 64)
        np.testing.assert_allclose(found.coordinates, x, atol=1e-13)
        if normals is not None:
            np.testing.assert_allclose(found.normals, normals, atol=1e-13)


def test_parts_are_chosen_by_name_and_by_predicate():
    assert PLATE.boundary("hole").measures == pytest.approx([0.4 * np.pi], rel=1e-12)
    upper = PLATE.boundary(lambda y: y > 0)
    assert (sample(upper, 200)[0][:, 1] >= 0).all()
    np.testing.assert_allclose(sum(upper.measures), 0.5 + 0.4 + 0.9 + 0.2 * np.pi + 0.05 * np.pi, rtol=1e-12)
    both = PLATE.boundary("hole", lambda x, y: y > 0)
    np.testing.assert_allclose(sum(both.measures) - sum(upper.measures), 0.2 * np.pi, rtol=1e-10)
    assert PLATE.named("all").parts.keys() == {"all"}
    assert PLATE.named(hole="pipe").parts.keys() == PLATE.parts.keys() - {"hole"} | {"pipe"}


def test_edges_of_a_polygon_have_their_names():
    names = ["floor", "step", "step", "wall", "roof", "left"]
    for vertices, own in ((L, names), (L[::-1], [*names[-2::-1], names[-1]])):
        polygon = Polygon(vertices, names=own)
        assert polygon.parts == pytest.approx({"floor": 2, "step": 2, "wall": 1, "roof": 1, "left": 2}, rel=1e-14)
        np.testing.assert_allclose(sample(polygon.boundary("floor"), 9)[1], np.tile([0.0, -1.0], (9, 1)))


def test_every_part_gets_a_point_and_all_points_are_used():
    boundary = PLATE.boundary()
    for n in (6, 7, 50):
        assert sum(boundary.parts(n)) == n and min(boundary.parts(n)) >= 1 and len(sample(boundary, n)[0]) == n


def test_points_depend_on_the_seed_alone():
    a, b, c = (sample(PLATE.interior, 64, seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()


def test_triangles_cover_a_shape():
    found = PLATE.evaluation()
    a, b, c = np.moveaxis(found.points[found.triangles], 1, 0)
    areas = np.abs(np.linalg.det(np.stack([b - a, c - a], axis=1))) / 2
    np.testing.assert_allclose(areas.sum(), PLATE.measure, rtol=1e-3)
    assert 8000 < len(found.points) < 12000 and PLATE.contains(found.points).all()


REFUSED = {
    "crossing edges": (lambda: Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]), "must not cross or touch itself"),
    "folded edges": (lambda: Polygon([(0, 0), (2, 0), (1, 0), (1, 1)]), "must not cross or touch itself"),
    "two vertices": (lambda: Polygon([(0, 0), (1, 1)]), "three or more"),
    "NaN vertex": (lambda: Polygon([(0, 0), (1, np.nan), (1, 1)]), "vertex 1 of a polygon is not finite"),
    "same vertices": (lambda: Polygon([(0, 0), (0, 0), (1, 1), (0, 1)]), "are the same point"),
    "hole outside": (lambda: Polygon(L, holes=[[(1.5, 1.5), (1.7, 1.5), (1.7, 1.7)]]), "must lie inside"),
    "number of names": (lambda: Polygon(L, names=["a"]), "6 edges"),
    "radius": (lambda: Disk(-1.0), "`radius` is a finite number > 0"),
    "radii": (lambda: Ellipse(radii=(1.0, 0.0)), "finite number > 0"),
    "three coordinates": (lambda: Disk(1.0, x=0.0, y=0.0, z=0.0), "has 2 coordinates"),
    "reserved name": (lambda: Disk(1.0, x=0.0, normal=0.0), "cannot be called"),
    "empty difference": (lambda: (Disk(0.1) - Disk(0.2)).interior, "is empty: its set operations leave nothing"),
    "empty intersection": (lambda: (Disk(0.1) & Disk(0.1, x=1.0, y=0.0)).boundary(), "is empty"),
    "unknown part": (lambda: PLATE.boundary("rim"), "no part 'rim'; its parts are .*'hole', 'notch'"),
    "empty part": (lambda: (SQUARE - Disk(0.1, x=3.0, y=0.0)).boundary("circle"), "'circle' .* is empty"),
    "nothing selected": (lambda: PLATE.boundary(lambda x: x > 3), "true nowhere"),
    "unknown argument": (lambda: PLATE.boundary(lambda z: z > 3), r"unknown argument\(s\) \['z'\]"),
    "no name": (lambda: PLATE.named(rim="wall"), r"no part\(s\) \['rim'\]"),
    "other coordinates": (lambda: SQUARE - Disk(0.1, r=0.0, z=0.0), "the same coordinates"),
    "time": (lambda: Box(x=(0.0, 1.0), t=(0.0, 1.0)) - Disk(0.1, x=0.0, t=0.0), "time and parameters come last"),
    "no shape": (lambda: PLATE - 3, "got int"),
    "translation": (lambda: PLATE.translate(z=1.0), "no coordinate 'z'"),
    "scale": (lambda: PLATE.scale(0.0), "`factor` is a finite number > 0"),
    "points": (lambda: PLATE.contains(np.zeros((3, 3))), r"shape \(n, 2\)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_invalid_shapes_are_refused_in_one_line(name):
    declare, message = REFUSED[name]
    with pytest.raises((ValueError, TypeError), match=message) as raised:
        declare()
    assert "\n" not in str(raised.value)


def test_pieces_end_exactly_where_primitives_share_a_part_of_an_edge():
    stairs = Box(x=(0, 1), y=(0, 1)) | Box(x=(1, 2), y=(-1, 0.5))
    lengths = {stairs: 8.0, stairs.rotate(0.3): 8.0, stairs | Box(x=(0, 2), y=(-2, -1)): 12.0}
    for shape, length in lengths.items():
        assert sum(shape.parts.values()) == pytest.approx(length, abs=2e-11)
