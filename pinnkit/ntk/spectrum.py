r"""Eigenvalues of a kernel, how many of them rounding lets us see, and what follows from those.

Three ways lead to a complete `Spectrum`, and each knows its own rounding error:

- `spectrum_of_jacobian`: $\lambda_i = s_i^2$ from the singular values of $J$, resolved down to about
  $n \varepsilon^2 \lambda_1$;
- `spectrum_of_kernel`: `eigh` of $K = J J^\top$, resolved down to $n \varepsilon \lambda_1$ only;
- `spectrum_of_eigenvalues`: eigenvalues that somebody else computed, taken for those of a kernel matrix.

`pinnkit.ntk.matrix_free` finds leading eigenvalues of kernels too large for these. One rule holds for all: an
eigenvalue is *resolvable* if it exceeds the bound of its own error. Figures use the resolvable ones, or are
marked as bounds. Nothing is clipped, so nothing depends on a constant with a unit: all figures are the same for
$K$ and $10^{12} K$.
"""

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import ArrayLike

from .._base.arguments import as_double
from .._base.errors import InputError
from .bounded_numbers import ConditionNumber, NumericalRank, SpectralBias
from .density import SpectralDensity, check_shift, threshold_of

Source = Literal["jacobian", "kernel", "eigenvalues", "lanczos", "nystrom"]

SOURCES: dict[str, str] = {
    "jacobian": "singular values of the Jacobian",
    "kernel": "the kernel matrix",
    "eigenvalues": "given eigenvalues",
    "lanczos": "block Lanczos",
    "nystrom": "the Nyström approximation",
}
"""What the eigenvalues were computed from, in words."""

PRECISIONS = {2.0**-52: "float64", 2.0**-23: "float32", 2.0**-10: "float16", 2.0**-7: "bfloat16"}

SHOWN = 6
"""Eigenvalues that a printed spectrum lists."""


