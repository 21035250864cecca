"""Arrays with named dimensions: the form in which a run is stored and converted for other tools."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from ..._base.errors import InputError
from ..._base.lazy import imported

if TYPE_CHECKING:
    import pandas
    import xarray


_DIMENSIONS = "dimensions"
"""The entry of a file that names the dimensions of all others."""


@dataclass(frozen=True)
class Variable:
    """An array and a name for each of its axes. **Raises:** `ValueError` where their numbers differ."""

    dimensions: tuple[str, ...]
    values: np.ndarray

    def __post_init__(self) -> None:
        if len(self.dimensions) != self.values.ndim:
            raise ValueError(f"dimensions {self.dimensions} do not name the axes of shape {self.values.shape}")


Variables: TypeAlias = dict[str, Variable]
"""Variables by name. One with the name of its only dimension labels that dimension."""


def variable(values: Any, *dimensions: str) -> Variable:
    """An array, or a list of numbers or words, with names for its axes."""
    values = np.asarray(values)
    return Variable(dimensions, values.astype(np.str_) if values.dtype == object else values)


def words(values: Any, *dimensions: str) -> Variable:
    """Strings, possibly none."""
    return Variable(dimensions, np.array(values, dtype=np.str_))


def below(variables: Mapping[str, Variable], prefix: str) -> Variables:
    """The variables whose names begin with a prefix, without the prefix."""
    return {name.removeprefix(prefix): v for name, v in variables.items() if name.startswith(prefix)}


def encode_variables(variables: Mapping[str, Variable], compressed: bool = True) -> bytes:
    """The content of an `.npz`: an array for each variable, and `dimensions`, JSON with the names of their axes."""
    names = json.dumps({name: v.dimensions for name, v in variables.items()})
    arrays = {_DIMENSIONS: np.array(names), **{name: v.values for name, v in variables.items()}}
    file = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(file, allow_pickle=False, **arrays)
    return file.getvalue()


def decode_variables(data: bytes) -> Variables:
    """Read what `encode_variables` made.

    **Raises:** `EOFError`, `KeyError`, `ValueError`, `zipfile.BadZipFile` or `zlib.error` for anything else.
    """
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        arrays = dict(archive)
    names = json.loads(str(arrays.pop(_DIMENSIONS)))
    return {name: Variable(tuple(names[name]), values) for name, values in arrays.items()}


def to_xarray(variables: Mapping[str, Variable], attributes: Mapping[str, Any]) -> "xarray.Dataset":
    """As an `xarray.Dataset`; a variable that labels a dimension becomes its coordinate.

    **Raises:** `ImportError` with what to install.
    """
    xarray: Any = imported("xarray", "data")
    arrays = {name: (v.dimensions, v.values) for name, v in variables.items()}
    labels = {name: arrays.pop(name) for name, v in variables.items() if v.dimensions == (name,)}
    return xarray.Dataset(arrays, labels, dict(attributes))


def to_pandas(variables: Mapping[str, Variable], dimensions: tuple[str, ...]) -> "pandas.DataFrame":
    """All variables with just these dimensions as the columns of a table whose index they are.

    **Raises:** `InputError` with the available dimensions if there are none; `ImportError` with what to install.
    """
    pandas: Any = imported("pandas", "data")
    chosen = {n: v.values for n, v in variables.items() if v.dimensions == dimensions and v.dimensions != (n,)}
    if not chosen:
        known = dict.fromkeys(", ".join(v.dimensions) for v in variables.values() if v.dimensions)
        raise InputError(f"no variable has the dimensions ({', '.join(dimensions)}); there are ({'), ('.join(known)})")
    lengths = next(iter(chosen.values())).shape
    labels = [
        variables[d].values if d in variables and variables[d].dimensions == (d,) else np.arange(n)
        for d, n in zip(dimensions, lengths, strict=True)
    ]
    index = pandas.MultiIndex.from_product(labels, names=dimensions) if len(labels) > 1 else None
    index = pandas.Index(labels[0], name=dimensions[0]) if index is None else index
    return pandas.DataFrame({name: values.ravel() for name, values in chosen.items()}, index=index)
