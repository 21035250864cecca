"""Everything that was recorded of a run: one data set with named dimensions, from which every report is made."""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from .._base.numbers import count, printable
from ..diagnostics.linear_theory import Prediction
from ..diagnostics.record import Diagnostics
from .codec import pack, unpack
from .decisions import Attempt, Decision, KeptStep, SkippedWork, decode_decision, encode_decision
from .events import Check, Stage
from .grid_fields import GRID, GridFields, pack_grid_fields, unpack_grid_fields
from .growing_array import GrowingArray
from .storage.named_arrays import (
    Variable,
    Variables,
    below,
    decode_variables,
    encode_variables,
    to_pandas,
    to_xarray,
    variable,
    words,
)

if TYPE_CHECKING:
    import pandas
    import xarray
    from matplotlib.axes import Axes

    from ..drawing.picture import Picture


_LISTS = ("checks", "diagnostics", "phases", "decisions")


@dataclass
class History:
    """Arrays with one entry per step: `step`, `loss`, `losses`, `gradient_norm`, `learning_rate` (NaN if unknown),
    `weights` (means, for weights of single points) and `coefficients`, the values of the unknown ones.

    Besides these, `checks` are the evaluations on validation points, `diagnostics` the kernel snapshots, `phases` the
    phases with their first steps, and `decisions` what was chosen or skipped and from which figures (`str(decision)` is
    a sentence). `variables` has all of it as arrays with named dimensions; `to_xarray`, `to_pandas` and
    `to_tensorboard` convert it.
    """

    conditions: tuple[str, ...]
    coordinates: tuple[str, ...]
    step: Int[np.ndarray, " n"]
    loss: Float[np.ndarray, " n"]
    losses: dict[str, Float[np.ndarray, " n"]]
    gradient_norm: Float[np.ndarray, " n"]
    learning_rate: Float[np.ndarray, " n"]
    weights: dict[str, Float[np.ndarray, " n"]]
    coefficients: dict[str, Float[np.ndarray, " n"]] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    diagnostics: list[Diagnostics] = field(default_factory=list)
    phases: list[Stage] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._columns: dict[tuple[str, ...], GrowingArray] = {}

    def __repr__(self) -> str:
        """As in `History of 1,500 steps: 11 kernel snapshots, 40 checks; phases ntk-adam, lbfgs`."""
        parts = [count(len(self.diagnostics), "kernel snapshot"), count(len(self.checks), "check")]
        phases = ", ".join(printable(stage.name) for stage in self.phases)
        told = f"; phases {phases}" if phases else ""
        return f"History of {count(len(self.step), 'step')}: {', '.join(parts)}{told}"

    @classmethod
    def empty(cls, conditions: Iterable[str], coordinates: Iterable[str], unknowns: Iterable[str] = ()) -> "History":
        """A history before the first step; `conditions` and `unknowns` in the order of their declaration."""
        names, none = tuple(conditions), np.empty(0)
        columns = lambda: dict.fromkeys(names, none)
        coefficients = dict.fromkeys(unknowns, none)
        return cls(names, tuple(coordinates), np.empty(0, int), none, columns(), none, none, columns(), coefficients)

    @property
    def skipped_work(self) -> list[SkippedWork]:
        """What was skipped for lack of time."""
        return [decision for decision in self.decisions if isinstance(decision, SkippedWork)]

    @property
    def attempts(self) -> list[Attempt]:
        """The race of candidates for the time, with what was predicted of each."""
        return [decision for decision in self.decisions if isinstance(decision, Attempt)]

    @property
    def predictions(self) -> list[Prediction]:
        """Predictions of linear theory from one kernel snapshot to the next, where they could be checked."""
        return [record.prediction for record in self.diagnostics if record.prediction is not None]

    @property
    def kept_step(self) -> int | None:
        """The step whose parameters are kept, where it is not the last."""
        kept = [decision.step for decision in self.decisions if isinstance(decision, KeptStep)]
        return kept[-1] if kept else None

    @property
    def last_step(self) -> int:
        """The last step of a picture, at least one: that of the last kernel snapshot if it is after all others."""
        return max(1, len(self.step), *(record.step for record in self.diagnostics))

    def plot(self, ax: "Axes | None" = None) -> "Picture":
        """Training loss, mean squared residuals and validation loss against steps, on axes of their own or on `ax`."""
        from .loss_picture import loss_picture  # and with it matplotlib

        losses = {name: self.losses[name] for name in self.conditions}
        return loss_picture(self.loss, losses, self.checks, self.phases, self.last_step, ax, self.kept_step)

    def to_csv(self, path: str | Path) -> Path:
        """Write the curves as a table with one row for each step: losses, weights, learning rate, gradient norm, and
        validation loss and errors where they were evaluated. **Raises:** `OSError`.
        """
        from .export.curves import write_curves

        tables = {"mean_square": self.losses, "weight": self.weights}
        by_condition = {f"{kind}_{name}": table[name] for kind, table in tables.items() for name in self.conditions}
        own = {"learning_rate": self.learning_rate, "gradient_norm": self.gradient_norm}
        return write_curves({"loss": self.loss, **by_condition, **own}, self.checks, Path(path))

    def append(self, first_step: int, infos: Mapping[str, object]) -> None:
        """Append a stretch of steps: arrays by the names of the per-step attributes.

        The cost depends on the length of the stretch alone, not on that of the history.
        """
        count = len(np.asarray(infos["loss"]))
        self.step = self._grown(self.step, np.arange(first_step, first_step + count), "step")
        for name in ("loss", "gradient_norm", "learning_rate"):
            setattr(self, name, self._grown(getattr(self, name), infos[name], name))
        for name in ("losses", "weights", "coefficients"):
            old, new = getattr(self, name), infos[name]
            assert isinstance(new, Mapping)  # noqa: S101  a table by condition or coefficient
            setattr(self, name, {k: self._grown(old[k], new[k], name, k) for k in old})

    def _grown(self, old: np.ndarray, more: object, *key: str) -> np.ndarray:
        column = self._columns.get(key)
        if column is None or column.values is not old:
            column = self._columns[key] = GrowingArray(old)
        column.extend(np.asarray(more, old.dtype))
        return column.values

    def restrict_to(self, conditions: Iterable[str]) -> None:
        """Keep only these conditions, and only kernel snapshots that have all of them."""
        self.conditions = tuple(conditions)
        self.losses = {name: self.losses[name] for name in self.conditions}
        self.weights = {name: self.weights[name] for name in self.conditions}
        kept = lambda check: {name: check.validation_losses.get(name, math.nan) for name in self.conditions}
        self.checks = [dataclasses.replace(check, validation_losses=kept(check)) for check in self.checks]
        self.diagnostics = [r for r in self.diagnostics if set(self.conditions) <= set(r.block_traces)]

    @property
    def variables(self) -> Variables:
        """Everything as arrays with the dimensions `step`, `condition`, `field`, `check`, `snapshot`, `mode`, ..."""
        labels = self._labels(tuple(self.checks[0].relative_l2) if self.checks else ())
        table = lambda columns, names: np.array([columns[name] for name in names]).reshape(len(names), len(self.step)).T
        return {
            **{name: words(names, name) for name, names in labels.items()},
            "step": variable(self.step, "step"),
            "loss": variable(self.loss, "step"),
            "gradient_norm": variable(self.gradient_norm, "step"),
            "learning_rate": variable(self.learning_rate, "step"),
            "mean_square": variable(table(self.losses, self.conditions), "step", "condition"),
            "weight": variable(table(self.weights, self.conditions), "step", "condition"),
            "coefficient_value": variable(table(self.coefficients, labels["coefficient"]), "step", "coefficient"),
            "decision": words([str(decision) for decision in self.decisions], "decision"),
            "decision_data": words([encode_decision(decision) for decision in self.decisions], "decision"),
            **pack(Check, self.checks, labels),
            **pack(Stage, self.phases, labels),
            **pack(Diagnostics, self.diagnostics, labels),
        }

    def _labels(self, fields: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
        coefficients = tuple(self.coefficients)
        return {
            "condition": self.conditions,
            "coordinate": self.coordinates,
            "field": fields,
            "coefficient": coefficients,
        }

    @classmethod
    def from_variables(cls, variables: Mapping[str, Variable]) -> "History":
        """The history whose `variables` these are.

        **Raises:** `KeyError`, `ValueError` or `msgspec.DecodeError` for others.
        """
        values = lambda name: variables[name].values
        labels = {name: tuple(values(name).tolist()) for name in ("condition", "coordinate", "field", "coefficient")}
        conditions, coordinates = labels["condition"], labels["coordinate"]
        columns = lambda table, names=conditions: {name: values(table)[:, i] for i, name in enumerate(names)}
        return cls(
            conditions=conditions,
            coordinates=coordinates,
            step=values("step"),
            loss=values("loss"),
            losses=columns("mean_square"),
            gradient_norm=values("gradient_norm"),
            learning_rate=values("learning_rate"),
            weights=columns("weight"),
            coefficients=columns("coefficient_value", labels["coefficient"]),
            checks=unpack(Check, variables, labels),
            diagnostics=unpack(Diagnostics, variables, labels),
            phases=unpack(Stage, variables, labels),
            decisions=[decode_decision(text) for text in values("decision_data").tolist()],
        )

    def to_xarray(self) -> "xarray.Dataset":
        """As an `xarray.Dataset`. **Raises:** `ImportError` without the extra `data`."""
        return to_xarray(self.variables, {"decisions": "\n".join(map(str, self.decisions))})

    def to_pandas(self, *dimensions: str) -> "pandas.DataFrame":
        """The variables with just these dimensions as a table: `to_pandas("step")`, `to_pandas("snapshot", "mode")`.

        **Raises:** `ValueError` for dimensions that no variable has; `ImportError` without the extra `data`.
        """
        return to_pandas(self.variables, dimensions or ("step",))

    def to_tensorboard(self, folder: str | Path) -> Path:
        """Write scalars and the spectra for TensorBoard. **Raises:** `ImportError` without the extra `tensorboard`."""
        from .export.tensorboard import write_events

        return write_events(self.variables, Path(folder))

    def encoded(self, snapshot: GridFields) -> bytes:
        """The history and the fields on the test grid as one `.npz` of plain arrays."""
        fields = {f"{GRID}{k}": v for k, v in pack_grid_fields(snapshot).items()}
        return encode_variables({**self.variables, **fields})

    @classmethod
    def decoded(cls, data: bytes) -> tuple["History", GridFields]:
        """Read what `encoded` made.

        **Raises:** `EOFError`, `KeyError`, `ValueError`, `msgspec.DecodeError`, `zipfile.BadZipFile` or `zlib.error`
        for anything else.
        """
        variables = decode_variables(data)
        return cls.from_variables(variables), unpack_grid_fields(below(variables, GRID))


class Excerpt:
    """A history as it was when the excerpt was taken; its cost does not depend on the length of the history.

    Arrays of a history never change in place, and its lists only grow or are replaced; so their lengths are enough.
    """

    def __init__(self, history: History):
        self._history = object.__new__(History)
        vars(self._history).update(vars(history))
        self._lengths = {name: len(getattr(history, name)) for name in _LISTS}

    @property
    def steps(self) -> int:
        return len(self._history.step)

    @property
    def history(self) -> History:
        """As a history of its own."""
        lists = {name: getattr(self._history, name)[:length] for name, length in self._lengths.items()}
        return dataclasses.replace(self._history, **lists)
