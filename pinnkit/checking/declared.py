"""A declared problem as its features need it: the rows of its conditions, by where these hold."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..equations.problem import Problem
from ..equations.symbols import Symbol
from ..equations.trace import Equation, Node
from ..geometry.domain import TIME_NAMES, AbstractDomain, Hole
from ..geometry.region import SLACK
from .derivatives import rows_of
from .parts import end_of

RAYS, STEPS = 64, 100
"""Rays from the center of a hole, and steps along each."""

Row = frozenset[Symbol]


@dataclass(frozen=True)
class Declared:
    """Equations inside the domain, conditions on walls (the boundary in space) and at data; they are traced in the
    precision in force.
    """

    problem: Problem

    @functools.cached_property
    def equations(self) -> dict[str, Equation]:
        return {name: self.problem.equation(name) for name in self.problem.conditions}

    @functools.cached_property
    def rows(self) -> dict[str, list[Row]]:
        """For each condition the fields and derivatives that each of its rows takes."""
        return {name: rows_of(equation) for name, equation in self.equations.items()}

    @property
    def domain(self) -> AbstractDomain:
        return self.problem.domain

    @property
    def has_time(self) -> bool:
        return any(name in TIME_NAMES for name in self.domain.coordinates)

    @property
    def shapes(self) -> list[AbstractDomain]:
        """The domains of the fields in space."""
        return [own.in_space for own in self.problem.field_domains.own.values() if own.space]

    @functools.cached_property
    def inside(self) -> list[str]:
        conditions = self.problem.conditions
        whole = self.domain.dimension
        return [name for name, own in conditions.items() if own.on.dimension == whole and not own.prior]

    @functools.cached_property
    def on_walls(self) -> list[str]:
        conditions = self.problem.conditions
        return [name for name, own in conditions.items() if own.on.has_normal and end_of(self.problem, name) is None]

    @property
    def at_data(self) -> list[str]:
        return [name for name, condition in self.problem.conditions.items() if condition.on.columns]

    def fields(self, conditions: list[str]) -> set[str]:
        """The fields that some conditions take."""
        return {name for condition in conditions for row in self.rows[condition] for name in self._names(row)}

    @functools.cached_property
    def meeting(self) -> set[tuple[str, str]]:
        """Pairs of fields over the same coordinates that meet on a wall and not inside."""
        pairs = lambda conditions: {
            (a, b) for name in conditions for row in self.rows[name] for a in self._names(row) for b in self._names(row)
        }
        own = self.problem.field_domains.own
        apart = pairs(self.on_walls) - pairs(self.inside)
        return {(a, b) for a, b in apart if own[a].coordinates == own[b].coordinates}

    def order(self, coordinates: tuple[str, ...]) -> int:
        """The highest order of a derivative by some coordinates inside the domain."""
        axes = [i for i, name in enumerate(self.domain.coordinates) if name in coordinates]
        taken = (s for name in self.inside for row in self.rows[name] for s in row)
        return max((sum(symbol.orders[i] for i in axes) for symbol in taken), default=0)

    def wall_rows(self) -> Iterator[tuple[set[str], set[str]]]:
        """For each row on walls that takes first derivatives in space at most, and no fields that meet there: the
        fields, and those of which it takes such derivatives.
        """
        axes = [i for i, name in enumerate(self.domain.coordinates) if name in self.domain.space]
        for row in (row for name in self.on_walls for row in self.rows[name] if row):
            is_plain = all(s.kind == "field" and sum(s.orders) == sum(s.orders[i] for i in axes) <= 1 for s in row)
            names = self._names(row)
            if is_plain and not any((a, b) in self.meeting for a in names for b in names):
                yield {s.name for s in row if not any(s.orders)}, {s.name for s in row if any(s.orders)}

    @staticmethod
    def _names(row: Row) -> set[str]:
        return {symbol.name for symbol in row}

    def elsewhere(self, conditions: list[str]) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """The points at which conditions take fields elsewhere, with the condition."""
        return ((name, point) for name in conditions for point in self.equations[name].points)

    def is_opposite(self, condition: str, point: tuple[Any, ...]) -> bool:
        """Whether a point lies on the face opposite to that on which the condition holds."""
        (first, last), (low, high) = self.domain.bounds, self.problem.conditions[condition].on.bounds
        slack = SLACK * (last - first)
        is_at = lambda value, end, i: abs(value - end[i]) <= slack[i]
        return any(
            np.size(target) == 1
            and low[i] == high[i]
            and is_at(np.ravel(target)[0], end, i)
            and is_at(low[i], other, i)
            for i, target in enumerate(point)
            if not isinstance(target, Node)
            for end, other in ((first, last), (last, first))
        )


def is_array(coordinate: Any) -> bool:
    """Whether a coordinate of a point elsewhere has several values."""
    is_node = isinstance(coordinate, Node)
    return bool(coordinate.eqn.outvars[coordinate.output].aval.shape if is_node else np.shape(coordinate))


def is_surrounded(hole: Hole, domain: AbstractDomain) -> bool:
    """Whether all rays from its center meet the domain, as those from a notch at the edge do not."""
    center = np.array(hole.center)
    directions = np.random.default_rng(0).normal(size=(RAYS, 1, center.size))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    reach = np.linspace(0, 1, STEPS)[:, None] * np.linalg.norm(domain.upper - domain.lower)
    inside = domain.contains((center + reach * directions).reshape(-1, center.size))
    return bool(inside.reshape(RAYS, STEPS).any(axis=1).all())
