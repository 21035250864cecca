r"""The stacked, scaled residual and its Jacobian, on which all adaptive methods are based.

With rows scaled by $\sqrt{w_k/N_k}$ (by $\sqrt{w_i/N_k}$ where each point $i$ has a weight of its own) the loss is
½‖r‖², its gradient $J^\top r$ and the training kernel $J J^\top$: the eigenvalues of that kernel are the rates at which
gradient flow reduces the modes of the residual.

A linearization has four forms with the same methods: with the Jacobian, the kernel, the normal matrix, or products
only.
`linearize_for_solving` chooses one.
"""

import abc
from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._base.types import Params, Scalar

DampedSolver = Callable[[Scalar, Float[Array, " n"]], Float[Array, " p"]]
r"""From damping λ and a residual $b$ to the step $-(J^\top J + \lambda I)^{-1} J^\top b$."""


class AbstractLinearization(eqx.Module):
    """Residual and Jacobian at one set of parameters, as least-squares steps need them.

    - `residual`: all conditions stacked, rows scaled;
    - `unravel`: from a vector of shape `(p,)` to the tree of parameters.
    """

    residual: eqx.AbstractVar[Float[Array, " n"]]
    unravel: eqx.AbstractVar[Callable[[Array], Params]]

    @property
    def loss(self) -> Scalar:
        return 0.5 * jnp.vdot(self.residual, self.residual)

    @property
    def gradient(self) -> Float[Array, " p"]:
        return self.pull(self.residual)

    @property
    @abc.abstractmethod
    def mean_eigenvalue(self) -> Scalar:
        """Trace of the kernel over its largest possible rank, min(n, p)."""

    @abc.abstractmethod
    def push(self, v: Float[Array, " p"]) -> Float[Array, " n"]:
        """J v."""

    @abc.abstractmethod
    def pull(self, a: Float[Array, " n"]) -> Float[Array, " p"]:
        """Jᵀ a."""

    @abc.abstractmethod
    def damped_solver(self, tolerance: Scalar | float = 1e-8) -> DampedSolver:
        """A solver for any damping; computations that do not depend on the damping are done once.

        - `tolerance`: relative residual at which an iteration stops; direct solves are exact and ignore it.
        """
