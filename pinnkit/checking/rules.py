"""What looks wrong with a problem: rules, each a function from what was examined to findings."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._base.numbers import count, number, percent, point
from .._base.types import Params
from ..diagnostics.dense_points import dense_points
from ..diagnostics.verification import evaluate, indices_of, jets_at
from ..equations.problem import Problem
from ..equations.symbols import Symbol
from ..equations.terms import RowTerms
from ..geometry.domain import TIME_NAMES
from ..geometry.reference_cube import to_symmetric
from ..geometry.region import SLACK
from ..networks.functional import FunctionalModel
from ..report.findings.finding import Finding
from ..residuals.functions import ResidualFunctions
from .derivatives import derivative_name
from .parts import COVERED, ELSEWHERE, GIVEN, INTERIOR, Part, end_of
from .reference import ReferenceResidual

VIOLATED = 1e-6, 1e-4
"""Relative residual above which a reference violates a condition, by automatic differentiation and by differences."""

WRONG = 1e-4
"""Relative residual above which it is no inaccuracy."""

LENGTHS, TERMS = 1e4, 1e8
"""Ratios, of the lengths of a domain and of two derivatives in one equation, above which units look mixed."""

TERM_POINTS, WALL_POINTS = 256, 64


@dataclass(frozen=True)
class Examined:
    """- `rows`: for each condition the fields and derivatives that each of its rows takes, here and elsewhere; none of
      priors, which are no equations;
    - `reference`: residuals of the reference, by condition.
    """

    problem: Problem
    parts: tuple[Part, ...]
    rows: dict[str, list[frozenset[Symbol]]]
    reference: dict[str, ReferenceResidual]

    def order(self, field: str, name: str | None = None) -> int:
        """The highest order of the derivatives of a field along a coordinate, by default in all of space."""
        domain = self.problem.domain
        axes = [i for i, own in enumerate(domain.coordinates) if own == name or (name is None and own in domain.space)]
        taken = (s for rows in self.rows.values() for row in rows for s in row if s.name == field)
        return max((sum(s.orders[i] for i in axes) for s in taken), default=0)

    def count(self, condition: str, field: str) -> int:
        """The number of rows of a condition that take a field."""
        return sum(any(symbol.name == field for symbol in row) for row in self.rows[condition])

    def named(self, *parts: str) -> list[str]:
        """The conditions on some parts."""
        return [name for part in self.parts if part.name in parts for name in part.conditions]


Rule: TypeAlias = Callable[[Examined], Iterator[Finding]]


def doubtful(found: Examined) -> Iterator[Finding]:
    for doubt in found.problem.doubts:
        yield Finding("warning", "A possible mistake in an equation", f"{doubt}.", "Check it.")


def unused(found: Examined) -> Iterator[Finding]:
    equations = [found.problem.equation(name) for name in found.problem.conditions]
    taken = {(symbol.kind, symbol.name) for equation in equations for symbol in equation.symbols}
    for name in found.problem.coefficients:
        if ("coefficient", name) not in taken:
            text = f"No condition takes the coefficient '{name}', so its value has no effect."
            yield Finding("warning", f"Unused coefficient '{name}'", text, "Use it in an equation or remove it.")


def without_equation(found: Examined) -> Iterator[Finding]:
    places = found.named(INTERIOR, GIVEN)
    for field in found.problem.field_sizes:
        if not any(found.count(name, field) for name in found.rows):
            text = f"No condition takes the field '{field}'."
            yield Finding("problem", f"Nothing about '{field}'", text, "Remove the field, or add its equations.")
        elif not any(found.count(name, field) for name in places):
            text = f"The field '{field}' is in conditions on the boundary only."
            yield Finding("warning", f"No equation for '{field}' in the interior", text, "Add its equation.")


def without_data(found: Examined) -> Iterator[Finding]:
    """Fields that an equation differentiates, and about whose values nothing else says anything."""
    rest = [name for name in found.rows if name not in found.named(INTERIOR)]
    for field in found.problem.field_sizes:
        order = max((found.order(field, name) for name in found.problem.domain.coordinates), default=0)
        is_elsewhere = any(
            s.kind == "elsewhere" and s.name == field for rows in found.rows.values() for row in rows for s in row
        )
        has_prior = any(field in found.problem.equation(name).derivatives for name in found.problem.priors)
        if order and not is_elsewhere and not has_prior and not any(found.count(name, field) for name in rest):
            text = f"The equations differentiate '{field}', but no initial, boundary or measured values determine it."
            yield Finding("problem", f"An equation without data for '{field}'", text, "Add boundary or initial values.")


def without_initial_values(found: Examined) -> Iterator[Finding]:
    problem = found.problem
    for name, field in itertools.product(problem.domain.coordinates, problem.field_sizes):
        order = found.order(field, name) if name in TIME_NAMES else 0
        ends = [own for own in found.rows if end_of(problem, own) is not None]
        loose = [own for own in found.rows if own in found.named(GIVEN) or name in problem.equation(own).displaced]
        given = sum(found.count(own, field) for own in ends)
        if 0 < given < order and not any(found.count(own, field) for own in loose):
            text = f"'{field}' has derivatives in {name} up to order {order}, and {count(given, 'initial condition')}."
            yield Finding("warning", f"Too few initial values of '{field}'", text, f"Give {order}, such as its rate.")
        elif order and not given and not any(found.count(own, field) for own in loose):
            text = f"'{field}' has derivatives in {name}, and no condition holds at a time."
            yield Finding("warning", f"No initial values of '{field}'", text, "Add them, on `domain.start()`.")


def without_condition(found: Examined) -> Iterator[Finding]:
    """Parts of the boundary on which an equation of second or higher order in space lacks conditions."""
    problem, skipped = found.problem, {INTERIOR, GIVEN, ELSEWHERE}
    walls = [part for part in found.parts if part.name in problem.domain.parts and part.name not in skipped]
    if not problem.domain.space:
        return
    for field in problem.field_sizes:
        needed = found.order(field) // 2
        if not needed or any(found.count(name, field) for name in found.named(GIVEN)):
            continue
        for part in walls:
            if not _reaches(found, field, part.name):
                continue
            own = {name: share for name, share in part.conditions.items() if found.count(name, field)}
            missed = 1 - max(own.values(), default=0.0)
            rows = sum(_rows_at(found, name, field) for name in own)
            if missed > COVERED:
                where = "" if missed == 1 else f" on {percent(missed)} of it"
                text = f"No condition for '{field}' holds on '{part.name}'{where}, and its equation needs {needed}."
                yield Finding("warning", f"A part without a condition: '{part.name}'", text, "Add one.")
            elif rows < needed:
                text = f"'{part.name}' has {count(rows, 'condition')} for '{field}', whose equation needs {needed}."
                yield Finding("warning", f"Too few conditions on '{part.name}'", text, "Add the others.")


def _reaches(found: Examined, field: str, wall: str) -> bool:
    """Whether an equation of a field holds next to a wall: the boxes around both meet, and the field lives there."""
    problem, region = found.problem, found.problem.domain.boundary(wall)
    unit = np.random.default_rng(0).random((WALL_POINTS, region.dimension))
    places = np.asarray(region.points(jnp.asarray(unit)).coordinates)
    if not problem.field_domains.contains(field, places).any():
        return False
    low, high = region.bounds
    near = SLACK * (problem.domain.upper - problem.domain.lower)
    regions = [problem.conditions[name].on.bounds for name in found.named(INTERIOR) if found.count(name, field)]
    return any(np.all(low <= b + near) and np.all(a <= high + near) for a, b in regions)


def _rows_at(found: Examined, condition: str, field: str) -> int:
    """The rows that a condition has on one part; those of a periodic one are for two."""
    rows = found.count(condition, field)
    return -(-rows // 2) if set(found.problem.equation(condition).displaced) & set(found.problem.domain.space) else rows


def mixed_lengths(found: Examined) -> Iterator[Finding]:
    domain = found.problem.domain
    lengths = {
        name: domain.upper[i] - domain.lower[i] for i, name in enumerate(domain.coordinates) if name in domain.space
    }
    if len(lengths) > 1 and max(lengths.values()) > LENGTHS * min(lengths.values()):
        longest, shortest = max(lengths, key=lengths.__getitem__), min(lengths, key=lengths.__getitem__)
        text = (
            f"The domain is {number(lengths[longest])} long in {longest} and {number(lengths[shortest])} in {shortest}."
        )
        yield Finding("warning", "Lengths of very different sizes", text, "Check that their units are the same.")


def mixed_terms(found: Examined) -> Iterator[Finding]:
    """Derivatives of one field in one equation, one of which is negligible for a field that varies over the domain."""
    for name, sizes in _term_sizes(found.problem).items():
        for field in {field for field, _ in sizes}:
            own = {orders: size for (of, orders), size in sizes.items() if of == field and size > 0}
            largest, smallest = (pick(own, key=own.__getitem__, default=None) for pick in (max, min))
            if largest is None or smallest is None or own[largest] < TERMS * own[smallest]:
                continue
            names = [derivative_name(field, orders, found.problem.domain.coordinates) for orders in (smallest, largest)]
            text = (
                f"In '{name}', the term with {names[0]} is {number(own[smallest] / own[largest])} times that with "
                f"{names[1]}, for a field that varies over the whole domain."
            )
            yield Finding("warning", "Terms of very different sizes", text, "Check the units of its coefficients.")


def _term_sizes(problem: Problem) -> dict[str, dict[tuple[str, tuple[int, ...]], float]]:
    """For each condition the sizes of the terms that have a single symbol, a derivative of a field."""
    lower, upper = problem.domain.bounds
    outputs, d = sum(problem.field_sizes.values()), problem.domain.dimension

    def wave(params: Params, x: Float[Array, " d"]) -> Float[Array, " m"]:
        angle = to_symmetric(x, (lower, upper)) @ jnp.linspace(1.0, 1.3, d)
        return jnp.cos(angle + jnp.arange(1.0, outputs + 1))

    with jax.enable_x64(True):
        residuals = ResidualFunctions(problem, FunctionalModel(jnp.zeros(()), wave, lambda params: None))
        params = residuals.initial_params(jnp.zeros(()))
        points, even = dense_points(problem, 0, TERM_POINTS, TERM_POINTS)
        evaluated, _ = evaluate(
            residuals, params, points, even, jets_at(residuals, params, points, indices_of(problem))
        )
    found = dict[str, dict[tuple[str, tuple[int, ...]], float]]()
    for name, values in evaluated.items():
        equation, own = problem.equation(name), dict[tuple[str, tuple[int, ...]], float]()
        for groups, terms in zip(values.terms, RowTerms(equation).rows, strict=True):
            for column, group in zip(groups.T, terms, strict=True):
                symbols = {s for term in group for s in equation.needs(term.source) if s.kind in ("field", "elsewhere")}
                if len(symbols) == 1 and any(orders := next(iter(symbols)).orders):
                    key = next(iter(symbols)).name, orders
                    own[key] = max(own.get(key, 0.0), float(np.sqrt(np.mean(column**2))))
        found[name] = own
    return found


def violated(found: Examined) -> Iterator[Finding]:
    for name, (row, uncertainty) in found.reference.items():
        limit = VIOLATED[uncertainty > 0]
        if row.relative > limit and row.relative > 3 * uncertainty:
            text = (
                f"The reference leaves {number(row.relative)} of the terms of '{name}'; the largest residual, "
                f"{number(row.largest)}, is at {point(row.at)}."
            )
            if row.relative > WRONG:
                advice = "Correct the reference or the condition."
                yield Finding("problem", f"The reference violates '{name}'", text, advice)
            else:
                advice = "Smaller errors of a solution cannot be measured."
                yield Finding("warning", f"The reference is not accurate in '{name}'", text, advice)


RULES: tuple[Rule, ...] = (
    violated,
    without_equation,
    without_data,
    without_initial_values,
    without_condition,
    doubtful,
    unused,
    mixed_lengths,
    mixed_terms,
)

SEVERITIES = ("problem", "warning", "info")


def findings(found: Examined) -> tuple[Finding, ...]:
    """All findings, the most severe first."""
    return tuple(
        sorted((each for rule in RULES for each in rule(found)), key=lambda each: SEVERITIES.index(each.severity))
    )
