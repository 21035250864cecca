"""What was recorded between steps, and looks at the kernel as arrays with named dimensions and back."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np

from ..diagnostics.linear_theory import Prediction, Theory
from ..diagnostics.record import ConditionFrequency, Diagnostics, ResidualShape
from ..ntk.frequency import ModeFrequency
from ..ntk.spectrum import Source, Spectrum
from .events import Check, Stage
from .storage.named_arrays import Variable, Variables, variable, words

_NO_COMPONENT = -1


def pack_checks(checks: Sequence[Check], conditions: Sequence[str]) -> Variables:
    """Checks by `check`, `condition` and `field`."""
    fields = tuple(checks[0].relative_l2) if checks else ()
    table = lambda rows, names: np.array(rows, float).reshape(len(checks), len(names))
    return {
        "field": words(fields, "field"),
        "check_step": variable(np.array([c.step for c in checks], int), "check"),
        "check_seconds": variable(np.array([c.seconds for c in checks], float), "check"),
        "validation_loss": variable(np.array([c.validation_loss for c in checks], float), "check"),
        "validation_mean_square": variable(
            table([[c.validation_losses[name] for name in conditions] for c in checks], conditions),
            "check",
            "condition",
        ),
        "relative_l2": variable(
            table([[c.relative_l2[name] for name in fields] for c in checks], fields), "check", "field"
        ),
    }


def unpack_checks(variables: Mapping[str, Variable], conditions: Sequence[str]) -> list[Check]:
    """What `pack_checks` packed."""
    names = ("check_step", "check_seconds", "validation_loss", "validation_mean_square", "relative_l2")
    fields = variables["field"].values.tolist()
    rows = zip(*(variables[name].values.tolist() for name in names), strict=True)
    return [
        Check(
            step,
            seconds,
            loss,
            dict(zip(conditions, validation_losses, strict=True)),
            dict(zip(fields, errors, strict=True)),
        )
        for step, seconds, loss, validation_losses, errors in rows
    ]


def pack_stages(stages: Sequence[Stage]) -> Variables:
    """Phases by `phase`."""
    return {
        "phase": words([s.name for s in stages], "phase"),
        "phase_step": variable(np.array([s.step for s in stages], int), "phase"),
        "phase_seconds": variable(np.array([s.seconds for s in stages], float), "phase"),
        "phase_memory": variable(np.array([s.memory for s in stages], int), "phase"),
    }


def unpack_stages(variables: Mapping[str, Variable]) -> list[Stage]:
    """What `pack_stages` packed."""
    names = ("phase", "phase_step", "phase_seconds", "phase_memory")
    return [Stage(*row) for row in zip(*(variables[name].values.tolist() for name in names), strict=True)]


def pack_looks(records: Sequence[Diagnostics], conditions: Sequence[str], coordinates: Sequence[str]) -> Variables:
    """Looks at the kernel by `look`, `mode`, `condition`, `part` (component of a condition) and `coordinate`.

    Looks with fewer modes than others are filled with NaN; `modes` tells how many there are.
    """
    per_look = lambda get, kind=float: variable(np.array([get(r) for r in records], kind), "look")
    by_condition = lambda key: variable(
        np.array([[getattr(r, key)[name] for name in conditions] for r in records]).reshape(
            len(records), len(conditions)
        ),
        "look",
        "condition",
    )
    out: Variables = {
        "look_step": per_look(lambda r: r.step, int),
        "look_phase": words([r.phase for r in records], "look"),
        "kernel_drift": per_look(lambda r: r.kernel_drift),
        "kernel_alignment": per_look(lambda r: math.nan if r.kernel_alignment is None else r.kernel_alignment),
        "horizon": per_look(lambda r: r.horizon, int),
        "unweighted_trace": by_condition("block_traces"),
        "kernel_points": by_condition("points"),
        "look_weight": by_condition("weights"),
        "mode_coefficient": _padded([r.mode_coefficients for r in records], "mode"),
        **_pack_spectra([r.spectrum for r in records], (len(records),), ("look", "mode")),
    }
    blocks = _pack_spectra(
        [r.blocks[name] for r in records for name in conditions],
        (len(records), len(conditions)),
        ("look", "condition", "block_mode"),
    )
    out |= {f"block_{name}": v for name, v in blocks.items()}
    out |= _pack_frequencies(records, coordinates) | _pack_shapes(records, coordinates) | _pack_theories(records)
    return out


def unpack_looks(
    variables: Mapping[str, Variable], conditions: Sequence[str], coordinates: Sequence[str]
) -> list[Diagnostics]:
    """What `pack_looks` packed."""
    at = lambda i: {name: v.values[i] for name, v in variables.items() if v.dimensions[:1] == ("look",)}
    count = len(variables["look_step"].values)
    return [_unpack_look(at(i), conditions, coordinates) for i in range(count)]


def _unpack_look(row: dict[str, Any], conditions: Sequence[str], coordinates: Sequence[str]) -> Diagnostics:
    by_condition = lambda key: dict(zip(conditions, row[key].tolist(), strict=True))
    blocks = {name.removeprefix("block_"): v for name, v in row.items() if name.startswith("block_")}
    modes, alignment = int(row["size"]), float(row["kernel_alignment"])
    return Diagnostics(
        step=int(row["look_step"]),
        phase=str(row["look_phase"]),
        spectrum=_unpack_spectrum(row),
        blocks={
            name: _unpack_spectrum({key: v[k] for key, v in blocks.items() if key in _SPECTRUM})
            for k, name in enumerate(conditions)
        },
        block_traces=by_condition("unweighted_trace"),
        mode_coefficients=row["mode_coefficient"][:modes],
        kernel_drift=float(row["kernel_drift"]),
        kernel_alignment=None if math.isnan(alignment) else alignment,
        mode_frequencies={
            int(i): ConditionFrequency(
                str(row["frequency_condition"][i]),
                _component(row["frequency_component"][i]),
                float(row["frequency_condition_share"][i]),
                _unpack_frequency(row, "frequency_", i, coordinates),
            )
            for i in np.flatnonzero(row["frequency_condition"] != "")
        },
        horizon=int(row["horizon"]),
        points=by_condition("kernel_points"),
        weights=by_condition("look_weight"),
        shapes=tuple(
            ResidualShape(
                condition=str(row["shape_condition"][i]),
                component=_component(row["shape_component"][i]),
                points=int(row["shape_points"][i]),
                mean_square=float(row["shape_mean_square"][i]),
                frequency=_unpack_frequency(row, "shape_", i, coordinates),
                concentration=float(row["shape_concentration"][i]),
                place=dict(zip(coordinates, row["shape_place"][i].tolist(), strict=True)),
                spread=dict(zip(coordinates, row["shape_spread"][i].tolist(), strict=True)),
            )
            for i in np.flatnonzero(row["shape_condition"] != "")
        ),
        theory=_unpack_theory(row, modes),
        prediction=_unpack_prediction(row),
    )


# Spectra.

_SPECTRUM = (
    "eigenvalue",
    "eigenvalue_error",
    "size",
    "noise_floor",
    "floor_origin",
    "kernel_precision",
    "kernel_source",
    "trace",
)


def _pack_spectra(spectra: Sequence[Spectrum], shape: tuple[int, ...], dimensions: tuple[str, ...]) -> Variables:
    """Without eigenvectors and density: those of records are complete."""
    figures: dict[str, Callable[[Spectrum], Any]] = {
        "size": lambda s: s.size,
        "noise_floor": lambda s: s.noise_floor,
        "floor_origin": lambda s: s.floor_origin,
        "kernel_precision": lambda s: s.dtype,
        "kernel_source": lambda s: s.source,
        "trace": lambda s: math.nan if s.trace is None else s.trace,
    }
    out: Variables = {}
    for name, get in figures.items():
        values = np.array([get(s) for s in spectra], dtype=None if spectra else float).reshape(shape)
        out[name] = Variable(dimensions[:-1], values)
    for name, get in (("eigenvalue", lambda s: s.eigenvalues), ("eigenvalue_error", lambda s: s.errors)):
        rows = _padded([get(s) for s in spectra], dimensions[-1]).values
        out[name] = Variable(dimensions, rows.reshape(*shape, rows.shape[-1]))
    return out


def _unpack_spectrum(row: Mapping[str, Any]) -> Spectrum:
    size, trace = int(row["size"]), float(row["trace"])
    return Spectrum(
        eigenvalues=row["eigenvalue"][:size],
        size=size,
        noise_floor=float(row["noise_floor"]),
        floor_origin=str(row["floor_origin"]),
        errors=row["eigenvalue_error"][:size],
        dtype=str(row["kernel_precision"]),
        source=cast(Source, str(row["kernel_source"])),
        trace=None if math.isnan(trace) else trace,
    )


# Frequencies and shapes.


def _pack_frequencies(records: Sequence[Diagnostics], coordinates: Sequence[str]) -> Variables:
    most = max((r.modes for r in records), default=0)
    found = [[r.mode_frequencies.get(i) for i in range(most)] for r in records]
    column = lambda get, none, kind: variable(
        np.array([[none if f is None else get(f) for f in row] for row in found], kind).reshape(len(found), most),
        "look",
        "mode",
    )
    return {
        "frequency_condition": column(lambda f: f.condition, "", np.str_),
        "frequency_component": column(lambda f: _number(f.component), _NO_COMPONENT, int),
        "frequency_condition_share": column(lambda f: f.share, math.nan, float),
        **_pack_mode_frequencies(
            "frequency_",
            [[None if f is None else f.frequency for f in row] for row in found],
            "mode",
            most,
            coordinates,
        ),
    }


def _pack_shapes(records: Sequence[Diagnostics], coordinates: Sequence[str]) -> Variables:
    most = max((len(r.shapes) for r in records), default=0)
    found = [[*r.shapes, *(most - len(r.shapes)) * [None]] for r in records]
    column = lambda get, none, kind: variable(
        np.array([[none if s is None else get(s) for s in row] for row in found], kind).reshape(len(found), most),
        "look",
        "part",
    )
    table = lambda key: variable(
        np.array(
            [[[math.nan if s is None else getattr(s, key)[c] for c in coordinates] for s in row] for row in found],
            float,
        ).reshape(len(found), most, len(coordinates)),
        "look",
        "part",
        "coordinate",
    )
    return {
        "shape_condition": column(lambda s: s.condition, "", np.str_),
        "shape_component": column(lambda s: _number(s.component), _NO_COMPONENT, int),
        "shape_points": column(lambda s: s.points, 0, int),
        "shape_mean_square": column(lambda s: s.mean_square, math.nan, float),
        "shape_concentration": column(lambda s: s.concentration, math.nan, float),
        "shape_place": table("place"),
        "shape_spread": table("spread"),
        **_pack_mode_frequencies(
            "shape_", [[None if s is None else s.frequency for s in row] for row in found], "part", most, coordinates
        ),
    }


def _pack_mode_frequencies(
    prefix: str, rows: list[list[ModeFrequency | None]], dimension: str, most: int, coordinates: Sequence[str]
) -> Variables:
    """Half-waves along each coordinate, NaN along those that do not vary; dominant ones are marked."""
    waves = lambda f: [math.nan if f is None else (f.half_waves or {}).get(c, math.nan) for c in coordinates]
    table = lambda get, kind: np.array([[get(f) for f in row] for row in rows], kind).reshape(len(rows), most)
    half_waves = np.array([[waves(f) for f in row] for row in rows], float).reshape(len(rows), most, len(coordinates))
    return {
        f"{prefix}half_waves": variable(half_waves, "look", dimension, "coordinate"),
        f"{prefix}share": variable(table(lambda f: math.nan if f is None else f.share, float), "look", dimension),
        f"{prefix}is_dominant": variable(
            table(lambda f: f is not None and f.half_waves is not None, bool), "look", dimension
        ),
    }


def _unpack_frequency(row: Mapping[str, Any], prefix: str, i: Any, coordinates: Sequence[str]) -> ModeFrequency:
    waves = zip(coordinates, row[f"{prefix}half_waves"][i].tolist(), strict=True)
    half_waves = {name: int(k) for name, k in waves if not math.isnan(k)} if row[f"{prefix}is_dominant"][i] else None
    return ModeFrequency(half_waves, float(row[f"{prefix}share"][i]))


# Theories and predictions.


def _pack_theories(records: Sequence[Diagnostics]) -> Variables:
    none = np.empty(0)
    column = lambda get: _padded([get(r) for r in records], "mode")
    most = max((r.modes for r in records), default=0)
    full = lambda v: Variable(v.dimensions, _widened(v.values, most))
    prediction = lambda key: full(column(lambda r: none if r.prediction is None else getattr(r.prediction, key)))
    figure = lambda get, other: variable(
        np.array([other if r.theory is None else get(r.theory) for r in records], type(other)), "look"
    )
    starts = [-1 if r.prediction is None else r.prediction.start for r in records]
    return {
        "has_theory": variable(np.array([r.theory is not None for r in records], bool), "look"),
        "theory_beta": figure(lambda t: t.beta, 0.0),
        "theory_age": figure(lambda t: t.age, 0),
        "theory_velocity": full(column(lambda r: none if r.theory is None else r.theory.velocity)),
        "theory_rate": full(column(lambda r: none if r.theory is None else r.theory.rates)),
        "theory_coefficient": full(column(lambda r: none if r.theory is None else r.theory.coefficients)),
        "passage_start": variable(np.array(starts, int), "look"),
        "passage_rate": prediction("rates"),
        "passage_before": prediction("before"),
        "passage_predicted": prediction("predicted"),
        "passage_actual": prediction("actual"),
    }


def _unpack_theory(row: Mapping[str, Any], modes: int) -> Theory | None:
    if not row["has_theory"]:
        return None
    columns = {name: row[f"theory_{name}"][:modes] for name in ("rate", "coefficient", "velocity")}
    return Theory(
        rates=columns["rate"],
        coefficients=columns["coefficient"],
        beta=float(row["theory_beta"]),
        velocity=columns["velocity"],
        age=int(row["theory_age"]),
    )


def _unpack_prediction(row: Mapping[str, Any]) -> Prediction | None:
    if row["passage_start"] < 0:
        return None
    size = int(np.sum(~np.isnan(row["passage_before"])))
    columns = (row[f"passage_{name}"][:size] for name in ("rate", "before", "predicted", "actual"))
    return Prediction(int(row["passage_start"]), int(row["look_step"]), *columns)


# Arrays.


def _padded(rows: Sequence[np.ndarray], dimension: str) -> Variable:
    """Rows of different lengths as one array, filled with NaN."""
    width = max((row.size for row in rows), default=0)
    values = np.full((len(rows), width), math.nan)
    for i, row in enumerate(rows):
        values[i, : row.size] = row
    return Variable(("look", dimension), values)


def _widened(values: np.ndarray, width: int) -> np.ndarray:
    return np.pad(values, ((0, 0), (0, width - values.shape[1])), constant_values=math.nan)


def _number(component: int | None) -> int:
    return _NO_COMPONENT if component is None else component


def _component(number: Any) -> int | None:
    return None if number == _NO_COMPONENT else int(number)
