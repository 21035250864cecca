r"""Every declared condition, evaluated with the final parameters on dense points of its own.

A residual $r$ means nothing without a scale. Each row of each condition has one, the size of its own largest term: the
greatest of

- the rms of each additive term, where there are several (`terms`);
- rms $|\partial r/\partial s|$ times the size of $s$, for each field or derivative $s$ that it takes;
- the same with the natural size of derivatives, $\sigma / L^k$ for order $k$, where all of them vanish in the solution,
  as in $u'' = 0$. Of the derivatives of one field the smallest counts.

Here $\sigma$ is the spread of a field over the domain, its standard deviation, and $L$ the length of the domain. So
$T - 300$ on a boundary is compared with the variation of $T$, not with 300. The relative residual, rms over scale, is
the measure of error where there is no reference.
"""

import dataclasses
import functools
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .._base.devices import on_host
from .._base.tracing.series import Index
from .._base.types import Params
from ..equations.formulas.rendering import Text
from ..equations.problem import Problem
from ..equations.symbols import Symbol
from ..equations.terms import RowTerms
from ..equations.trace import Equation
from ..geometry.points import Points
from ..residuals.functions import Batch, ResidualFunctions
from .condition_check import ConditionCheck, RowCheck, Scattered
from .dense_points import dense_points

CHUNK = 1024
"""Points that are evaluated at a time."""

CONSTANT = 1e-3
"""A field whose spread is below this share of its rms counts as varying by this share."""

ABSENT = 1e-2
"""A field, or a component of one, that all but vanishes counts as this share of what would matter in the equations that
it shares with others."""

ROUNDING, PER_ORDER = 1e5, 100.0
"""Built-in conditions may be off by so many eps of their terms, and so many times more for each order of their highest
derivative: networks come with large coefficients that cancel."""

MOST_TERMS, LONGEST = 8, 60
"""Most terms of a row whose sizes are recorded, and the longest text of one."""

SEED = 40_013
"""Offset that keeps these points apart from all others."""


class Evaluated(NamedTuple):
    """A condition at its points.

    - `residual`: (n, rows); `terms`: for each row its groups of terms, (n, groups), whose texts are `formulas`;
    - `orders`: of its derivatives;
    - `slopes`: derivatives of the rows by the components of each field symbol, (n, rows, components), and by those of
      fields elsewhere, of kind "elsewhere";
    - `coordinates`: (n, d); `even`: which of the points fill the region evenly.
    """

    residual: Float[np.ndarray, "n r"]
    terms: list[Float[np.ndarray, "n g"]]
    formulas: list[list[str]]
    orders: list[int]
    slopes: dict[Symbol, Float[np.ndarray, "n r c"]]
    coordinates: Float[np.ndarray, "n d"]
    even: np.ndarray


class Verification(NamedTuple):
    """The checks of all conditions, and the residuals of those that hold in the interior."""

    checks: dict[str, ConditionCheck]
    residuals: dict[str, Scattered]


def verify(
    residuals: ResidualFunctions,
    params: Params,
    exact: Mapping[str, Collection[int]],
    zero: Mapping[str, float],
    seed: int,
    precision: str = "double",
) -> Verification:
    """Check every condition.

    - `residuals`: of all declared conditions; `exact`: for each condition the rows that are built into the network;
    - `zero`: mean squares of their residuals with a zero network.
    """
    problem = residuals.problem
    with jax.enable_x64(True):
        params = jax.tree.map(jnp.asarray, params)
        equations = {name: problem.equation(name) for name in problem.conditions}
        points, even = dense_points(problem, seed + SEED)
        indices = indices_of(problem)
        found, sizes = evaluate(residuals, params, points, even, jets_at(residuals, params, points, indices))
    eps = float(np.finfo(np.float32 if precision == "single" else np.float64).eps)
    checks = {
        name: ConditionCheck(
            measured=_is_measured(equations[name], found[name]),
            holds=_is_finite(found[name]) and all(_is_rounding(found[name], i, sizes, eps) for i in exact[name]),
            zero=zero[name],
            rows=tuple(
                row_check(problem, found[name], i, sizes, i in exact[name]) for i in range(equations[name].size)
            ),
            prior=problem.conditions[name].prior,
        )
        for name in problem.conditions
    }
    whole = problem.domain.dimension
    inside = [name for name, condition in problem.conditions.items() if condition.on.dimension == whole]
    return Verification(checks, {name: _scattered(found[name], checks[name]) for name in inside})


