"""What a fit gives back: the fields as functions, the run as data, the report."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from ._base.errors import InputError, InputTypeError
from ._base.types import Params
from .diagnostics.evaluation import Fields
from .equations.problem import Problem
from .geometry.domain import AbstractDomain
from .runs.history import History
from .runs.resume.fingerprint import FINGERPRINT, fingerprint
from .runs.run_folder import Run
from .runs.storage.atomic_files import summed, write_files
from .runs.storage.lock import locked
from .runs.storage.named_arrays import Variable, Variables, to_xarray
from .runs.storage.weights_file import PARAMETERS, encode_params
from .runs.summary import Summary
from .training.state import TrainState

if TYPE_CHECKING:
    import xarray

    from .report.report import Report


Grid: TypeAlias = int | Mapping[str, int | Sequence[float] | np.ndarray]
"""Points along each coordinate, the same for all, or by name a number or the values themselves."""


class Solution:
    """A solved problem.

    - `solution(x=..., t=...)` evaluates the fields;
    - `model`: the trained model, of the kind that was handed in; where pinnkit chose it and there are hard constraints,
      a `FunctionalModel` with those in it. Its parameters are float64 arrays, which JAX computes with in
      single precision outside `jax.enable_x64(True)`;
    - `coefficients`: given and found;
    - `state`: the last `TrainState`, None for a solution that was loaded;
    - `history`, `summary`: what was recorded; `run`: both with settings and pictures;
    - `report()` prints the report, `report.html()` gives it as a page, a notebook shows it; `save(folder)` writes
      everything; `to_xarray(grid)` and `to_vtk(path)` hand the fields to other tools.
    """

    def __init__(
        self, problem: Problem, model: Any, fields: Fields, params: Params, state: TrainState | None, run: Run
    ):
        self.problem, self.model, self.state, self.run = problem, model, state, run
        self._fields, self._params = fields, params

    @property
    def history(self) -> History:
        return self.run.history

    @property
    def summary(self) -> Summary:
        return self.run.summary

    @property
    def coefficients(self) -> dict[str, float]:
        return dict(self.run.summary.coefficients)

    def __call__(self, **coordinates: Any) -> np.ndarray | dict[str, np.ndarray]:
        """The fields at coordinates, which broadcast against each other.

        **Returns:** for a problem with one field an array of the broadcast shape (with a last axis for the
        components of a vector field); for several, a dict from field to such an array.

        **Raises:** `TypeError` unless every coordinate of the domain is given, and nothing else.
        """
        names = self.problem.domain.coordinates
        if set(coordinates) != set(names):
            raise InputTypeError(
                f"the solution of '{self.problem.name}' is a function of {', '.join(names)}; got {sorted(coordinates)}"
            )
        arrays = np.broadcast_arrays(*(np.asarray(coordinates[name], float) for name in names))
        shape = arrays[0].shape
        values = self._fields(self._params, np.stack([a.ravel() for a in arrays], axis=-1))
        fields = {name: value.reshape(shape + value.shape[1:]) for name, value in values.items()}
        return next(iter(fields.values())) if len(fields) == 1 else fields

    def to_xarray(self, grid: Grid = 101) -> "xarray.Dataset":
        """The fields on a tensor grid, as an `xarray.Dataset` over the coordinates, with the reference where known.

        - `grid`: points along each coordinate, the same for all, or by name a number or the values themselves.

        **Raises:** `ImportError` without the extra `data`; `InputError` for an invalid grid.
        """
        return to_xarray(self._on_grid(axes_of(self.problem.domain, grid)), {"problem": self.problem.name})

    def to_vtk(self, path: str | Path, grid: Grid = 51) -> Path:
        """Write the fields for ParaView and others: a `.vtu`, or a `.pvd` and a folder with a `.vtu` for each time.

        - `grid`: as for `to_xarray`; at most three coordinates besides time.

        **Returns:** the path of the file to open. **Raises:** as `to_xarray`, and `OSError` where it cannot be written.
        """
        from .runs.export.vtk import write_vtk

        axes = axes_of(self.problem.domain, grid)
        return write_vtk(Path(path), axes, {k: v.values for k, v in self._on_grid(axes).items() if k not in axes})

    def _on_grid(self, axes: dict[str, np.ndarray]) -> Variables:
        """The axes, the fields and the reference, by name."""
        mesh = np.meshgrid(*axes.values(), indexing="ij")
        points = np.stack([a.ravel() for a in mesh], axis=-1)
        shape, reference = mesh[0].shape, self.problem.evaluate_reference(points) or {}
        found = {**self._fields(self._params, points), **{f"{k}_reference": v for k, v in reference.items()}}
        dimensions = tuple(axes)
        return {
            **{name: Variable((name,), axis) for name, axis in axes.items()},
            **{
                name: Variable((*dimensions, *(["component"] if v.ndim > 1 else [])), v.reshape(shape + v.shape[1:]))
                for name, v in found.items()
            },
        }

    @property
    def report(self) -> "Report":
        from .report.report import Report

        return Report(self.run)

    def save(self, folder: str | Path) -> Path:
        """Write `summary.json`, `config.toml`, `history.npz`, `problem.json`, `parameters.safetensors`, their SHA-256
        sums, and `report.html`; all are complete before any replaces an older one.

        **Raises:** `RunFolderError` if the folder cannot be written, or a fit is writing to it.
        """
        folder = Path(folder)
        files = summed({**self.run.files, FINGERPRINT: fingerprint(self.problem), PARAMETERS: self._encoded})
        with locked(folder):
            write_files(folder, {**files, "report.html": self.report.html().encode()})
        return folder

    def save_weights(self, path: str | Path) -> Path:
        """Write the trained parameters as a safetensors file: arrays by their paths in the model, in float64.

        **Returns:** the path. **Raises:** `RunFolderError` if it cannot be written.
        """
        path = Path(path)
        write_files(path.parent, {path.name: self._encoded})
        return path

    @property
    def _encoded(self) -> bytes:
        return encode_params(self._params, {"problem": self.problem.name, "pinnkit": self.summary.pinnkit_version})


def axes_of(domain: AbstractDomain, grid: Grid) -> dict[str, np.ndarray]:
    """The values of each coordinate on a grid. **Raises:** `InputError` for an invalid grid."""
    names = domain.coordinates
    given = dict.fromkeys(names, grid) if not isinstance(grid, Mapping) else dict(grid)
    if set(given) != set(names):
        raise InputError(f"`grid` is a number, or one entry for each of {', '.join(names)}; got {sorted(given)}")
    out = {}
    for name, low, high in zip(names, domain.lower, domain.upper, strict=True):
        entry = given[name]
        if isinstance(entry, int | np.integer) and not isinstance(entry, bool):
            axis = np.linspace(low, high, int(entry)) if entry >= 2 else np.empty(0)
        else:
            axis = np.asarray(entry, float)
        if axis.ndim != 1 or axis.size < 1 or not np.isfinite(axis).all() or not (np.diff(axis) > 0).all():
            raise InputError(f"`grid` of '{name}' is a number of points ≥ 2 or increasing finite values; got {entry!r}")
        out[name] = axis
    return out
