"""Meshes: measures, normals and distances are exact, points are uniform, and bad meshes are refused."""

import tracemalloc

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import Delaunay
from scipy.stats import chi2

from pinnkit import Mesh, QuasiRandom, Uniform

from .meshes import block, cube, rectangle, ring, together

EPS = np.finfo(float).eps
SIDE = np.sin(np.pi / 24)  # half of a side of a regular polygon of 24
HOLLOW = together(block(), block((0.25, 0.25, 0.25), (0.5, 0.75, 0.75)))

MESHES = {
    "rectangle": (Mesh(*rectangle(7, 4, 2.0)), 2.0, {"left": 1.0, "right": 1.0, "bottom": 2.0, "top": 2.0}),
    "ring": (Mesh(*ring(24, 3)), 9 * np.sin(np.pi / 12), {"inner": 24 * SIDE, "outer": 48 * SIDE}),
    "cube": (Mesh(*cube(3)), 1.0, {"floor": 1.0, "lid": 1.0, "boundary": 4.0}),
    "surface": (Mesh(*block((0.0, 0.0, 0.0), (1.0, 2.0, 0.5))), 1.0, {"boundary": 7.0}),
    "hollow": (Mesh(*HOLLOW), 1 - 0.0625, {"boundary": 6 + 1.0}),
    "turned": (
        Mesh(*ring(24, 3)).rotate(0.3, x=1.0, y=0.0).scale(2.0).translate(y=3.0).named(inner="hole"),
        36 * np.sin(np.pi / 12),
        {"hole": 48 * SIDE, "outer": 96 * SIDE},
    ),
}
NAMES = pytest.mark.parametrize("name", MESHES)


def points_of(region, n, seed=0, sampler=None):
    found = region.placed((sampler or QuasiRandom()).layout(region, n, seed))
    return found if isinstance(found, tuple) else (found, None)


@NAMES
def test_measures_are_exact(name):
    mesh, measure, parts = MESHES[name]
    np.testing.assert_allclose(mesh.measure, measure, rtol=1e-13)
    assert mesh.parts == pytest.approx(parts, rel=1e-13)
    assert sum(mesh.boundary().measures) == pytest.approx(sum(parts.values()), rel=1e-13)


@NAMES
def test_points_of_the_boundary_lie_on_it_with_outward_unit_normals(name):
    mesh, step = MESHES[name][0], 1e-6
    x, normals = points_of(mesh.boundary(), 300)
    assert np.abs(mesh.signed_distance(x)).max() <= 16 * EPS * mesh.surface.size
    np.testing.assert_allclose((normals**2).sum(axis=1), 1.0, rtol=8 * EPS)
    beside = [mesh.signed_distance(x + side * step * normals) for side in (1, -1)]
    np.testing.assert_allclose(beside[0], step, rtol=1e-4)
    assert np.isclose(beside[1], -step, rtol=1e-4).mean() > 0.99  # but in corners


@NAMES
def test_points_of_the_interior_lie_inside(name):
    mesh = MESHES[name][0]
    x = points_of(mesh.interior, 1024)[0]
    assert (mesh.signed_distance(x) <= 4 * EPS).all() and mesh.contains(x).all()
    low, high = mesh.interior.bounds
    assert (x >= low).all() and (x <= high).all() and (low >= mesh.lower).all() and (high <= mesh.upper).all()


def tail(x, directions, levels, shares):
    """The largest deviation of the shares of points beyond planes, in standard deviations."""
    found = np.array([np.mean(x @ direction > level) for direction, level in zip(directions, levels, strict=True)])
    return np.max(np.abs(found - shares) / np.sqrt(shares * (1 - shares) / len(x)))


@NAMES
def test_points_of_the_interior_are_uniform(name):
    """Against points of the box around the mesh, by the distance, which chooses them independently of the map."""
    mesh, n = MESHES[name][0], 20_000
    rng, d = np.random.default_rng(5), mesh.dimension
    x = points_of(mesh.interior, n, 3, Uniform())[0]
    other = rng.uniform(mesh.lower, mesh.upper, (40_000, d))
    other = other[mesh.contains(other)]
    edges = [np.linspace(low, high, 5) for low, high in zip(mesh.lower, mesh.upper, strict=True)]
    own, expected = (np.histogramdd(points, edges)[0].ravel() for points in (x, other))
    own, expected = (counts[expected > 20] for counts in (own, expected))
    ratio = np.sqrt(own.sum() / expected.sum())  # of two samples of different sizes
    statistic = ((own / ratio - expected * ratio) ** 2 / (own + expected)).sum()
    assert chi2.sf(statistic, len(own) - 1) > 1e-4


