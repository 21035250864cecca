"""Cost estimates of the forms of a linearization, and the choice of the cheapest."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from .._base.devices import MEMORY, shards
from .._base.types import Params, Weights
from ..ntk.jacobian import factor_entries, gram_multiply_adds
from .forms import (
    BLOCK_ENTRIES,
    RANK,
    linearize,
    linearize_by_kernel,
    linearize_by_normal_matrix,
    linearize_matrix_free,
)
from .functions import Batch, ResidualFunctions
from .linearization import AbstractLinearization

JACOBIAN_PRICE, FACTOR_PRICE, PRODUCT_PRICE = 200.0, 3.0, 40.0
"""Prices of an entry of J, of a multiply-add of factors, and of an entry of J in a product without J; see `costs`."""


def linearize_for_solving(
    residuals: ResidualFunctions, params: Params, batch: Batch, weights: Weights, memory: int = MEMORY
) -> AbstractLinearization:
    """The form with the cheapest damped solve, by estimate, of those that fit into `memory` bytes; see `costs`."""
    estimates = costs(residuals, params, batch)
    itemsize = jnp.result_type(*jax.tree.leaves(params)).itemsize
    fitting = {name: cost.work for name, cost in estimates.items() if itemsize * cost.entries <= memory}
    name = min(fitting, key=lambda name: fitting[name], default="products")
    return _FORMS[name](residuals, params, batch, weights)


class Cost(NamedTuple):
    """Estimate of a damped solve on each device: `work` in multiply-adds of a matrix product, `entries` in memory,
    `sent` numbers to other devices.
    """

    work: float
    entries: float
    sent: float = 0.0


def costs(residuals: ResidualFunctions, params: Params, batch: Batch, devices: int | None = None) -> dict[str, Cost]:
    r"""What a step with each form costs each of $d$ devices (those in use by default), with n rows, p parameters,
    $m = \min(n, p)$ and $M = \max(n, p)$.

    | form | work | entries |
    |---|---|---|
    | Jacobian | (J $200 n p$, Gram matrix $\tfrac58 m^2 M$) / d, Cholesky $m^3/3$ | $2 n p / d + 3 m^2$ |
    | kernel | (factors $3 q n^2 / 2$, 4 products) / d, Cholesky $n^3/3$ | $4 n^2$ |
    | normal matrix | (J $200 n p$, itself $\tfrac58 p^2 n$, 4 products) / d, Cholesky $p^3/3$ | $4 p^2$, a block of J |
    | products | `RANK` + 50 products with $J$ and $J^\top$, each $40 n p / d$ | $4 k m$ |

    Each device sends $(d - 1)/d$ of these numbers, as in a ring: with the Jacobian $2 m^2$, and $n p / d$ if $n \le p$;
    with the kernel $n f + n^2 (1 + 1/d)$; with the normal matrix $2 p^2$; for each product $n + 2 p$.

    with $q$ multiply-adds for an entry of the kernel, and $f$ numbers in the factors of a row (see `ntk.factors`). The
    prices 200, 3 and 40 were measured on a processor, by `tests.benchmarks.gauss_newton`, where the first two forms
    cost about the same.
    """
    d = shards() if devices is None else devices
    counts = {name: residuals.rows(name, len(batch[name])) for name in residuals.conditions}
    n, p = sum(counts.values()), sum(leaf.size for leaf in jax.tree.leaves(params))
    m, M, product, others = min(n, p), max(n, p), PRODUCT_PRICE * n * p / d, (d - 1) / d
    parts = [(residuals.at_point(name), batch[name]) for name in residuals.conditions]
    return {
        "jacobian": Cost(
            (JACOBIAN_PRICE * n * p + 0.625 * m**2 * M) / d + m**3 / 3,
            2 * n * p / d + 3 * m**2,
            others * (2 * m**2 + (n * p / d if n <= p else 0)),
        ),
        "kernel": Cost(
            FACTOR_PRICE * gram_multiply_adds(parts, params) / 2 / d + n**3 / 3 + 4 * product,
            4 * n**2,
            others * (factor_entries(parts, params) + n**2 * (1 + 1 / d)),
        ),
        "normal": Cost(
            (JACOBIAN_PRICE * n * p + 0.625 * p**2 * n) / d + p**3 / 3 + 4 * product,
            4 * p**2 + 2 * min(n * p / d, max(BLOCK_ENTRIES, p)),
            others * 2 * p**2,
        ),
        "products": Cost((RANK + 50) * product, 4 * RANK * m, (RANK + 50) * others * (n + 2 * p)),
    }


_FORMS: dict[str, Callable[..., AbstractLinearization]] = {
    "jacobian": linearize,
    "kernel": linearize_by_kernel,
    "normal": linearize_by_normal_matrix,
    "products": linearize_matrix_free,
}
