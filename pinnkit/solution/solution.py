"""What a fit gives back: the fields as functions, the run as data, the report."""

import base64
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._base.arguments import check_whole
from .._base.errors import InputError, InputTypeError
from .._base.types import Params
from ..diagnostics.evaluation import Fields
from ..equations.problem import Problem
from ..geometry.region import AbstractRegion
from ..runs.history import History
from ..runs.resume.fingerprint import FINGERPRINT, fingerprint
from ..runs.run_folder import Run
from ..runs.storage.atomic_files import summed, write_files
from ..runs.storage.lock import locked
from ..runs.storage.named_arrays import Variable, Variables, to_xarray
from ..runs.storage.weights_file import PARAMETERS, encode_params
from ..runs.summary import Summary
from ..training.state import TrainState
from .answers import Answers
from .grids import GRID, Grid, axes_of

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes

    from ..drawing.picture import Picture
    from ..report.report import Report
    from .slices import Slices


MOST_DRAWN = 3
"""Most coordinates of a problem that is drawn without a choice of what to fix."""


class Solution(Answers):
    """A solved problem.

    - `solution(x=..., t=...)` evaluates the fields, `solution.on(points)` does so at the rows of an array;
    - `plot()` draws it and `animate(path)` writes a movie;
    - `evaluate`, `residual` and `integrate` answer questions about expressions of the fields and their derivatives;
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
        super().__init__(problem, fields, params, run.summary, run.config.get("network") != "SineFeatures")
        self.model, self.state, self.run = model, state, run

    def __repr__(self) -> str:
        """What was solved, the outcome, and what to ask next."""
        own = self.problem.field_domains.own
        fields = ", ".join(f"{name}({', '.join(domain.coordinates)})" for name, domain in own.items())
        call = ", ".join(f"{name}=..." for name in self.problem.domain.coordinates)
        return (
            f"Solution of '{self.problem.name}' for {fields} on {self.problem.domain!r}\n  {self.report.verdict}\n"
            f"  solution({call}), .evaluate(...), .integrate(...), .plot(), .report(), .save(folder)"
        )

    def _repr_html_(self) -> str:
        """The outcome, with a picture of up to three coordinates."""
        title, text = (escape(part) for part in (self.problem.name, self.report.verdict))
        html = f"<p><b>{title}</b><br>{text}</p>"
        if self.problem.domain.dimension > MOST_DRAWN:
            return html
        picture = base64.b64encode(self.plot().png).decode()
        return f'{html}<img alt="solution of {title}" src="data:image/png;base64,{picture}">'

    @property
    def history(self) -> History:
        return self.run.history

    @property
    def summary(self) -> Summary:
        return self.run.summary

    @property
    def coefficients(self) -> dict[str, float]:
        return dict(self.run.summary.coefficients)

    @property
    def params(self) -> Params:
        """The parameters of the whole model and the coefficients found, float64 arrays."""
        return self._params

    def plot(
        self,
        field: str | Callable[..., Any] | None = None,
        *,
        along: AbstractRegion | str | None = None,
        ax: "Axes | None" = None,
        cmap: str | None = None,
        **fixed: Any,
    ) -> "Picture":
        """A picture of the fields over one or two coordinates, as in `plot()`, `plot(t=[0, 60, 600])` or
        `plot("T", x=0.25)`; it has the numbers behind it, and notebooks display it.

        - `field`: one of several fields; all of them by default, with a panel for each component;
        - `along`: in the plane, a part of the boundary, by its name or that of a condition, or a region; curves are
          drawn over its arc length, counterclockwise around the domain. There `field` may be an expression, as in
          `plot(lambda u, normal: grad(u) @ normal, along="hole")`;
        - `ax`: matplotlib axes to draw on, if there is only one panel; `cmap`: the name of a matplotlib colour map, by
          default a diverging one for fields of both signs;
        - `fixed`: values of coordinates that are not drawn, which broadcast against each other: curves over one
          coordinate share a panel, with the reference dashed, and images over two have one each. A problem of three
          coordinates is drawn at three times or values of a parameter, or in space by its three middle sections.

        **Raises:** `InputError` for unknown names, and if more than two coordinates are left to draw.
        """
        from .pictures import draw  # and with it matplotlib

        if along is not None:
            from .boundary_curves import EXPRESSION, along_boundary

            expressed = lambda points, on: {EXPRESSION: self._expressions(field, self._params, points, "`plot`", on)}
            values = expressed if callable(field) else lambda points, on: self._fields(self._params, points.coordinates)
            return draw([along_boundary(self.problem, values, field, along, fixed)], ax, cmap)
        if callable(field):
            raise InputTypeError("`plot` draws expressions along a boundary only: give `along`, or plot a field")
        return draw(self._slices(field, fixed), ax, cmap)

    def animate(
        self,
        path: str | Path,
        field: str | None = None,
        *,
        along: str = "t",
        frames: int = 60,
        fps: int = 15,
        cmap: str | None = None,
        **fixed: Any,
    ) -> Path:
        """Write a movie of the fields, a `.gif` or an `.mp4`, with time (or the coordinate `along`) as its time.

        - `frames`: their number; `fps`: frames per second; the other arguments are those of `plot`.

        **Returns:** the path. **Raises:** as `plot`; `MissingPackageError` for an `.mp4` without ffmpeg; `OSError`.
        """
        from .pictures import animate

        check_whole(2, frames=frames)
        check_whole(fps=fps)
        domain = self.problem.domain
        if along not in domain.coordinates:
            raise InputError(f"`animate` along unknown coordinate '{along}'; there are {list(domain.coordinates)}")
        axis = domain.coordinates.index(along)
        times = np.linspace(domain.lower[axis], domain.upper[axis], frames)
        (found,) = self._slices(field, {**fixed, along: times})
        animate(Path(path), found, fps, cmap)
        return Path(path)

    def _slices(self, field: str | None, fixed: dict[str, Any]) -> "list[Slices]":
        from .slices import slices

        return slices(self.problem, self._fields_inside, field, fixed)

    def to_xarray(self, grid: Grid = 101) -> "xarray.Dataset":
        """The fields on a tensor grid, as an `xarray.Dataset` over the coordinates, with the reference where known; NaN
        outside the domain.

        - `grid`: points along each coordinate, the same for all, or by name a number or the values themselves.

        **Raises:** `ImportError` without the extra `data`; `InputError` for an invalid grid.
        """
        found = to_xarray(self._on_grid(axes_of(self.problem.domain, grid)), {"problem": self.problem.name})
        for attribute, words in (("units", self.problem.units), ("long_name", self.problem.labels)):
            for name in words:
                for own in {name, f"{name}_reference"} & {str(known) for known in found.variables}:
                    found[own].attrs[attribute] = words[name]
        return found

    def to_vtk(self, path: str | Path, grid: Grid | None = None) -> Path:
        """Write the fields for ParaView and others: a `.vtu`, or a `.pvd` and a folder with a `.vtu` for each time.

        - `grid`: as for `to_xarray`; at most three coordinates besides time. By default the triangles or tetrahedra of
          the domain, at 51 times; 51 points along each coordinate where there are none, or there are parameters.

        **Returns:** the path of the file to open. **Raises:** as `to_xarray`, and `OSError` where it cannot be written.
        """
        from ..runs.export.vtk import write_vtk
        from .on_meshes import write_on_mesh

        if grid is None and (written := write_on_mesh(Path(path), self.problem, self._fields_on)) is not None:
            return written
        grid = GRID if grid is None else grid
        axes = axes_of(self.problem.domain, grid)
        return write_vtk(Path(path), axes, {k: v.values for k, v in self._on_grid(axes).items() if k not in axes})

    def _fields_on(self, points: np.ndarray) -> dict[str, np.ndarray]:
        return self._fields(self._params, points)

    def _on_grid(self, axes: dict[str, np.ndarray]) -> Variables:
        """The axes, the fields and the reference, by name."""
        mesh = np.meshgrid(*axes.values(), indexing="ij")
        points = np.stack([a.ravel() for a in mesh], axis=-1)
        shape, reference = mesh[0].shape, self.problem.evaluate_reference(points) or {}
        found = {**self._fields_inside(points), **{f"{k}_reference": v for k, v in reference.items()}}
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
        from ..report.report import Report

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

    def export(self, path: str | Path) -> Path:
        """Write the fields as a function for other programs: `.stablehlo` (`jax.export`; needs the extra `export`), or
        `.py`, a module whose `evaluate(points)` needs NumPy alone.

        **Returns:** the path. **Raises:** `InputError` for another suffix and for what NumPy cannot compute;
        `ImportError` without the extra; `RunFolderError` if it cannot be written.
        """
        from .export import export

        export(Path(path), self._fields.residuals, self._params, self.summary.pinnkit_version)
        return Path(path)

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
