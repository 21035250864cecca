"""Parts of a boundary that functions of coordinates select."""

import inspect
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Bool, Float

from .._base.errors import InputError, InputTypeError

Predicate: TypeAlias = Callable[..., Any]
"""A NumPy-vectorised function of coordinates, by name, that says which points belong to a part."""


def where_of(
    predicate: Predicate, coordinates: tuple[str, ...]
) -> Callable[[Float[np.ndarray, "n d"]], Bool[np.ndarray, " n"]]:
    """The same as a function of points.

    **Raises:** `InputTypeError` for what is no function, `InputError` for arguments that are no coordinates.
    """
    if not callable(predicate):
        raise InputTypeError(
            f"a part of a boundary is a name or a function of coordinates, got {type(predicate).__name__}"
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
        return np.broadcast_to(np.asarray(predicate(**{name: known[name] for name in taken}), bool), (len(x),))

    return where
