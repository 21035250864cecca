"""The spectral record of a linearization, pure: spectra, frequencies of modes, and shapes of residuals."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from ..geometry.domain import AbstractDomain
from ..ntk.comparison import kernel_alignment, kernel_drift
from ..ntk.frequency import dominant_frequencies
from ..ntk.spectrum import Spectrum
from ..ntk.spectrum_of import spectrum_of_jacobian
from ..residuals.functions import Batch
from .linear_theory import Prediction, Theory
from .record import (
    LARGEST_RESIDUALS,
    LEADING_MODES,
    LEADING_SHOWN,
    SLOW_MODES,
    ConditionFrequency,
    Diagnostics,
    Eigenvector,
    ResidualShape,
    slow_resolvable,
)


@dataclass(frozen=True)
class Part:
    """The rows of one component of one condition in the stacked residual; the component is None for a scalar."""

    condition: str
    component: int | None
    rows: Int[np.ndarray, " n_k"]


@dataclass(frozen=True)
class HostLinearization:
    r"""Residual and Jacobian on the host, with unit weights: rows are scaled by $1/\sqrt{N_k}$ only.

    - `jacobian`: with the singular values and the kernel of the Jacobian, but no more columns than rows;
    - `rows`: of each condition; `batch`: its points; `domain`: of the problem.
    """

    jacobian: Float[np.ndarray, "n k"]
    residual: Float[np.ndarray, " n"]
    rows: Mapping[str, slice]
    batch: Batch
    domain: AbstractDomain

    @functools.cached_property
    def kernel(self) -> Float[np.ndarray, "n n"]:
        """The unweighted kernel."""
        return self.jacobian @ self.jacobian.T

    @functools.cached_property
    def parts(self) -> list[Part]:
        """The components of all conditions."""
        out = []
        for name, part in self.rows.items():
            m = (part.stop - part.start) // len(self.batch[name])
            out += [Part(name, a if m > 1 else None, np.arange(part.start + a, part.stop, m)) for a in range(m)]
        return out

    @property
    def bounds(self) -> Float[np.ndarray, "2 d"]:
        """Of the domain."""
        return np.stack([self.domain.lower, self.domain.upper])

    def scale(self, weights: Mapping[str, float]) -> Float[np.ndarray, " n"]:
        """Factors of the rows for these weights."""
        scale = np.empty_like(self.residual)
        for name, part in self.rows.items():
            scale[part] = np.sqrt(weights[name])
        return scale

    def spectrum(self, weights: Mapping[str, float]) -> Spectrum:
        """The spectrum of the weighted kernel, with eigenvectors."""
        return spectrum_of_jacobian(self.scale(weights)[:, None] * self.jacobian, vectors=True)


def spectral_record(
    at: HostLinearization,
    weights: Mapping[str, float],
    spectrum: Spectrum,
    first_kernel: Float[np.ndarray, "n n"],
    *,
    step: int,
    phase: str,
    horizon: int,
    theory: Theory | None = None,
    prediction: Prediction | None = None,
) -> Diagnostics:
    """The record of a linearization.

    - `spectrum`: of its weighted kernel, with eigenvectors; `first_kernel`: unweighted, which drift is measured from.
    """
    modes, J, kernel, parts = spectrum.eigenvectors, at.jacobian, at.kernel, at.parts
    assert modes is not None  # noqa: S101  computed with the spectrum
    coefficients = modes.T @ (at.scale(weights) * at.residual)
    frequencies = _frequencies(at, modes, _worth_describing(spectrum, coefficients, horizon))
    return Diagnostics(
        step=step,
        phase=phase,
        spectrum=spectrum.without_vectors(),
        blocks={name: spectrum_of_jacobian(np.sqrt(weights[name]) * J[part]) for name, part in at.rows.items()},
        block_traces={name: float(np.sum(J[part] ** 2)) for name, part in at.rows.items()},
        mode_coefficients=coefficients,
        kernel_drift=kernel_drift(kernel, first_kernel) if first_kernel.any() else 0.0,
        kernel_alignment=_alignment(kernel, first_kernel, parts),
        mode_frequencies=frequencies,
        horizon=horizon,
        points={name: len(points) for name, points in at.batch.items()},
        weights={name: float(weights[name]) for name in at.rows},
        shapes=tuple(_shape(at, part) for part in parts),
        eigenvectors=_eigenvectors(parts, modes, frequencies),
        places=_places(at),
        theory=theory,
        prediction=prediction,
    )


def _shape(at: HostLinearization, part: Part) -> ResidualShape:
    coordinates, tiny = at.domain.coordinates, np.finfo(float).tiny
    r, points = at.residual[part.rows], np.asarray(at.batch[part.condition].coordinates)
    squares = r**2
    frequency = dominant_frequencies(r[:, None], points, coordinates, at.bounds)[0]
    largest = np.argsort(-squares)[: max(1, round(LARGEST_RESIDUALS * len(r)))]
    shares = squares[largest] / max(squares[largest].sum(), tiny)
    place = shares @ points[largest]
    spread = np.sqrt(shares @ (points[largest] - place) ** 2)
    return ResidualShape(
        condition=part.condition,
        component=part.component,
        points=len(r),
        mean_square=float(squares.sum()),
        frequency=frequency,
        concentration=float(squares[largest].sum() / max(squares.sum(), tiny)),
        place=dict(zip(coordinates, place.tolist(), strict=True)),
        spread=dict(zip(coordinates, spread.tolist(), strict=True)),
    )


def _frequencies(
    at: HostLinearization, modes: Float[np.ndarray, "n n"], indices: Int[np.ndarray, " k"]
) -> dict[int, ConditionFrequency]:
    """The frequency of each mode on the component that has most of it."""
    parts, found = at.parts, {}
    shares = np.array([np.sum(modes[np.ix_(part.rows, indices)] ** 2, axis=0) for part in parts])
    largest = shares.argmax(axis=0)
    for number in np.unique(largest):
        part, here = parts[number], largest == number
        points = np.asarray(at.batch[part.condition].coordinates)
        values = modes[np.ix_(part.rows, indices[here])]
        frequencies = dominant_frequencies(values, points, at.domain.coordinates, at.bounds)
        for i, share, frequency in zip(indices[here], shares[number, here], frequencies, strict=True):
            found[int(i)] = ConditionFrequency(part.condition, part.component, float(share), frequency)
    return dict(sorted(found.items()))


def _eigenvectors(
    parts: Sequence[Part], modes: Float[np.ndarray, "n n"], frequencies: Mapping[int, ConditionFrequency]
) -> tuple[Eigenvector, ...]:
    """The modes to be drawn: the first, and the slow ones behind those that are described in any case."""
    rows = {(part.condition, part.component): part.rows for part in parts}
    shown = [i for i in frequencies if i < LEADING_SHOWN or i >= LEADING_MODES]
    return tuple(Eigenvector(i, modes[rows[frequencies[i].condition, frequencies[i].component], i]) for i in shown)


def _places(at: HostLinearization) -> dict[str, dict[str, Float[np.ndarray, " n"]]]:
    columns = lambda points: np.asarray(points.coordinates).T
    return {name: dict(zip(at.domain.coordinates, columns(p), strict=True)) for name, p in at.batch.items()}


def _alignment(
    kernel: Float[np.ndarray, "n n"], first: Float[np.ndarray, "n n"], parts: Sequence[Part]
) -> float | None:
    groups = np.empty(len(kernel), int)
    for number, part in enumerate(parts):
        groups[part.rows] = number
    try:
        return kernel_alignment(kernel, first, groups=groups)
    except ValueError:  # one of them vanishes when centred
        return None


def _worth_describing(spectrum: Spectrum, coefficients: Float[np.ndarray, " n"], horizon: int) -> Int[np.ndarray, " k"]:
    """Indices of the leading resolvable modes and of the slow ones with most of the residual."""
    leading = np.arange(min(spectrum.numerical_rank, LEADING_MODES))
    slow = np.flatnonzero(slow_resolvable(spectrum, horizon))
    most = np.argsort(-np.abs(coefficients[slow]))[:SLOW_MODES]
    return np.union1d(leading, slow[most])
