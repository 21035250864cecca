"""Primitives: solids with a level function, crossings with lines, and a boundary made of charts."""

import abc
from collections.abc import Callable
from typing import ClassVar

import equinox as eqx
import numpy as np
from jaxtyping import Float

from .charts import AbstractChart, Numbers

BISECTIONS = 60
"""Halvings of an interval that holds a root."""


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
    is_real = square >= 0
    q = -(b + xp.where(b >= 0, 1.0, -1.0) * xp.sqrt(xp.where(is_real, square, 0.0)))  # without cancellation
    first = xp.where(is_real & (a != 0), q / xp.where(a == 0, 1.0, a), np.inf)
    second = xp.where(is_real & (q != 0), c / xp.where(q == 0, 1.0, q), first)
    return xp.stack([first, second], axis=-1)


def plane_crossing(height: Numbers, slope: Numbers) -> Numbers:
    """Where `height + t slope` vanishes; infinite where nowhere."""
    xp = height.__array_namespace__()
    return xp.where(slope == 0, np.inf, -height / xp.where(slope == 0, 1.0, slope))


def sign_changes(function: Callable[[Numbers], Numbers], low: Numbers, high: Numbers) -> Numbers:
    """A root of a function in each interval at whose ends it has different signs, by bisection; infinite in others."""
    xp, below = low.__array_namespace__(), function(low) < 0
    is_changed = below != (function(high) < 0)

    def halved(_: int, ends: tuple[Numbers, Numbers]) -> tuple[Numbers, Numbers]:
        low, high = ends
        middle = (low + high) / 2
        same = (function(middle) < 0) == below
        return xp.where(same, middle, low), xp.where(same, high, middle)

    ends = (low, high)
    if xp is np:
        for k in range(BISECTIONS):
            ends = halved(k, ends)
    else:
        import jax

        ends = jax.lax.fori_loop(0, BISECTIONS, halved, ends)
    return xp.where(is_changed, (ends[0] + ends[1]) / 2, np.inf)
