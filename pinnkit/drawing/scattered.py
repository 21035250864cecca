"""Values at scattered points of a plane as an image."""

from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from ..geometry.domain import TIME_NAMES
from .images import draw_bar
from .style import label

PIXELS = 120
"""Pixels of an image along each coordinate."""

MOST_SMOOTH = 400
"""Most points that a thin plate spline interpolates; more are interpolated from their neighbours."""

NEIGHBOURS, POWER = 6, 3
"""These, by inverse powers of their distance (Shepard, ACM 1968)."""

FAR = 3.0
"""A pixel is left empty where the nearest point is so many times farther than points are from each other."""

FEW_MARKS = 300
"""Fewer points have larger marks."""

SPARSE = 0.5
"""If more than this share of the pixels is empty, the points themselves are drawn."""


def draw_scattered(
    figure: Any,
    ax: Axes,
    names: tuple[str, str],
    points: Float[np.ndarray, "n 2"],
    values: Float[np.ndarray, " n"],
    colors: str,
    scale: tuple[float, float],
    bar: str | None = None,
) -> None:
    """Draw values at points with two coordinates, time on the horizontal axis, and a bar of colours labelled `bar`.

    - `names`: the labels of the coordinates; `scale`: the values of the ends of the colour map `colors`.
    """
    if names[1] in TIME_NAMES:
        names, points = (names[1], names[0]), points[:, ::-1]
    norm, image = Normalize(*scale), _image(points, values)
    if image is None:
        shown = np.argsort(np.abs(values))
        size = 5 if len(values) > FEW_MARKS else 16
        ax.scatter(*points[shown].T, c=values[shown], cmap=colors, norm=norm, s=size, linewidths=0, rasterized=True)
    else:
        (left, bottom), (right, top) = points.min(axis=0), points.max(axis=0)
        ax.imshow(image, colors, norm, aspect="auto", origin="lower", extent=(left, right, bottom, top))
    is_space = not set(names) & set(TIME_NAMES) and 0.25 < np.ptp(points[:, 0]) / np.ptp(points[:, 1]) < 4
    ax.set(xlabel=label(names[0]), ylabel=label(names[1]), aspect="equal" if is_space else "auto")
    if bar is not None:
        draw_bar(figure, ax, norm, colors, bar)


def _image(points: Float[np.ndarray, "n 2"], values: Float[np.ndarray, " n"]) -> Float[np.ndarray, "m m"] | None:
    """The interpolated values, NaN far from all points; None where most pixels are."""
    from scipy.interpolate import RBFInterpolator
    from scipy.spatial import KDTree

    low, span = points.min(axis=0), np.ptp(points, axis=0)
    unit = (points - low) / np.where(span > 0, span, 1.0)
    tree, axis = KDTree(unit), np.linspace(0, 1, PIXELS)
    pixels = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    count = min(NEIGHBOURS, len(points))
    distance, nearest = (found.reshape(len(pixels), -1) for found in tree.query(pixels, count))
    spacing = np.median(tree.query(unit, min(2, len(points)))[0].reshape(len(points), -1)[:, -1])
    is_far = distance[:, 0] > FAR * spacing
    if is_far.mean() > SPARSE:
        return None
    if len(points) <= MOST_SMOOTH:
        image = RBFInterpolator(unit, values, smoothing=1e-9)(pixels).clip(values.min(), values.max())
    else:
        weights = 1 / np.maximum(distance, 1e-9) ** POWER
        image = (weights * values[nearest]).sum(axis=1) / weights.sum(axis=1)
    return np.where(is_far, np.nan, image).reshape(PIXELS, PIXELS)
