r"""How values at scattered points vary: the number of half-waves along each coordinate that explains most of them.

With every coordinate scaled to $\hat s \in [0, 1]$ over a box, the variations with wave numbers
$k = (k_1, \dots, k_d)$ are

$$B_k = \operatorname{span} \Big\{ \prod_j f_j(\pi k_j \hat s_j) : f_j \in \{\cos, \sin\} \Big\},$$

$k_j$ half-waves along coordinate $j$ at any phase, constant in it for $k_j = 0$. The share of $v$ that $k$
explains is that of its least-squares fit, $\lVert P_{B_k} v \rVert^2 / \lVert v \rVert^2$: the periodogram of
unevenly spaced data (Lomb, *Astrophys. Space Sci.* 39, 1976; Scargle, *Astrophys. J.* 263, 1982) in $d$ coordinates.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from .._base.arguments import as_double
from .._base.errors import InputError
from .._base.words import listed

LEAST_SHARE = 0.5
"""Wave numbers that explain no more than this are not dominant."""

LEAST_CONFIDENCE = 0.99
"""Confidence at which a dominant frequency differs from white noise."""

SAME_SHARE = 0.01
"""Difference below which shares are equal; the fewest half-waves are then preferred."""

MOST_CANDIDATES = 4096
"""Most candidates; with more coordinates the largest wave numbers are smaller."""

ENTRIES = 2**18
"""Values of functions per batch: 2 MiB, which fit into caches."""


@dataclass(frozen=True)
class ModeFrequency:
    """The dominant frequency of a mode.

    - `half_waves`: number of half-waves along each coordinate by name; None where no frequency is dominant.
      A coordinate that is the same at all points does not occur.
    - `share`: share of the squared norm that the best wave numbers explain, adjusted for the number of
      functions they were fitted with; at most 1, and about 0 for noise (it may be negative).
    """

    half_waves: dict[str, int] | None
    share: float

    def __str__(self) -> str:
        """As in `about 6 half-waves in x, 1 in t` or `constant in x and t`."""
        if self.half_waves is None:
            return "no dominant frequency"
        words = []
        for name, k in self.half_waves.items():
            if k:
                words.append(f"{k} in {name}" if words else f"about {k} half-wave{'s' if k > 1 else ''} in {name}")
        if rest := [name for name, k in self.half_waves.items() if not k]:
            words.append(f"constant in {listed(rest)}")
        return ", ".join(words) or "constant"


def dominant_frequencies(
    vectors: ArrayLike, points: ArrayLike, names: Sequence[str], bounds: ArrayLike | None = None
) -> list[ModeFrequency]:
    r"""The dominant frequency of each column of `vectors`, such as the eigenvectors of a kernel.

    Tried are the wave numbers with $\prod_j (k_j + 1) \le n$ that the points can tell apart, a hyperbolic
    cross: up to $n$ half-waves along one coordinate, $\sqrt n$ along two at a time; fewer where that would be
    more than 4096. They are compared by their adjusted shares, $1 - (1 - R^2) \, n / (n - q)$ for a fit $R^2$
    with $q$ functions, and of almost equal ones (aliases, clustered points) the fewest half-waves are taken.
    They are dominant if they explain more than half, and more than the best of all candidates would explain
    of white noise in 99 % of cases (Bonferroni's bound; $R^2$ is then of distribution Beta($q/2$, $(n-q)/2$)).

    Sums run over the points as they are, so regions with many points count more.

    **Arguments:**

    - `vectors`: shape `(n, k)`;
    - `points`: their places, shape `(n, d)`; points may be repeated;
    - `names`: of the `d` coordinates;
    - `bounds`: lower and upper corner of the box over which half-waves are counted, shape `(2, d)`; by default
      the extent of the points, which is a little less than the box they were drawn from.

    **Raises:** `ValueError` for shapes that do not fit, values that are not finite, and a box without extent.
    """
    modes, _ = as_double("vectors", vectors, ndim=2)
    places, _ = as_double("points", points, ndim=2)
    extent = np.stack([places.min(axis=0), places.max(axis=0)])
    box = extent if bounds is None else as_double("bounds", bounds, ndim=2)[0]
    n, d = places.shape
    if not (len(modes) == n and len(names) == d and box.shape == (2, d)):
        raise InputError(
            f"`vectors`, `points`, `names` and `bounds` must be of shapes (n, k), (n, d), (d,) and (2, d); "
            f"they have shapes {modes.shape}, {places.shape}, ({len(names)},) and {box.shape}"
        )
    varying = np.flatnonzero(np.diff(extent, axis=0))
    scaled = _scaled(places[:, varying], box[:, varying])
    wave_numbers = _wave_numbers(scaled)
    shares, sizes = _explained(modes, scaled, wave_numbers)
    found = (_dominant(column, sizes, n) for column in shares.T)
    half_waves = [dict(zip((names[j] for j in varying.tolist()), k, strict=True)) for k in wave_numbers.tolist()]
    return [ModeFrequency(None if best is None else half_waves[best], share) for best, share in found]


def _scaled(places: Float[np.ndarray, "n d"], box: Float[np.ndarray, "2 d"]) -> Float[np.ndarray, "n d"]:
    low, high = box
    if not (low < high).all():
        raise InputError(f"`bounds` must be a lower and an upper corner; they are {low} and {high}")
    return (places - low) / (high - low)


def _wave_numbers(scaled: Float[np.ndarray, "n d"]) -> Int[np.ndarray, "c d"]:
    """The candidates, fewest half-waves first."""
    distinct = [np.unique(column.round(9)).size for column in scaled.T]
    found, reach = [(0,) * len(distinct)], 1
    while reach < len(scaled):
        reach = min(2 * reach, len(scaled))
        cross = _hyperbolic_cross(distinct, reach)
        if len(cross) > MOST_CANDIDATES:
            break
        found = cross
    out = np.array(sorted(found, key=sum), int)
    return out.reshape(len(found), scaled.shape[1])


def _hyperbolic_cross(distinct: list[int], reach: int) -> list[tuple[int, ...]]:
    r"""All $k$ with $\prod_j (k_j + 1) \le$ `reach` and each $k_j$ below the number of distinct values."""
    rows: list[tuple[int, tuple[int, ...]]] = [(reach, ())]
    for count in distinct:
        rows = [(left // (k + 1), (*row, k)) for left, row in rows for k in range(min(count, left))]
    return [row for _, row in rows]


def _explained(
    modes: Float[np.ndarray, "n k"], scaled: Float[np.ndarray, "n d"], wave_numbers: Int[np.ndarray, "c d"]
) -> tuple[Float[np.ndarray, "c k"], Int[np.ndarray, " c"]]:
    """What each candidate explains of each mode, and the dimension of its space on the points."""
    peaks = np.abs(modes).max(axis=0)
    scaled_modes = modes / np.where(peaks > 0, peaks, 1.0)
    units = scaled_modes / np.maximum(np.linalg.norm(scaled_modes, axis=0), 1.0)
    shares, sizes = np.empty((len(wave_numbers), modes.shape[1])), np.empty(len(wave_numbers), int)
    oscillating = wave_numbers > 0
    for pattern in np.unique(oscillating, axis=0):
        members = np.flatnonzero((oscillating == pattern).all(axis=1))
        parts = math.ceil(members.size * len(modes) * 2 ** pattern.sum() / ENTRIES)
        for part in np.array_split(members, parts):
            functions = _functions(scaled[:, pattern], wave_numbers[part][:, pattern])
            shares[part], sizes[part] = _projected(functions, units)
    return shares, sizes


def _functions(scaled: Float[np.ndarray, "n e"], wave_numbers: Int[np.ndarray, "c e"]) -> Float[np.ndarray, "c q n"]:
    r"""The $q = 2^e$ functions that span each $B_k$, all $k_j$ positive, at the points."""
    functions = np.ones((len(wave_numbers), 1, len(scaled)))
    for column, numbers in zip(scaled.T, wave_numbers.T, strict=True):
        distinct, places = np.unique(numbers, return_inverse=True)
        phase = np.pi * np.outer(distinct, column)
        pair = np.stack([np.cos(phase), np.sin(phase)], axis=1)[places]
        functions = (functions[:, :, None] * pair[:, None]).reshape(len(numbers), -1, len(column))
    return functions


def _projected(
    functions: Float[np.ndarray, "c q n"], units: Float[np.ndarray, "n k"]
) -> tuple[Float[np.ndarray, "c k"], Int[np.ndarray, " c"]]:
    r"""$\lVert P v \rVert^2$ onto the span of each set of functions, and its dimension.

    The Gram matrix of a set has trace `n`; its eigenvectors below $10^{-10} n$ are functions that vanish on
    the points, such as $\sin \pi \hat s$ at both ends.
    """
    squares, axes = np.linalg.eigh(functions @ functions.swapaxes(1, 2))
    kept = squares > 1e-10 * len(units)
    inner = axes.swapaxes(1, 2) @ (functions @ units)
    weights = np.divide(1.0, squares, out=np.zeros_like(squares), where=kept)
    return np.einsum("cq,cqk->ck", weights, inner**2), kept.sum(axis=1)


def _dominant(shares: Float[np.ndarray, " c"], sizes: Int[np.ndarray, " c"], n: int) -> tuple[int | None, float]:
    """Which candidate is dominant, if one is, and the adjusted share of the best."""
    import scipy.special

    free = np.maximum(n - sizes, 0)
    adjusted = np.where(free > 0, 1 - (1 - shares) * n / np.maximum(free, 1), 0.0)
    best = int(np.argmax(adjusted >= adjusted.max() - SAME_SHARE))
    if adjusted[best] <= LEAST_SHARE:
        return None, float(adjusted[best])
    by_chance = shares.size * scipy.special.betainc(free[best] / 2, sizes[best] / 2, max(1 - shares[best], 0.0))
    return (best if by_chance < 1 - LEAST_CONFIDENCE else None), float(adjusted[best])