@pytest.mark.parametrize("name", ["rectangle", "ring", "cube", "hollow"])
def test_points_of_each_part_are_uniform(name):
    """Each half space has its share, by the measures of the facets, cut where they cross."""
    mesh, n = MESHES[name][0], 4000
    for number, part in enumerate(mesh.parts):
        region, direction = mesh.boundary(part), np.array([0.6, 0.64, 0.48])[: mesh.dimension]
        x = points_of(region, n, number, Uniform())[0]
        fine = points_of(region, 1 << 17)[0] @ direction  # quasi-random: errors are far below 1 / √n
        level = np.quantile(fine, [0.2, 0.5, 0.8])
        assert tail(x, 3 * [direction], level, np.array([0.8, 0.5, 0.2])) < 4.5


@NAMES
def test_quasi_random_points_integrate_better_than_random_ones(name):
    """∫ ∂f/∂x = ∮ f nₓ for f = x² y + x, by points of the interior and of the boundary."""
    mesh, measure, parts = MESHES[name]
    inside, (around, normals) = points_of(mesh.interior, 4096)[0], points_of(mesh.boundary(), 8192)
    x, y = around.T[:2]
    flux = np.mean((x**2 * y + x) * normals[:, 0]) * sum(parts.values())
    volume = np.mean(2 * inside[:, 0] * inside[:, 1] + 1) * measure
    np.testing.assert_allclose(flux, volume, atol=4e-3 * sum(parts.values()) * (1 + np.abs(x).max() ** 3))


@NAMES
def test_the_distance_is_that_to_the_boundary_and_its_sign_says_what_is_inside(name):
    mesh = MESHES[name][0]
    x = np.random.default_rng(1).uniform(mesh.lower - 0.2, mesh.upper + 0.2, (200, mesh.dimension))
    around, found = points_of(mesh.boundary(), 20_000)[0], mesh.signed_distance(x)
    exact = np.sqrt(((x[:, None] - around) ** 2).sum(axis=-1)).min(axis=1)
    assert (np.abs(found) <= exact * (1 + 1e-12)).all()
    np.testing.assert_allclose(found**2, exact**2, atol=8e-3 if mesh.dimension == 3 else 2e-4)
    np.testing.assert_array_equal(mesh.contains(x), found <= 0)
    if not mesh.is_hollow:  # in some cell
        corners = mesh.vertices[mesh.cells]
        shares = np.linalg.solve(
            np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2)[None], (x[:, None] - corners[None, :, 0])[..., None]
        )[..., 0]
        in_cell = (shares >= 0).all(axis=-1) & (shares.sum(axis=-1) <= 1)
        np.testing.assert_array_equal(in_cell.any(axis=1), found <= 0)


def test_points_on_a_line_with_vertices_are_counted_once():
    """Rays through vertices and edges cross one of the facets that share them."""
    mesh, (points, faces) = MESHES["cube"][0], block((-1.0, -1.0, -1.0), (1.0, 1.0, 1.0))
    grid = np.stack(np.meshgrid(*3 * [np.linspace(-0.5, 1.5, 25)], indexing="ij"), axis=-1).reshape(-1, 3)
    inside = ((grid > 0) & (grid < 1)).all(axis=1)
    is_off = (np.abs(grid[:, :, None] - [0.0, 1.0]).min(axis=(1, 2))) > 1e-9
    np.testing.assert_array_equal(mesh.surface.is_inside(grid)[is_off], inside[is_off])
    back = points[0] - np.linspace(0.1, 0.9, 9)[:, None] * np.array([0.6387, 0.5147, 0.5719])  # toward a vertex
    assert not Mesh(points, faces).contains(back).any()


@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.integers(0, 2**31), st.integers(4, 40))
def test_a_mesh_of_any_triangles_is_its_convex_hull(seed, count):
    """Delaunay triangles of random points: the area, and no other point is inside, as the half planes of it say."""
    points = np.random.default_rng(seed).random((count, 2))
    found = Delaunay(points)
    mesh = Mesh(points, found.simplices)
    x = np.random.default_rng(seed + 1).uniform(-0.1, 1.1, (100, 2))
    np.testing.assert_array_equal(mesh.contains(x), found.find_simplex(x) >= 0)
    assert set(map(tuple, np.sort(mesh.surface.facets, axis=1).tolist())) == set(
        map(
            tuple,
            np.sort(
                np.unique(found.simplices)[np.searchsorted(np.unique(found.simplices), found.convex_hull)], axis=1
            ).tolist(),
        )
    )


