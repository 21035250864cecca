"""Features of a problem that follow from its declaration, such as `Robin` or `unknown coefficient`."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax

from .._base.errors import InputError
from .._base.words import did_you_mean, plain
from ..equations.common_conditions import complementarity, data, states
from ..equations.condition import Condition
from ..equations.mistakes import ProblemError
from ..equations.problem import Problem
from ..equations.registry import find_problem
from ..geometry.box import Box
from ..geometry.domain import TIME_NAMES
from ..geometry.meshes.level_set import LevelSet
from ..geometry.meshes.mesh import Mesh
from ..geometry.point_cloud import PointCloud
from .declared import Declared, is_array, is_surrounded
from .linearity import is_affine, is_stiff
from .noise import has_noise

MOST_AXES = 3
"""Problems with more space coordinates have many dimensions."""


class Feature(NamedTuple):
    """- `meaning`: in words, of a problem that has it."""

    name: str
    meaning: str
    holds: Callable[[Declared], bool]


def _has_robin(found: Declared) -> bool:
    return any(values & slopes for values, slopes in found.wall_rows())


def _has_neumann(found: Declared) -> bool:
    return any(slopes and not values for values, slopes in found.wall_rows())


def _has_hole(found: Declared) -> bool:
    return any(is_surrounded(hole, own) for own in found.shapes for hole in own.holes)


def _has_moving_boundary(found: Declared) -> bool:
    """A field of time alone in the equation of a field of space and time, whose domain it stretches."""
    own = found.problem.field_domains.own
    fronts = {name for name, domain in own.items() if not domain.space}
    return bool(found.domain.space) and bool(fronts & found.fields(found.inside))


def _is_nonlinear(found: Declared) -> bool:
    return not all(is_affine(equation, found.domain.dimension) for equation in found.equations.values())


def _is_stiff(found: Declared) -> bool:
    """One system in time."""
    is_system = found.domain.coordinates[0] in TIME_NAMES and found.domain.dimension == len(found.inside) == 1
    return is_system and is_stiff(found.problem, found.equations[found.inside[0]])


def _is_periodic(found: Declared) -> bool:
    return any(found.is_opposite(name, point) for name, point in found.elsewhere(found.on_walls))


def _has_integral(found: Declared) -> bool:
    return any(any(map(is_array, point)) for _, point in found.elsewhere(list(found.rows)))


def _has_delay(found: Declared) -> bool:
    """One other point, inside the domain."""
    return any(not any(map(is_array, point)) for _, point in found.elsewhere(found.inside))


def _is_stated_by(function: Callable[..., Condition], found: Declared) -> bool:
    return any(states(function, condition) for condition in found.problem.conditions.values())


def _has_unknown_field(found: Declared) -> bool:
    """A field inside the domain that no data tell, beside one that they tell."""
    told = found.fields(found.at_data)
    return bool(told) and bool(found.fields(found.inside) - told)


FEATURES = (
    Feature("ODE", "one coordinate", lambda found: found.domain.dimension == 1),
    Feature("time", "space and time", lambda found: found.has_time and bool(found.domain.space)),
    Feature("2-D", "two space coordinates", lambda found: len(found.domain.space) == 2),
    Feature("3-D", "three space coordinates", lambda found: len(found.domain.space) == MOST_AXES),
    Feature("many dimensions", "more than three space coordinates", lambda found: len(found.domain.space) > MOST_AXES),
    Feature("nonlinear", "an equation that is not affine in the fields", _is_nonlinear),
    Feature("system", "several fields or components", lambda found: sum(found.problem.field_sizes.values()) > 1),
    Feature("vibration", "second derivatives in time", lambda found: found.has_time and found.order(TIME_NAMES) == 2),
    Feature("third order", "third derivatives in space", lambda found: found.order(found.domain.space) == 3),
    Feature("fourth order", "fourth derivatives in space", lambda found: found.order(found.domain.space) == 4),
    Feature("stiff", "a system in time that decays 1,000 times faster than it is observed", _is_stiff),
    Feature("Neumann", "a slope is given on a boundary", _has_neumann),
    Feature("Robin", "a value and its slope in one condition on a boundary", _has_robin),
    Feature("periodic", "values agree on opposite faces", _is_periodic),
    Feature("integral", "an integral in an equation or a condition", _has_integral),
    Feature("delay", "an equation takes a field at another point", _has_delay),
    Feature("shape", "a domain that is no box", lambda found: not all(isinstance(own, Box) for own in found.shapes)),
    Feature("hole", "a domain with holes", _has_hole),
    Feature(
        "re-entrant corner",
        "a corner at which the solution is singular",
        lambda found: any(corner.is_reentrant for own in found.shapes for corner in own.corners),
    ),
    Feature(
        "mesh",
        "a domain of triangles or tetrahedra",
        lambda found: any(isinstance(own, Mesh) and not isinstance(own, LevelSet) for own in found.shapes),
    ),
    Feature(
        "point cloud", "a domain of points", lambda found: any(isinstance(own, PointCloud) for own in found.shapes)
    ),
    Feature("interface", "fields on parts that meet, such as two materials", lambda found: bool(found.meeting)),
    Feature(
        "inequality", "one of two inequalities is an equation", lambda found: _is_stated_by(complementarity, found)
    ),
    Feature("moving boundary", "a front that is a field of time", _has_moving_boundary),
    Feature("parameters", "solved for all parameters in a range", lambda found: bool(found.domain.parameters)),
    Feature("data", "values at given points", lambda found: bool(found.at_data)),
    Feature("CSV", "values from a file", lambda found: _is_stated_by(data, found)),
    Feature("noise", "values with errors", lambda found: has_noise(found.problem)),
    Feature(
        "unknown coefficient",
        "a number to be found from data",
        lambda found: bool(found.problem.unknowns) and bool(found.at_data),
    ),
    Feature("unknown field", "a function to be found from data of another one", _has_unknown_field),
    Feature(
        "eigenvalue",
        "a number to be found without data",
        lambda found: bool(found.problem.unknowns) and not found.at_data,
    ),
    Feature("units", "quantities with units", lambda found: bool(found.problem.units)),
)


def features_of(problem: Problem, among: Sequence[Feature] = FEATURES) -> tuple[str, ...]:
    """The names of the features that a problem has, by default out of all."""
    with jax.enable_x64(True):
        found = Declared(problem)
        return tuple(feature.name for feature in among if feature.holds(found))


def features_named(problem: str, among: Sequence[Feature] = FEATURES) -> tuple[str, ...]:
    """The same of a problem by its name; none of one that cannot be imported."""
    try:
        return features_of(find_problem(problem), among)
    except ProblemError:
        return ()


def feature_named(text: str) -> Feature:
    """A feature by its name, in any letters, as `third-order` for `third order`.

    **Raises:** `InputError` for an unknown name, with the available ones.
    """
    known = {plain(feature.name): feature for feature in FEATURES}
    if plain(text) not in known:
        names = [feature.name for feature in FEATURES]
        raise InputError(f"there is no feature '{text}'.{did_you_mean(text, names)} Available: {', '.join(names)}")
    return known[plain(text)]