@dataclass(frozen=True, eq=False, repr=False)
class Spectrum:
    r"""Eigenvalues of a symmetric positive semidefinite kernel, and how far each can be trusted.

    - `eigenvalues`: the $k$ leading ones, descending, as computed: unresolvable ones may be negative;
    - `size`: $n$, the number of rows of the kernel; the spectrum is complete if $k = n$;
    - `noise_floor`: smaller eigenvalues cannot be distinguished from zero;
    - `floor_origin`: how the floor came about, in a phrase;
    - `errors`: a bound for the error of each eigenvalue, never below the noise floor;
    - `dtype`: name of the precision that the entries of the kernel or Jacobian were computed in;
    - `source`: what the eigenvalues were computed from, see `SOURCES`;
    - `eigenvectors`: their columns, in the same order, if they were computed;
    - `trace`: of the kernel, where it is known;
    - `density`: of an incomplete spectrum, see `spectral_density`: what stands for the other eigenvalues.

    In a complete spectrum those computed to lie below the noise floor are at most twice the floor. Printed, it
    never shows them as values. The zero kernel has rank, effective rank and effective dimension 0, and neither a
    condition number nor a spectral bias: these two raise `ValueError` for it.
    """

    eigenvalues: Float[np.ndarray, " k"]
    size: int
    noise_floor: float
    floor_origin: str
    errors: Float[np.ndarray, " k"]
    dtype: str
    source: Source
    eigenvectors: Float[np.ndarray, "n k"] | None = None
    trace: float | None = None
    density: SpectralDensity | None = None

    @property
    def largest_eigenvalue(self) -> float:
        return float(self.eigenvalues[0])

    @property
    def is_complete(self) -> bool:
        """Whether all eigenvalues are known."""
        return self.eigenvalues.size == self.size

    @property
    def resolvable(self) -> Bool[np.ndarray, " k"]:
        """Which eigenvalues exceed the bound of their error."""
        return self.eigenvalues > self.errors

    @property
    def hidden_below(self) -> float:
        """No unresolvable eigenvalue is larger: twice the noise floor, if no error exceeds it; 0 if none is."""
        return 2 * float(self.errors[~self.resolvable].max(initial=0.0))

    @property
    def numerical_rank(self) -> NumericalRank:
        """How many eigenvalues are resolvable; a lower bound where there may be more among the unknown ones."""
        return NumericalRank(int(self.resolvable.sum()), is_lower_bound=not self._has_every_mode)

    @property
    def condition_number(self) -> ConditionNumber:
        r"""$\lambda_{\max} / \lambda_{\min}$ where all are known and resolvable, else a lower bound.

        The bound takes both eigenvalues at the unfavourable ends of their errors: $\lambda_{\max}$ over twice
        the noise floor where rounding hides the smallest.
        """
        self._require_a_mode("condition number")
        values, errors = self.eigenvalues, self.errors
        if self.is_complete and self.resolvable.all():
            relative = float(errors[0] / values[0] + errors[-1] / values[-1])
            if relative < 1:
                return ConditionNumber(values[0] / values[-1], relative_error=relative)
        at_most = np.where(self.resolvable, values + errors, 2 * errors).min()
        return ConditionNumber((values - errors).max() / at_most, is_lower_bound=True)

    @property
    def spectral_bias(self) -> SpectralBias:
        r"""$\ln(\lambda_{\max} / \lambda_{\min})$ over the resolvable eigenvalues, a bound if more may be unknown."""
        self._require_a_mode("spectral bias")
        modes = self._modes
        if self._has_every_mode:
            return SpectralBias(math.log(modes.max() / modes.min()))
        at_least, at_most = (
            (self.eigenvalues - self.errors).max(),
            (self.eigenvalues + self.errors)[self.resolvable].min(),
        )
        return SpectralBias(math.log(max(at_least / at_most, 1.0)), is_lower_bound=True)

    @property
    def effective_rank(self) -> float:
        r"""$(\sum_i \lambda_i)^2 / \sum_i \lambda_i^2$ over the resolvable eigenvalues.

        **Returns:** an `Estimate` where it comes from `density`.

        **Raises:** `ValueError` for an incomplete spectrum without one.
        """
        if not self._has_every_mode:
            return self._density_for("effective rank").effective_rank
        if not self.numerical_rank:
            return 0.0
        shares = self._modes / self.largest_eigenvalue
        return float(shares.sum() ** 2 / (shares**2).sum())

    def effective_dimension(self, gamma: float = 1e-4, *, relative: bool = False) -> float:
        """See the function `effective_dimension`; an `Estimate` or a `ValueError` as for `effective_rank`."""
        if not self._has_every_mode:
            return self._density_for("effective dimension").effective_dimension(gamma, relative=relative)
        threshold = threshold_of(gamma, self.largest_eigenvalue if relative else 1.0)
        return float((self._modes / (self._modes + threshold)).sum())

    def log_determinant(self, shift: float) -> float:
        """See the function `log_determinant`; an `Estimate` or a `ValueError` as for `effective_rank`."""
        if not self._has_every_mode:
            return self._density_for("log-determinant").log_determinant(shift)
        check_shift(shift, self.noise_floor)
        return float(np.log1p(self._modes / shift).sum() + self.size * math.log(shift))

    def without_vectors(self) -> "Spectrum":
        """The same without its eigenvectors."""
        return dataclasses.replace(self, eigenvectors=None)

    def __str__(self) -> str:
        return "\n".join(f"{name}: {text}" for name, text in self._lines())

    __repr__ = __str__

    @property
    def _modes(self) -> Float[np.ndarray, " r"]:
        return self.eigenvalues[self.resolvable]

    @property
    def _has_every_mode(self) -> bool:
        """Whether no resolvable eigenvalue is missing: all are known, or the known ones reach down to rounding."""
        vanishing = np.maximum(self.eigenvalues, self.errors) <= 2 * self.noise_floor
        return self.is_complete or bool(vanishing.any() and (vanishing | self.resolvable).all())

    def _require_a_mode(self, figure: str) -> None:
        if not self.numerical_rank:
            raise InputError(f"the {figure} of a kernel that is zero does not exist")

    def _density_for(self, figure: str) -> SpectralDensity:
        if self.density is None:
            raise InputError(
                f"the {figure} needs more than {self.eigenvalues.size} of {self.size} eigenvalues: give the spectrum "
                f"its `density`, see `spectral_density`"
            )
        return self.density

    def _lines(self) -> Iterator[tuple[str, str]]:
        known = "all" if self.is_complete else f"{self.eigenvalues.size} leading ones"
        yield "spectrum", f"{known} of {self.size} eigenvalues, from {SOURCES[self.source]} in {self.dtype}"
        yield "eigenvalues", self._listed()
        yield "noise floor", f"{self.noise_floor:.2g}, {self.floor_origin}"
        yield "numerical rank", f"{self.numerical_rank} of {self.size}"
        if self.numerical_rank:
            yield "condition number", f"{self.condition_number:.2e}"
            yield "spectral bias", f"{self.spectral_bias:.3g}"
        if self._has_every_mode or self.density is not None:
            shown = lambda figure: f"{figure:.3g}"
            yield "effective rank", shown(self.effective_rank)
            yield "effective dimension at 1e-4 λ_max", shown(self.effective_dimension(relative=True))

    def _listed(self) -> str:
        """The first resolvable eigenvalues, with their errors where three digits show them, and what hides."""
        modes, errors = self._modes, self.errors[self.resolvable]
        pairs = zip(modes[:SHOWN], errors[:SHOWN], strict=True)
        words = [f"{x:.3g}" + (f" ± {error:.1g}" if error > 5e-3 * x else "") for x, error in pairs]
        if modes.size > SHOWN:
            words.append(f"{modes.size - SHOWN} more down to {modes[-1]:.3g}")
        if hidden := self.eigenvalues.size - modes.size:
            bound = self.hidden_below
            words.append(f"{hidden} unresolvable (< {bound:.2g})" if bound else f"{hidden} zeros")
        return ", ".join(words)


