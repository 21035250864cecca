"""Records as arrays with named dimensions and back, by one table of columns.

A column names its place in a record by a path: attributes separated by dots, `*` for all items of an axis, `?` at the
end for whether an object exists. So `blocks.*.eigenvalues.*` has the dimensions record, condition and mode. A new
figure is one line in a table. Rows of different lengths are filled up with `missing`, which also stands for None.
"""

import dataclasses
import math
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from ..diagnostics.record import Diagnostics
from .events import Check, Stage
from .storage.named_arrays import Variable, Variables, words

Record = TypeVar("Record")

Labels = Mapping[str, Sequence[str]]
"""Names along the dimensions that have some, such as conditions; along others, rows have any length."""

_MISSING = {float: math.nan, int: 0, bool: False, str: ""}


class Column(NamedTuple):
    """- `dimensions`: the first numbers the records, the others belong to the `*` of the path;
    - `missing`: what stands where there is no value.
    """

    name: str
    dimensions: tuple[str, ...]
    dtype: type
    path: str
    missing: Any = None

    @property
    def blank(self) -> Any:
        return _MISSING[self.dtype] if self.missing is None else self.missing


CHECKS = (
    Column("check_step", ("check",), int, "step"),
    Column("check_seconds", ("check",), float, "seconds"),
    Column("validation_loss", ("check",), float, "validation_loss"),
    Column("validation_mean_square", ("check", "condition"), float, "validation_losses.*"),
    Column("relative_l2", ("check", "field"), float, "relative_l2.*"),
)

PHASES = (
    Column("phase", ("phase",), str, "name"),
    Column("phase_step", ("phase",), int, "step"),
    Column("phase_seconds", ("phase",), float, "seconds"),
    Column("phase_memory", ("phase",), int, "memory"),
)

_SPECTRUM = (
    ("size", int, "size"),
    ("noise_floor", float, "noise_floor"),
    ("floor_origin", str, "floor_origin"),
    ("kernel_precision", str, "dtype"),
    ("kernel_source", str, "source"),
    ("trace", float, "trace"),
)

_FREQUENCY = (
    ("is_dominant", (), bool, "frequency.half_waves?"),
    ("half_waves", ("coordinate",), float, "frequency.half_waves.*"),
    ("share", (), float, "frequency.share"),
)

_ONE = ("snapshot",)
_BY_CONDITION, _BY_MODE, _BY_PART = (*_ONE, "condition"), (*_ONE, "mode"), (*_ONE, "part")

