r"""Large dense linear least squares with nearly dependent columns, by conjugate gradients preconditioned twice.

The Gram matrix of the columns squares the condition number, so its Cholesky factor R alone gives half of the digits. As
a preconditioner it need not be exact: with $R^\top R = A^\top A + \mu I$, μ at the rounding error of the Gram matrix,
conjugate gradients on the problem itself find what lies above $\sqrt\mu$. The columns of $A R^{-1}$ are much less
dependent, so the factor of their Gram matrix resolves what is left, down to the ridge; it is used on the small residual
that the first stage leaves, since what rounding there puts into the nearly dependent directions is in proportion to it.
The cost is that of two symmetric products and a triangular solve, a fraction of an orthogonal factorisation.

The algorithm is written once over the few operations of a `_Algebra`: LAPACK for arrays of NumPy, the linear algebra of
JAX for arrays on an accelerator, and the same with rows on several devices. There, each device multiplies its own rows
and p² numbers move for each factor. Where devices have many more rows than there are columns, an orthogonal
factorisation of the rows of each, and one of all these factors, cost no more and lose nothing.

Björck, *Numerical methods for least squares problems*, SIAM 1996, §7.4; Fukaya et al., *Shifted Cholesky QR for
computing the QR factorization of ill-conditioned matrices*, SIAM J. Sci. Comput. 42, 2020; Demmel, Grigori, Hoemmen &
Langou, *Communication-optimal parallel and sequential QR and LU factorizations*, SIAM J. Sci. Comput. 34, 2012.
"""

import abc
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.linalg import LinAlgError, cholesky, solve_triangular
from scipy.linalg.blas import dsyrk, dtrsm  # pyright: ignore[reportAttributeAccessIssue]

from ..devices import gather_shards, is_sharded, map_shards, on_host, shards, sum_shards
from ..errors import InputError

RIDGE = 1e-12
"""Relative to columns of norm 1: it keeps the coefficients of directions that are pure rounding small."""

_ITERATIONS, _STALLED, _WINDOW = (60, 30), 0.99, 5
"""Most iterations of each stage; fewer if five iterations do not reduce the residual to 0.99 of its norm."""


class LeastSquares(NamedTuple):
    """- `x`: a minimiser of ‖Ax − b‖² + `RIDGE`² ‖Dx‖², where D holds the norms of the columns of A;
    - `residual_norm`: ‖Ax − b‖; `iterations`: number of products with A.
    """

    x: Float[np.ndarray, " p"]
    residual_norm: float
    iterations: int


def least_squares(A: Float[Any, "n p"], b: Float[Any, " n"], stages: int = 2, worthwhile: float = 1.0) -> LeastSquares:
    """Minimise ‖Ax − b‖, up to a ridge at the level of rounding: where A is, on the host or on a device.

    - `A`, `b`: arrays of NumPy or of JAX, in double precision; rows may be on several devices, in any order;
    - `stages`: 1 for a relative residual of about 1e-6, in half of the time;
    - `worthwhile`: largest relative residual after the first stage at which the second one is computed. A larger one
      usually means that the columns do not span b.

    **Raises:** `ValueError` if A or b is not finite.
    """
    algebra = _algebra_of(A)
    xp = algebra.xp
    if not (xp.isfinite(A).all() and xp.isfinite(b).all()):
        raise InputError("a least-squares problem has entries that are not finite")
    norms = xp.linalg.norm(A, axis=0)
    scale = 1 / xp.where(norms > 0, norms, 1.0)
    scaled = algebra.by_columns(A * scale)
    x, iterations = xp.zeros(A.shape[1]), 0
    if (found := algebra.orthogonal(scaled, b)) is None:
        factors, begun = [_factor(algebra, scaled)], 0
    else:
        x, factors, begun = found[0], [found[1]], stages - 1
    for stage in range(begun, stages):
        if stage > begun and xp.linalg.norm(scaled @ x - b) > worthwhile * xp.linalg.norm(b):
            break
        if stage > begun:
            ridge = algebra.divided(RIDGE * xp.eye(len(x)), factors[0])
            factors.append(_factor(algebra, algebra.divided(scaled, factors[0]), ridge))
        x, taken = _conjugate_gradients(algebra, scaled, b, x, factors, _ITERATIONS[stage])
        iterations += taken
    return LeastSquares(on_host(scale * x), float(xp.linalg.norm(scaled @ x - b)), iterations)


def _algebra_of(A: Any) -> "_Algebra":
    if not isinstance(A, jax.Array):
        return _OnHost()
    return _OnDevices() if is_sharded(A) else _OnDevice()


class _Algebra(abc.ABC):
    """- `xp`: the module of its arrays."""

    xp: Any

    @abc.abstractmethod
    def by_columns(self, A: Any) -> Any:
        """A in the order that the other operations want."""

    @abc.abstractmethod
    def gram(self, A: Any) -> Any:
        """AᵀA, the upper triangle at least."""

    @abc.abstractmethod
    def factor(self, gram: Any, lift: float) -> Any | None:
        """The upper Cholesky factor with the diagonal lifted, None if rounding makes the matrix indefinite."""

    def orthogonal(self, A: Any, b: Any) -> tuple[Any, Any] | None:
        """A minimiser of ‖Ax − b‖² + `RIDGE`² ‖x‖², and the upper factor R of [A; `RIDGE` I] = QR; None where two Gram
        matrices cost less.
        """
        return None

    @abc.abstractmethod
    def divided(self, A: Any, factor: Any) -> Any:
        """A R⁻¹."""

    @abc.abstractmethod
    def solved(self, factor: Any, y: Any, transposed: bool) -> Any:
        """R⁻¹y, or R⁻ᵀy."""


