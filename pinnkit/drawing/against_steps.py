"""Curves against the steps of a run."""

from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .style import INK, Curve, draw_curves, label

MOST_ROWS = 3
"""Rows of names of phases above the axes; names for which there is no place are left out."""

LETTER, AXES = 0.06, 3.7
"""Width of a letter of such a name and of the axes, in inches."""


def draw_against_steps(
    figure: Figure | None,
    ax: Axes,
    curves: Sequence[Curve],
    phases: Iterable[tuple[str, int]],
    last: int,
    first: int = 0,
    kept: int | None = None,
) -> None:
    """Draw curves against steps from `first` to `last`, and mark the phases, each a name and its first step, and the
    step whose parameters are kept.

    The legend is above the axes of a `figure`, and inside axes that belong to somebody else (None).
    """
    draw_curves(figure, ax, curves)
    margin = 0.02 * (last - first)
    ax.set_xlim(first - margin, last + margin)
    if kept is not None and first <= kept <= last:
        ax.axvline(kept, color=INK, lw=1.0, ls=(0, (4, 2)))
        side = "right" if kept > (first + last) / 2 else "left"
        ax.text(kept, 0.03, " kept ", transform=ax.get_xaxis_transform(), ha=side, fontsize=7)
    stages = [(name, step) for name, step in phases if first <= step < last or step == 0]
    if len(stages) > 1:
        _name_phases(ax, stages, first, last)


def _name_phases(ax: Axes, stages: Sequence[tuple[str, int]], first: int, last: int) -> None:
    """Write the names of the phases at their first steps, each in the lowest row where it has a place."""
    ends = MOST_ROWS * [-1.0]
    for name, step in stages:
        if step > first:
            ax.axvline(step, color=INK, lw=0.6, ls=":")
        text = label(name)
        start = max(step - first, 0) / max(last - first, 1)
        start = min(start, max(1 - len(text) * LETTER / AXES, 0.0))
        row = next((i for i, end in enumerate(ends) if start >= end), None)
        if row is None:
            continue
        ends[row] = start + (len(text) + 2) * LETTER / AXES
        ax.text(start, 1.01 + 0.055 * row, text, transform=ax.transAxes, ha="left", va="bottom", fontsize=7)
