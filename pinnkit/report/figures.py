"""The course of a run as matplotlib figures."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .._base.errors import InputError
from ..drawing.against_steps import draw_against_steps
from ..drawing.style import (
    GRID,
    INK,
    PALETTE,
    Curve,
    draw_curves,
    label,
    legend,
    log_axis,
    looks,
    new_axes,
    new_figure,
    positive_of,
    some,
    styled,
    whole_numbers,
)
from ..ntk.spectrum import Spectrum
from ..runs.history import History

MOST_SPECTRA = 7
"""Most spectra in a figure."""

MOST_MARKS = 40
"""Most eigenvalues drawn with marks."""

LEAST_RATE, LEAST_SHARE = 1e-9, 1e-12
"""Least rate relative to the largest, and least share of ‖r‖² before, of the modes whose decay is drawn."""

MOST_PANELS = 9
"""Most conditions whose blocks are drawn."""


def plot_losses(history: History) -> Figure:
    """Training loss, validation loss, and mean squared residual of each condition, against steps."""
    return history.plot().figure


WINDOWS = "time windows"
"""The phase whose steps begin anew in each window, so that their losses have a picture of their own."""


def in_windows(history: History) -> np.ndarray:
    """Which steps belong to time windows."""
    ends = [*(stage.step for stage in history.phases[1:]), len(history.step)]
    inside = np.zeros(len(history.step), bool)
    for stage, end in zip(history.phases, ends, strict=False):
        inside[stage.step : end] = stage.name == WINDOWS
    return inside


def only(history: History, steps: np.ndarray) -> History:
    """The history with the losses of some steps; those of others are NaN."""
    kept = lambda values: np.where(steps, values, np.nan)
    losses = {name: kept(values) for name, values in history.losses.items()}
    return dataclasses.replace(history, loss=kept(history.loss), losses=losses)


@styled
def plot_windows(history: History) -> Figure:
    """Loss against the steps of time windows, each of which begins anew."""
    inside = in_windows(history)
    figure, ax = new_axes("step", "loss of the windows")
    at = np.flatnonzero(inside)
    draw_against_steps(
        figure, ax, [Curve("loss", at, history.loss[at], INK, "-", 1.2)], (), int(at.max()) + 1, int(at.min())
    )
    return figure


def vary(columns: Iterable[np.ndarray]) -> bool:
    """Whether any of the columns is more than one constant."""
    finite = [values[np.isfinite(values)] for values in columns]
    return any(values.size > 1 and np.ptp(values) > 1e-9 * np.abs(values).max() for values in finite)


@styled
def plot_errors(history: History) -> Figure:
    """Relative L2 error of each field against steps. **Raises:** `InputError` for a run without a reference."""
    checks = [check for check in history.checks if check.relative_l2]
    if not checks:
        raise InputError("no error to plot: the problem has no reference")
    figure, ax = new_axes("step", "relative L2 error")
    at = [check.step for check in checks]
    curves = [
        Curve(name, at, [check.relative_l2[name] for check in checks], color, dash, 1.4)
        for name, (color, dash) in zip(checks[0].relative_l2, looks(), strict=False)
    ]
    return _against_steps(figure, ax, curves, history)


@styled
def plot_weights(history: History) -> Figure:
    """Loss weight of each condition against steps."""
    figure, ax = new_axes("step", "loss weight")
    curves = [
        Curve(name, history.step, history.weights[name], color, dash, 1.4)
        for name, (color, dash) in zip(history.conditions, looks(), strict=False)
    ]
    return _against_steps(figure, ax, curves, history)


@styled
def plot_learning_rate(history: History) -> Figure:
    """Learning rate against steps, as far as it is known, and 2/λ_max at each kernel snapshot.

    2/λ_max is the stability limit of plain gradient descent; other optimizers scale the gradient themselves.
    """
    figure, ax = new_axes("step", "learning rate")
    at = [record.step for record in history.diagnostics]
    bounds = np.array([record.stable_learning_rate for record in history.diagnostics], float)  # NaN for None
    curves = [
        Curve("learning rate", history.step, history.learning_rate, PALETTE[0], "-", 1.4),
        Curve("2/λ_max, limit of gradient descent", at, bounds, PALETTE[1], "o--", 0.8),
    ]
    return _against_steps(figure, ax, curves, history)


@styled
def plot_spectrum(history: History) -> Figure:
    """Eigenvalues of the training kernel during training.

    Eigenvalues below the noise floor are drawn as hollow marks on the floor, for the last snapshot only.
    """
    figure, ax = new_axes("index of eigenvalue", "eigenvalue of training kernel")
    records = some(history.diagnostics, MOST_SPECTRA)
    drawn = _draw_evolution(ax, [record.spectrum for record in records])
    if records:
        _evolution_legend(figure, [record.step for record in records])
    _spectral(ax, drawn)
    return figure


@styled
def plot_blocks(history: History) -> Figure:
    """Eigenvalues of the diagonal block of each condition during training, one panel for each."""
    records = some(history.diagnostics, MOST_SPECTRA)
    names = list(records[-1].blocks)[:MOST_PANELS] if records else []
    columns = min(max(len(names), 1), 4)
    rows = -(-max(len(names), 1) // columns)
    figure = new_figure(1.2 + 3.1 * columns, 0.4 + 2.4 * rows)
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    drawn = []
    for ax, name in zip(axes, names, strict=False):
        spectra = [record.blocks[name] for record in records if name in record.blocks]
        drawn += _draw_evolution(ax, spectra)
        ax.set_title(f"{label(name)} ({spectra[-1].numerical_rank} of {spectra[-1].size} resolvable)")
        ax.grid(axis="y")
        ax.set(xlabel="index of eigenvalue")
    for ax in axes[len(names) :]:
        ax.set_axis_off()
    if names:
        axes[0].set_ylabel("eigenvalue of block")
        _evolution_legend(figure, [record.step for record in records])
        for ax in axes[: len(names)]:
            _spectral(ax, drawn)
    return figure


@styled
def plot_drift(history: History) -> Figure:
    """Drift of the unweighted kernel from initialisation, and alignment with it, against steps."""
    figure = new_figure(4.6, 3.1)
    above, under = figure.subplots(2, 1, sharex=True)
    at = [record.step for record in history.diagnostics]
    drift = positive_of([record.kernel_drift for record in history.diagnostics])
    above.plot(at, drift, "o-", color=PALETTE[0], lw=1.2)
    above.set(ylabel="drift")
    log_axis(above, drift)
    alignments = np.array([record.kernel_alignment for record in history.diagnostics], float)  # NaN for None
    under.plot(at, alignments, "o-", color=PALETTE[2], lw=1.2)
    under.set(xlabel="step", ylabel="alignment", ylim=(min(0.0, np.nanmin([*alignments, 0.0])), 1.05))
    whole_numbers(under)
    for ax in (above, under):
        ax.grid(axis="y")
    return figure


@styled
def plot_predictions(history: History) -> Figure:
    """Loss at each kernel snapshot, and its prediction from the previous snapshot unless that diverges."""
    figure, ax = new_axes("step", "loss at kernel snapshots")
    predictions = history.predictions
    ends = [prediction.end for prediction in predictions]
    losses = np.array([prediction.losses for prediction in predictions]).reshape(-1, 3)
    losses[[prediction.diverges for prediction in predictions], 1] = np.nan
    curves = [
        Curve("observed", ends, losses[:, 2], PALETTE[0], "o-", 1.4),
        Curve("predicted from the previous snapshot", ends, losses[:, 1], PALETTE[1], "s--", 1.0),
    ]
    draw_curves(figure, ax, curves)
    return figure


@styled
def plot_decays(history: History) -> Figure:
    """Predicted and observed remaining share of each mode at the last kernel snapshot, against the rate of the mode.

    Modes below the noise floor, and those with a negligible share of the residual, are left out.
    """
    figure, ax = new_axes("rate of the mode (eigenvalue)", "remaining share of the mode")
    if history.predictions:
        prediction = history.predictions[-1]
        predicted, observed = prediction.decays()
        drawn = (prediction.rates > LEAST_RATE * prediction.rates.max(initial=0.0)) & (
            prediction.before**2 > LEAST_SHARE * np.sum(prediction.before**2)
        )
        rates, predicted, observed = prediction.rates[drawn], np.abs(predicted[drawn]), np.abs(observed[drawn])
        handles = ax.plot(rates, positive_of(observed), "o", color=PALETTE[0], ms=3)
        handles += ax.plot(rates, positive_of(predicted), "-", color=PALETTE[1], lw=1.2)
        within = 1e-4 * observed.min(initial=1.0), 1e2 * observed.max(initial=1.0)
        log_axis(ax, np.concatenate([positive_of(observed), np.clip(predicted, *within)]))
        log_axis(ax, rates, horizontal=True)
        legend(figure, handles, [f"observed, steps {prediction.start:,} to {prediction.end:,}", "predicted"])
    return figure


def _against_steps(figure: Figure, ax: Axes, curves: list[Curve], history: History) -> Figure:
    """Draw curves against steps and mark the phases of the run."""
    phases = [(stage.name, stage.step) for stage in history.phases]
    draw_against_steps(figure, ax, curves, phases, history.last_step, kept=history.kept_step)
    return figure


def _spectral(ax: Axes, drawn: list[np.ndarray]) -> None:
    log_axis(ax, np.concatenate([np.empty(0), *drawn]))
    whole_numbers(ax)


def _draw_evolution(ax: Axes, spectra: Sequence[Spectrum]) -> list[np.ndarray]:
    """Draw spectra from pale to dark, and the noise floor of the last."""
    colors = LinearSegmentedColormap.from_list("steps", [GRID, PALETTE[0]])
    drawn: list[np.ndarray] = []
    for i, spectrum in enumerate(spectra):
        is_last = i == len(spectra) - 1
        color = colors(1.0 if is_last else 0.15 + 0.85 * i / (len(spectra) - 1))
        drawn += _draw_spectrum(ax, spectrum, color, 1.6 if is_last else 1.0, marks=is_last)
    return drawn + (_draw_floor(ax, spectra[-1], INK) if spectra else [])


def _evolution_legend(figure: Figure, steps: Sequence[int]) -> None:
    handles = [Line2D([], [], color=PALETTE[0], lw=1.6), *_floor_handles(INK)]
    listed = _listed(f"{step:,}" for step in steps)
    legend(figure, handles, [f"resolvable, step {listed}", "final noise floor", "below the floor"])


def _draw_spectrum(ax: Axes, spectrum: Spectrum, color: Any, width: float, marks: bool) -> list[np.ndarray]:
    """Draw the resolvable eigenvalues."""
    places, values = np.flatnonzero(spectrum.resolvable) + 1, spectrum.eigenvalues[spectrum.resolvable]
    marker = "o" if marks and values.size <= MOST_MARKS else ""
    ax.plot(places, values, color=color, lw=width, marker=marker, ms=2.5)
    return [values]


def _draw_floor(ax: Axes, spectrum: Spectrum, color: Any) -> list[np.ndarray]:
    """Draw the noise floor, with hollow marks for the eigenvalues below it."""
    hidden, floor = np.flatnonzero(~spectrum.resolvable) + 1, spectrum.noise_floor
    if not floor > 0:
        return []
    ax.axhline(floor, color=color, lw=0.8, ls=(0, (4, 3)), alpha=0.7)
    places = some(hidden.tolist(), MOST_MARKS)
    ax.plot(places, np.full(len(places), floor), "v", mfc="none", mec=color, mew=0.6, ms=3.5, alpha=0.5)
    return [np.array([floor])]


def _floor_handles(color: str) -> list[Line2D]:
    floor = Line2D([], [], color=color, lw=0.8, ls=(0, (4, 3)), alpha=0.7)
    return [floor, Line2D([], [], color=color, ls="", marker="v", mfc="none", mew=0.6, ms=3.5, alpha=0.6)]


def _listed(words: Iterable[str]) -> str:
    words = list(words)
    return words[0] if len(words) == 1 else f"{words[0]} (pale) to {words[-1]}"
