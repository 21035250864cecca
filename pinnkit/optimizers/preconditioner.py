"""The preconditioners of gradient descent, Adam and SOAP."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax
import numpy as np
import optax

from .._base.types import Params
from .soap import SOAPState


class Preconditioner(NamedTuple):
    r"""How an optimizer turns gradients into steps, for linear theory.

    - `scale`: from a gradient $g$, a tree of parameters, to a tree $\tilde g$ with
      $\tilde g^\top \tilde h = g^\top P^{-1} h$; on the host, and for many gradients at once along a leading axis;
    - `beta`, `momentum`, `age`: decay rate and current value of the running mean of gradients
      $m \leftarrow \beta m + (1 - \beta) g$, and the number of gradients in it; 0 and None without momentum.
    """

    scale: Callable[[Params], Params]
    beta: float = 0.0
    momentum: Params | None = None
    age: int = 0


GRADIENT_DESCENT = Preconditioner(lambda gradient: gradient)

Preconditioned: TypeAlias = Callable[[Any], Preconditioner | None]
"""From the state of an optimizer to its preconditioner; None before the first gradient."""


def preconditioned_by_adam(
    adam: optax.ScaleByAdamState, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8
) -> Preconditioner | None:
    """The preconditioner of Adam in a state, P = √v̂ + ε; None before the first step."""
    if not _age(adam):
        return None
    scales = _scales(adam, b2, eps)
    return Preconditioner(lambda gradient: jax.tree.map(np.multiply, scales, gradient), b1, adam.mu, _age(adam))


def preconditioned_by_soap(
    state: SOAPState, b1: float = 0.95, b2: float = 0.95, eps: float = 1e-8
) -> Preconditioner | None:
    """The preconditioner of SOAP in a state: that of Adam, in the eigenbases; None before the first step."""
    adam = state.adam
    if not _age(adam):
        return None
    scales = jax.tree.leaves(_scales(adam, b2, eps))
    turns = [
        None if basis is None else (np.asarray(basis.left_vectors), np.asarray(basis.right_vectors))
        for basis in state.bases
    ]

    def scaled(gradient: Params) -> Params:
        leaves, tree = jax.tree.flatten(gradient)
        turned = [g if turn is None else turn[0].T @ g @ turn[1] for g, turn in zip(leaves, turns, strict=True)]
        return tree.unflatten([scale * g for scale, g in zip(scales, turned, strict=True)])

    return Preconditioner(scaled, b1, adam.mu, _age(adam))


def _age(adam: optax.ScaleByAdamState) -> int:
    return int(np.asarray(adam.count))


def _scales(adam: optax.ScaleByAdamState, b2: float, eps: float) -> Params:
    correction = 1 - b2 ** _age(adam)
    return jax.tree.map(lambda v: np.asarray(1 / np.sqrt(np.sqrt(np.asarray(v, float) / correction) + eps)), adam.nu)
