r"""Edges of a box at which conditions do not fit together, and the problem with residuals that such an edge allows.

Where the values that are prescribed on two faces differ at their edge, as where a sliding lid meets a wall at rest or a
hot rod is put into cold water, the solution depends on the direction, however near the edge. Its derivatives of order k
grow like $r^{-k}$, so their residuals are multiplied by $r^k$, and points are graded towards the edge: every distance
counts about the same. In time, next to a face in space, the directions are those of $x / \sqrt t$ for an equation of
second order (see `Edge`).
"""

import dataclasses
import inspect
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...geometry.box import Box
from ...geometry.domain import TIME_NAMES
from ...geometry.edges import NEAREST, Edge, Graded, graded
from ...geometry.region import AbstractRegion, Face
from ..condition import Condition
from ..problem import Problem
from .face_values import TOLERANCE, FaceValue, box_of, derived, on_face, prescribed
from .initial_jet import InitialJet

DECAY = 0.5
"""Further power of the distance, with which the smallest distances count less."""


MOST_COORDINATES = 3
"""With more coordinates a box has too many edges for features around each of them."""

WEAK = 2
"""Order of the lowest derivatives without a value at an edge where prescribed values fit together."""


class Conflict(NamedTuple):
    """An edge, and what conditions say there, for a person."""

    edge: Edge
    text: str

    @property
    def is_weak(self) -> bool:
        """Whether values and fluxes fit together, and only the rates differ at which they change at the start."""
        return self.edge.order >= WEAK


def conflicts_of(problem: Problem, given: Sequence[FaceValue], periodic: Sequence[int]) -> tuple[Conflict, ...]:
    """The edges at which conditions do not fit together; none in many coordinates, and if fields have own domains.

    - `given`: the values that they prescribe; `periodic`: axes without faces.
    """
    box = problem.domain
    if not isinstance(box, Box) or box.dimension > MOST_COORDINATES or problem.field_domains.is_split:
        return ()
    values = [value for value in given if value.axis not in periodic]
    found = dict[tuple[Any, Any], Conflict]()
    for conflict in (*_in_space(problem, values), *_at_start(problem, values, periodic)):
        found.setdefault((conflict.edge.axes, conflict.edge.sides), conflict)
    return tuple(found.values())


def gap(problem: Problem, a: FaceValue, b: FaceValue) -> tuple[float, float] | None:
    """Two prescribed values, or derivatives of them, that differ where two faces meet."""
    box = box_of(problem, a.condition)
    x = jnp.asarray(on_face(box, a)).at[:, b.axis].set(box.bounds[b.side][b.axis])
    first = np.asarray(jax.vmap(derived(prescribed(problem, a), ((b.axis, b.order),)))(x))
    second = np.asarray(jax.vmap(derived(prescribed(problem, b), ((a.axis, a.order),)))(x))
    return _difference(first, second)


def _difference(first: Float[np.ndarray, " n"], second: Float[np.ndarray, " n"]) -> tuple[float, float] | None:
    wrong = ~(np.abs(first - second) <= TOLERANCE * (1 + np.abs(first).max() + np.abs(second).max()))
    return (float(first[wrong][0]) + 0.0, float(second[wrong][0]) + 0.0) if wrong.any() else None


def _in_space(problem: Problem, values: Sequence[FaceValue]) -> Iterator[Conflict]:
    """Where two faces in space meet with different values of a field."""
    names = problem.domain.coordinates
    given = [value for value in values if value.order == 0 and names[value.axis] not in TIME_NAMES]
    for a, b in itertools.combinations(sorted(given, key=lambda value: (value.axis, value.side)), 2):
        if a.output == b.output and a.axis != b.axis and (both := gap(problem, a, b)) is not None:
            if np.isfinite(both).all():
                edge = Edge.of(problem.domain.bounds, (a.axis, b.axis), (a.side, b.side))
                text = f"prescribe different values {_where(problem, edge)} ({both[0]:.6g} against {both[1]:.6g})"
                yield Conflict(edge, f"{_names(a.condition, b.condition)} {text}")


