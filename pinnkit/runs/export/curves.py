"""The curves of a history as comma-separated values."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..history import History


def write_curves(history: "History", path: Path) -> Path:
    """One row for each step, and for the check after the last; what is not known at a step is left empty."""
    columns: dict[str, list[float]] = {
        "loss": history.loss.tolist(),
        **{f"mean_square_{name}": history.losses[name].tolist() for name in history.conditions},
        **{f"weight_{name}": history.weights[name].tolist() for name in history.conditions},
        "learning_rate": history.learning_rate.tolist(),
        "gradient_norm": history.gradient_norm.tolist(),
    }
    checks = {check.step: check for check in history.checks}
    fields = list(dict.fromkeys(name for check in history.checks for name in check.relative_l2))
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["step", *columns, "validation_loss", *(f"relative_l2_{name}" for name in fields)])
        for step in sorted({*history.step.tolist(), *checks}):
            check = checks.get(step)
            own = [_cell(values[step] if step < len(values) else None) for values in columns.values()]
            checked = [None] * (1 + len(fields))
            if check is not None:
                checked = [check.validation_loss, *(check.relative_l2.get(name) for name in fields)]
            table.writerow([step, *own, *map(_cell, checked)])
    return path


def _cell(value: float | None) -> float | str:
    """A number that is read back exactly; empty for none."""
    return "" if value is None or value != value else value
