"""Points with their normals and data columns."""

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
