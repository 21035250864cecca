"""The problem of a run in words, so that its report says what was solved without the code of the problem."""

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from .._base.numbers import count

if TYPE_CHECKING:
    from ..equations.problem import Problem

DIGITS = 6
"""Significant digits of coefficients."""


class Declaration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was declared, as text.

    - `fields`: as in `u(x, t)`; `domain`: as in `Box(x=(0, 1), t=(0, 1))`;
    - `equations`: for each condition its rows, each an equation as it was traced and where it holds;
    - `coefficients`: as in `= 2`, or `unknown, from 0.5`;
    - `reference`: what the solution is compared with; None without a reference;
    - `units`: of fields, coordinates and coefficients; `titles`: names with their labels and units.
    """

    fields: tuple[str, ...]
    domain: str
    equations: dict[str, tuple[tuple[str, str], ...]]
    coefficients: dict[str, str]
    reference: str | None
    units: dict[str, str]
    titles: dict[str, str]

    @classmethod
    def of(cls, problem: "Problem") -> "Declaration":
        arguments, units, labels = ", ".join(problem.domain.coordinates), problem.units, problem.labels
        unit = lambda name, before=" ": f"{before}{units[name]}" if name in units else ""
        labelled = lambda name: f"{labels[name]} {name}" if name in labels else name
        unknown = {n: f"unknown, from {value.initial:.{DIGITS}g}{unit(n)}" for n, value in problem.unknowns.items()}
        known = {name: f"= {value:.{DIGITS}g}{unit(name)}" for name, value in problem.constants.items()}
        return cls(
            fields=tuple(f"{labelled(name)}({arguments}){unit(name, ' in ')}" for name in problem.field_sizes),
            domain=repr(problem.domain),
            equations=_equations(problem),
            coefficients={name: (known | unknown)[name] for name in problem.coefficients},
            reference=None if problem.reference is None else _described(problem.reference),
            units=dict(units),
            titles=problem.titles,
        )


def _equations(problem: "Problem") -> dict[str, tuple[tuple[str, str], ...]]:
    found = dict[str, tuple[tuple[str, str], ...]]()
    for name, rows in problem.statements.items():
        left_out = problem.equation(name).size - len(rows)
        more = ((f"and {count(left_out, 'more row')}", ""),) if left_out else ()
        found[name] = (*((f"{row.text} = 0", row.where) for row in rows), *more)
    return found


def _described(reference: Callable[..., Any]) -> str:
    """A function by its name and its arguments."""
    parameters: Mapping[str, Any] = inspect.signature(reference).parameters
    name = getattr(reference, "__name__", type(reference).__name__)
    arguments = ", ".join(parameters)
    return f"a function of {arguments}" if name == "<lambda>" else f"{name}({arguments})"
