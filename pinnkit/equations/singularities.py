r"""What solutions are like at the corners and around the holes of a domain.

With the Laplacian as principal part and an angle ω inside, they are sums of a smooth function and of the real or
imaginary parts of $z^\lambda$, z = x + iy from the corner: λ = kπ/ω if values are prescribed on both sides, or normal
derivatives on both; λ = (k − ½)π/ω if values on one side and normal derivatives on the other. Where such a λ is a whole
number the function is $z^\lambda \log z$ instead. Around a round hole they are sums of a smooth function, $\log r$, and
real and imaginary parts of $z^{-k}$; where $\Delta^2 u = 0$, as in elasticity and Stokes flow, also of the products of
these with x and y. What is harmonic and smooth up to the boundary, but not far beyond, is a sum of logarithms of
distances from points outside (see `charges`).

Grisvard, *Elliptic problems in nonsmooth domains*, Pitman 1985.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

import jax
import numpy as np
from jaxtyping import Float

from ..geometry.corners import STRAIGHT, End, corner_between, meetings
from ..geometry.domain import AbstractDomain, Hole
from ..networks.singular_functions import Power, Singularity
from .charges import charges_around
from .linear_part import is_laplacian, laplacian_power
from .problem import Problem
from .trace import Equation

HIGHEST = 8.0
"""Largest exponent: what is left is resolved by smooth features."""

MULTIPOLES, ROUND, AROUND = 20, 1e-6, 64
"""Largest order of multipoles; relative distance from the rim of a round hole, and number of points, at which
membership in the domain is tested."""

CHARGED = (Power(0.0, 0.0, True),)
"""The function of a charge, the logarithm of the distance."""

WHOLE, DIGITS = 1e-9, 6
"""Exponents that differ by less from a whole number are whole; those with the same digits are the same."""

VALUE, SLOPE = "value", "normal derivative"


def singularities_of(problem: Problem) -> tuple[Singularity, ...]:
    """The corners and holes at which solutions of a problem are singular, and charges outside; of equations whose
    principal part is not the Laplacian, the holes if each field satisfies Δ²u = 0.

    Holes and charges are left out if the equations have lower derivatives as well, holes if not all are round.
    """
    domain = problem.domain
    inside = [name for name, c in problem.conditions.items() if c.on.dimension == domain.dimension]
    if len(domain.space) not in (2, 3) or not inside:
        return ()
    axes = [domain.coordinates.index(name) for name in domain.space]
    with jax.enable_x64(True):
        equations = {name: problem.equation(name) for name in problem.conditions}
    if len(axes) == 3:
        is_principal = all(is_laplacian(equations[name], axes) for name in inside)
        return tuple(_at_creases(problem, equations)) if is_principal else ()
    if not all(is_laplacian(equations[name], axes) for name in inside):
        return _biharmonic(problem, [equations[name] for name in inside])
    is_plain = len(axes) == domain.dimension and all(_orders(equations[name]) == {2} for name in inside)
    named = [(equations[name], end) for name, c in problem.conditions.items() for end in c.on.curve_ends]
    holes = domain.holes if is_plain and all(_is_round(domain, hole) for hole in domain.holes) else ()
    has_charges = is_plain and all(c.on.flat_pieces is None for c in problem.conditions.values() if c.on.has_normal)
    return (
        *_at_corners(domain, named, is_plain),
        *(Singularity(hole, _multipoles(), True) for hole in holes),
        *(Singularity(charge, CHARGED, True) for charge in (charges_around(domain, holes) if has_charges else ())),
    )


def _biharmonic(problem: Problem, equations: Sequence[Equation]) -> tuple[Singularity, ...]:
    """The round holes of a plane domain, where fields that satisfy Δ²u = 0 are harmonic functions and their products
    with coordinates: by Goursat's formula, as in elasticity and Stokes flow.
    """
    domain = problem.domain
    if domain.dimension != 2 or not domain.holes or not all(_is_round(domain, hole) for hole in domain.holes):
        return ()
    with jax.enable_x64(True):
        power = laplacian_power(equations, 2, problem.field_sizes, problem.constants)
    if power == 0:
        return ()
    powers = _multipoles() if power == 1 else _with_products(_multipoles())
    return tuple(Singularity(hole, powers, True) for hole in domain.holes)


def _at_corners(domain: AbstractDomain, named: Sequence[tuple[Equation, End]], is_plain: bool) -> list[Singularity]:
    """At the ends of curves, each with the equation there.

    - `is_plain`: whether the equations inside have nothing but the Laplacian.
    """
    axes = [domain.coordinates.index(name) for name in domain.space]
    ends, size = [end for _, end in named], float(np.linalg.norm((domain.upper - domain.lower)[axes]))
    found = list[Singularity]()
    for first, last in meetings(ends):
        corner = corner_between(ends[first[0]], ends[last[0]], lambda x: _level(domain, x, axes), size)
        before, after = ({named[i][0] for i in each} for each in (first, last))
        if abs(corner.opening - np.pi) <= STRAIGHT and before == after:
            continue
        is_complete = is_plain and all(len(_orders(own)) == 1 for own in before | after)
        is_exact = is_complete and not np.isfinite(corner.behind) and all(ends[i].is_straight for i in first + last)
        powers = _powers(corner.opening, _kinds(before), _kinds(after), is_broken=before != after)
        powers = powers if is_exact else _raised(powers) if is_complete else _lowest(powers)
        found += [Singularity(corner, powers, is_complete)] if powers else []
    return found


def _at_creases(problem: Problem, equations: Mapping[str, Equation]) -> Iterator[Singularity]:
    """At the creases of a solid, whose two sides may be under any of the conditions on its boundary."""
    kinds = [_kinds([equations[name]]) for name, c in problem.conditions.items() if c.on.has_normal]
    for crease in problem.domain.creases:
        pairs = itertools.product(kinds, repeat=2)
        powers = {own for pair in pairs for own in _powers(crease.opening, *pair, is_broken=False)}
        yield Singularity(crease, tuple(sorted(powers)), False)


def _is_round(domain: AbstractDomain, hole: Hole) -> bool:
    angles = 2 * np.pi * np.arange(AROUND) / AROUND
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    level = lambda share: domain.signed_distance(hole.center + share * hole.radius * circle)
    return bool((level(1 + ROUND) < 0).all() and (level(1 - ROUND) > 0).all())


def _multipoles() -> tuple[Power, ...]:
    both = (Power(-float(k), phase) for k in range(1, MULTIPOLES + 1) for phase in (0.0, np.pi / 2))
    return Power(0.0, 0.0, True), *both


def _with_products(powers: Sequence[Power]) -> tuple[Power, ...]:
    return tuple(power._replace(factor=factor) for power in powers for factor in ("", "x", "y"))


def _level(domain: AbstractDomain, x: Float[np.ndarray, "n 2"], axes: Sequence[int]) -> Float[np.ndarray, " n"]:
    points = np.tile(domain.lower, (len(x), 1))
    points[:, list(axes)] = x
    return domain.signed_distance(points)


def _orders(equation: Equation) -> set[int]:
    """The orders of differentiation of all fields."""
    return {sum(symbol.orders) for symbol in equation.symbols if symbol.kind == "field"}


def _kinds(equations: Iterable[Equation]) -> set[str]:
    """Whether equations prescribe values or normal derivatives."""
    return {
        SLOPE if any(map(sum, orders)) else VALUE for own in equations for orders in own.derivatives.values() if orders
    }


def _powers(opening: float, first: set[str], last: set[str], is_broken: bool) -> tuple[Power, ...]:
    """The functions for all pairs of conditions on the two sides.

    - `is_broken`: whether the conditions on the two sides are different ones, so that values may jump.
    """
    found = set[Power]()
    for kind, other in itertools.product(first, last):
        shift, least = 0.0 if kind == other else 0.5, 0 if is_broken and kind == other == VALUE else 1
        for k in range(least, int(HIGHEST * opening / np.pi + shift) + 1):
            exponent = (k - shift) * np.pi / opening
            found.add(_power(exponent, (np.pi / 2 if kind == VALUE else 0.0) - exponent * opening / 2))
    return tuple(sorted(found))


def _power(exponent: float, phase: float) -> Power:
    is_whole = abs(exponent - round(exponent)) <= WHOLE
    return Power(float(round(exponent)) if is_whole else float(exponent), float(phase), is_whole)


def _raised(powers: Sequence[Power]) -> tuple[Power, ...]:
    """The functions times whole powers of w, in both phases."""
    return _in_both_phases(own.exponent + k for own in powers for k in range(int(HIGHEST - own.exponent) + 1))


def _lowest(powers: Sequence[Power]) -> tuple[Power, ...]:
    """Those functions, in both phases, that are no smooth function times another one."""
    lowest = dict[float, float]()
    for own in powers:
        lowest.setdefault(round(own.exponent % 1.0, DIGITS) % 1.0, own.exponent)
    return _in_both_phases(lowest.values())


def _in_both_phases(exponents: Iterable[float]) -> tuple[Power, ...]:
    different = {round(exponent, DIGITS): exponent for exponent in exponents}
    return tuple(_power(different[key], phase) for key in sorted(different) for phase in (0.0, np.pi / 2))
