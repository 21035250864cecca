"""Pictures of inverse problems: data on the solution, residuals against noise, coefficients and their joint region."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import chi2

from .._base.numbers import number
from ..diagnostics.coefficient_interval import Covariance
from ..diagnostics.confidence_intervals import CONFIDENCE
from ..drawing.style import GRID, INK, PALETTE, label, limits, new_axes, new_figure, some, styled, whole_numbers
from ..runs.data_points import DataPoints
from ..runs.grid_fields import GridFields
from ..runs.history import History
from ..runs.run_folder import Run

MOST_POINTS = 2000
"""Most values that are drawn."""

MOST_COEFFICIENTS = 6
"""Most coefficients whose course is drawn."""


class DataPicture(NamedTuple):
    """What `plot_data` draws: the name of a condition, its row, and its noise."""

    condition: str
    row: int
    sigma: float
    snapshot: GridFields

    @property
    def points(self) -> DataPoints:
        return self.snapshot.data[self.condition]


def data_pictures(run: Run) -> list[DataPicture]:
    """Those of a run, one for each row of each condition on measured values."""
    found = run.snapshot.data
    return [
        DataPicture(name, row, fit.sigma, run.snapshot)
        for name, fit in run.summary.data.items()
        if name in found
        for row in range(found[name].residuals.shape[1])
    ]


@styled
def plot_data(picture: DataPicture) -> Figure:
    """The data on the solution, and their residuals over σ with bands of one and two standard deviations."""
    figure = new_figure(8.6, 2.9)
    left, right = figure.subplots(1, 2)
    chosen = np.array(some(range(len(picture.points.points)), MOST_POINTS))
    _draw_values(figure, left, picture, chosen)
    _draw_residuals(right, picture, chosen)
    return figure


def _draw_values(figure: Figure, ax: Axes, picture: DataPicture, chosen: np.ndarray) -> None:
    found, row, snapshot = picture.points, picture.row, picture.snapshot
    field, measured = found.fields[row], found.measured[chosen, row]
    x, names = found.points[chosen], snapshot.coordinates
    if not field:
        ax.hist(found.residuals[:, row], bins="auto", color=PALETTE[0], alpha=0.7)
        ax.set(xlabel=f"residual of {label(picture.condition)}", ylabel="values")
        return
    if len(names) == 1:
        order = np.argsort(snapshot.points[:, 0])
        ax.plot(snapshot.points[order, 0], snapshot.fields[field][order], color=PALETTE[0], lw=1.6, label="solution")
        ax.plot(x[:, 0], measured, ".", color=PALETTE[1], ms=3.5, label="data")
        ax.set(xlabel=label(names[0]), ylabel=label(field))
    elif len(names) == 2:
        values = snapshot.fields[field]
        low, high = limits(np.concatenate([values, measured]))
        style: dict[str, Any] = {"cmap": "viridis", "vmin": low, "vmax": high, "rasterized": True}
        ax.tripcolor(snapshot.points[:, 0], snapshot.points[:, 1], values, shading="gouraud", **style)
        drawn = ax.scatter(x[:, 0], x[:, 1], c=measured, s=14, edgecolors="white", linewidths=0.4, **style)
        figure.colorbar(drawn, ax=ax, label=label(field))
        ax.set(xlabel=label(names[0]), ylabel=label(names[1]), title="data on the solution")
        return
    else:
        low, high = limits(np.concatenate([measured, found.solution[chosen, row]]))
        ax.plot((low, high), (low, high), color=GRID, lw=1.0, label="equal")
        ax.plot(measured, found.solution[chosen, row], ".", color=PALETTE[0], ms=2.5, label="data")
        ax.set(xlabel=f"{label(field)}, measured", ylabel=f"{label(field)}, solution")
    ax.legend(loc="best")


def _draw_residuals(ax: Axes, picture: DataPicture, chosen: np.ndarray) -> None:
    found = picture.points
    normalised = found.residuals[chosen, picture.row] / picture.sigma
    for size, alpha in ((2.0, 0.25), (1.0, 0.4)):
        ax.axhspan(-size, size, color=GRID, alpha=alpha, lw=0)
    ax.axhline(0.0, color=INK, lw=0.6)
    ax.plot(found.points[chosen, 0], normalised, ".", color=PALETTE[0], ms=3, rasterized=True)
    most = max(3.5, 1.1 * float(np.abs(normalised).max(initial=0.0)))
    ax.set(xlabel=label(picture.snapshot.coordinates[0]), ylabel="residual / σ", ylim=(-most, most))
    ax.set_title(f"{label(picture.condition)}, σ = {number(picture.sigma)}")


@styled
def plot_coefficients(history: History) -> Figure:
    """The unknown coefficients against steps, a panel for each."""
    names = list(history.coefficients)[:MOST_COEFFICIENTS]
    figure = new_figure(4.6, 0.5 + 1.5 * len(names))
    for ax, name in zip(figure.subplots(len(names), 1, squeeze=False, sharex=True)[:, 0], names, strict=True):
        ax.plot(history.step, history.coefficients[name], color=PALETTE[0], lw=1.4)
        ax.set_ylabel(label(name))
        ax.grid(axis="y")
    figure.axes[-1].set_xlabel("step")
    whole_numbers(figure.axes[-1])
    return figure


class Region(NamedTuple):
    """The joint region of two coefficients: their names and values, and the covariance of all."""

    names: tuple[str, str]
    values: tuple[float, float]
    covariance: Covariance


def joint_region(run: Run) -> Region | None:
    """That of the first two coefficients which have an interval."""
    covariance = run.summary.coefficient_covariance
    if covariance is None or len(covariance.names) < 2:
        return None
    one, other = covariance.names[:2]
    return Region((one, other), (run.summary.coefficients[one], run.summary.coefficients[other]), covariance)


@styled
def plot_region(region: Region) -> Figure:
    """The ellipse that contains both coefficients with 95 % probability, and their own intervals."""
    figure, ax = new_axes(*(label(name) for name in region.names))
    matrix, centre = np.array(region.covariance.matrix)[:2, :2], np.array(region.values)
    x, y = ellipse(centre, matrix, CONFIDENCE)
    ax.plot(x, y, color=PALETTE[0], lw=1.6)
    ax.plot(*centre, "+", color=INK, ms=8)
    half = math.sqrt(float(chi2.ppf(CONFIDENCE, 1))) * np.sqrt(np.diag(matrix))
    for side in (-1, 1):
        ax.axvline(float(centre[0] + side * half[0]), color=INK, lw=0.7, ls=":")
        ax.axhline(float(centre[1] + side * half[1]), color=INK, lw=0.7, ls=":")
    correlation = region.covariance.correlation(*region.names)
    ax.set_title(f"correlation {correlation:.2f}")
    ax.ticklabel_format(useOffset=False)
    return figure


def ellipse(
    centre: np.ndarray, matrix: np.ndarray, probability: float, points: int = 200
) -> tuple[np.ndarray, np.ndarray]:
    """The border of the region of this probability of a normal distribution of two numbers."""
    values, vectors = np.linalg.eigh(matrix)
    angle = np.linspace(0, 2 * math.pi, points)
    radii = np.sqrt(np.maximum(values, 0.0) * float(chi2.ppf(probability, 2)))
    x, y = centre[:, None] + vectors @ (radii[:, None] * np.stack([np.cos(angle), np.sin(angle)]))
    return x, y


def pictures_of_data(run: Run) -> Iterator[tuple[str, Any, Any, str, bool]]:
    """Name, function, argument, caption and width of each picture of data and coefficients."""
    for i, found in enumerate(data_pictures(run)):
        caption = f"Data of '{found.condition}' on the solution, and residuals over σ; bands of one and two σ."
        yield f"data{i}", plot_data, found, caption, True
    if (region := joint_region(run)) is not None:
        caption = "Joint 95 % region of two coefficients; dotted: the interval of each."
        yield "region", plot_region, region, caption, False
