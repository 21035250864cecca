r"""Sines whose frequencies are a lattice: nearly products of waves in space with polynomials in time.

The sines $\sin(k \cdot z + \phi)$, $\phi \in \{0, \pi/2\}$, with all k of a lattice and its mirror images span the
products of $\cos k_a z_a$ and $\sin k_a z_a$ over all coordinates a. In a periodic coordinate the lattice constant is
the base frequency. In others the waves have a period longer than the domain by a factor T, so that functions that are
not periodic are represented too, with an error of about $\cot(\pi/4T)^{-2M}$ for M waves: T is the smallest for which
that is rounding error. In time the lattice constant is small and the sines are nearly polynomials: the error falls with
a power of the length of a window.

Huybrechs, *On the Fourier extension of nonperiodic functions*, SIAM J. Numer. Anal. 47, 2010; Adcock & Huybrechs,
*Frames and numerical approximation*, SIAM Review 61, 2019.
"""

import itertools
from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ...networks.random_features import SineFeatures

LEAST_ERROR, LONGEST = 1e-14, 2.0
"""Error of the representation of functions that are not periodic, and the largest T."""

TIME_SPACING = 0.5
"""Lattice constant in time, in radians per half of a window."""


def extension(waves: float) -> float:
    """The period of waves over the length of a coordinate that is not periodic, for their number."""
    return min(np.pi / (4 * np.arctan(LEAST_ERROR ** (1 / (2 * waves)))), LONGEST)


def spacing_of(reach: float, periodic: bool) -> float:
    """The lattice constant in a coordinate of space with frequencies up to `reach`, in radians per half of it."""
    if periodic:
        return np.pi
    waves = max(reach / np.pi, 1.0)
    for _ in range(100):
        waves = max(reach * extension(waves) / np.pi, 1.0)
    return np.pi / extension(waves)


def reach_of(waves: float, periodic: bool) -> float:
    """The highest frequency of a number of waves."""
    return waves * np.pi if periodic else waves * np.pi / extension(waves)


def lattice(
    width: int, reach: Sequence[float], spacing: Sequence[float], time: int | None = None
) -> tuple[Float[np.ndarray, "k d"], Float[np.ndarray, " k"]]:
    """Frequencies and phases of `width` sines, those of lowest frequency relative to `reach` first.

    - `reach`: in proportion to the highest frequency along each coordinate; `spacing`: lattice constants;
    - `time`: the axis along which frequencies go up to `reach` for any width, unless it is the only one.
    """
    reach_, spacing_ = np.asarray(reach, float), np.asarray(spacing, float)
    free = np.array([axis != time or len(reach_) == 1 for axis in range(len(reach_))])
    scale, needed = 1.0, -(-width // 2)
    while len(points := _half(np.where(free, scale, 1.0) * reach_ / spacing_)) < needed:
        scale *= 1.1
    size = (np.abs(points) * spacing_ / reach_)[:, free].max(axis=1)
    chosen = points[np.lexsort((np.abs(points).sum(axis=1), size.round(9)))[:needed]]
    phases = np.tile([0.0, np.pi / 2], needed)[:width]
    return np.repeat(chosen * spacing_, 2, axis=0)[:width], phases


def on_lattice(
    network: SineFeatures, frequency: Float[np.ndarray, "k d"], phase: Float[np.ndarray, " k"]
) -> SineFeatures:
    """The network with other frequencies and phases."""
    replaced = jnp.asarray(frequency), jnp.asarray(phase)
    return eqx.tree_at(lambda network: (network.frequency, network.phase), network, replaced)


def _half(most: Float[np.ndarray, " d"]) -> Float[np.ndarray, "n d"]:
    """Integer points of a box around zero, one of each pair of opposite ones, without zero."""
    ranges = [np.arange(-int(n + 1e-9), int(n + 1e-9) + 1) for n in most]
    points = np.array(list(itertools.product(*ranges)), float)
    return points[len(points) // 2 + 1 :]
