"""Cells: what integrals over a region are made of, with Gauss-Legendre rules of any number of nodes."""

import abc
import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

NODES = 8
"""Nodes on each panel of the composite rule; a rule with fewer nodes has one panel."""

SMOOTH = 32
"""The same on curves and in shapes, which have no corners inside a panel."""


class Rule(NamedTuple):
    """Nodes with weights, and outward normals on a boundary, else None."""

    points: Float[np.ndarray, "n d"]
    weights: Float[np.ndarray, " n"]
    normals: Float[np.ndarray, "n d"] | None


class AbstractCell(abc.ABC):
    """A piece of a region."""

    @property
    @abc.abstractmethod
    def dimension(self) -> int:
        """The number of its free coordinates."""

    @property
    def panels(self) -> int:
        """The number of rules that its own consists of."""
        return 1

    @abc.abstractmethod
    def cut(self, fixed: Mapping[int, float]) -> "AbstractCell | None":
        """The part at fixed coordinates, by axis; None if it does not reach them.

        **Raises:** `InputError` if it cannot be cut there.
        """

    @abc.abstractmethod
    def rule(self, count: int) -> Rule:
        """Quadrature with about `count` nodes along each free coordinate of each panel."""


@dataclasses.dataclass(frozen=True)
class BoxCell(AbstractCell):
    """A box between `low` and `high`, flat along some axes, with an outward normal if it is a face."""

    low: Float[np.ndarray, " d"]
    high: Float[np.ndarray, " d"]
    normal: Float[np.ndarray, " d"] | None

    @property
    def dimension(self) -> int:
        return int(np.sum(self.low < self.high))

    def cut(self, fixed: Mapping[int, float]) -> "BoxCell | None":
        low, high = self.low.copy(), self.high.copy()
        for axis, value in fixed.items():
            if not low[axis] <= value <= high[axis]:
                return None
            low[axis] = high[axis] = value
        return BoxCell(low, high, self.normal)

    def rule(self, count: int) -> Rule:
        ends = zip(self.low, self.high, strict=True)
        rules = [gauss(a, b, count) if a < b else (np.array([a]), np.ones(1)) for a, b in ends]
        mesh = np.meshgrid(*(nodes for nodes, _ in rules), indexing="ij")
        points = np.stack([axis.ravel() for axis in mesh], axis=-1)
        weights = rules[0][1]
        for _, more in rules[1:]:
            weights = np.multiply.outer(weights, more)
        normals = None if self.normal is None else np.broadcast_to(self.normal, points.shape)
        return Rule(points, weights.ravel(), normals)


@dataclasses.dataclass(frozen=True)
class ProductCell(AbstractCell):
    """A cell of a shape over intervals of further coordinates, the last ones.

    - `normal`: of an end of one of these, in all coordinates; otherwise that of the `base`, if any.
    """

    base: AbstractCell
    others: BoxCell
    axes: int
    normal: Float[np.ndarray, " d"] | None

    @property
    def dimension(self) -> int:
        return self.base.dimension + self.others.dimension

    @property
    def panels(self) -> int:
        return self.base.panels

    def cut(self, fixed: Mapping[int, float]) -> "ProductCell | None":
        base = self.base.cut({axis: value for axis, value in fixed.items() if axis < self.axes})
        others = self.others.cut({axis - self.axes: value for axis, value in fixed.items() if axis >= self.axes})
        return None if base is None or others is None else ProductCell(base, others, self.axes, self.normal)

    def rule(self, count: int) -> Rule:
        base, others = self.base.rule(count), self.others.rule(count)
        n, m = len(base.weights), len(others.weights)
        points = np.hstack([np.repeat(base.points, m, axis=0), np.tile(others.points, (n, 1))])
        normals = None if self.normal is None else np.broadcast_to(self.normal, points.shape)
        if base.normals is not None and normals is None:
            normals = np.pad(np.repeat(base.normals, m, axis=0), ((0, 0), (0, others.points.shape[1])))
        return Rule(points, np.multiply.outer(base.weights, others.weights).ravel(), normals)


def gauss(
    low: float, high: float, count: int, most: int = NODES
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Nodes and weights of a composite Gauss-Legendre rule on an interval; `most`: nodes of a panel."""
    panels, nodes = max(count // most, 1), min(count, most)
    z, w = np.polynomial.legendre.leggauss(nodes)
    edges = np.linspace(low, high, panels + 1)
    half = (high - low) / (2 * panels)
    middles = (edges[:-1] + edges[1:]) / 2
    return (middles[:, None] + half * z).ravel(), np.tile(half * w, panels)
