"""Shapes of the plane, and solids, where a function is negative."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .._base.errors import InputError
from .domain import checked_bounds
from .meshes.level_set import LevelSet, onto, triangulated
from .meshes.mesh import Mesh
from .outlines import TURN, Curve, outlined, smooth_pieces
from .shape import Shape
from .solids.solid import Leaf, Solid

GRID, MOST = {2: 257, 3: 41}, 1 / 16
"""Points along each coordinate by which curves and surfaces are found, and the largest part of a curve between two of
its knots.
"""

CHUNK = 4096
"""Points at which the function is computed together, so that it is compiled once."""

STEPS, ON = 30, 1e-13
"""Steps of Newton's method to a curve, and the distance from it that is accepted, by the size of the shape."""


def Implicit(level: Callable[..., Any], **bounds: tuple[float, float]) -> Shape | LevelSet:
    """The points of the plane, or of space, where a smooth function is negative; its boundary is "level".

    `Implicit(lambda x, y: x**4 + y**4 - 1, x=(-2.0, 2.0), y=(-2.0, 2.0))`. The function is written with `jax.numpy` for
    one point, and is zero on the boundary to rounding. In the plane it is kept as Legendre series, so that lengths,
    areas, normals and distances are as exact as those of an `Outline`. In space, points of the boundary and normals are
    exact, while the measures, the distances and what is inside are those of a mesh of triangles (a ball as wide as half
    of the bounds has 0.997 of its volume); set operations with other meshes make a mesh of it. What fits between the
    points of a grid over the bounds, of 257 by 257 or 41 by 41 by 41, is not seen.

    **Raises:** `InputError` for a function that is negative nowhere or at the bounds, is not finite, or is not smooth
    with a gradient where it is zero; corners are made by set operations, `Implicit(f, ...) & Implicit(g, ...)`.
    """
    if len(bounds) not in GRID:
        raise InputError(f"`Implicit` has bounds of two or three coordinates, got {list(bounds)}")
    function = _Level(level, tuple(bounds))
    pairs = [checked_bounds(name, pair) for name, pair in bounds.items()]
    axes = [np.linspace(low, high, GRID[len(bounds)]) for low, high in pairs]
    values = _values(function, axes)
    shown = ", ".join(f"{name}=({low:g}, {high:g})" for name, (low, high) in zip(bounds, pairs, strict=True))
    text = f"Implicit({shown})"
    if len(bounds) == 3:
        vertices, faces = triangulated(values, axes)
        mesh = Mesh(_on_level(function, vertices)[0], faces, coordinates=tuple(bounds)).named("level")
        found = LevelSet(function.at, mesh, text)
        _check_moved(function, found)
        return found
    loops = [_knots(function, vertices) for vertices in _loops(values < 0, values, axes)]
    curves = [smooth_pieces(*_projected(function, knots)) for knots in loops]
    return Shape(Solid((Leaf.of(outlined(curves, "level")),)), tuple(bounds), text)


def _check_moved(level: "_Level", found: LevelSet) -> None:
    """**Raises:** `InputError` if points of the triangles are not moved onto the surface."""
    middles = found.surface.corners.mean(axis=1)
    with jax.enable_x64(True):
        x = np.asarray(onto(found.level, jnp.asarray(middles))[0])
    values, gradients = level(x)
    missed = np.abs(values) > ON * float(np.abs(x).max()) * np.linalg.norm(gradients, axis=1)
    if missed.any() or not np.isfinite(values).all():
        raise InputError(
            f"the surface of `Implicit` is too strongly curved for {GRID[3]} points along each coordinate: narrow the "
            "bounds, or make it of parts"
        )


class _Level:
    """A function of coordinates by name, with its gradient, at points that are filled up to chunks of one size."""

    def __init__(self, function: Callable[..., Any], names: tuple[str, ...]):
        self.names = names
        self.at = lambda x: function(**dict(zip(names, x, strict=True)))
        self._both = jax.jit(jax.vmap(jax.value_and_grad(self.at)))

    def __call__(self, x: Float[np.ndarray, "n d"]) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, "n d"]]:
        filled = np.concatenate([x, np.tile(x[-1:], (-len(x) % CHUNK, 1))])
        with jax.enable_x64(True):
            try:
                found = [self._both(filled[i : i + CHUNK]) for i in range(0, len(filled), CHUNK)]
            except TypeError as error:
                raise InputError(
                    f"the function of `Implicit` takes the coordinates {list(self.names)} by name and returns one "
                    f"number, written with `jax.numpy`: {str(error).splitlines()[0]}"
                ) from None
        values, gradients = (np.concatenate([np.asarray(each) for each in own]) for own in zip(*found, strict=True))
        return values[: len(x)], gradients[: len(x)]


