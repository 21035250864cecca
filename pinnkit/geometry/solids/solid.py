"""Solids: placed primitives and set operations on them."""

import dataclasses
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float

from .charts import AbstractChart, Numbers, dot, length, namespace, normalized
from .primitive import AbstractPrimitive

Tree: TypeAlias = int | tuple[str, "Tree", "Tree"]
"""The number of a leaf, or an operation `|`, `&` or `-` and its operands."""

COINCIDENT = 1e-12
"""Share of the size of a solid below which a point lies on a surface."""

BESIDE, FLAT = 1e-6, 1e-4
"""Share of the size of a solid at which coincident surfaces are told from crossing ones, and their sides apart; and the
sine of the smallest angle at which surfaces cross."""


Where: TypeAlias = Callable[[Float[np.ndarray, "n d"]], np.ndarray]
"""Which points belong to a part."""


@dataclasses.dataclass(frozen=True)
class Mark:
    """A part of a boundary by a function of the points, and the place of the frame that it was given in.

    - `name`: of the part; `where`: which points belong to it; x = scale · rotation p + shift for points p of the frame.
    """

    name: str
    where: Where
    rotation: Float[np.ndarray, "d d"]
    scale: float
    shift: Float[np.ndarray, " d"]

    def moved(self, rotation: Float[np.ndarray, "d d"], scale: float, shift: Float[np.ndarray, " d"]) -> "Mark":
        return dataclasses.replace(
            self,
            rotation=rotation @ self.rotation,
            scale=scale * self.scale,
            shift=scale * rotation @ self.shift + shift,
        )

    def holds(self, x: Float[np.ndarray, "n d"]) -> np.ndarray:
        return self.where((x - self.shift) @ self.rotation / self.scale)


@dataclasses.dataclass(frozen=True)
class Leaf:
    """A primitive with its place: x = scale · rotation p + shift for points p of its own frame.

    - `names`: of the parts of its boundary, in the order of its charts;
    - `marks`: further parts, of which the last that holds names a point.
    """

    primitive: AbstractPrimitive
    rotation: Float[np.ndarray, "d d"]
    scale: float
    shift: Float[np.ndarray, " d"]
    names: tuple[str, ...]
    marks: tuple[Mark, ...] = ()

    @classmethod
    def of(cls, primitive: AbstractPrimitive, shift: Sequence[float] | None = None) -> "Leaf":
        d = primitive.dimension
        return cls(primitive, np.eye(d), 1.0, np.zeros(d) if shift is None else np.array(shift, float), ())._named()

    def _named(self) -> "Leaf":
        return dataclasses.replace(self, names=tuple(self.primitive.charts()))

    def moved(self, rotation: Float[np.ndarray, "d d"], scale: float, shift: Float[np.ndarray, " d"]) -> "Leaf":
        return dataclasses.replace(
            self,
            rotation=rotation @ self.rotation,
            scale=scale * self.scale,
            shift=scale * rotation @ self.shift + shift,
            marks=tuple(mark.moved(rotation, scale, shift) for mark in self.marks),
        )

    @property
    def part_names(self) -> tuple[str, ...]:
        """The names of its charts, and those of its marks."""
        return (*self.names, *(mark.name for mark in self.marks))

    def renamed(self, new: Callable[[str], str]) -> "Leaf":
        marks = tuple(dataclasses.replace(mark, name=new(mark.name)) for mark in self.marks)
        return dataclasses.replace(self, names=tuple(map(new, self.names)), marks=marks)

    def level(self, x: Numbers) -> Numbers:
        return self.scale * self.primitive.level(self._own(x - self.shift))

    def crossings(self, origin: Numbers, direction: Numbers) -> Numbers:
        return self.primitive.crossings(self._own(origin - self.shift), self._own(direction))

    def extent(self, direction: Float[np.ndarray, " d"]) -> float:
        """The largest scalar product with a direction."""
        return self.scale * self.primitive.extent(self.rotation.T @ direction) + float(self.shift @ direction)

    def _own(self, vectors: Numbers) -> Numbers:
        columns = [dot(vectors, column) for column in self.rotation.T]
        return namespace(vectors).stack(columns, axis=-1) / self.scale


@dataclasses.dataclass(frozen=True)
class Patches:
    """Charts of one kind with their places, stacked; `owner` and `names`: the leaf and the part of each."""

    chart: AbstractChart
    rotation: Float[np.ndarray, "m d d"]
    scale: Float[np.ndarray, " m"]
    shift: Float[np.ndarray, "m d"]
    owner: np.ndarray
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.owner)

    def at(self, number: Numbers, unit: Numbers) -> tuple[Numbers, Numbers]:
        """Points and outward normals of the charts of these numbers at parameters of shape `(n, k)`."""
        chart, (rotation, scale, shift) = self._chosen(number), self._placed(number)
        rows = [rotation[:, i] for i in range(rotation.shape[1])]
        turn = lambda vectors: namespace(vectors).stack([dot(row, vectors) for row in rows], axis=-1)
        return scale[:, None] * turn(chart.point(unit)) + shift, turn(chart.normal(unit))

    def density(self, number: Numbers, unit: Numbers) -> Numbers:
        """The measure of the image of a small set of parameters over its own."""
        scale = self._placed(number)[1]
        return scale ** unit.shape[-1] * self._chosen(number).density(unit)

    def _chosen(self, number: Numbers) -> AbstractChart:
        import jax

        xp = namespace(number)
        return jax.tree.map(lambda field: xp.asarray(field)[number], self.chart)

    def _placed(self, number: Numbers) -> tuple[Numbers, Numbers, Numbers]:
        xp = namespace(number)
        rotation, scale, shift = (xp.asarray(field)[number] for field in (self.rotation, self.scale, self.shift))
        return rotation, scale, shift


