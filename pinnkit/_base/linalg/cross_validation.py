r"""The weight of a penalty in linear least squares, by generalised cross-validation.

Rows of equations, of data with noise, and of a penalty: with λ, the best fit minimises $\lVert r_e \rVert^2 + \lVert
r_d \rVert^2 + \lambda \lVert r_p \rVert^2$. Its error at data that were left out is estimated by $m \lVert r_d
\rVert^2 / (m - \gamma \operatorname{tr} H_d)^2$, with the influence matrix $H_d$ of the m data; γ > 1 guards against
fits to the noise where data are few.

Craven & Wahba, *Smoothing noisy data with spline functions*, Numer. Math. 31, 1979; Kim & Gu, *Smoothing spline
Gaussian regression*, J. R. Statist. Soc. B 66, 2004.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

STEP = 1.5
"""Factor between the values of λ that are tried."""

GAMMA = 1.4
"""By Kim & Gu."""


class Block(NamedTuple):
    """Rows A x + b ≈ 0, rotated so that there are no more of them than columns.

    - `size`: number of rows before; `beyond`: the square sum of those that no x changes.
    """

    A: Float[np.ndarray, "n p"]
    b: Float[np.ndarray, " n"]
    size: int
    beyond: float

    @classmethod
    def of(cls, A: Float[np.ndarray, "m p"], b: Float[np.ndarray, " m"]) -> "Block":
        if len(b) <= A.shape[1]:
            return cls(A, b, len(b), 0.0)
        Q, R = np.linalg.qr(A)
        rotated = Q.T @ b
        return cls(R, rotated, len(b), float(b @ b - rotated @ rotated))

    def times(self, factor: float) -> "Block":
        return Block(factor * self.A, factor * self.b, self.size, factor**2 * self.beyond)


class Misfit(NamedTuple):
    """Of the rows of a block in the best fit: their square sum, and the sum of their leverages."""

    square: float
    leverage: float


class PenaltyWeight(NamedTuple):
    """- `value`: λ; `misfits`: of all blocks there."""

    value: float
    misfits: dict[str, Misfit]


def penalty_weight(
    blocks: Mapping[str, Block], data: Collection[str], penalty: Collection[str], least: float, most: float
) -> PenaltyWeight:
    """λ between `least` and `most`; blocks that are neither data nor penalty are equations."""
    A = np.concatenate([block.A for block in blocks.values()])
    norms = np.linalg.norm(A, axis=0)
    U, s, _ = np.linalg.svd(A[:, norms > 0] / norms[norms > 0], full_matrices=False)
    U = U[:, s > max(A.shape) * np.finfo(float).eps * s[0]]
    ends = np.cumsum([len(block.b) for block in blocks.values()])[:-1]
    parts = dict(zip(blocks, np.split(U, ends), strict=True))
    basis = np.linalg.eigh(sum(parts[name].T @ parts[name] for name in penalty))[1]
    parts = {name: part @ basis for name, part in parts.items()}
    squares = {name: np.sum(part**2, axis=0) for name, part in parts.items()}
    pulled = {name: part.T @ blocks[name].b for name, part in parts.items()}
    total = lambda sums, weight: sum(own * (weight if name in penalty else 1.0) for name, own in sums.items())

    def misfit(name: str, weight: float) -> Misfit:
        inverse = 1 / total(squares, weight)
        r, block = blocks[name].b - parts[name] @ (inverse * total(pulled, weight)), blocks[name]
        factor = weight if name in penalty else 1.0
        return Misfit(float(r @ r) + block.beyond, factor * float(inverse @ squares[name]))

    def error(weight: float) -> float:
        found, count = [misfit(name, weight) for name in data], sum(blocks[name].size for name in data)
        free = count - GAMMA * sum(each.leverage for each in found)
        return sum(each.square for each in found) / free**2 if free > 0 else np.inf

    tried = np.geomspace(most, least, 1 + int(np.ceil(np.log(most / least) / np.log(STEP))))
    value = float(min(tried, key=error))
    return PenaltyWeight(value, {name: misfit(name, value) for name in blocks})
