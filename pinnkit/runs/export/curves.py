"""The curves of a run as comma-separated values."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..events import Check


def write_curves(columns: Mapping[str, np.ndarray], checks: Sequence[Check], path: Path) -> Path:
    """One row for each step, and for the check after the last; what is not known at a step is left empty.

    - `columns`: values at each step, by name.
    """
    by_step, values = {check.step: check for check in checks}, {name: v.tolist() for name, v in columns.items()}
    fields = list(dict.fromkeys(name for check in checks for name in check.relative_l2))
    steps = max(map(len, values.values()), default=0)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["step", *values, "validation_loss", *(f"relative_l2_{name}" for name in fields)])
        for step in sorted({*range(steps), *by_step}):
            own = [column[step] if step < len(column) else None for column in values.values()]
            checked: list[float | None] = [None] * (1 + len(fields))
            if (check := by_step.get(step)) is not None:
                checked = [check.validation_loss, *(check.relative_l2.get(name) for name in fields)]
            table.writerow([step, *map(_cell, own), *map(_cell, checked)])
    return path


def _cell(value: float | None) -> float | str:
    """A number that is read back exactly; empty for none."""
    return "" if value is None or np.isnan(value) else value
