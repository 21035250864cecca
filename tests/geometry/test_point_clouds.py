"""Point clouds with normals, and polygons of shapely."""

import jax
import numpy as np
import pytest
import shapely

from pinnkit import Condition, PointCloud, Problem, QuasiRandom, Uniform, fit, from_shapely, grad, laplacian
from pinnkit.geometry.sampling import sobol

from .shapes import L

ANGLES = 2 * np.pi * np.arange(160) / 160
RIM = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=-1)
SQUARE = 2.02 * sobol(2, 2048) - 1.01
INSIDE = SQUARE[(SQUARE**2).sum(axis=1) < 0.999]


def disk(**arguments):
    upper = RIM[:, 1] > 0
    boundary = {"upper": (RIM[upper], 3 * RIM[upper]), "lower": (RIM[~upper], RIM[~upper])}
    return PointCloud(INSIDE, boundary, measure=np.pi, measures={"upper": np.pi}, **arguments)


def test_points_are_chosen_among_the_given_ones(x64):
    cloud = disk()
    for region, among in ((cloud.interior, INSIDE), (cloud.boundary(), RIM)):
        unit = QuasiRandom().layout(region, 128, 0)
        found = jax.jit(lambda unit, region=region: region.points(unit))(unit)
        assert set(map(tuple, np.asarray(found.coordinates).tolist())) <= set(map(tuple, among.tolist()))
    np.testing.assert_allclose(found.normals, found.coordinates, atol=1e-15)
    assert cloud.boundary().parts(64) == (32, 32) or abs(np.subtract(*cloud.boundary().parts(64))) <= 2


def test_chosen_points_are_uniform():
    """All of them with the same weight: counts of points in quadrants and rings, in standard deviations."""
    cloud, n = disk(), 8000
    x = cloud.interior.placed(Uniform().layout(cloud.interior, n, 1))
    for where in (lambda x: x[:, 0] > 0, lambda x: x[:, 1] > 0.3, lambda x: (x**2).sum(axis=1) < 0.5):
        share = where(INSIDE).mean()
        assert abs(where(x).mean() - share) < 4.5 * np.sqrt(share * (1 - share) / n)


def test_distances_are_estimates():
    cloud = disk()
    x = np.random.default_rng(0).uniform(-1.5, 1.5, (500, 2))
    np.testing.assert_allclose(cloud.signed_distance(x), np.hypot(*x.T) - 1, atol=1.5e-2)
    assert not cloud.is_distance_exact and cloud.contains(RIM).all()
    is_clear = np.abs(np.hypot(*x.T) - 1) > 0.03
    np.testing.assert_array_equal(cloud.contains(x)[is_clear], (np.hypot(*x.T) < 1)[is_clear])


def test_parts_and_measures():
    cloud = disk(coordinates=("r", "z"))
    assert cloud.measure == np.pi and cloud.coordinates == ("r", "z")
    assert cloud.parts["upper"] == np.pi and np.isnan(cloud.parts["lower"])
    assert cloud.boundary("upper", lambda r: r > 0).names == ("upper", "lower (selected)")
    assert cloud.over(t=(0.0, 2.0)).measure == 2 * np.pi
    found = cloud.evaluation(500)
    corners = found.points[found.triangles]
    areas = np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1])) / 2
    assert len(found.points) == 500 and abs(areas.sum() - np.pi) < 0.05


def test_clouds_of_one_and_three_coordinates():
    line = PointCloud(np.linspace(0.1, 0.9, 9)[:, None], {"ends": ([[0.0], [1.0]], [[-1.0], [1.0]])}, measure=1.0)
    assert line.contains(np.array([[0.5], [1.2], [-0.1]])).tolist() == [True, False, False]
    ball = sobol(3, 512) - 0.5
    shell = 0.87 * ball / np.linalg.norm(ball, axis=1)[:, None]
    assert PointCloud(ball, {"shell": (shell, shell)}, measure=1.0).evaluation(64).points.shape == (64, 3)


@pytest.mark.slow
def test_a_problem_on_a_point_cloud():
    cloud = disk()
    problem = Problem(
        name="membrane",
        domain=cloud,
        conditions={
            "pde": Condition(lambda u: laplacian(u) + 4.0, on=cloud.interior),
            "flux": Condition(lambda u, normal: grad(u) @ normal + 2.0, on=cloud.boundary("upper")),
            "rim": Condition(lambda u: u, on=cloud.boundary("lower")),
        },
        reference=lambda x, y: 1 - x**2 - y**2,
    )
    solution = fit(problem, strategy="gauss-newton", steps=20, points=100, width=12, depth=1)
    assert solution.summary.relative_l2["u"] < 1e-2


def with_nan():
    with np.errstate(invalid="ignore"):
        return shapely.Polygon([(0, 0), (1, np.nan), (1, 1)])


