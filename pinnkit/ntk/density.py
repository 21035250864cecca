r"""The density of eigenvalues of a kernel too large to diagonalise, and traces of functions of it.

Stochastic Lanczos quadrature: for a direction $u$ uniform on the unit sphere, $\mathbb{E}\, n\, u^\top f(K) u =
\operatorname{tr} f(K)$, and $u^\top f(K) u = \sum_j \omega_j f(\theta_j)$ by Gauss quadrature, whose nodes and
weights come from the Lanczos recurrence started at $u$. The same products give two rules: Gauss, and Gauss-Radau with a
node at 0. For functions whose derivatives alternate in sign, as those of the effective dimension and of the
log-determinant do, one lies below and one above what infinitely many steps would give.

Golub, SIAM Review 15, 1973; Golub & Meurant, *Matrices, Moments and Quadrature*, 2010; Ubaru, Chen & Saad, SIAM
J. Matrix Anal. 38, 2017.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from .._base.errors import InputError
from .bounded_numbers import Estimate

Elementwise = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Quadrature:
    """Rules, one per probe: $m$ rows of $s$ nodes, and weights of the sum $n - k$ in each row."""

    nodes: Float[np.ndarray, "m s"]
    weights: Float[np.ndarray, "m s"]

    def sums(self, function: Elementwise) -> Float[np.ndarray, " m"]:
        return (self.weights * function(self.nodes)).sum(axis=1)


@dataclass(frozen=True, eq=False)
class SpectralDensity:
    r"""Eigenvalues of a kernel as a density: $k$ known ones, and quadrature rules for the $n - k$ others.

    - `size`: $n$, the number of rows of the kernel;
    - `trace`: of the kernel, from its diagonal: a check of `estimate`, which knows nothing of it;
    - `noise_floor`: a node or known eigenvalue below it counts as zero;
    - `known`: eigenvalues that were deflated, descending, shape `(k,)`;
    - `gauss`, `radau`: Gauss rules and Gauss-Radau rules with a node at 0.

    Each figure is an `Estimate`, the mean of both rules. Its `standard_error` is the root of the sum of two
    squares: the standard error of the mean over probes, and half the difference of the rules, the error of the
    quadrature (none where Lanczos exhausted the space). A direction $u$ in $d = n - k$ dimensions has the variance
    $\operatorname{Var}(d\, u^\top A u) = 2 (d \operatorname{tr} A^2 - (\operatorname{tr} A)^2) / (d + 2)$; with
    the traces from the same rules this is steadier than the scatter of a few probes.
    """

    size: int
    trace: float
    noise_floor: float
    known: Float[np.ndarray, " k"]
    gauss: Quadrature
    radau: Quadrature

    @property
    def largest_eigenvalue(self) -> float:
        return float(max(self.known.max(initial=0.0), self.gauss.nodes.max(initial=0.0)))

    def estimate(self, function: Elementwise) -> Estimate:
        r"""$\operatorname{tr} f(K) = \sum_i f(\lambda_i)$.

        **Arguments:**

        - `function`: $f$, elementwise on arrays. Quadrature is accurate for smooth $f$; for a jump it is coarse.

        **Raises:** `ValueError` if $f$ is not finite at 0 and at the nodes.
        """

        def resolved(nodes: np.ndarray) -> np.ndarray:
            values = function(np.where(nodes > self.noise_floor, nodes, 0.0))
            if not np.isfinite(values).all():
                raise InputError("`function` must be finite at 0 and between the eigenvalues of the kernel")
            return values

        known = float(resolved(self.known).sum())
        gauss, radau = float(self.gauss.sums(resolved).mean()), float(self.radau.sums(resolved).mean())
        square = float(self.gauss.sums(lambda nodes: resolved(nodes) ** 2).mean())
        d, probes = self.size - self.known.size, len(self.gauss.nodes)
        variance = 2 * max(d * square - gauss**2, 0.0) / ((d + 2) * probes)
        return Estimate(known + (gauss + radau) / 2, math.hypot(math.sqrt(variance), (gauss - radau) / 2))

    def effective_dimension(self, gamma: float = 1e-4, *, relative: bool = False) -> Estimate:
        """See the function `effective_dimension`."""
        threshold = threshold_of(gamma, self.largest_eigenvalue if relative else 1.0)
        return self.estimate(lambda x: np.divide(x, x + threshold, out=np.zeros_like(x), where=x > 0))

    @property
    def effective_rank(self) -> Estimate:
        r"""$(\operatorname{tr} K)^2 / \operatorname{tr} K^2$: the trace is exact, the error that of the other one."""
        largest = self.largest_eigenvalue
        if largest <= self.noise_floor:
            return Estimate(0.0)
        squares = self.estimate(lambda x: (x / largest) ** 2)
        value = (self.trace / largest) ** 2 / squares
        return Estimate(value, value * squares.standard_error / squares)

    def log_determinant(self, shift: float) -> Estimate:
        r"""$\ln \det(K + \sigma I)$; see the function `log_determinant`."""
        check_shift(shift, self.noise_floor)
        return self.estimate(lambda x: np.log(x + shift))

    def count_above(self, value: float) -> Estimate:
        """How many eigenvalues exceed `value`, which is not negative."""
        if not (math.isfinite(value) and value >= 0):
            raise InputError(f"`value` must be a finite number that is not negative; got {value}")
        return self.estimate(lambda x: (x > value).astype(float))

    def cumulative(self, grid: Float[np.ndarray, " g"]) -> tuple[Float[np.ndarray, " g"], Float[np.ndarray, " g"]]:
        """How many eigenvalues are at most each value of `grid`, and the standard errors of these numbers."""
        counts = [self.count_above(float(value)) for value in grid]
        return self.size - np.array(counts, float), np.array([count.standard_error for count in counts])

    def curve(
        self, points: int = 200, width: float = 0.5
    ) -> tuple[Float[np.ndarray, " g"], Float[np.ndarray, " g"], Float[np.ndarray, " g"]]:
        r"""The density over $\ln \lambda$, smoothed by a Gaussian, for pictures; its area is the rank.

        **Arguments:**

        - `points`: $g$, the number of points;
        - `width`: standard deviation of the Gaussian, in units of $\ln \lambda$.

        **Returns:** eigenvalues, evenly spaced in $\ln \lambda$ over all that is resolvable, eigenvalues per unit
        of $\ln \lambda$ there, and standard errors of these.

        **Raises:** `ValueError` for a kernel that is zero, and for fewer than 2 points or a width that is not
        positive.
        """
        if points < 2 or not (math.isfinite(width) and width > 0):
            raise InputError(f"a curve has 2 `points` or more and a positive `width`; got {points} and {width}")
        values = np.concatenate([self.known, self.gauss.nodes.ravel()])
        values = values[values > self.noise_floor]
        if not values.size:
            raise InputError("the density of a kernel that is zero has no curve over the logarithm")
        low, high = np.log([values.min(), values.max()])
        grid = np.linspace(low - 3 * width, high + 3 * width, points)
        heights = [self.estimate(lambda x, at=at: _bump(x, at, width)) for at in grid]
        return np.exp(grid), np.array(heights, float), np.array([height.standard_error for height in heights])


def threshold_of(gamma: float, unit: float) -> float:
    r"""$\gamma$ in a unit; `ValueError` for a $\gamma$ that is negative or not finite."""
    if not (math.isfinite(gamma) and gamma >= 0):
        raise InputError(f"`gamma` must be a finite number that is not negative; got {gamma}")
    return gamma * unit


def check_shift(shift: float, noise_floor: float) -> None:
    """**Raises:** `ValueError` for a shift that is not positive, or under which rounding decides the determinant."""
    if not (math.isfinite(shift) and shift > 0):
        raise InputError(f"`shift` must be a finite positive number; got {shift}")
    if shift < noise_floor:
        raise InputError(
            f"`shift` {shift:.2e} is below the noise floor {noise_floor:.2e}: rounding would decide the determinant"
        )


def _bump(values: np.ndarray, at: float, width: float) -> np.ndarray:
    """A Gaussian of area 1 in ln λ around `at`; nothing for zeros."""
    distances = (np.log(values, out=np.full_like(values, np.inf), where=values > 0) - at) / width
    return np.exp(-(distances**2) / 2) / (width * math.sqrt(2 * math.pi))
