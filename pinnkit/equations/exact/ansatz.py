r"""Hard constraints: an ansatz that satisfies conditions for any network.

If a condition prescribes values of a field on faces of the box (or its normal derivatives, with all lower ones), the
field is $u = G + \Phi N$: N is the network, Φ vanishes on those faces to the prescribed order, and G has the prescribed
values there, by Hermite interpolation along each axis and transfinite interpolation (Boolean sums) across axes.
Periodic conditions are satisfied by a network whose features have the period. All of this is derived from the traced
equations; nothing needs to be declared.

Lagaris, Likas & Fotiadis, *Artificial neural networks for solving ordinary and partial differential equations*, IEEE
Trans. Neural Networks 9, 1998; Gordon & Hall, *Construction of curvilinear co-ordinate systems*, IJNME 7, 1973.
"""

import dataclasses
import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..._base.types import Scalar
from ...geometry.around_holes import around_holes
from ...geometry.box import Box
from ...geometry.domain import TIME_NAMES, Hole
from ...geometry.edges import Edge
from ...geometry.region import Face
from ...networks.functional import FunctionalModel
from ...networks.singular_functions import Singularity
from ...networks.stretching import Bump, Stretching
from ..mistakes import ProblemError
from ..problem import Problem
from ..singularities import singularities_of
from .conflicts import WEAK, conflicts_of, gap, relieved
from .face_values import (
    TOLERANCE,
    Datum,
    FaceValue,
    Point,
    Prescription,
    box_of,
    derived,
    on_face,
    prescribed,
    prescription_of,
)
from .interpolation import Bounds, interpolated
from .periodicity import seams_of
from .smoothness import roughness

MOST_AXES = 3
"""Most axes with prescribed values of one field: a transfinite interpolation has up to 3 to this power terms."""

CONFLICT = "{}: the solution is singular there, so residuals nearby are scaled by powers of the distance"

FURTHER = 2
"""Periodic features are smooth, so prescribed values must have this many periodic derivatives beyond those declared."""


