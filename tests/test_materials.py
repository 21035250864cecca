"""Materials and fronts, solved with fields on parts of the domain, against closed forms; and their solutions."""

import jax.numpy as jnp
import meshio
import numpy as np
import pytest

from pinnkit import Box, InputError, Interval, ProblemError, fit, load
from pinnkit.equations.registry import find_problem
from pinnkit.networks.mlp import MLP

QUICK = {"strategy": "gauss-newton", "steps": 12, "points": 30, "width": 8, "depth": 1}


@pytest.fixture(scope="module")
def rod():
    return fit(find_problem("layered_rod"))


def test_a_rod_of_two_materials_is_solved_to_rounding(rod):
    assert max(rod.summary.relative_l2.values()) < 1e-12
    assert rod.summary.determinacy is not None and rod.summary.determinacy.freedoms == []
    assert all(check.holds for check in rod.summary.conditions.values())
    x = np.array([0.25, 0.6, 0.75])
    found, exact = rod(x=x), find_problem("layered_rod").evaluate_reference(x[:, None])
    for name, values in exact.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-10)  # NaN outside, in both
        assert np.isnan(found[name]).sum() == 1


def test_expressions_are_nan_outside_and_may_choose(rod):
    x = np.array([0.2, 0.8])
    assert np.isnan(rod.evaluate(lambda T_left: T_left.x, x=x)).tolist() == [False, True]
    temperature = rod.evaluate(lambda T_left, T_right, x: jnp.where(x < 0.6, T_left, T_right), x=x)
    assert np.isfinite(temperature).all()
    assert np.isnan(rod.residual("left", x=x)).tolist() == [False, True]
    flux = lambda T_left, k_left, normal: k_left * T_left.x * normal[0]
    assert rod.integrate(flux, over="contact") == pytest.approx(
        float(rod.evaluate(lambda T_right, k_right: k_right * T_right.x, x=0.6)), rel=1e-10
    )
    with pytest.raises(InputError, match="live on parts of the domain; say over which the integral is"):
        rod.integrate(lambda T_left: T_left)


@pytest.mark.slow
def test_pictures_and_exports_are_empty_outside(rod, tmp_path):
    data = rod.to_xarray(11)
    assert np.isnan(data["T_left"].values).tolist() == [False] * 7 + [True] * 4
    assert np.isnan(data["T_left_reference"].values).tolist() == [False] * 7 + [True] * 4
    mesh = meshio.read(rod.to_vtk(tmp_path / "rod.vtu", 11))
    assert np.isnan(mesh.point_data["T_right"]).sum() == 6
    table = rod.plot().data
    assert np.isnan(np.asarray(table["T_left"])).any() and np.isfinite(np.asarray(table["T_left"])).any()
    assert np.isnan(rod.run.snapshot.fields["T_left"]).any()
    rod.report.html()


def test_a_solution_with_parts_is_saved_and_loaded(rod, tmp_path):
    problem = find_problem("layered_rod")
    again = load(rod.save(tmp_path / "run"), problem)
    np.testing.assert_array_equal(again(x=0.3)["T_left"], rod(x=0.3)["T_left"])


@pytest.mark.slow
def test_a_deep_network_has_a_part_for_each_domain():
    solution = fit(find_problem("layered_rod"), **QUICK)
    assert max(solution.summary.relative_l2.values()) < 1e-3


@pytest.mark.slow
def test_a_model_of_all_coordinates_may_be_all_fields():
    solution = fit(find_problem("layered_rod"), MLP(Interval(x=(0.0, 1.0)), 2, 8, 1), "gauss-newton", steps=12)
    assert np.isnan(solution(x=0.9)["T_left"]) and np.isfinite(solution(x=0.9)["T_right"])


def test_one_model_of_all_coordinates_cannot_be_a_field_of_time():
    with pytest.raises(ProblemError, match="field 's' of problem 'stefan' is a function of t alone"):
        fit(find_problem("stefan"), MLP(Box(y=(0.0, 1.0), t=(0.0, 1.0)), 2, 8, 1), steps=1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "error"), [("disk_in_square", 1e-8), ("fuel_rod", 1e-6), ("stefan", 1e-7), ("layered_rod", 1e-12)]
)
def test_materials_and_fronts_are_solved_within_a_minute(name, error):
    solution = fit(find_problem(name), budget=60.0)
    assert max(solution.summary.relative_l2.values()) < error
    assert solution.summary.determinacy is None or solution.summary.determinacy.freedoms == []


@pytest.mark.slow
def test_a_disk_in_a_square_is_drawn_on_the_triangles_of_both():
    solution = fit(find_problem("disk_in_square"), strategy="gauss-newton", steps=3, points=60, width=8, depth=1)
    grid = solution.run.snapshot
    inside = np.hypot(*grid.points.T) < 0.5 - 1e-6
    assert np.isfinite(grid.fields["inner"][inside]).all() and np.isnan(grid.fields["outer"][inside]).all()
    assert grid.triangles.max() < len(grid.points) == grid.shape[0]
    solution.report.html()