def _scattered(evaluated: Evaluated, check: ConditionCheck) -> Scattered:
    """The residual of a condition relative to its terms, where points fill its region evenly."""
    scales = np.array([row.scale if row.scale > 0 else 1.0 for row in check.rows])
    return Scattered(evaluated.coordinates[evaluated.even], evaluated.residual[evaluated.even] / scales)


def evaluate(
    residuals: ResidualFunctions,
    params: Params,
    points: Batch,
    even: Mapping[str, np.ndarray],
    jets: Mapping[str, Float[np.ndarray, "n i m"]],
) -> "tuple[dict[str, Evaluated], Sizes]":
    """Every condition at its points, and the sizes of fields; to be called in double precision.

    - `jets`: for each condition all derivatives of `indices_of` at its points.
    """
    problem, indices = residuals.problem, indices_of(residuals.problem)
    found = {
        name: _evaluated(residuals, params, problem.equation(name), points[name], even[name], indices, jets[name])
        for name in problem.conditions
    }
    everywhere, fills = np.concatenate(list(jets.values())), np.concatenate([even[name] for name in jets])
    places = np.concatenate([found[name].coordinates for name in jets])
    return found, Sizes.of(problem, indices, everywhere, fills, places).with_absent(found)


def indices_of(problem: Problem) -> list[Index]:
    """The multi-indices of all derivatives that any condition takes, and of the value."""
    equations = map(problem.equation, problem.conditions)
    return sorted({(0,) * problem.domain.dimension}.union(*(i for e in equations for i in e.derivatives.values())))


def jets_at(
    residuals: ResidualFunctions, params: Params, points: Batch, indices: Sequence[Index]
) -> dict[str, Float[np.ndarray, "n i m"]]:
    """All derivatives that any condition takes, at the points of each; compiled once.

    At a corner, derivatives of singular functions are infinite, and the values beside them are lost: these are computed
    alone.
    """
    jets = lambda indices: jax.jit(jax.vmap(lambda params, x: residuals.jets(params, x, indices), (None, 0)))
    places, function = np.concatenate([p.coordinates for p in points.values()]), jets(indices)
    found, value = _in_chunks(lambda x: function(params, x), places), (0,) * residuals.problem.domain.dimension
    lost = ~np.isfinite(found).all(axis=(1, 2))
    if lost.any() and value in indices:
        found[lost, indices.index(value)] = np.asarray(jets([value])(params, places[lost]))[:, 0]
    return dict(zip(points, np.split(found, np.cumsum([len(p) for p in points.values()])[:-1]), strict=True))


def _evaluated(
    residuals: ResidualFunctions,
    params: Params,
    equation: Equation,
    points: Points,
    even: np.ndarray,
    indices: Sequence[Index],
    jets: Float[np.ndarray, "n i m"],
) -> Evaluated:
    terms, elsewhere = RowTerms(equation), functools.partial(residuals.field_value, params)
    taken = sorted(symbol for symbol in equation.symbols if symbol.kind == "field")

    def at(point: Points, jet: Any) -> tuple[Any, Any, Any]:
        values = residuals.symbols(params, point, dict(zip(indices, jet, strict=True)))
        fields = {symbol: values[symbol] for symbol in taken}
        row = lambda fields: equation({**values, **fields}, elsewhere)
        slopes = {s: v.reshape(len(v), -1) for s, v in (jax.jacfwd(row)(fields) if fields else {}).items()}
        return row(fields), terms(values, elsewhere), slopes | _slopes_elsewhere(equation, values, elsewhere)

    residual, groups, slopes = _in_chunks(jax.jit(jax.vmap(at)), points, jets)
    write, names = Text(), residuals.problem.domain.coordinates
    texts = [[write(formula) for formula in row] for row in terms.formulas(names)]
    return Evaluated(residual, groups, texts, terms.orders, slopes, np.asarray(points.coordinates), even)


