"""Pictures and animations of a solution."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.animation import AbstractMovieWriter, FFMpegWriter, PillowWriter
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from .._base.errors import InputError, MissingPackageError
from .._base.numbers import point
from ..drawing.images import color_scale, draw_image
from ..drawing.picture import DPI, Picture, figure_of
from ..drawing.style import PALETTE, STYLE, label, limits, name_axes, new_figure
from .slices import Slices

MOST_PANELS = 24
"""Most panels of one picture."""


def draw(found: Sequence[Slices], ax: Axes | None, cmap: str | None) -> Picture:
    """Curves over one coordinate, with the reference dashed; images over two, one panel for each slice.

    **Raises:** `InputError` for an unknown colour map, too many panels, and several panels on one `ax`.
    """
    _check_colors(cmap)
    is_curve = len(found[0].free) == 1
    columns = 1 if is_curve else sum(len(each.fixed) for each in found)
    panels = len(found[0].values) * columns
    if ax is not None and panels != 1:
        raise InputError(f"the picture has {panels} panels, too many for `ax`; choose a field and fewer values")
    if panels > MOST_PANELS:
        raise InputError(f"the picture has {panels} panels, more than {MOST_PANELS}; choose a field and fewer values")
    scales = {name: limits(np.concatenate([each.values[name].ravel() for each in found])) for name in found[0].values}
    with mpl.rc_context(STYLE):
        axes, first = _axes(found[0], columns, is_curve) if ax is None else [[ax]], 0
        for each in found:
            own = columns if is_curve else len(each.fixed)
            _paint([row[first : first + own] for row in axes], each, scales, cmap)
            first += own
    tables = [each.table for each in found]
    columns_of = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
    return Picture(figure_of(axes[0][0]), columns_of)


def animate(path: Path, found: Slices, fps: int, cmap: str | None) -> None:
    """Write a movie with one frame for each slice.

    **Raises:** `InputError` for another suffix than `.gif` and `.mp4`; `MissingPackageError` for `.mp4` without ffmpeg.
    """
    writer = _writer(path, fps)
    _check_colors(cmap)
    is_curve = len(found.free) == 1
    with mpl.rc_context(STYLE):
        figure = new_figure(4.8, 3.2 * len(found.values))
        with writer.saving(figure, str(path), DPI):
            for i in range(len(found.fixed)):
                figure.clear()
                axes = [list(row) for row in figure.subplots(len(found.values), 1, squeeze=False)]
                _paint(axes, found.only(i), found.scales, cmap)
                if is_curve:
                    for (ax,), (low, high) in zip(axes, found.scales.values(), strict=True):
                        margin = 0.05 * ((high - low) or 1.0)
                        ax.set_ylim(low - margin, high + margin)
                writer.grab_frame()


def _check_colors(cmap: str | None) -> None:
    if cmap is not None and cmap not in mpl.colormaps:
        raise InputError(f"matplotlib has no colour map '{cmap}'; for example 'viridis', 'magma' or 'RdBu_r'")


def _paint(axes: list[list[Axes]], found: Slices, scales: dict[str, tuple[float, float]], cmap: str | None) -> None:
    """Draw each component on a row of axes; `scales` are the smallest and the largest values of its colour scale."""
    for row, name in zip(axes, found.values, strict=True):
        if len(found.free) == 1:
            _draw_curves(row[0], found, name, cmap)
        else:
            _draw_images(row, found, name, scales[name], cmap)
    name_axes(figure_of(axes[0][0]), found.titles)


def _axes(found: Slices, columns: int, is_curve: bool) -> list[list[Axes]]:
    width, height = (4.6, 3.0) if is_curve else (3.6 if columns > 1 else 4.8, 3.0)
    figure = new_figure(width * columns, height * len(found.values))
    return [list(row) for row in figure.subplots(len(found.values), columns, squeeze=False)]


def _draw_curves(ax: Axes, found: Slices, name: str, cmap: str | None) -> None:
    ((coordinate, x),) = found.free.items()
    colors: Any = mpl.colormaps[cmap] if cmap else LinearSegmentedColormap.from_list("slices", [PALETTE[4], PALETTE[0]])
    last = max(len(found.fixed) - 1, 1)
    for i, fixed in enumerate(found.fixed):
        color = colors(i / last) if len(found.fixed) > 1 or cmap else PALETTE[0]
        ax.plot(x, found.values[name][i], color=color, lw=1.6, label=point(fixed, found.units) or "solution")
        if name in found.reference:
            once = "reference" if i == len(found.fixed) - 1 else None
            ax.plot(x, found.reference[name][i], color="black", lw=0.9, ls=(0, (3, 2)), label=once)
    ax.set(xlabel=label(coordinate), ylabel=label(name), title=label(name))
    ax.grid(axis="y")
    if len(found.fixed) > 1 or name in found.reference or found.fixed[0]:
        ax.legend(loc="best", fontsize=7)


def _draw_images(row: list[Axes], found: Slices, name: str, scale: tuple[float, float], cmap: str | None) -> None:
    names, places = tuple(found.free), tuple(found.free.values())
    colors, ends = color_scale(*scale) if cmap is None else (cmap, scale)
    for ax, fixed, grid in zip(row, found.fixed, found.values[name], strict=True):
        title = f"{label(name)} at {point(fixed, found.units)}" if fixed else label(name)
        draw_image(figure_of(ax), ax, (names[0], names[1]), (places[0], places[1]), grid, colors, ends, title)


def _writer(path: Path, fps: int) -> AbstractMovieWriter:
    if path.suffix == ".gif":
        return PillowWriter(fps=fps)
    if path.suffix != ".mp4":
        raise InputError(f"an animation is a `.gif` or `.mp4`, got '{path.name}'")
    if shutil.which("ffmpeg") is None:
        raise MissingPackageError(
            "an `.mp4` is written by ffmpeg, which is not installed; install it, or write a `.gif`"
        )
    return FFMpegWriter(fps=fps)
