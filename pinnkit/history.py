"""All that was recorded of a run, as arrays, and its file."""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from jaxtyping import Float, Int

from .diagnostics import ConditionFrequency, Diagnostics
from .ntk.spectrum import Spectrum

_SPECTRUM = ("eigenvalues", "size", "noise_floor", "floor_origin", "errors", "dtype", "source")
"""Fields of a spectrum that are stored as they are."""


@dataclass(frozen=True)
class Check:
    """A look at the run from outside, between two stretches of steps.

    - `seconds`: wall time since the start of the fit;
    - `held_out`: mean square of each condition's residual on points that training never sees;
    - `held_out_loss`: their weighted half sum, comparable with the loss;
    - `relative_l2`: error per field against the reference on the test grid, empty without one.
    """

    step: int
    seconds: float
    held_out_loss: float
    held_out: dict[str, float]
    relative_l2: dict[str, float]


@dataclass
class Snapshot:
    """The solution on a test grid, for pictures: coordinates `(n, d)`, fields `(n,)` or `(n, m)`.

    `shape` is that of the tensor grid behind the rows, empty where the points form none.
    """

    coordinates: tuple[str, ...]
    points: Float[np.ndarray, "n d"]
    shape: tuple[int, ...]
    fields: dict[str, np.ndarray]
    reference: dict[str, np.ndarray]


@dataclass
class History:
    """Per step: `step`, `loss`, `losses`, `gradient_norm`, `learning_rate` (NaN where unknown), `weights`
    (of points their means).

    Besides: `checks` between stretches of steps, `diagnostics` of the kernel, `phases` as (name, first step),
    and `decisions`, what was chosen and from which figure, in words.
    """

    conditions: tuple[str, ...]
    step: Int[np.ndarray, " n"]
    loss: Float[np.ndarray, " n"]
    losses: dict[str, Float[np.ndarray, " n"]]
    gradient_norm: Float[np.ndarray, " n"]
    learning_rate: Float[np.ndarray, " n"]
    weights: dict[str, Float[np.ndarray, " n"]]
    checks: list[Check] = field(default_factory=list)
    diagnostics: list[Diagnostics] = field(default_factory=list)
    phases: list[tuple[str, int]] = field(default_factory=list)
    decisions: list[str] = field(default_factory=list)

    @classmethod
    def empty(cls, conditions: Iterable[str]) -> "History":
        """A history before the first step; `conditions` in the order of their declaration."""
        names = tuple(conditions)
        none = np.empty(0)
        return cls(
            names,
            np.empty(0, int),
            none,
            dict.fromkeys(names, none),
            none,
            none,
            dict.fromkeys(names, none),
        )

    def append(self, first_step: int, infos: Mapping[str, object]) -> None:
        """Add a stretch of steps: arrays by the names of the per-step attributes."""
        loss = np.asarray(infos["loss"], float)
        self.step = np.concatenate([self.step, np.arange(first_step, first_step + len(loss))])
        for name in ("loss", "gradient_norm", "learning_rate"):
            setattr(self, name, np.concatenate([getattr(self, name), np.asarray(infos[name], float)]))
        for name in ("losses", "weights"):
            old, new = getattr(self, name), infos[name]
            assert isinstance(new, Mapping)  # noqa: S101  a table by condition
            setattr(self, name, {k: np.concatenate([old[k], np.asarray(new[k], float)]) for k in self.conditions})

    def restrict_to(self, conditions: Iterable[str]) -> None:
        """Keep these conditions only, and what was recorded of all of them."""
        self.conditions = tuple(conditions)
        self.losses = {name: self.losses[name] for name in self.conditions}
        self.weights = {name: self.weights[name] for name in self.conditions}
        kept = lambda check: {name: check.held_out.get(name, math.nan) for name in self.conditions}
        self.checks = [dataclasses.replace(check, held_out=kept(check)) for check in self.checks]
        self.diagnostics = [r for r in self.diagnostics if set(self.conditions) <= set(r.block_traces)]

    def save(self, path: Path, snapshot: Snapshot) -> None:
        """Write history and snapshot to one `.npz` of plain arrays."""
        arrays: dict[str, np.ndarray] = {
            "conditions": _words(self.conditions),
            "step": self.step,
            "loss": self.loss,
            "gradient_norm": self.gradient_norm,
            "learning_rate": self.learning_rate,
            "losses": _table(self.losses, self.conditions),
            "weights": _table(self.weights, self.conditions),
            "phases/name": _words(name for name, _ in self.phases),
            "phases/step": np.array([step for _, step in self.phases], int),
            "decisions": _words(self.decisions),
            "diagnostics/count": np.array(len(self.diagnostics)),
            **_check_arrays(self.checks, self.conditions),
            **_snapshot_arrays(snapshot),
        }
        for number, record in enumerate(self.diagnostics):
            arrays |= {f"diagnostics/{number}/{k}": v for k, v in _record_arrays(record, self.conditions).items()}
        with path.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> tuple["History", Snapshot]:
        """Read what `save` wrote.

        **Raises:** `OSError`, `KeyError`, `ValueError`, `zipfile.BadZipFile` or `zlib.error` for any other file.
        """
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = dict(archive)
        conditions = tuple(arrays["conditions"].tolist())
        columns = lambda table: {name: arrays[table][:, i] for i, name in enumerate(conditions)}
        history = cls(
            conditions=conditions,
            step=arrays["step"],
            loss=arrays["loss"],
            losses=columns("losses"),
            gradient_norm=arrays["gradient_norm"],
            learning_rate=arrays["learning_rate"],
            weights=columns("weights"),
            checks=_checks(arrays, conditions),
            diagnostics=[
                _record(_below(arrays, f"diagnostics/{number}/"), conditions)
                for number in range(int(arrays["diagnostics/count"]))
            ],
            phases=list(zip(arrays["phases/name"].tolist(), arrays["phases/step"].tolist(), strict=True)),
            decisions=arrays["decisions"].tolist(),
        )
        return history, _snapshot(_below(arrays, "snapshot/"))


