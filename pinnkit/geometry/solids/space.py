"""Primitives of space."""

import numpy as np
from jaxtyping import Float

from .charts import AbstractChart, Numbers, dot, length, namespace
from .primitive import AbstractPrimitive, plane_crossing, real_roots, sign_changes
from .surfaces import Disc, Frustum, Sphere, Tube


class AbstractSpatial(AbstractPrimitive):
    """A primitive of space."""

    @property
    def dimension(self) -> int:
        return 3


class Spherical(AbstractSpatial):
    """A ball around the origin."""

    radius: float

    def level(self, x: Numbers) -> Numbers:
        return length(x) - self.radius

    def crossings(self, origin: Numbers, direction: Numbers) -> Numbers:
        a, b = dot(direction, direction), dot(origin, direction)
        return real_roots(a, b, dot(origin, origin) - self.radius**2)

    def charts(self) -> dict[str, AbstractChart]:
        return {"sphere": Sphere(np.array([self.radius]))}

    def extent(self, direction: Float[np.ndarray, " d"]) -> float:
        return self.radius * float(np.linalg.norm(direction))


class Conical(AbstractSpatial):
    """A cylinder or cone around the axis z, between two heights with their radii, of which one may be zero."""

    radii: tuple[float, float]
    heights: tuple[float, float]

    def level(self, x: Numbers) -> Numbers:
        """The distance in the half-plane of a meridian."""
        xp, (starts, ends) = namespace(x), self._meridian
        own = xp.stack([length(x[..., :2]), x[..., 2]], axis=-1)
        along, offset = ends - starts, own[..., None, :] - starts
        share = xp.clip(dot(offset, along) / dot(along, along), 0.0, 1.0)
        distance = length(offset - share[..., None] * along).min(axis=-1)
        beyond = offset[..., 0] * along[:, 1] - offset[..., 1] * along[:, 0]
        return xp.where((beyond < 0).all(axis=-1), -distance, distance)

    def crossings(self, origin: Numbers, direction: Numbers) -> Numbers:
        xp, (r0, r1), (z0, z1) = namespace(origin), self.radii, self.heights
        slope = (r1 - r0) / (z1 - z0)
        r, v = r0 + slope * (origin[..., 2] - z0), slope * direction[..., 2]
        o, d = origin[..., :2], direction[..., :2]
        side = real_roots(dot(d, d) - v**2, dot(o, d) - r * v, dot(o, o) - r**2)
        ends = [plane_crossing(origin[..., 2] - z, direction[..., 2]) for z in self.heights]
        return xp.concat([side, xp.stack(ends, axis=-1)], axis=-1)

    def charts(self) -> dict[str, AbstractChart]:
        found: dict[str, AbstractChart] = {"side": Frustum(np.array([self.radii]), np.array([self.heights]))}
        for name, side, radius, height in zip(("bottom", "top"), (-1.0, 1.0), self.radii, self.heights, strict=True):
            if radius > 0:
                found[name] = Disc(np.array([radius]), np.array([height]), np.array([side]))
        return found

    def extent(self, direction: Float[np.ndarray, " d"]) -> float:
        across = float(np.linalg.norm(direction[:2]))
        return max(r * across + z * float(direction[2]) for r, z in zip(self.radii, self.heights, strict=True))

    @property
    def _meridian(self) -> tuple[Float[np.ndarray, "m 2"], Float[np.ndarray, "m 2"]]:
        """The edges of half a section that form the boundary, counterclockwise."""
        (r0, r1), (z0, z1) = self.radii, self.heights
        corners = np.array([(0.0, z0), (r0, z0), (r1, z1), (0.0, z1)])
        kept = [0] * (r0 > 0) + [1] + [2] * (r1 > 0)
        return corners[kept], corners[np.array(kept) + 1]


class Toroidal(AbstractSpatial):
    """A torus around the axis z."""

    major: float
    minor: float

    def level(self, x: Numbers) -> Numbers:
        from_circle = namespace(x).stack([length(x[..., :2]) - self.major, x[..., 2]], axis=-1)
        return length(from_circle) - self.minor

    def crossings(self, origin: Numbers, direction: Numbers) -> Numbers:
        """The roots of a polynomial of degree four, between those of its derivatives."""
        xp, speed = namespace(origin), length(direction)
        d = direction / speed[..., None]
        nearest = -dot(origin, d)  # to the center, from which t counts now
        o = origin + nearest[..., None] * d
        across = lambda a, b: 4 * self.major**2 * dot(a[..., :2], b[..., :2])
        constant = dot(o, o) + self.major**2 - self.minor**2
        c2, c1, c0 = 2 * constant - across(d, d), -2 * across(o, d), constant**2 - across(o, o)
        c2, c1, c0 = (c[..., None] for c in (c2, c1, c0))
        far = xp.zeros_like(c2) + 2 * (self.major + self.minor)
        bend = xp.sqrt(xp.maximum(-c2 / 6, 0.0))
        slope = lambda t: 4 * t**3 + 2 * c2 * t + c1
        turns = sign_changes(slope, *_between([-far, -bend, bend, far]))
        turns = xp.sort(xp.clip(turns, -far, far), axis=-1)
        value = lambda t: t**4 + c2 * t**2 + c1 * t + c0
        roots = sign_changes(value, *_between([-far, turns, far]))
        return (roots + nearest[..., None]) / speed[..., None]

    def charts(self) -> dict[str, AbstractChart]:
        return {"torus": Tube(np.array([self.major]), np.array([self.minor]))}

    def extent(self, direction: Float[np.ndarray, " d"]) -> float:
        return self.major * float(np.linalg.norm(direction[:2])) + self.minor * float(np.linalg.norm(direction))


def _between(ends: list[Numbers]) -> tuple[Numbers, Numbers]:
    """The lower and the upper ends of the intervals between numbers."""
    edges = namespace(ends[0]).concat(ends, axis=-1)
    return edges[..., :-1], edges[..., 1:]
