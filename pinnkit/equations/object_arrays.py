"""Operations on the entries of arrays, whatever these are: numbers, polynomials or formulas."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .._base.tracing.jaxpr import evaluate
from .trace import Node


def filled(shape: tuple[int, ...], entries: Iterable[Any]) -> np.ndarray:
    """An array of objects, from its entries in the order of rows."""
    out = np.empty(math.prod(shape), object)
    for place, entry in enumerate(entries):
        out[place] = entry
    return out.reshape(shape)


def mapped(function: Callable[..., Any], *inputs: np.ndarray) -> np.ndarray:
    """A function of the entries of arrays, which broadcast against each other."""
    first, *others = np.broadcast_arrays(*inputs)
    return filled(first.shape, map(function, first.flat, *(other.flat for other in others)))


def moved(node: Node, inputs: list[np.ndarray]) -> np.ndarray:
    """An operation that only moves entries, applied to the numbers of these."""
    starts = np.cumsum([0, *(entries.size for entries in inputs)])
    numbers = [np.arange(a, a + e.size, dtype=float).reshape(e.shape) for a, e in zip(starts, inputs, strict=False)]
    places = np.asarray(evaluate(node.eqn, numbers)[node.output]).astype(int)
    flat = [entry for entries in inputs for entry in entries.flat]
    return filled(places.shape, (flat[place] for place in places.flat))


def contracted(node: Node, inputs: list[np.ndarray]) -> np.ndarray | None:
    """A `dot_general` without batch dimensions; None for others."""
    (left, right), (batch, _) = node.eqn.params["dimension_numbers"]
    return None if batch else np.asarray(np.tensordot(*inputs, axes=(left, right)), object)
