"""Charts: curves and surfaces parametrised by the unit cube.

A chart computes with NumPy or with JAX, depending on the array that it is given. Its fields are arrays whose leading
axes broadcast against those of the argument, so one chart may stand for many of its kind.
"""

import abc
from typing import Any

import equinox as eqx
import numpy as np
from jax.core import Tracer
from jaxtyping import Float

Numbers = Any
"""An array of NumPy or of JAX."""

UNEVEN = 256
"""Parts of a parameter on which a parametrisation counts as even."""


class AbstractChart(eqx.Module):
    """A piece of the boundary of a primitive, parametrised by the unit cube of one dimension less."""

    @property
    def even_parts(self) -> int:
        """The number of equal parts of the first parameter on which the parametrisation preserves measure, up to a
        factor.
        """
        return 1

    @abc.abstractmethod
    def point(self, unit: Numbers) -> Numbers:
        """The point for a parameter: shape `(..., k)` to `(..., k + 1)`."""

    @abc.abstractmethod
    def normal(self, unit: Numbers) -> Numbers:
        """The outward unit normal there."""

    @abc.abstractmethod
    def density(self, unit: Numbers) -> Numbers:
        """The measure of the image of a small set over its own, which depends on the first parameter only."""


def namespace(array: Numbers) -> Any:
    """The module, NumPy's or JAX's, that an array belongs to."""
    return array.__array_namespace__()


def on_host(array: Numbers) -> Numbers:
    """The same array as one of NumPy, unless it is traced."""
    return array if isinstance(array, Tracer) else np.asarray(array)


def dot(a: Numbers, b: Numbers) -> Numbers:
    """The scalar product along the last axis, which is short: faster, and on accelerators of higher precision, than a
    sum or a product of matrices.
    """
    found = a[..., 0] * b[..., 0]
    for axis in range(1, a.shape[-1]):
        found = found + a[..., axis] * b[..., axis]
    return found


def length(vectors: Numbers) -> Numbers:
    """The Euclidean norm along the last axis."""
    return namespace(vectors).sqrt(dot(vectors, vectors))


def normalized(vectors: Numbers) -> Numbers:
    """Unit vectors along the last axis."""
    return vectors / length(vectors)[..., None]


class Segment(AbstractChart):
    """A straight line; its normal points to the right of its direction."""

    start: Float[np.ndarray, "*m 2"]
    end: Float[np.ndarray, "*m 2"]

    def point(self, unit: Numbers) -> Numbers:
        return (1 - unit) * self.start + unit * self.end

    def normal(self, unit: Numbers) -> Numbers:
        along = self.end - self.start + 0 * unit
        return normalized(namespace(unit).stack([along[..., 1], -along[..., 0]], axis=-1))

    def density(self, unit: Numbers) -> Numbers:
        return namespace(unit).sqrt(((self.end - self.start + 0 * unit) ** 2).sum(axis=-1))


class EllipseArc(AbstractChart):
    """An arc of an ellipse around the origin between two angles, counterclockwise; the normal points away from it."""

    radii: Float[np.ndarray, "*m 2"]
    angles: Float[np.ndarray, "*m 2"]

    @property
    def even_parts(self) -> int:
        return UNEVEN

    def point(self, unit: Numbers) -> Numbers:
        return self.radii * self._direction(unit)

    def normal(self, unit: Numbers) -> Numbers:
        return normalized(self._direction(unit) / self.radii)

    def density(self, unit: Numbers) -> Numbers:
        speed = self.radii[..., ::-1] * self._direction(unit)
        return (self.angles[..., 1] - self.angles[..., 0]) * namespace(unit).sqrt((speed**2).sum(axis=-1))

    def _direction(self, unit: Numbers) -> Numbers:
        xp, first, last = namespace(unit), self.angles[..., 0], self.angles[..., 1]
        angle = first + unit[..., 0] * (last - first)
        return xp.stack([xp.cos(angle), xp.sin(angle)], axis=-1)


class CircleArc(EllipseArc):
    """An arc of a circle."""

    @property
    def even_parts(self) -> int:
        return 1