@dataclass(frozen=True)
class Ansatz:
    """The hard constraints of a problem.

    - `wanted`: the conditions that were considered; `conditions`: the names of the hard ones;
    - `face_values`: prescribed values by output of the network, including those of single rows of soft conditions;
    - `seams`: periodic axes, with the highest order of the derivatives that are declared equal on their two faces;
    - `zeros`: the face values that prescribe zero everywhere;
    - `notes`: why conditions that were considered are soft;
    - `found`: the face values of each condition that is equivalent to prescribed values;
    - `edges`: where faces meet and the solution is singular: those where conditions prescribe different values;
    - `weak_edges`: those at which conditions prescribe other rates of change than the equation.
    """

    problem: Problem
    wanted: str | tuple[str, ...] = "soft"
    conditions: tuple[str, ...] = ()
    face_values: Mapping[int, tuple[FaceValue, ...]] = dataclasses.field(default_factory=dict)
    seams: Mapping[int, int] = dataclasses.field(default_factory=dict)
    zeros: frozenset[FaceValue] = frozenset()
    notes: tuple[str, ...] = ()
    found: Mapping[str, tuple[FaceValue, ...]] = dataclasses.field(default_factory=dict)
    edges: tuple[Edge, ...] = ()
    weak_edges: tuple[Edge, ...] = ()

    @property
    def periods(self) -> dict[str, float]:
        """Periodic coordinates and their periods, which the features of the network must have."""
        box = self.problem.domain
        return {box.coordinates[axis]: float(box.upper[axis] - box.lower[axis]) for axis in self.seams}

    def stretching(self, bumps: Sequence[Bump] = ()) -> Stretching:
        """Stretched coordinates with these bumps."""
        return Stretching(self.periodic, bumps)

    @property
    def periodic(self) -> list[bool]:
        """Which coordinates are periodic."""
        return [axis in self.seams for axis in range(self.problem.domain.dimension)]

    @functools.cached_property
    def remaining(self) -> Problem:
        """The problem with its soft conditions only, their residuals scaled near `edges`, and with points around holes
        in which features are singular.
        """
        soft = [name for name in self.problem.conditions if name not in self.conditions]
        singular = self.singularities if self.problem.domain.holes else ()
        holes = [own.place for own in singular if isinstance(own.place, Hole)]
        return _refined(relieved(self.problem.restricted_to(soft), self.edges), holes)

    @property
    def with_edges(self) -> "Ansatz | None":
        """The same with all edges at which the solution may be singular: the weak ones, and the corners of a plane box.

        None without any, if there are edges already, and if fields have domains of their own.
        """
        box, weak = self.problem.domain, self.weak_edges
        if self.problem.field_domains.is_split:
            return None
        if isinstance(box, Box) and box.space == box.coordinates and box.dimension == 2 and not self.seams:
            weak = tuple(Edge.of(box.bounds, (0, 1), (i, j), WEAK) for i in (0, 1) for j in (0, 1))
        return dataclasses.replace(self, edges=weak) if weak and not self.edges else None

    @functools.cached_property
    def singularities(self) -> tuple[Singularity, ...]:
        """The corners and holes at which solutions are singular, for the features of the network.

        None if fields have domains of their own.
        """
        return () if self.problem.field_domains.is_split else singularities_of(self.problem)

    def wrap(self, model: FunctionalModel) -> FunctionalModel:
        """The model whose outputs satisfy the hard constraints, except periods."""
        if not self.face_values:
            return model
        apply = lambda params, x: self.outputs(model.apply(params, x), x)
        return FunctionalModel(model.params, apply, model.merge)

    def outputs(
        self,
        network: Float[Array, " m"],
        x: Float[Array, " d"],
        bounds: Bounds | None = None,
        start: Callable[[int, int], Datum] | None = None,
    ) -> Float[Array, " m"]:
        """G + Φ · `network` at one point of the domain of each field, or of the box between `bounds`.

        - `start`: from output and order of the time derivative to initial values that replace the declared ones.
        """
        parts = [
            interpolated(
                network[i],
                x,
                bounds or self._bounds(i, x),
                [(face_value, self._datum(face_value, start)) for face_value in self.face_values[i]],
            )
            if i in self.face_values
            else network[i]
            for i in range(network.shape[0])
        ]
        return jnp.stack(parts)

    def slice_of(self, network: Scalar, x: Point, bounds: Bounds, face_value: FaceValue) -> Scalar:
        """A value at a point of its face, represented by a `network`, that agrees with the values prescribed on other
        faces where these meet.
        """
        across = ((face_value.axis, face_value.order),)
        others = [
            (other, None if other in self.zeros else derived(prescribed(self.problem, other), across))
            for other in self.face_values[face_value.output]
            if other.axis != face_value.axis
        ]
        return interpolated(network, x, bounds, others)

    def _bounds(self, output: int, x: Float[Array, " d"]) -> Bounds:
        domains = self.problem.field_domains
        own = domains.extents[domains.outputs[output]]
        return jnp.asarray(own.lower, x.dtype), jnp.asarray(own.upper, x.dtype)

    def _datum(self, face_value: FaceValue, start: Callable[[int, int], Datum] | None) -> Datum | None:
        """The prescribed value as a function; None for zero."""
        if (
            start is not None
            and self.problem.domain.coordinates[face_value.axis] in TIME_NAMES
            and face_value.side == 0
        ):
            return start(face_value.output, face_value.order)
        return None if face_value in self.zeros else prescribed(self.problem, face_value)


def find_ansatz(problem: Problem, wanted: str | Sequence[str] = "hard", *, periodic: bool = True) -> Ansatz:
    """The ansatz that satisfies as many conditions as possible.

    - `wanted`: "hard" for as many hard constraints as possible, "soft" for none, or the names of those required;
    - `periodic`: whether the network can have periodic features.

    **Raises:** `ProblemError` for an unknown name, or a required condition that cannot be a hard constraint.
    """
    if isinstance(wanted, str) and wanted not in ("hard", "soft"):
        raise ProblemError(f"`constraints` is 'hard', 'soft' or names of conditions, got {wanted!r}")
    equations = [name for name in problem.conditions if name not in problem.priors]
    names = equations if wanted == "hard" else [] if wanted == "soft" else list(wanted)
    if unknown := sorted(set(names) - set(problem.conditions)):
        raise ProblemError(
            f"there are no condition(s) {unknown}; problem '{problem.name}' has {list(problem.conditions)}"
        )
    with jax.enable_x64(True):
        found = _search(problem, names, periodic)
    ansatz = dataclasses.replace(found, wanted=wanted if isinstance(wanted, str) else tuple(names))
    if not isinstance(wanted, str) and (missing := [name for name in names if name not in ansatz.conditions]):
        reason = "; ".join(ansatz.notes) or "it prescribes no values on faces of the box"
        raise ProblemError(f"condition '{missing[0]}' cannot be a hard constraint: {reason}")
    return ansatz


