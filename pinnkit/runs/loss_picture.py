"""The losses of a run against steps."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from ..drawing.against_steps import draw_against_steps
from ..drawing.picture import Picture, figure_of
from ..drawing.style import INK, STYLE, Curve, looks, new_axes
from .events import Check, Stage


def loss_picture(
    loss: Float[np.ndarray, " n"],
    losses: Mapping[str, Float[np.ndarray, " n"]],
    checks: Sequence[Check],
    phases: Sequence[Stage],
    last: int,
    ax: Axes | None,
    kept: int | None = None,
) -> Picture:
    """Training loss, mean squared residual of each condition, and validation loss, against steps up to `last`.

    `kept` is the step whose parameters are kept, if not the last.

    The numbers have one row for each step, and NaN where there is no value.
    """
    steps = np.arange(len(loss))
    curves = [Curve("loss", steps, loss, INK, "-", 1.8)]
    if checks:
        at, values = [check.step for check in checks], [check.validation_loss for check in checks]
        curves.append(Curve("validation loss", at, values, INK, "--", 1.2))
    for (name, values), (color, dash) in zip(losses.items(), looks(), strict=False):
        curves.append(Curve(f"mean r² {name}", steps, values, color, dash, 1.0))
    with mpl.rc_context(STYLE):
        figure, axes = new_axes("step", "loss, mean r²") if ax is None else (None, ax)
        draw_against_steps(figure, axes, curves, [(stage.name, stage.step) for stage in phases], last, kept=kept)
    return Picture(figure_of(axes), _table(loss, losses, checks))


def _table(loss: np.ndarray, losses: Mapping[str, np.ndarray], checks: Sequence[Check]) -> dict[str, np.ndarray]:
    """One row for each step, and one more for the check after the last."""
    rows = max([len(loss), *(check.step + 1 for check in checks)])
    column = lambda values: np.concatenate([values, np.full(rows - len(values), np.nan)])
    validation: Any = np.full(rows, np.nan)
    for check in checks:
        validation[check.step] = check.validation_loss
    by_condition = {f"mean_square_{name}": column(values) for name, values in losses.items()}
    return {"step": np.arange(rows), "loss": column(loss), "validation_loss": validation, **by_condition}
