"""Primitives: solids with a level function, crossings with lines, and a boundary made of charts."""

import abc
from typing import ClassVar

import equinox as eqx
import numpy as np
from jaxtyping import Float

from .charts import AbstractChart, Numbers


class AbstractPrimitive(eqx.Module):
    """A solid in its own frame, on which placements and set operations are built.

    - `dimension`: of the space around it;
    - `is_distance`: whether `level` is the signed distance to the boundary.

    Methods compute with NumPy or with JAX, depending on the arrays that they are given.
    """

    is_distance: ClassVar[bool] = True

    @property
    @abc.abstractmethod
    def dimension(self) -> int: ...

    @abc.abstractmethod
    def level(self, x: Numbers) -> Numbers:
        """Negative inside, zero on the boundary, positive outside: shape `(..., d)` to `(...)`.

        Its absolute value is at most the distance to the boundary, and its Lipschitz constant is at most 1.
        """

    @abc.abstractmethod
    def crossings(self, origin: Numbers, direction: Numbers) -> Numbers:
        """Where lines `origin + t direction` cross the boundary: shape `(..., d)` to `(..., k)`.

        Values of t at which nothing is crossed do no harm; infinite values stand for none.
        """

    @abc.abstractmethod
    def charts(self) -> dict[str, AbstractChart]:
        """The boundary, by the names of its parts; each chart has one leading axis, over one or more pieces."""

    @abc.abstractmethod
    def extent(self, direction: Float[np.ndarray, " d"]) -> float:
        """The largest scalar product of a point of the primitive with a direction."""


def real_roots(a: Numbers, b: Numbers, c: Numbers) -> Numbers:
    """The roots of a t² + 2 b t + c, along a new last axis; infinite where they are not real."""
    xp = a.__array_namespace__()
    square = b**2 - a * c
    is_real = (square >= 0) & (a != 0)
    q = -(b + xp.where(b >= 0, 1.0, -1.0) * xp.sqrt(xp.where(is_real, square, 0.0)))  # without cancellation
    first = xp.where(is_real, q / xp.where(a == 0, 1.0, a), np.inf)
    second = xp.where(is_real, xp.where(q == 0, first, c / xp.where(q == 0, 1.0, q)), np.inf)
    return xp.stack([first, second], axis=-1)


def plane_crossing(height: Numbers, slope: Numbers) -> Numbers:
    """Where `height + t slope` vanishes; infinite where nowhere."""
    xp = height.__array_namespace__()
    return xp.where(slope == 0, np.inf, -height / xp.where(slope == 0, 1.0, slope))