@pytest.mark.parametrize("name", ["ring", "cube", "hollow"])
def test_points_are_the_same_inside_compiled_programs(name, x64):
    mesh = MESHES[name][0]
    for region in (mesh.interior, mesh.boundary()):
        unit = QuasiRandom().layout(region, 64, seed=0)
        found = jax.jit(lambda unit, region=region: region.points(unit))(unit)
        x, normals = points_of(region, 64)
        np.testing.assert_allclose(found.coordinates, x, atol=1e-13)
        assert (found.normals is None) == (normals is None)
        if normals is not None:
            np.testing.assert_allclose(found.normals, normals, atol=1e-13)


def test_surfaces_are_directed_outwards_whatever_the_file_says():
    points, faces = HOLLOW
    rng = np.random.default_rng(0)
    for flipped in (np.ones(len(faces), bool), np.zeros(len(faces), bool), rng.random(len(faces)) < 0.5):
        own = np.where(flipped[:, None], faces[:, [1, 0, 2]], faces)
        np.testing.assert_allclose(Mesh(points, own).measure, 1 - 0.0625, rtol=1e-13)


def test_holes_are_known_where_their_center_is_outside():
    (hole,) = MESHES["ring"][0].holes
    np.testing.assert_allclose(hole.center, 0.0, atol=1e-15)
    np.testing.assert_allclose(hole.radius, 0.5 * np.cos(np.pi / 24), rtol=1e-14)
    (cavity,) = MESHES["hollow"][0].holes
    assert cavity.center == pytest.approx((0.375, 0.5, 0.5)) and cavity.radius == pytest.approx(0.125)
    assert MESHES["rectangle"][0].holes == MESHES["cube"][0].holes == ()


def test_parts_are_chosen_by_name_and_by_predicate():
    mesh = MESHES["rectangle"][0]
    assert mesh.boundary("top", "left").measures == pytest.approx([1.0, 2.0])
    upper = mesh.boundary(lambda y: y > 0.5)
    assert dict(zip(upper.names, upper.measures, strict=True)) == pytest.approx(
        {"left (selected)": 0.5, "right (selected)": 0.5, "top (selected)": 2.0}
    )
    assert sum(mesh.boundary("top", lambda y: y > 0.5).measures) == pytest.approx(3.0)
    assert mesh.named("wall").parts == pytest.approx({"wall": 6.0})
    assert mesh.named(top="bottom").parts == pytest.approx({"left": 1.0, "right": 1.0, "bottom": 4.0})


def test_a_mesh_extends_over_time_and_parameters():
    domain = MESHES["ring"][0].over(t=(0.0, 2.0), parameters={"k": (1.0, 4.0)})
    assert domain.coordinates == ("x", "y", "t", "k") and domain.space == ("x", "y")
    np.testing.assert_allclose(domain.measure, 6 * MESHES["ring"][1], rtol=1e-13)
    found = MESHES["ring"][0].over(t=(0.0, 2.0)).evaluation()
    assert found.shape[1] == 21 and found.triangles.max() < found.shape[0]


def areas(points, triangles):
    corners = points[triangles]
    return np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1])) / 2


@pytest.mark.parametrize("count", [100, 1000, 10_000])
def test_triangles_for_pictures_cover_the_mesh(count):
    mesh = Mesh(*ring(64, 20))
    found = mesh.evaluation(count)
    assert count / 4 <= len(found.points) <= 4 * count and found.shape == (len(found.points),)
    np.testing.assert_allclose(
        areas(found.points, found.triangles).sum(), mesh.measure, rtol=0.15 if count == 100 else 1e-13
    )
    assert mesh.contains(found.points).all()


def test_points_inside_are_compared_in_space():
    for name in ("cube", "hollow"):
        found = MESHES[name][0].evaluation(500)
        assert (
            found.points.shape == (256, 3) and not found.triangles.size and MESHES[name][0].contains(found.points).all()
        )


def test_vertices_of_no_cell_are_left_out():
    points, triangles, edges = rectangle(3, 2)
    more = np.concatenate([[[np.nan, 7.0]], points, [[9.0, 9.0]]])
    mesh = Mesh(more, triangles + 1, {name: rows + 1 for name, rows in edges.items()}, coordinates=("r", "z"))
    assert mesh.coordinates == ("r", "z") and len(mesh.vertices) == len(points)
    assert mesh.parts == pytest.approx(dict.fromkeys(edges, 1.0)) and mesh.upper.tolist() == [1.0, 1.0]


