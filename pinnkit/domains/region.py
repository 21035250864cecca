"""A region is a map from the unit cube: what every part of a domain has in common."""

import abc
from typing import ClassVar

import equinox as eqx
from jaxtyping import Array, Float


class Points(eqx.Module):
    """Points of one condition, with what is known at them.

    - `coordinates`: shape `(n, d)`, columns in the order of the domain's coordinates;
    - `normals`: outward unit normals of shape `(n, d)` on a boundary, else None;
    - `columns`: measured or prescribed values at the points, each of shape `(n,)`.
    """

    coordinates: Float[Array, "n d"]
    normals: Float[Array, "n d"] | None
    columns: dict[str, Float[Array, " n"]]

    def __len__(self) -> int:
        return self.coordinates.shape[0]


class AbstractRegion(eqx.Module):
    """A part of a domain, parametrised by the unit cube of `dimension` coordinates.

    - `coordinates`: names of the domain's coordinates;
    - `dimension`: dimension of the region itself;
    - `count`: number of points of a region that is a finite set, else None;
    - `least`: smallest number of points that represents the region at all.
    """

    coordinates: eqx.AbstractVar[tuple[str, ...]]
    dimension: eqx.AbstractVar[int]
    count: eqx.AbstractVar[int | None]
    least: eqx.AbstractVar[int]
    has_normal: ClassVar[bool] = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the values known at the points."""
        return ()

    def parts(self, n: int) -> tuple[int, ...]:
        """How many of `n` points lie on each part of the region, such as the faces of a box, in their order."""
        return (n,)

    @abc.abstractmethod
    def points(self, unit: Float[Array, "n k"]) -> Points:
        """The images of `n` points of the unit cube; uniform points stay uniform. A finite set ignores them."""
