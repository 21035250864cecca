"""Takes kernel snapshots of a run: spectra of the training kernel and of its blocks, and predictions of the steps."""

from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .._base.compilation import Stopwatch
from .._base.devices import on_host
from .._base.types import Params
from ..equations.mistakes import ProblemError
from ..networks.functional import cast
from ..optimizers.preconditioner import GRADIENT_DESCENT, Preconditioner
from ..residuals.forms import Linearization, linearize
from ..residuals.functions import Batch, ResidualFunctions
from .nonfinite import find_fault
from .record import Diagnostics
from .spectral_record import HostLinearization, spectral_record
from .theory_check import LearningRates, Preconditioned, TheoryCheck

ROWS, FEW_ROWS = 384, 64
"""Residuals of a spectrum, and of one for which little time is left."""

FEWEST_POINTS = 8
"""Points of a condition that a spectrum is computed from, if it has as many."""

JACOBIAN_ENTRIES = 2**26
"""Largest number of entries of the Jacobian of a spectrum: 512 MiB."""


class NotFiniteError(ProblemError):
    """Residuals, or their gradients, are not finite at the parameters of a kernel snapshot."""


class Diagnostician:
    """Takes the kernel snapshots of one run, always on the same points, in double precision.

    - `batch`: the points; loss weights enter the spectra, but not the drift.
    """

    def __init__(self, residuals: ResidualFunctions, batch: Batch):
        self._residuals, self._batch = residuals, batch
        self._linearize = jax.jit(
            lambda params, batch: linearize(residuals, params, batch, dict.fromkeys(batch, jnp.ones(())))
        )
        self._first_kernel: np.ndarray | None = None
        self._theory = TheoryCheck()

    @property
    def memory(self) -> dict[str, np.ndarray]:
        """Arrays from which another one can continue, besides the records taken."""
        first = {} if self._first_kernel is None else {"first_kernel": self._first_kernel}
        return {**first, **self._theory.memory}

    def remember(self, memory: Mapping[str, np.ndarray], records: Sequence[Diagnostics]) -> None:
        """Continue from the `memory` of another one, which took these records."""
        self._first_kernel = memory.get("first_kernel")
        if "modes" in memory:
            last = records[-1]
            assert last.theory is not None  # noqa: S101  its modes were remembered
            self._theory.remember(memory, last.step, last.theory)

    def __call__(
        self,
        params: Params,
        weights: Mapping[str, float],
        *,
        step: int,
        phase: str,
        horizon: int,
        preconditioner: Preconditioner | None = None,
        learning_rates: LearningRates | None = None,
    ) -> Diagnostics:
        """Take a snapshot.

        - `preconditioner`: of the optimizer from here on, None if its steps have no linear theory;
        - `learning_rates`: of the steps since the last snapshot, None if its theory does not hold for all of them.

        **Raises:** `NotFiniteError` with what is not finite, and where.
        """
        at, preconditioned = self._linearized(params, weights, preconditioner)
        if self._first_kernel is None:
            self._first_kernel = at.kernel
        r, spectrum = at.residual, at.spectrum(weights)
        prediction = self._theory.check(step, r, learning_rates)
        theory = self._theory.renew(step, r, at.scale(weights), spectrum, preconditioner, preconditioned)
        return spectral_record(
            at,
            weights,
            spectrum,
            self._first_kernel,
            step=step,
            phase=phase,
            horizon=horizon,
            theory=theory,
            prediction=prediction,
        )

    def _linearized(
        self, params: Params, weights: Mapping[str, float], preconditioner: Preconditioner | None
    ) -> tuple[HostLinearization, Preconditioned | None]:
        """The linearization, and that seen through the preconditioner; None for gradient descent and without one."""
        with jax.enable_x64(True):
            unweighted: Linearization = self._linearize(cast(params, np.float64), self._batch)
            r, whole = on_host((unweighted.residual, unweighted.jacobian))
            J = _square(whole)
            if not np.isfinite(J).all() or not np.isfinite(r).all():
                fault = find_fault(self._residuals, cast(params, np.float64), self._batch, weights)
                raise NotFiniteError(f"not finite: {fault or 'the Jacobian'}")
            at = HostLinearization(J, r, unweighted.slices(), self._batch, self._residuals.problem.domain)
            if preconditioner is None or preconditioner is GRADIENT_DESCENT:
                return at, None
            return at, _preconditioned(whole, params, preconditioner)


def record_seconds(dimension: int) -> float:
    """Estimated seconds of a record, compilation not counted, from a decomposition of its size that is timed here.

    Frequencies are searched among products of waves along each coordinate, so each coordinate doubles the work, until
    the number of candidates is limited.
    """
    watch = Stopwatch()
    np.linalg.svd(np.random.default_rng(0).standard_normal((ROWS, ROWS)))
    return 0.2 * 2 ** min(dimension, 4) * watch.own


def diagnostic_batch(batch: Batch, residuals: ResidualFunctions, parameters: int, rows: int = ROWS) -> Batch:
    """`batch`, thinned evenly to about `rows` rows in all, or fewer if their Jacobian would exceed half a gigabyte.

    Every condition keeps some points.
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


def _preconditioned(J: Float[np.ndarray, "n p"], params: Params, preconditioner: Preconditioner) -> Preconditioned:
    leaves, tree = jax.tree.flatten(params)
    columns = np.split(J, np.cumsum([leaf.size for leaf in leaves])[:-1], axis=1)
    rows = tree.unflatten([part.reshape(-1, *leaf.shape) for part, leaf in zip(columns, leaves, strict=True)])
    J, momentum = _scaled(rows, preconditioner), preconditioner.momentum
    if momentum is None:
        return Preconditioned(_square(J), np.zeros(len(J)))
    one = jax.tree.map(lambda leaf: np.asarray(leaf, float)[None], momentum)
    return Preconditioned(_square(J), J @ _scaled(one, preconditioner)[0])


def _scaled(gradients: Params, preconditioner: Preconditioner) -> Float[np.ndarray, "n p"]:
    """Gradients, along the leading axis of each leaf, as rows of a matrix seen through the preconditioner."""
    leaves = jax.tree.leaves(preconditioner.scale(gradients))
    return np.concatenate([leaf.reshape(len(leaf), -1) for leaf in leaves], axis=1)