def _at_start(problem: Problem, values: Sequence[FaceValue], periodic: Sequence[int]) -> Iterator[Conflict]:
    """Where a face in space meets the start, and initial values do not satisfy the condition there."""
    jet = InitialJet.of(problem, values)
    if jet is None:
        return
    for name, condition in problem.conditions.items():
        for face in condition.on.faces_of(problem.domain.bounds) or ():
            if face.axis == jet.axis or face.axis in periodic:
                continue
            x = jnp.asarray(on_face(problem.domain, face)).at[:, jet.axis].set(problem.domain.lower[jet.axis])
            diffusion, residual = jet.diffusion(face.axis, x[0]), jet.residual(name, face, x)
            if diffusion is None or residual is None:
                continue
            order = max((sum(index) for own in problem.equation(name).derivatives.values() for index in own), default=0)
            edge = Edge.at_start(problem.domain.bounds, (face.axis, jet.axis), face.side, *diffusion, order)
            where, both = _where(problem, edge), _names(*jet.conditions, name)
            if (left := _difference(residual, 0 * residual)) is not None and np.isfinite(left).all():
                yield Conflict(edge, f"{both} do not fit together {where} (residual {left[0]:.6g})")
            elif (rates := _rates(problem, jet, values, face, x)) is not None and np.isfinite(rates).all():
                text = f"the equation changes initial values at another rate than {name!r} {where}"
                yield Conflict(edge._replace(order=WEAK), f"{text} ({rates[0]:.6g} against {rates[1]:.6g})")


def _rates(
    problem: Problem, jet: InitialJet, values: Sequence[FaceValue], face: Face, x: Float[Array, "n d"]
) -> tuple[float, float] | None:
    """The rates at which the equation and a prescribed value change at the start, if they differ."""
    for value in values:
        if (value.axis, value.side, value.order) == (face.axis, face.side, 0):
            own = np.asarray(jax.vmap(derived(prescribed(problem, value), ((jet.axis, 1),)))(x))
            if (rate := jet.rate(value.output, x)) is not None and (both := _difference(rate, own)) is not None:
                return both
    return None


def _where(problem: Problem, edge: Edge) -> str:
    names = problem.domain.coordinates
    return "at " + ", ".join(f"{names[i]} = {value:.6g}" for i, value in zip(edge.axes, edge.place, strict=True))


def _names(*conditions: str) -> str:
    return "conditions " + " and ".join(f"'{name}'" for name in dict.fromkeys(conditions))


# The problem near edges.


def relieved(problem: Problem, edges: tuple[Edge, ...]) -> Problem:
    """The problem with residuals scaled, and points graded, near edges."""
    if not edges:
        return problem
    return problem.with_conditions({name: _relieved(problem, name, edges) for name in problem.conditions})


def _relieved(problem: Problem, name: str, edges: tuple[Edge, ...]) -> Condition:
    condition, domain = problem.conditions[name], problem.domain
    if condition.on.count is not None:
        return condition
    region = graded(condition.on, edges, domain.bounds)
    indices = [index for own in problem.equation(name).derivatives.values() for index in own]
    powers = [_order(edge, indices) - _measure(edge, condition.on) / 2 + DECAY for edge in edges]
    cut = np.array([edge.order == 0 for edge in edges], float)

    def factor(x: Float[Array, " d"]) -> Float[Array, ""]:
        """The mean of the squares of r^order times the residual is over the logarithm of the distance r then."""
        density = region.density(x) if isinstance(region, Graded) else 1.0
        r = jnp.stack([edge.distance(x) for edge in edges])
        # where the singularity is cut off, a field that has no value at the edge satisfies no condition
        return jnp.prod(jnp.minimum(r, 1.0) ** np.array(powers) * (1 - cut * (NEAREST / r) ** 2)) / jnp.sqrt(density)

    return dataclasses.replace(condition, residual=_scaled(condition.residual, factor, domain.coordinates), on=region)


def _order(edge: Edge, indices: Sequence[Sequence[int]]) -> int:
    """By which power of the distance the highest derivatives grow."""
    along = lambda index: sum(power * index[axis] for axis, power in zip(edge.axes, edge.powers, strict=True))
    return max(map(along, indices), default=0)


def _measure(edge: Edge, region: AbstractRegion) -> int:
    """The power of the distance with which the measure of the surroundings in a region grows."""
    across = {int(np.argmax(np.abs(piece.normal))) for piece in region.flat_pieces or () if piece.normal is not None}
    return sum(power for axis, power in zip(edge.axes, edge.powers, strict=True) if axis not in across)


def _scaled(
    residual: Callable[..., Any], factor: Callable[[Float[Array, " d"]], Float[Array, ""]], coordinates: tuple[str, ...]
) -> Callable[..., Any]:
    """A residual times a factor, as a function of the same arguments and of all coordinates."""
    taken = [*inspect.signature(residual).parameters]

    def scaled(**values: Any) -> Any:
        at = factor(jnp.stack([values[name] for name in coordinates]))
        found = residual(**{name: values[name] for name in taken})
        return [at * row for row in found] if isinstance(found, list | tuple) else at * found

    parameters = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in dict.fromkeys((*taken, *coordinates))
    ]
    scaled.__signature__ = inspect.Signature(parameters)  # pyright: ignore[reportFunctionMemberAccess]
    return scaled
