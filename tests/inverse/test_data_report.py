"""What reports say about data."""

import dataclasses

import msgspec
import numpy as np
import pytest

from pinnkit.diagnostics.coefficient_interval import Covariance
from pinnkit.diagnostics.data_fit import DataFit, data_fit
from pinnkit.report.data_figures import data_pictures, ellipse, joint_region, plot_coefficients, plot_data, plot_region
from pinnkit.report.findings.data import data_not_fitted, noise_not_as_given
from pinnkit.report.tables import loss_table
from pinnkit.runs.data_points import data_points

from ..report.synthetic import make_check, make_grid_fields, make_history, make_run

WHITE = DataFit(sigma=0.1, is_given=True, values=50, degrees=48.0, chi2=50.0, probability=0.4, correlation=0.5)
COVARIANCE = Covariance(["a", "b"], [[4.0, -1.0], [-1.0, 1.0]])


def run_of(dimension=1, relative=0.05, **changes):
    names = ("x", "y", "z")[:dimension]
    snapshot = make_grid_fields(names)
    rng = np.random.default_rng(0)
    points, noise = rng.uniform(-1, 1, (50, dimension)), 0.1 * rng.standard_normal((50, 1))
    u = np.prod(np.sin(np.pi * points), axis=1)
    found = data_points(points, noise, {"u": u}, {"value": u - noise[:, 0]})
    snapshot = dataclasses.replace(snapshot, data={"data": found})
    history = make_history()
    history.coefficients = {"a": np.geomspace(1, 2, len(history.step)), "b": np.ones(len(history.step))}
    checks = {"pde": make_check(), "walls": make_check(), "data": make_check(relative)}
    changes = {"data": {"data": WHITE}, "conditions": checks, "coefficients": {"a": 2.0, "b": 1.0}, **changes}
    return make_run(history=history, snapshot=snapshot, coefficient_covariance=COVARIANCE, **changes)


def test_chi_squared_has_its_distribution():
    """Its probability is uniform for errors of the given size, and small for larger ones."""
    rng = np.random.default_rng(0)
    points = rng.uniform(size=(30, 2))
    found = [data_fit(points, 0.3 * rng.standard_normal(30), 0.3, True, 30.0) for _ in range(300)]
    assert np.mean([fit.probability < 0.1 for fit in found]) == pytest.approx(0.1, abs=0.05)
    assert not data_fit(points, rng.standard_normal(30), 0.3, True, 30.0).is_likely
    assert data_fit(points, rng.standard_normal(30), 0.3, False, 30.0).probability is None


def test_rows_compare_fields_with_columns_by_their_numbers():
    u, v, value = np.arange(5.0), np.ones(5), np.full(5, 0.5)
    residuals = np.stack([v - value, u**2 - value], axis=1)
    found = data_points(np.arange(5.0)[:, None], residuals, {"u": u, "v": v}, {"value": value})
    assert found.fields == ("v", "")
    np.testing.assert_array_equal(found.measured[:, 0], value)
    assert np.isnan(found.measured[:, 1]).all()


def test_findings_on_data():
    correlated = msgspec.structs.replace(WHITE, correlation=5.0)
    assert data_not_fitted(run_of()) is None and noise_not_as_given(run_of()) is None
    found = data_not_fitted(run_of(data={"data": correlated}))
    assert found.title == "The data are not fitted up to noise" and "'data' 5" in found.reason
    assert data_not_fitted(run_of(relative=1e-6, data={"data": correlated})) is None
    large = msgspec.structs.replace(WHITE, chi2=200.0, probability=1e-9)
    assert noise_not_as_given(run_of(data={"data": large})).title == "Errors of the data are larger than given"
    small = msgspec.structs.replace(WHITE, chi2=2.0, probability=1 - 1e-9)
    assert noise_not_as_given(run_of(data={"data": small})).title == "Errors of the data are smaller than given"


def test_tables_have_noise_and_correlation():
    rows = dict(loss_table(run_of()).rows)
    assert rows["σ of 'data'"] == "0.100 (given)"
    assert rows["χ² of 'data'"] == "50 with 48 degrees of freedom"
    assert rows["correlation of a and b"] == "-0.50"


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_data_are_drawn_on_the_solution(dimension):
    (picture,) = data_pictures(run_of(dimension))
    left, right = plot_data(picture).axes[:2]
    assert right.get_ylabel() == "residual / σ"
    drawn = np.sort(right.lines[-1].get_ydata())
    np.testing.assert_allclose(drawn, np.sort(picture.points.residuals[:, 0] / 0.1))
    assert left.collections or left.lines


def test_the_course_of_coefficients_is_drawn():
    run = run_of()
    figure = plot_coefficients(run.history)
    assert [ax.get_ylabel() for ax in figure.axes] == ["a", "b"]
    np.testing.assert_array_equal(figure.axes[0].lines[0].get_ydata(), run.history.coefficients["a"])


def test_an_ellipse_contains_its_share_of_a_normal_distribution():
    centre, matrix = np.array([2.0, 1.0]), np.array(COVARIANCE.matrix)
    x, y = ellipse(centre, matrix, 0.95)
    offset = np.stack([x, y]) - centre[:, None]
    distance = np.einsum("in,ij,jn->n", offset, np.linalg.inv(matrix), offset)
    np.testing.assert_allclose(distance, distance[0])
    drawn = np.random.default_rng(0).multivariate_normal([0, 0], matrix, 20_000)
    inside = np.einsum("ni,ij,nj->n", drawn, np.linalg.inv(matrix), drawn) <= distance[0]
    assert inside.mean() == pytest.approx(0.95, abs=0.005)


def test_the_joint_region_is_drawn_for_two_coefficients():
    region = joint_region(run_of())
    assert plot_region(region).axes[0].get_xlabel() == "a"
    alone = run_of()
    assert joint_region(make_run(coefficient_covariance=None)) is None and alone.summary.data
