"""What the kernel says about a run: spectra of the training kernel and of its blocks, and how steps will go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Float, Int

from .._base.compilation import Stopwatch
from .._base.types import Params
from ..equations.mistakes import ProblemError
from ..networks.functional import cast
from ..ntk.comparison import kernel_alignment, kernel_drift
from ..ntk.frequency import dominant_frequencies
from ..ntk.spectrum import Spectrum, resolved
from ..ntk.spectrum_of import spectrum_of_jacobian
from ..optimizers.preconditioner import GRADIENT_DESCENT, Preconditioner
from ..residuals.forms import Linearization, linearize
from ..residuals.functions import Batch, ResidualFunctions
from .linear_theory import FEWEST_STEPS, Prediction, Theory
from .nonfinite import find_fault
from .record import (
    LARGEST_RESIDUALS,
    LEADING_MODES,
    SLOW_MODES,
    ConditionFrequency,
    Diagnostics,
    ResidualShape,
    slow_resolvable,
)

ROWS, FEW_ROWS = 384, 64
"""Residuals of a spectrum, and of one for which there is hardly any time."""

FEWEST_POINTS = 8
"""Points of a condition that a spectrum is computed from, if it has as many."""

JACOBIAN_ENTRIES = 2**26
"""A spectrum is taken from a Jacobian of at most so many entries, 512 MiB."""


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
        prediction = None if self._before is None else _prediction(self._before, step, r, learning_rates)
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
            prediction=prediction,
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


def diagnostic_batch(batch: Batch, residuals: ResidualFunctions, parameters: int, rows: int = ROWS) -> Batch:
    """`batch`, thinned evenly to about so many rows in all, fewer where their Jacobian would pass half a gigabyte.

    No condition loses its last points.
    """
    most = max(min(rows, JACOBIAN_ENTRIES // parameters), 32)
    total = sum(residuals.rows(name, len(points)) for name, points in batch.items())
    if total <= most:
        return batch
    return {
        name: points.thinned(max(FEWEST_POINTS, round(len(points) * most / total))) for name, points in batch.items()
    }


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


def _prediction(
    before: _Look, step: int, r: Float[np.ndarray, " n"], learning_rates: Float[np.ndarray, " s"] | None
) -> Prediction | None:
    """The theory of the look before against the residual of this one; None without the rates of the steps between, or
    with a single step.
    """
    if learning_rates is None or learning_rates.size < FEWEST_STEPS or not np.isfinite(learning_rates).all():
        return None
    actual = before.modes.T @ (before.scale * r)
    predicted = before.theory.after(learning_rates)
    return Prediction(before.step, step, before.theory.rates, before.theory.coefficients, predicted, actual)


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
