"""The style of all pictures: colours, axes, labels.

Pictures use the object-oriented interface: no window opens, and global settings are restored. Names are drawn
literally, never as mathematics. Values that are not positive are left out on logarithmic axes.
"""

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from .._base.numbers import printable

INK = "#5f6368"
"""Text and axes: readable on white and on black."""

GRID = "#c4c7cb"

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Distinguishable by colour-blind readers (Okabe & Ito, *Color universal design*, 2008)."""

DASHES = ("-", "--", "-.", ":")

MOST_POINTS = 1000
"""Most points of a curve; longer curves are reduced to the minimum and maximum of each interval."""

FEW_POINTS = 20
"""Curves of fewer points have marks."""

LEGEND_ROW = 0.17
"""Height of a row of a legend, in inches."""

STYLE: Any = {
    "text.parse_math": False,
    "font.size": 8.5,
    "axes.titlesize": 9,
    "axes.labelsize": 8.5,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.5,
    "grid.linewidth": 0.5,
    "grid.color": GRID,
    "axes.formatter.limits": (-3, 4),
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
}

Values: TypeAlias = Sequence[float] | np.ndarray


class Curve(NamedTuple):
    """A curve of a picture."""

    label: str
    x: Values
    y: Values
    color: str
    style: str
    width: float


def styled(plot: Callable[..., Figure]) -> Callable[..., Figure]:
    @functools.wraps(plot)
    def styled(*args: Any, **options: Any) -> Figure:
        with mpl.rc_context(STYLE):
            return plot(*args, **options)

    return styled


def name_axes(figure: Figure, titles: Mapping[str, str]) -> Figure:
    """Replace names on axes and above them by titles, as `T` by `temperature T (K)`."""
    known = {label(name): label(title) for name, title in titles.items()}
    for ax in figure.axes:
        for what in ("xlabel", "ylabel", "title"):
            if (shown := getattr(ax, f"get_{what}")()) in known:
                ax.set(**{what: known[shown]})
    return figure


def thinned(x: Values, y: Values) -> tuple[np.ndarray, np.ndarray]:
    """A curve of at most about `MOST_POINTS` points: the ends, and minimum and maximum of each interval."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    if len(y) <= MOST_POINTS:
        return x, y
    edges = np.linspace(0, len(y), MOST_POINTS // 2).astype(int)
    spans = list(itertools.pairwise(edges))
    low = [a + int(np.argmin(y[a:b])) for a, b in spans]
    high = [a + int(np.argmax(y[a:b])) for a, b in spans]
    keep = np.unique([0, *low, *high, len(y) - 1])
    return x[keep], y[keep]


def new_figure(width: float, height: float) -> Figure:
    """An empty figure; `width` and `height` in inches."""
    return Figure(figsize=(width, height), layout="constrained")


def new_axes(x: str, y: str) -> tuple[Figure, Axes]:
    """A figure with one pair of axes labelled `x` and `y`."""
    figure = new_figure(4.6, 3.1)
    ax = figure.subplots()
    ax.set(xlabel=x, ylabel=y)
    ax.grid(axis="y")
    return figure, ax


def draw_curves(figure: Figure | None, ax: Axes, curves: Sequence[Curve]) -> None:
    """Draw curves with a logarithmic vertical axis, and their legend: above the axes of a `figure`, or inside them."""
    handles, positive, last = [], [np.empty(0)], 1.0
    for curve in curves:
        x, y = thinned(curve.x, positive_of(curve.y))
        marks: Any = {"marker": "o"} if np.isfinite(y).sum() < FEW_POINTS and curve.style[0] not in "os" else {}
        handles += ax.plot(x, y, curve.style, color=curve.color, lw=curve.width, **marks)
        positive.append(y)
        last = max([last, *map(float, x[-1:])])
    log_axis(ax, np.concatenate(positive))
    labels = [label(curve.label) for curve in curves]
    if figure is None:
        ax.legend(handles, labels, loc="best")
    else:
        legend(figure, handles, labels)
    whole_numbers(ax)
    ax.set_xlim(-0.02 * last, 1.02 * last)


def whole_numbers(ax: Axes) -> None:
    """Ticks of the horizontal axis at whole numbers."""
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def limits(values: np.ndarray) -> tuple[float, float]:
    """Smallest and largest finite value; (0, 1) without any."""
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)


def positive_of(values: Values) -> np.ndarray:
    """The values, with NaN in place of those that a logarithmic axis cannot show."""
    values = np.asarray(values, float)
    return np.where(np.isfinite(values) & (values > 0), values, np.nan)


def log_axis(ax: Axes, values: np.ndarray, horizontal: bool = False) -> None:
    """Make an axis logarithmic, with limits around the positive values."""
    values = values[np.isfinite(values) & (values > 0)]
    low, high = (math.log10(values.min()), math.log10(values.max())) if values.size else (0.0, 1.0)
    bottom, top = math.floor(low - 0.1), math.ceil(high + 0.1)
    ends = 10.0 ** max(bottom, -300), 10.0 ** min(top, 300)
    if horizontal:
        ax.set_xscale("log")
        ax.set_xlim(*ends)
    else:
        ax.set_yscale("log")
        ax.set_ylim(*ends)
    axis = ax.xaxis if horizontal else ax.yaxis
    axis.set_major_locator(LogLocator(numticks=7))
    axis.set_major_formatter(FuncFormatter(_power_of_ten))
    axis.set_minor_formatter(NullFormatter())


def _power_of_ten(value: float, _position: int | None = None) -> str:
    exponent = round(math.log10(value))
    return "10" + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def legend(figure: Figure, handles: Sequence[Any], labels: Sequence[str]) -> None:
    """Draw a legend above the axes; the figure grows to make room for it."""
    columns = max(1, min(len(labels), 3, 66 // (max(map(len, labels)) + 7)))
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + LEGEND_ROW * (math.ceil(len(labels) / columns) - 1))
    figure.legend(handles, labels, loc="outside upper left", ncols=columns, columnspacing=1.2)


def label(name: str) -> str:
    """A name as a label: printable, at most 40 characters, and visible despite a leading underscore."""
    text = printable(name)
    text = text if len(text) <= 40 else text[:39] + "…"
    return f"\u200b{text}" if text.startswith("_") else text


def looks() -> Iterator[tuple[str, str]]:
    """Endless pairs of colour and dash."""
    return ((color, dash) for dash in itertools.cycle(DASHES) for color in PALETTE)


def some(items: Sequence[Any], most: int) -> list[Any]:
    """At most `most` items, evenly spread, including the first and the last."""
    if len(items) <= most:
        return list(items)
    return [items[round(i)] for i in np.linspace(0, len(items) - 1, most)]