@dataclasses.dataclass(frozen=True)
class Solid:
    """Placed primitives and the set operations on them."""

    leaves: tuple[Leaf, ...]
    tree: Tree = 0

    @property
    def dimension(self) -> int:
        return self.leaves[0].primitive.dimension

    @property
    def part_names(self) -> tuple[str, ...]:
        """The names of all parts, whether or not set operations leave anything of them."""
        return tuple(dict.fromkeys(name for leaf in self.leaves for name in leaf.part_names))

    @property
    def is_distance(self) -> bool:
        """Whether `level` is the signed distance, not a lower bound of its size."""
        return len(self.leaves) == 1 and self.leaves[0].primitive.is_distance

    def combined(self, operation: str, other: "Solid") -> "Solid":
        number = len(self.leaves)
        return Solid(self.leaves + other.leaves, (operation, self.tree, _shifted(other.tree, number)))

    def mapped(self, change: Callable[[Leaf], Leaf]) -> "Solid":
        return dataclasses.replace(self, leaves=tuple(map(change, self.leaves)))

    def level(self, x: Numbers) -> Numbers:
        """Negative inside, positive outside; its size is at most the distance to the boundary."""
        return _combined(namespace(x), self.tree, [leaf.level(x) for leaf in self.leaves])

    def crossings(self, origin: Numbers, direction: Numbers) -> Numbers:
        """Where lines `origin + t direction` may cross the boundary: shape `(..., d)` to `(..., k)`."""
        return namespace(origin).concat([leaf.crossings(origin, direction) for leaf in self.leaves], axis=-1)

    @cached_property
    def bounds(self) -> tuple[Float[np.ndarray, " d"], Float[np.ndarray, " d"]]:
        """The corners of a box around the solid, the smallest one for a single primitive."""
        return self._bounds(self.tree)

    def _bounds(self, tree: Tree) -> tuple[Any, Any]:
        if isinstance(tree, int):
            leaf, axes = self.leaves[tree], np.eye(self.dimension)
            return np.array([-leaf.extent(-axis) for axis in axes]), np.array([leaf.extent(axis) for axis in axes])
        operation, left, right = tree
        (low, high), (other_low, other_high) = self._bounds(left), self._bounds(right)
        if operation == "-":
            return low, high
        if operation == "&":
            return np.maximum(low, other_low), np.minimum(high, other_high)
        return np.minimum(low, other_low), np.maximum(high, other_high)

    @property
    def size(self) -> float:
        """The diameter of the box around it."""
        low, high = self.bounds
        return float(np.linalg.norm(high - low))

    @cached_property
    def holes(self) -> tuple[tuple[Float[np.ndarray, " d"], float], ...]:
        """Centers and radii of balls in bounded primitives that are taken away, inside the box around the solid."""
        found = list[tuple[Float[np.ndarray, " d"], float]]()
        for number in _removed(self.tree):
            leaf, axes = self.leaves[number], np.eye(self.dimension)
            center = np.array([(leaf.extent(axis) - leaf.extent(-axis)) / 2 for axis in axes])
            radius = -float(leaf.level(center))
            low, high = self.bounds
            is_within = radius > 0 and (center > low).all() and (center < high).all()
            if is_within and float(self.level(center)) > 0:
                found.append((center, radius))
        return tuple(found)

    @cached_property
    def patches(self) -> tuple[Patches, ...]:
        """The charts of all leaves, those of one kind together."""
        import jax

        kinds = dict[Any, list[tuple[int, str, AbstractChart]]]()
        for number, leaf in enumerate(self.leaves):
            for name, chart in zip(leaf.names, leaf.primitive.charts().values(), strict=True):
                kinds.setdefault(jax.tree.structure(chart), []).append((number, name, chart))
        return tuple(self._stacked(charts) for charts in kinds.values())

    def _stacked(self, charts: list[tuple[int, str, AbstractChart]]) -> Patches:
        import jax

        counts = [len(jax.tree.leaves(chart)[0]) for _, _, chart in charts]
        owner = np.repeat([number for number, _, _ in charts], counts)
        of_leaves = lambda value: np.array([value(leaf) for leaf in self.leaves])[owner]
        return Patches(
            chart=jax.tree.map(lambda *fields: np.concatenate(fields), *(chart for _, _, chart in charts)),
            rotation=of_leaves(lambda leaf: leaf.rotation),
            scale=of_leaves(lambda leaf: leaf.scale),
            shift=of_leaves(lambda leaf: leaf.shift),
            owner=owner,
            names=tuple(name for (_, name, _), count in zip(charts, counts, strict=True) for _ in range(count)),
        )

    def sides(self, x: Numbers, normals: Numbers, owner: Numbers) -> Numbers:
        """Whether points on the boundaries of leaves bound the solid: 1, or −1 if the solid is on the outer side of
        the leaf; 0 for points that do not, and for those of a surface that an earlier leaf has too.

        - `x`, `normals`: of shape `(n, d)`; `owner`: the leaf that each point belongs to.
        """
        xp, inner, outer = namespace(x), list[Numbers](), list[Numbers]()
        is_ours = xp.ones(x.shape[:-1], dtype=bool)
        for number, leaf in enumerate(self.leaves):
            own, level = owner == number, leaf.level(x)
            is_near = ~own & (xp.abs(level) <= COINCIDENT * self.size)
            if xp is not np or is_near.any():
                step = BESIDE * self.size
                for tangent in _tangents(normals):  # at an angle it is crossed, not shared; it may end on one side
                    beside = [xp.abs(leaf.level(x + way * tangent)) for way in (step, -step)]
                    is_near = is_near & (xp.minimum(*beside) <= FLAT * step)
                same = xp.where(leaf.level(x + step * normals) >= leaf.level(x - step * normals), 1.0, -1.0)
                is_ours = is_ours & ~(is_near & (number < owner))
                inner.append(xp.where(own, -1.0, xp.where(is_near, -same, level)))
                outer.append(xp.where(own, 1.0, xp.where(is_near, same, level)))
            else:
                inner.append(xp.where(own, -1.0, level))
                outer.append(xp.where(own, 1.0, level))
        inside, outside = (_combined(xp, self.tree, levels) < 0 for levels in (inner, outer))
        return xp.where(is_ours & (inside != outside), xp.where(inside, 1, -1), 0)

    @property
    def is_marked(self) -> bool:
        """Whether functions of coordinates name parts of the boundary."""
        return any(leaf.marks for leaf in self.leaves)

    def marked(self, x: Float[np.ndarray, "n d"], owner: np.ndarray) -> np.ndarray:
        """The number, from 1 on, of the mark that names each point of the boundary of a leaf; 0 for none."""
        found = np.zeros(len(x), int)
        for number, leaf in enumerate(self.leaves):
            for k, mark in enumerate(leaf.marks, 1):
                found[(owner == number) & mark.holds(x)] = k
        return found

    def is_met(
        self, along: Sequence[Float[np.ndarray, "n d"]], owner: np.ndarray, margin: float, is_fine: bool
    ) -> np.ndarray:
        """Whether a part of a leaf may meet another leaf, by its middle and points all around it.

        A surface on which all of them lie is not met, but shared.

        - `margin`: how much further than these points the part may reach, as a factor;
        - `is_fine`: whether the part is so small that its distance from a leaf varies evenly.
        """
        reach = margin * np.max([length(x - along[0]) for x in along[1:]], axis=0)
        found = np.zeros(len(owner), bool)
        for number, leaf in enumerate(self.leaves):
            is_near = np.flatnonzero((owner != number) & (np.abs(leaf.level(along[0])) <= reach))
            levels = np.array([leaf.level(x[is_near]) for x in along])
            distances = np.abs(levels)
            is_beside = is_fine & (distances.min(axis=0) > 2 * np.ptp(levels, axis=0))
            found[is_near] |= (distances > COINCIDENT * self.size).any(axis=0) & ~is_beside
        return found


