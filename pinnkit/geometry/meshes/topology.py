"""What bounds a mesh, and whether it is a mesh at all."""

from itertools import combinations

import numpy as np
from jaxtyping import Float, Int

from ..._base.errors import InputError
from .surface import Surface

FLAT = 1e-12
"""Measure of a cell, by that of a cube of its longest side, below which it is degenerate."""

KINDS = {3: "triangle", 4: "tetrahedron"}


def cell_measures(corners: Float[np.ndarray, "m k d"]) -> Float[np.ndarray, " m"]:
    """Areas of triangles in the plane, or volumes of tetrahedra; negative if they go the other way round."""
    sides = corners[:, 1:] - corners[:, :1]
    return np.linalg.det(sides) / (2 if corners.shape[1] == 3 else 6)


def check_cells(vertices: Float[np.ndarray, "n d"], cells: Int[np.ndarray, "m k"]) -> None:
    """**Raises:** `InputError` for a cell without an inside."""
    corners = vertices[cells]
    longest = np.max(np.ptp(corners, axis=1), axis=1)
    flat = np.flatnonzero(np.abs(cell_measures(corners)) <= FLAT * longest ** vertices.shape[1])
    if flat.size:
        raise InputError(
            f"{flat.size} of {len(cells)} cells of the mesh are degenerate: {KINDS[cells.shape[1]]} {flat[0]} near "
            f"{at(corners[flat[0]].mean(axis=0))} has no inside"
        )


def outer_facets(vertices: Float[np.ndarray, "n d"], cells: Int[np.ndarray, "m k"]) -> Int[np.ndarray, "f d"]:
    """The facets of one cell only, with outward normals.

    **Raises:** `InputError` for a facet of three cells or more, and for cells on the same side of their facet.
    """
    d = vertices.shape[1]
    facets = np.concatenate([np.delete(cells, i, axis=1) for i in range(d + 1)])
    opposite = cells.T.ravel()
    _, group, counts = np.unique(np.sort(facets, axis=1), axis=0, return_inverse=True, return_counts=True)
    group = group.reshape(-1)
    corners = vertices[facets]
    is_inward = (_directed(corners) * (vertices[opposite] - corners[:, 0])).sum(axis=1) > 0
    facets[is_inward, :2] = facets[is_inward, 1::-1]
    _refuse(vertices, facets, counts[group] > 2, f"{_side(d)}s of the mesh belong to more than two cells")
    # facets that two cells share are directed outwards from both: against each other unless the cells overlap
    ascending = facets == np.sort(facets, axis=1)
    is_even = ascending.all(axis=1) if d == 2 else _is_even(facets)
    turns = np.bincount(group, np.where(is_even, 1, -1))
    _refuse(vertices, facets, np.abs(turns[group]) == 2, f"{_side(d)}s of the mesh have their cells on one side")
    return facets[counts[group] == 1]


def check_closed(vertices: Float[np.ndarray, "n 3"], faces: Int[np.ndarray, "m 3"]) -> None:
    """**Raises:** `InputError` for a surface with an edge that does not belong to an even number of faces."""
    sides = np.sort(np.concatenate([faces[:, list(pair)] for pair in combinations(range(3), 2)]), axis=1)
    edges, counts = np.unique(sides, axis=0, return_counts=True)
    open_edges = edges[counts % 2 == 1]
    if len(open_edges):
        raise InputError(
            f"the surface is not closed: {len(open_edges)} of its edges belong to one triangle, such as that near "
            f"{at(vertices[open_edges[0]].mean(axis=0))}; close it in the program that made it"
        )


def rows_of(facets: Int[np.ndarray, "m d"], chosen: Int[np.ndarray, "k d"]) -> Int[np.ndarray, " k"]:
    """Where facets are found among others, in whatever order their vertices are; −1 for those that are not there."""
    own, sought = (np.sort(each, axis=1) for each in (facets, chosen))
    _, group = np.unique(np.concatenate([own, sought]), axis=0, return_inverse=True)
    place = np.full(group.max() + 1, -1)
    place[group[: len(own)]] = np.arange(len(own))
    return place[group[len(own) :]]


def components(surface: Surface) -> list[Int[np.ndarray, " k"]]:
    """The numbers of the facets of each piece of a surface."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    first, other = surface.facets[:, :1], surface.facets[:, 1:]
    rows, columns = np.repeat(first, other.shape[1], axis=1).ravel(), other.ravel()
    count = len(surface.vertices)
    _, label = connected_components(coo_array((np.ones(len(rows)), (rows, columns)), shape=(count, count)), False)
    own = label[surface.facets[:, 0]]
    return [np.flatnonzero(own == number) for number in np.unique(own)]


def cavities(surface: Surface) -> list[tuple[Float[np.ndarray, " d"], float]]:
    """Centers of closed pieces of a surface around something that lies outside, and their distances from them."""
    found = list[tuple[Float[np.ndarray, " d"], float]]()
    pieces = components(surface)
    for rows in pieces if len(pieces) > 1 else []:
        own = Surface(surface.vertices, surface.facets[rows])
        if own.enclosed < 0:
            center = _center(own)[None]
            if own.is_inside(center)[0] and not surface.is_inside(center)[0]:
                found.append((center[0], float(surface.distance(center)[0])))
    return found


def at(point: Float[np.ndarray, " d"]) -> str:
    return f"({', '.join(f'{value:.4g}' for value in point)})"


def _center(surface: Surface) -> Float[np.ndarray, " d"]:
    """The center of mass of the inside, by cones from one point."""
    d, origin = surface.dimension, surface.corners[0, 0]
    cones = ((surface.corners[:, 0] - origin) * surface.directed).sum(axis=1)
    middles = ((surface.corners - origin).sum(axis=1)) / (d + 1)
    return origin + (cones[:, None] * middles).sum(axis=0) / cones.sum()


def _directed(corners: Float[np.ndarray, "m d d"]) -> Float[np.ndarray, "m d"]:
    sides = corners[:, 1:] - corners[:, :1]
    if corners.shape[1] == 2:
        return np.stack([sides[:, 0, 1], -sides[:, 0, 0]], axis=-1)
    return np.cross(sides[:, 0], sides[:, 1])


def _is_even(facets: Int[np.ndarray, "m 3"]) -> np.ndarray:
    """Whether the numbers of the vertices are an even permutation of the ascending ones."""
    order = np.argsort(facets, axis=1)
    return (order[:, 1] - order[:, 0]) % 3 == 1


def _side(dimension: int) -> str:
    return "edge" if dimension == 2 else "face"


def _refuse(vertices: np.ndarray, facets: np.ndarray, wrong: np.ndarray, what: str) -> None:
    rows = np.flatnonzero(wrong)
    if rows.size:
        count = len(np.unique(np.sort(facets[rows], axis=1), axis=0))
        raise InputError(f"{count} {what}, such as that near {at(vertices[facets[rows[0]]].mean(axis=0))}")
