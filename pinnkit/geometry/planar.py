"""Shapes of the plane. Coordinates are named as in `Box`; x and y by default."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from .._base.arguments import check_positive, is_number
from .._base.errors import InputError
from .shape import Shape
from .solids.plane import Circular, Elliptic, HalfPlane, Polygonal
from .solids.primitive import AbstractPrimitive
from .solids.solid import Leaf, Solid

PLANE = ("x", "y")

STRAIGHT = 1e-12
"""Angles that differ by less, in radians, are the same."""


def Disk(radius: float, **center: float) -> Shape:
    """A disk, `Disk(radius=1.0)` around the origin or `Disk(radius=0.1, x=0.3, y=-0.3)`; its boundary is "circle".

    **Raises:** `InputError` for a radius that is not positive, and for other than two coordinates.
    """
    check_positive(radius=radius)
    return placed(Circular(float(radius)), center, PLANE, f"Disk(radius={radius:g}")


def Ellipse(radii: tuple[float, float], **center: float) -> Shape:
    """An ellipse with its axes along the coordinates and these radii; its boundary is "ellipse"."""
    try:
        a, b = radii
    except (TypeError, ValueError):
        raise InputError(
            f"the `radii` of an ellipse are two numbers, as in `radii=(2.0, 1.0)`; got {radii!r}"
        ) from None
    check_positive(**{"radii[0]": a, "radii[1]": b})
    return placed(Elliptic((float(a), float(b))), center, PLANE, f"Ellipse(radii=({a:g}, {b:g})")


def Annulus(inner: float, outer: float, **center: float) -> Shape:
    """The points between two circles; the parts of its boundary are "outer" and "inner"."""
    check_positive(inner=inner, outer=outer)
    if not inner < outer:
        raise InputError(f"`inner` of an annulus must be smaller than `outer`, got {inner:g} and {outer:g}")
    found = Disk(outer, **center).named("outer") - Disk(inner, **center).named("inner")
    return Shape(found.solid, found.coordinates, _text(f"Annulus(inner={inner:g}, outer={outer:g}", center))


def Sector(radius: float, angles: tuple[float, float], **center: float) -> Shape:
    """A sector of a disk between two angles in radians, counterclockwise.

    The parts of its boundary are "arc", and "start" and "end" at the first and the second angle.
    """
    check_positive(radius=radius)
    try:
        first, last = (float(angle) for angle in angles)
    except (TypeError, ValueError):
        raise InputError(
            f"the `angles` of a sector are two numbers, as in `angles=(0.0, 1.5)`; got {angles!r}"
        ) from None
    if not 0 < last - first < 2 * np.pi:
        raise InputError(f"the `angles` of a sector ascend by less than 2π, got ({first:g}, {last:g})")
    disk, far = Disk(radius, **center).named("arc"), 2 * float(radius)
    if abs(last - first - np.pi) <= STRAIGHT:
        wedge = _half_plane(first, (("start", 0.0, far), ("end", -far, 0.0)), disk)
    else:
        after = _half_plane(first, (("start", 0.0, far),), disk)
        before = _half_plane(last + np.pi, (("end", -far, 0.0),), disk)
        wedge = after & before if last - first < np.pi else after | before
    text = f"Sector(radius={radius:g}, angles=({first:g}, {last:g})"
    return Shape((disk & wedge).solid, disk.coordinates, _text(text, center))


def _half_plane(angle: float, pieces: tuple[tuple[str, float, float], ...], disk: Shape) -> Shape:
    """The points to the left of a line through the center of a disk."""
    leaf = Leaf.of(HalfPlane(angle, pieces), disk.solid.leaves[0].shift.tolist())
    return Shape(Solid((leaf,)), disk.coordinates, "a half-plane")


def Polygon(
    vertices: Sequence[tuple[float, float]],
    holes: Sequence[Sequence[tuple[float, float]]] = (),
    *,
    names: Sequence[str] | None = None,
    coordinates: tuple[str, str] = ("x", "y"),
) -> Shape:
    """A polygon, without or with polygonal holes; vertices go either way round.

    - `names`: of the edges, from the first vertex on; edges with one name form one part. By default the boundary is
      "outer", those of holes are "hole".

    **Raises:** `InputError` for fewer than three vertices, vertices that are not finite or occur twice, edges that
    cross or touch, and holes outside.
    """
    rings = [ring(vertices, "polygon"), *(ring(hole, "hole of a polygon") for hole in holes)]
    if names is not None and len(names) != len(rings[0]):
        raise InputError(f"`names` are those of the {len(rings[0])} edges of the polygon, got {len(names)}")
    edges = list(names) if names is not None else len(rings[0]) * ["outer"]
    if _area(rings[0]) < 0:
        rings[0], edges = rings[0][::-1], [*edges[-2::-1], edges[-1]]
    rings[1:] = [own[::-1] if _area(own) > 0 else own for own in rings[1:]]
    edges += [name for own in rings[1:] for name in len(own) * ["hole"]]
    starts, ends = np.concatenate(rings), np.concatenate([np.roll(own, -1, axis=0) for own in rings])
    check_simple(starts, ends, "a polygon must not cross or touch itself:")
    outer = Polygonal(*_edges(rings[0]), len(rings[0]) * ("",))
    for own in rings[1:]:
        inner = Polygonal(*_edges(own), len(own) * ("",))
        if not (outer.level(own) < 0).all() or (inner.level(rings[0]) < 0).any():
            raise InputError(f"a hole of a polygon must lie inside it; that at ({own[0, 0]:g}, {own[0, 1]:g}) does not")
    solid = Solid((Leaf.of(Polygonal(starts, ends, tuple(edges))),))
    holed = f" and {len(holes)} hole(s)" if holes else ""
    return Shape(solid, tuple(coordinates), f"Polygon({len(rings[0])} vertices{holed})")


def placed(
    primitive: AbstractPrimitive,
    center: Mapping[str, float],
    names: tuple[str, ...],
    text: str,
    axis: str | None = None,
) -> Shape:
    """A primitive around a point, by coordinates; around the origin of the coordinates `names` if it is empty.

    - `axis`: in space, the coordinate along which the last one of the primitive lies, by default the last.

    **Raises:** `InputError` for coordinates that are not finite, too few or too many, and for an unknown axis.
    """
    place = dict(center) or dict.fromkeys(names, 0.0)
    for name, value in place.items():
        if not is_number(value):
            raise InputError(f"the center of a shape has finite coordinates, got {name}={value!r}")
    if len(place) != primitive.dimension:
        raise InputError(f"the center of {text}) has {primitive.dimension} coordinates, got {list(place)}")
    leaf, coordinates = Leaf.of(primitive, list(place.values())), tuple(place)
    if axis is not None:
        if axis not in coordinates:
            raise InputError(f"the axis of {text}) is one of its coordinates {list(coordinates)}, got {axis!r}")
        turned = np.roll(np.eye(primitive.dimension), coordinates.index(axis) + 1, axis=0)
        leaf = dataclasses.replace(leaf, rotation=turned)
    return Shape(Solid((leaf,)), coordinates, _text(text, center))


def _text(text: str, center: Mapping[str, float]) -> str:
    return f"{text}{''.join(f', {name}={value:g}' for name, value in center.items())})"


def ring(vertices: Any, what: str) -> Float[np.ndarray, "n 2"]:
    """The vertices of a closed line. **Raises:** `InputError` unless they are three or more different finite points."""
    try:
        found = np.asarray(vertices, float)
    except (TypeError, ValueError):
        raise InputError(f"the vertices of a {what} are pairs of numbers, got {vertices!r}") from None
    if found.ndim != 2 or found.shape[1] != 2 or len(found) < 3:
        raise InputError(f"the vertices of a {what} are three or more pairs of numbers, got shape {found.shape}")
    if not np.isfinite(found).all():
        number = int(np.flatnonzero(~np.isfinite(found).all(axis=1))[0])
        raise InputError(f"vertex {number} of a {what} is not finite: ({found[number, 0]}, {found[number, 1]})")
    if (found[0] == found[-1]).all() and len(found) > 3:
        found = found[:-1]  # closed by repeating the first vertex
    same = np.flatnonzero((found == np.roll(found, -1, axis=0)).all(axis=1))
    if same.size:
        raise InputError(f"vertices {same[0]} and {(same[0] + 1) % len(found)} of a {what} are the same point")
    return found


def _edges(vertices: Float[np.ndarray, "n 2"]) -> tuple[np.ndarray, np.ndarray]:
    return vertices, np.roll(vertices, -1, axis=0)


def _area(vertices: Float[np.ndarray, "n 2"]) -> float:
    (x0, y0), (x1, y1) = (points.T for points in _edges(vertices))
    return float(np.sum(x0 * y1 - x1 * y0)) / 2


def check_simple(starts: Float[np.ndarray, "m 2"], ends: Float[np.ndarray, "m 2"], rule: str) -> None:
    """Refuse edges that cross, touch or overlap other than at the vertex that they share."""
    side = lambda a, b, p: np.sign((b - a)[:, 0] * (p - a)[:, 1] - (b - a)[:, 1] * (p - a)[:, 0])
    low, high = np.minimum(starts, ends), np.maximum(starts, ends)
    for i in range(len(starts) - 1):
        a, b, p, q = starts[i], ends[i], starts[i + 1 :], ends[i + 1 :]
        joined = (p == b).all(axis=1) | (q == a).all(axis=1)
        apart = side(a[None], b[None], p) * side(a[None], b[None], q) > 0
        apart |= side(p, q, a[None]) * side(p, q, b[None]) > 0
        apart |= (low[i + 1 :] > high[i]).any(axis=1) | (high[i + 1 :] < low[i]).any(axis=1)
        back = joined & (side(a[None], b[None], p) == 0) & (side(a[None], b[None], q) == 0)
        other = np.where((p == b).all(axis=1)[:, None], q - p, p - q)
        folded = back & (((b - a) * np.where((p == b).all(axis=1), 1, -1)[:, None] * other).sum(axis=1) < 0)
        wrong = np.flatnonzero((~apart & ~joined) | folded)
        if wrong.size:
            j = i + 1 + int(wrong[0])
            raise InputError(
                f"{rule} the edge from ({a[0]:g}, {a[1]:g}) to ({b[0]:g}, {b[1]:g}) "
                f"meets that from ({starts[j, 0]:g}, {starts[j, 1]:g}) to ({ends[j, 0]:g}, {ends[j, 1]:g})"
            )
