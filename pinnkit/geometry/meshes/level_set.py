"""Solids where a smooth function is negative: a surface of triangles, from which points are moved onto the zeros."""

import functools
from collections.abc import Callable
from itertools import permutations
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ..domain import Part
from ..solids.charts import Numbers
from .mesh import Mesh
from .simplices import Simplices

LevelFunction = Callable[[Float[Array, " 3"]], Float[Array, ""]]

ONTO = 6
"""Steps of Newton's method from a triangle to the surface, which is nearer than their edges."""


class LevelSet(Mesh):
    """The inside of a surface on which a function of a point is zero.

    Points of the boundary and their normals are exact; measures, the inside and distances are those of the triangles
    of a mesh, whose vertices are on the surface. Set operations make a mesh of it.
    """

    def __init__(self, level: LevelFunction, mesh: Mesh, text: str):
        faces = {name: mesh.surface.facets[mesh.number == i] for i, name in enumerate(mesh.names)}
        super().__init__(mesh.vertices, mesh.cells, faces, coordinates=mesh.coordinates)
        self.level, self._text = level, text

    def named(self, name: str | None = None, **names: str) -> "LevelSet":
        return LevelSet(self.level, super().named(name, **names), repr(self))

    def moved(self, rotation: np.ndarray, scale: float, shift: np.ndarray, text: str) -> "LevelSet":
        before = lambda x: self.level((x - jnp.asarray(shift)) @ jnp.asarray(rotation) / scale)
        found = super().moved(rotation, scale, shift, text)
        return LevelSet(before, found, repr(found))

    def boundary(self, *parts: Part) -> Simplices:
        return OnLevel(self.level, super().boundary(*parts))


class OnLevel(Simplices):
    """Triangles whose points are moved onto the surface near them, along the gradients of its function."""

    level: LevelFunction

    def __init__(self, level: LevelFunction, triangles: Simplices):
        vars(self).update(vars(triangles))
        self.level = level

    def placed(self, unit: Numbers) -> tuple[Numbers, Numbers | None]:
        x, _ = super().placed(unit)
        with jax.enable_x64(True):
            x, normals = onto(self.level, jnp.asarray(x))
        return (x, normals) if isinstance(unit, jax.Array) else (np.asarray(x), np.asarray(normals))


@functools.partial(jax.jit, static_argnames=("level",))
def onto(level: LevelFunction, x: Float[Array, "n 3"]) -> tuple[Array, Array]:
    """From points near a surface to those on it and their normals."""
    both = jax.vmap(jax.value_and_grad(level))

    def step(_: Any, x: Array) -> Array:
        value, gradient = both(x)
        return x - value[:, None] * gradient / jnp.sum(gradient**2, axis=1, keepdims=True)

    x = jax.lax.fori_loop(0, ONTO, step, x)
    gradient = both(x)[1]
    return x, gradient / jnp.linalg.norm(gradient, axis=1, keepdims=True)


def triangulated(
    values: Float[np.ndarray, "n n n"], axes: list[np.ndarray]
) -> tuple[Float[np.ndarray, "k 3"], Int[np.ndarray, "m 3"]]:
    """Vertices on the edges of a grid, and triangles of the surface where values change their sign.

    Each cell of the grid is divided into six tetrahedra around its diagonal, and neighbours agree on theirs.
    """
    number = np.arange(values.size).reshape(values.shape)
    steps = np.array([number[1, 0, 0], number[0, 1, 0], number[0, 0, 1]])
    paths = np.array([np.cumsum([0, *steps[list(order)]]) for order in permutations(range(3))])
    cells = number[:-1, :-1, :-1].ravel()
    tetrahedra = (cells[:, None, None] + paths).reshape(-1, 4)
    inside = values.ravel() < 0
    count = inside[tetrahedra].sum(axis=1)
    order = np.argsort(~inside[tetrahedra], axis=1, kind="stable")  # what is inside comes first
    tetrahedra = np.take_along_axis(tetrahedra, order, axis=1)
    one, two, three = (tetrahedra[count == k] for k in (1, 2, 3))
    edge = lambda cells, a, b: np.sort(cells[:, [a, b]], axis=1)
    corner = lambda cells, apex, others: [edge(cells, apex, other) for other in others]
    quadrangle = [edge(two, 0, 2), edge(two, 0, 3), edge(two, 1, 3), edge(two, 1, 2)]
    triangles = [
        corner(one, 0, (1, 2, 3)),
        corner(three, 3, (0, 1, 2)),
        quadrangle[:3],
        quadrangle[::2] + quadrangle[3:],
    ]
    edges = np.concatenate([np.stack(sides, axis=1) for sides in triangles])
    ends, faces = np.unique(edges.reshape(-1, 2), axis=0, return_inverse=True)
    grid = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=-1)
    first, last = values.ravel()[ends].T
    share = (first / (first - last))[:, None]
    return (1 - share) * grid[ends[:, 0]] + share * grid[ends[:, 1]], faces.reshape(-1, 3)
