"""Several networks as one, for fields on different domains."""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float


class FieldNetworks(eqx.Module):
    """The outputs of several networks, each a function of some of the coordinates.

    - `networks`: one for each domain; `axes`: for each, the coordinates that it takes;
    - `outputs`: for each field, in their order, the number of its network and its first and last output there.
    """

    networks: tuple[eqx.Module, ...]
    axes: tuple[tuple[int, ...], ...] = eqx.field(static=True)
    outputs: tuple[tuple[int, int, int], ...] = eqx.field(static=True)

    def __init__(
        self,
        networks: Sequence[eqx.Module],
        axes: Sequence[tuple[int, ...]],
        outputs: Sequence[tuple[int, int, int]],
    ):
        self.networks, self.axes, self.outputs = tuple(networks), tuple(axes), tuple(outputs)

    def __call__(self, x: Float[Array, " d"]) -> Float[Array, " m"]:
        found = [network(_chosen(x, axes)) for network, axes in zip(self.networks, self.axes, strict=True)]  # pyright: ignore[reportCallIssue]
        return jnp.concatenate([found[number][first:last] for number, first, last in self.outputs])


def _chosen(x: Float[Array, " d"], axes: tuple[int, ...]) -> Float[Array, " k"]:
    return x if axes == tuple(range(len(x))) else jnp.concatenate([x[axis : axis + 1] for axis in axes])
