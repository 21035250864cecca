"""What a solution answers: its fields, expressions, residuals and integrals of them."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

from .._base.errors import InputError
from .._base.types import Params
from ..diagnostics.evaluation import Fields
from ..equations.problem import Problem
from ..geometry.region import SLACK, AbstractRegion
from ..runs.summary import Summary
from .bands import Band, Bands
from .expressions import Expressions
from .grids import constant_normal, finite, points_at, points_of, rows_of
from .integrals import integral


class ExtrapolationWarning(UserWarning):
    """A solution is evaluated outside its domain, where no equation was imposed."""


class Answers:
    """The fields that were found, as functions.

    - `problem`: that they solve; `fields`: of parameters and points; `params`: the parameters found; `is_trained`:
      whether all layers were trained, not only the last.
    """

    def __init__(self, problem: Problem, fields: Fields, params: Params, summary: Summary, is_trained: bool):
        self.problem, self._fields, self._params = problem, fields, params
        self._expressions, self._bands = Expressions(fields.residuals), Bands(fields, params, summary, is_trained)
        self._is_warned = False

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

    def band(self, confidence: float = 0.95, **coordinates: Any) -> Band | dict[str, Band]:
        """Where the fields lie with a probability, given the noise of the data and what is left of the equations.

        It is pointwise, and holds to first order in the errors (see `pinnkit.posterior`). It does not contain what the
        network cannot represent, nor errors of the equations themselves.

        - `confidence`: a probability between 0 and 1; `coordinates`: as in a call.

        **Returns:** a `Band` of arrays as a call returns them; for several fields, a dict from field to `Band`. Gives a
        `BandWarning` if what is left of equations or data is not noise.
        """
        points, shape = self._points(coordinates)
        return self._bands(points, shape, confidence)

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

        **Raises:** `InputError` for given points, for coordinates of a shape that are fixed, and for fixed values
        outside the domain.
        """
        region = self._interior if over is None else self._region(over) if isinstance(over, str) else over
        cells = region.quadrature_cells
        if cells is None:
            raise InputError(
                f"cannot integrate over a {type(region).__name__}; integrals are over the interior of a domain, or "
                "over parts of its boundary"
            )
        values, shape = self._fixed(fixed)
        integrand = lambda points: self._expressions(
            expression, self._params, points, "`integrate`", region if region.has_normal else None
        )
        found = np.stack([integral(integrand, cells, dict(at)) for at in values])
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
