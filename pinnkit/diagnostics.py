"""What the kernel says about a run: spectra of the training kernel and of its blocks."""

from collections.abc import Mapping
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ._types import Params
from .linearization import Linearization, linearize
from .model import cast
from .ntk.dynamics import compute_mode_decay_factors
from .ntk.spectrum import ConditionNumber, Spectrum, spectrum_of_jacobian
from .residuals import Batch, ResidualFunctions

SLOW_SHARE = 0.01
"""A mode is slow if gradient descent at rate 1/λ_max leaves more than this share of it at the horizon."""

JACOBIAN_ENTRIES = 2**26
"""A spectrum is taken from a Jacobian of at most so many entries, 512 MiB."""


@dataclass(frozen=True)
class Diagnostics:
    r"""The spectral record of a linearization.

    - `step`, `phase`: when it was taken;
    - `spectrum`: of the training kernel (rows scaled by $\sqrt{w_k/N_k}$), from singular values of the Jacobian;
    - `blocks`: the same for each condition's diagonal block;
    - `block_traces`: traces of the diagonal blocks of the unweighted kernel, rows scaled by $1/\sqrt{N_k}$;
    - `mode_coefficients`: $q_i^\top r$, the present scaled residual in the modes, shape `(n,)`;
    - `kernel_drift`: $\|K_t - K_0\|_F / \|K_0\|_F$ of the unweighted kernel on the same points;
    - `horizon`: steps that `slow_modes` looks ahead, those planned for the whole run;
    - `points`: number of points of each condition the kernel was computed on;
    - `weights`: loss weights in force.
    """

    step: int
    phase: str
    spectrum: Spectrum
    blocks: dict[str, Spectrum]
    block_traces: dict[str, float]
    mode_coefficients: Float[np.ndarray, " n"]
    kernel_drift: float
    horizon: int
    points: dict[str, int]
    weights: dict[str, float]

    @property
    def eigenvalues(self) -> Float[np.ndarray, " n"]:
        """Eigenvalues of the training kernel, descending."""
        return self.spectrum.eigenvalues

    @property
    def noise_floor(self) -> float:
        return self.spectrum.noise_floor

    @property
    def numerical_rank(self) -> int:
        return self.spectrum.numerical_rank

    @property
    def modes(self) -> int:
        """Number of eigenvalues, resolvable or not."""
        return len(self.spectrum.eigenvalues)

    @property
    def condition_number(self) -> ConditionNumber | None:
        """λ_max/λ_min or a lower bound for it; None for a kernel that vanishes."""
        return self.spectrum.condition_number if self.numerical_rank else None

    @property
    def effective_rank(self) -> float:
        return self.spectrum.effective_rank

    @property
    def effective_dimension(self) -> float:
        """N_eff(1e-4), relative to the largest eigenvalue."""
        return self.spectrum.effective_dimension()

    @property
    def spectral_bias(self) -> float | None:
        """ln(λ_max/λ_min) over the resolvable modes; None for a kernel that vanishes."""
        return self.spectrum.spectral_bias if self.numerical_rank else None

    @property
    def slow_modes(self) -> int:
        """Modes that gradient descent at rate 1/λ_max would leave with more than 1 % after `horizon` steps."""
        if not self.numerical_rank:
            return self.modes
        resolvable = self.eigenvalues[self.spectrum.resolvable]
        decay = compute_mode_decay_factors(resolvable, 1 / self.spectrum.largest_eigenvalue, self.horizon)
        return self.modes - self.numerical_rank + int(np.sum(np.abs(decay) > SLOW_SHARE))

    @property
    def stable_learning_rate(self) -> float | None:
        """2/λ_max, above which gradient descent diverges."""
        return 2 / self.spectrum.largest_eigenvalue if self.numerical_rank else None

    @property
    def residual_share(self) -> Float[np.ndarray, " n"]:
        """Share of ‖r‖² in each mode."""
        squared = self.mode_coefficients**2
        return squared / max(squared.sum(), np.finfo(float).tiny)


class Diagnostician:
    """Takes records of one run, on the same points throughout, in double precision.

    - `batch`: the points; `weights` enter the spectra, not the drift.
    """

    def __init__(self, residuals: ResidualFunctions, batch: Batch):
        self._residuals, self._batch = residuals, batch
        self._linearize = jax.jit(
            lambda params, batch: linearize(residuals, params, batch, dict.fromkeys(batch, jnp.ones(())))
        )
        self._first_kernel: np.ndarray | None = None

    def __call__(
        self, params: Params, weights: Mapping[str, float], *, step: int, phase: str, horizon: int
    ) -> Diagnostics:
        with jax.enable_x64(True):
            unweighted: Linearization = self._linearize(cast(params, np.float64), self._batch)
            rows, J = unweighted.slices(), np.asarray(unweighted.jacobian)
            r = np.asarray(unweighted.residual)
        if J.shape[1] > J.shape[0]:
            J = np.transpose(np.linalg.qr(J.T, mode="r"))  # J = Rᵀ Qᵀ: same kernel, same singular values, n columns
        scale = np.empty_like(r)
        for name, part in rows.items():
            scale[part] = np.sqrt(weights[name])
        spectrum = spectrum_of_jacobian(scale[:, None] * J, vectors=True)
        modes = spectrum.eigenvectors
        assert modes is not None  # noqa: S101  asked for above
        return Diagnostics(
            step=step,
            phase=phase,
            spectrum=Spectrum(spectrum.eigenvalues, spectrum.noise_floor, None, spectrum.source),
            blocks={name: spectrum_of_jacobian(np.sqrt(weights[name]) * J[part]) for name, part in rows.items()},
            block_traces={name: float(np.sum(J[part] ** 2)) for name, part in rows.items()},
            mode_coefficients=modes.T @ (scale * r),
            kernel_drift=self._drift(J @ J.T),
            horizon=horizon,
            points={name: len(points) for name, points in self._batch.items()},
            weights={name: float(weights[name]) for name in rows},
        )

    def _drift(self, kernel: np.ndarray) -> float:
        if self._first_kernel is None:
            self._first_kernel = kernel
        first = float(np.linalg.norm(self._first_kernel))
        return float(np.linalg.norm(kernel - self._first_kernel)) / first if first else 0.0


def diagnostic_batch(batch: Batch, residuals: ResidualFunctions, parameters: int) -> Batch:
    """`batch`, thinned evenly to about 384 rows in all, fewer where their Jacobian would pass half a gigabyte.

    No condition loses its last points.
    """
    most = max(min(384, JACOBIAN_ENTRIES // parameters), 32)
    total = sum(residuals.rows(name, len(points)) for name, points in batch.items())
    if total <= most:
        return batch
    return {name: _thinned(points, max(1, round(len(points) * most / total))) for name, points in batch.items()}


def _thinned(points, count: int):
    keep = np.unique(np.linspace(0, len(points) - 1, max(count, min(len(points), 8))).round().astype(int))
    return jax.tree.map(lambda column: column[keep], points)
