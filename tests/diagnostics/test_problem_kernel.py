"""Kernels of problems: their blocks, points and spectra."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import pinnkit
from pinnkit import MLP, Box, Condition, PointSet, Problem, ProblemError, Unknown, residual_ntk, sample_points
from pinnkit.networks.adapters import as_functional
from pinnkit.networks.functional import cast
from pinnkit.ntk import any_size as spectra
from pinnkit.ntk.lanczos import leading_eigenpairs
from pinnkit.ntk.protocol import ntk_diagonal, ntk_matvec, ntk_trace
from pinnkit.ntk.quadrature import spectral_density
from pinnkit.ntk.scalars import effective_dimension
from pinnkit.residuals.forms import linearize
from pinnkit.residuals.functions import ResidualFunctions

from ..problems_for_tests import poisson

DOMAIN = Box(x=(-1.0, 1.0), t=(0.0, 1.0))
MEASURED = PointSet({"x": [0.1, 0.2, 0.3], "t": [0.5, 0.6, 0.7]}, data=[1.0, 2.0, 3.0])


@pytest.fixture(scope="module")
def problem():
    return Problem(
        name="inverse",
        domain=DOMAIN,
        coefficients={"nu": Unknown(0.1, positive=True)},
        conditions={
            "pde": Condition(lambda u, nu: u.t - nu * u.xx, on=DOMAIN.interior),
            "flux": Condition(lambda u, normal: u.x * normal[0], on=DOMAIN.boundary("x")),
            "data": Condition(lambda u, data: u - data, on=MEASURED),
        },
    )


@pytest.fixture(scope="module")
def network():
    return MLP(DOMAIN, 1, 12, 2)


@pytest.fixture(scope="module")
def batch(problem):
    return sample_points(problem, {"pde": 20, "flux": 8})


@pytest.fixture(scope="module")
def kernel(problem, network, batch):
    return residual_ntk(problem, network, batch)


def linearization(problem, network, batch, weights):
    with jax.enable_x64(True):
        functional = as_functional(network, 2)
        residuals = ResidualFunctions(problem, functional)
        params = residuals.initial_params(cast(functional.params, jnp.float64))
        found = linearize(residuals, params, batch, {name: jnp.asarray(w) for name, w in weights.items()})
        return found, np.asarray(found.gradient), np.asarray(found.ntk)


def test_training_kernel_is_that_of_the_linearization(problem, network, batch):
    weights = {"pde": 2.0, "flux": 0.5, "data": 1.0}
    step, gradient, expected = linearization(problem, network, batch, weights)
    kernel = residual_ntk(problem, network, batch, weights=weights)
    assert kernel.sizes == {name: len(rows) for name, rows in step.rows.items()}
    assert_allclose(kernel, expected, rtol=0, atol=1e-13 * expected.max())
    assert_allclose(kernel.pull(np.asarray(step.residual)), gradient, rtol=0, atol=1e-13)


def test_plain_kernel_is_unscaled_and_its_blocks_are_those_of_conditions(kernel, problem, network, batch):
    *_, scaled = linearization(problem, network, batch, dict.fromkeys(problem.conditions, 1.0))
    root = np.sqrt(np.repeat(list(kernel.sizes.values()), list(kernel.sizes.values())))
    assert_allclose(kernel, root[:, None] * scaled * root, rtol=0, atol=1e-12 * np.asarray(kernel).max())
    assert list(kernel.sizes.items()) == [("data", 3), ("flux", 8), ("pde", 20)]
    assert kernel.block("flux", "pde").shape == (8, 20)
    assert kernel["pde"].rows == 20


def test_figures_take_the_kernel_its_conditions_and_its_matrix_alike(kernel):
    for one in (kernel, kernel["pde"]):
        matrix = np.asarray(one)
        v = np.arange(1.0, one.rows + 1)
        assert ntk_trace(one) == pytest.approx(np.trace(matrix), rel=1e-13)
        assert_allclose(ntk_diagonal(one), ntk_diagonal(matrix), rtol=1e-12)
        assert_allclose(ntk_matvec(one, v), matrix @ v, rtol=0, atol=1e-10 * np.abs(matrix @ v).max())
        assert_allclose(leading_eigenpairs(one, 3).eigenvalues, np.linalg.eigvalsh(matrix)[:-4:-1], rtol=1e-10)
        assert effective_dimension(one) == pytest.approx(effective_dimension(matrix), rel=1e-9)
        assert abs(spectral_density(one).effective_dimension() - effective_dimension(matrix)) < 2


@pytest.mark.parametrize("method", ["jacobian", "kernel", "lanczos", "nystrom"])
def test_every_way_to_the_training_spectrum_finds_the_same_leading_eigenvalues(problem, network, batch, method):
    exact = pinnkit.training_spectrum(problem, network, batch)
    found = pinnkit.training_spectrum(problem, network, batch, method=method, modes=5)
    assert exact.source == "jacobian" and exact.is_complete and exact.eigenvectors is None
    assert found.source == method and found.dtype == "float64"
    k = min(5, found.eigenvalues.size)
    assert (np.abs(found.eigenvalues[:k] - exact.eigenvalues[:k]) <= found.errors[:k] + exact.errors[:k]).all()
    estimate = found.effective_dimension()
    assert abs(estimate - exact.effective_dimension()) <= 4 * getattr(estimate, "standard_error", 1e-9)


def test_way_is_chosen_by_size_and_memory(problem, network, monkeypatch):
    def way(memory):
        return spectra.chosen_method(residual_ntk(problem, network, {"pde": 700, "flux": 8}, memory=memory))

    assert way(2**31) == "jacobian"
    monkeypatch.setattr(spectra, "JACOBIAN_ROWS", 50)
    assert way(2**31) == "kernel"
    monkeypatch.setattr(spectra, "KERNEL_ROWS", 50)
    assert way(2**31) == "lanczos"
    assert way(2_000_000) == "nystrom"


def test_single_and_double_precision_agree_where_both_resolve(problem, network, batch):
    double = pinnkit.training_spectrum(problem, network, batch)
    single = pinnkit.training_spectrum(problem, network, batch, precision="single")
    assert (double.dtype, single.dtype) == ("float64", "float32")
    both = double.resolvable & single.resolvable
    assert 3 <= both.sum() <= double.numerical_rank
    difference = np.abs(double.eigenvalues - single.eigenvalues)[both]
    assert (difference <= (double.errors + single.errors)[both]).all()


def test_equations_with_constants_have_a_kernel_in_single_precision():
    """π is a number of 64 bits, sin π x one of 32."""
    single = pinnkit.training_spectrum(poisson(), None, 20, precision="single")
    double = pinnkit.training_spectrum(poisson(), None, 20)
    assert single.dtype == "float32"
    np.testing.assert_allclose(single.eigenvalues[0], double.eigenvalues[0], rtol=1e-4)


def test_scaling_the_loss_and_permuting_points_change_no_figure(problem, network, batch):
    def figures(batch, weight):
        weights = dict.fromkeys(problem.conditions, weight)
        spectrum = pinnkit.training_spectrum(problem, network, batch, weights=weights)
        rank, condition = spectrum.numerical_rank, spectrum.condition_number
        dimension = spectrum.effective_dimension(relative=True)
        return [rank, condition, spectrum.effective_rank, dimension], condition.is_lower_bound

    plain, bound = figures(batch, 1.0)
    order = np.random.default_rng(0).permutation(20)
    permuted = {**batch, "pde": jax.tree.map(lambda column: column[order], batch["pde"])}
    for other in (figures(batch, 1e12), figures(batch, 1e-12), figures(permuted, 1.0)):
        assert_allclose(other[0], plain, rtol=1e-10)
        assert other[1] == bound


def test_unknown_coefficients_enter_the_kernel_at_the_value_given(problem, network, batch):
    started, given = (residual_ntk(problem, network, batch, coefficients=c)["pde"] for c in (None, {"nu": 0.1}))
    assert_array_equal(started, given)
    other = residual_ntk(problem, network, batch, coefficients={"nu": 0.3})["pde"]
    assert abs(ntk_trace(other) / ntk_trace(given) - 1) > 0.01


def test_points_are_drawn_counted_or_given(problem):
    assert {name: len(points) for name, points in sample_points(problem, 40).items()} == {
        "pde": 40,
        "flux": 5,
        "data": 3,
    }
    again = sample_points(problem, 40, seed=1)["pde"].coordinates
    assert_array_equal(again, sample_points(problem, 40, seed=1)["pde"].coordinates)
    given = sample_points(problem, {"pde": np.array([[0, 1], [1, 0]])})
    assert list(given) == ["pde"] and given["pde"].coordinates.dtype == np.float64


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ({"pdf": np.zeros((2, 2))}, r"unknown condition\(s\) \['pdf'\]; problem 'inverse' has"),
        ({"pde": np.zeros((0, 2))}, "'pde' of problem 'inverse' needs at least 1 point, got none"),
        ({"pde": np.array([[0.0, 0.0], [np.nan, 0.0]])}, "'pde' hold 1 that are not finite, the first in row 1"),
        ({"pde": np.zeros(2)}, r"'pde' must be numbers of shape \(n, 2\), columns x, t; got float64 of shape \(2,\)"),
        ({"pde": np.array([["a", "b"]])}, "'pde' must be numbers"),
        ({"flux": np.zeros((2, 2))}, "'flux' needs normal at its points; give it a number of points, or `Points`"),
        (0, "a number of points must be a whole number from 1 to 16,777,216, got 0"),
    ],
)
def test_unusable_points_are_refused(problem, network, points, message):
    with pytest.raises(ProblemError, match=message):
        residual_ntk(problem, network, points)


def test_other_unusable_input_is_refused(problem, network, batch):
    with pytest.raises(ProblemError, match=r"values are given for \['mu'\]; the unknown .* are \['nu'\]"):
        residual_ntk(problem, network, batch, coefficients={"mu": 1.0})
    with pytest.raises(ProblemError, match="a positive unknown coefficient cannot be -1.0"):
        residual_ntk(problem, network, batch, coefficients={"nu": -1.0})
    with pytest.raises(ProblemError, match="weights are given for unknown condition"):
        residual_ntk(problem, network, batch, weights={"pdf": 1.0})
    with pytest.raises(ValueError, match="`precision` is 'double' or 'single', got 'half'"):
        residual_ntk(problem, network, batch, precision="half")
    with pytest.raises(ValueError, match="`memory` of 100 bytes does not hold a tile of .* give at least"):
        residual_ntk(problem, network, batch, memory=100)
    with pytest.raises(ValueError, match="`method` is one of auto, .* got 'exact'"):
        pinnkit.training_spectrum(problem, network, batch, method="exact")
    with pytest.raises(TypeError, match="`problem` is a `Problem`, got str"):
        residual_ntk("problem", network, batch)
    half = (lambda key: {"a": jnp.ones(2), "b": jnp.ones(2, jnp.float16)}, lambda p, x: (p["a"] + p["b"]) @ x)
    with pytest.raises(ValueError, match=r"mixed dtypes \(float16, float32\); cast them to one"):
        residual_ntk(problem, half, batch)
    with pytest.raises(ValueError, match="no trainable parameters"):
        residual_ntk(problem, (lambda key: {}, lambda p, x: x), batch)
    broken = (lambda key: {"a": jnp.array([1.0, jnp.inf])}, lambda p, x: p["a"] @ x)
    with pytest.raises(ValueError, match=r"parameter \['a'\] of the model holds 1 value"):
        residual_ntk(problem, broken, batch)