def _refined(problem: Problem, holes: Sequence[Hole]) -> Problem:
    """The problem with half of the points inside around holes."""
    if not holes:
        return problem
    near = lambda condition: dataclasses.replace(condition, on=around_holes(condition.on, problem.domain, holes))
    return problem.with_conditions({name: near(condition) for name, condition in problem.conditions.items()})


def _search(problem: Problem, names: Sequence[str], periodic: bool) -> Ansatz:
    seams, by_period = seams_of(problem, names) if periodic else ({}, ())
    others = [name for name in problem.conditions if name not in (*by_period, *problem.priors)]
    every = {name: prescription_of(problem, name) for name in others}
    given = [value for found in every.values() for value in found.face_values]
    conflicts = conflicts_of(problem, given, tuple(seams))
    edges = tuple(conflict.edge for conflict in conflicts if not conflict.is_weak)
    weak = tuple(conflict.edge for conflict in conflicts if conflict.is_weak)
    notes = [CONFLICT.format(conflict.text) for conflict in conflicts if not conflict.is_weak]
    read = {name: found for name, found in every.items() if name in names}
    candidates = {name: found.face_values for name, found in read.items() if found.face_values}
    zeros = frozenset(
        face_value for found in candidates.values() for face_value in found if _is_zero(problem, face_value)
    )
    notes += [_soft(name, found.reason) for name, found in read.items() if not found.face_values and found.reason]
    if (kink := _kink(problem, candidates, seams)) is not None:
        notes += [_soft(name, kink) for name in by_period]
        seams, by_period = {}, ()
    accepted: list[FaceValue] = []
    object_to = lambda face_values: (
        _objection(problem, [*accepted, *face_values], seams, edges)
        or roughness(problem, [face_value for face_value in face_values if face_value not in zeros])
    )
    complete = []
    for name in sorted(candidates, key=lambda name: _precedence(problem, candidates[name])):
        face_values, reason = _acceptable(read[name], object_to)
        accepted += face_values
        if reason is None:
            complete.append(name)
        else:
            notes.append(_soft(name, reason, face_values))
    if len(complete) + len(by_period) == len(problem.conditions):
        none = "no condition would remain in the loss, so none is a hard constraint"
        return Ansatz(problem, notes=(*notes, none), edges=edges, weak_edges=weak)
    return Ansatz(
        problem,
        conditions=tuple(name for name in problem.conditions if name in complete or name in by_period),
        face_values={
            i: tuple(face_value for face_value in accepted if face_value.output == i)
            for i in sorted({face_value.output for face_value in accepted})
        },
        seams=seams,
        zeros=zeros,
        notes=tuple(notes),
        found={name: face_values for name, face_values in candidates.items() if read[name].is_complete},
        edges=edges,
        weak_edges=weak,
    )


def _acceptable(
    found: Prescription, object_to: Callable[[Sequence[FaceValue]], str | None]
) -> tuple[list[FaceValue], str | None]:
    """The face values of a condition that can be hard, all or those of single rows, and why the condition is soft."""
    if (reason := object_to(found.face_values)) is None:
        return list(
            found.face_values
        ), None if found.is_complete else found.reason or "not all its rows prescribe values"
    rows, hard = sorted({(face_value.order, face_value.row) for face_value in found.face_values}), list[FaceValue]()
    for _, row in rows if len(rows) > 1 else ():
        face_values = [face_value for face_value in found.face_values if face_value.row == row]
        hard += face_values if object_to([*hard, *face_values]) is None else []
    return hard, reason


