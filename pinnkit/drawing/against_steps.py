"""Curves against the steps of a run."""

from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .style import INK, Curve, draw_curves, label


def draw_against_steps(
    figure: Figure | None, ax: Axes, curves: Sequence[Curve], phases: Iterable[tuple[str, int]], last: int
) -> None:
    """Draw curves against steps up to `last` and mark the phases, each a name and its first step.

    The legend is above the axes of a `figure`, and inside axes that belong to somebody else (None).
    """
    draw_curves(figure, ax, curves)
    ax.set_xlim(-0.02 * last, 1.02 * last)
    stages = list(phases)
    if len(stages) < 2:
        return
    ends = [*(step for _, step in stages[1:]), last]
    for (name, step), end in zip(stages, ends, strict=True):
        if step:
            ax.axvline(step, color=INK, lw=0.6, ls=":")
        middle = (step + end) / 2
        ax.text(middle, 1.0, label(name), transform=ax.get_xaxis_transform(), ha="center", fontsize=7)
