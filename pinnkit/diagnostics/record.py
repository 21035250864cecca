"""The record of a kernel snapshot."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float

from .._base.numbers import number, printable
from ..ntk.bounded_numbers import ConditionNumber
from ..ntk.comparison import residual_alignment
from ..ntk.dynamics import compute_mode_decay_factors
from ..ntk.frequency import ModeFrequency
from ..ntk.spectrum import Spectrum
from .linear_theory import Prediction, Theory

SLOW_SHARE = 0.01
"""A mode is slow if gradient descent at rate 1/λ_max leaves more than this share of it at the horizon."""

LEADING_MODES = 12
"""Number of leading resolvable modes whose variation is described."""

LEADING_SHOWN = 4
"""Number of leading modes whose eigenvectors are recorded."""

SLOW_MODES = 4
"""Number of slow resolvable modes that are described as well: those with most of the residual."""

LARGEST_RESIDUALS = 0.05
"""Share of the points, those with the largest residuals, whose part of the mean square measures how local it is."""


@dataclass(frozen=True)
class ConditionFrequency:
    """The dominant frequency of a mode of the stacked kernel on the condition that holds most of it.

    - `condition`, `component`: where most of the squared norm of the mode is; the component is None for a scalar
      residual;
    - `share`: how much of the squared norm is there;
    - `frequency`: of the mode on the points of that condition.
    """

    condition: str
    component: int | None
    share: float
    frequency: ModeFrequency

    def __str__(self) -> str:
        """As in `about 6 half-waves in x on pde`."""
        return f"{self.frequency} on {self.condition}{'' if self.component is None else f'[{self.component}]'}"


@dataclass(frozen=True)
class Eigenvector:
    """A mode of the stacked kernel on the points of the condition that holds most of it.

    - `mode`: its index, from 0; `values`: of the component that `mode_frequencies` names.
    """

    mode: int
    values: Float[np.ndarray, " n"]


@dataclass(frozen=True)
class ResidualShape:
    """How the residual of a condition varies and where it is.

    - `condition`, `component`: the component is None for a scalar residual; `points`: their number;
    - `mean_square`: of the residual on them;
    - `frequency`: dominant frequency of the residual;
    - `concentration`: share of the mean square at the twentieth of the points where it is largest;
    - `place`, `spread`: mean and standard deviation of each coordinate at those, weighted by squares.
    """

    condition: str
    component: int | None
    points: int
    mean_square: float
    frequency: ModeFrequency
    concentration: float
    place: dict[str, float]
    spread: dict[str, float]


@dataclass(frozen=True)
class Diagnostics:
    r"""The spectral record of a linearization.

    - `step`, `phase`: when it was taken;
    - `spectrum`: of the training kernel (rows scaled by $\sqrt{w_k/N_k}$), from singular values of the Jacobian;
    - `blocks`: the same for each condition's diagonal block;
    - `block_traces`: traces of the diagonal blocks of the unweighted kernel, rows scaled by $1/\sqrt{N_k}$;
    - `mode_coefficients`: $q_i^\top r$, the present scaled residual in the modes, shape `(n,)`;
    - `kernel_drift`: $\|K_t - K_0\|_F / \|K_0\|_F$ of the unweighted kernel on the same points; 0 if $K_0$ vanishes;
    - `kernel_alignment`: of these two, centred within each component of each condition, so that neither their
      size nor a constant counts; None if one vanishes;
    - `mode_frequencies`: how modes vary in space, by their index: the leading resolvable ones, and the slow ones
      that carry most of the residual;
    - `horizon`: steps that `slow_modes` looks ahead, those planned for the whole run;
    - `points`: number of points of each condition the kernel was computed on;
    - `weights`: loss weights, means for weights of single points;
    - `shapes`: how the residual of each condition varies and where it is;
    - `eigenvectors`: of the first `LEADING_SHOWN` modes and of the slow ones in `mode_frequencies`;
    - `places`: coordinates of the points of each condition;
    - `theory`: of the steps to come; None for second-order methods, which have no linear theory;
    - `prediction`: the theory of the previous snapshot, checked at this one; None without one.
    """

    step: int
    phase: str
    spectrum: Spectrum
    blocks: dict[str, Spectrum]
    block_traces: dict[str, float]
    mode_coefficients: Float[np.ndarray, " n"]
    kernel_drift: float
    kernel_alignment: float | None
    mode_frequencies: dict[int, ConditionFrequency]
    horizon: int
    points: dict[str, int]
    weights: dict[str, float]
    shapes: tuple[ResidualShape, ...] = ()
    eigenvectors: tuple[Eigenvector, ...] = ()
    places: dict[str, dict[str, Float[np.ndarray, " n"]]] = field(default_factory=dict)
    theory: Theory | None = None
    prediction: Prediction | None = None

    def __repr__(self) -> str:
        """As in `Kernel snapshot at step 100, phase adam: λ_max 3.2, 40 of 90 modes resolvable`."""
        largest, rank = number(self.spectrum.largest_eigenvalue), f"{int(self.numerical_rank)} of {self.modes}"
        return (
            f"Kernel snapshot at step {self.step:,}, phase {printable(self.phase)}: λ_max {largest}, {rank} modes "
            f"resolvable, drift {number(self.kernel_drift)}"
        )

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
        return self.spectrum.effective_dimension(relative=True)

    @property
    def spectral_bias(self) -> float | None:
        """ln(λ_max/λ_min) over the resolvable modes; None for a kernel that vanishes."""
        return self.spectrum.spectral_bias if self.numerical_rank else None

    @property
    def slow_modes(self) -> int:
        """Modes that gradient descent at rate 1/λ_max would leave with more than 1 % after `horizon` steps."""
        return self.modes - self.numerical_rank + int(slow_resolvable(self.spectrum, self.horizon).sum())

    @property
    def block_losses(self) -> dict[str, float]:
        """Mean square residual of each condition on the points of the record."""
        out: dict[str, float] = {}
        for shape in self.shapes:
            out[shape.condition] = out.get(shape.condition, 0.0) + shape.mean_square
        return out

    @property
    def stable_learning_rate(self) -> float | None:
        """2/λ_max, above which gradient descent diverges."""
        return 2 / self.spectrum.largest_eigenvalue if self.numerical_rank else None

    @property
    def residual_share(self) -> Float[np.ndarray, " n"]:
        """Share of ‖r‖² in each mode."""
        squared = self.mode_coefficients**2
        return squared / max(squared.sum(), np.finfo(float).tiny)

    @property
    def residual_alignment(self) -> float | None:
        """Alignment of the training kernel with r rᵀ, without centring; None where one of them vanishes."""
        if not (self.numerical_rank and self.mode_coefficients.any()):
            return None
        return residual_alignment(np.diag(self.eigenvalues), self.mode_coefficients, centred=False)


def slow_resolvable(spectrum: Spectrum, steps: int) -> Bool[np.ndarray, " n"]:
    """The resolvable modes of which gradient descent at rate 1/λ_max leaves more than 1 % after a number of steps."""
    if not spectrum.numerical_rank:
        return spectrum.resolvable
    decay = compute_mode_decay_factors(spectrum, 1 / spectrum.largest_eigenvalue, steps)
    return spectrum.resolvable & (np.abs(decay) > SLOW_SHARE)
