"""Unknown functions from noisy data, with a prior that they are smooth, against smoothing splines and coverage."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.interpolate import BSpline

import pinnkit
from pinnkit import Box, Condition, Interval, NTKWeighting, PointSet, Problem, ProblemError, dirichlet, smooth
from pinnkit._base.linalg.cross_validation import GAMMA
from pinnkit.diagnostics.condition_check import ConditionCheck
from pinnkit.equations.condition import PRIOR
from pinnkit.equations.exact.ansatz import find_ansatz
from pinnkit.networks.adapters import as_functional
from pinnkit.networks.default import default_network
from pinnkit.residuals.functions import ResidualFunctions
from pinnkit.samplers.sampler import batch_of
from pinnkit.weighting.noise import NoiseWeighting

LINE = Interval(x=(0.0, 1.0))
COUNT, SIGMA = 80, 0.002
PLACES = np.linspace(0.0, 1.0, COUNT)


def source(x):
    return np.sin(2 * np.pi * x) * (2 * np.pi) ** 2 / 10


def displacement(x):
    return np.sin(2 * np.pi * x) / 10


def readings_of(seed):
    return displacement(PLACES) + SIGMA * np.random.default_rng(seed).standard_normal(COUNT)


def loaded(seed, sigma=None, exact=False):
    """A string under an unknown load, −u'' = f, from readings of u."""
    readings = displacement(PLACES) if exact else readings_of(seed)
    return Problem(
        name="loaded",
        domain=LINE,
        fields=("u", "f"),
        conditions={
            "pde": Condition(lambda u, f: u.xx + f, on=LINE.interior),
            "ends": dirichlet(LINE.boundary(), 0.0),
            "readings": Condition(
                lambda u, reading: u - reading, on=PointSet({"x": PLACES}, reading=readings), sigma=sigma
            ),
            "smooth": smooth(LINE.interior, "f"),
        },
    )


@pytest.fixture(scope="module")
def solution():
    return pinnkit.fit(loaded(0), choices=pinnkit.Choices(unknowns=(60,), bandwidth=12.0), progress=False)


X = np.linspace(0, 1, 101)


def relative(found, exact):
    return np.linalg.norm(found - exact) / np.linalg.norm(exact)


def spline(readings):
    """The load by B-splines with the same prior, from readings by Green's function; the weight by cross-validation."""
    fine = (np.arange(400) + 0.5) / 400
    knots = np.concatenate([[0] * 3, np.linspace(0, 1, 28), [1] * 3])
    basis = lambda x, order=0: (
        BSpline(knots, np.eye(30), 3).derivative(order)(x) if order else BSpline(knots, np.eye(30), 3)(x)
    )
    green = np.minimum(PLACES[:, None], fine) * (1 - np.maximum(PLACES[:, None], fine)) / 400
    A, bent = green @ basis(fine), basis(fine, 2) / 20
    best = math.inf, np.zeros(30)
    for weight in np.geomspace(1e-14, 1e-4, 100):
        influence = np.linalg.solve(A.T @ A + weight * bent.T @ bent, A.T)
        rest = readings - A @ influence @ readings
        error = rest @ rest / (COUNT - GAMMA * np.trace(A @ influence)) ** 2
        best = min(best, (error, influence @ readings), key=lambda found: found[0])
    return basis(X) @ best[1]


def test_the_load_is_that_of_a_spline(solution):
    """Two ways to the same function: they differ by less than both do from the truth, or little."""
    other = spline(readings_of(0))
    found, error = solution(x=X)["f"], relative(other, source(X))
    assert relative(found, source(X)) < max(2 * error, 0.05)
    assert relative(found, other) < max(error, 0.05)
    assert relative(solution(x=X)["u"], displacement(X)) < 0.01


def test_noise_and_weights_are_found(solution):
    fitted, weights = solution.summary.data["readings"], solution.summary.weights
    assert fitted.sigma == pytest.approx(SIGMA, rel=0.2) and fitted.is_white
    assert weights["smooth"] > 10 * PRIOR * weights["pde"]
    assert "prior 'smooth': weight" in " ".join(map(str, solution.history.decisions))


