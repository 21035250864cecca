r"""Training dynamics predicted by a kernel: gradient descent on $\tfrac12 \lVert r \rVert^2$, the kernel frozen.

One step with learning rate $\eta$ takes $r$ to $(1 - \eta K) r$, so in the eigenvectors of $K$ each mode
decays on its own, by $1 - \eta \lambda_i$. The kernel must therefore be the one of the loss that is trained:
weights and $1/N$ belong into it. It moves during training, so predictions hold for some steps only.

Everywhere `eigenvalues` is an array, in any order, or a `Spectrum`. An eigenvalue below the noise floor (see
`spectrum_of_eigenvalues`) counts as zero: as far as can be resolved, its mode does not move.
"""

import math

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import ArrayLike

from .._base.errors import InputError
from .spectrum import Spectrum, resolved
from .spectrum_of import as_modes, as_spectrum


def detect_spectral_bias(eigenvalues: ArrayLike | Spectrum) -> float:
    r"""$\ln(\lambda_{\max} / \lambda_{\min})$ over the resolvable eigenvalues: e-foldings between the rates.

    **Raises:** `ValueError` where all eigenvalues are zero.
    """
    return as_spectrum(eigenvalues).spectral_bias


def identify_slow_modes(
    eigenvalues: ArrayLike | Spectrum, learning_rate: float, threshold: float = 0.99
) -> Bool[np.ndarray, " n"]:
    r"""Which modes keep more than the share `threshold` of their error in a step: $|1 - \eta \lambda_i| > t$.

    Unresolvable modes are slow, and so are those that grow because $\eta \lambda_i > 2$.

    **Arguments:**

    - `threshold`: $t$, from 0 up to but not including 1. Share $s$ left after $N$ steps is $t = s^{1/N}$.

    **Returns:** a mask in the order of `eigenvalues`.

    **Raises:** `ValueError` for a learning rate that is not positive or another threshold.
    """
    _check_learning_rate(learning_rate)
    if not 0 <= threshold < 1:
        raise InputError(f"`threshold` must be at least 0 and less than 1; got {threshold}")
    rates = learning_rate * resolved(eigenvalues)
    return (rates < 1 - threshold) | (rates > 1 + threshold)


def compute_mode_coefficients(residuals: ArrayLike, eigenvectors: ArrayLike) -> Float[np.ndarray, " k"]:
    r"""$c = Q^\top r$: the residuals, of shape `(n,)`, in the modes that are the columns of `eigenvectors`.

    **Raises:** `ValueError` for shapes that do not fit and values that are not finite.
    """
    vector, modes = as_modes("residuals", residuals, eigenvectors)
    return modes.T @ vector


def compute_mode_decay_factors(
    eigenvalues: ArrayLike | Spectrum, learning_rate: float, iteration: int
) -> Float[np.ndarray, " n"]:
    r"""$(1 - \eta \lambda_i)^k$: what is left of each mode after $k$ steps, in the order of `eigenvalues`.

    Accurate also for tiny $\eta \lambda_i$; alternating in sign for $\eta \lambda_i > 1$; beyond 2 the mode
    grows, and the factor is infinite where it exceeds the range of float64.

    **Raises:** `ValueError` for a learning rate that is not positive or a negative or fractional `iteration`.
    """
    _check_learning_rate(learning_rate)
    if not (math.isfinite(iteration) and iteration == int(iteration) and iteration >= 0):
        raise InputError(f"`iteration` must be a whole number that is not negative; got {iteration}")
    rates = learning_rate * resolved(eigenvalues)
    if iteration == 0:
        return np.ones_like(rates)
    with np.errstate(over="ignore"):
        sizes = np.exp(iteration * _log_decay(rates))
    return np.where((rates > 1) & (iteration % 2 == 1), -sizes, sizes)


def predict_mode_errors(
    initial_coeffs: ArrayLike, eigenvalues: ArrayLike | Spectrum, learning_rate: float, iteration: int
) -> Float[np.ndarray, " n"]:
    r"""$(1 - \eta \lambda_i)^k c_i$: the mode coefficients after $k$ steps from `initial_coeffs`.

    **Raises:** `ValueError` as `compute_mode_decay_factors`, and unless there is one finite coefficient per
    eigenvalue.
    """
    factors = compute_mode_decay_factors(eigenvalues, learning_rate, iteration)
    coefficients = np.asarray(initial_coeffs, np.float64)
    if coefficients.shape != factors.shape or not np.isfinite(coefficients).all():
        raise InputError(
            f"`initial_coeffs` must hold one finite number for each of the {factors.size} eigenvalues; "
            f"it has shape {coefficients.shape}"
        )
    present = coefficients != 0
    return np.multiply(factors, coefficients, out=np.zeros_like(factors), where=present)


def estimate_convergence_rate(eigenvalues: ArrayLike | Spectrum, learning_rate: float) -> float:
    r"""$\max_i |1 - \eta \lambda_i|$ over the resolvable modes: the factor of the slowest one in each step.

    Below 1 where gradient descent converges on them, above 1 where $\eta > 2 / \lambda_{\max}$.

    **Raises:** `ValueError` for a learning rate that is not positive, and where no mode is resolvable.
    """
    return float(np.abs(1 - _resolvable_rates(eigenvalues, learning_rate)).max())


def estimate_epochs_to_convergence(
    eigenvalues: ArrayLike | Spectrum, learning_rate: float, target_reduction: float = 0.01
) -> int:
    r"""Steps until every resolvable mode is down to `target_reduction` of its start.

    The least $k$ with $\max_i |1 - \eta \lambda_i|^k \le$ `target_reduction`; always finite. Unresolvable
    modes are left out, as they do not move.

    **Raises:** `ValueError` if $\eta \lambda_{\max} \ge 2$, where no such horizon exists, where no mode is
    resolvable, and for arguments out of range.
    """
    if not 0 < target_reduction < 1:
        raise InputError(f"`target_reduction` must lie between 0 and 1; got {target_reduction}")
    rates = _resolvable_rates(eigenvalues, learning_rate)
    if rates.max() >= 2:
        limit = 2 * learning_rate / rates.max()
        raise InputError(
            f"gradient descent does not converge with `learning_rate` {learning_rate:.3g}: "
            f"it must be below 2/λ_max = {limit:.3g}"
        )
    slowest = float(_log_decay(rates).max())
    steps = math.log(target_reduction) / slowest if slowest else math.inf
    if not math.isfinite(steps):
        raise InputError(f"`learning_rate` {learning_rate:.3g} is too small for the range of float64")
    return max(1, math.ceil(steps))


def _resolvable_rates(eigenvalues: ArrayLike | Spectrum, learning_rate: float) -> Float[np.ndarray, " k"]:
    _check_learning_rate(learning_rate)
    modes = resolved(eigenvalues)
    if not modes.any():
        raise InputError("no eigenvalue is above the noise floor: the kernel is zero, and nothing is learned")
    return learning_rate * modes[modes > 0]


def _log_decay(rates: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    r"""$\ln|1 - z|$ without cancellation at either end."""
    with np.errstate(divide="ignore"):
        return np.where(rates <= 1, np.log1p(-np.minimum(rates, 1)), np.log(np.maximum(rates, 1) - 1))


def _check_learning_rate(learning_rate: float) -> None:
    if not (math.isfinite(learning_rate) and learning_rate > 0):
        raise InputError(f"`learning_rate` must be a finite positive number; got {learning_rate}")
