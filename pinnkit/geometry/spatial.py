"""Shapes of space. Coordinates are named as in `Box`; x, y and z by default."""

from typing import Any

from .._base.arguments import check_not_negative, check_positive
from .._base.errors import InputError
from .domain import checked_bounds
from .planar import placed
from .shape import Shape
from .solids.space import Conical, Spherical, Toroidal

SPACE = ("x", "y", "z")


def Ball(radius: float, **center: float) -> Shape:
    """A ball, `Ball(radius=1.0)` around the origin or `Ball(0.1, x=0.3, y=0.0, z=0.2)`; its boundary is "sphere".

    **Raises:** `InputError` for a radius that is not positive, and for other than three coordinates.
    """
    check_positive(radius=radius)
    return placed(Spherical(float(radius)), center, SPACE, f"Ball(radius={radius:g}")


def Cylinder(radius: float, **place: float | tuple[float, float]) -> Shape:
    """A cylinder, `Cylinder(radius=0.2, x=0.5, y=0.0, z=(0.0, 1.0))`: its axis runs along the coordinate with two ends.

    Coordinates without values, if these are x, y and z, are zero: `Cylinder(radius=0.2, z=(0.0, 1.0))`. The parts of
    its boundary are "side", "bottom" and "top", at the lower and the upper end.
    """
    check_positive(radius=radius)
    return _conical((float(radius), float(radius)), place, f"Cylinder(radius={radius:g}")


def Cone(radii: tuple[float, float], **place: float | tuple[float, float]) -> Shape:
    """A cone with these radii at the lower and the upper end of its axis, of which one may be zero.

    `Cone(radii=(1.0, 0.0), z=(0.0, 2.0))` has its tip at the top. Place and parts as for `Cylinder`; there is no part
    at a tip.
    """
    try:
        lower, upper = radii
    except (TypeError, ValueError):
        raise InputError(f"the `radii` of a cone are two numbers, as in `radii=(1.0, 0.0)`; got {radii!r}") from None
    check_not_negative(**{"radii[0]": lower, "radii[1]": upper})
    check_positive(**{"the larger of `radii`": max(lower, upper)})
    return _conical((float(lower), float(upper)), place, f"Cone(radii=({lower:g}, {upper:g})")


def Torus(major: float, minor: float, *, axis: str | None = None, **center: float) -> Shape:
    """A torus: the points within `minor` of a circle of radius `major`; its boundary is "torus".

    - `axis`: the coordinate along which its axis lies, by default the last one.
    """
    check_positive(major=major, minor=minor)
    if not minor < major:
        raise InputError(f"`minor` of a torus must be smaller than `major`, got {minor:g} and {major:g}")
    text = f"Torus(major={major:g}, minor={minor:g}"
    return placed(Toroidal(float(major), float(minor)), center, SPACE, text, axis)


def _conical(radii: tuple[float, float], place: dict[str, Any], text: str) -> Shape:
    ends = [name for name, value in place.items() if isinstance(value, tuple | list)]
    if len(ends) != 1:
        raise InputError(
            f"the axis of {text}) lies along one coordinate with two ends, as in `z=(0.0, 1.0)`; got {place}"
        )
    axis = ends[0]
    low, high = checked_bounds(axis, place[axis])
    center = dict.fromkeys(SPACE, 0.0) if len(place) == 1 and axis in SPACE else {}
    center |= place | {axis: (low + high) / 2}
    half = (high - low) / 2
    found = placed(Conical(radii, (-half, half)), center, SPACE, text, axis)
    shown = (f"{name}=({low:g}, {high:g})" if name == axis else f"{name}={value:g}" for name, value in place.items())
    return Shape(found.solid, found.coordinates, f"{', '.join([text, *shown])})")
