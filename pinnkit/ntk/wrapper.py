"""The kernel of one model, watched while the model is trained."""

import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from .._base.types import Model
from . import dynamics
from . import output_kernel as kernel
from .any_size import kernel_spectrum
from .bounded_numbers import ConditionNumber
from .spectrum import Spectrum


class NTKWrapper:
    """Kernel, spectrum and predicted dynamics of a model.

    Each call sees the parameters that the model has then: a wrapper made before training follows an
    `nnx.Module` through it. Up to 1024 points eigenvalues come from singular values of the Jacobian, if it fits a
    gigabyte, so that twice as many orders of magnitude are resolved as in those of the kernel matrix. Of more than
    6000 points only the 20 leading eigenvalues are computed: see `kernel_spectrum`.

    **Arguments:**

    - `model`: an `nnx.Module`, an `eqx.Module`, a pair `(init, apply)` or a `FunctionalModel`.

    Points `x` have shape `(n, d)`; errors are those of `compute_jacobian`.
    """

    def __init__(self, model: Model):
        self.model = model

    def compute_ntk(self, x1: ArrayLike, x2: ArrayLike | None = None) -> Float[Array | np.ndarray, "n1 n2"]:
        """The kernel matrix; see the function `compute_ntk`."""
        return kernel.compute_ntk(self.model, x1, x2)

    def spectrum(self, x: ArrayLike, vectors: bool = False) -> Spectrum:
        """Spectrum of the kernel at the points `x`, traced over outputs; see `kernel_spectrum`."""
        return kernel_spectrum(kernel.output_ntk(self.model, x), vectors=vectors)

    def compute_eigenvalues(self, x: ArrayLike) -> Float[np.ndarray, " n"]:
        """The eigenvalues of the kernel, descending, not clipped.

        They do not carry their noise floor: `spectrum(x)` does, and every function of eigenvalues takes it.
        """
        return self.spectrum(x).eigenvalues

    def compute_condition_number(self, x: ArrayLike) -> ConditionNumber:
        """Condition number of the kernel, or a lower bound that is marked as one."""
        return self.spectrum(x).condition_number

    detect_spectral_bias = staticmethod(dynamics.detect_spectral_bias)
    identify_slow_modes = staticmethod(dynamics.identify_slow_modes)
    compute_mode_coefficients = staticmethod(dynamics.compute_mode_coefficients)
    compute_mode_decay_factors = staticmethod(dynamics.compute_mode_decay_factors)
    predict_mode_errors = staticmethod(dynamics.predict_mode_errors)
    estimate_convergence_rate = staticmethod(dynamics.estimate_convergence_rate)
    estimate_epochs_to_convergence = staticmethod(dynamics.estimate_epochs_to_convergence)
