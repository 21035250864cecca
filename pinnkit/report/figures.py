"""Pictures of a run as matplotlib figures.

They use the object-oriented interface: no window opens, and no global setting stays changed. Names are drawn as they
are, never as mathematics. Logarithmic axes say nothing about values that are not positive: those are left out.
"""

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from .._types import TIME_NAMES
from ..history import History, Snapshot
from ..ntk.spectrum import Spectrum

INK = "#5f6368"
"""Text and axes: readable on white and on black."""

GRID = "#c4c7cb"

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Told apart by the colour-blind (Okabe & Ito, *Color universal design*, 2008)."""

DASHES = ("-", "--", "-.", ":")

MOST_POINTS = 1000
"""Points of a curve; what a longer one does between them shows as minimum and maximum."""

LEGEND_ROW = 0.17
"""Inches."""

MOST_SPECTRA = 7
MOST_MARKS = 40

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
    """A line of a picture."""

    label: str
    x: Values
    y: Values
    color: str
    style: str
    width: float


def _styled(plot: Callable[..., Figure]) -> Callable[..., Figure]:
    @functools.wraps(plot)
    def styled(*args: Any) -> Figure:
        with mpl.rc_context(STYLE):
            return plot(*args)

    return styled


@_styled
def plot_losses(history: History) -> Figure:
    """Loss on training and held-out points, and mean square residual per condition, against steps."""
    figure, ax = _curves("step", "loss, mean r²")
    curves = [Curve("loss", history.step, history.loss, INK, "-", 1.8)]
    checks = history.checks
    if checks:
        at, values = [c.step for c in checks], [c.held_out_loss for c in checks]
        curves.append(Curve("held-out loss", at, values, INK, "--", 1.2))
    for name, (color, dash) in zip(history.conditions, _looks(), strict=False):
        curves.append(Curve(f"mean r² {name}", history.step, history.losses[name], color, dash, 1.0))
    return _drawn(figure, ax, curves, history)


@_styled
def plot_errors(history: History) -> Figure:
    """Relative L2 error per field against steps. **Raises:** `ValueError` for a run without a reference."""
    checks = [check for check in history.checks if check.relative_l2]
    if not checks:
        raise ValueError("there is no error to plot: the run was not compared with a reference")
    figure, ax = _curves("step", "relative L2 error")
    at = [check.step for check in checks]
    curves = [
        Curve(name, at, [check.relative_l2[name] for check in checks], color, dash, 1.4)
        for name, (color, dash) in zip(checks[0].relative_l2, _looks(), strict=False)
    ]
    return _drawn(figure, ax, curves, history)


@_styled
def plot_weights(history: History) -> Figure:
    """Loss weight per condition against steps."""
    figure, ax = _curves("step", "loss weight")
    curves = [
        Curve(name, history.step, history.weights[name], color, dash, 1.4)
        for name, (color, dash) in zip(history.conditions, _looks(), strict=False)
    ]
    return _drawn(figure, ax, curves, history)


@_styled
def plot_learning_rate(history: History) -> Figure:
    """Learning rate against steps, where it is known, beside 2/λ_max at the looks at the kernel.

    2/λ_max bounds the rate of plain gradient descent; other optimizers scale the step themselves.
    """
    figure, ax = _curves("step", "learning rate")
    at = [record.step for record in history.diagnostics]
    bounds = np.array([record.stable_learning_rate for record in history.diagnostics], float)  # NaN for None
    curves = [
        Curve("learning rate", history.step, history.learning_rate, PALETTE[0], "-", 1.4),
        Curve("2/λ_max, bound of gradient descent", at, bounds, PALETTE[1], "o--", 0.8),
    ]
    return _drawn(figure, ax, curves, history)


@_styled
def plot_spectrum(history: History) -> Figure:
    """Eigenvalues of the training kernel as training goes on.

    Those below the noise floor are not drawn as values: the last record has hollow marks at its floor for them.
    """
    figure, ax = _curves("index of eigenvalue", "eigenvalue of training kernel")
    records = _some(history.diagnostics, MOST_SPECTRA)
    colors = LinearSegmentedColormap.from_list("steps", [GRID, PALETTE[0]])
    drawn = []
    for i, record in enumerate(records):
        color = colors(1.0 if len(records) == 1 else 0.15 + 0.85 * i / (len(records) - 1))
        is_last = i == len(records) - 1
        drawn += _draw_spectrum(ax, record.spectrum, color, "-", 1.6 if is_last else 1.0, marks=is_last)
    if records:
        drawn += _draw_floor(ax, records[-1].spectrum, INK)
        steps = _listed(f"{r.step:,}" for r in records)
        handles = [Line2D([], [], color=PALETTE[0], lw=1.6), *_floor_handles(INK)]
        labels = [f"resolvable, step {steps}", "noise floor at the end", "unresolvable at the end"]
        _legend(figure, handles, labels)
    return _spectral(figure, ax, drawn)


@_styled
def plot_blocks(history: History) -> Figure:
    """Eigenvalues of each condition's block of the training kernel at the last record, as in `plot_spectrum`."""
    figure, ax = _curves("index of eigenvalue", "eigenvalue of block")
    handles, labels, drawn = [], [], []
    blocks = history.diagnostics[-1].blocks if history.diagnostics else {}
    for (name, spectrum), (color, dash) in zip(blocks.items(), _looks(), strict=False):
        drawn += _draw_spectrum(ax, spectrum, color, dash, 1.4, marks=True)
        drawn += _draw_floor(ax, spectrum, color)
        handles.append(Line2D([], [], color=color, ls=dash, marker="o", ms=2.5))
        labels.append(f"{_label(name)} ({spectrum.numerical_rank} of {spectrum.size} resolvable)")
    if handles:
        _legend(figure, [*handles, _floor_handles(INK)[1]], [*labels, "unresolvable, at the noise floor"])
    return _spectral(figure, ax, drawn)


