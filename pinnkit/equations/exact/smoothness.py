"""Whether prescribed values are as smooth as the equations need them.

If the values of a condition become part of the ansatz, the equations differentiate them. Collocation points do not see
a kink or a jump between them: the equations could hold everywhere else without the ansatz being a solution.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..._base.tracing.dependence import BROKEN, KNOWN, SMOOTH, STEADY, dependence
from ..problem import Problem
from .face_values import FaceValue, box_of, derived, on_face, prescribed

_CELLS, _NODES, _LINES = 512, 4, 4

MISMATCH = 1e-3
"""Share of its range by which a derivative may differ from the integral of the next one, over one cell of a line."""

ROUNDING = 1e-9
"""Share of the largest value below which differences are rounding."""


def roughness(problem: Problem, face_values: Sequence[FaceValue]) -> str | None:
    """Why prescribed values, or their derivatives in the equations, may have a kink; None if they are smooth.

    Along each axis of the face they must depend on the coordinate through analytic operations alone, and on lines along
    it the change of every derivative must be the integral of the next one.
    """
    for face_value in face_values:
        for axis, name in enumerate(problem.domain.coordinates):
            if axis == face_value.axis or not (highest := problem.highest_orders(axis)[face_value.output]):
                continue
            edges, at_edges, at_nodes = _line(problem, face_value, axis, highest)
            if (found := _mismatch(edges, at_edges[..., :-1], at_nodes[..., 1:])) is not None:
                order, where = found
                what = "values are" if not order else f"values have a derivative of order {order} that is"
                return f"its {what} not continuous near {name} = {where:.2g}"
            if _is_broken(problem, face_value, axis):
                return (
                    f"its values depend on {name} through a comparison, such as `where`, `abs` or `maximum`, so "
                    "nothing proves that they are smooth"
                )
    return None


def _is_broken(problem: Problem, face_value: FaceValue, axis: int) -> bool:
    """Whether the prescribed values depend on a coordinate through other than analytic operations."""
    point = [jnp.asarray(value) for value in on_face(box_of(problem, face_value.condition), face_value)[-1]]
    levels = [SMOOTH if i == axis else STEADY for i in range(len(point))]
    levels[face_value.axis] = KNOWN
    (found,) = dependence(lambda *x: [prescribed(problem, face_value)(x)], point, levels)
    return bool(found.levels == BROKEN)


def _line(
    problem: Problem, face_value: FaceValue, axis: int, highest: int
) -> tuple[Float[np.ndarray, " e"], Float[np.ndarray, "l e k"], Float[np.ndarray, "l c q k"]]:
    """Edges of cells on lines along an axis of a face, and derivatives there and at the Gauss points of the cells."""
    box = box_of(problem, face_value.condition)
    edges = np.linspace(box.lower[axis], box.upper[axis], _CELLS + 1)
    gauss = (np.polynomial.legendre.leggauss(_NODES)[0] + 1) / 2
    nodes = edges[:-1, None] + np.diff(edges)[:, None] * gauss
    lines = on_face(box, face_value)[: 1 if box.dimension == 2 else _LINES]
    datum = prescribed(problem, face_value)

    @jax.jit
    def values(x: Float[Array, "n d"]) -> Float[Array, "n k"]:
        return jnp.stack([jax.vmap(derived(datum, ((axis, k),)))(x) for k in range(highest + 1)], axis=-1)

    places = np.concatenate([edges, nodes.ravel()])
    x = np.repeat(lines[:, None], len(places), axis=1)
    x[:, :, axis] = places
    found = np.asarray(values(jnp.asarray(x.reshape(-1, box.dimension)))).reshape(len(lines), len(places), -1)
    at_edges, at_nodes = np.split(found, [len(edges)], axis=1)
    return edges, at_edges, at_nodes.reshape(len(lines), *nodes.shape, -1)


def _mismatch(
    edges: Float[np.ndarray, " e"], below: Float[np.ndarray, "l e k"], above: Float[np.ndarray, "l c q k"]
) -> tuple[int, float] | None:
    """The first order whose derivative is not the integral of the next one, and where; None if all are."""
    weights = np.polynomial.legendre.leggauss(_NODES)[1] / 2
    grown, cells = np.diff(below, axis=1), np.diff(edges)
    wrong = np.abs(grown - np.einsum("c,q,lcqk->lck", cells, weights, above))
    wrong = np.nan_to_num(wrong, nan=np.inf).max(axis=0)
    allowed = MISMATCH * np.ptp(below, axis=(0, 1)) + ROUNDING * np.abs(below).max(axis=(0, 1))
    for order in range(below.shape[-1]):
        cell = int(np.argmax(wrong[:, order]))
        if not wrong[cell, order] <= allowed[order]:  # what is not finite is wrong
            return order, float((edges[cell] + edges[cell + 1]) / 2)
    return None
