"""Dense points of the conditions, at which they are evaluated apart from training."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ..equations.problem import Problem
from ..geometry.region import AbstractRegion
from ..residuals.functions import Batch
from ..samplers.sampler import batch_of
from ..samplers.space_filling import QuasiRandom

FULL, FACE = 4096, 1024
"""Points of a region of full dimension, and of each part of one that has fewer dimensions but is no finite set."""

AT_ENDS, INSIDE = 4, 1e-6
"""One point in so many is moved to corners, edges and ends of its region, or so close to the boundary of an interior,
which does not belong to it: equations may be singular there."""


def dense_points(
    problem: Problem, seed: int, full: int = FULL, face: int = FACE
) -> tuple[Batch, dict[str, np.ndarray]]:
    """Points of every region with its corners and ends, and which of them fill it evenly; all points of finite sets.

    - `full`, `face`: numbers of points of regions of full dimension, and of each part of others.
    """
    found = {name: _layout(condition.on, seed, full, face) for name, condition in problem.conditions.items()}
    batch = batch_of(problem, {name: jnp.asarray(unit) for name, (unit, _) in found.items()})
    return jax.tree.map(np.asarray, batch), {name: even for name, (_, even) in found.items()}


def _layout(region: AbstractRegion, seed: int, full: int, face: int) -> tuple[Float[np.ndarray, "n k"], np.ndarray]:
    """Points of the unit cube of a region, and which of them fill it evenly."""
    if region.count is not None:
        return np.zeros((region.count, region.dimension)), np.ones(region.count, bool)
    blocks = []
    for number, count in enumerate(region.parts(face * region.least if region.has_normal else full)):
        block = np.array(QuasiRandom().layout(region, count, seed + number))
        inside = count - count // AT_ENDS
        block[inside:] = _to_ends(block[inside:], 0.0 if region.has_normal else INSIDE)
        blocks.append((block, np.arange(count) < inside))
    units, even = zip(*blocks, strict=True)
    return np.concatenate(units), np.concatenate(even)


def _to_ends(unit: Float[np.ndarray, "n k"], distance: float) -> Float[np.ndarray, "n k"]:
    """Points of the unit cube moved to its corners, edges and faces in turn, up to a distance."""
    patterns = itertools.cycle(itertools.product((distance, 1.0 - distance, math.nan), repeat=unit.shape[1]))
    ends = np.array(list(itertools.islice(patterns, len(unit)))).reshape(unit.shape)
    return np.where(np.isnan(ends), unit, ends)
