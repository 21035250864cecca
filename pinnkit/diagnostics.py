"""What the kernel says about a run: spectra of the training kernel and of its blocks, and how steps will go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Bool, Float, Int

from ._types import Params
from .compilation import Stopwatch
from .faults import find_fault
from .linearization import Linearization, linearize
from .model import cast
from .ntk.comparison import kernel_alignment, kernel_drift, residual_alignment
from .ntk.dynamics import compute_mode_decay_factors
from .ntk.frequency import ModeFrequency, dominant_frequencies
from .ntk.spectrum import ConditionNumber, Spectrum, resolved, spectrum_of_jacobian
from .prediction import FEWEST_STEPS, GRADIENT_DESCENT, Passage, Preconditioner, Theory
from .problem import ProblemError
from .residuals import Batch, ResidualFunctions

SLOW_SHARE = 0.01
"""A mode is slow if gradient descent at rate 1/λ_max leaves more than this share of it at the horizon."""

LEADING_MODES = 12
"""Resolvable modes whose variation is described, from the largest eigenvalue down."""

SLOW_MODES = 4
"""Slow resolvable modes that are described besides: those with most of the residual."""

LARGEST_RESIDUALS = 0.05
"""The share of the points, those with the largest residuals, whose part of the mean square says how local it is."""

ROWS, FEW_ROWS = 384, 64
"""Residuals of a spectrum, and of one for which there is hardly any time."""

JACOBIAN_ENTRIES = 2**26
"""A spectrum is taken from a Jacobian of at most so many entries, 512 MiB."""


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
      size nor what is the same at all points counts; None if one vanishes;
    - `mode_frequencies`: how modes vary in space, by their index: the leading resolvable ones, and the slow ones
      that carry most of the residual;
    - `horizon`: steps that `slow_modes` looks ahead, those planned for the whole run;
    - `points`: number of points of each condition the kernel was computed on;
    - `weights`: loss weights in force, of points their means;
    - `shapes`: how the residual of each condition varies and where it is;
    - `theory`: of the steps to come; None where there is no linear theory of them (methods of second order);
    - `passage`: the theory of the look before, checked at this one; None without one.
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
    theory: Theory | None = None
    passage: Passage | None = None

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


@dataclass(frozen=True)
class _Look:
    """What the next look needs to check a theory: modes of the preconditioned kernel, and the scale of the rows."""

    step: int
    theory: Theory
    modes: Float[np.ndarray, "n n"]
    scale: Float[np.ndarray, " n"]


@dataclass(frozen=True)
class _Part:
    """The rows of one component of one condition in the stacked residual; the component is None for a scalar."""

    condition: str
    component: int | None
    rows: Int[np.ndarray, " n_k"]


class NotFiniteError(ProblemError):
    """Residuals, or their gradients, are not finite where the kernel was to be looked at."""


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
        self._before: _Look | None = None

    @property
    def memory(self) -> dict[str, np.ndarray]:
        """What it goes on from, besides the records it took."""
        first = {} if self._first_kernel is None else {"first_kernel": self._first_kernel}
        return first if self._before is None else {**first, "modes": self._before.modes, "scale": self._before.scale}

    def remember(self, memory: Mapping[str, np.ndarray], records: Sequence[Diagnostics]) -> None:
        """Go on from the `memory` of another one, which took these records."""
        self._first_kernel = memory.get("first_kernel")
        if "modes" in memory:
            last = records[-1]
            assert last.theory is not None  # noqa: S101  a look that is gone on from has one
            self._before = _Look(last.step, last.theory, memory["modes"], memory["scale"])

    def __call__(
        self,
        params: Params,
        weights: Mapping[str, float],
        *,
        step: int,
        phase: str,
        horizon: int,
        preconditioner: Preconditioner | None = None,
        learning_rates: Float[np.ndarray, " s"] | None = None,
    ) -> Diagnostics:
        """Take a record.

        - `preconditioner`: of the optimizer from here on, where there is a linear theory of its steps;
        - `learning_rates`: of the steps since the last record, where its theory holds for all of them.

        **Raises:** `NotFiniteError` with what is not finite, and where.
        """
        with jax.enable_x64(True):
            unweighted: Linearization = self._linearize(cast(params, np.float64), self._batch)
            rows, r = unweighted.slices(), np.asarray(unweighted.residual)
            J, moved = _square(np.asarray(unweighted.jacobian)), None
            if not np.isfinite(J).all() or not np.isfinite(r).all():
                fault = find_fault(self._residuals, cast(params, np.float64), self._batch, weights)
                raise NotFiniteError(f"not finite: {fault or 'the Jacobian'}")
            if preconditioner is not None and preconditioner is not GRADIENT_DESCENT:
                moved = _moved(unweighted, preconditioner)
        scale = np.empty_like(r)
        for name, part in rows.items():
            scale[part] = np.sqrt(weights[name])
        spectrum = spectrum_of_jacobian(scale[:, None] * J, vectors=True)
        modes = spectrum.eigenvectors
        assert modes is not None  # noqa: S101  asked for above
        coefficients = modes.T @ (scale * r)
        parts, kernel = _parts(rows, self._batch), J @ J.T
        if self._first_kernel is None:
            self._first_kernel = kernel
        passage = None if self._before is None else _passage(self._before, step, r, learning_rates)
        theory = self._before = None
        if preconditioner is not None:
            through = spectrum if moved is None else spectrum_of_jacobian(scale[:, None] * moved[0], vectors=True)
            Q = through.eigenvectors
            assert Q is not None  # noqa: S101  asked for above
            velocity = Q.T @ (scale * (np.zeros_like(r) if moved is None else moved[1]))
            theory = Theory(resolved(through), Q.T @ (scale * r), preconditioner.beta, velocity, preconditioner.age)
            self._before = _Look(step, theory, Q, scale)
        return Diagnostics(
            step=step,
            phase=phase,
            spectrum=spectrum.without_vectors(),
            blocks={name: spectrum_of_jacobian(np.sqrt(weights[name]) * J[part]) for name, part in rows.items()},
            block_traces={name: float(np.sum(J[part] ** 2)) for name, part in rows.items()},
            mode_coefficients=coefficients,
            kernel_drift=kernel_drift(kernel, self._first_kernel) if self._first_kernel.any() else 0.0,
            kernel_alignment=_alignment(kernel, self._first_kernel, parts),
            mode_frequencies=self._frequencies(modes, parts, _worth_describing(spectrum, coefficients, horizon)),
            horizon=horizon,
            points={name: len(points) for name, points in self._batch.items()},
            weights={name: float(weights[name]) for name in rows},
            shapes=tuple(self._shape(part, r[part.rows]) for part in parts),
            theory=theory,
            passage=passage,
        )

    def _shape(self, part: _Part, r: Float[np.ndarray, " n_k"]) -> ResidualShape:
        domain = self._residuals.problem.domain
        points, squares = np.asarray(self._batch[part.condition].coordinates), r**2
        frequency = dominant_frequencies(
            r[:, None], points, domain.coordinates, np.stack([domain.lower, domain.upper])
        )[0]
        largest = np.argsort(-squares)[: max(1, round(LARGEST_RESIDUALS * len(r)))]
        shares = squares[largest] / max(squares[largest].sum(), np.finfo(float).tiny)
        place = shares @ points[largest]
        spread = np.sqrt(shares @ (points[largest] - place) ** 2)
        return ResidualShape(
            condition=part.condition,
            component=part.component,
            points=len(r),
            mean_square=float(squares.sum()),
            frequency=frequency,
            concentration=float(squares[largest].sum() / max(squares.sum(), np.finfo(float).tiny)),
            place=dict(zip(domain.coordinates, place.tolist(), strict=True)),
            spread=dict(zip(domain.coordinates, spread.tolist(), strict=True)),
        )

    def _frequencies(
        self, modes: Float[np.ndarray, "n n"], parts: Sequence[_Part], indices: Int[np.ndarray, " k"]
    ) -> dict[int, ConditionFrequency]:
        domain, found = self._residuals.problem.domain, {}
        bounds = np.stack([domain.lower, domain.upper])
        shares = np.array([np.sum(modes[np.ix_(part.rows, indices)] ** 2, axis=0) for part in parts])
        largest = shares.argmax(axis=0)
        for number in np.unique(largest):
            part, here = parts[number], largest == number
            points = np.asarray(self._batch[part.condition].coordinates)
            values = modes[np.ix_(part.rows, indices[here])]
            frequencies = dominant_frequencies(values, points, domain.coordinates, bounds)
            for i, share, frequency in zip(indices[here], shares[number, here], frequencies, strict=True):
                found[int(i)] = ConditionFrequency(part.condition, part.component, float(share), frequency)
        return dict(sorted(found.items()))


def record_seconds(dimension: int) -> float:
    """Seconds that a record takes about once it is compiled, from a decomposition of its size that is timed here.

    Frequencies are searched among products of waves along each coordinate, which doubles the work with each.
    """
    watch = Stopwatch()
    np.linalg.svd(np.random.default_rng(0).standard_normal((ROWS, ROWS)))
    return 0.2 * 2**dimension * watch.own


def slow_resolvable(spectrum: Spectrum, steps: int) -> Bool[np.ndarray, " n"]:
    """The resolvable modes of which gradient descent at rate 1/λ_max leaves more than 1 % after so many steps."""
    if not spectrum.numerical_rank:
        return spectrum.resolvable
    decay = compute_mode_decay_factors(spectrum, 1 / spectrum.largest_eigenvalue, steps)
    return spectrum.resolvable & (np.abs(decay) > SLOW_SHARE)


def diagnostic_batch(batch: Batch, residuals: ResidualFunctions, parameters: int, rows: int = ROWS) -> Batch:
    """`batch`, thinned evenly to about so many rows in all, fewer where their Jacobian would pass half a gigabyte.

    No condition loses its last points.
    """
    most = max(min(rows, JACOBIAN_ENTRIES // parameters), 32)
    total = sum(residuals.rows(name, len(points)) for name, points in batch.items())
    if total <= most:
        return batch
    return {name: _thinned(points, max(1, round(len(points) * most / total))) for name, points in batch.items()}


def _square(J: Float[np.ndarray, "n p"]) -> Float[np.ndarray, "n k"]:
    """A matrix of no more columns than rows with the same kernel and singular values: J = Rᵀ Qᵀ."""
    return np.transpose(np.linalg.qr(J.T, mode="r")) if J.shape[1] > J.shape[0] else J


def _moved(
    step: Linearization, preconditioner: Preconditioner
) -> tuple[Float[np.ndarray, "n k"], Float[np.ndarray, " n"]]:
    """The Jacobian with its rows, which are gradients of residuals, scaled as the optimizer does, and its product with
    the momentum.
    """
    scaled = lambda tree: ravel_pytree(preconditioner.scale(tree))[0]
    J = np.asarray(jax.vmap(lambda row: scaled(step.unravel(row)))(step.jacobian))
    momentum = preconditioner.momentum
    velocity = np.zeros(len(J)) if momentum is None else J @ np.asarray(scaled(cast(momentum, np.float64)))
    return _square(J), velocity


def _passage(
    before: _Look, step: int, r: Float[np.ndarray, " n"], learning_rates: Float[np.ndarray, " s"] | None
) -> Passage | None:
    """The theory of the look before against the residual of this one; None without the rates of the steps between, or
    with a single step.
    """
    if learning_rates is None or learning_rates.size < FEWEST_STEPS or not np.isfinite(learning_rates).all():
        return None
    actual = before.modes.T @ (before.scale * r)
    predicted = before.theory.after(learning_rates)
    return Passage(before.step, step, before.theory.rates, before.theory.coefficients, predicted, actual)


def _parts(rows: Mapping[str, slice], batch: Batch) -> list[_Part]:
    out = []
    for name, part in rows.items():
        m = (part.stop - part.start) // len(batch[name])
        out += [_Part(name, a if m > 1 else None, np.arange(part.start + a, part.stop, m)) for a in range(m)]
    return out


def _alignment(kernel: np.ndarray, first: np.ndarray, parts: Sequence[_Part]) -> float | None:
    groups = np.empty(len(kernel), int)
    for number, part in enumerate(parts):
        groups[part.rows] = number
    try:
        return kernel_alignment(kernel, first, groups=groups)
    except ValueError:  # nothing is left of one of them when centred
        return None


def _worth_describing(spectrum: Spectrum, coefficients: Float[np.ndarray, " n"], horizon: int) -> Int[np.ndarray, " k"]:
    """Indices of the leading resolvable modes and of the slow ones with most of the residual."""
    leading = np.arange(min(spectrum.numerical_rank, LEADING_MODES))
    slow = np.flatnonzero(slow_resolvable(spectrum, horizon))
    most = np.argsort(-np.abs(coefficients[slow]))[:SLOW_MODES]
    return np.union1d(leading, slow[most])


def _thinned(points, count: int):
    keep = np.unique(np.linspace(0, len(points) - 1, max(count, min(len(points), 8))).round().astype(int))
    return jax.tree.map(lambda column: column[keep], points)
