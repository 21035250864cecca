"""Pictures of the solution on its test grid, with the reference if the problem has one."""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.tri import Triangulation

from .._base.errors import InputError
from ..drawing.images import DIVERGING, color_scale, draw_image, draw_triangles
from ..drawing.style import GRID, PALETTE, label, limits, name_axes, new_figure, styled
from ..geometry.domain import TIME_NAMES
from ..runs.grid_fields import GridFields

SLICES = 3
"""Slices of a field over three coordinates; a field over two has two more, as curves."""

MOST_ROWS = 12
"""Most rows of pictures; further components are left out."""


def titled(plot: Callable[..., Figure]) -> Callable[..., Figure]:
    """A picture of grid fields in the style of all pictures, with their titles in place of names."""

    @functools.wraps(plot)
    def titled(snapshot: GridFields, **options: Any) -> Figure:
        return name_axes(styled(plot)(snapshot, **options), snapshot.titles)

    return titled


def can_plot(snapshot: GridFields) -> bool:
    """Whether `plot_solution` can draw: up to three coordinates on a grid, or any points with a reference."""
    return bool(snapshot.fields) and (is_grid(snapshot) or bool(snapshot.reference))


def is_grid(snapshot: GridFields) -> bool:
    """Whether the points are a grid over up to three coordinates; over the first two it may be one of triangles."""
    axes = len(snapshot.shape) + bool(snapshot.triangles.size)
    return bool(snapshot.shape) and axes == len(snapshot.coordinates) <= 3


@titled
def plot_solution(snapshot: GridFields) -> Figure:
    """Each field, its reference and the error, a row for each component.

    Curves over one coordinate; images over two, with time on the horizontal axis; slices over three, at three times or
    at three values of the last coordinate. Over more coordinates the solution is drawn against the reference.

    **Raises:** `InputError` if there is nothing to draw (see `can_plot`).
    """
    if not can_plot(snapshot):
        raise InputError(
            f"cannot draw fields over {len(snapshot.coordinates)} coordinates without a grid or a reference"
        )
    if not is_grid(snapshot):
        return _parity(snapshot)
    draw = {1: _lines, 2: _images, 3: _slices}[len(snapshot.coordinates)]
    return draw(snapshot)


def is_single(snapshot: GridFields) -> bool:
    """Whether there is one component on a grid over two coordinates, whose pictures are as large as the page."""
    return is_grid(snapshot) and len(snapshot.coordinates) == 2 and len(list(components(snapshot))) == 1


def has_time(snapshot: GridFields) -> bool:
    return time_axis(snapshot) is not None


@titled
def plot_single(snapshot: GridFields, what: str) -> Figure:
    """The only component over two coordinates: its "solution", "reference" or "error"."""
    ((name, values, reference),) = components(snapshot)
    figure = new_figure(9.2 if what == "solution" and has_time(snapshot) else 4.6, 3.1)
    shown = values if reference is None else np.concatenate([values, reference])
    colors, scale = color_scale(*limits(shown))
    titles = {"solution": name, "reference": f"{name}, reference", "error": f"{name} − reference"}
    if what != "solution":
        assert reference is not None  # noqa: S101  there is none to draw
        values = reference if what == "reference" else values - reference
    if what == "error":
        colors, scale = DIVERGING, around_zero(values)
    draw_field(figure, figure.subplots(), snapshot, (0, 1), values.reshape(snapshot.shape), colors, scale, titles[what])
    return figure


def can_plot_slices(snapshot: GridFields) -> bool:
    """Whether `plot_slices` can draw: two coordinates on a grid, one of them time."""
    return len(snapshot.shape) == len(snapshot.coordinates) == 2 and time_axis(snapshot) is not None