def _words(words: Iterable[str]) -> np.ndarray:
    return np.array(list(words), dtype=np.str_)


def _table(columns: Mapping[str, np.ndarray], names: Iterable[str]) -> np.ndarray:
    return np.stack([columns[name] for name in names], axis=-1)


def _below(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {key.removeprefix(prefix): value for key, value in arrays.items() if key.startswith(prefix)}


def _check_arrays(checks: list[Check], conditions: tuple[str, ...]) -> dict[str, np.ndarray]:
    fields = tuple(checks[0].relative_l2) if checks else ()
    return {
        "checks/fields": _words(fields),
        "checks/step": np.array([c.step for c in checks], int),
        "checks/seconds": np.array([c.seconds for c in checks]),
        "checks/held_out_loss": np.array([c.held_out_loss for c in checks]),
        "checks/held_out": np.array([[c.held_out[name] for name in conditions] for c in checks]),
        "checks/relative_l2": np.array([[c.relative_l2[name] for name in fields] for c in checks]),
    }


def _checks(arrays: Mapping[str, np.ndarray], conditions: tuple[str, ...]) -> list[Check]:
    fields = arrays["checks/fields"].tolist()
    rows = zip(*(arrays[f"checks/{k}"].tolist() for k in ("step", "seconds", "held_out_loss")), strict=True)
    return [
        Check(
            step,
            seconds,
            held_out_loss,
            dict(zip(conditions, arrays["checks/held_out"][i].tolist(), strict=True)),
            dict(zip(fields, arrays["checks/relative_l2"][i].tolist(), strict=True)) if fields else {},
        )
        for i, (step, seconds, held_out_loss) in enumerate(rows)
    ]


def _record_arrays(record: Diagnostics, conditions: tuple[str, ...]) -> dict[str, np.ndarray]:
    out = {
        "step": np.array(record.step),
        "phase": np.array(record.phase),
        "mode_coefficients": record.mode_coefficients,
        "kernel_drift": np.array(record.kernel_drift),
        "kernel_alignment": np.array(math.nan if record.kernel_alignment is None else record.kernel_alignment),
        "mode_frequencies": np.array(msgspec.json.encode(record.mode_frequencies).decode()),
        "horizon": np.array(record.horizon),
        **{k: np.array([getattr(record, k)[n] for n in conditions]) for k in ("block_traces", "points", "weights")},
    }
    for name, spectrum in (("", record.spectrum), *((f"block/{k}/", v) for k, v in record.blocks.items())):
        out |= {f"{name}{key}": value for key, value in _spectrum_arrays(spectrum).items()}
    return out


def _record(arrays: Mapping[str, np.ndarray], conditions: tuple[str, ...]) -> Diagnostics:
    by_condition = lambda key: dict(zip(conditions, arrays[key].tolist(), strict=True))
    return Diagnostics(
        step=int(arrays["step"]),
        phase=str(arrays["phase"]),
        spectrum=_spectrum(arrays),
        blocks={name: _spectrum(_below(arrays, f"block/{name}/")) for name in conditions},
        block_traces=by_condition("block_traces"),
        mode_coefficients=arrays["mode_coefficients"],
        kernel_drift=float(arrays["kernel_drift"]),
        kernel_alignment=None if np.isnan(arrays["kernel_alignment"]) else float(arrays["kernel_alignment"]),
        mode_frequencies=msgspec.json.decode(str(arrays["mode_frequencies"]), type=dict[int, ConditionFrequency]),
        horizon=int(arrays["horizon"]),
        points=by_condition("points"),
        weights=by_condition("weights"),
    )


def _spectrum_arrays(spectrum: Spectrum) -> dict[str, np.ndarray]:
    """Without eigenvectors and density: those of records are complete."""
    trace = np.array(math.nan if spectrum.trace is None else spectrum.trace)
    return {**{name: np.array(getattr(spectrum, name)) for name in _SPECTRUM}, "trace": trace}


def _spectrum(arrays: Mapping[str, np.ndarray]) -> Spectrum:
    values: dict[str, Any] = {name: arrays[name] if arrays[name].ndim else arrays[name].item() for name in _SPECTRUM}
    return Spectrum(**values, trace=None if np.isnan(arrays["trace"]) else float(arrays["trace"]))


def _snapshot_arrays(snapshot: Snapshot) -> dict[str, np.ndarray]:
    return {
        "snapshot/coordinates": _words(snapshot.coordinates),
        "snapshot/points": snapshot.points,
        "snapshot/shape": np.array(snapshot.shape, int),
        **{f"snapshot/field/{name}": values for name, values in snapshot.fields.items()},
        **{f"snapshot/reference/{name}": values for name, values in snapshot.reference.items()},
    }


def _snapshot(arrays: Mapping[str, np.ndarray]) -> Snapshot:
    return Snapshot(
        coordinates=tuple(arrays["coordinates"].tolist()),
        points=arrays["points"],
        shape=tuple(arrays["shape"].tolist()),
        fields=_below(arrays, "field/"),
        reference=_below(arrays, "reference/"),
    )
