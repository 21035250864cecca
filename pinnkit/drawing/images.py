"""Fields over two coordinates as images."""

from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from matplotlib.tri import Triangulation

from ..geometry.domain import TIME_NAMES
from .style import label

BALANCED = 0.1
"""A field is signed if its smaller extreme is at least this share of the other, with the opposite sign."""

SEQUENTIAL, DIVERGING = "viridis", "RdBu_r"


def is_signed(low: float, high: float) -> bool:
    """Whether values between two extremes have both signs substantially, so that a diverging map shows them best."""
    return low < 0 < high and min(-low, high) >= BALANCED * max(-low, high)


def color_scale(low: float, high: float) -> tuple[str, tuple[float, float]]:
    """The colour map of values between two extremes and the values at its ends; signed values are centred on zero."""
    if is_signed(low, high):
        largest = max(-low, high)
        return DIVERGING, (-largest, largest)
    return SEQUENTIAL, (low, high)


def draw_image(
    figure: Any,
    ax: Axes,
    names: tuple[str, str],
    places: tuple[Float[np.ndarray, " n"], Float[np.ndarray, " m"]],
    grid: Float[np.ndarray, "n m"],
    colors: str,
    scale: tuple[float, float],
    title: str,
) -> None:
    """Draw values on a grid over two coordinates with a bar of colours; time is on the horizontal axis.

    - `names`, `places`: of the coordinates, in the order of the axes of `grid`; `scale`: the values of the ends of the
      colour map `colors`.
    """
    horizontal = next((i for i, name in enumerate(names) if name in TIME_NAMES), 0)
    across, up = places[horizontal], places[1 - horizontal]
    norm = Normalize(*scale)
    is_space = not set(names) & set(TIME_NAMES) and 0.25 < np.ptp(across) / np.ptp(up) < 4
    ax.imshow(
        grid if horizontal == 1 else grid.T,
        colors,
        norm,
        aspect="equal" if is_space else "auto",
        origin="lower",
        extent=(across[0], across[-1], up[0], up[-1]),
        interpolation="nearest",
    )
    ax.set(xlabel=label(names[horizontal]), ylabel=label(names[1 - horizontal]))
    ax.set_title(title)
    draw_bar(figure, ax, norm, colors)


def draw_triangles(
    figure: Any,
    ax: Axes,
    names: tuple[str, str],
    mesh: Triangulation,
    values: Float[np.ndarray, " n"],
    colors: str,
    scale: tuple[float, float],
    title: str,
) -> None:
    """Draw values at the corners of triangles with a bar of colours; see `draw_image`."""
    norm = Normalize(*scale)
    ax.tripcolor(mesh, values, cmap=colors, norm=norm, shading="gouraud", rasterized=True)
    ax.set(xlabel=label(names[0]), ylabel=label(names[1]), aspect="equal")
    ax.set_title(title)
    draw_bar(figure, ax, norm, colors)


def draw_bar(figure: Figure, ax: Axes, norm: Normalize, colors: str, name: str = "") -> None:
    """Draw a bar of colours beside axes."""
    bar = figure.colorbar(ScalarMappable(norm, colors), ax=ax, fraction=0.06, pad=0.03, label=name)
    bar.locator = MaxNLocator(5)
    bar.update_ticks()
    bar.outline.set_linewidth(0.5)
    for colors_of_bar in bar.ax.collections:
        colors_of_bar.set_rasterized(True)