def _slopes_elsewhere(
    equation: Equation, values: Mapping[Symbol, Any], elsewhere: Callable[..., Any]
) -> dict[Symbol, Any]:
    """How rows change with fields at other points, all of which change by as much in the worst direction."""
    taken = dict[Symbol, Any]()

    def seen(symbol: Symbol, point: Any) -> Any:
        taken[symbol] = elsewhere(symbol, point)
        return taken[symbol]

    def shifted(shifts: Mapping[Symbol, Any]) -> Any:
        return equation(values, lambda symbol, point: elsewhere(symbol, point) + shifts[symbol])

    equation(values, seen)
    if not taken:
        return {}
    found, jacobians = dict[Symbol, Any](), jax.jacrev(shifted)({s: jnp.zeros_like(v) for s, v in taken.items()})
    for symbol, jacobian in jacobians.items():
        by_component = jacobian.reshape(len(jacobian), -1, equation.fields[symbol.name])
        anywhere = symbol._replace(place=0)
        found[anywhere] = found.get(anywhere, 0.0) + jnp.sum(jnp.abs(by_component), axis=1)
    return found


def _in_chunks(function: Callable[..., Any], *arguments: Any) -> Any:
    """A function of many points, a chunk at a time; the last chunk is filled with copies of its last point."""
    n = len(jax.tree.leaves(arguments)[0])
    size, parts = min(n, CHUNK), []
    for first in range(0, n, size):
        numbers = np.minimum(np.arange(first, first + size), n - 1)
        parts.append(on_host(function(*jax.tree.map(lambda leaf: leaf[numbers], arguments))))  # noqa: B023
    return jax.tree.map(lambda *leaves: np.concatenate(leaves)[:n], *parts)


@dataclasses.dataclass(frozen=True)
class Sizes:
    """How large fields and their derivatives are over the domain; arrays by component.

    - `base`: of the field itself, its spread; `rms`, `peak`: of each symbol; `lengths`: of the domain of each field.
    """

    base: dict[str, np.ndarray]
    rms: dict[Symbol, np.ndarray]
    peak: dict[Symbol, np.ndarray]
    lengths: dict[str, np.ndarray]

    @classmethod
    def of(
        cls,
        problem: Problem,
        indices: Sequence[Index],
        jets: Float[np.ndarray, "n i m"],
        even: np.ndarray,
        points: Float[np.ndarray, "n d"],
    ) -> "Sizes":
        base, rms, peak, start = {}, {}, {}, 0
        for name, count in problem.field_sizes.items():
            inside = problem.field_domains.contains(name, points)
            for i, index in enumerate(indices):
                values, symbol = jets[inside, i, start : start + count], Symbol("field", name, index)
                values = np.where(np.isfinite(values), values, 0.0)
                evenly = values[even[inside]]
                rms[symbol], peak[symbol] = _rms(evenly), np.abs(values).max(axis=0)
                if not any(index):
                    own = np.maximum(evenly.std(axis=0), CONSTANT * rms[symbol])
                    base[name] = np.maximum(own, ABSENT * own.max())
            start += count
        lengths = {name: extent.upper - extent.lower for name, extent in problem.field_domains.extents.items()}
        return cls(base, rms, peak, lengths)

    def natural(self, symbol: Symbol) -> np.ndarray:
        """The size of a derivative by that of its field and of the domain."""
        return self.base[symbol.name] / np.prod(self.lengths[symbol.name] ** np.array(symbol.orders))

    def actual(self, symbol: Symbol) -> np.ndarray:
        """The size of a derivative, or of a field."""
        own = symbol._replace(kind="field")
        return self.rms[own] if any(own.orders) and own in self.rms else self.natural(symbol)

    def with_absent(self, found: Mapping[str, Evaluated]) -> "Sizes":
        """Fields that all but vanish get a size by the equations that they share with others."""
        bounds = dict[str, float]()
        for evaluated in found.values():
            for row in range(evaluated.residual.shape[1]):
                for name in {symbol.name for symbol in evaluated.slopes}:
                    others = {s: v for s, v in evaluated.slopes.items() if s.name != name}
                    scale = _by_slopes(evaluated._replace(slopes=others), row, self)
                    effect = max(
                        float((_mean_slope(v, row, evaluated.even) * self.unit(s)).max())
                        for s, v in evaluated.slopes.items()
                        if s.name == name
                    )
                    if scale > 0 and effect > 0:
                        bounds[name] = min(bounds.get(name, math.inf), scale / effect)
        return dataclasses.replace(
            self, base={name: np.maximum(v, ABSENT * bounds.get(name, 0.0)) for name, v in self.base.items()}
        )

    def unit(self, symbol: Symbol) -> float:
        """The natural size of a derivative of a field of size 1."""
        return float(1 / np.prod(self.lengths[symbol.name] ** np.array(symbol.orders)))


