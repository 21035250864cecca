"""Predicted relative validation losses of what the automatic procedure may do next, from what it has done so far."""

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class LossModel:
    """Predicts the relative validation loss of a wider network, of time windows and of a deep network.

    - `first_gain`: a wider network than the only one so far should leave no more than this share of its loss, if that
      has begun to converge, or if the problem is linear and trying it is cheap;
    - `converging`: relative loss below which a network has begun to converge with its width;
    - `continued`, `stretched`: of continuation and of stretched coordinates, where they succeed, as a share of the loss
      before;
    - `windows`: of time windows, where they succeed;
    - `deep_start`, `deep_order`, `deep_floor`: a deep network leaves about `deep_start` · (T / T₀)^(−`deep_order`)
      after T seconds, with the least T₀ in which it can be trained, and never less than `deep_floor`. Orders from 4 to
      9 were observed on six problems.
    """

    first_gain: float = 0.1
    converging: float = 0.1
    continued: float = 1e-3
    stretched: float = 1e-5
    windows: float = 1e-12
    deep_start: float = 0.3
    deep_order: float = 7.0
    deep_floor: float = 1e-10

    def wider(self, losses: Mapping[int, float], unknowns: int, dimension: int, is_linear: bool) -> float:
        """Of a network with more unknowns, from the losses of those before it by their unknowns.

        The number of correct digits grows with a power of the number of unknowns: with that observed between the last
        two networks, or with 1/d in d dimensions, as for analytic solutions.
        """
        sizes = sorted(losses)[-2:]
        digits = [-math.log10(min(max(losses[size], 1e-300), 1.0)) for size in sizes]
        last, loss = sizes[-1], losses[sizes[-1]]
        if len(sizes) == 1 or digits[0] == 0:
            law = 10.0 ** (-digits[-1] * (unknowns / last) ** (1 / dimension))
            begins = is_linear or loss <= self.converging or (len(sizes) > 1 and loss < losses[sizes[0]])
            return min(law, self.first_gain * loss) if begins else law
        order = math.log(max(digits[1] / digits[0], 1.0)) / math.log(last / sizes[0])
        return 10.0 ** (-digits[1] * (unknowns / last) ** order)

    def deep(self, seconds: float, least_seconds: float) -> float:
        """Of a deep network that is trained for these seconds."""
        if seconds <= least_seconds:
            return self.deep_start
        return max(self.deep_start * (max(least_seconds, 1e-9) / seconds) ** self.deep_order, self.deep_floor)