class _OnHost(_Algebra):
    xp = np

    def by_columns(self, A: Any) -> Any:
        return np.asfortranarray(A)

    def gram(self, A: Any) -> Any:
        return dsyrk(1.0, A, trans=1)

    def factor(self, gram: Any, lift: float) -> Any | None:
        lifted = gram.copy()
        lifted[np.diag_indices_from(lifted)] += lift
        try:
            return cholesky(lifted, overwrite_a=True, check_finite=False)
        except LinAlgError:
            return None

    def divided(self, A: Any, factor: Any) -> Any:
        return dtrsm(1.0, factor, A, side=1)

    def solved(self, factor: Any, y: Any, transposed: bool) -> Any:
        return solve_triangular(factor, y, trans=int(transposed), check_finite=False)


class _OnDevice(_Algebra):
    xp = jnp

    def by_columns(self, A: Any) -> Any:
        return A

    def gram(self, A: Any) -> Any:
        return A.T @ A

    def factor(self, gram: Any, lift: float) -> Any | None:
        diagonal = jnp.arange(len(gram))
        lifted = gram.at[diagonal, diagonal].add(lift)
        found = jnp.linalg.cholesky(lifted, upper=True, symmetrize_input=False)
        return found if bool(jnp.isfinite(found).all()) else None

    def divided(self, A: Any, factor: Any) -> Any:
        return jax.lax.linalg.triangular_solve(factor, A)

    def solved(self, factor: Any, y: Any, transposed: bool) -> Any:
        return jax.scipy.linalg.solve_triangular(factor, y, trans=int(transposed))


class _OnDevices(_OnDevice):
    """For matrices with rows on several devices, as many on each; other matrices are the same on all."""

    def orthogonal(self, A: Any, b: Any) -> tuple[Any, Any] | None:
        return _orthogonal(A, b) if len(A) >= shards() * A.shape[1] else None

    def gram(self, A: Any) -> Any:
        return _sum_of_grams(A) if is_sharded(A) else super().gram(A)

    def divided(self, A: Any, factor: Any) -> Any:
        return _divided_rows(A, factor) if is_sharded(A) else super().divided(A, factor)


@jax.jit
def _orthogonal(A: Float[Array, "n p"], b: Float[Array, " n"]) -> tuple[Float[Array, " p"], Float[Array, "p p"]]:
    """By factorising the rows of [A b] on each device, and then these factors.

    Qᵀb comes out of the factorisation as well: from RᵀR x = Aᵀb half of the digits would be lost.
    """
    factors = gather_shards(lambda rows: jnp.linalg.qr(rows, mode="r"), jnp.column_stack([A, b]))
    ridge = RIDGE * jnp.eye(A.shape[1], A.shape[1] + 1)
    whole = jnp.linalg.qr(jnp.concatenate([factors, ridge]), mode="r")
    R, rotated = whole[: A.shape[1], : A.shape[1]], whole[: A.shape[1], -1]
    return jax.scipy.linalg.solve_triangular(R, rotated), R


@jax.jit
def _sum_of_grams(A: Float[Array, "n p"]) -> Float[Array, "p p"]:
    return sum_shards(lambda rows, own: rows.T @ rows, A)


@jax.jit
def _divided_rows(A: Float[Array, "n p"], factor: Float[Array, "p p"]) -> Float[Array, "n p"]:
    return map_shards(lambda rows, factor: jax.lax.linalg.triangular_solve(factor, rows), A, factor)


def _conjugate_gradients(algebra: _Algebra, A: Any, b: Any, x: Any, factors: list[Any], most: int) -> tuple[Any, int]:
    """The best of the iterates from x, preconditioned with the product of triangular factors, and their number."""

    def solve(y: Any) -> Any:
        for factor in reversed(factors):
            y = algebra.solved(factor, y, transposed=False)
        return y

    def solve_transposed(y: Any) -> Any:
        for factor in factors:
            y = algebra.solved(factor, y, transposed=True)
        return y

    norm = algebra.xp.linalg.norm
    r = b - A @ x
    gradient = solve_transposed(A.T @ r - RIDGE**2 * x)
    direction, energy = gradient, gradient @ gradient
    residuals, best = [float(norm(r))], x
    while len(residuals) <= most and energy > 0:
        step = solve(direction)
        pushed = A @ step
        length = energy / (pushed @ pushed + RIDGE**2 * (step @ step))
        x, r = x + length * step, r - length * pushed
        residuals.append(float(norm(r)))
        if residuals[-1] < min(residuals[:-1]):
            best = x
        if len(residuals) > _WINDOW and residuals[-1] > _STALLED * residuals[-1 - _WINDOW]:
            break
        gradient = solve_transposed(A.T @ r - RIDGE**2 * x)
        before, energy = energy, gradient @ gradient
        direction = gradient + energy / before * direction
    return best, len(residuals) - 1


def _factor(algebra: _Algebra, A: Any, ridge: Any | None = None) -> Any:
    """Upper Cholesky factor of the Gram matrix of A with a ridge below it, the diagonal lifted until there is one."""
    gram = algebra.gram(A)
    if ridge is not None:
        gram += algebra.gram(ridge)
    lift = np.finfo(float).eps * max(A.shape)
    while (factor := algebra.factor(gram, lift)) is None:
        lift *= 10
    return factor
