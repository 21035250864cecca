"""A problem, declared: domain, fields, coefficients and conditions, checked when it is built."""

import copy
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import jax
import numpy as np
from jaxtyping import Float

from ..geometry.domain import AbstractDomain
from ..geometry.embedded import Embedded
from ..geometry.region import SLACK, AbstractRegion
from .condition import Condition
from .display import Statement, as_latex, as_text, heading, statements
from .expression import traced
from .field import reserved_reading
from .field_domains import SAMPLES, FieldDomains, FieldGiven, field_domains, sampled
from .jumps.flaws import find_flaws
from .mistakes import ProblemError
from .names import check_columns, check_identifier
from .quantities import checked_words, title
from .symbols import Frame
from .trace import Equation
from .unknown import Unknown, is_finite_number, is_number


@dataclass(frozen=True)
class Problem:
    """A boundary, initial or inverse problem.

    - `name`: letters, digits, `_`, `-` and `.`;
    - `domain`: what the fields live on, such as a `Box` or a `Disk`; by default a box around the domains of the fields;
    - `fields`: names of scalar fields, or a mapping from names to numbers of components, to domains, or to a domain and
      a number. A field with a domain of its own, such as one of two materials, has its own network, and is NaN outside;
    - `coefficients`: numbers, or `Unknown(...)` for those to be found;
    - `conditions`: name to `Condition`;
    - `reference`: optionally the solution, a NumPy-vectorised function of coordinates and fixed coefficients
      (named as in the conditions) that returns an array, or a dict from field to array of shape `(n,)` or `(n, m)`;
    - `units`, `labels`: words for fields, coordinates and coefficients, as in `{"T": "K", "k": "W/(m K)"}` and
      `{"T": "temperature"}`, for pictures and tables; those of the domain are added. Numbers are not converted.

    Every equation is traced when the problem is built, so mistakes are reported before anything runs.

    **Raises:** `ProblemError`.
    """

    name: str
    domain: AbstractDomain = cast(Any, None)
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    fields: Sequence[str] | Mapping[str, FieldGiven] = ("u",)
    coefficients: Mapping[str, Any] = field(default_factory=dict)
    reference: Callable[..., Any] | None = None
    units: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    field_domains: FieldDomains = field(init=False, repr=False, compare=False)
    _equations: dict[tuple[str, str], Equation] = field(default_factory=dict, init=False, repr=False, compare=False)
    _doubts: dict[str, tuple[str, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("conditions", "coefficients"):
            if not isinstance(getattr(self, name), Mapping):
                given = type(getattr(self, name)).__name__
                raise ProblemError(f"`{name}` is a mapping from names, as in `{{'a': ...}}`; got {given}")
        object.__setattr__(self, "coefficients", {k: _coefficient(k, v) for k, v in self.coefficients.items()})
        domains = field_domains(self.fields, cast(Any, self.domain), f"problem '{self.name}'")
        object.__setattr__(self, "field_domains", domains)
        object.__setattr__(self, "domain", domains.whole)
        object.__setattr__(self, "conditions", {k: self._embedded(v) for k, v in self.conditions.items()})
        self._check_names()
        names = [name for kind in self._kinds.values() for name in kind]
        for what in ("units", "labels"):
            given = checked_words(what, getattr(self, what), names, self.name)
            object.__setattr__(self, what, {**domains.words(what), **given})
        self._check_conditions()
        self._check_field_domains()
        self._check_reference()
        self._check_derivatives()

    @property
    def titles(self) -> dict[str, str]:
        """The names that have a unit or a label, as pictures and tables show them: `temperature T (K)`."""
        return {name: title(name, self.units, self.labels) for name in {**self.units, **self.labels}}

    @property
    def doubts(self) -> tuple[str, ...]:
        """Possible mistakes in the equations, each in one line."""
        return tuple(doubt for name in self.conditions for doubt in self._doubts[name])

    @property
    def field_sizes(self) -> dict[str, int]:
        """Number of components of each field; 1 is a scalar."""
        return self.field_domains.sizes

    @property
    def unknowns(self) -> dict[str, Unknown]:
        """The coefficients to be found."""
        return {name: value for name, value in self.coefficients.items() if isinstance(value, Unknown)}

    @property
    def constants(self) -> dict[str, float]:
        """The coefficients with fixed values."""
        return {name: value for name, value in self.coefficients.items() if not isinstance(value, Unknown)}

    @property
    def measured(self) -> dict[str, Condition]:
        """The conditions on measured values, which may have errors."""
        return {name: condition for name, condition in self.conditions.items() if condition.is_measured}

    @property
    def priors(self) -> tuple[str, ...]:
        """The conditions that are preferences."""
        return tuple(name for name, condition in self.conditions.items() if condition.prior)

    def equation(self, condition: str) -> Equation:
        """The equation of a condition, traced once in each precision."""
        key = condition, str(jax.numpy.result_type(float))
        if key not in self._equations:
            self._equations[key] = self._traced(condition)
        return self._equations[key]

    def _traced(self, condition: str) -> Equation:
        residual, region = self.conditions[condition].residual, self.conditions[condition].on
        return traced(residual, self.frame(region), f"condition '{condition}' of problem '{self.name}'", "residual")

    def frame(self, region: AbstractRegion | None = None) -> Frame:
        """The names that an expression may use, at any point or on a region."""
        return Frame(
            coordinates=self.domain.coordinates,
            space=self.domain.space,
            fields=self.field_sizes,
            coefficients=tuple(self.coefficients),
            columns=() if region is None else region.columns,
            has_normal=region is not None and region.has_normal,
        )

    def __repr__(self) -> str:
        """The equations, as traced."""
        unit = lambda name: f" {self.units[name]}" if name in self.units else ""
        unknown = {name: f"unknown (from {value.initial:.6g}{unit(name)})" for name, value in self.unknowns.items()}
        known = {name: f"= {value:.6g}{unit(name)}" for name, value in self.constants.items()}
        sizes = {name: self.equation(name).size for name in self.conditions}
        arguments = {name: own.coordinates for name, own in self.field_domains.own.items()}
        return as_text(heading(self.name, arguments, {**known, **unknown}), self.statements, sizes)

    def _repr_latex_(self) -> str:
        """The equations in a notebook."""
        return as_latex(self.statements)

    @property
    def statements(self) -> dict[str, list[Statement]]:
        """The equations of each condition as text and LaTeX, and where they hold."""
        with jax.enable_x64(True):
            return {name: statements(self.equation(name), c.on, self.domain) for name, c in self.conditions.items()}

    def highest_orders(self, axis: int) -> dict[int, int]:
        """The order of the highest derivative along an axis of each output of the network in the equations."""
        taken = {symbol for name in self.conditions for symbol in self.equation(name).symbols if symbol.kind == "field"}
        orders = lambda field: [symbol.orders[axis] for symbol in taken if symbol.name == field]
        return {output: max(orders(field), default=0) for output, field in enumerate(self.field_domains.outputs)}

    def with_coefficients(self, **values: float) -> "Problem":
        """The same problem with other values of given coefficients.

        The reference is kept if it takes every coefficient that changed, and dropped otherwise, for it
        would be the solution of another problem.

        **Raises:** `ProblemError` for a coefficient that the problem does not have.
        """
        if unknown := sorted(set(values) - set(self.coefficients)):
            raise ProblemError(
                f"problem '{self.name}' has no coefficient(s) {unknown}; it has {sorted(self.coefficients)}"
            )
        changed = {name for name, value in values.items() if value != self.coefficients[name]}
        reference = self.reference
        if reference is not None and not changed <= set(inspect.signature(reference).parameters):
            reference = None
        coefficients = {k: _coefficient(k, v) for k, v in {**self.coefficients, **values}.items()}
        found = self._with(coefficients=coefficients, reference=reference, _doubts={})
        found._check_reference()
        found._check_derivatives()
        return found

    def restricted_to(self, conditions: Sequence[str]) -> "Problem":
        """The same problem with some of its conditions only.

        **Raises:** `ProblemError` if `conditions` is empty.
        """
        found = self._with(conditions={name: self.conditions[name] for name in conditions})
        found._check_conditions()
        return found

    def with_conditions(self, conditions: Mapping[str, Condition]) -> "Problem":
        """The same problem with other conditions of the same names, unchecked."""
        return self._with(conditions=dict(conditions), _equations={})

    def _with(self, **changes: Any) -> "Problem":
        """A copy with other fields, unchecked. It shares the traced equations, which do not depend on what changes."""
        found = copy.copy(self)
        for name, value in changes.items():
            object.__setattr__(found, name, value)
        return found

    def evaluate_reference(self, points: Float[np.ndarray, "n d"]) -> dict[str, np.ndarray] | None:
        """The reference at `points`, per field of shape `(n,)` or `(n, m)`; None without a reference.

        NaN means that there is no reference at a point, as in a hole.

        **Raises:** `ProblemError` for a reference that returns something else.
        """
        if self.reference is None:
            return None
        result = self.call_reference(dict(zip(self.domain.coordinates, points.T, strict=True)))
        if not isinstance(result, Mapping):
            parts = [result] if len(self.field_sizes) == 1 else result
            if not isinstance(parts, list | tuple | np.ndarray) or len(parts) != len(self.field_sizes):
                raise ProblemError(
                    f"the reference of problem '{self.name}' returns {type(result).__name__}; "
                    f"it must return values of the fields {list(self.field_sizes)}, in this order or by name"
                )
            result = dict(zip(self.field_sizes, parts, strict=True))
        if set(result) - set(self.field_sizes):
            raise ProblemError(
                f"the reference of problem '{self.name}' returns {sorted(result)}; "
                f"the fields are {list(self.field_sizes)}"
            )
        return {name: self._reference_values(name, values, points) for name, values in result.items()}

    def call_reference(self, coordinates: Mapping[str, Any]) -> Any:
        """What the reference returns for coordinates by name, whatever kind of array these are, in double precision."""
        if self.reference is None:
            raise ProblemError(f"problem '{self.name}' has no reference")
        known = {**coordinates, **self.constants}
        with jax.enable_x64(True):  # a reference may be written with `jax.numpy`
            return self.reference(**{name: known[name] for name in inspect.signature(self.reference).parameters})

    def _reference_values(self, name: str, values: Any, points: Float[np.ndarray, "n d"]) -> np.ndarray:
        size, n = self.field_sizes[name], len(points)
        try:
            array, shape = np.asarray(values, dtype=float), (n,) if size == 1 else (n, size)
        except (TypeError, ValueError):
            raise ProblemError(
                f"the reference of problem '{self.name}' gives field '{name}' values that are not numbers: "
                f"{type(values).__name__}"
            ) from None
        if array.shape not in (shape, ()):
            raise ProblemError(
                f"the reference of problem '{self.name}' gives field '{name}' the shape {array.shape} "
                f"at {n} points; it must be {shape}"
            )
        is_constant, inside = array.shape == (), self.field_domains.contains(name, points)
        array = np.broadcast_to(array, shape)
        infinite, missing = (test(array[inside]).reshape(-1, size).any(axis=1) for test in (np.isinf, np.isnan))
        if infinite.any():
            where = "" if is_constant else self._place(points[inside][int(np.argmax(infinite))])
            raise ProblemError(f"the reference of problem '{self.name}' is infinite for field '{name}'{where}")
        if missing.all() and missing.size:
            raise ProblemError(
                f"the reference of problem '{self.name}' is NaN at all {n} points for field '{name}'; NaN means that "
                "there is no reference at a point"
            )
        return self.field_domains.masked(name, array, points)

    def _place(self, point: Float[np.ndarray, " d"]) -> str:
        """A point as ` at x = ..., t = ...`."""
        named = zip(self.domain.coordinates, point.tolist(), strict=True)
        return " at " + ", ".join(f"{name} = {value:.6g}" for name, value in named)

    @property
    def _kinds(self) -> dict[str, Iterable[str]]:
        """The names that equations may use, by kind."""
        return {"coordinate": self.domain.coordinates, "field": self.field_sizes, "coefficient": self.coefficients}

    def _check_names(self) -> None:
        if not isinstance(self.name, str) or not self.name or self.name.strip(".") == "":
            raise ProblemError(f"a problem needs a name, got {self.name!r}")
        if not all(c.isalnum() or c in "_-." for c in self.name):
            raise ProblemError(f"a problem's name has letters, digits, '_', '-' and '.'; got {self.name!r}")
        seen: dict[str, str] = {"normal": "outward normal"}
        for kind, names in self._kinds.items():
            for name in names:
                check_identifier(name, kind)
                if name in seen:
                    raise ProblemError(f"'{name}' names both a {seen[name]} and a {kind} of problem '{self.name}'")
                seen[name] = kind
        if (taken := reserved_reading(self.domain.coordinates)) is not None:
            raise ProblemError(
                f"problem '{self.name}' cannot have the coordinates {list(self.domain.coordinates)}: "
                f"the derivative `u.{taken}` would be hidden by another meaning of that name; rename a coordinate"
            )

    def _check_conditions(self) -> None:
        if not self.conditions:
            raise ProblemError(f"problem '{self.name}' has no conditions")
        for name, condition in self.conditions.items():
            if not isinstance(name, str) or not name:
                raise ProblemError(f"conditions of problem '{self.name}' have names, got {name!r}")
            if not isinstance(condition, Condition):
                raise ProblemError(
                    f"condition '{name}' of problem '{self.name}' is a {type(condition).__name__}; "
                    "write `Condition(residual, on=region)`"
                )
            if condition.on.coordinates != self.domain.coordinates:
                raise ProblemError(
                    f"condition '{name}' of problem '{self.name}' holds on a region with coordinates "
                    f"{list(condition.on.coordinates)}; the domain has {list(self.domain.coordinates)}"
                )
            where = f"condition '{name}' of problem '{self.name}'"
            check_columns(condition.on.columns, {**self._kinds, "outward normal": ("normal",)}, where)
            self._check_region(name, condition.on)

    def _check_region(self, condition: str, region: AbstractRegion) -> None:
        """Refuse a region that extends beyond the domain by more than rounding."""
        if region.given is not None:
            return self._check_inside(condition, region.given)
        (lower, upper), (low, high) = self.domain.bounds, region.bounds
        slack = SLACK * (upper - lower)
        outside = np.flatnonzero((low < lower - slack) | (high > upper + slack))
        if outside.size:
            axis = int(outside[0])
            name, span = self.domain.coordinates[axis], lambda a, b: f"from {a[axis]:g} to {b[axis]:g}"
            raise ProblemError(
                f"condition '{condition}' of problem '{self.name}' holds on a region that leaves the domain: {name} is "
                f"{span(low, high)} there, the domain has {name} {span(lower, upper)}; take a region inside the domain"
            )

    def _embedded(self, condition: Any) -> Any:
        """A condition on some of the coordinates, as one on all of them."""
        names = self.domain.coordinates
        if not isinstance(condition, Condition) or not self.field_domains.is_split:
            return condition
        own = condition.on.coordinates
        if own == names or [name for name in names if name in own] != list(own):
            return condition
        return replace(condition, on=Embedded(condition.on, names, self.domain.lower))

    def _check_field_domains(self) -> None:
        """Refuse domains of fields that do not fit together, and conditions that take fields outside of them."""
        if not self.field_domains.is_split:
            return
        self.field_domains.check(f"problem '{self.name}'", map(self.equation, self.conditions))
        for name, condition in self.conditions.items():
            where, on = f"condition '{name}' of problem '{self.name}'", condition.on
            self.field_domains.check_points(self.equation(name), sampled(on, SAMPLES), on.has_normal, where)
            if isinstance(on, Embedded):
                self.field_domains.check_embedded(self.equation(name), on.base.coordinates, where)

    def _check_derivatives(self) -> None:
        """Refuse derivatives of expressions that certainly jump, and collect doubts about the others."""
        coefficients = {**self.constants, **{name: unknown.initial for name, unknown in self.unknowns.items()}}
        with jax.enable_x64(True):
            for name, condition in self.conditions.items():
                doubts = list[str]()
                for flaw in find_flaws(self.equation(name), condition.on, self.domain, coefficients):
                    doubts.append(f"condition '{name}' of problem '{self.name}': {flaw.text}")
                    if flaw.is_certain:
                        raise ProblemError(doubts[-1])
                self._doubts[name] = tuple(doubts)

    def _check_inside(self, condition: str, points: Float[np.ndarray, "n d"]) -> None:
        """Refuse given points that lie outside the domain by more than rounding."""
        inside = self.domain.contains(points)
        if not inside.all():
            place = self._place(points[int(np.argmin(inside))])
            raise ProblemError(
                f"condition '{condition}' of problem '{self.name}' has {np.sum(~inside)} point(s) outside the domain, "
                f"the first{place}"
            )

    def _check_reference(self) -> None:
        if self.reference is None:
            return
        if not callable(self.reference):
            given = type(self.reference).__name__
            raise ProblemError(f"the reference of problem '{self.name}' is a function of coordinates, got {given}")
        known = [*self.domain.coordinates, *self.constants]
        if unknown := [name for name in inspect.signature(self.reference).parameters if name not in known]:
            raise ProblemError(
                f"the reference of problem '{self.name}' takes unknown argument(s) {unknown}; there are {known}"
            )


def _coefficient(name: str, value: Any) -> float | Unknown:
    if isinstance(value, Unknown):
        return value
    if not is_number(value):
        raise ProblemError(f"coefficient '{name}' is a number or `Unknown(...)`, got {type(value).__name__}")
    if not is_finite_number(value):
        raise ProblemError(f"coefficient '{name}' must be finite, got {float(value)}")
    return float(value)
