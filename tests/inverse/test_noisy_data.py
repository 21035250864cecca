"""Fits to noisy data against statistics: simulated errors, with coverage within binomial bounds."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import pinnkit
from pinnkit import Condition, Interval, PointSet, Problem, ProblemError, Unknown, data, dirichlet
from pinnkit.automatic.random_features.noisy_data import LEAST, NoisyFit, stacked
from pinnkit.automatic.random_features.solver import FeatureSolver, Solve, feature_model
from pinnkit.diagnostics.posterior import Spread
from pinnkit.equations.exact.ansatz import find_ansatz

LINE = Interval(x=(0.0, 1.0))
K, COUNT, SIGMA = 2.0, 40, 0.02
PLACES = np.linspace(0.02, 1, COUNT)
EXACT = np.exp(-K * PLACES)


def decay(samples, sigma=None):
    """u' = −k u from samples; k and u(0) are unknown."""
    return Problem(
        name="decay",
        domain=LINE,
        coefficients={"k": Unknown(1.0, positive=True)},
        conditions={
            "pde": Condition(lambda u, k: u.x + k * u, on=LINE.interior),
            "data": Condition(lambda u, sample: u - sample, on=PointSet({"x": PLACES}, sample=samples), sigma=sigma),
        },
        reference=lambda x: np.exp(-K * x),
    )


def samples_of(seed, sigma=SIGMA):
    return EXACT + sigma * np.random.default_rng(seed).standard_normal(COUNT)


@pytest.fixture(scope="module")
def solver():
    """Compiled once; the samples are exchanged."""
    with jax.enable_x64(True):
        ansatz = find_ansatz(decay(EXACT), "hard", periodic=True)
        return FeatureSolver(ansatz.remaining, lambda bandwidth: feature_model(ansatz, 16, bandwidth, 0), 0)


def fitted(solver, samples, sigma=None):
    """Parameters, noise and steps of a fit, and its Jacobian and residual, rows scaled."""
    with jax.enable_x64(True):
        exchanged = dataclasses.replace(solver.batch["data"], columns={"sample": jnp.asarray(samples)})
        batch = {**solver.batch, "data": exchanged}
        fit = NoisyFit(solver.layer, {"data": sigma}, solver.weights, 1)
        steps = list(fit.steps(solver.params((1.0,)), batch, 20, lambda _: False))
        params, _, weighed = steps[-1]
        at = jax.tree.map(np.asarray, solver.layer.shifted(params, batch).linearize(np.zeros(solver.layer.size)))
        return params, weighed, *stacked(*at, fit.scaled(weighed.factors)), at


def k_of(params):
    return float(np.exp(params["coefficients"]["k"]))


def least_squares(samples):
    return scipy.optimize.curve_fit(lambda x, k, u0: u0 * np.exp(-k * x), PLACES, samples, p0=[K, 1.0])


def test_the_fit_is_that_of_least_squares_on_the_solution_of_the_equation(solver):
    """The equation holds, and everything else is noise."""
    for seed in range(3):
        samples = samples_of(seed)
        params, weighed, *_, (_, values) = fitted(solver, samples)
        (k, _), covariance = least_squares(samples)
        assert k_of(params) == pytest.approx(k, abs=0.1 * np.sqrt(covariance[0, 0]))
        rest = samples - least_squares(samples)[0][1] * np.exp(-k * PLACES)
        assert weighed.sigma["data"] == pytest.approx(np.sqrt(np.sum(rest**2) / (COUNT - 2)), rel=0.03)
        assert weighed.factors["data"] < 0.01
        assert np.sqrt(np.mean(values["pde"] ** 2)) < 0.1 * SIGMA