def can_plot(snapshot: Snapshot) -> bool:
    """Whether `plot_solution` has a picture for it: one coordinate, or two on a grid."""
    dimension = len(snapshot.coordinates)
    return bool(snapshot.fields) and (dimension == 1 or (dimension == 2 and len(snapshot.shape) == 2))


@_styled
def plot_solution(snapshot: Snapshot) -> Figure:
    """Each field, its reference and the error, one row a component: curves over one coordinate, images over two.

    Time is drawn horizontally. **Raises:** `ValueError` for more coordinates, or two without a grid.
    """
    if not can_plot(snapshot):
        raise ValueError(f"there is no picture of fields over {len(snapshot.coordinates)} coordinates without a grid")
    rows = list(_components(snapshot))
    columns = 3 if any(reference is not None for _, _, reference in rows) else 1
    draw, height = (_draw_images, 2.35) if len(snapshot.coordinates) == 2 else (_draw_lines, 2.5)
    if len(snapshot.coordinates) == 1:
        columns = min(columns, 2)
    figure = _figure(2.95 * columns if columns == 3 else 4.3 * columns, height * len(rows))
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for row, (label, values, reference) in zip(axes, rows, strict=True):
        draw(figure, row, snapshot, label, values, reference)
    return figure


def thinned(x: Values, y: Values) -> tuple[np.ndarray, np.ndarray]:
    """A curve of at most about `MOST_POINTS` points: ends, and minimum and maximum of each stretch."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    if len(y) <= MOST_POINTS:
        return x, y
    edges = np.linspace(0, len(y), MOST_POINTS // 2).astype(int)
    spans = list(itertools.pairwise(edges))
    low = [a + int(np.argmin(y[a:b])) for a, b in spans]
    high = [a + int(np.argmax(y[a:b])) for a, b in spans]
    keep = np.unique([0, *low, *high, len(y) - 1])
    return x[keep], y[keep]


def _figure(width: float, height: float) -> Figure:
    return Figure(figsize=(width, height), layout="constrained")


def _curves(x: str, y: str) -> tuple[Figure, Axes]:
    figure = _figure(4.6, 3.1)
    ax = figure.subplots()
    ax.set(xlabel=x, ylabel=y)
    ax.grid(axis="y")
    return figure, ax


def _drawn(figure: Figure, ax: Axes, curves: list[Curve], history: History) -> Figure:
    handles, positive = [], []
    for curve in curves:
        x, y = thinned(curve.x, _positive(curve.y))
        handles += ax.plot(x, y, curve.style, color=curve.color, lw=curve.width)
        positive.append(y)
    _log_axis(ax, np.concatenate(positive))
    _legend(figure, handles, [_label(curve.label) for curve in curves])
    ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    last = max(1, len(history.step), *(record.step for record in history.diagnostics))
    ax.set_xlim(-0.02 * last, 1.02 * last)
    for _, first in history.phases[1:]:
        ax.axvline(first, color=INK, lw=0.6, ls=":")
    ends = [first for _, first in history.phases[1:]] + [last]
    for (name, first), end in zip(history.phases, ends, strict=True):
        if len(history.phases) > 1:
            ax.text((first + end) / 2, 1.0, _label(name), transform=ax.get_xaxis_transform(), ha="center", fontsize=7)
    return figure


def _spectral(figure: Figure, ax: Axes, drawn: list[np.ndarray]) -> Figure:
    _log_axis(ax, np.concatenate([np.empty(0), *drawn]))
    ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    return figure


def _draw_spectrum(ax: Axes, spectrum: Spectrum, color: Any, dash: str, width: float, marks: bool) -> list[np.ndarray]:
    """The resolvable eigenvalues."""
    places, values = np.flatnonzero(spectrum.resolvable) + 1, spectrum.eigenvalues[spectrum.resolvable]
    marker = "o" if marks and values.size <= MOST_MARKS else ""
    ax.plot(places, values, color=color, ls=dash, lw=width, marker=marker, ms=2.5)
    return [values]


def _draw_floor(ax: Axes, spectrum: Spectrum, color: Any) -> list[np.ndarray]:
    """The noise floor, with hollow marks on it in the places of the unresolvable eigenvalues."""
    hidden, floor = np.flatnonzero(~spectrum.resolvable) + 1, spectrum.noise_floor
    if not floor > 0:
        return []
    ax.axhline(floor, color=color, lw=0.8, ls=(0, (4, 3)), alpha=0.7)
    places = _some(hidden.tolist(), MOST_MARKS)
    ax.plot(places, np.full(len(places), floor), "v", mfc="none", mec=color, mew=0.6, ms=3.5, alpha=0.5)
    return [np.array([floor])]


def _floor_handles(color: str) -> list[Line2D]:
    floor = Line2D([], [], color=color, lw=0.8, ls=(0, (4, 3)), alpha=0.7)
    return [floor, Line2D([], [], color=color, ls="", marker="v", mfc="none", mew=0.6, ms=3.5, alpha=0.6)]


def _draw_lines(
    figure: Figure,
    row: Sequence[Axes],
    snapshot: Snapshot,
    label: str,
    values: np.ndarray,
    reference: np.ndarray | None,
) -> None:
    order = np.argsort(snapshot.points[:, 0])
    x = snapshot.points[order, 0]
    handles = row[0].plot(x, values[order], color=PALETTE[0], lw=2.2, alpha=0.75)
    names = ["solution"]
    if reference is not None:
        handles += row[0].plot(x, reference[order], color=PALETTE[1], lw=1.0, ls="--")
        names.append("reference")
        row[1].plot(x, (values - reference)[order], color=PALETTE[2], lw=1.0)
        row[1].set(xlabel=_label(snapshot.coordinates[0]), title=f"{label} − reference")
    for ax in row:
        ax.grid(axis="y")
    row[0].set(xlabel=_label(snapshot.coordinates[0]), title=label)
    row[0].legend(handles, names, loc="best")


def _draw_images(
    figure: Figure,
    row: Sequence[Axes],
    snapshot: Snapshot,
    label: str,
    values: np.ndarray,
    reference: np.ndarray | None,
) -> None:
    shown = values if reference is None else np.concatenate([values, reference])
    low, high = _limits(shown)
    _image(figure, row[0], snapshot, values, "viridis", low, high, label)
    if reference is not None:
        error = values - reference
        largest = max(map(abs, _limits(error))) or np.finfo(float).tiny
        _image(figure, row[1], snapshot, reference, "viridis", low, high, f"{label}, reference")
        _image(figure, row[2], snapshot, error, "RdBu_r", -largest, largest, f"{label} − reference")


def _image(
    figure: Figure, ax: Axes, snapshot: Snapshot, values: np.ndarray, colors: str, low: float, high: float, title: str
) -> None:
    horizontal = next((i for i, name in enumerate(snapshot.coordinates) if name in TIME_NAMES), 0)
    grid = values.reshape(snapshot.shape)
    axes = [np.unique(snapshot.points[:, i]) for i in (0, 1)]
    across, up = axes[horizontal], axes[1 - horizontal]
    extent = (across[0], across[-1], up[0], up[-1])
    scale = Normalize(low, high)
    image = grid if horizontal == 1 else grid.T
    is_space = not set(snapshot.coordinates) & set(TIME_NAMES) and 0.25 < np.ptp(across) / np.ptp(up) < 4
    aspect = "equal" if is_space else "auto"
    ax.imshow(image, colors, scale, aspect=aspect, origin="lower", extent=extent, interpolation="nearest")
    ax.set(xlabel=_label(snapshot.coordinates[horizontal]), ylabel=_label(snapshot.coordinates[1 - horizontal]))
    ax.set_title(title)
    bar = figure.colorbar(ScalarMappable(scale, colors), ax=ax, fraction=0.06, pad=0.03)
    bar.outline.set_linewidth(0.5)
    for colors_of_bar in bar.ax.collections:
        colors_of_bar.set_rasterized(True)


def _components(snapshot: Snapshot) -> Iterator[tuple[str, np.ndarray, np.ndarray | None]]:
    """Label, values and reference of every component of every field."""
    for name, values in snapshot.fields.items():
        reference = snapshot.reference.get(name)
        if values.ndim == 1:
            yield _label(name), values, reference
            continue
        for i in range(values.shape[1]):
            yield f"{_label(name)}[{i}]", values[:, i], None if reference is None else reference[:, i]


def _limits(values: np.ndarray) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)


def _positive(values: Values) -> np.ndarray:
    values = np.asarray(values, float)
    return np.where(np.isfinite(values) & (values > 0), values, np.nan)


def _log_axis(ax: Axes, values: np.ndarray) -> None:
    values = values[np.isfinite(values) & (values > 0)]
    low, high = (math.log10(values.min()), math.log10(values.max())) if values.size else (0.0, 1.0)
    bottom, top = math.floor(low - 0.1), math.ceil(high + 0.1)
    ax.set_yscale("log")
    ax.set_ylim(10.0 ** max(bottom, -300), 10.0 ** min(top, 300))
    ax.yaxis.set_major_locator(LogLocator(numticks=7))
    ax.yaxis.set_major_formatter(FuncFormatter(_power_of_ten))
    ax.yaxis.set_minor_formatter(NullFormatter())


def _power_of_ten(value: float, _position: int | None = None) -> str:
    exponent = round(math.log10(value))
    return "10" + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _legend(figure: Figure, handles: Sequence[Any], labels: Sequence[str]) -> None:
    columns = max(1, min(len(labels), 3, 66 // (max(map(len, labels)) + 7)))
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + LEGEND_ROW * (math.ceil(len(labels) / columns) - 1))
    figure.legend(handles, labels, loc="outside upper left", ncols=columns, columnspacing=1.2)


def _label(name: str) -> str:
    """A name fit for a picture: printable, not too long, and not hidden for a leading underscore."""
    text = "".join(c if c.isprintable() else "�" for c in name)
    text = text if len(text) <= 40 else text[:39] + "…"
    return f"\u200b{text}" if text.startswith("_") else text


def _looks() -> Iterator[tuple[str, str]]:
    """Endless pairs of colour and dash."""
    return ((color, dash) for dash in itertools.cycle(DASHES) for color in PALETTE)


def _some(items: Sequence[Any], most: int) -> list[Any]:
    """At most so many items, first and last among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(i)] for i in np.linspace(0, len(items) - 1, most)]


def _listed(words: Iterable[str]) -> str:
    words = list(words)
    return words[0] if len(words) == 1 else f"{words[0]} (pale) to {words[-1]}"
