"""Shapes of the plane inside smooth closed curves, which are given by a formula, by points, or by a level."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from .._base.errors import InputError
from .planar import PLANE, check_simple, ring
from .shape import Shape
from .solids.outlined import Loops, Outlined, area, backwards
from .solids.series import fit, gauss, legendre, slope
from .solids.solid import Leaf, Solid

ORDER, DEEPEST, MANY = 12, 30, 4096
"""Terms of the series of a piece; halvings of the parameter, and pieces, from which on a curve is called not smooth."""

EXACT, TURN, WIGGLE = 1e-13, 0.4, 1e-4
"""Error of the series by the size of the curve, and angles by which a piece turns, and turns back, in radians."""

CLOSED = 1e-9
"""Distance of the ends of a curve that is closed, by its size."""

Curve = Callable[[Float[np.ndarray, " n"]], Float[np.ndarray, "n 2"]]


def Outline(
    curve: Callable[..., Any] | Sequence[tuple[float, float]] | np.ndarray,
    corners: Sequence[float] = (),
    *,
    coordinates: tuple[str, str] = PLANE,
) -> Shape:
    """The inside of a closed curve; its boundary is "outline".

    `Outline(lambda s: (2 * np.cos(2 * np.pi * s), np.sin(2 * np.pi * s)))` has a parametrisation over [0, 1], which
    takes arrays; `Outline(points)` a cubic spline through points, such as those of an airfoil, closed and with two
    continuous derivatives. Either way round. The curve is kept as Legendre series, to rounding.

    - `corners`: parameters in [0, 1], or the numbers of points, at which the direction jumps.

    **Raises:** `InputError` for a curve that is not closed, meets itself, is not finite or not smooth.
    """
    if callable(curve):
        breaks = np.unique([0.0, *_checked(corners, "corners"), 1.0])
        series = smooth_pieces(_formula(curve), breaks)
        text = "Outline(a curve)"
    else:
        spline, breaks = _spline(curve, corners)
        series = smooth_pieces(spline, breaks)
        text = f"Outline({len(np.asarray(curve))} points)"
    return Shape(Solid((Leaf.of(outlined([series], "outline")),)), tuple(coordinates), text)


def outlined(curves: Sequence[Float[np.ndarray, "m 2 g"]], part: str) -> Outlined:
    """The inside of closed curves of which none meets another; holes are inside an odd number of others."""
    loops = [own if area(own) > 0 else backwards(own) for own in curves]
    for own in loops:
        points = _along(own)
        check_simple(points, np.roll(points, -1, axis=0), "a curve must not cross or touch itself:")
    alone = [Outlined(_joined([own]), part) for own in loops]
    around = lambda k: [other for number, other in enumerate(alone) if number != k]
    depth = [sum(bool(other.level(_along(own)[0]) < 0) for other in around(k)) for k, own in enumerate(loops)]
    return Outlined(_joined([backwards(own) if d % 2 else own for own, d in zip(loops, depth, strict=True)]), part)


def smooth_pieces(curve: Curve, breaks: Float[np.ndarray, " k"]) -> Float[np.ndarray, "m 2 g"]:
    """The Legendre series of a curve, on pieces that are as long as these are exact and turn little."""
    first, last, done = breaks[:-1], breaks[1:], list[tuple[Float[np.ndarray, " n"], np.ndarray]]()
    size = _size(curve)
    for _ in range(DEEPEST):
        series = _fitted(curve, first, last)
        is_fine = (np.abs(series[..., -2:]).sum(axis=-1).max(axis=1) <= EXACT * size) & (_turn(series) <= TURN)
        done.append((first[is_fine], series[is_fine]))
        first, last = first[~is_fine], last[~is_fine]
        if not 0 < len(first) <= MANY:
            break
        middle = (first + last) / 2
        first, last = np.append(first, middle), np.append(middle, last)
    if len(first):
        raise InputError(
            f"the curve is not smooth near s = {first[0]:.6g}; if that is a corner, say so: `corners=({first[0]:.6g},)`"
        )
    starts = np.concatenate([own for own, _ in done])
    return np.concatenate([series for _, series in done])[np.argsort(starts)]


def _fitted(curve: Curve, first: np.ndarray, last: np.ndarray) -> Float[np.ndarray, "m 2 g"]:
    s = first[:, None] + (last - first)[:, None] * gauss(ORDER)[0]
    values = curve(s.ravel())
    if not np.isfinite(values).all():
        raise InputError(f"the curve is not finite at s = {s.ravel()[~np.isfinite(values).all(axis=1)][0]:.6g}")
    return np.einsum("mpk,pj->mkj", values.reshape(*s.shape, 2), fit(ORDER))


def _turn(series: Float[np.ndarray, "m 2 g"]) -> Float[np.ndarray, " m"]:
    """The angle by which pieces turn, infinite if they turn both ways or stand still."""
    v = np.einsum("mkj,pj->mpk", slope(series), legendre(np.linspace(0, 1, 9), ORDER))
    speed = np.sqrt((v**2).sum(axis=-1))
    angle = np.unwrap(np.arctan2(v[..., 1], v[..., 0]), axis=1)
    steps = np.diff(angle, axis=1)
    is_fine = (speed > 1e-8 * speed.max(axis=1, keepdims=True)).all(axis=1) & (
        (steps > -WIGGLE).all(axis=1) | (steps < WIGGLE).all(axis=1)
    )
    return np.where(is_fine, np.ptp(angle, axis=1), np.inf)


def _formula(curve: Callable[..., Any]) -> Curve:
    import jax

    def values(s: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n 2"]:
        with jax.enable_x64(True):
            found = curve(s)
        try:
            x, y = (np.broadcast_to(np.asarray(own, float), s.shape) for own in found)
        except (TypeError, ValueError):
            raise InputError(
                "a curve takes an array and returns two, as in `lambda s: (np.cos(2 * np.pi * s), ...)`; "
                f"got {type(found).__name__}"
            ) from None
        return np.stack([x, y], axis=-1)

    start, end = values(np.array([0.0, 1.0]))
    gap = float(np.linalg.norm(end - start))
    if gap > CLOSED * _size(values):
        at = lambda point: f"({point[0]:g}, {point[1]:g})"
        raise InputError(f"the curve is not closed: it starts at {at(start)} and ends at {at(end)}")
    return values


def _spline(points: Any, corners: Sequence[float]) -> tuple[Curve, Float[np.ndarray, " k"]]:
    from scipy.interpolate import CubicSpline  # slow to import

    vertices = ring(points, "closed spline")
    numbers = sorted({int(own) for own in _checked(corners, "corners")})
    if numbers and not 0 <= numbers[0] <= numbers[-1] < len(vertices):
        raise InputError(f"`corners` of a spline are numbers of its {len(vertices)} points from 0 on, got {numbers}")
    shift = numbers[0] if numbers else 0
    vertices = np.roll(vertices, -shift, axis=0)
    closed = np.vstack([vertices, vertices[:1]])
    knots = np.append(0.0, np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1)))
    knots /= knots[-1]
    ends = [number - shift for number in numbers] + [len(vertices)] if numbers else [0, len(vertices)]
    kind = "not-a-knot" if numbers else "periodic"
    parts = [
        CubicSpline(knots[a : b + 1], closed[a : b + 1], bc_type=kind) for a, b in zip(ends, ends[1:], strict=False)
    ]
    edges = knots[ends]

    def values(s: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n 2"]:
        part = np.clip(np.searchsorted(edges, s, side="right") - 1, 0, len(parts) - 1)
        return np.stack([own(s) for own in parts])[part, np.arange(len(s))]

    return values, knots


def _size(curve: Curve) -> float:
    values = curve((np.arange(64) + 0.5) / 64)
    return float(np.linalg.norm(np.nanmax(values, axis=0) - np.nanmin(values, axis=0)))


def _along(series: Float[np.ndarray, "m 2 g"]) -> Float[np.ndarray, "n 2"]:
    return np.einsum("mkj,pj->mpk", series, legendre(np.arange(4) / 4, series.shape[-1])).reshape(-1, 2)


def _joined(curves: Sequence[Float[np.ndarray, "m 2 g"]]) -> Loops:
    starts = np.cumsum([0] + [len(own) for own in curves[:-1]])
    following = [start + np.roll(np.arange(len(own)), -1) for start, own in zip(starts, curves, strict=True)]
    return Loops(np.concatenate(curves), np.concatenate(following))


def _checked(values: Any, name: str) -> Float[np.ndarray, " n"]:
    found = np.atleast_1d(np.asarray(values, float))
    if not np.isfinite(found).all():
        raise InputError(f"`{name}` are finite numbers, got {values!r}")
    return found
