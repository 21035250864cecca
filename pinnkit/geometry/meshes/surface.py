"""Closed surfaces of triangles in space, and closed polygons of edges in the plane."""

from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from ..._base.errors import InputError
from .box_tree import BoxTree

TOGETHER = 2048
"""Points that are looked at together."""

RAY = {2: np.array([0.8191, 0.5736]), 3: np.array([0.6387, 0.5147, 0.5719])}
"""Directions along which edges and faces are counted; none that a mesh is likely to have."""

ASKED, THICK, NEAR = 2000, 1e-5, 0.1
"""Facets that are asked whether a surface intersects itself; how thick these are, as a share of its size, as rounding
folds over thinner ones now and then; and how close to their corners, as a share of the way to the middle.
"""

SLACK = 1e-12
"""Share of the size of a surface by which boxes are larger than what is in them."""


class Surface:
    """Facets, edges in the plane or triangles in space, that have an inside.

    - `vertices`: shape `(n, d)`; `facets`: numbers of their vertices, shape `(m, d)`.

    Distances are exact to rounding. A point is inside if the ray from it crosses an odd number of facets; facets with
    a common side agree on which of them is crossed there, so none is missed.
    """

    def __init__(self, vertices: Float[np.ndarray, "n d"], facets: Int[np.ndarray, "m d"]):
        self.vertices, self.facets, self.dimension = vertices, facets, vertices.shape[1]

    @cached_property
    def corners(self) -> Float[np.ndarray, "m d d"]:
        return self.vertices[self.facets]

    @cached_property
    def directed(self) -> Float[np.ndarray, "m d"]:
        """The normals on the right of edges, and by the right-hand rule on triangles, as long as the measures."""
        sides = self.corners[:, 1:] - self.corners[:, :1]
        if self.dimension == 2:
            return np.stack([sides[:, 0, 1], -sides[:, 0, 0]], axis=-1)
        return np.cross(sides[:, 0], sides[:, 1]) / 2

    @cached_property
    def measures(self) -> Float[np.ndarray, " m"]:
        return np.linalg.norm(self.directed, axis=1)

    @cached_property
    def size(self) -> float:
        """The diameter of the box around it."""
        used = self.corners.reshape(-1, self.dimension)
        return float(np.linalg.norm(np.ptp(used, axis=0)))

    @property
    def enclosed(self) -> float:
        """The area or volume inside if the facets are directed outwards, by the divergence theorem."""
        middles = self.corners.mean(axis=1)
        return float(((middles - middles.mean(axis=0)) * self.directed).sum()) / self.dimension

    def is_inside(self, points: Float[np.ndarray, "n d"]) -> Bool[np.ndarray, " n"]:
        """Which points lie inside; those on the surface itself may be either."""
        crossed = np.zeros(len(points), int)
        for start in range(0, len(points), TOGETHER):
            own = slice(start, start + TOGETHER)
            crossed[own] = np.bincount(self._met(points[own])[0], minlength=len(points[own]))
        return crossed % 2 == 1

    def directed_outwards(self) -> "Surface":
        """The surface with all facets directed outwards, however they were: a ray from a facet leaves for the outside
        if it crosses an even number of others. Of facets that agree with their neighbours the largest one decides.

        **Raises:** `InputError` if one of `ASKED` others says something else: the surface intersects itself.
        """
        piece = _agreeing(self.facets)
        order = np.argsort(-self.measures, kind="stable")
        deciding = order[np.unique(piece[order], return_index=True)[1]]
        thick = np.flatnonzero(self._heights > THICK * self.size)
        others = thick[np.unique(np.linspace(0, len(thick) - 1, min(ASKED, len(thick))).astype(int))]
        middles = self.corners.mean(axis=1)
        is_wrong = self._is_inward(deciding, middles[deciding])[piece]
        places = np.append(
            (1 - NEAR) * self.corners[others] + NEAR * middles[others, None], middles[others, None], axis=1
        )
        asked, places = np.repeat(others, places.shape[1]), places.reshape(-1, self.dimension)
        if len(unlike := places[self._is_inward(asked, places) != is_wrong[asked]]):
            place = ", ".join(f"{value:.4g}" for value in unlike[0])
            raise InputError(f"the surface intersects or touches itself, as it does near ({place})")
        facets = self.facets.copy()
        facets[is_wrong, :2] = facets[is_wrong, 1::-1]
        return Surface(self.vertices, facets)

    def _is_inward(self, facets: Int[np.ndarray, " k"], places: Float[np.ndarray, "k d"]) -> Bool[np.ndarray, " k"]:
        """Whether facets, by number, are directed inwards at places on them."""
        question, facet = self._met(places)
        crossed = np.bincount(question[facet != facets[question]], minlength=len(facets))
        return (self.directed[facets] @ RAY[self.dimension] > 0) != (crossed % 2 == 0)

    @cached_property
    def _heights(self) -> Float[np.ndarray, " m"]:
        """Measures over the longest sides, about how thick facets are."""
        longest = np.linalg.norm(self.corners - np.roll(self.corners, 1, axis=1), axis=2).max(axis=1)
        return self.measures / np.where(longest > 0, longest, 1.0)

    def distance(self, points: Float[np.ndarray, "n d"], within: float = np.inf) -> Float[np.ndarray, " n"]:
        """The distance to the nearest facet; infinite where it is larger than `within`."""
        found = np.full(len(points), np.inf)
        for start in range(0, len(points), TOGETHER):
            own = slice(start, start + TOGETHER)
            found[own] = self._distance(points[own], within)
        return found

    @cached_property
    def _tree(self) -> BoxTree:
        slack = SLACK * self.size
        return BoxTree(self.corners.min(axis=1) - slack, self.corners.max(axis=1) + slack)

    @cached_property
    def _near(self) -> Any:
        from scipy.spatial import KDTree  # slow to import

        return KDTree(self.vertices[np.unique(self.facets)])

    def _distance(self, points: Float[np.ndarray, "n d"], within: float) -> Float[np.ndarray, " n"]:
        largest = np.minimum(self._near.query(points)[0], within)  # that to a vertex is no smaller

        def is_met(question: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
            x = points[question]
            return ((x - np.clip(x, low, high)) ** 2).sum(axis=1) <= largest[question] ** 2

        question, facet = self._tree.pairs(len(points), is_met)
        found = np.full(len(points), np.inf)
        np.minimum.at(found, question, _distance(points[question], self.corners[facet]))
        return np.where(found <= within, found, np.inf)

    def _met(self, points: Float[np.ndarray, "n d"]) -> tuple[Int[np.ndarray, " p"], Int[np.ndarray, " p"]]:
        """Pairs of a point and a facet that the ray from it crosses."""
        ray = RAY[self.dimension]

        def is_met(question: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
            first, last = ((bound - points[question]) / ray for bound in (low, high))
            ends = last.min(axis=1)
            return (ends >= 0) & (first.max(axis=1) <= ends)

        question, facet = self._tree.pairs(len(points), is_met)
        x, corners, directed = points[question], self.corners[facet], self.directed[facet]
        height, slope = ((corners[:, 0] - x) * directed).sum(axis=1), directed @ ray
        is_crossed = self._is_behind(x, facet) & (height * np.sign(slope) > 0)
        return question[is_crossed], facet[is_crossed]

    @cached_property
    def _shadows(self) -> Float[np.ndarray, "n k"]:
        """The vertices along the ray, in coordinates across it."""
        return self.vertices @ _across(self.dimension)

    def _is_behind(self, points: Float[np.ndarray, "p d"], facet: Int[np.ndarray, " p"]) -> Bool[np.ndarray, " p"]:
        """Whether the lines along the ray through points meet facets."""
        at, numbers = points @ _across(self.dimension), self.facets[facet]
        if self.dimension == 2:
            return np.logical_xor(*(self._shadows[numbers.T, 0] > at[:, 0]))
        turns = [self._is_left(at, *numbers[:, [i, (i + 1) % 3]].T) for i in range(3)]
        return (turns[0] == turns[1]) & (turns[1] == turns[2])

    def _is_left(self, at: Float[np.ndarray, "p 2"], a: np.ndarray, b: np.ndarray) -> Bool[np.ndarray, " p"]:
        """Whether points lie on the left of the side from a to b; on the right of that from b to a, to the last bit."""
        first, second = self._shadows[np.minimum(a, b)], self._shadows[np.maximum(a, b)]
        u, v = second - first, at - first
        return (u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0] > 0) == (a < b)


def _agreeing(facets: Int[np.ndarray, "m d"]) -> Int[np.ndarray, " m"]:
    """A number for each facet, the same for those that share a side with one other, which goes the other way round."""
    from scipy.sparse import coo_array  # slow to import
    from scipy.sparse.csgraph import connected_components

    m, d = facets.shape
    sides = facets[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2) if d == 3 else facets.reshape(-1, 1)
    forward = sides[:, 0] < sides[:, 1] if d == 3 else np.tile([True, False], m)
    _, group, counts = np.unique(np.sort(sides, axis=1), axis=0, return_inverse=True, return_counts=True)
    group = group.reshape(-1)
    order = np.argsort(group, kind="stable")
    order = order[counts[group[order]] == 2].reshape(-1, 2)
    one, other = (order[forward[order[:, 0]] != forward[order[:, 1]]] // d).T
    return connected_components(coo_array((np.ones(len(one)), (one, other)), shape=(m, m)), directed=False)[1]


def _across(dimension: int) -> Float[np.ndarray, "d k"]:
    """Directions across the ray, as columns."""
    return np.linalg.svd(RAY[dimension][None, :])[2][1:].T


def _distance(x: Float[np.ndarray, "p d"], corners: Float[np.ndarray, "p d d"]) -> Float[np.ndarray, " p"]:
    """Distances of points to facets."""
    a, b = corners[:, 0], corners[:, 1]
    if corners.shape[1] == 2:
        return _to_segment(x, a, b)
    c = corners[:, 2]
    sides = np.minimum(np.minimum(_to_segment(x, a, b), _to_segment(x, b, c)), _to_segment(x, c, a))
    normal = np.cross(b - a, c - a)
    length = np.linalg.norm(normal, axis=1)
    is_above = length > 0
    for start, end in ((a, b), (b, c), (c, a)):
        is_above = is_above & ((np.cross(end - start, x - start) * normal).sum(axis=1) >= 0)
    height = np.abs(((x - a) * normal).sum(axis=1)) / np.where(length > 0, length, 1.0)
    return np.where(is_above, height, sides)


def _to_segment(x: Float[np.ndarray, "p d"], a: np.ndarray, b: np.ndarray) -> Float[np.ndarray, " p"]:
    along, offset = b - a, x - a
    square = (along**2).sum(axis=1)
    share = (offset * along).sum(axis=1) / np.where(square > 0, square, 1.0)
    return np.linalg.norm(offset - np.clip(share, 0.0, 1.0)[:, None] * along, axis=1)