SNAPSHOTS = (
    Column("snapshot_step", _ONE, int, "step"),
    Column("snapshot_phase", _ONE, str, "phase"),
    Column("kernel_drift", _ONE, float, "kernel_drift"),
    Column("kernel_alignment", _ONE, float, "kernel_alignment"),
    Column("horizon", _ONE, int, "horizon"),
    Column("unweighted_trace", _BY_CONDITION, float, "block_traces.*"),
    Column("kernel_points", _BY_CONDITION, int, "points.*"),
    Column("snapshot_weight", _BY_CONDITION, float, "weights.*"),
    Column("mode_coefficient", _BY_MODE, float, "mode_coefficients.*"),
    *(Column(name, _ONE, dtype, f"spectrum.{path}") for name, dtype, path in _SPECTRUM),
    Column("eigenvalue", _BY_MODE, float, "spectrum.eigenvalues.*"),
    Column("eigenvalue_error", _BY_MODE, float, "spectrum.errors.*"),
    *(Column(f"block_{name}", _BY_CONDITION, dtype, f"blocks.*.{path}") for name, dtype, path in _SPECTRUM),
    Column("block_eigenvalue", (*_BY_CONDITION, "block_mode"), float, "blocks.*.eigenvalues.*"),
    Column("block_eigenvalue_error", (*_BY_CONDITION, "block_mode"), float, "blocks.*.errors.*"),
    Column("is_described", _BY_MODE, bool, "mode_frequencies.*?"),
    Column("frequency_condition", _BY_MODE, str, "mode_frequencies.*.condition"),
    Column("frequency_component", _BY_MODE, int, "mode_frequencies.*.component", -1),
    Column("frequency_condition_share", _BY_MODE, float, "mode_frequencies.*.share"),
    *(
        Column(f"frequency_{name}", (*_BY_MODE, *more), dtype, f"mode_frequencies.*.{path}")
        for name, more, dtype, path in _FREQUENCY
    ),
    Column("has_shape", _BY_PART, bool, "shapes.*?"),
    Column("shape_condition", _BY_PART, str, "shapes.*.condition"),
    Column("shape_component", _BY_PART, int, "shapes.*.component", -1),
    Column("shape_points", _BY_PART, int, "shapes.*.points"),
    Column("shape_mean_square", _BY_PART, float, "shapes.*.mean_square"),
    Column("shape_concentration", _BY_PART, float, "shapes.*.concentration"),
    Column("shape_place", (*_BY_PART, "coordinate"), float, "shapes.*.place.*"),
    Column("shape_spread", (*_BY_PART, "coordinate"), float, "shapes.*.spread.*"),
    *(Column(f"shape_{name}", (*_BY_PART, *more), dtype, f"shapes.*.{path}") for name, more, dtype, path in _FREQUENCY),
    Column("has_eigenvector", (*_ONE, "eigenvector"), bool, "eigenvectors.*?"),
    Column("eigenvector_mode", (*_ONE, "eigenvector"), int, "eigenvectors.*.mode"),
    Column("eigenvector_value", (*_ONE, "eigenvector", "row"), float, "eigenvectors.*.values.*"),
    Column("kernel_place", (*_BY_CONDITION, "coordinate", "kernel_point"), float, "places.*.*.*"),
    Column("has_theory", _ONE, bool, "theory?"),
    Column("theory_beta", _ONE, float, "theory.beta"),
    Column("theory_age", _ONE, int, "theory.age"),
    Column("theory_velocity", _BY_MODE, float, "theory.velocity.*"),
    Column("theory_rate", _BY_MODE, float, "theory.rates.*"),
    Column("theory_coefficient", _BY_MODE, float, "theory.coefficients.*"),
    Column("has_prediction", _ONE, bool, "prediction?"),
    Column("prediction_start", _ONE, int, "prediction.start"),
    Column("prediction_end", _ONE, int, "prediction.end"),
    Column("prediction_rate", _BY_MODE, float, "prediction.rates.*"),
    Column("prediction_before", _BY_MODE, float, "prediction.before.*"),
    Column("prediction_predicted", _BY_MODE, float, "prediction.predicted.*"),
    Column("prediction_actual", _BY_MODE, float, "prediction.actual.*"),
)

COLUMNS: dict[type, tuple[Column, ...]] = {Check: CHECKS, Stage: PHASES, Diagnostics: SNAPSHOTS}
"""The table of each kind of record."""


def pack(kind: type, records: Sequence[Any], labels: Labels) -> Variables:
    """The columns of records, all of this kind."""
    extent = {dimension: len(names) for dimension, names in labels.items()}
    for column in COLUMNS[kind]:
        for dimension, size in zip(column.dimensions, _extents(records, ["*", *_steps(column.path)]), strict=True):
            if dimension not in labels:
                extent[dimension] = max(extent.get(dimension, 0), size)
    return {column.name: _packed(column, records, extent, labels) for column in COLUMNS[kind]}


def unpack(kind: type[Record], variables: Mapping[str, Variable], labels: Labels) -> list[Record]:
    """The records that `pack` packed. **Raises:** `KeyError` or `ValueError` for other variables."""
    reader = _Reader(kind, variables, labels)
    return [reader.read(kind, "", (i,)) for i in range(reader.count)]


def _steps(path: str) -> list[str]:
    """The attributes of a path, with each `*` and `?` apart."""
    return path.replace("?", ".?").split(".")


def _packed(column: Column, records: Sequence[Any], extent: Mapping[str, int], labels: Labels) -> Variable:
    shape = tuple(extent[dimension] for dimension in column.dimensions)
    values = np.full(shape, column.blank, object if column.dtype is str else column.dtype)
    names = [labels.get(dimension) for dimension in column.dimensions]
    _fill(values, (), records, ["*", *_steps(column.path)], names)
    return words(values, *column.dimensions) if column.dtype is str else Variable(column.dimensions, values)


def _fill(
    values: np.ndarray, index: tuple[int, ...], item: Any, steps: Sequence[str], names: Sequence[Sequence[str] | None]
) -> None:
    """Write what lies at the end of the path that begins at an item."""
    if item is None:
        return
    if not steps or steps[0] == "?":
        values[index] = True if steps else item
    elif steps[0] != "*":
        _fill(values, index, getattr(item, steps[0]), steps[1:], names)
    elif isinstance(item, np.ndarray):
        values[(*index, slice(item.size))] = item
    else:
        own = names[len(index)]
        for number, child in _children(item, own):
            _fill(values, (*index, number), child, steps[1:], names)


