"""Affine maps between a box and the two reference cubes, [0, 1]^d and [-1, 1]^d.

`bounds` are the lower and the upper bounds of the coordinates, which may also be those of a single one.
"""

from typing import Any


def from_unit(unit: Any, bounds: tuple[Any, Any]) -> Any:
    """The point of a box for one of [0, 1]^d; exact at both bounds."""
    lower, upper = bounds
    return (1 - unit) * lower + unit * upper


def to_unit(x: Any, bounds: tuple[Any, Any]) -> Any:
    """The point of [0, 1]^d for one of a box."""
    lower, upper = bounds
    return (x - lower) / (upper - lower)


def from_symmetric(z: Any, bounds: tuple[Any, Any]) -> Any:
    """The point of a box for one of [-1, 1]^d."""
    lower, upper = bounds
    return lower + (z + 1) / 2 * (upper - lower)


def to_symmetric(x: Any, bounds: tuple[Any, Any]) -> Any:
    """The point of [-1, 1]^d for one of a box."""
    lower, upper = bounds
    return 2 * (x - lower) / (upper - lower) - 1