WALL = {"wall": (RIM, RIM)}
REFUSED = {
    "no boundary": (lambda: PointCloud(INSIDE, {}, measure=1.0), "needs its boundary"),
    "inward normals": (lambda: PointCloud(INSIDE, {"a": (RIM, -RIM)}, measure=1.0), "do the normals point outwards"),
    "point outside": (
        lambda: PointCloud([*INSIDE, [1.5, 0]], WALL, measure=1.0),
        rf"1 of {len(INSIDE) + 1} interior points .* outside of its boundary, such as \(1.5, 0\)",
    ),
    "NaN point": (lambda: PointCloud([[0, np.nan]], WALL, measure=1.0), "the interior .* row 0 that is not finite"),
    "NaN normal": (lambda: PointCloud([[0, 0]], {"a": (RIM, RIM * np.nan)}, measure=1.0), "part 'a' .* not finite"),
    "zero normal": (lambda: PointCloud([[0, 0]], {"a": (RIM, 0 * RIM)}, measure=1.0), "160 points and 0 normals"),
    "fewer normals": (lambda: PointCloud([[0, 0]], {"a": (RIM, RIM[1:])}, measure=1.0), "160 points and 159 normals"),
    "no normals": (lambda: PointCloud([[0, 0]], {"a": RIM}, measure=1.0), "a pair `.points, normals.`"),
    "texts": (lambda: PointCloud([["a"]], WALL, measure=1.0), "rows of numbers"),
    "shape": (lambda: PointCloud([[0, 0, 0]], WALL, measure=1.0), r"shape \(n, 3\), got \(160, 2\)"),
    "measure": (lambda: PointCloud(INSIDE, WALL, measure=0.0), "`measure` is a finite number > 0"),
    "measures": (lambda: PointCloud(INSIDE, WALL, measure=1.0, measures={"a": 1.0}), r"unknown part\(s\) \['a'\]"),
    "coordinates": (lambda: PointCloud(INSIDE, WALL, measure=1.0, coordinates="x"), "as many different names"),
    "unknown part": (lambda: disk().boundary("wall"), "no part 'wall'"),
    "nothing selected": (lambda: disk().boundary(lambda x: x > 2), "true nowhere"),
    "bow tie": (
        lambda: from_shapely(shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])),
        r"not valid: Self-intersection\s?\[0.5 0.5\]; `shapely.make_valid` may help",
    ),
    "empty geometry": (lambda: from_shapely(shapely.Polygon()), "is empty"),
    "line": (lambda: from_shapely(shapely.LineString([(0, 0), (1, 1)])), "got LineString"),
    "no geometry": (lambda: from_shapely([(0, 0)]), "got list"),
    "NaN geometry": (lambda: from_shapely(with_nan()), "has vertices that are not finite"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_invalid_clouds_and_geometries_are_refused_in_one_line(name):
    declare, message = REFUSED[name]
    with pytest.raises((ValueError, TypeError), match=message) as raised:
        declare()
    assert "\n" not in str(raised.value)


# Polygons of shapely.


def test_polygons_of_shapely_keep_areas_lengths_and_holes():
    holed = shapely.Polygon(L, holes=[[(0.2, 0.2), (0.6, 0.2), (0.6, 0.5)]])
    shape = from_shapely(holed, coordinates=("r", "z"))
    assert shape.coordinates == ("r", "z") and shape.parts == pytest.approx({"outer": 8.0, "hole": 1.2}, rel=1e-14)
    assert shape.measure == pytest.approx(3 - 0.06, rel=1e-14) and shape.is_distance_exact
    many = shapely.union_all(
        [shapely.box(0, 0, 1, 1), shapely.box(2, 0, 3, 1), shapely.box(1, 1, 2, 2)]
    )  # corners meet
    union = from_shapely(many)
    assert union.measure == pytest.approx(3.0, rel=1e-14) and union.parts == pytest.approx({"outer": 12.0}, rel=1e-14)


def test_what_a_shape_contains_is_what_the_geometry_covers():
    rng = np.random.default_rng(2)
    blobs = shapely.union_all(shapely.buffer(shapely.points(rng.random((12, 2))), 0.15, quad_segs=4))
    geometry = blobs - shapely.Point(0.5, 0.5).buffer(0.1, quad_segs=3)
    shape, x = from_shapely(geometry), rng.uniform(-0.2, 1.2, (500, 2))
    np.testing.assert_array_equal(shape.contains(x), shapely.covers(geometry, shapely.points(x)))
    distances = shapely.distance(geometry.boundary, shapely.points(x))
    np.testing.assert_allclose(np.abs(shape.signed_distance(x)), distances, atol=1e-13)
    np.testing.assert_allclose([shape.measure, sum(shape.parts.values())], [geometry.area, geometry.length], rtol=1e-12)
