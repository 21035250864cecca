"""Charts of surfaces: the first parameter runs along a meridian, the second around, along circles or lines."""

import numpy as np
from jaxtyping import Float

from .charts import UNEVEN, AbstractChart, Numbers, namespace, normalized


class Rectangle(AbstractChart):
    """A parallelogram; its normal is that of the vector product of its edges."""

    corner: Float[np.ndarray, "*m 3"]
    first: Float[np.ndarray, "*m 3"]
    second: Float[np.ndarray, "*m 3"]

    def point(self, unit: Numbers) -> Numbers:
        return self.corner + unit[..., :1] * self.first + unit[..., 1:] * self.second

    def normal(self, unit: Numbers) -> Numbers:
        return normalized(self._product(unit))

    def density(self, unit: Numbers) -> Numbers:
        return namespace(unit).sqrt((self._product(unit) ** 2).sum(axis=-1))

    def _product(self, unit: Numbers) -> Numbers:
        return namespace(unit).linalg.cross(self.first + 0 * unit[..., :1], self.second + 0 * unit[..., :1])


class Sphere(AbstractChart):
    """A sphere around the origin, by height and angle (Archimedes)."""

    radius: Float[np.ndarray, "*m"]

    def point(self, unit: Numbers) -> Numbers:
        return self.radius[..., None] * self.normal(unit)

    def normal(self, unit: Numbers) -> Numbers:
        u = unit[..., 0]
        return around(2 * namespace(unit).sqrt(u * (1 - u)), unit[..., 1], 2 * u - 1)

    def density(self, unit: Numbers) -> Numbers:
        return 4 * np.pi * self.radius**2 + 0 * unit[..., 0]


class Frustum(AbstractChart):
    """The side of a cone with its axis along z, between two heights with their radii, of which one may be zero; its
    first parameter is that of area.
    """

    radii: Float[np.ndarray, "*m 2"]
    heights: Float[np.ndarray, "*m 2"]

    def point(self, unit: Numbers) -> Numbers:
        (r0, r1), (z0, z1), u = _pair(self.radii), _pair(self.heights), unit[..., 0]
        radius = namespace(unit).sqrt(r0**2 * (1 - u) + r1**2 * u)
        share = u * (r0 + r1) / (radius + r0)  # (radius - r0) / (r1 - r0), without cancellation
        return around(radius, unit[..., 1], z0 + share * (z1 - z0))

    def normal(self, unit: Numbers) -> Numbers:
        (r0, r1), (z0, z1) = _pair(self.radii), _pair(self.heights)
        nothing = 0 * unit[..., 0]
        return normalized(around(z1 - z0 + nothing, unit[..., 1], r0 - r1 + nothing))

    def density(self, unit: Numbers) -> Numbers:
        (r0, r1), (z0, z1) = _pair(self.radii), _pair(self.heights)
        return np.pi * (r0 + r1) * namespace(unit).sqrt((z1 - z0) ** 2 + (r1 - r0) ** 2 + 0 * unit[..., 0])


class Disc(AbstractChart):
    """A disc around the axis z, by area and angle; `side`: 1 if its normal points up, −1 if down."""

    radius: Float[np.ndarray, "*m"]
    height: Float[np.ndarray, "*m"]
    side: Float[np.ndarray, "*m"]

    def point(self, unit: Numbers) -> Numbers:
        u = unit[..., 0]
        return around(self.radius * namespace(unit).sqrt(u), unit[..., 1], self.height + 0 * u)

    def normal(self, unit: Numbers) -> Numbers:
        nothing = 0 * unit[..., 0]
        return namespace(unit).stack([nothing, nothing, self.side + nothing], axis=-1)

    def density(self, unit: Numbers) -> Numbers:
        return np.pi * self.radius**2 + 0 * unit[..., 0]


class Tube(AbstractChart):
    """A torus around the axis z, by the angle around the tube and that around the axis."""

    major: Float[np.ndarray, "*m"]
    minor: Float[np.ndarray, "*m"]

    @property
    def even_parts(self) -> int:
        return UNEVEN

    def point(self, unit: Numbers) -> Numbers:
        xp, angle = namespace(unit), 2 * np.pi * unit[..., 0]
        return around(self.major + self.minor * xp.cos(angle), unit[..., 1], self.minor * xp.sin(angle))

    def normal(self, unit: Numbers) -> Numbers:
        xp, angle = namespace(unit), 2 * np.pi * unit[..., 0]
        return around(xp.cos(angle), unit[..., 1], xp.sin(angle))

    def density(self, unit: Numbers) -> Numbers:
        distance = self.major + self.minor * namespace(unit).cos(2 * np.pi * unit[..., 0])
        return 4 * np.pi**2 * self.minor * distance


class Raised(AbstractChart):
    """A curve of the plane, moved along z between two heights."""

    curve: AbstractChart
    heights: Float[np.ndarray, "*m 2"]

    @property
    def even_parts(self) -> int:
        return self.curve.even_parts

    def point(self, unit: Numbers) -> Numbers:
        z0, z1 = _pair(self.heights)
        return _with(self.curve.point(unit[..., :1]), (1 - unit[..., 1]) * z0 + unit[..., 1] * z1)

    def normal(self, unit: Numbers) -> Numbers:
        return _with(self.curve.normal(unit[..., :1]), 0 * unit[..., 1])

    def density(self, unit: Numbers) -> Numbers:
        z0, z1 = _pair(self.heights)
        return (z1 - z0) * self.curve.density(unit[..., :1])


def around(radius: Numbers, turn: Numbers, height: Numbers) -> Numbers:
    """Points at a radius and a share of a full turn around the axis z."""
    xp, angle = namespace(turn), 2 * np.pi * turn
    return xp.stack([radius * xp.cos(angle), radius * xp.sin(angle), height], axis=-1)


def _pair(both: Numbers) -> tuple[Numbers, Numbers]:
    return both[..., 0], both[..., 1]


def _with(plane: Numbers, height: Numbers) -> Numbers:
    return namespace(plane).concat([plane, height[..., None]], axis=-1)
