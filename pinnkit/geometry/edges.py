"""Corners of boxes where a solution is singular, and regions with more points near them."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .denser import DENSE, AbstractDenser
from .faces import Faces, Interior
from .points import Points
from .region import SLACK, AbstractRegion, Bounds

NEAREST = 1e-5
"""Distance from an edge, as a share of its reach, at which the singularity is cut off."""

PROFILE = 8.0
"""Ratio of x² to the product of diffusivity and time halfway between a face and the start: that at which a profile such
as erf(x / √(4kt)) fills the range of directions evenly."""


class Edge(NamedTuple):
    r"""Where two faces of a box meet: a point in the plane, a line in space.

    The distance is $r = (\ell_1^{2m/p_1} + \ell_2^{2m/p_2})^{1/(2m)}$ with the distances ℓ from the two faces as shares
    of `reach`, and m the larger power: with powers 1 and 2 for space and time, functions of $x / \sqrt t$ depend on the
    direction only.

    - `axes`: of the two faces; `sides`: 0 for the lower and 1 for the upper face of each;
    - `place`: the values of these two coordinates there;
    - `reach`: the extent of the surroundings along each; `powers`: p;
    - `order`: of the lowest derivatives of the solution that have no value there, 0 for the solution itself.
    """

    axes: tuple[int, int]
    sides: tuple[int, int]
    place: tuple[float, float]
    reach: tuple[float, float]
    powers: tuple[int, int] = (1, 1)
    order: int = 0

    @classmethod
    def of(cls, bounds: Bounds, axes: tuple[int, int], sides: tuple[int, int], order: int = 0) -> "Edge":
        """The edge of the box between `bounds`, in space; its surroundings reach to the middle of the shorter side."""
        reach = float((bounds[1] - bounds[0])[list(axes)].min()) / 2
        return cls(axes, sides, _place(bounds, axes, sides), (reach, reach), order=order)

    @classmethod
    def at_start(
        cls, bounds: Bounds, axes: tuple[int, int], side: int, power: int, rate: float, order: int = 0
    ) -> "Edge":
        """The edge between a face in space and the start.

        - `axes`: of space and of time; `power`: the order of the equation in space; `rate`: its diffusivity.
        """
        space, time = (bounds[1] - bounds[0])[list(axes)].tolist()
        reach = min(space / 2, (PROFILE * rate * time) ** (1 / power))
        reaches = reach, reach**power / (PROFILE * rate)
        return cls(axes, (side, 0), _place(bounds, axes, (side, 0)), reaches, (1, power), order)

    @property
    def is_in_space(self) -> bool:
        return self.powers == (1, 1)

    def legs(self, x: Float[Array, " d"]) -> Float[Array, "2"]:
        """The distances of a point from the two faces, as shares of the reach."""
        inward = (1 - 2 * np.array(self.sides)) / np.array(self.reach)
        return jnp.asarray(inward, x.dtype) * (x[np.array(self.axes)] - jnp.asarray(self.place, x.dtype))

    def distance(self, x: Float[Array, " d"]) -> Float[Array, ""]:
        """The distance of a point, at least about that at which the singularity is cut off."""
        most, legs = max(self.powers), self.legs(x)
        first, second = (legs[i] ** (2 * most // power) for i, power in enumerate(self.powers))
        return (first + second + NEAREST ** (2 * most)) ** (0.5 / most)

    def direction(self, x: Float[Array, " d"], distance: Float[Array, ""]) -> Float[Array, "2"]:
        """The distances from the faces over powers of that from the edge."""
        return self.legs(x) / jnp.stack([distance**power for power in self.powers])


def _place(bounds: Bounds, axes: tuple[int, int], sides: tuple[int, int]) -> tuple[float, float]:
    first, second = (float(bounds[side][axis]) for axis, side in zip(axes, sides, strict=True))
    return first, second


class Sheet(NamedTuple):
    """A part of a region, its interior or one face, that touches an edge; `face`: its axis and side, None inside."""

    edge: Edge
    face: tuple[int, int] | None

    @property
    def free(self) -> tuple[int, ...]:
        """The axes along which one leaves the edge."""
        return tuple(axis for axis in self.edge.axes if self.face is None or axis != self.face[0])

    @property
    def powers(self) -> tuple[int, ...]:
        """Those of these axes."""
        return tuple(self.edge.powers[self.edge.axes.index(axis)] for axis in self.free)

    def near(self, x: Float[Array, "n d"], unit: Float[Array, "n k"]) -> Float[Array, "n d"]:
        """Points of the sheet moved to the surroundings of the edge, evenly by the logarithm of the distance, except
        those of the smallest distances.
        """
        edge, radius = self.edge, (NEAREST ** (1 - unit[:, 0]) - NEAREST) / (1 - NEAREST)
        legs = [radius]
        if self.face is None:
            angle = jnp.pi / 2 * unit[:, 1]
            legs = [radius * jnp.cos(angle), radius * jnp.sin(angle)]
        for axis, power, leg in zip(self.free, self.powers, legs, strict=True):
            number = edge.axes.index(axis)
            inward = (1 - 2 * edge.sides[number]) * edge.reach[number]
            x = x.at[:, axis].set(edge.place[number] + inward * leg**power)
        return x

    def density(self, x: Float[Array, " d"], spans: Float[np.ndarray, " d"]) -> Float[Array, ""]:
        """The density of these points at one of the sheet, relative to that of uniform ones."""
        numbers, powers = [self.edge.axes.index(axis) for axis in self.free], np.array(self.powers)
        extent = float(np.prod([spans[axis] / self.edge.reach[n] for axis, n in zip(self.free, numbers, strict=True)]))
        legs = self.edge.legs(x)
        roots = jnp.maximum(legs[np.array(numbers)], NEAREST**powers) ** (1 / powers)
        is_here = jnp.all(jnp.delete(legs, np.array(numbers)) < SLACK)
        radius = jnp.sqrt(jnp.sum(roots**2))
        # of the map from the logarithm of the radius, and the angle, to the distances from the faces
        volume = jnp.prod(powers * roots ** (powers - 1)) * radius ** (len(powers) - 1) * (radius + NEAREST)
        even = 1 / (-np.log(NEAREST)) * (2 / np.pi if len(powers) == 2 else 1.0)
        return jnp.where(is_here & (radius < 1), extent * even / volume, 0.0)


class Graded(AbstractDenser):
    """The interior or faces of a box with half of the points near edges, evenly by the logarithm of the distance.

    - `places`: the parts of the region that touch an edge.
    """

    base: Interior | Faces
    places: tuple[Sheet, ...]
    coordinates: tuple[str, ...]
    dimension: int
    least: int
    count: int | None = None

    def __init__(self, base: Interior | Faces, sheets: tuple[Sheet, ...]):
        self.base, self.places = base, sheets
        self.coordinates, self.dimension, self.least = base.coordinates, base.dimension, base.least + len(sheets)

    def density(self, x: Float[Array, " d"]) -> Float[Array, ""]:
        """The density of the points at one of the region, relative to that of uniform ones."""
        spans, faces = self.base.box.upper - self.base.box.lower, [sheet.face for sheet in self.places]
        own = self.base.faces if isinstance(self.base, Faces) else (None,)
        measure = lambda face: 1.0 if face is None else float(np.prod(np.delete(spans, face[0])))
        shares = [sum(map(measure, own)) / measure(face) / len(faces) for face in faces]
        near = [share * sheet.density(x, spans) for share, sheet in zip(shares, self.places, strict=True)]
        return 1 - DENSE + DENSE * jnp.sum(jnp.stack(near))

    def near(self, place: Sheet, unit: Float[Array, "n k"]) -> Points:
        base = self.base if place.face is None else Faces(self.base.box, (place.face,))
        found = base.points(unit)
        # the parameters that are the distance and the angle are those of the coordinates that they replace
        columns = [axis - (place.face is not None and axis > place.face[0]) for axis in place.free]
        return Points(place.near(found.coordinates, unit[:, np.array(columns)]), found.normals, {})


def graded(region: AbstractRegion, edges: tuple[Edge, ...], bounds: Bounds) -> AbstractRegion:
    """The interior or faces of the box between `bounds` with more points near its edges; other regions as they are."""
    if isinstance(region, Interior) and region.fills(bounds):
        return Graded(region, tuple(Sheet(edge, None) for edge in edges))
    if not isinstance(region, Faces) or region.dimension == 0 or region.faces_of(bounds) is None:
        return region
    touching = lambda edge: [face for face in region.faces if face in zip(edge.axes, edge.sides, strict=True)]
    sheets = tuple(Sheet(edge, face) for edge in edges for face in touching(edge))
    return Graded(region, sheets) if sheets else region
