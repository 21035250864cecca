"""Equations as functions of the fields in them: whether they are affine, and how stiff a system in time is."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._base.tracing.series import Index
from ..equations.problem import Problem
from ..equations.symbols import Symbol
from ..equations.trace import Equation

ROUNDING = 1e-12
"""Relative differences below this are due to rounding."""

DRAWS = 8
"""Random values of all that an equation takes."""

STIFF, TIMES = 1e3, 100
"""Decay rate times the length of time from which on a system is stiff, and the number of times that are examined."""


def is_affine(equation: Equation, dimension: int) -> bool:
    """Whether an equation is affine in its fields: in the middle between random values it is the mean of both.

    - `dimension`: of the domain, the number of entries of a normal.
    """
    symbols = sorted((*equation.symbols, *equation.elsewhere))
    rng = np.random.default_rng(0)
    fixed, *ends = (_random(symbols, equation.fields, dimension, rng) for _ in range(3))
    middle = {symbol: (ends[0][symbol] + ends[1][symbol]) / 2 for symbol in symbols}
    value = jax.vmap(lambda fixed, fields: _value(equation, fixed, fields))
    first, last, between = (np.asarray(value(fixed, fields)) for fields in (*ends, middle))
    scale = np.maximum(np.abs(first), np.abs(last)).max(axis=0)  # of each row, over all draws
    return bool((np.abs(between - (first + last) / 2) <= ROUNDING * scale).all())


def _random(
    symbols: list[Symbol], sizes: Mapping[str, int], dimension: int, rng: np.random.Generator
) -> dict[Symbol, np.ndarray]:
    """Positive numbers, so that logarithms have values; several, so that equations take all their branches."""
    shapes = {
        symbol: (dimension,) if symbol.kind == "normal" else () if (n := sizes.get(symbol.name, 1)) == 1 else (n,)
        for symbol in symbols
    }
    return {symbol: rng.uniform(0.2, 0.8, (DRAWS, *shape)) for symbol, shape in shapes.items()}


def _value(equation: Equation, fixed: Mapping[Symbol, Array], fields: Mapping[Symbol, Array]) -> Float[Array, " m"]:
    """The residual for values of fields, here and elsewhere, and of everything else."""
    values = {s: (fields if s.kind == "field" else fixed)[s] for s in equation.symbols}

    def elsewhere(symbol: Symbol, point: tuple[Array, ...]) -> Array:
        return jnp.broadcast_to(fields[symbol], jnp.broadcast_shapes(*map(jnp.shape, point)) + fields[symbol].shape)

    return equation(values, elsewhere)


def is_stiff(problem: Problem, equation: Equation) -> bool:
    r"""Whether a system $r(u', u, t) = 0$ in time decays over `STIFF` times faster than its interval is long.

    The rates are the eigenvalues of $-(\partial r/\partial u')^{-1}\,\partial r/\partial u$ along the reference. False
    without a reference, and for an equation that is no such system.
    """
    lower, upper = problem.domain.bounds
    orders = {orders for indices in equation.derivatives.values() for orders in indices}
    is_system = equation.size == len(problem.field_sizes) == sum(problem.field_sizes.values())
    times = np.linspace(lower[0], upper[0], TIMES)
    known = problem.evaluate_reference(times[:, None]) if is_system and orders <= {(0,), (1,)} else None
    if known is None or len(known) < equation.size or equation.elsewhere:
        return False
    coefficients = {**problem.constants, **{name: own.initial for name, own in problem.unknowns.items()}}
    names = list(problem.field_sizes)

    def residual(slopes: Float[Array, " n"], values: Float[Array, " n"], t: Array) -> Float[Array, " n"]:
        fields: dict[Index, dict[str, Array]] = {
            (0,): dict(zip(names, values, strict=True)),
            (1,): dict(zip(names, slopes, strict=True)),
        }
        given = {s: fields[s.orders][s.name] if s.kind == "field" else t for s in equation.symbols}
        given |= {s: jnp.asarray(coefficients[s.name]) for s in equation.symbols if s.kind == "coefficient"}
        return equation(given, lambda symbol, point: t)

    along = jnp.stack([jnp.asarray(known[name]) for name in names], axis=-1)
    jacobians = jax.jit(jax.vmap(jax.jacfwd(residual, argnums=(0, 1))))
    by_slopes, by_values = jacobians(along, along, jnp.asarray(times))
    if not np.all(np.linalg.matrix_rank(by_slopes) == equation.size):
        return False
    rates = np.linalg.eigvals(-np.linalg.solve(by_slopes, by_values)).real
    return float(-rates.min() * (upper[0] - lower[0])) >= STIFF
