"""The wrapper, on the network and points of the Opifex tutorial."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from numpy.testing import assert_allclose, assert_array_equal

from pinnkit import ntk
from pinnkit.ntk import NTKWrapper, compute_condition_number, compute_ntk, effective_rank


class TutorialPINN(nnx.Module):
    """1-32-32-1 with tanh."""

    def __init__(self, outputs: int = 1):
        rngs = nnx.Rngs(42)
        self.first = nnx.Linear(1, 32, rngs=rngs)
        self.second = nnx.Linear(32, 32, rngs=rngs)
        self.last = nnx.Linear(32, outputs, rngs=rngs)

    def __call__(self, x):
        return self.last(nnx.tanh(self.second(nnx.tanh(self.first(x)))))


@pytest.fixture(scope="module")
def x():
    return jax.random.uniform(jax.random.PRNGKey(42), (100, 1))


@pytest.fixture(scope="module")
def spectrum(x):
    return NTKWrapper(TutorialPINN()).spectrum(x, vectors=True)


def test_spectrum_of_the_tutorial_is_the_one_computed_elsewhere_in_double_precision(spectrum):
    """The float64 figures of the same kernel, from `eigvalsh` of a differently computed Jacobian."""
    expected = [1163, 48.9, 2.66, 7.64e-2, 2.25e-3, 1.36e-4, 6.1e-6, 2.0e-7, 7.4e-9, 3.8e-10]
    assert_allclose(spectrum.eigenvalues[:10], expected, rtol=2e-2)
    assert (spectrum.eigenvalues > 1e-10 * spectrum.largest_eigenvalue).sum() == 8
    assert_allclose(spectrum.effective_rank, 1.09, rtol=5e-3)
    assert spectrum.condition_number.is_lower_bound


def test_singular_values_see_more_of_the_tutorial_than_its_kernel_matrix(spectrum, x):
    kernel = compute_ntk(TutorialPINN(), x)
    rank = ntk.numerical_rank(kernel)
    assert spectrum.numerical_rank >= rank + 5
    assert_allclose(np.linalg.eigvalsh(kernel)[::-1][:rank], spectrum.eigenvalues[:rank], rtol=0.2)
    assert_allclose(spectrum.eigenvalues.sum(), kernel.trace(), rtol=1e-13)
    assert compute_condition_number(kernel).is_lower_bound


def test_wrapper_gives_what_its_spectrum_gives(spectrum, x):
    wrapper = NTKWrapper(TutorialPINN())
    assert_array_equal(wrapper.compute_ntk(x), compute_ntk(TutorialPINN(), x))
    assert_array_equal(wrapper.compute_ntk(x[:3], x), compute_ntk(TutorialPINN(), x[:3], x))
    eigenvalues = wrapper.compute_eigenvalues(x)
    assert eigenvalues.shape == (100,) and eigenvalues.dtype == np.float64
    assert_allclose(eigenvalues[:15], spectrum.eigenvalues[:15], rtol=1e-6)
    kappa = wrapper.compute_condition_number(x)
    assert kappa.is_lower_bound and kappa > 1e25
    assert compute_condition_number(eigenvalues).is_lower_bound
    assert_allclose(effective_rank(eigenvalues), spectrum.effective_rank, rtol=1e-10)


def test_methods_are_the_functions(spectrum, x):
    wrapper = NTKWrapper(TutorialPINN())
    assert wrapper.identify_slow_modes(spectrum, 1e-3, 0.999).sum() == 97
    assert wrapper.detect_spectral_bias(spectrum) == spectrum.spectral_bias
    residuals = jnp.sin(jnp.pi * x[:, 0])
    coefficients = wrapper.compute_mode_coefficients(residuals, spectrum.eigenvectors)
    assert_allclose(np.linalg.norm(coefficients), np.linalg.norm(residuals), rtol=1e-6)
    left = wrapper.predict_mode_errors(coefficients, spectrum, 1e-3, 100)
    assert_allclose(left, wrapper.compute_mode_decay_factors(spectrum, 1e-3, 100) * coefficients)
    assert wrapper.estimate_convergence_rate(spectrum, 1e-3) <= 1
    assert wrapper.estimate_epochs_to_convergence(spectrum, 1e-3) > 1e9


def test_eigenvalues_of_several_outputs_are_those_of_the_traced_kernel(x):
    model = TutorialPINN(outputs=3)
    eigenvalues = NTKWrapper(model).compute_eigenvalues(x[:20])
    expected = np.linalg.eigvalsh(compute_ntk(model, x[:20]))[::-1]
    assert eigenvalues.shape == (20,)
    assert_allclose(eigenvalues, expected, rtol=1e-12, atol=1e-13 * expected[0])


def test_wrapper_sees_the_parameters_of_the_moment(x):
    model = TutorialPINN()
    wrapper = NTKWrapper(model)
    before = wrapper.compute_eigenvalues(x[:10])
    model.last.kernel[...] *= 2.0
    after = wrapper.compute_eigenvalues(x[:10])
    assert after[0] > 1.5 * before[0]
    assert_array_equal(wrapper.compute_ntk(x[:10]), compute_ntk(model, x[:10]))


def test_the_package_exports_what_it_lists():
    assert sorted(ntk.__all__) == list(ntk.__all__)
    assert all(getattr(ntk, name).__doc__ for name in ntk.__all__)