@titled
def plot_slices(snapshot: GridFields) -> Figure:
    """Each component over space at five times, the reference dashed. **Raises:** `InputError` without a time."""
    time = time_axis(snapshot)
    if time is None or not can_plot_slices(snapshot):
        raise InputError("slices at several times need two coordinates on a grid, one of them t or time")
    rows = list(components(snapshot))[:MOST_ROWS]
    columns = min(len(rows), 2)
    figure = new_figure(4.6 * columns, 3.1 * -(-len(rows) // columns))
    axes = figure.subplots(-(-len(rows) // columns), columns, squeeze=False).ravel()
    for ax in axes[len(rows) :]:
        ax.set_axis_off()
    x, times = snapshot.axes[1 - time], snapshot.axes[time]
    chosen = np.unique(np.linspace(0, len(times) - 1, SLICES + 2).round().astype(int))
    colors = LinearSegmentedColormap.from_list("times", [PALETTE[4], PALETTE[0]])
    for ax, (name, values, reference) in zip(axes, rows, strict=False):
        for number, i in enumerate(chosen):
            color = colors(number / max(len(chosen) - 1, 1))
            at = lambda grid, i=i: np.take(grid.reshape(snapshot.shape), i, axis=time)
            ax.plot(x, at(values), color=color, lw=1.6, label=f"{label(snapshot.coordinates[time])} = {times[i]:.3g}")
            if reference is not None:
                ax.plot(x, at(reference), color=color, lw=1.0, ls=(0, (3, 2)))
        ax.set(xlabel=label(snapshot.coordinates[1 - time]), title=name)
        ax.grid(axis="y")
    axes[0].legend(loc="best", fontsize=7)
    return figure


def _lines(snapshot: GridFields) -> Figure:
    rows = list(components(snapshot))[:MOST_ROWS]
    columns = 2 if snapshot.reference else 1
    figure = new_figure(4.3 * columns, 2.5 * len(rows))
    order = np.argsort(snapshot.points[:, 0])
    x, axis = snapshot.points[order, 0], label(snapshot.coordinates[0])
    for row, (name, values, reference) in zip(figure.subplots(len(rows), columns, squeeze=False), rows, strict=True):
        handles = row[0].plot(x, values[order], color=PALETTE[0], lw=2.2, alpha=0.75)
        names = ["solution"]
        if reference is not None:
            handles += row[0].plot(x, reference[order], color=PALETTE[1], lw=1.0, ls="--")
            names.append("reference")
            row[1].plot(x, (values - reference)[order], color=PALETTE[2], lw=1.0)
            row[1].set(xlabel=axis, title=f"{name} − reference")
        for ax in row:
            ax.grid(axis="y")
        row[0].set(xlabel=axis, title=name)
        row[0].legend(handles, names, loc="best")
    return figure


def _images(snapshot: GridFields) -> Figure:
    rows = list(components(snapshot))[:MOST_ROWS]
    columns = 3 if snapshot.reference else 1
    figure = new_figure(2.95 * columns if columns == 3 else 4.3, 2.35 * len(rows))
    for row, (name, values, reference) in zip(figure.subplots(len(rows), columns, squeeze=False), rows, strict=True):
        _draw_row(figure, row, snapshot, (0, 1), name, values, reference)
    return figure


def _slices(snapshot: GridFields) -> Figure:
    """Images at several values of one coordinate; all images of a component share a colour scale."""
    time = time_axis(snapshot)
    cut = len(snapshot.coordinates) - 1 if time is None else time
    kept = {0: (1, 2), 1: (0, 2), 2: (0, 1)}[cut]
    places = snapshot.axes[cut]
    # initial, middle and final time; in space not the faces, where values are often prescribed
    shares = np.linspace(0, 1, SLICES) if time is not None else np.linspace(0, 1, SLICES + 2)[1:-1]
    chosen = np.unique((shares * (len(places) - 1)).round().astype(int))
    shown_components = list(components(snapshot))[: MOST_ROWS // len(chosen)]
    columns = 3 if snapshot.reference else len(chosen)
    count = len(shown_components) * (len(chosen) if snapshot.reference else 1)
    figure = new_figure(2.95 * columns, 2.35 * count)
    axes = figure.subplots(count, columns, squeeze=False)
    rows = iter(axes)
    for name, values, reference in shown_components:
        at = lambda grid, i: np.take(grid.reshape(snapshot.shape), i, axis=-1 if snapshot.triangles.size else cut)
        shown = values if reference is None else np.concatenate([values, reference])
        error = None if reference is None else values - reference
        row = next(rows) if reference is None else None
        for column, i in enumerate(chosen):
            title = f"{name} at {label(snapshot.coordinates[cut])} = {places[i]:.3g}"
            if reference is None or error is None:
                assert row is not None  # noqa: S101  set above
                draw_field(figure, row[column], snapshot, kept, at(values, i), *color_scale(*limits(shown)), title)
            else:
                _draw_three(
                    figure, next(rows), snapshot, kept, title, (at(values, i), at(reference, i)), limits(shown), error
                )
    return figure


def _draw_row(
    figure: Figure,
    row: Sequence[Axes],
    snapshot: GridFields,
    kept: tuple[int, int],
    name: str,
    values: np.ndarray,
    reference: np.ndarray | None,
) -> None:
    grid = lambda v: v.reshape(snapshot.shape)
    if reference is None:
        draw_field(figure, row[0], snapshot, kept, grid(values), *color_scale(*limits(values)), name)
        return
    both = limits(np.concatenate([values, reference]))
    _draw_three(figure, row, snapshot, kept, name, (grid(values), grid(reference)), both, values - reference)


def _draw_three(
    figure: Figure,
    row: Sequence[Axes],
    snapshot: GridFields,
    kept: tuple[int, int],
    title: str,
    grids: tuple[np.ndarray, np.ndarray],
    scale: tuple[float, float],
    error: np.ndarray,
) -> None:
    """Solution, reference and error; the scale of the error is symmetric and covers all slices."""
    values, reference = grids
    colors, ends = color_scale(*scale)
    draw_field(figure, row[0], snapshot, kept, values, colors, ends, title)
    draw_field(figure, row[1], snapshot, kept, reference, colors, ends, "reference")
    draw_field(figure, row[2], snapshot, kept, values - reference, DIVERGING, around_zero(error), "error")


def around_zero(values: np.ndarray) -> tuple[float, float]:
    """Symmetric ends of a scale that covers the values."""
    largest = max(map(abs, limits(values))) or np.finfo(float).tiny
    return -largest, largest


def draw_field(
    figure: Figure,
    ax: Axes,
    snapshot: GridFields,
    kept: tuple[int, int],
    grid: np.ndarray,
    colors: str,
    scale: tuple[float, float],
    title: str,
) -> None:
    """Draw a grid over two of the coordinates, time on the horizontal axis; or values at the corners of triangles."""
    names = snapshot.coordinates[kept[0]], snapshot.coordinates[kept[1]]
    if not snapshot.triangles.size:
        places = snapshot.axes[kept[0]], snapshot.axes[kept[1]]
        draw_image(figure, ax, names, places, grid, colors, scale, title)
        return
    corners = snapshot.points[:: len(snapshot.points) // grid.size, :2]
    known = snapshot.triangles[np.isfinite(grid[snapshot.triangles]).all(axis=1)]
    mesh = Triangulation(corners[:, 0], corners[:, 1], known if len(known) else snapshot.triangles)
    draw_triangles(figure, ax, names, mesh, grid, colors, scale, title)


def _parity(snapshot: GridFields) -> Figure:
    """The solution against the reference at scattered points, one panel for each component."""
    rows = [row for row in components(snapshot) if row[2] is not None][:MOST_ROWS]
    figure = new_figure(3.3 * min(len(rows), 3), 3.1 * -(-len(rows) // 3))
    axes = figure.subplots(-(-len(rows) // 3), min(len(rows), 3), squeeze=False).ravel()
    for ax in axes[len(rows) :]:
        ax.set_axis_off()
    for ax, (name, values, reference) in zip(axes, rows, strict=False):
        assert reference is not None  # noqa: S101  chosen above
        low, high = limits(np.concatenate([values, reference]))
        ax.plot((low, high), (low, high), color=GRID, lw=1.0)
        ax.plot(reference, values, ".", color=PALETTE[0], ms=1.5, alpha=0.5, rasterized=True)
        ax.set(xlabel="reference", ylabel="solution", title=name, aspect="equal")
    return figure


def time_axis(snapshot: GridFields) -> int | None:
    """The index of the time coordinate, or None."""
    return next((i for i, name in enumerate(snapshot.coordinates) if name in TIME_NAMES), None)


def components(snapshot: GridFields) -> Iterator[tuple[str, np.ndarray, np.ndarray | None]]:
    """Label, values and reference of every component of every field; values are NaN where the reference is."""
    for name, values in snapshot.fields.items():
        reference = snapshot.reference.get(name)
        values = values if reference is None else np.where(np.isnan(reference), np.nan, values)
        if values.ndim == 1:
            yield label(name), values, reference
            continue
        for i in range(values.shape[1]):
            yield f"{label(name)}[{i}]", values[:, i], None if reference is None else reference[:, i]