def spectrum_of_eigenvalues(eigenvalues: ArrayLike) -> Spectrum:
    r"""Spectrum from eigenvalues in any order, of shape `(n,)`, taken for those of a computed kernel matrix.

    The noise floor is $n \varepsilon \lambda_{\max}$, where $\varepsilon$ belongs to their dtype, or the size
    of the most negative one if that is larger. It bounds the error of every eigenvalue.

    **Raises:** `ValueError` if they are not finite and nonempty, or if one is more negative than rounding
    (of their dtype or of float32, whichever is larger) explains.
    """
    values, epsilon = as_double("eigenvalues", eigenvalues, ndim=1)
    values = np.sort(values)[::-1]
    floors = floors_of_eigenvalues("eigenvalues", values, values.size, epsilon)
    return at_floor(values, floors, epsilon, "eigenvalues", None, float(values.sum()))


def resolved(eigenvalues: "ArrayLike | Spectrum") -> Float[np.ndarray, " n"]:
    """The eigenvalues in the order given, with exact zeros in place of the unresolvable ones."""
    if isinstance(eigenvalues, Spectrum):
        return np.where(eigenvalues.resolvable, eigenvalues.eigenvalues, 0.0)
    floor = spectrum_of_eigenvalues(eigenvalues).noise_floor
    values = np.asarray(eigenvalues, np.float64)
    return np.where(values > floor, values, 0.0)


def precision_name(epsilon: float) -> str:
    """Name of the floating point format with this distance from 1 to the next number."""
    return PRECISIONS.get(epsilon, f"a precision of {epsilon:.1e}")


def symmetric_part(
    matrix: Float[np.ndarray, "n m"], epsilon: float, rounding: float = 0.0
) -> tuple[Float[np.ndarray, "n n"], float]:
    """Mean of a kernel and its transpose, and how far it is from them; `ValueError` if rounding is no reason."""
    n, columns = matrix.shape
    if n != columns:
        raise InputError(f"`kernel` must be square; it has shape {matrix.shape}")
    asymmetry = float(np.linalg.norm(matrix - matrix.T)) / 2
    if asymmetry > max(_tolerance(n, epsilon) * np.abs(matrix).max(), rounding):
        raise InputError(
            f"`kernel` must be symmetric; it differs from its transpose by up to "
            f"{np.abs(matrix - matrix.T).max():.2e}. A kernel between two sets of points has no eigenvalues."
        )
    return (matrix + matrix.T) / 2, asymmetry


def floors_of_eigenvalues(
    name: str, descending: Float[np.ndarray, " k"], n: int, epsilon: float, rounding: float = 0.0
) -> dict[str, float]:
    """Noise floors by their origin that eigenvalues of a kernel of `n` rows show; `ValueError` if too negative."""
    largest, smallest = float(descending[0]), float(descending[-1])
    if -smallest > max(_tolerance(n, epsilon) * max(largest, 0.0), rounding):
        raise InputError(
            f"`{name}` must be positive semidefinite up to rounding, as kernels J Jᵀ are; the largest "
            f"eigenvalue is {largest:.3e} and the smallest {smallest:.3e}"
        )
    return {
        f"n ε λ₁ in {precision_name(epsilon)}": n * epsilon * max(largest, 0.0),
        "the size of the most negative eigenvalue": -smallest,
        "the stated error of the entries": rounding,
    }


def at_floor(
    eigenvalues: Float[np.ndarray, " n"],
    floors: dict[str, float],
    epsilon: float,
    source: Source,
    eigenvectors: Float[np.ndarray, "n n"] | None,
    trace: float,
) -> Spectrum:
    """A complete spectrum whose errors are all the highest of the floors."""
    origin = max(floors, key=floors.__getitem__)
    return Spectrum(
        eigenvalues=eigenvalues,
        size=eigenvalues.size,
        noise_floor=floors[origin],
        floor_origin=origin,
        errors=np.full(eigenvalues.size, floors[origin]),
        dtype=precision_name(epsilon),
        source=source,
        eigenvectors=eigenvectors,
        trace=trace,
    )


def _tolerance(n: int, epsilon: float) -> float:
    return n * max(epsilon, float(np.finfo(np.float32).eps))