@pytest.mark.slow
def test_intervals_and_bands_cover_as_often_as_they_say(solver):
    """95 % of 80 draws of the noise, within what chance allows; the band at the first, a middle and the last value."""
    draws, places = 80, [0, COUNT // 2, COUNT - 1]
    covered = np.zeros(1 + len(places), int)
    for seed in range(draws):
        params, weighed, A, b, (jacobians, values) = fitted(solver, samples_of(100 + seed))
        scale = np.sqrt(solver.weights["data"] * weighed.factors["data"] / COUNT)
        known = np.where(np.arange(len(b)) < COUNT, scale * weighed.sigma["data"], np.nan)
        assert list(values) == ["data", "pde"]
        gradients = np.stack([np.eye(1, A.shape[1])[0], *jacobians["data"][places]])
        half = 1.96 * Spread(A, b).with_errors(known).deviations(gradients)
        field = samples_of(100 + seed)[places] + values["data"][places]
        errors = np.array([np.log(k_of(params) / K), *(field - EXACT[places])])
        covered += np.abs(errors) <= half
    low, high = scipy.stats.binom.interval(0.999, draws, 0.95)
    assert (covered >= low).all() and (covered <= high).all(), covered


def test_exact_data_count_fully_and_give_the_coefficient(solver):
    params, weighed, *_ = fitted(solver, EXACT)
    assert weighed.factors["data"] > 0.1
    assert k_of(params) == pytest.approx(K, rel=1e-5)


def test_a_given_sigma_is_used(solver):
    _, weighed, *_ = fitted(solver, samples_of(0), sigma=0.5)
    assert weighed.sigma == {"data": 0.5} and weighed.factors["data"] == LEAST


def test_a_refined_solve_survives_packing(solver):
    with jax.enable_x64(True):
        zero = solver.params((1.0,))
        solve = solver.refined(solver.solve(zero, 5), 5, lambda _: False, zero)
        read = Solve.unpacked(solve.packed(), zero)
    assert read.sigma == dict(solve.sigma) and read.noise == solve.noise and read.weights == solve.weights
    assert [step.coefficients for step in read.steps] == [step.coefficients for step in solve.steps]


# A whole fit.


@pytest.fixture(scope="module")
def solution():
    return pinnkit.fit(decay(samples_of(0)), choices=pinnkit.Choices(unknowns=(16,)), progress=False)


def test_a_fit_gives_noise_interval_and_course(solution):
    (k, _), covariance = least_squares(samples_of(0))
    assert solution.coefficients["k"] == pytest.approx(k, abs=0.2 * np.sqrt(covariance[0, 0]))
    low, high = solution.summary.coefficient_intervals["k"]
    assert low < K < high and (high - low) / 2 == pytest.approx(1.96 * np.sqrt(covariance[0, 0]), rel=0.1)
    matrix = solution.summary.coefficient_covariance.matrix
    assert np.sqrt(matrix[0][0]) == pytest.approx((high - low) / 3.92, rel=0.02)
    found = solution.summary.data["data"]
    assert found.sigma == pytest.approx(SIGMA, rel=0.3) and not found.is_given and found.is_white
    assert found.degrees == pytest.approx(COUNT - 2, abs=0.5)
    course = solution.history.coefficients["k"]
    assert len(course) == len(solution.history.step) and course[0] == 1.0
    assert course[-1] == pytest.approx(solution.coefficients["k"], rel=1e-3)


def test_the_band_is_that_of_least_squares(solution):
    parameters, covariance = least_squares(samples_of(0))
    x = np.linspace(0, 1, 5)
    slopes = np.stack([-parameters[1] * x * np.exp(-parameters[0] * x), np.exp(-parameters[0] * x)], axis=1)
    band = solution.band(x=x)
    np.testing.assert_allclose(band.sigma, np.sqrt(np.diag(slopes @ covariance @ slopes.T)), rtol=0.15)
    np.testing.assert_allclose((band.lower + band.upper) / 2, solution(x=x), rtol=1e-12)
    assert (solution.band(0.5, x=x).upper < band.upper).all()
    with pytest.raises(pinnkit.InputError, match="`confidence` is a probability between 0 and 1, got 95"):
        solution.band(95, x=x)


def test_it_is_the_same_from_a_folder(solution, tmp_path):
    read = pinnkit.load(solution.save(tmp_path), solution.problem)
    np.testing.assert_array_equal(read.band(x=[0.2, 0.4]).sigma, solution.band(x=[0.2, 0.4]).sigma)
    np.testing.assert_array_equal(read.history.coefficients["k"], solution.history.coefficients["k"])
    points = read.run.snapshot.data["data"]
    assert points.fields == ("u",) and read.summary.data == solution.summary.data
    np.testing.assert_allclose(points.measured[:, 0], samples_of(0), rtol=1e-6)


def test_the_report_says_it(solution):
    assert "The accuracy is that of the data" in [finding.title for finding in solution.report.findings]
    page = solution.report.html()
    assert "Course of the unknown coefficients" in page and "on the solution, and residuals over σ" in page
    assert "σ of &#39;data&#39;" in page
    assert "noise of 'data': σ = 0.0" in " ".join(map(str, solution.history.decisions))


# The declaration.


def test_what_is_measured():
    conditions = decay(EXACT).conditions
    assert list(decay(EXACT).measured) == ["data"] and not conditions["pde"].is_measured
    assert not decay(EXACT, sigma=0.0).measured
    few = PointSet({"x": [0.5]}, sample=[1.0])
    residual = lambda u, sample: u - sample
    assert not Condition(residual, on=few).is_measured and Condition(residual, on=few, sigma=0.1).is_measured


def test_data_of_a_file_have_a_sigma(tmp_path):
    file = tmp_path / "data.csv"
    file.write_text("x,u\n0.1,1.0\n0.2,2.0\n")
    assert data(file, LINE, sigma=0.3).sigma == 0.3 and data(file, LINE).sigma is None


@pytest.mark.parametrize("sigma", [-0.1, np.nan, "0.1", True])
def test_a_sigma_is_a_number(sigma):
    with pytest.raises(ProblemError, match="finite number ≥ 0"):
        decay(EXACT, sigma=sigma)


def test_equations_have_no_sigma():
    with pytest.raises(ProblemError, match="only values at a `PointSet` have one"):
        Condition(lambda u: u, on=LINE.interior, sigma=0.1)
    assert dirichlet(LINE.boundary("x")).sigma is None
