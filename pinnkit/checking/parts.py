"""The parts of a problem: interior, boundary, ends of time, given points; which conditions hold there, and how many
collocation points lie on them."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ..equations.problem import Problem
from ..geometry.domain import TIME_NAMES, AbstractDomain
from ..geometry.placing import placed
from ..geometry.points import Points
from ..geometry.region import SLACK, AbstractRegion, Bounds
from ..residuals.functions import Batch
from ..samplers.counts import point_counts
from ..samplers.sampler import batch_of
from ..samplers.space_filling import QuasiRandom

INTERIOR, GIVEN, ELSEWHERE = "interior", "given points", "elsewhere inside"

SAMPLES = 512, 4096
"""Points of each part of the boundary, and of each condition on it, that are compared."""

REACH = 4.0
"""Distance at which a condition holds at a point, by the largest distance of its own points from each other."""

COVERED = 0.02
"""Share of a part that may be missed without being reported: the ends of curves."""


class Part(NamedTuple):
    """A part of the domain.

    - `measure`: its length, area or volume, NaN for given points;
    - `points`: the number of collocation points on it; `conditions`: those that hold on it, with the share of it.
    """

    name: str
    measure: float
    points: int
    conditions: dict[str, float]


@dataclasses.dataclass(frozen=True)
class Surface:
    """Sample points of a part of the boundary: places in space and outward normals, as rows."""

    rows: Float[np.ndarray, "n k"]

    @classmethod
    def of(cls, points: Points, domain: AbstractDomain) -> "Surface":
        """Places are divided by the size of the domain, so that faces that meet at an edge are told apart."""
        axes = [domain.coordinates.index(name) for name in domain.space or domain.coordinates]
        size = float((domain.upper - domain.lower)[axes].max())
        places, normals = np.asarray(points.coordinates)[:, axes] / size, np.asarray(points.normals)[:, axes]
        return cls(np.hstack([places, normals]))

    def distances(self, other: "Surface") -> Float[np.ndarray, " n"]:
        """From each of its points to the other surface."""
        from scipy.spatial import KDTree  # slow to import

        return KDTree(other.rows).query(self.rows)[0]

    @property
    def spacing(self) -> float:
        """The largest distance of a point from the next one."""
        from scipy.spatial import KDTree

        rows = np.unique(np.round(self.rows, 9), axis=0)
        return float(KDTree(rows).query(rows, k=2)[0][:, 1].max()) if len(rows) > 1 else SLACK


def collocation_points(problem: Problem, seed: int = 0) -> Batch:
    """The points with which `fit` starts by default, on the host."""
    with jax.enable_x64(True):
        layouts = QuasiRandom().init(problem, point_counts(problem), seed)
        return jax.tree.map(np.asarray, batch_of(problem, layouts))


def parts_of(problem: Problem, points: Batch) -> tuple[Part, ...]:
    """All parts, each with the conditions on it."""
    domain = problem.domain
    inside = {name for name in problem.conditions if _is_inside(problem, name)}
    found = [Part(INTERIOR, domain.measure, *_counted(points, inside))]
    rest = [name for name in problem.conditions if name not in inside]
    ends = {name: end for name in rest if (end := end_of(problem, name)) is not None}
    if domain.space:
        found += _ends(problem, points, ends)
        rest = [name for name in rest if name not in ends]
    given = {name for name in rest if not problem.conditions[name].on.has_normal}
    walls = [name for name in rest if name not in given]
    found += _walls(problem, points, walls)
    if given:
        found.append(Part(GIVEN, float("nan"), *_counted(points, given)))
    return tuple(found)


def _is_inside(problem: Problem, name: str) -> bool:
    return problem.conditions[name].on.dimension == problem.domain.dimension


def _counted(points: Batch, names: set[str]) -> tuple[int, dict[str, float]]:
    own = {name: points[name] for name in points if name in names}
    return sum(map(len, own.values())), dict.fromkeys(own, 1.0)


def end_of(problem: Problem, condition: str) -> tuple[str, float] | None:
    """The time at which a condition holds, if it is a single one, as `("t", 0.0)`."""
    names, (low, high) = problem.domain.coordinates, problem.conditions[condition].on.bounds
    times = [(name, float(a)) for name, a, b in zip(names, low, high, strict=True) if name in TIME_NAMES and a == b]
    return times[0] if times else None


def _ends(problem: Problem, points: Batch, ends: Mapping[str, tuple[str, float]]) -> Iterator[Part]:
    domain = problem.domain
    for axis, name in enumerate(domain.coordinates):
        if name in TIME_NAMES:
            first, last = float(domain.lower[axis]), float(domain.upper[axis])
            others = sorted({time for _, time in ends.values()} - {first, last})
            measure = domain.measure / (last - first)
            for time in (first, *others, last):
                yield Part(
                    f"{name} = {time:g}", measure, *_counted(points, {k for k, v in ends.items() if v[1] == time})
                )


def _walls(problem: Problem, points: Batch, names: list[str]) -> Iterator[Part]:
    """The parts of the boundary in space, and a last one for what conditions have inside the domain."""
    domain = problem.domain
    walls, regions = {name: domain.boundary(name) for name in domain.parts}, problem.conditions
    surfaces = {name: Surface.of(x, domain) for name, x in _sampled(walls, SAMPLES[0]).items()}
    own = _sampled({name: regions[name].on for name in names}, SAMPLES[1])
    inside = [name for name, x in own.items() if not (_depth(x, domain) <= 0).any()]
    conditions = {name: Surface.of(x, domain) for name, x in own.items() if name not in inside}
    counts = dict.fromkeys((*surfaces, ELSEWHERE), 0)
    for name in names:
        for part, number in _shared_out(points[name], domain, surfaces).items():
            counts[part] += number
    for part, surface in surfaces.items():
        shares = {
            name: max(_share(surface, other), _of_period(problem, name, walls[part].bounds))
            for name, other in conditions.items()
        }
        yield Part(part, domain.parts[part], counts[part], {name: s for name, s in shares.items() if s > COVERED})
    if counts[ELSEWHERE]:
        yield Part(ELSEWHERE, float("nan"), counts[ELSEWHERE], dict.fromkeys(inside, 1.0))


def _sampled(regions: Mapping[str, AbstractRegion], count: int) -> Batch:
    """About `count` points of each region, on the host; compiled once."""
    sizes = {
        name: max(region.least, count) if region.count is None else region.count for name, region in regions.items()
    }
    with jax.enable_x64(True):
        units = {name: jnp.asarray(QuasiRandom().layout(region, sizes[name], 0)) for name, region in regions.items()}
        return jax.tree.map(np.asarray, placed(regions, units))


def _depth(points: Points, domain: AbstractDomain) -> Float[np.ndarray, " n"]:
    """The distance from the boundary less what is rounding."""
    distance = np.abs(domain.signed_distance(np.asarray(points.coordinates)))
    return distance - SLACK * float((domain.upper - domain.lower).max())


def _shared_out(points: Points, domain: AbstractDomain, surfaces: Mapping[str, Surface]) -> dict[str, int]:
    """The numbers of points of a condition on each part of the boundary, and inside."""
    names, own = list(surfaces), Surface.of(points, domain)
    nearest = np.argmin([own.distances(surfaces[name]) for name in names], axis=0)
    nearest = np.where(_depth(points, domain) > 0, len(names), nearest)
    return {name: int((nearest == i).sum()) for i, name in enumerate((*names, ELSEWHERE))}


def _share(surface: Surface, condition: Surface) -> float:
    """The share of a part on which a condition holds."""
    return float((surface.distances(condition) <= REACH * max(condition.spacing, SLACK)).mean())


def _of_period(problem: Problem, condition: str, part: Bounds) -> float:
    """1 for a part at which a condition takes the fields of the opposite face, as periodic conditions do."""
    displaced, domain = problem.equation(condition).displaced, problem.domain
    flat = {name: a for name, a, b in zip(domain.coordinates, *part, strict=True) if a == b}
    ends = dict(zip(domain.coordinates, zip(*domain.bounds, strict=True), strict=True))
    return float(any(name in displaced and value in ends[name] for name, value in flat.items()))
