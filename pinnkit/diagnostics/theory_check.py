"""Linear theory of the steps to come, and the check of its prediction at the next kernel snapshot."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ..ntk.spectrum import Spectrum, resolved
from ..ntk.spectrum_of import spectrum_of_jacobian
from ..optimizers.preconditioner import Preconditioner
from .linear_theory import FEWEST_STEPS, Prediction, Theory

LearningRates = Float[np.ndarray, " s"]


@dataclass(frozen=True)
class Preconditioned:
    """A preconditioner applied to a linearization.

    - `jacobian`: its rows, which are gradients of residuals, scaled as the optimizer scales gradients (with no more
      columns than rows); `velocity`: its product with the momentum.
    """

    jacobian: Float[np.ndarray, "n k"]
    velocity: Float[np.ndarray, " n"]


@dataclass(frozen=True)
class _Snapshot:
    """What the next snapshot needs: the theory, modes of the preconditioned kernel, and the scale of the rows."""

    step: int
    theory: Theory
    modes: Float[np.ndarray, "n n"]
    scale: Float[np.ndarray, " n"]


class TheoryCheck:
    """Makes the theory of each snapshot, and checks that of the snapshot before it."""

    def __init__(self) -> None:
        self._before: _Snapshot | None = None

    @property
    def memory(self) -> dict[str, np.ndarray]:
        """Arrays from which another one can continue, besides the last theory."""
        return {} if self._before is None else {"modes": self._before.modes, "scale": self._before.scale}

    def remember(self, memory: Mapping[str, np.ndarray], step: int, theory: Theory) -> None:
        """Continue from the `memory` of another one, whose last theory this is."""
        self._before = _Snapshot(step, theory, memory["modes"], memory["scale"])

    def check(
        self, step: int, residual: Float[np.ndarray, " n"], learning_rates: LearningRates | None
    ) -> Prediction | None:
        """The last theory against the residual at this step.

        None without the learning rates of all steps between, and if there was only one step.
        """
        before, rates = self._before, learning_rates
        if before is None or rates is None or rates.size < FEWEST_STEPS or not np.isfinite(rates).all():
            return None
        actual = before.modes.T @ (before.scale * residual)
        predicted = before.theory.after(rates)
        return Prediction(before.step, step, before.theory.rates, before.theory.coefficients, predicted, actual)

    def renew(
        self,
        step: int,
        residual: Float[np.ndarray, " n"],
        scale: Float[np.ndarray, " n"],
        spectrum: Spectrum,
        preconditioner: Preconditioner | None,
        preconditioned: Preconditioned | None,
    ) -> Theory | None:
        """The theory of the steps from here on; None without a preconditioner.

        - `residual`: unweighted, `scale`: factors of its rows for the present weights;
        - `spectrum`: of the weighted kernel, with eigenvectors; `preconditioned`: None for gradient descent.
        """
        self._before = None
        if preconditioner is None:
            return None
        if preconditioned is not None:
            spectrum = spectrum_of_jacobian(scale[:, None] * preconditioned.jacobian, vectors=True)
        modes = spectrum.eigenvectors
        assert modes is not None  # noqa: S101  computed with the spectrum
        velocity = np.zeros_like(residual) if preconditioned is None else preconditioned.velocity
        velocity, coefficients = modes.T @ (scale * velocity), modes.T @ (scale * residual)
        theory = Theory(resolved(spectrum), coefficients, preconditioner.beta, velocity, preconditioner.age)
        self._before = _Snapshot(step, theory, modes, scale)
        return theory
