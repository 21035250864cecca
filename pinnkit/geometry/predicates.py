"""Parts of a boundary that functions of coordinates, or neighbours, select."""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax
import numpy as np
from jaxtyping import Bool, Float

from .._base.errors import InputError, InputTypeError
from .domain import AbstractDomain
from .region import SLACK

Predicate: TypeAlias = Callable[..., Any]
"""A NumPy-vectorised function of coordinates, by name, that says which points belong to a part."""

Where: TypeAlias = Callable[[Float[np.ndarray, "n d"]], Bool[np.ndarray, " n"]]
"""Which points are selected."""


ENDS = 100.0
"""How much larger than the slack of distances the end of a part may be where boundaries meet at an acute angle."""


class Selection(NamedTuple):
    """A part of a boundary.

    - `where`: which points belong to it; `nothing`: what to say if there are none;
    - `negligible`: the length or area of a part that is no more than its end, up to rounding.
    """

    where: Where
    nothing: str
    negligible: float = 0.0


def selection(domain: AbstractDomain, part: Predicate | AbstractDomain) -> Selection:
    """The points of the boundary of a domain at which a function is true, or that lie on the boundary of a neighbour.

    **Raises:** as `where_of`; `InputError` for a neighbour with other coordinates.
    """
    if isinstance(part, AbstractDomain):
        nothing = f"{domain!r} and {part!r} have no boundary in common"
        size = float((domain.upper - domain.lower).max())
        return Selection(_where_shared(domain, part), nothing, ENDS * SLACK * size ** (domain.dimension - 1))
    nothing = f"the function that selects a part of the boundary of {domain!r} is true nowhere on it"
    return Selection(where_of(part, domain.coordinates), nothing)


def _where_shared(domain: AbstractDomain, other: AbstractDomain) -> Where:
    """Whether points lie on the boundary of another domain, up to rounding."""
    if other.coordinates != domain.coordinates:
        raise InputError(f"{domain!r} and {other!r} have different coordinates, and so no boundary in common")
    slack = SLACK * float((domain.upper - domain.lower).max())
    return lambda x: np.abs(other.signed_distance(x)) <= slack


def where_of(predicate: Predicate, coordinates: tuple[str, ...]) -> Where:
    """The same as a function of points.

    **Raises:** `InputTypeError` for what is no function, `InputError` for arguments that are no coordinates.
    """
    if not callable(predicate):
        raise InputTypeError(
            f"a part of a boundary is a name, a function of coordinates or a neighbour, got {type(predicate).__name__}"
        )
    arguments = inspect.signature(predicate).parameters.values()
    taken = [own.name for own in arguments if own.default is own.empty]
    if unknown := [name for name in taken if name not in coordinates]:
        raise InputError(
            f"the function that selects a part of the boundary takes unknown argument(s) {unknown}; "
            f"the coordinates are {list(coordinates)}"
        )

    def where(x: Float[np.ndarray, "n d"]) -> Bool[np.ndarray, " n"]:
        known = dict(zip(coordinates, x.T, strict=True))
        with jax.enable_x64(True):  # functions of `jax.numpy` are as good as those of NumPy
            selected = np.asarray(predicate(**{name: known[name] for name in taken}), bool)
        return np.broadcast_to(selected, (len(x),))

    return where