def test_the_band_covers_most_of_the_function(solution):
    band = solution.band(x=X)["f"]
    assert np.mean((band.lower <= source(X)) & (source(X) <= band.upper)) > 0.7
    assert np.all(band.sigma > 0.01)


def test_a_prior_is_no_equation(solution):
    check = solution.summary.conditions["smooth"]
    assert isinstance(check, ConditionCheck) and check.prior and not check.is_equation and not check.hard
    assert "'smooth'" not in solution.report.verdict and solution.report.verdict.startswith("Converged")
    assert not [f for f in solution.report.findings if "Not satisfied" in f.title]


@pytest.mark.slow
def test_with_exact_data_a_prior_changes_little():
    solution = pinnkit.fit(
        loaded(0, sigma=0.0, exact=True), choices=pinnkit.Choices(unknowns=(60,), bandwidth=12.0), progress=False
    )
    assert relative(solution(x=X)["f"], source(X)) < 1e-3


@pytest.mark.slow
def test_bands_cover_as_often_as_they_say():
    """On average over the function, as of smoothing splines; draws are few, hence the margin."""
    covered = []
    for seed in range(12):
        found = pinnkit.fit(loaded(seed), choices=pinnkit.Choices(unknowns=(60,), bandwidth=12.0), progress=False)
        band = found.band(x=X)["f"]
        covered.append(np.mean((band.lower <= source(X)) & (source(X) <= band.upper)))
    assert 0.85 < np.mean(covered) < 0.995, covered


# The declaration.


@pytest.mark.usefixtures("x64")
def test_smoothness_does_not_depend_on_the_axes():
    """The rows are those of the Frobenius norm of the second derivatives; time does not count."""
    domain = Box(x=(0.0, 1.0), y=(0.0, 1.0), t=(0.0, 1.0))
    condition = smooth(domain.interior, "k")
    problem = Problem("p", domain, {"smooth": condition}, fields=("k",))
    rows = problem.equation("smooth").derivatives["k"]
    assert set(rows) == {(2, 0, 0), (1, 1, 0), (0, 2, 0)}
    text = repr(problem)
    assert "1.41421 k_xy" in text and condition.prior
    assert problem.priors == ("smooth",)


def test_priors_are_never_hard():
    face = LINE.lower_face("x")
    problem = Problem(
        "p",
        LINE,
        {
            "pde": Condition(lambda u: u.xx, on=LINE.interior),
            "ends": dirichlet(face, 1.0),
            "flat": smooth(face, "u", order=1),
        },
    )
    assert find_ansatz(problem, "hard", periodic=True).conditions == ("ends",)


@pytest.mark.usefixtures("x64")
def test_rules_for_weights_leave_priors_small():
    problem = loaded(0)
    counts = {"pde": 20, "ends": 2, "readings": COUNT, "smooth": 20}
    residuals = ResidualFunctions(problem, as_functional(default_network(LINE, 2, width=8, depth=1), 1))
    batch = batch_of(problem, pinnkit.QuasiRandom().init(problem, counts, 0))
    params, ones = residuals.initial_params(residuals.model.params), {name: jnp.asarray(1.0) for name in counts}
    inner, outer = NTKWeighting(), NoiseWeighting(inner=NTKWeighting())
    alone, _ = inner.update(residuals, params, batch, inner.init(residuals, batch, ones))
    both, _ = outer.update(residuals, params, batch, outer.init(residuals, batch, ones))
    np.testing.assert_allclose(both["smooth"], alone["smooth"] * PRIOR)
    np.testing.assert_allclose(both["pde"], alone["pde"])


def test_rules_for_single_points_are_refused():
    with pytest.raises(pinnkit.InputError, match="weighs single points, but problem 'loaded' has the priors"):
        pinnkit.fit(loaded(0), strategy="adam", weighting="rba", steps=1, points=10, width=4, depth=1, progress=False)


def test_a_prior_holds_on_a_region_and_has_no_sigma():
    with pytest.raises(ProblemError, match="a prior holds on a region"):
        Condition(lambda u: u.xx, on=PointSet({"x": [0.5]}), prior=True)
    with pytest.raises(ProblemError, match="order"):
        smooth(LINE.interior, "f", order=0)