def _children(item: Any, names: Sequence[str] | None) -> list[tuple[int, Any]]:
    """The items of an axis by their numbers."""
    if names is not None:
        return [(number, item[name]) for number, name in enumerate(names) if name in item]
    return list(item.items()) if isinstance(item, dict) else list(enumerate(item))


def _extents(item: Any, steps: Sequence[str]) -> list[int]:
    """The largest number of items along each axis of a path."""
    axes = [step for step in steps if step == "*"]
    if item is None or not axes:
        return len(axes) * [0]
    if steps[0] != "*":
        return _extents(getattr(item, steps[0]), steps[1:])
    if isinstance(item, np.ndarray):
        return [item.size]
    size = max(item, default=-1) + 1 if isinstance(item, dict) and all(map(_is_number, item)) else len(item)
    children = item.values() if isinstance(item, dict) else item
    below = [_extents(child, steps[1:]) for child in children] or [(len(axes) - 1) * [0]]
    return [size, *map(max, zip(*below, strict=True))]


def _is_number(key: Any) -> bool:
    return not isinstance(key, str)


class _Reader:
    """Builds records from their columns, following the types of their fields."""

    def __init__(self, kind: type, variables: Mapping[str, Variable], labels: Labels):
        self._columns = {column.path: column for column in COLUMNS[kind]}
        self._values = {column.path: variables[column.name].values for column in COLUMNS[kind]}
        self._labels = labels
        self.count = len(next(iter(self._values.values())))

    def read(self, kind: Any, path: str, index: tuple[int, ...]) -> Any:
        """What is at a path: an object, a mapping, a tuple, an array or a figure."""
        kind, is_optional = _without_none(kind)
        if path + "?" in self._values and not self._values[path + "?"][index]:
            return None
        if dataclasses.is_dataclass(kind):
            return self._object(kind, path, index)
        origin = typing.get_origin(kind)
        if origin is dict:
            return self._mapping(typing.get_args(kind), path, index)
        if origin is tuple:
            item = typing.get_args(kind)[0]
            return tuple(self.read(item, f"{path}.*", (*index, int(i))) for i in self._existing(path, index))
        if _is_array(kind):
            row = self._values[f"{path}.*"][index]
            return row[: _filled(row)]
        value = self._values[path][index].item()
        return None if is_optional and _is_blank(value, self._columns[path]) else value

    def _object(self, kind: Any, path: str, index: tuple[int, ...]) -> Any:
        hints, prefix = typing.get_type_hints(kind), f"{path}." if path else ""
        stored = [f.name for f in dataclasses.fields(kind) if any(_is_below(p, prefix + f.name) for p in self._values)]
        arrays = {n: self._values[f"{prefix}{n}.*"][index] for n in stored if _is_array(_without_none(hints[n])[0])}
        size = max(map(_filled, arrays.values()), default=0)
        rest = {n: self.read(hints[n], prefix + n, index) for n in stored if n not in arrays}
        return kind(**{name: array[:size] for name, array in arrays.items()}, **rest)

    def _mapping(self, kinds: tuple[Any, Any], path: str, index: tuple[int, ...]) -> dict[Any, Any]:
        key, item = kinds
        if key is not str:
            return {int(i): self.read(item, f"{path}.*", (*index, int(i))) for i in self._existing(path, index)}
        column = next(column for p, column in self._columns.items() if p.startswith(f"{path}.*"))
        names = self._labels[column.dimensions[len(index)]]
        found = {name: self.read(item, f"{path}.*", (*index, i)) for i, name in enumerate(names)}
        if item is int and column.dtype is float:  # whole numbers, NaN where there is none
            return {name: int(value) for name, value in found.items() if not math.isnan(value)}
        return found

    def _existing(self, path: str, index: tuple[int, ...]) -> np.ndarray:
        return np.flatnonzero(self._values[f"{path}.*?"][index])


def _without_none(kind: Any) -> tuple[Any, bool]:
    """A type without its None, and whether it had one."""
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        (own,) = (arg for arg in typing.get_args(kind) if arg is not types.NoneType)
        return own, True
    return kind, False


def _is_array(kind: Any) -> bool:
    return hasattr(kind, "array_type")


def _filled(row: np.ndarray) -> int:
    """The length of a row without the NaN at its end."""
    return 1 + int(np.flatnonzero(~np.isnan(row)).max(initial=-1))


def _is_below(path: str, other: str) -> bool:
    return path.startswith(other) and path[len(other) : len(other) + 1] in ("", ".", "?")


def _is_blank(value: Any, column: Column) -> bool:
    return value == column.blank or (isinstance(value, float) and math.isnan(value))