def _shifted(tree: Tree, number: int) -> Tree:
    if isinstance(tree, int):
        return tree + number
    operation, left, right = tree
    return operation, _shifted(left, number), _shifted(right, number)


def _combined(xp: Any, tree: Tree, levels: Sequence[Numbers]) -> Numbers:
    if isinstance(tree, int):
        return levels[tree]
    operation, left, right = tree
    a, b = _combined(xp, left, levels), _combined(xp, right, levels)
    if operation == "|":
        return xp.minimum(a, b)
    return xp.maximum(a, -b if operation == "-" else b)


def _removed(tree: Tree, sign: int = 1) -> list[int]:
    """The leaves that count as outside where they are."""
    if isinstance(tree, int):
        return [tree] if sign < 0 else []
    operation, left, right = tree
    return _removed(left, sign) + _removed(right, -sign if operation == "-" else sign)


def _tangents(normals: Numbers) -> list[Numbers]:
    """Unit vectors at right angles to unit vectors of shape `(n, d)`, and to each other."""
    xp = namespace(normals)
    if normals.shape[-1] == 2:
        return [xp.stack([-normals[..., 1], normals[..., 0]], axis=-1)]
    axis = np.eye(3)[[1, 2, 0]]  # at a large angle to the normal, for the axis to which that is closest
    other = xp.asarray(axis)[xp.argmax(xp.abs(normals), axis=-1)]
    first = normalized(xp.linalg.cross(normals, other))
    return [first, xp.linalg.cross(normals, first)]
