"""A history for TensorBoard: everything by step as scalars, and the spectra as histograms of their logarithms."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from ..._base.lazy import imported
from ..storage.named_arrays import Variable

MOST_POINTS = 2000
"""Points of a curve, evenly chosen: TensorBoard shows a thousand."""

_STEPS = {"step": "step", "check": "check_step", "snapshot": "snapshot_step"}
"""Dimension to the variable that holds its steps."""

_LABELS = {"condition": "condition", "field": "field"}


def write_events(variables: Mapping[str, Variable], folder: Path) -> Path:
    """Write an event file into `folder`. **Raises:** `ImportError` without the extra `tensorboard`; `OSError`."""
    with imported("tensorboardX", "tensorboard").SummaryWriter(str(folder)) as writer:
        for name, steps, values in _curves(variables):
            for step, value in zip(steps.tolist(), values.tolist(), strict=True):
                writer.add_scalar(name, value, step)
        eigenvalues, errors = (variables[name].values for name in ("eigenvalue", "eigenvalue_error"))
        for step, row, error in zip(variables["snapshot_step"].values.tolist(), eigenvalues, errors, strict=True):
            if (resolvable := row > error).any():
                writer.add_histogram("log10_of_resolvable_eigenvalues", np.log10(row[resolvable]), step)
        for number, text in enumerate(variables["decision"].values.tolist()):
            writer.add_text("decision", text, number)
    return folder


def _curves(variables: Mapping[str, Variable]) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Name, steps and values of every curve, without values that are not finite."""
    for name, v in variables.items():
        along, *others = v.dimensions or ("",)
        if along not in _STEPS or name in (*_STEPS, *_STEPS.values()) or v.values.dtype.kind not in "fiu":
            continue
        if len(others) > 1 or any(other not in _LABELS for other in others):
            continue
        steps = variables[_STEPS[along]].values
        labels = variables[_LABELS[others[0]]].values.tolist() if others else [None]
        columns = v.values.reshape(len(steps), len(labels)).T
        for label, values in zip(labels, columns, strict=True):
            keep = np.unique(np.linspace(0, len(steps) - 1, min(len(steps), MOST_POINTS)).round().astype(int))
            keep = keep[np.isfinite(values[keep])] if len(steps) else keep
            yield name if label is None else f"{name}/{label}", steps[keep], values[keep]