def test_large_meshes_are_sampled_and_looked_up(x64):
    """A hundred thousand triangles: no array has a row for each point and a column for each triangle."""
    tracemalloc.start()
    mesh = Mesh(*ring(400, 125))
    x = points_of(mesh.interior, 4096)[0]
    assert len(mesh.cells) == 100_000 and mesh.contains(x).all()
    assert tracemalloc.get_traced_memory()[1] < 2e8
    tracemalloc.stop()
    np.testing.assert_allclose(
        -mesh.signed_distance(x), np.minimum(np.hypot(*x.T) - 0.5, 1 - np.hypot(*x.T)), atol=1e-4
    )


P, T, E = rectangle(2, 2)
FOLDED = (np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.2, 0.4]]), np.array([[0, 1, 2], [0, 1, 3]]))
REFUSED = {
    "open surface": (lambda: Mesh(HOLLOW[0], HOLLOW[1][1:]), "not closed: 3 of its edges belong to one triangle"),
    "plane surface in space": (lambda: Mesh(np.pad(P, ((0, 0), (0, 1))), T), "not closed: 8 of its edges"),
    "NaN vertex": (lambda: Mesh(np.where(P == 0.5, np.nan, P), T), "vertices of the mesh are not finite"),
    "flat triangle": (
        lambda: Mesh([[0, 0], [1, 0], [2, 0], [0, 1]], [[0, 1, 2], [0, 2, 3]]),
        "1 of 2 cells .* degenerate",
    ),
    "repeated vertex": (lambda: Mesh(P, [[0, 0, 1]]), "degenerate: triangle 0"),
    "three cells at an edge": (lambda: Mesh([*FOLDED[0], [0.3, -1]], [*FOLDED[1], [0, 1, 4]]), "more than two cells"),
    "overlap": (lambda: Mesh(*FOLDED), "1 edges of the mesh have their cells on one side"),
    "shape of points": (lambda: Mesh(np.zeros((3, 4)), T), r"shape \(n, 2\) or \(n, 3\), got \(3, 4\)"),
    "quadrilaterals": (lambda: Mesh(P, [[0, 1, 2, 3]]), r"of shape \(m, 3\); got int64 \(1, 4\)"),
    "numbers": (lambda: Mesh(P, T + 1), "vertices 0 to 8, got 1 to 9"),
    "no numbers": (lambda: Mesh(P, T + 0.5), "numbers of vertices.*float64"),
    "no cells": (lambda: Mesh(P, np.zeros((0, 3), int)), "numbers of vertices"),
    "texts": (lambda: Mesh([["a", "b"]], T), "arrays of numbers"),
    "coordinates": (lambda: Mesh(P, T, coordinates=("x", "x")), "2 coordinates needs as many different names"),
    "reserved": (lambda: Mesh(P, T, coordinates=("x", "normal")), "cannot be called"),
    "part inside": (
        lambda: Mesh(P, T, {"cut": [[0, 4]]}),
        "part 'cut' of a mesh has 1 of 1 edges .* not on its boundary",
    ),
    "part of faces": (lambda: Mesh(P, T, {"cut": [[0, 4, 1]]}), r"shape \(k, 2\)"),
    "parts that overlap": (
        lambda: Mesh(P, T, {"a": E["left"], "b": E["left"]}),
        "'b' of a mesh shares facets with 'a'",
    ),
    "unknown part": (lambda: MESHES["ring"][0].boundary("rim"), r"no part 'rim'; its parts are \['inner', 'outer'\]"),
    "unknown name": (lambda: MESHES["ring"][0].named(rim="a"), r"no part\(s\) \['rim'\]"),
    "empty name": (lambda: MESHES["ring"][0].named(inner=""), "named by a text"),
    "nothing selected": (lambda: MESHES["ring"][0].boundary(lambda x: x > 9), "true nowhere"),
    "unknown argument": (lambda: MESHES["ring"][0].boundary(lambda z: z > 9), r"unknown argument\(s\) \['z'\]"),
    "no predicate": (lambda: MESHES["ring"][0].boundary(3), "coordinates or a neighbour, got int"),
    "points": (lambda: MESHES["ring"][0].contains(np.zeros((2, 3))), r"shape \(n, 2\)"),
    "plane set operation": (lambda: MESHES["ring"][0] - MESHES["rectangle"][0], "take another mesh in space"),
    "set operation with a number": (lambda: MESHES["cube"][0] | 3, "take another mesh in space, got .* 3"),
    "rotation": (lambda: MESHES["cube"][0].rotate(0.3), "needs the coordinate of its `axis`"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_invalid_meshes_are_refused_in_one_line(name):
    declare, message = REFUSED[name]
    with pytest.raises((ValueError, TypeError), match=message) as raised:
        declare()
    assert "\n" not in str(raised.value)
