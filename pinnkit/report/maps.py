"""Where a run is accurate: residuals, errors and collocation points over the domain, and modes of the kernel."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .._base.numbers import number, percent
from ..diagnostics.condition_check import Scattered
from ..diagnostics.record import Diagnostics, Eigenvector
from ..drawing.images import DIVERGING
from ..drawing.scattered import draw_scattered
from ..drawing.style import (
    INK,
    PALETTE,
    label,
    legend,
    log_axis,
    looks,
    name_axes,
    new_axes,
    new_figure,
    positive_of,
    styled,
)
from ..geometry.domain import TIME_NAMES
from ..runs.grid_fields import GridFields
from .pictures import components, time_axis, titled

MOST_DRAWN = 3
"""Most coordinates of points that are drawn; of three, space is seen along time or the third coordinate."""

LEAST = 1e-17
"""Least relative residual that is drawn."""

BAR = "log₁₀ (|residual| / largest term)"

BINS = 60
"""Intervals of a histogram."""

MODES_A_ROW = 4


def axes_shown(snapshot: GridFields) -> tuple[int, ...]:
    """The coordinates of a picture of points: all of up to two, the first two of space among three."""
    names = snapshot.coordinates
    if len(names) < MOST_DRAWN:
        return tuple(range(len(names)))
    return tuple(i for i, name in enumerate(names) if name not in TIME_NAMES)[:2]


def can_plot_points(snapshot: GridFields) -> bool:
    return len(snapshot.coordinates) <= MOST_DRAWN


def worst_residuals(snapshot: GridFields, most: int) -> list[str]:
    """The conditions with the largest residuals in the interior, relative to their terms."""
    sizes = {name: float(np.mean(found.values**2)) for name, found in snapshot.residuals.items()}
    return sorted(sizes, key=lambda name: -sizes[name])[:most]


@titled
def plot_residual(snapshot: GridFields, condition: str) -> Figure:
    """The size of a residual over the domain, relative to the largest term of its equation; of several rows the root
    mean square."""
    found, shown = snapshot.residuals[condition], axes_shown(snapshot)
    size = _size(found)
    names = [snapshot.coordinates[i] for i in shown]
    title = f"residual of {label(condition)}"
    if len(shown) == 1:
        order = np.argsort(found.points[:, 0])
        figure, ax = new_axes(label(names[0]), "|residual| / largest term")
        x, y = found.points[order, 0], positive_of(size[order])
        ax.plot(x, y, ".", color=PALETTE[0], ms=1.5, alpha=0.4, rasterized=True)
        log_axis(ax, y)
    else:
        figure = new_figure(4.6, 3.1)
        ax, points, logs = figure.subplots(), found.points[:, list(shown)], np.log10(np.maximum(size, LEAST))
        scale = float(np.quantile(logs, 0.01)), float(logs.max())
        draw_scattered(figure, ax, (names[0], names[1]), points, logs, "magma", scale, BAR)
    ax.set_title(title)
    return figure


@titled
def plot_error_in_time(snapshot: GridFields) -> Figure:
    """The rms error over space at each time, relative to the rms of the reference over all times."""
    time = time_axis(snapshot)
    assert time is not None  # noqa: S101  see `can_plot_error_in_time`
    figure, ax = new_axes(label(snapshot.coordinates[time]), "rms error / rms of the reference")
    times, at = np.unique(snapshot.points[:, time], return_inverse=True)
    names, handles, drawn = [], [], [np.empty(0)]
    for (name, error, reference), (color, dash) in zip(_errors(snapshot), looks(), strict=False):
        names.append(name)
        drawn.append(positive_of(_over_space(error / _rms(reference), at)))
        handles += ax.plot(times, drawn[-1], dash, color=color, lw=1.4)
    log_axis(ax, np.concatenate(drawn))
    ax.set_xlim(times[0], times[-1])
    if len(names) > 1:
        legend(figure, handles, names)
    return figure


def can_plot_error_in_time(snapshot: GridFields) -> bool:
    return bool(snapshot.shape) and time_axis(snapshot) is not None and any(_errors(snapshot))


@titled
def plot_histogram(snapshot: GridFields) -> Figure:
    """How often errors and residuals have a size: errors relative to the rms of the reference, residuals to the largest
    term of their equation."""
    figure, ax = new_axes("relative size", "share of the points in %")
    errors = {f"error of {name}": np.abs(error) / _rms(reference) for name, error, reference in _errors(snapshot)}
    samples = {name: (values, "-") for name, values in errors.items()}
    samples |= {f"residual of {name}": (_size(found), "--") for name, found in snapshot.residuals.items()}
    handles, drawn = [], [np.empty(0)]
    for (values, dash), (color, _) in zip(samples.values(), looks(), strict=False):
        values = positive_of(np.maximum(values, LEAST))
        values = values[np.isfinite(values)]
        edges = np.geomspace(values.min() / 1.01, values.max() * 1.01, BINS + 1)
        shares, _ = np.histogram(values, edges)
        (line,) = ax.plot(np.sqrt(edges[1:] * edges[:-1]), 100 * shares / len(values), dash, color=color, lw=1.3)
        handles.append(line)
        drawn.append(np.quantile(values, (0.005, 1.0)))
    log_axis(ax, np.concatenate(drawn), horizontal=True)
    ax.set_ylim(bottom=0)
    legend(figure, handles, [label(name) for name in samples])
    return figure


def can_plot_histogram(snapshot: GridFields) -> bool:
    return bool(snapshot.residuals) or any(_errors(snapshot))


@titled
def plot_points(snapshot: GridFields) -> Figure:
    """The collocation points of each condition; those of one coordinate in a row for each."""
    shown, names = axes_shown(snapshot), list(snapshot.collocation)
    figure = new_figure(4.6, 3.1)
    ax, handles = figure.subplots(), []
    is_turned = len(shown) == 2 and snapshot.coordinates[shown[1]] in TIME_NAMES
    across, up = (shown[0], shown[0]) if len(shown) == 1 else (shown[1], shown[0]) if is_turned else shown
    for row, (name, (color, _)) in enumerate(zip(names, looks(), strict=False)):
        points = snapshot.collocation[name]
        y = points[:, up] if len(shown) == 2 else np.full(len(points), -float(row))
        size = 1.8 if len(points) > 300 else 3.0
        handles += ax.plot(points[:, across], y, ".", color=color, ms=size, clip_on=False, rasterized=len(points) > 300)
    ax.set(xlabel=label(snapshot.coordinates[across]), title="collocation points")
    if len(shown) == 2:
        ax.set_ylabel(label(snapshot.coordinates[up]))
        if not {snapshot.coordinates[across], snapshot.coordinates[up]} & set(TIME_NAMES):
            ax.set_aspect("equal", adjustable="datalim")
    else:
        ax.set_yticks(-np.arange(len(names)), [label(name) for name in names])
        return figure
    counts = [f"{label(name)} ({len(snapshot.collocation[name]):,})" for name in names]
    legend(figure, [Line2D([], [], ls="", marker="o", ms=4, color=handle.get_color()) for handle in handles], counts)
    return figure


@styled
def plot_modes(record: Diagnostics, titles: Mapping[str, str]) -> Figure:
    """Eigenvectors of the training kernel, each on the points of the condition that holds most of it, with its
    eigenvalue and its share of the squared residual; `titles` of the coordinates."""
    found = record.eigenvectors
    rows = -(-len(found) // MODES_A_ROW)
    columns = min(len(found), MODES_A_ROW)
    figure = new_figure(2.3 * columns, 1.95 * rows)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes[len(found) :]:
        ax.set_axis_off()
    for ax, vector in zip(axes, found, strict=False):
        _draw_mode(figure, ax, record, vector)
    return name_axes(figure, titles)


def _draw_mode(figure: Figure, ax: Axes, record: Diagnostics, vector: Eigenvector) -> None:
    frequency = record.mode_frequencies[vector.mode]
    places = record.places[frequency.condition]
    coordinates, points = tuple(places), np.stack(list(places.values()), axis=1)
    varying = [i for i in range(len(coordinates)) if np.ptp(points[:, i]) > 0]
    values = vector.values / (np.abs(vector.values).max() or 1.0)
    values = values * (np.sign(values[np.argmax(np.abs(values))]) or 1.0)
    if len(varying) > 1:
        shown = [i for i in varying if coordinates[i] not in TIME_NAMES] if len(varying) > 2 else varying
        first, second = shown[:2]
        names = coordinates[first], coordinates[second]
        draw_scattered(figure, ax, names, points[:, [first, second]], values, DIVERGING, (-1.0, 1.0))
    else:
        axis = varying[0] if varying else 0
        order = np.argsort(points[:, axis])
        ax.axhline(0, color=INK, lw=0.5, ls=":")
        marks: Any = {"marker": "o", "ms": 2.0} if len(order) < 40 else {}
        ax.plot(points[order, axis], values[order], color=PALETTE[0], lw=1.1, **marks)
        ax.set(xlabel=label(coordinates[axis]), ylim=(-1.1, 1.1), yticks=(-1, 0, 1))
    share, eigenvalue = percent(float(record.residual_share[vector.mode])), float(record.eigenvalues[vector.mode])
    part = "" if frequency.component is None else f"[{frequency.component}]"
    figures = f"λ = {number(eigenvalue)}, {share} of ‖r‖²"
    ax.set_title(f"mode {vector.mode + 1}, on {label(frequency.condition)}{part}\n{figures}", fontsize=7.5)


def _size(found: Scattered) -> Float[np.ndarray, " n"]:
    return np.sqrt(np.mean(found.values**2, axis=1))


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.nanmean(values**2))) or 1.0


def _errors(snapshot: GridFields) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Label, error and reference of every component that has a reference."""
    for name, values, reference in components(snapshot):
        if reference is not None:
            yield name, values - reference, reference


def _over_space(error: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The rms error at each time; `at` numbers the time of each point. NaN where nothing is known."""
    known = np.isfinite(error)
    counts = np.bincount(at[known], minlength=int(at.max()) + 1)
    sums = np.bincount(at[known], error[known] ** 2, minlength=len(counts))
    return np.sqrt(np.where(counts > 0, sums / np.maximum(counts, 1), np.nan))
