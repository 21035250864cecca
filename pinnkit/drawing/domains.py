"""A picture of a domain with points of each of its parts, or of each condition."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .._base.arguments import check_whole
from ..geometry.domain import TIME_NAMES, AbstractDomain
from ..geometry.region import SLACK, AbstractRegion
from ..geometry.sampling import sobol
from .picture import Picture, figure_of
from .style import GRID, PALETTE, STYLE, label, legend, new_figure

MOST_PANELS = 6

SLAB = 0.05
"""Half of the thickness of a section, by the length of the domain: points inside it are drawn."""

MARGIN = 0.8
"""Inches above the axes, for a legend."""

CELLS = 201
"""Cells along each coordinate in which a section through a shape is drawn."""


INSIDE = "inside"
"""What points of the interior are called."""


def draw(domain: AbstractDomain, points: int = 1000) -> Picture:
    """A picture of a domain: points inside and on each part of its boundary, by color.

    - `points`: their number inside; there are half as many on the boundary, shared out among the parts by measure.

    In space, three sections through the middle are drawn, too. The numbers behind the picture are the points.

    **Raises:** `InputError` if `points` is not a whole number > 0.
    """
    check_whole(1, points=points)
    whole = sum(domain.parts.values())
    share = lambda measure: measure / whole if np.isfinite(whole) and whole > 0 else 1 / len(domain.parts)
    found = {INSIDE: _points_of(domain.interior, points)}
    for name, measure in domain.parts.items():
        found[name] = _points_of(domain.boundary(name), max(round(share(measure) * points / 2), 1))
    return draw_points(domain, found)


def _points_of(region: AbstractRegion, count: int) -> Float[np.ndarray, "n d"]:
    """Evenly spread points of a region, all of them if it has few."""
    count = region.count or max(count, region.least)
    even = lambda n: sobol(max(region.dimension, 1), 2 * n)[:n, : region.dimension]
    unit = np.concatenate([even(n) for n in region.parts(count)])
    with jax.enable_x64(True):
        return np.asarray(region.points(jnp.asarray(unit)).coordinates)


def draw_points(domain: AbstractDomain, points: Mapping[str, Float[np.ndarray, "n d"]]) -> Picture:
    """Named sets of points over one coordinate, a row for each; over two; or over pairs of more coordinates.

    Solids are shown in perspective and by their three middle sections, with the points near these.
    """
    with mpl.rc_context(STYLE):
        axes = _axes(domain)
        panels = _panels(domain)
        handles = list[Any]()
        for ax, pair in zip(axes, panels, strict=True):
            _draw_domain(ax, domain, pair)
            handles = [_draw_set(ax, i, domain, pair, x) for i, x in enumerate(points.values())]
            _finish(ax, domain, pair, list(points))
        figure = figure_of(axes[0])
        legend(figure, handles, [label(name) for name in points])
        if any(len(pair) == 3 for pair in panels):
            top = 1 - MARGIN / figure.get_size_inches()[1]
            figure.subplots_adjust(left=0.08, right=0.97, bottom=0.08, top=top, wspace=0.35, hspace=0.35)
    names = np.concatenate([np.full(len(own), name) for name, own in points.items()])
    rows = np.concatenate(list(points.values()))
    return Picture(figure, {"set": names, **dict(zip(domain.coordinates, rows.T, strict=True))})


def _panels(domain: AbstractDomain) -> list[tuple[int, ...]]:
    """The axes of each panel."""
    d, space = domain.dimension, tuple(domain.coordinates.index(name) for name in domain.space)
    if d == 1:
        return [(0,)]
    pairs = list(itertools.combinations(range(d), 2)) if d <= 4 else [(i, i + 1) for i in range(d - 1)]
    solid = [space] if len(space) == 3 else []
    return [*solid, *pairs][:MOST_PANELS]


def _axes(domain: AbstractDomain) -> list[Axes]:
    panels = _panels(domain)
    columns = min(len(panels), 2 if len(panels) in (2, 4) else 3)
    rows = -(-len(panels) // columns)
    size = (5.2, 3.4) if columns == 1 else (3.3 * columns, 2.9 * rows)
    is_solid = any(len(pair) == 3 for pair in panels)
    figure = Figure(size) if is_solid else new_figure(*size)  # automatic layouts collapse axes in perspective
    return [
        figure.add_subplot(rows, columns, i + 1, projection="3d" if len(pair) == 3 else None)
        for i, pair in enumerate(panels)
    ]


def _draw_domain(ax: Any, domain: AbstractDomain, pair: Sequence[int]) -> None:
    """The inside, in grey; for a solid the section through its middle."""
    if len(pair) != 2:
        return
    across, up = _ordered(domain, pair)
    low, high = domain.bounds
    if not {domain.coordinates[i] for i in pair} <= set(domain.space):
        ax.add_patch(Rectangle((low[across], low[up]), *(high - low)[[across, up]], color=GRID, alpha=0.3, lw=0))
        return
    axes = [np.linspace(low[i], high[i], CELLS) for i in (across, up)]
    mesh = np.meshgrid(*axes, indexing="ij")
    x = np.tile((low + high) / 2, (mesh[0].size, 1))
    x[:, across], x[:, up] = (axis.ravel() for axis in mesh)
    inside = domain.contains(x).reshape(mesh[0].shape).T.astype(float)
    ax.contourf(*axes, inside, levels=[0.5, 2.0], colors=[GRID], alpha=0.3)


def _ordered(domain: AbstractDomain, pair: Sequence[int]) -> tuple[int, int]:
    """The horizontal and the vertical axis: time is horizontal."""
    first, second = pair
    return (second, first) if domain.coordinates[second] in TIME_NAMES else (first, second)


def _draw_set(ax: Any, number: int, domain: AbstractDomain, pair: Sequence[int], x: np.ndarray) -> Any:
    style = {
        "color": PALETTE[number % len(PALETTE)],
        "marker": "os^Dv"[number // len(PALETTE) % 5],
        "ls": "",
        "ms": 1.8,
    }
    if len(pair) == 1:
        return ax.plot(x[:, 0], np.full(len(x), float(-number)), **style)[0]
    if len(pair) == 3:
        on_boundary = np.abs(domain.signed_distance(x)) <= SLACK * float((domain.upper - domain.lower).max())
        return ax.plot(*x[on_boundary][:, list(pair)].T, **style)[0]
    across, up = _ordered(domain, pair)
    near = _near_section(domain, pair, x)
    return ax.plot(x[near, across], x[near, up], alpha=0.7, clip_on=False, **style)[0]


def _near_section(domain: AbstractDomain, pair: Sequence[int], x: Float[np.ndarray, "n d"]) -> np.ndarray:
    """Which points are drawn: those near the middle section through a solid, otherwise all."""
    space = [domain.coordinates.index(name) for name in domain.space]
    if len(space) != 3 or not set(pair) <= set(space):
        return np.ones(len(x), bool)
    (cut,) = set(space) - set(pair)
    low, high = domain.lower[cut], domain.upper[cut]
    return np.abs(x[:, cut] - (low + high) / 2) <= SLAB * (high - low)


def _finish(ax: Any, domain: AbstractDomain, pair: Sequence[int], names: Sequence[str]) -> None:
    if len(pair) == 1:
        ax.set(xlabel=label(domain.coordinates[0]), yticks=[-i for i in range(len(names))])
        ax.set_yticklabels([label(name) for name in names])
        ax.margins(y=0.3)
        return
    ordered = tuple(pair) if len(pair) == 3 else _ordered(domain, pair)
    ax.set(**{f"{axis}label": label(domain.coordinates[i]) for axis, i in zip("xyz", ordered, strict=False)})
    spans = (domain.upper - domain.lower)[list(ordered)]
    if set(domain.coordinates[i] for i in pair) <= set(domain.space) and spans.max() < 8 * spans.min():
        ax.set_aspect("equal")
    space = [domain.coordinates.index(name) for name in domain.space]
    if len(space) == 3 and len(pair) == 2 and set(pair) <= set(space):
        (cut,) = set(space) - set(pair)
        ax.set_title(f"{label(domain.coordinates[cut])} = {(domain.lower[cut] + domain.upper[cut]) / 2:.3g}")
