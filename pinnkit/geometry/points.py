"""Points with their normals and data columns."""

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float


class Points(eqx.Module):
    """Points of one condition, with normals and data.

    - `coordinates`: shape `(n, d)`, columns in the order of the domain's coordinates;
    - `normals`: outward unit normals of shape `(n, d)` on a boundary, else None;
    - `columns`: measured or prescribed values at the points, each of shape `(n,)`.
    """

    coordinates: Float[Array, "n d"]
    normals: Float[Array, "n d"] | None
    columns: dict[str, Float[Array, " n"]]

    def __len__(self) -> int:
        return self.coordinates.shape[0]

    def thinned(self, most: int) -> "Points":
        """At most `most` of the points, evenly spaced by number, the first and the last among them."""
        rows = np.linspace(0, len(self) - 1, min(len(self), most)).round().astype(int)
        return jax.tree.map(lambda column: column[rows], self)
