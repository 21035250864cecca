"""Primitives: solids with a level function, crossings with lines, and a boundary made of charts."""

import abc
from collections.abc import Callable
from typing import ClassVar

import equinox as eqx
import numpy as np
from jaxtyping import Float

from .charts import AbstractChart, Numbers

NARROW = 4
"""Width of an interval that holds a root, in units of rounding."""


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
    """A root of a function in each interval at whose ends it has different signs; infinite in others.

    By inverse quadratic interpolation where three values allow it, else by bisection: Chandrupatla, *A new hybrid
    quadratic/bisection algorithm*, Adv. Eng. Softw. 28, 1997.
    """
    xp, at_low, at_high = low.__array_namespace__(), function(low), function(high)
    is_changed = (at_low < 0) != (at_high < 0)
    # the newest point and its value, the other end of the interval, the point that was left, and where to go next
    start = (high, at_high, xp.where(is_changed, low, high), at_low, low, at_low, 0 * low + 0.5)
    close = NARROW * np.finfo(low.dtype).eps * (xp.abs(low) + xp.abs(high))
    is_open = lambda state: (xp.abs(state[2] - state[0]) > close) & (state[1] != 0)

    def narrowed(state: tuple[Numbers, ...]) -> tuple[Numbers, ...]:
        first, at_first, second, at_second, *_, share = state
        new = xp.where(is_open(state), first + share * (second - first), first)
        at_new = xp.where(is_open(state), function(new), at_first)
        same = (at_new < 0) == (at_first < 0)
        third, at_third = xp.where(same, first, second), xp.where(same, at_first, at_second)
        second, at_second = xp.where(same, second, first), xp.where(same, at_second, at_first)
        ratio = lambda a, b: a / xp.where(b == 0, 1.0, b)
        place, height = ratio(new - second, third - second), ratio(at_new - at_second, at_third - at_second)
        is_smooth = (height**2 < place) & ((1 - height) ** 2 < 1 - place)
        slopes = ratio(at_new, at_second - at_new), ratio(at_new, at_third - at_new)
        bent = slopes[0] * ratio(at_third, at_second - at_third) + ratio(third - new, second - new) * slopes[1] * ratio(
            at_second, at_third - at_second
        )
        least = xp.minimum(ratio(close / 2, xp.abs(second - new)), 0.5)
        share = xp.clip(xp.where(is_smooth, bent, 0.5), least, 1 - least)
        return new, at_new, second, at_second, third, at_third, share

    if xp is np:
        state = start
        while is_open(state).any():
            state = narrowed(state)
    else:
        import jax

        state = jax.lax.while_loop(lambda state: is_open(state).any(), narrowed, start)
    best = xp.where(xp.abs(state[3]) < xp.abs(state[1]), state[2], state[0])
    return xp.where(is_changed, best, np.inf)
