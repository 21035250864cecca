"""A problem for people: its equations as traced, and where they hold."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from .._base.numbers import count
from ..geometry.domain import AbstractDomain
from ..geometry.embedded import Embedded
from ..geometry.region import AbstractRegion, Bounds
from .formulas.formula import Number
from .formulas.reading import formulas
from .formulas.rendering import Latex, Renderer, Text
from .trace import Equation

MOST_ROWS = 6
"""Most rows of one condition that are shown."""

LONGEST = 160
"""Longer formulas are cut off in text."""


class Statement(NamedTuple):
    """An equation and where it holds, as text and as LaTeX."""

    text: str
    latex: str
    where: str
    where_latex: str


def statements(equation: Equation, region: AbstractRegion, domain: AbstractDomain) -> list[Statement]:
    """One statement for each of the first rows of a condition."""
    found = formulas(equation, domain.coordinates)
    where, where_latex = _where(region, domain)
    return [Statement(_cut(Text()(f)), Latex()(f), where, where_latex) for f in found[:MOST_ROWS]]


def heading(name: str, fields: Mapping[str, Sequence[str]], coefficients: Mapping[str, str]) -> str:
    """As in `Problem 'rod' for T(x, t) with k = 5`.

    - `fields`: with the coordinates of each; `coefficients`: phrases such as `= 5`.
    """
    listed = ", ".join(f"{Text().name(field)}({', '.join(arguments)})" for field, arguments in fields.items())
    values = ", ".join(f"{Text().name(name)} {value}" for name, value in coefficients.items())
    return f"Problem '{name}' for {listed}" + (f" with {values}" if values else "")


def as_text(heading: str, equations: Mapping[str, list[Statement]], sizes: Mapping[str, int]) -> str:
    """A problem as lines; `sizes` are the numbers of rows of each condition."""
    width = max(map(len, equations)) + 2
    lines = [heading]
    for name, rows in equations.items():
        for i, row in enumerate(rows):
            lines.append(f"  {name + ':' if i == 0 else '':{width}}{row.text} = 0  {row.where}")
        if sizes[name] > len(rows):
            lines.append(f"  {'':{width}}... and {sizes[name] - len(rows)} more")
    return "\n".join(lines)


def as_latex(equations: Mapping[str, list[Statement]]) -> str:
    """A problem as aligned equations."""
    rows = [rf"{row.latex} &= 0 && {row.where_latex}" for rows in equations.values() for row in rows]
    return "$$\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}$$"


def _where(region: AbstractRegion, domain: AbstractDomain) -> tuple[str, str]:
    """Where a condition holds, as text and as LaTeX."""
    region = region.base if isinstance(region, Embedded) else region
    names, pieces = region.coordinates, region.flat_pieces
    each = lambda write: (write(Text()), write(Latex()))
    if pieces is None and region.count is not None and region.count > 1:
        return each(_words(f"at {count(region.count, 'point')}"))
    if pieces is None:
        if region.count == 1:
            return each(lambda render: f"{_words('at')(render)} {_ranges(render, names, region.bounds)}")
        rest = [i for i, name in enumerate(names) if name not in domain.space]
        bounds = region.bounds[0][rest], region.bounds[1][rest]
        others = lambda render: _ranges(render, [names[i] for i in rest], bounds)
        return each(lambda render: _words(region.place)(render) + (f", {others(render)}" if rest else ""))
    if names == domain.coordinates and region.fills(domain.bounds):
        return each(lambda render: f"{_words('on')(render)} {_ranges(render, names, domain.bounds)}")
    if any(piece.normal is None for piece in pieces):
        return each(lambda render: f"{_words('on')(render)} {_ranges(render, names, region.bounds)}")
    faces = [_fixed(names, piece.bounds) for piece in pieces]
    if len(faces) > 2 and len(faces) == 2 * len(domain.space):
        return each(_words("on the boundary"))
    listed = lambda render: ", ".join(_equation(render, name, value) for face in faces for name, value in face)
    return each(lambda render: f"{_words('at')(render)} {listed(render)}")


def _words(text: str) -> Callable[[Renderer], str]:
    escaped = re.sub(r"([_#$%&{}])", r"\\\1", text)
    return lambda render: rf"\text{{{escaped}}}\;" if isinstance(render, Latex) else text


def _fixed(names: Sequence[str], bounds: Bounds) -> list[tuple[str, float]]:
    """The coordinates that are constant between bounds."""
    return [(name, float(a)) for name, a, b in zip(names, *bounds, strict=True) if a == b]


def _ranges(render: Renderer, names: Sequence[str], bounds: Bounds) -> str:
    """As in `0 < x < 0.5, t = 0`."""
    return ", ".join(_range(render, name, float(a), float(b)) for name, a, b in zip(names, *bounds, strict=True))


def _range(render: Renderer, name: str, low: float, high: float) -> str:
    if low == high:
        return _equation(render, name, low)
    return f"{render(Number(low))} < {render.name(name)} < {render(Number(high))}"


def _equation(render: Renderer, name: str, value: float) -> str:
    return f"{render.name(name)} = {render(Number(value))}"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 2] + " …"