def _values(level: _Level, axes: list[np.ndarray]) -> Float[np.ndarray, "..."]:
    grid = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=-1)
    values = level(grid)[0].reshape([len(axis) for axis in axes])
    if not np.isfinite(values).all():
        place = grid[np.flatnonzero(~np.isfinite(values))[0]]
        raise InputError(
            "the function of `Implicit` is not finite at "
            + ", ".join(f"{name} = {value:g}" for name, value in zip(level.names, place, strict=True))
        )
    inside = values < 0
    if not inside.any():
        raise InputError("the function of `Implicit` is negative nowhere between the bounds, so the shape is empty")
    if any(np.take(inside, [0, -1], axis).any() for axis in range(inside.ndim)):
        raise InputError(
            "the function of `Implicit` is negative at the bounds; widen them, or take the intersection with a `Box`"
        )
    return np.where(values == 0, np.finfo(float).tiny, values)


def _loops(inside: np.ndarray, values: np.ndarray, axes: list[np.ndarray]) -> list[Float[np.ndarray, "n 2"]]:
    """Closed lines through the zeros on the edges of a grid (marching squares), with the inside on the left."""
    following = dict[tuple[int, int, int], tuple[int, int, int]]()  # an edge: its corner, and its axis
    for i, j in np.argwhere(_is_mixed(inside)):
        corners = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)]
        edges = [(i, j, 0), (i + 1, j, 1), (i, j + 1, 0), (i, j, 1)]
        signs = [bool(inside[corner]) for corner in corners]
        leaving = [k for k in range(4) if signs[k] and not signs[(k + 1) % 4]]  # where one goes out, counterclockwise
        entering = [k for k in range(4) if not signs[k] and signs[(k + 1) % 4]]
        if len(leaving) == 2 and values[i : i + 2, j : j + 2].mean() < 0:  # a saddle that is inside in the middle
            entering = [(k + 1) % 4 for k in leaving]
        elif len(leaving) == 2:
            entering = [(k - 1) % 4 for k in leaving]
        following |= {edges[a]: edges[b] for a, b in zip(leaving, entering, strict=True)}
    found = list[Float[np.ndarray, "n 2"]]()
    while following:
        edge = next(iter(following))
        places = list[np.ndarray]()
        while edge in following:
            places.append(_zero(edge, values, axes))
            edge = following.pop(edge)
        found.append(np.array(places))
    return found


def _is_mixed(inside: np.ndarray) -> np.ndarray:
    count = inside[:-1, :-1].astype(int) + inside[1:, :-1] + inside[:-1, 1:] + inside[1:, 1:]
    return (count > 0) & (count < 4)


def _zero(edge: tuple[int, int, int], values: np.ndarray, axes: list[np.ndarray]) -> Float[np.ndarray, " 2"]:
    i, j, axis = edge
    k, m = (i + 1, j) if axis == 0 else (i, j + 1)
    share = values[i, j] / (values[i, j] - values[k, m])
    start, end = (np.array([axes[0][a], axes[1][b]]) for a, b in ((i, j), (k, m)))
    return start + share * (end - start)


def _knots(level: _Level, vertices: np.ndarray) -> Float[np.ndarray, "n 2"]:
    """Points of a closed curve between which it turns little."""
    points, normals = _on_level(level, vertices)
    turn = np.abs(np.angle(np.exp(1j * np.diff(np.unwrap(np.angle(normals @ [1, 1j]))))))
    turned = np.append(0.0, np.cumsum(turn))
    gone = np.append(0.0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1)))
    progress = np.maximum.reduce([turned / TURN, gone / (MOST * gone[-1])]) if gone[-1] else turned
    kept = np.append(True, np.diff(np.floor(progress)) > 0)
    return points[kept]


def _on_level(level: _Level, x: Float[np.ndarray, "n d"]) -> tuple[Float[np.ndarray, "n d"], Float[np.ndarray, "n d"]]:
    """Points where the function is zero, along its gradient from given ones, and unit normals."""
    size = float(np.abs(x).max())
    for _ in range(STEPS):
        values, gradients = level(x)
        square = (gradients**2).sum(axis=1, keepdims=True)
        if not (square > 0).all():
            raise InputError("the gradient of the function of `Implicit` vanishes, or is not finite, near its zeros")
        step = values[:, None] * gradients / square
        x = x - step
        if np.abs(step).max() <= ON * size:
            return x, gradients / np.sqrt(square)
    raise InputError("the zeros of the function of `Implicit` are not found to rounding: is it smooth there?")


def _projected(level: _Level, knots: Float[np.ndarray, "n 2"]) -> tuple[Curve, Float[np.ndarray, " k"]]:
    """A curve through knots on it, by cubic polynomials between them that are moved onto it."""
    points, normals = _on_level(level, knots)
    along = np.stack([-normals[:, 1], normals[:, 0]], axis=-1)
    count, after = len(points), np.roll(np.arange(len(points)), -1)
    chord = np.linalg.norm(points[after] - points, axis=1)[:, None]

    def curve(s: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n 2"]:
        k = np.minimum((s * count).astype(int), count - 1)
        t = (s * count - k)[:, None]
        p, q, v, w = points[k], points[after[k]], chord[k] * along[k], chord[k] * along[after[k]]
        start = (1 + 2 * t) * (1 - t) ** 2 * p + t * (1 - t) ** 2 * v
        return _on_level(level, start + t**2 * (3 - 2 * t) * q - t**2 * (1 - t) * w)[0]

    return curve, np.linspace(0.0, 1.0, count + 1)