def _rms(values: np.ndarray) -> np.ndarray:
    """Along the first axis, by parts of the largest so that squares do not overflow."""
    largest = np.abs(values).max(axis=0)
    unit = np.where(largest > 0, largest, 1.0)
    with np.errstate(invalid="ignore"):  # infinite values have no mean
        return np.asarray(unit * np.sqrt(np.mean((values / unit) ** 2, axis=0)))


def _mean_slope(slopes: Float[np.ndarray, "n r c"], row: int, even: np.ndarray) -> Float[np.ndarray, " c"]:
    values = slopes[even, row]
    return _rms(np.where(np.isfinite(values), values, 0.0))


def _by_slopes(evaluated: Evaluated, row: int, sizes: Sizes) -> float:
    """The size of a row by what it changes with."""
    largest, natural = 0.0, dict[str, float]()
    for symbol, slopes in evaluated.slopes.items():
        slope = _mean_slope(slopes, row, evaluated.even)
        largest = max(largest, float((slope * sizes.actual(symbol)).max()))
        if any(symbol.orders) and (size := float((slope * sizes.natural(symbol)).max())) > 0:
            natural[symbol.name] = min(natural.get(symbol.name, math.inf), size)
    return max([largest, *natural.values()])


def _scale(evaluated: Evaluated, row: int, sizes: Sizes) -> float:
    """The size of the largest term of a row."""
    by_slopes = _by_slopes(evaluated, row, sizes)
    groups = evaluated.terms[row][evaluated.even]
    if groups.shape[1] < 2 or (evaluated.orders[row] == 0 and by_slopes > 0):
        return by_slopes
    return max(by_slopes, float(_rms(np.where(np.isfinite(groups), groups, 0.0)).max()))


def row_check(problem: Problem, evaluated: Evaluated, row: int, sizes: Sizes, exact: bool) -> RowCheck:
    """One row of a condition at its points."""
    residual, scale = evaluated.residual[:, row], _scale(evaluated, row, sizes)
    rms = float(_rms(residual[evaluated.even]))
    worst = int(np.argmax(np.where(np.isnan(residual), math.inf, np.abs(residual))))
    return RowCheck(
        hard=exact,
        rms=rms,
        largest=float(np.abs(residual[worst])),
        at=dict(zip(problem.domain.coordinates, evaluated.coordinates[worst].tolist(), strict=True)),
        scale=scale,
        relative=rms / scale if scale > 0 else 0.0 if rms == 0 else math.inf,
        terms=_term_sizes(evaluated, row),
    )


def _term_sizes(evaluated: Evaluated, row: int) -> dict[str, float]:
    """The rms of the first terms, by their formulas."""
    sizes = _rms(evaluated.terms[row][evaluated.even]).tolist()
    shown = list(zip(evaluated.formulas[row], sizes, strict=True))[:MOST_TERMS]
    return {text if len(text) <= LONGEST else text[: LONGEST - 2] + " …": size for text, size in shown}


def _is_measured(equation: Equation, evaluated: Evaluated) -> bool:
    """Whether a condition compares values with a data column."""
    return max(evaluated.orders) == 0 and any(symbol.kind == "column" for symbol in equation.symbols)


def _is_finite(evaluated: Evaluated) -> bool:
    return bool(np.isfinite(evaluated.residual).all())


def _is_rounding(evaluated: Evaluated, row: int, sizes: Sizes, eps: float) -> bool:
    """Whether a row is no larger than rounding makes it."""
    parts = [np.abs(evaluated.terms[row]).max()]
    peak = lambda symbol: sizes.peak.get(symbol._replace(kind="field"), sizes.natural(symbol))
    parts += [(np.abs(v[:, row]).max(axis=0) * peak(s)).max() for s, v in evaluated.slopes.items()]
    limit = ROUNDING * eps * PER_ORDER ** evaluated.orders[row] * max(parts)
    return bool(np.abs(evaluated.residual[:, row]).max() <= limit)
