"""What a fit gives back: the fields as functions, the run as data, the report."""

import base64
import warnings
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from .._base.arguments import check_whole
from .._base.errors import InputError
from .._base.types import Params
from ..diagnostics.evaluation import Fields
from ..equations.problem import Problem
from ..geometry.region import SLACK, AbstractRegion
from ..runs.history import History
from ..runs.resume.fingerprint import FINGERPRINT, fingerprint
from ..runs.run_folder import Run
from ..runs.storage.atomic_files import summed, write_files
from ..runs.storage.lock import locked
from ..runs.storage.named_arrays import Variable, Variables, to_xarray
from ..runs.storage.weights_file import PARAMETERS, encode_params
from ..runs.summary import Summary
from ..training.state import TrainState
from .expressions import Expressions
from .grids import Grid, axes_of, constant_normal, finite, points_at, points_of, rows_of
from .integrals import integral

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes

    from ..drawing.picture import Picture
    from ..report.report import Report
    from .slices import Slices


MOST_DRAWN = 3
"""Most coordinates of a problem that is drawn without a choice of what to fix."""


class ExtrapolationWarning(UserWarning):
    """A solution is evaluated outside its domain, where no equation was imposed."""


class Solution:
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
        self.problem, self.model, self.state, self.run = problem, model, state, run
        self._fields, self._params = fields, params
        self._expressions = Expressions(fields.residuals)
        self._is_warned = False

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

    def __call__(self, **coordinates: Any) -> np.ndarray | dict[str, np.ndarray]:
        """The fields at coordinates, which broadcast against each other.

        **Returns:** for a problem with one field an array of the broadcast shape (with a last axis for the
        components of a vector field); for several, a dict from field to such an array.

        **Raises:** `TypeError` unless every coordinate of the domain is given, and nothing else. Outside the domain, an
        `ExtrapolationWarning` is given once.
        """
        names = self.problem.domain.coordinates
        return self._fields_at(*points_at(names, coordinates, f"the solution of '{self.problem.name}'"))

    def on(self, points: Float[np.ndarray, "n d"]) -> np.ndarray | dict[str, np.ndarray]:
        """The fields at points given as rows, with one column for each coordinate of the domain, in its order.

        **Returns:** as a call, with the shape `(n,)`. **Raises:** `InputError` for an array of another shape.
        """
        rows = rows_of(self.problem.domain.coordinates, points)
        return self._fields_at(rows, rows.shape[:1])

    def evaluate(self, expression: Callable[..., Any], **coordinates: Any) -> np.ndarray:
        """An expression of fields, their derivatives, coordinates and coefficients, as in
        `solution.evaluate(lambda T, k: -k * T.x, x=0.0, t=[0.0, 60.0])`.

        - `expression`: a function whose argument names say what it needs, as that of a `Condition`, written for one
          point; it returns a number, an array, or a list of them. `grad`, `div`, `laplacian` and `partial` apply;
        - `coordinates`: of the domain, which broadcast against each other.

        **Returns:** an array of the broadcast shape, followed by the shape of the expression.

        **Raises:** `ProblemError` for an invalid expression; otherwise as a call.
        """
        points, shape = self._points(coordinates)
        values = self._expressions(expression, self._params, points_of(points), "`evaluate`")
        return values.reshape(shape + values.shape[1:])

    def residual(self, condition: str, **coordinates: Any) -> np.ndarray:
        """The residual of a declared condition.

        - `coordinates`: those that are constant on the region of the condition may be left out. At given points (a
          `PointSet`) there are none: the residual is that at these points.

        **Returns:** an array of the broadcast shape, with a last axis for the rows of a vector residual.

        **Raises:** `InputError` for an unknown condition; otherwise as a call.
        """
        region, where = self._region(condition), f"the residual of '{condition}'"
        residual = self.problem.conditions[condition].residual
        if not coordinates and region.count is not None:
            return self._expressions(residual, self._params, finite(region), where, region)
        if region.columns:
            raise InputError(f"{where} is known at its points only; leave the coordinates out")
        low, high = region.bounds
        names = self.problem.domain.coordinates
        constant = {name: a for name, a, b in zip(names, low, high, strict=True) if a == b}
        points, shape = self._points({**constant, **coordinates})
        normal = constant_normal(region)
        there = points_of(points, None if normal is None else np.broadcast_to(normal, points.shape))
        values = self._expressions(residual, self._params, there, where, None if normal is None else region)
        return values.reshape(shape + values.shape[1:])

    def integrate(
        self, expression: Callable[..., Any], over: AbstractRegion | str | None = None, **fixed: Any
    ) -> float | np.ndarray:
        """The integral of an expression over a region, as in `solution.integrate(lambda u: u**2, t=[0.0, 1.0])` or
        `solution.integrate(lambda T, k, normal: -k * T.x * normal[0], over=domain.boundary("x"), t=60.0)`.

        - `expression`: as for `evaluate`, and `normal` on boundaries;
        - `over`: a region of the domain, or the name of a condition for its region; by default the interior, unless
          each field lives on a part;
        - `fixed`: values of coordinates that are not integrated over, which broadcast against each other. Without the
          time among them, the integral is over time as well. Over single points, values are added up.

        **Returns:** a number; an array of the broadcast shape of `fixed`, followed by the shape of the expression, if
        either is given. The quadrature is refined until two Gauss-Legendre rules agree; a `QuadratureWarning` says
        that they do not.

        **Raises:** `InputError` for a region that is not made of boxes, and for fixed values outside the domain.
        """
        region = self._interior if over is None else self._region(over) if isinstance(over, str) else over
        pieces = region.flat_pieces
        if pieces is None:
            raise InputError(
                f"cannot integrate over a {type(region).__name__}; integrals are over the interior or faces of a box"
            )
        values, shape = self._fixed(fixed)
        integrand = lambda points: self._expressions(
            expression, self._params, points, "`integrate`", region if region.has_normal else None
        )
        found = np.stack([integral(integrand, pieces, dict(at)) for at in values])
        found = found.reshape(shape + found.shape[1:])
        return found if found.shape else float(found)

    @property
    def _interior(self) -> AbstractRegion:
        """The domain without its boundary. **Raises:** `InputError` if each field lives on a part of it."""
        domains = self.problem.field_domains
        if all(own is not domains.whole for own in domains.own.values()):
            first = next(iter(domains.own))
            raise InputError(
                f"the fields of problem '{self.problem.name}' live on parts of the domain; say over which the integral "
                f"is, as in `over=...interior` with the domain of '{first}'"
            )
        return self.problem.domain.interior

    def _points(self, coordinates: dict[str, Any]) -> tuple[np.ndarray, tuple[int, ...]]:
        names = self.problem.domain.coordinates
        points, shape = points_at(names, coordinates, f"the solution of '{self.problem.name}'")
        self._warn_outside(points)
        return points, shape

    def _fields_at(self, points: np.ndarray, shape: tuple[int, ...]) -> np.ndarray | dict[str, np.ndarray]:
        self._warn_outside(points)
        values = self._fields(self._params, points)
        fields = {name: value.reshape(shape + value.shape[1:]) for name, value in values.items()}
        return next(iter(fields.values())) if len(fields) == 1 else fields

    def _fields_inside(self, points: np.ndarray) -> dict[str, np.ndarray]:
        """The fields at points of a grid, NaN outside the domain."""
        inside, found = self.problem.domain.contains(points), self._fields(self._params, points)
        return {name: np.where(inside if v.ndim == 1 else inside[:, None], v, np.nan) for name, v in found.items()}

    def _fixed(self, fixed: dict[str, Any]) -> tuple[list[list[tuple[int, float]]], tuple[int, ...]]:
        """The values of fixed coordinates by axis, for each entry of their broadcast shape, and that shape."""
        domain = self.problem.domain
        if unknown := sorted(set(fixed) - set(domain.coordinates)):
            raise InputError(f"`integrate` fixes unknown coordinate(s) {unknown}; there are {list(domain.coordinates)}")
        if not fixed:
            return [[]], ()
        points, shape = points_at(tuple(fixed), fixed, "the integral")
        axes = [domain.coordinates.index(name) for name in fixed]
        low, high = domain.lower[axes], domain.upper[axes]
        slack = SLACK * (high - low)
        if not ((points >= low - slack) & (points <= high + slack)).all():
            raise InputError(f"`integrate` fixes {', '.join(fixed)} outside the domain {domain!r}")
        clipped = np.clip(points, low, high)
        return [list(zip(axes, row.tolist(), strict=True)) for row in clipped], shape

    def _region(self, condition: str) -> AbstractRegion:
        conditions = self.problem.conditions
        if condition not in conditions:
            raise InputError(
                f"problem '{self.problem.name}' has no condition '{condition}'; there are {', '.join(conditions)}"
            )
        return conditions[condition].on

    def _warn_outside(self, points: np.ndarray) -> None:
        """Warn once of points outside the domain by more than rounding, as in a hole."""
        if self._is_warned:
            return
        outside = ~self.problem.domain.contains(points)
        if not outside.any():
            return
        self._is_warned = True
        where = zip(self.problem.domain.coordinates, points[int(np.argmax(outside))].tolist(), strict=True)
        named = ", ".join(f"{name} = {value:.6g}" for name, value in where)
        warnings.warn(
            f"the solution of '{self.problem.name}' is extrapolated at {named}, outside {self.problem.domain!r}; "
            "no equation holds there",
            ExtrapolationWarning,
            stacklevel=4,
        )

    def plot(
        self, field: str | None = None, *, ax: "Axes | None" = None, cmap: str | None = None, **fixed: Any
    ) -> "Picture":
        """A picture of the fields over one or two coordinates, as in `plot()`, `plot(t=[0, 60, 600])` or
        `plot("T", x=0.25)`; it has the numbers behind it, and notebooks display it.

        - `field`: one of several fields; all of them by default, with a panel for each component;
        - `ax`: matplotlib axes to draw on, if there is only one panel; `cmap`: the name of a matplotlib colour map, by
          default a diverging one for fields of both signs;
        - `fixed`: values of coordinates that are not drawn, which broadcast against each other: curves over one
          coordinate share a panel, with the reference dashed, and images over two have one each. A problem of three
          coordinates is drawn at three times, or three values of the last coordinate.

        **Raises:** `InputError` for unknown names, and if more than two coordinates are left to draw.
        """
        from .pictures import draw  # and with it matplotlib

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
        animate(Path(path), self._slices(field, {**fixed, along: times}), fps, cmap)
        return Path(path)

    def _slices(self, field: str | None, fixed: dict[str, Any]) -> "Slices":
        from .slices import slices

        return slices(self.problem, self._fields_inside, field, fixed)

    def to_xarray(self, grid: Grid = 101) -> "xarray.Dataset":
        """The fields on a tensor grid, as an `xarray.Dataset` over the coordinates, with the reference where known; NaN
        outside the domain.

        - `grid`: points along each coordinate, the same for all, or by name a number or the values themselves.

        **Raises:** `ImportError` without the extra `data`; `InputError` for an invalid grid.
        """
        return to_xarray(self._on_grid(axes_of(self.problem.domain, grid)), {"problem": self.problem.name})

    def to_vtk(self, path: str | Path, grid: Grid = 51) -> Path:
        """Write the fields for ParaView and others: a `.vtu`, or a `.pvd` and a folder with a `.vtu` for each time.

        - `grid`: as for `to_xarray`; at most three coordinates besides time.

        **Returns:** the path of the file to open. **Raises:** as `to_xarray`, and `OSError` where it cannot be written.
        """
        from ..runs.export.vtk import write_vtk

        axes = axes_of(self.problem.domain, grid)
        return write_vtk(Path(path), axes, {k: v.values for k, v in self._on_grid(axes).items() if k not in axes})

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