def _soft(name: str, reason: str, hard: Sequence[FaceValue] = ()) -> str:
    """Why a condition is a soft constraint, and which of its rows are hard ones nevertheless."""
    rows = [str(row + 1) for row in sorted({face_value.row for face_value in hard})]
    nevertheless = f"; hard: row{'s' if len(rows) > 1 else ''} {', '.join(rows)}" if rows else ""
    return f"condition '{name}' is a soft constraint: {reason}{nevertheless}"


def _precedence(problem: Problem, face_values: Sequence[FaceValue]) -> tuple[bool, int]:
    """Initial values first, then lower orders: of conditions that exclude each other the first one is kept."""
    in_time = all(problem.domain.coordinates[face_value.axis] in TIME_NAMES for face_value in face_values)
    return not in_time, max(face_value.order for face_value in face_values)


def _objection(
    problem: Problem, face_values: Sequence[FaceValue], seams: Mapping[int, int], edges: Sequence[Edge]
) -> str | None:
    """Why these face values cannot all be hard constraints."""
    places = [face_value[2:] for face_value in face_values]
    if len(set(places)) < len(places):
        return "another condition prescribes the same values"
    for face_value in face_values:
        x = on_face(box_of(problem, face_value.condition), face_value)
        values = jax.vmap(prescribed(problem, face_value))(jnp.asarray(x))
        if not jnp.isfinite(values).all():
            return "the values it prescribes are not finite"
        if any((face_value.axis, face_value.side) in zip(c.axes, c.sides, strict=True) for c in edges):
            return "conditions prescribe different values where its face meets another one"
        if face_value.axis in seams:
            return f"'{problem.domain.coordinates[face_value.axis]}' is periodic"
        if (jump := _jump(problem, face_value, seams)) is not None:
            return f"its values are not periodic ({jump})"
        below = (face_value.output, face_value.axis, face_value.side, face_value.order - 1)
        if face_value.order and below not in places:
            return "it prescribes a derivative without the value"
        if len({other.axis for other in face_values if other.output == face_value.output}) > MOST_AXES:
            return f"a field is pinned on at most {MOST_AXES} axes"
    for a, b in itertools.combinations(face_values, 2):
        if a.output == b.output and a.axis != b.axis and (values := gap(problem, a, b)) is not None:
            differ = f"{values[0]:.6g} against {values[1]:.6g}"
            return f"its values do not meet those of '{a.condition}' where their faces meet ({differ})"
    return None


def _is_zero(problem: Problem, face_value: FaceValue) -> bool:
    """Whether a face value prescribes zero everywhere, provably: it does not depend on the point."""
    symbols, corner = problem.equation(face_value.condition).symbols, jnp.asarray(problem.domain.lower)
    return (
        all(symbol.kind != "coordinate" for symbol in symbols) and float(prescribed(problem, face_value)(corner)) == 0.0
    )


def _jump(problem: Problem, face_value: FaceValue, seams: Mapping[int, int]) -> str | None:
    """The lowest derivative of prescribed values that should be periodic and is not."""
    box = box_of(problem, face_value.condition)
    for axis, highest in seams.items():
        for order in range(highest + 1):
            datum = derived(prescribed(problem, face_value), ((axis, order),))
            below, above = (
                np.asarray(jax.vmap(datum)(jnp.asarray(on_face(box, Face(axis, side, 1))))) for side in (0, 1)
            )
            wrong = np.abs(above - below) > TOLERANCE * (1 + np.abs(below).max() + np.abs(above).max())
            if wrong.any() or not np.isfinite(above).all():
                what = "value" if not order else f"derivative of order {order}"
                return f"{what} {below[wrong][0]:.6g} against {above[wrong][0]:.6g}" if wrong.any() else "not finite"
    return None


def _kink(problem: Problem, candidates: Mapping[str, Sequence[FaceValue]], seams: Mapping[int, int]) -> str | None:
    """Why periodic features would be smoother than the solution: prescribed values are no smoother than declared."""
    further = {axis: highest + FURTHER for axis, highest in seams.items()}
    for name, face_values in candidates.items():
        for face_value in face_values:
            if (
                face_value.axis not in seams
                and _jump(problem, face_value, seams) is None
                and (jump := _jump(problem, face_value, further))
            ):
                return f"the values of '{name}' are not smooth over the period ({jump})"
    return None
