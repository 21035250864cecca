"""Edges at which conditions do not fit together, and residuals scaled near them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pinnkit import Box, Condition, Problem, laplacian
from pinnkit.equations.exact.ansatz import find_ansatz
from pinnkit.geometry.edges import NEAREST, Edge, graded
from pinnkit.geometry.points import Points
from pinnkit.networks.embeddings import AroundEdges
from pinnkit.networks.functional import FunctionalModel
from pinnkit.residuals.functions import ResidualFunctions

square, rod = Box(x=(0.0, 2.0), y=(0.0, 1.0)), Box(x=(0.0, 1.0), t=(0.0, 4.0))


def plate(lid=1.0, side=0.0):
    return Problem(
        name="plate",
        domain=square,
        conditions={
            "pde": Condition(lambda u: laplacian(u), on=square.interior),
            "top": Condition(lambda u: u - lid, on=square.boundary("top")),
            "rest": Condition(lambda u: u - side, on=square.boundary("left", "right", "bottom")),
        },
    )


def heat(initial, wall, k=0.1):
    return Problem(
        name="heat",
        domain=rod,
        coefficients={"k": k},
        conditions={
            "pde": Condition(lambda u, k: 2.0 * u.t - k * u.xx, on=rod.interior),
            "wall": Condition(wall, on=rod.boundary("x")),
            "start": Condition(initial, on=rod.start()),
        },
    )


def test_values_that_differ_at_a_corner_are_found_and_their_faces_are_soft():
    ansatz = find_ansatz(plate())
    assert {edge.sides for edge in ansatz.edges} == {(0, 1), (1, 1)} and ansatz.conditions == ()
    assert {edge.place for edge in ansatz.edges} == {(0.0, 1.0), (2.0, 1.0)}
    assert any("'rest' and 'top' prescribe different values at x = 0, y = 1 (0 against 1)" in n for n in ansatz.notes)
    assert find_ansatz(plate(side=1.0)).edges == ()


def test_initial_values_that_a_wall_contradicts_are_found_with_the_diffusivity():
    for wall, residual in ((lambda u: u, 1), (lambda u: u.x - 3.0, -3), (lambda u, normal: u.x * normal[0] - u, -1)):
        ansatz = find_ansatz(heat(lambda u: u - 1.0, wall))
        assert [edge.axes for edge in ansatz.edges] == 2 * [(0, 1)]
        for edge in ansatz.edges:
            assert edge.powers == (1, 2) and edge.reach[0] == 0.5
            assert edge.reach[1] == pytest.approx(0.5**2 / (8 * 0.05))
        assert any(
            f"'start' and 'wall' do not fit together at x = 0, t = 0 (residual {residual})" in n for n in ansatz.notes
        )


def test_another_rate_than_that_of_the_equation_is_weak_and_fitting_data_are_none():
    weak = find_ansatz(heat(lambda u, x: u - x * (1 - x), lambda u: u))
    assert weak.edges == () and len(weak.weak_edges) == 2 and set(weak.conditions) == {"wall", "start"}
    sharp = weak.with_edges
    assert sharp is not None and sharp.edges == weak.weak_edges and sharp.with_edges is None
    smooth = find_ansatz(heat(lambda u, x: u - jnp.sin(np.pi * x), lambda u: u))
    assert smooth.edges == smooth.weak_edges == () and smooth.with_edges is None


def test_what_is_not_parabolic_or_periodic_has_no_such_edges():
    transport = Problem(
        name="transport",
        domain=rod,
        conditions={
            "pde": Condition(lambda u: u.t + u.x, on=rod.interior),
            "inflow": Condition(lambda u: u, on=rod.lower_face("x")),
            "start": Condition(lambda u: u - 1.0, on=rod.start()),
        },
    )
    backward = heat(lambda u: u - 1.0, lambda u: u, k=-0.1)
    ring = Problem(
        name="ring",
        domain=rod,
        conditions={
            "pde": Condition(lambda u: u.t - u.xx, on=rod.interior),
            "seam": Condition(lambda u: [u(x=0.0) - u(x=1.0), u.x(x=0.0) - u.x(x=1.0)], on=rod.lower_face("x")),
            "start": Condition(lambda u, x: u - jnp.sin(2 * np.pi * x), on=rod.start()),
        },
    )
    for problem in (transport, backward, ring):
        ansatz = find_ansatz(problem)
        assert ansatz.edges == ansatz.weak_edges == ()


@pytest.mark.usefixtures("x64")
def test_residuals_near_an_edge_are_scaled_by_powers_of_the_distance():
    ansatz = find_ansatz(plate())
    remaining = ansatz.remaining
    assert set(remaining.conditions) == set(plate().conditions) and remaining.conditions["pde"].on.dimension == 2

    model = FunctionalModel(jnp.ones(1), lambda params, x: params * x[0] ** 2, lambda params: params)
    scaled, plain = ResidualFunctions(remaining, model), ResidualFunctions(plate(), model)
    at = lambda r: Points(jnp.array([r, 1 - 0.5 * r]), None, {})
    value = lambda functions, r: float(
        functions.at_point("pde")({"coefficients": {}, "network": jnp.ones(1)}, at(r))[0]
    )
    near, far = (value(scaled, r) / value(plain, r) for r in (1e-3, 1e-2))
    # order 2, less the 1 of the measure of a plane, with the density r^-2 of the points, and the decay 1/2
    assert near / far == pytest.approx(10.0 ** -(2 - 1 + 1 + 0.5), rel=0.05)


@pytest.mark.usefixtures("x64")
def test_a_condition_counts_in_the_edge_itself_only_if_the_solution_has_a_value_there():
    """A jump of values leaves residuals of size 1 within the smallest distances, whatever the network."""
    model = FunctionalModel(jnp.ones(1), lambda params, x: params, lambda params: params)
    params = {"coefficients": {}, "network": jnp.ones(1)}

    def share(problem, condition, place):
        """The residual in the edge over that at a distance at which the edge is resolved."""
        functions = ResidualFunctions(find_ansatz(problem).remaining, model)
        own, beside = (Points(jnp.array(x), None, {}) for x in (place, np.add(place, [100 * NEAREST, 0.0])))
        inner, outer = (float(functions.at_point(condition)(params, x)[0]) for x in (own, beside))
        return abs(inner / outer)

    insulated = heat(lambda u, x: u - x, lambda u: u.x)
    assert share(plate(lid=3.0), "top", [0.0, 1.0]) < 1e-12
    assert share(insulated, "start", [0.0, 0.0]) > 1e-3


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(
    "edge", [find_ansatz(plate()).edges[0], find_ansatz(heat(lambda u: u - 1.0, lambda u: u)).edges[1]]
)
def test_graded_points_lie_in_their_region_with_the_density_that_is_stated(edge):
    box = square if edge.is_in_space else rod
    for region in (
        box.interior,
        box.boundary("x") if edge is not None else None,
        box.start() if box is rod else box.boundary("top"),
    ):
        dense = graded(region, (edge,), box.bounds)
        n = 2**15
        unit = np.random.default_rng(0).random((n, region.dimension))
        points = dense.points(jnp.asarray(unit))
        x = np.asarray(points.coordinates)
        assert len(x) == n == sum(dense.parts(n)) and box.contains(x).all()
        assert (points.normals is None) == (region.dimension == 2)
        weight = 1 / np.asarray(jax.vmap(dense.density)(points.coordinates))
        # importance sampling: means of smooth functions over the region, within five standard errors
        uniform = np.asarray(
            region.points(jnp.asarray(np.random.default_rng(1).random((n, region.dimension)))).coordinates
        )
        for f in (lambda x: 0 * x[:, 0] + 1, lambda x: np.cos(x[:, 0] + 2 * x[:, 1])):
            sample, exact = weight * f(x), f(uniform)
            error = np.sqrt((sample.var() + exact.var()) / n) + 3 * NEAREST
            assert abs(sample.mean() - exact.mean()) < 5 * error


@pytest.mark.usefixtures("x64")
def test_features_around_an_edge_depend_on_the_direction_alone_however_near():
    (edge, _), (flat, _) = find_ansatz(heat(lambda u: u - 1.0, lambda u: u)).edges, find_ansatz(plate()).edges
    for own, box, scale in ((edge, rod, (1.0, 2.0)), (flat, square, (1.0, 1.0))):
        embedding, inward = AroundEdges(box, (own,)), 1 - 2 * np.array(own.sides)
        points = [own.place + inward * 0.3 * np.array(own.reach) * r ** np.array(scale) for r in (1e-2, 1e-1)]
        near, far = (np.asarray(embedding(jnp.asarray(point))) for point in points)
        np.testing.assert_allclose(near[2:4], far[2:4], atol=1e-4)
        assert far[4] - near[4] == pytest.approx(2 * np.log(10) / -np.log(NEAREST), rel=1e-3)
        assert np.isfinite(jax.jacfwd(jax.jacfwd(embedding))(jnp.asarray(own.place))).all()


def test_the_surroundings_of_an_edge_at_the_start_end_with_time():
    edge = Edge.at_start((np.zeros(2), np.array([10.0, 1.0])), (0, 1), 1, 2, 0.02)
    assert edge.place == (10.0, 0.0) and edge.reach[1] == pytest.approx(1.0) and edge.reach[0] == pytest.approx(0.4)
